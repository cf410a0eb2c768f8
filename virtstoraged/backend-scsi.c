/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools whose volumes are the logical units of a SCSI host: of an adapter (scsi), or of a session with a
 * target (iscsi). Units are made and removed elsewhere; here they are found. What sysfs says needs no
 * waiting.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/device.h"
#include "virtstoraged/file.h"

#define SCSI_DEVICES "/sys/bus/scsi/devices"
#define ISCSI_SESSIONS "/sys/class/iscsi_session"
enum { SECTOR = 512, TYPE_DISK = 0, TYPE_RBC = 14 };

/* ---- units of a host ---- */

/* One line of a file of sysfs as a number. */
static bool read_number(const char *path, uint64_t *ret)
{
    auto_free char *line = NULL;

    return file_read_line(AT_FDCWD, path, &line) >= 0 && str_to_u64(line, ret) >= 0;
}

/* A name for the device that stays, in the pool's directory; the device itself when there is none. */
static char *stable_path(struct arena *arena, const struct pool *pool, const char *device)
{
    auto_strv char **links = NULL;
    const char *dir = pool->def->path;

    if (str_eq(dir, "/dev") || file_list(AT_FDCWD, dir, &links) < 0)
        return arena_printf(arena, "/dev/%s", device);
    for (char **link = links; *link; link++) {
        auto_free char *path = mem_printf("%s/%s", dir, *link);
        char target[256];
        ssize_t length = readlink(path, target, sizeof(target) - 1);

        if (length <= 0)
            continue;
        target[length] = '\0';
        if (str_eq(strrchr(target, '/') ? strrchr(target, '/') + 1 : target, device))
            return arena_strdup(arena, path);
    }
    return arena_printf(arena, "/dev/%s", device);
}

/* What the unit says of itself; its path when it says nothing. */
static char *key_of(struct req *rq, struct arena *arena, const char *path)
{
    struct tool tool = {0};
    struct buf out = {0};
    auto_free char *text = NULL;
    const char *key = "";

    tool_add(rq, &tool, "/lib/udev/scsi_id", "--replace-whitespace", "--whitelisted", "--device", path, NULL);
    if (tool_run(rq, &tool, TOOL_SHORT, &out) >= 0) {
        text = buf_steal(&out);
        key = str_trim(text);
    }
    err_clear(&rq->err);
    return arena_strdup(arena, *key ? key : path);
}

/* address: "HOST:BUS:TARGET:LUN", a directory of sysfs. Units that are no disks are left out. */
static void add_unit(struct req *rq, struct pool *pool, struct map *found, const char *address)
{
    auto_free char *type_path = mem_printf(SCSI_DEVICES "/%s/type", address);
    auto_free char *block_path = mem_printf(SCSI_DEVICES "/%s/block", address);
    auto_free char *name = mem_printf("unit:%s", strchr(address, ':') + 1);
    auto_free char *size_path = NULL;
    auto_strv char **devices = NULL;
    struct arena arena = {0};
    struct volume_def *def;
    uint64_t type, sectors;

    if (!read_number(type_path, &type) || (type != TYPE_DISK && type != TYPE_RBC) ||
        file_list(AT_FDCWD, block_path, &devices) < 0 || !devices || !devices[0])
        return;
    size_path = mem_printf("%s/%s/size", block_path, devices[0]);
    if (!read_number(size_path, &sectors))
        return;
    def = device_def_new(&arena, name, stable_path(&rq->arena, pool, devices[0]), sectors * SECTOR);
    def->key = key_of(rq, &arena, def->target.path);
    map_put(found, def->name, volume_new(pool, &arena, def));
}

/* Everything that was found becomes the pool. */
static void take_units(struct pool *pool, struct map *found)
{
    struct pool_def *def = pool->def;
    struct volume *volume;

    pool_clear_volumes(pool);
    def->capacity = def->available = 0;
    MAP_FOREACH(found, volume) {
        def->capacity += volume->def->capacity.value;
        pool_add_volume(pool, volume);
        volume_unref(volume);
    }
    def->allocation = def->capacity;
    map_done(found);
}

static int refresh_host(struct req *rq, struct pool *pool, unsigned host)
{
    auto_free char *prefix = mem_printf("%u:", host);
    auto_strv char **addresses = NULL;
    struct map found = {0};
    struct tool settle = {0};
    int r;

    /* links to new devices are made by udev */
    tool_add(rq, &settle, "udevadm", "settle", "--timeout=30", NULL);
    (void)tool_run(rq, &settle, TOOL_SHORT, NULL);
    err_clear(&rq->err);
    r = file_list(AT_FDCWD, SCSI_DEVICES, &addresses);
    if (r < 0)
        return err_system(&rq->err, r, "cannot read '%s'", SCSI_DEVICES);
    for (char **address = addresses; *address; address++)
        if (str_after(*address, prefix))
            add_unit(rq, pool, &found, *address);
    take_units(pool, &found);
    return 0;
}

/* Look for units that came; a host that can't be asked (a virtual one) knows all of them already. */
static void rescan_host(unsigned host)
{
    auto_free char *path = mem_printf("/sys/class/scsi_host/host%u/scan", host);
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)!write(fd, "- - -", strlen("- - -"));
}

/* ---- scsi ---- */

static int adapter_host(struct req *rq, const struct pool *pool, unsigned *ret)
{
    const struct pool_adapter *adapter = pool->def->source.adapter;
    const char *digits;
    uint32_t host;

    if (adapter->type != ADAPTER_SCSI_HOST || !adapter->name)
        return err_set(
            &rq->err, ERR_NO_SUPPORT,
            "only adapters of type scsi_host that are named (<adapter name='host0'/>) are supported");
    digits = str_after(adapter->name, "scsi_host");
    if (!digits)
        digits = str_after(adapter->name, "host");
    if (!digits || str_to_u32(digits, &host) < 0)
        return err_set(&rq->err, ERR_XML_ERROR, "Invalid adapter name '%s' for SCSI pool", adapter->name);
    *ret = host;
    return 0;
}

static int scsi_start(struct req *rq, struct pool *pool)
{
    auto_free char *path = NULL;
    unsigned host;

    if (adapter_host(rq, pool, &host) < 0)
        return -1;
    path = mem_printf("/sys/class/scsi_host/host%u/scan", host);
    if (access(path, W_OK) < 0)
        return err_system(&rq->err, errno, "Could not open '%s' to trigger host scan", path);
    return 0;
}

static int scsi_refresh(struct req *rq, struct pool *pool)
{
    unsigned host;

    if (adapter_host(rq, pool, &host) < 0)
        return -1;
    rescan_host(host);
    return refresh_host(rq, pool, host);
}

static bool scsi_same(const struct pool_def *a, const struct pool_def *b)
{
    return a->source.adapter->name && str_eq(a->source.adapter->name, b->source.adapter->name);
}

const struct backend scsi_backend = {
    .start = scsi_start, .refresh = scsi_refresh, .same = scsi_same, .look = file_look, .content = true};

/* ---- iscsi ---- */

static const char *portal_of(struct req *rq, const struct pool_source *source)
{
    const struct pool_host *host = source->hosts[0];

    return arena_printf(&rq->arena, strchr(host->name, ':') ? "[%s]:%u" : "%s:%u", host->name,
                        host->port ? host->port : 3260);
}

static const char *target_of(const struct pool *pool)
{
    return pool->def->source.devices[0]->path;
}

/* The host of the session with the pool's target: "session3" in sysfs -> hostN. -ENOENT: there is none. */
static int session_host(const struct pool *pool, unsigned *ret)
{
    auto_strv char **sessions = NULL;

    if (file_list(AT_FDCWD, ISCSI_SESSIONS, &sessions) < 0)
        return -ENOENT; /* the module isn't even there */
    for (char **session = sessions; *session; session++) {
        auto_free char *name_path = mem_printf(ISCSI_SESSIONS "/%s/targetname", *session);
        auto_free char *link = mem_printf(ISCSI_SESSIONS "/%s", *session);
        auto_free char *target = NULL;
        char device[512];
        const char *host;
        ssize_t length;
        uint64_t number;

        if (file_read_line(AT_FDCWD, name_path, &target) < 0 || !str_eq(target, target_of(pool)))
            continue;
        length = readlink(link, device, sizeof(device) - 1);
        if (length <= 0)
            continue;
        device[length] = '\0';
        host = strstr(device, "/host");
        if (!host)
            continue;
        host += strlen("/host");
        if (str_take_u64(&host, &number) == 0) {
            *ret = (unsigned)number;
            return 0;
        }
    }
    return -ENOENT;
}

static int discover(struct req *rq, const struct pool_source *source, struct buf *ret)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "iscsiadm", "--mode", "discovery", "--type", "sendtargets", "--portal",
             portal_of(rq, source), NULL);
    return tool_run(rq, &tool, TOOL_SHORT, ret);
}

static int log_in_or_out(struct req *rq, const struct pool *pool, const char *what)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "iscsiadm", "--mode", "node", "--portal", portal_of(rq, &pool->def->source),
             "--targetname", target_of(pool), what, NULL);
    return tool_run(rq, &tool, TOOL_SHORT, NULL);
}

static int iscsi_check(struct req *rq, struct pool *pool, bool *ret_active)
{
    unsigned host;

    *ret_active = session_host(pool, &host) == 0;
    return 0;
}

static int iscsi_start(struct req *rq, struct pool *pool)
{
    const struct pool_source *source = &pool->def->source;
    unsigned host;

    if (source->n_hosts != 1 || source->n_devices != 1)
        return err_set(&rq->err, ERR_XML_ERROR, "Expected exactly 1 %s for the storage pool",
                       source->n_hosts != 1 ? "host" : "device");
    if (source->auth || source->initiator)
        return err_set(&rq->err, ERR_NO_SUPPORT, "iSCSI pools with %s are not supported yet",
                       source->auth ? "CHAP authentication" : "an initiator name of their own");
    if (session_host(pool, &host) == 0)
        return 0;
    return discover(rq, source, NULL) < 0 ? -1 : log_in_or_out(rq, pool, "--login");
}

static int iscsi_stop(struct req *rq, struct pool *pool)
{
    unsigned host;

    return session_host(pool, &host) < 0 ? 0 : log_in_or_out(rq, pool, "--logout");
}

static int iscsi_refresh(struct req *rq, struct pool *pool)
{
    unsigned host;

    if (session_host(pool, &host) < 0)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "there is no session with target '%s'", target_of(pool));
    rescan_host(host);
    return refresh_host(rq, pool, host);
}

static bool iscsi_same(const struct pool_def *a, const struct pool_def *b)
{
    return a->source.n_devices && b->source.n_devices &&
           str_eq(a->source.devices[0]->path, b->source.devices[0]->path) &&
           str_eq(a->source.hosts[0]->name, b->source.hosts[0]->name);
}

/* "192.0.2.1:3260,1 iqn.2026-01.example:target" */
static int iscsi_find_sources(struct req *rq, const struct pool_source *where, struct buf *text)
{
    struct buf out = {0};
    auto_free char *list = NULL;
    char *next;

    if (where->n_hosts != 1)
        return err_set(&rq->err, ERR_INVALID_ARG, "hostname must be specified for iscsi sources");
    if (discover(rq, where, &out) < 0)
        return -1;
    list = buf_steal(&out);
    for (char *line = list; line; line = next) {
        struct pool_device device = {0}, *devices[] = {&device};
        struct pool_source source = {.hosts = where->hosts, .n_hosts = 1, .devices = devices, .n_devices = 1};

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        device.path = strchr(line, ' ');
        if (!device.path)
            continue;
        device.path = str_trim(device.path);
        xt_format(&pool_source_table, text, &source, /* flags= */ 0, /* indent= */ 2);
    }
    return 0;
}

const struct backend iscsi_backend = {
    .check = iscsi_check,
    .start = iscsi_start,
    .stop = iscsi_stop,
    .refresh = iscsi_refresh,
    .same = iscsi_same,
    .find_sources = iscsi_find_sources,
    .look = file_look,
    .content = true,
};

/* ---- mpath ---- */

/* "mpatha\t(254:0)": the maps of the whole host; there is one such pool. */
static void add_map(struct req *rq, struct pool *pool, struct map *found, char *line)
{
    char *numbers = strchr(line, '(');
    struct arena arena = {0};
    struct volume_def *def;
    auto_free char *name = NULL, *path = NULL, *size_path = NULL;
    unsigned major, minor;
    uint64_t sectors;

    if (!numbers || sscanf(numbers, "(%u%*[:, ]%u)", &major, &minor) != 2)
        return;
    *numbers = '\0';
    name = mem_printf("dm-%u", minor);
    path = mem_printf("/dev/mapper/%s", str_trim(line));
    size_path = mem_printf("/sys/block/%s/size", name);
    if (!read_number(size_path, &sectors))
        return;
    def = device_def_new(&arena, name, path, sectors * SECTOR);
    def->key = key_of(rq, &arena, path);
    map_put(found, def->name, volume_new(pool, &arena, def));
}

static int mpath_refresh(struct req *rq, struct pool *pool)
{
    struct map found = {0};
    struct tool tool = {0};
    struct buf out = {0};
    char *next;

    /* a host without device mapper has no maps */
    if (access("/dev/mapper/control", F_OK) == 0) {
        tool_add(rq, &tool, "dmsetup", "ls", "--target", "multipath", NULL);
        if (tool_run(rq, &tool, TOOL_SHORT, &out) < 0)
            return -1;
        for (char *line = arena_strdup(&rq->arena, buf_text(&out)); line; line = next) {
            next = strchr(line, '\n');
            if (next)
                *next++ = '\0';
            add_map(rq, pool, &found, line);
        }
        buf_done(&out);
    }
    take_units(pool, &found);
    return 0;
}

static bool mpath_same(const struct pool_def *a, const struct pool_def *b)
{
    return true;
}

const struct backend mpath_backend = {
    .refresh = mpath_refresh, .same = mpath_same, .look = file_look, .content = true};
