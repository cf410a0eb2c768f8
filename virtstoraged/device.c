/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/device.h"

#include <sys/wait.h>

#include "base/str.h"

int device_check_empty(struct req *rq, const char *device)
{
    struct tool tool = {0};
    struct child_result result;
    struct child_spec spec;
    int r;

    tool_add(rq, &tool, "blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", device, NULL);
    spec = (struct child_spec){.argv = tool.argv};
    r = child_run(rq, &spec, TOOL_SHORT, &result);
    if (r < 0)
        return r;
    /* 2: nothing was found */
    if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == 2)
        r = 0;
    else if (result.status == 0)
        r = err_set(&rq->err, ERR_STORAGE_POOL_BUILT, "Device '%s' already formatted using '%s'", device,
                    str_trim(result.out.data));
    else
        r = err_set(&rq->err, ERR_STORAGE_PROBE_FAILED, "what is on device '%s' can't be told: %s", device,
                    buf_text(&result.err));
    buf_done(&result.out);
    buf_done(&result.err);
    return r;
}

int device_erase(struct req *rq, const char *device)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "wipefs", "--all", "--quiet", device, NULL);
    return tool_run(rq, &tool, TOOL_SHORT, NULL);
}

int device_fill(struct req *rq, const struct volume_def *def, const struct volume_def *from)
{
    struct tool tool = {0};

    if (from->target.encryption)
        return err_set(&rq->err, ERR_NO_SUPPORT, "copying encrypted volumes to devices is not supported");
    tool_add(rq, &tool, "qemu-img", "convert", "-n", "-f", from->target.format ? from->target.format : "raw",
             "-O", "raw", from->target.path, def->target.path, NULL);
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

struct volume_def *device_def_new(struct arena *arena, const char *name, const char *path, uint64_t size)
{
    struct volume_def *def = ARENA_NEW(arena, struct volume_def);

    def->type = VOLUME_BLOCK;
    def->name = arena_strdup(arena, name);
    def->target.path = def->key = arena_strdup(arena, path);
    def->capacity = def->allocation = def->physical = (struct opt_u64){size, true};
    return def;
}

void device_add_extent(struct arena *arena, struct volume_def *def, const char *device, uint64_t start,
                       uint64_t end)
{
    struct volume_device *found = NULL;
    struct volume_extent *extent = ARENA_NEW(arena, struct volume_extent);

    for (size_t i = 0; i < def->n_devices; i++)
        if (str_eq(def->devices[i]->path, device))
            found = def->devices[i];
    if (!found) {
        found = ARENA_NEW(arena, struct volume_device);
        found->path = arena_strdup(arena, device);
        def->devices = arena_grow(arena, def->devices, def->n_devices, sizeof(void *));
        def->devices[def->n_devices++] = found;
    }
    *extent = (struct volume_extent){start, end};
    found->extents = arena_grow(arena, found->extents, found->n_extents, sizeof(void *));
    found->extents[found->n_extents++] = extent;
}
