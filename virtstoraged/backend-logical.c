/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools that are LVM volume groups; volumes are their logical volumes. All by LVM's own commands. */
#define ERR_FROM ERR_FROM_STORAGE
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "rpc/client.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/device.h"
#include "virtstoraged/file.h"
#include "virtstoraged/storaged.h"

#define LVM_USEC SECONDS(280)

/* Output as it is read here: fields between separators, sizes in bytes. */
#define REPORT "--noheadings", "--separator", "#", "--units", "b", "--nosuffix", "--unbuffered"

static int run(struct req *rq, const struct tool *tool, struct buf *ret)
{
    return tool_run(rq, tool, LVM_USEC, ret);
}

static const char *group_of(const struct pool *pool)
{
    return pool->def->source.name;
}

/* Cut the next field off; NULL when there is none. */
static char *next_field(char **text, char separator)
{
    char *field = *text, *end;

    if (!field)
        return NULL;
    end = strchr(field, separator);
    if (end)
        *end++ = '\0';
    *text = end;
    return str_trim(field);
}

/* ---- up and down ---- */

static int activate(struct req *rq, struct pool *pool, const char *how)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "vgchange", how, group_of(pool), NULL);
    return run(rq, &tool, NULL);
}

static bool group_exists(struct req *rq, const struct pool *pool)
{
    struct tool tool = {0};
    bool found;

    tool_add(rq, &tool, "vgs", "--noheadings", "-o", "vg_name", group_of(pool), NULL);
    found = run(rq, &tool, NULL) >= 0;
    err_clear(&rq->err);
    return found;
}

static int logical_start(struct req *rq, struct pool *pool)
{
    if (!group_exists(rq, pool))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "cannot find logical volume group name '%s'",
                       group_of(pool));
    return activate(rq, pool, "-aly");
}

static int logical_stop(struct req *rq, struct pool *pool)
{
    return activate(rq, pool, "-aln");
}

static int logical_check(struct req *rq, struct pool *pool, bool *ret_active)
{
    *ret_active = group_exists(rq, pool);
    return 0;
}

static int make_member(struct req *rq, const char *device, bool overwrite)
{
    struct tool tool = {0};

    if (overwrite ? device_erase(rq, device) < 0 : device_check_empty(rq, device) < 0)
        return -1;
    tool_add(rq, &tool, "pvcreate", device, NULL);
    return run(rq, &tool, NULL);
}

static int logical_build(struct req *rq, struct pool *pool, unsigned flags)
{
    const struct pool_source *source = &pool->def->source;
    struct tool tool = {0};

    if (method_flags(rq, flags, VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) < 0)
        return -1;
    if (!source->n_devices)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "No source device specified when formatting pool '%s'", pool->def->name);
    tool_add(rq, &tool, "vgcreate", source->name, NULL);
    for (size_t i = 0; i < source->n_devices; i++) {
        if (make_member(rq, source->devices[i]->path, flags & VIR_STORAGE_POOL_BUILD_OVERWRITE) < 0)
            return -1;
        tool_add(rq, &tool, source->devices[i]->path, NULL);
    }
    return run(rq, &tool, NULL);
}

static int logical_erase(struct req *rq, struct pool *pool, unsigned flags)
{
    const struct pool_source *source = &pool->def->source;
    struct tool tool = {0};

    if (method_flags(rq, flags, 0) < 0)
        return -1;
    tool_add(rq, &tool, "vgremove", "-f", source->name, NULL);
    if (run(rq, &tool, NULL) < 0)
        return -1;
    for (size_t i = 0; i < source->n_devices; i++) {
        struct tool member = {0};

        tool_add(rq, &member, "pvremove", source->devices[i]->path, NULL);
        if (run(rq, &member, NULL) < 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

/* "/dev/sda3(1000),/dev/sdb1(0)": where the segment begins on each device, in extents. */
static void add_extents(struct arena *arena, struct volume_def *def, char *devices, uint64_t stripes,
                        uint64_t segment_size, uint64_t extent_size)
{
    uint64_t length = segment_size / (stripes ? stripes : 1);

    for (char *device; (device = next_field(&devices, ','));) {
        char *paren = strrchr(device, '(');
        const char *digits = paren ? paren + 1 : "";
        uint64_t extent, start;

        if (!paren || str_take_u64(&digits, &extent) < 0 ||
            __builtin_mul_overflow(extent, extent_size, &start))
            continue;
        *paren = '\0';
        if (device[0] == '/')
            device_add_extent(arena, def, device, start, start + length);
    }
}

enum lv_field {
    LV_NAME,
    LV_ORIGIN,
    LV_UUID,
    LV_DEVICES,
    LV_STRIPES,
    LV_SEG_SIZE,
    LV_EXTENT_SIZE,
    LV_SIZE,
    LV_ATTR,
    LV_FIELDS
};
#define LV_OPTIONS "lv_name,origin,uuid,devices,stripes,seg_size,vg_extent_size,lv_size,lv_attr"

/* One line of lvs, a segment of a volume. Volumes of several segments have several. */
static void add_line(struct pool *pool, struct map *found, char *line)
{
    char *fields[LV_FIELDS];
    uint64_t stripes, segment, extent, size;
    struct volume *volume;

    for (int i = 0; i < LV_FIELDS; i++)
        if (!(fields[i] = next_field(&line, '#')))
            return;
    /* thin pools hold volumes, they are none; what isn't active has no device */
    if (strlen(fields[LV_ATTR]) < 5 || fields[LV_ATTR][0] == 't' || fields[LV_ATTR][4] != 'a' ||
        str_to_u64(fields[LV_STRIPES], &stripes) < 0 || str_to_u64(fields[LV_SEG_SIZE], &segment) < 0 ||
        str_to_u64(fields[LV_EXTENT_SIZE], &extent) < 0 || str_to_u64(fields[LV_SIZE], &size) < 0)
        return;
    volume = map_get(found, fields[LV_NAME]);
    if (!volume) {
        struct arena arena = {0};
        auto_free char *path = mem_printf("%s/%s", pool->def->path, fields[LV_NAME]);
        struct volume_def *def = device_def_new(&arena, fields[LV_NAME], path, size);

        def->key = arena_strdup(&arena, fields[LV_UUID]);
        if (fields[LV_ORIGIN][0]) {
            def->backing = ARENA_NEW(&arena, struct volume_target);
            def->backing->path = arena_printf(&arena, "%s/%s", pool->def->path, fields[LV_ORIGIN]);
        }
        volume = volume_new(pool, &arena, def);
        map_put(found, volume->def->name, volume);
    }
    add_extents(&volume->arena, volume->def, fields[LV_DEVICES], stripes, segment, extent);
}

static int read_volumes(struct req *rq, struct pool *pool, struct map *found)
{
    struct tool tool = {0};
    struct buf out = {0};
    auto_free char *text = NULL;
    char *rest, *line;

    tool_add(rq, &tool, "lvs", REPORT, "--options", LV_OPTIONS, group_of(pool), NULL);
    if (run(rq, &tool, &out) < 0)
        return -1;
    rest = text = buf_steal(&out);
    while ((line = next_field(&rest, '\n')))
        add_line(pool, found, line);
    return 0;
}

static int read_space(struct req *rq, struct pool *pool)
{
    struct pool_def *def = pool->def;
    struct tool tool = {0};
    struct buf out = {0};
    auto_free char *text = NULL;
    char *rest, *size, *unused;
    uint64_t capacity, available;

    tool_add(rq, &tool, "vgs", REPORT, "--options", "vg_size,vg_free", group_of(pool), NULL);
    if (run(rq, &tool, &out) < 0)
        return -1;
    rest = text = buf_steal(&out);
    size = next_field(&rest, '#');
    unused = next_field(&rest, '\n');
    if (!unused || str_to_u64(size, &capacity) < 0 || str_to_u64(unused, &available) < 0 ||
        available > capacity)
        return err_set(&rq->err, ERR_INTERNAL_ERROR,
                       "vgs said nothing of volume group '%s' that can be understood", group_of(pool));
    def->capacity = capacity;
    def->available = available;
    def->allocation = capacity - available;
    return 0;
}

static void found_done(struct map *found)
{
    struct volume *volume;

    MAP_FOREACH(found, volume)
        volume_unref(volume);
    map_done(found);
}

static int logical_refresh(struct req *rq, struct pool *pool)
{
    struct map found = {0};
    struct volume *volume;
    int r = read_volumes(rq, pool, &found);

    if (r >= 0)
        r = read_space(rq, pool);
    if (r >= 0) {
        pool_clear_volumes(pool);
        MAP_FOREACH(&found, volume)
            pool_add_volume(pool, volume);
    }
    found_done(&found);
    return r;
}

static bool logical_same(const struct pool_def *a, const struct pool_def *b)
{
    return str_eq(a->source.name, b->source.name);
}

static int logical_find_sources(struct req *rq, const struct pool_source *where, struct buf *text)
{
    struct tool tool = {0};
    struct buf out = {0};
    auto_free char *list = NULL;
    char *rest, *line;
    struct pool_source *sources = NULL;
    size_t count = 0;

    tool_add(rq, &tool, "pvs", "--noheadings", "--separator", "#", "-o", "pv_name,vg_name", NULL);
    if (run(rq, &tool, &out) < 0)
        return -1;
    rest = list = buf_steal(&out);
    while ((line = next_field(&rest, '\n'))) {
        char *device = next_field(&line, '#'), *group = next_field(&line, '#');
        struct pool_device *member;
        struct pool_source *source;
        size_t i = 0;

        if (str_empty(group))
            continue;
        while (i < count && !str_eq(sources[i].name, group))
            i++;
        if (i == count) {
            sources = arena_grow(&rq->arena, sources, count, sizeof(*sources));
            sources[count++] = (struct pool_source){.name = group, .format = (char *)"lvm2"};
        }
        source = &sources[i];
        member = ARENA_NEW(&rq->arena, struct pool_device);
        member->path = device;
        source->devices = arena_grow(&rq->arena, source->devices, source->n_devices, sizeof(void *));
        source->devices[source->n_devices++] = member;
    }
    for (size_t i = 0; i < count; i++)
        xt_format(&pool_source_table, text, &sources[i], /* flags= */ 0, /* indent= */ 2);
    return 0;
}

/* ---- volumes ---- */

static int logical_place(struct req *rq, struct pool *pool, struct volume_def *def, struct arena *arena)
{
    if (!file_name_valid(def->name) || def->name[0] == '-')
        return err_set(&rq->err, ERR_XML_ERROR, "'%s' cannot be the name of a logical volume", def->name);
    if (def->target.encryption)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "storage pool does not support encrypted volumes");
    def->type = VOLUME_BLOCK;
    def->target.path = def->key = arena_printf(arena, "%s/%s", pool->def->path, def->name);
    return 0;
}

static int remove_volume(struct req *rq, const struct volume *volume)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "lvremove", "-f", volume->def->target.path, NULL);
    return run(rq, &tool, NULL);
}

static int logical_remove(struct req *rq, struct volume *volume, unsigned flags)
{
    if (method_flags(rq, flags, 0) < 0 || remove_volume(rq, volume) < 0)
        return -1;
    return read_space(rq, volume->pool);
}

static int create_volume(struct req *rq, const struct volume *volume)
{
    const struct volume_def *def = volume->def;
    uint64_t capacity = def->capacity.value, allocation = def->allocation.value;
    struct tool tool = {0};

    tool_add(rq, &tool, "lvcreate", "--yes", "--name", def->name, NULL);
    tool_addf(rq, &tool, "-L%" PRIu64 "K", (allocation ? allocation : capacity) / 1024);
    if (def->backing)
        tool_add(rq, &tool, "-s", def->backing->path, NULL);
    else if (def->allocation.set && allocation && allocation < capacity)
        tool_addf(rq, &tool, "--virtualsize=%" PRIu64 "K", capacity / 1024);
    if (!def->backing)
        tool_add(rq, &tool, group_of(volume->pool), NULL);
    return run(rq, &tool, NULL);
}

/* Its key, and where it lies: LVM's choice. */
static int read_made(struct req *rq, struct volume *volume)
{
    struct map found = {0};
    struct volume *made;
    int r = read_volumes(rq, volume->pool, &found);

    if (r >= 0)
        r = read_space(rq, volume->pool);
    made = r >= 0 ? map_get(&found, volume->def->name) : NULL;
    if (made) {
        map_remove(&found, made->def->name);
        volume_redefine(volume, &made->arena, made->def);
        made->def = NULL;
        volume_unref(made);
    } else if (r >= 0) {
        r = err_set(&rq->err, ERR_INTERNAL_ERROR, "the new volume '%s' is not active", volume->def->name);
    }
    found_done(&found);
    return r;
}

static int logical_make(struct req *rq, struct volume *volume, struct volume *from, unsigned flags)
{
    if (method_flags(rq, flags, 0) < 0 || create_volume(rq, volume) < 0)
        return -1;
    if (read_made(rq, volume) >= 0 && (!from || device_fill(rq, volume->def, from->def) >= 0))
        return 0;
    (void)remove_volume(rq, volume);
    return -1;
}

const struct backend logical_backend = {
    .check = logical_check,
    .start = logical_start,
    .stop = logical_stop,
    .build = logical_build,
    .erase = logical_erase,
    .refresh = logical_refresh,
    .same = logical_same,
    .find_sources = logical_find_sources,
    .place = logical_place,
    .make = logical_make,
    .remove = logical_remove,
    .look = file_look,
    .counts = true,
    .content = true,
};
