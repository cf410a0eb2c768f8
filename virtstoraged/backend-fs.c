/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools that are file systems of their own: of a block device (fs), or of a server (netfs). Started by
 * mounting at the target, unless it is mounted there already; the rest is as with a plain directory.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <libvirt/libvirt.h>
#include <mntent.h>
#include <stdio.h>

#include "base/str.h"
#include "rpc/client.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/device.h"
#include "virtstoraged/file.h"
#include "virtstoraged/storaged.h"

/* A server that is down is tried for minutes by mount itself. */
#define MOUNT_USEC SECONDS(200)

/* ---- what is mounted ---- */

/* The kernel's list: reading it waits for no server. */
static bool is_mounted(const char *path)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    struct mntent entry;
    char room[8192];
    bool found = false;

    while (table && !found && getmntent_r(table, &entry, room, sizeof(room)))
        found = str_eq(entry.mnt_dir, path);
    if (table)
        endmntent(table);
    return found;
}

static int fs_check(struct req *rq, struct pool *pool, bool *ret_active)
{
    *ret_active = is_mounted(pool->def->path);
    return 0;
}

/* What is mounted, as mount wants it. */
static const char *source_of(struct req *rq, const struct pool_def *def)
{
    const struct pool_source *source = &def->source;

    if (def->type == POOL_FS)
        return source->devices[0]->path;
    if (str_eq(source->format, "cifs"))
        return arena_printf(&rq->arena, "//%s%s%s", source->hosts[0]->name, source->dir[0] == '/' ? "" : "/",
                            source->dir);
    return arena_printf(&rq->arena, "%s:%s", source->hosts[0]->name, source->dir);
}

static void add_option(struct buf *options, const char *word)
{
    buf_add_char(options, ',');
    buf_add_string(options, word);
}

static int add_options(struct req *rq, struct tool *tool, const struct pool_def *def)
{
    const struct pool_source *source = &def->source;
    auto_buf struct buf options = {0};

    /* images are data: nothing in them is to be run, nor to be a device, on the host */
    buf_add_string(&options, "nodev,nosuid,noexec");
    if (str_eq(source->format, "cifs"))
        add_option(&options, "guest");
    if (str_eq(source->format, "glusterfs"))
        add_option(&options, "direct-io-mode=1");
    if (source->protocol) {
        if (!str_only(source->protocol, "0123456789."))
            return err_set(&rq->err, ERR_XML_ERROR, "'%s' is no version of a protocol", source->protocol);
        add_option(&options, arena_printf(&rq->arena, "nfsvers=%s", source->protocol));
    }
    for (size_t i = 0; i < def->n_mount_options; i++)
        add_option(&options, def->mount_options[i]->name);
    tool_add(rq, tool, "-o", buf_text(&options), NULL);
    return 0;
}

static int fs_start(struct req *rq, struct pool *pool)
{
    const struct pool_def *def = pool->def;
    struct tool tool = {0};

    if (is_mounted(def->path))
        return 0;
    if (def->source.n_devices > 1 || def->source.n_hosts > 1)
        return err_set(&rq->err, ERR_XML_ERROR, "Expected exactly 1 %s for the storage pool",
                       def->type == POOL_FS ? "device" : "host");
    tool_add(rq, &tool, "mount", NULL);
    if (add_options(rq, &tool, def) < 0)
        return -1;
    if (def->type == POOL_FS || !str_eq(def->source.format, "auto"))
        tool_add(rq, &tool, "-t", def->source.format, NULL);
    tool_add(rq, &tool, source_of(rq, def), def->path, NULL);
    return tool_run(rq, &tool, MOUNT_USEC, NULL);
}

static int fs_stop(struct req *rq, struct pool *pool)
{
    struct tool tool = {0};

    if (!is_mounted(pool->def->path))
        return 0;
    tool_add(rq, &tool, "umount", pool->def->path, NULL);
    return tool_run(rq, &tool, MOUNT_USEC, NULL);
}

/* ---- making a file system ---- */

static int make_fs(struct req *rq, const struct pool_def *def, bool overwrite)
{
    const char *device = def->source.devices[0]->path, *format = def->source.format;
    struct tool tool = {0};

    if (str_eq(format, "auto"))
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "No source format specified when formatting pool '%s'", def->name);
    if (!overwrite && device_check_empty(rq, device) < 0)
        return -1;
    tool_addf(rq, &tool, "mkfs.%s", format);
    if (str_eq(format, "xfs"))
        tool_add(rq, &tool, "-f", NULL);
    else if (str_after(format, "ext"))
        tool_add(rq, &tool, "-q", "-F", NULL);
    tool_add(rq, &tool, device, NULL);
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

static int fs_build(struct req *rq, struct pool *pool, unsigned flags)
{
    unsigned format = flags & (VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE);

    if (method_flags(rq, flags & ~format, 0) < 0 || dir_build(rq, pool, 0) < 0)
        return -1;
    if (!format)
        return 0;
    return make_fs(rq, pool->def, format & VIR_STORAGE_POOL_BUILD_OVERWRITE);
}

static bool fs_same(const struct pool_def *a, const struct pool_def *b)
{
    return str_eq(a->path, b->path) || str_eq(a->source.devices[0]->path, b->source.devices[0]->path);
}

const struct backend fs_backend = {
    .check = fs_check,
    .start = fs_start,
    .stop = fs_stop,
    .build = fs_build,
    .erase = dir_erase,
    .refresh = dir_refresh,
    .same = fs_same,
    FILE_VOLUMES,
};

/* ---- netfs ---- */

static bool netfs_same(const struct pool_def *a, const struct pool_def *b)
{
    return str_eq(a->source.hosts[0]->name, b->source.hosts[0]->name) && str_eq(a->source.dir, b->source.dir);
}

/* "/export/images 192.0.2.0/24": what the server lets others mount. */
static void add_exports(const struct pool_source *where, char *text, struct buf *sources)
{
    for (char *line = text, *next; line && *line; line = next) {
        size_t length;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        length = strcspn(line, " \t");
        if (line[0] != '/')
            continue;
        line[length] = '\0';
        buf_add_string(sources, "  <source>\n    <host name='");
        buf_add_xml(sources, where->hosts[0]->name);
        buf_add_string(sources, "'/>\n    <dir path='");
        buf_add_xml(sources, line);
        buf_add_string(sources, "'/>\n    <format type='nfs'/>\n  </source>\n");
    }
}

static int netfs_find_sources(struct req *rq, const struct pool_source *where, struct buf *text)
{
    struct tool tool = {0};
    struct buf out = {0};
    auto_free char *list = NULL;

    if (where->n_hosts != 1)
        return err_set(&rq->err, ERR_INVALID_ARG, "hostname must be specified for netfs sources");
    tool_add(rq, &tool, "showmount", "--no-headers", "--exports", "--", where->hosts[0]->name, NULL);
    if (tool_run(rq, &tool, TOOL_SHORT, &out) < 0)
        return -1;
    list = buf_steal(&out);
    add_exports(where, list, text);
    return 0;
}

const struct backend netfs_backend = {
    .check = fs_check,
    .start = fs_start,
    .stop = fs_stop,
    .build = dir_build,
    .erase = dir_erase,
    .refresh = dir_refresh,
    .same = netfs_same,
    .find_sources = netfs_find_sources,
    FILE_VOLUMES,
};
