/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools that are partitioned disks; volumes are their partitions. By parted, whose output for machines says
 * all that is needed: a line for the disk, then one for each partition and each gap between them.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <unistd.h>

#include "base/str.h"
#include "rpc/client.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/device.h"
#include "virtstoraged/file.h"
#include "virtstoraged/storaged.h"

/* Partitions begin at multiples of this, as every tool makes them. */
#define ALIGNMENT UINT64_C(1048576)
#define NODE_USEC SECONDS(10) /* until a new partition has its device */

/* ---- words ---- */

/* Tables: parted has other words for some, and makes no LVM of a whole disk. */
static const char *label_of(const struct pool_def *def)
{
    const char *format = def->source.format;

    if (str_eq(format, "dos") || str_eq(format, "unknown"))
        return "msdos";
    return str_eq(format, "lvm2") ? NULL : format;
}

/* Partitions: what mkpart is told, and which flag says later what it is for. */
static const struct partition_kind {
    const char *format, *file_system, *flag;
} kinds[] = {
    {"linux", "ext2", NULL},    {"fat16", "fat16", NULL},
    {"fat32", "fat32", NULL},   {"linux-swap", "linux-swap", "swap"},
    {"linux-lvm", NULL, "lvm"}, {"linux-raid", NULL, "raid"},
    {"extended", NULL, NULL},
};

static const struct partition_kind *kind_of(const char *format)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (str_eq(kinds[i].format, format))
            return &kinds[i];
    return &kinds[0];
}

/* By its flags ("boot, lvm") first, they are what it is for; then by what is in it. */
static const char *format_of(const char *file_system, const char *flags)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].flag && strstr(flags, kinds[i].flag))
            return kinds[i].format;
    if (str_after(file_system, "linux-swap"))
        return "linux-swap";
    if (str_after(file_system, "fat"))
        return str_eq(file_system, "fat16") ? "fat16" : "fat32";
    return str_after(file_system, "ext") ? "linux" : "none";
}

static const char *device_of(const struct pool *pool)
{
    return pool->def->source.devices[0]->path;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- up ---- */

static int disk_start(struct req *rq, struct pool *pool)
{
    if (pool->def->source.n_devices != 1)
        return err_set(&rq->err, ERR_XML_ERROR, "Expected exactly 1 device for the storage pool");
    if (access(device_of(pool), F_OK) < 0)
        return err_set(&rq->err, ERR_INVALID_ARG, "device path '%s' doesn't exist", device_of(pool));
    return 0;
}

static int disk_build(struct req *rq, struct pool *pool, unsigned flags)
{
    const char *label = label_of(pool->def);
    struct tool tool = {0};

    if (method_flags(rq, flags, VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) < 0)
        return -1;
    if (!label)
        return err_set(&rq->err, ERR_NO_SUPPORT, "a disk can't get a partition table of format '%s'",
                       pool->def->source.format);
    if (!(flags & VIR_STORAGE_POOL_BUILD_OVERWRITE) && device_check_empty(rq, device_of(pool)) < 0)
        return -1;
    if (device_erase(rq, device_of(pool)) < 0)
        return -1;
    tool_add(rq, &tool, "parted", "--script", device_of(pool), "mklabel", label, NULL);
    return tool_run(rq, &tool, TOOL_SHORT, NULL);
}

/* ---- reading ---- */

/* A disk as it was read. */
struct table {
    struct pool *pool;
    uint64_t sector;         /* bytes */
    uint64_t end, allocated; /* of all partitions and gaps; of partitions */
    struct map volumes;
    struct pool_extent **free;
    size_t n_free;
};

/* The fields of a line of parted's: "1:1048576B:2097151B:1048576B:ext4:name:boot, lvm;" */
enum { FIELD_NUMBER, FIELD_START, FIELD_END, FIELD_SIZE, FIELD_FILE_SYSTEM, FIELD_NAME, FIELD_FLAGS, FIELDS };
enum { DISK_SECTOR = 3 }; /* of the disk's own line */

static size_t cut_line(char *line, char *fields[FIELDS])
{
    size_t count = 0;
    char *next = line + strlen(line);

    if (next > line && next[-1] == ';')
        next[-1] = '\0';
    for (char *field = line; field && count < FIELDS; field = next) {
        next = strchr(field, ':');
        if (next)
            *next++ = '\0';
        fields[count++] = field;
    }
    return count;
}

static bool read_bytes(const char *text, uint64_t *ret)
{
    return str_take_u64(&text, ret) == 0;
}

static void add_free(struct req *rq, struct table *table, uint64_t start, uint64_t end)
{
    struct pool_extent *extent;

    /* the gap before the first partition is there for its alignment */
    if (end - start < ALIGNMENT)
        return;
    extent = ARENA_NEW(&rq->arena, struct pool_extent);
    *extent = (struct pool_extent){start, end};
    table->end = end > table->end ? end : table->end;
    table->free = arena_grow(&rq->arena, table->free, table->n_free, sizeof(void *));
    table->free[table->n_free++] = extent;
}

static char *node_of(struct arena *arena, const struct pool *pool, uint64_t number);

static void add_partition(struct table *table, uint64_t number, uint64_t start, uint64_t end,
                          char *const *fields)
{
    struct arena arena = {0};
    const char *node = node_of(&arena, table->pool, number);
    struct volume_def *def = device_def_new(&arena, base_of(node), node, end - start);

    table->allocated += end - start;
    table->end = end > table->end ? end : table->end;
    def->target.format = arena_strdup(&arena, format_of(fields[FIELD_FILE_SYSTEM], fields[FIELD_FLAGS]));
    device_add_extent(&arena, def, device_of(table->pool), start, end);
    map_put(&table->volumes, def->name, volume_new(table->pool, &arena, def));
}

static void add_line(struct req *rq, struct table *table, char *line)
{
    char *fields[FIELDS];
    size_t count = cut_line(line, fields);
    uint64_t number, start, end;

    if (count > DISK_SECTOR && fields[0][0] == '/') {
        (void)read_bytes(fields[DISK_SECTOR], &table->sector);
    } else if (count > FIELD_FILE_SYSTEM && read_bytes(fields[FIELD_NUMBER], &number) &&
               read_bytes(fields[FIELD_START], &start) && read_bytes(fields[FIELD_END], &end) &&
               end > start) {
        if (str_eq(fields[FIELD_FILE_SYSTEM], "free"))
            add_free(rq, table, start, end + 1);
        else if (count == FIELDS)
            add_partition(table, number, start, end + 1, fields);
    }
}

static void table_done(struct table *table)
{
    struct volume *volume;

    MAP_FOREACH(&table->volumes, volume)
        volume_unref(volume);
    map_done(&table->volumes);
}

/* parted opens the disk for writing even when it only reads, and when such a file is closed udev has the
 * kernel read the table again, which takes away all nodes of the partitions for a moment. */
static void settle(struct req *rq)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "udevadm", "settle", "--timeout=30", NULL);
    (void)tool_run(rq, &tool, TOOL_SHORT, NULL);
    err_clear(&rq->err);
}

static int table_read(struct req *rq, struct pool *pool, struct table *table)
{
    struct tool tool = {0};
    struct buf out = {0};
    char *next;

    *table = (struct table){.pool = pool, .sector = 512};
    tool_add(rq, &tool, "parted", "--machine", "--script", device_of(pool), "unit", "B", "print", "free",
             NULL);
    if (tool_run(rq, &tool, TOOL_SHORT, &out) < 0) {
        if (rq->err.message && strstr(rq->err.message, "unrecognised disk label")) {
            err_clear(&rq->err);
            err_set(&rq->err, ERR_STORAGE_PROBE_FAILED, "Device '%s' is unrecognized, requires build",
                    device_of(pool));
        }
        return -1;
    }
    settle(rq);
    for (char *line = arena_strdup(&rq->arena, buf_text(&out)); line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        add_line(rq, table, line);
    }
    buf_done(&out);
    return 0;
}

static void take_space(struct pool *pool, const struct table *table)
{
    struct pool_device *device = pool->def->source.devices[0];
    uint64_t available = 0;

    /* at each reading anew; the definition lives no longer than the pool is active */
    device->free = arena_alloc_array(&pool->arena, table->n_free, sizeof(void *));
    device->n_free = table->n_free;
    for (size_t i = 0; i < table->n_free; i++) {
        device->free[i] = arena_dup(&pool->arena, table->free[i], sizeof(struct pool_extent));
        available += table->free[i]->end - table->free[i]->start;
    }
    pool->def->capacity = table->end;
    pool->def->available = available;
    pool->def->allocation = table->allocated;
}

static int disk_refresh(struct req *rq, struct pool *pool)
{
    struct table table;
    struct volume *volume;
    int r = table_read(rq, pool, &table);

    if (r >= 0) {
        pool_clear_volumes(pool);
        MAP_FOREACH(&table.volumes, volume)
            pool_add_volume(pool, volume);
        take_space(pool, &table);
    }
    table_done(&table);
    return r;
}

static bool disk_same(const struct pool_def *a, const struct pool_def *b)
{
    return str_eq(a->source.devices[0]->path, b->source.devices[0]->path);
}

/* ---- volumes ---- */

/* "/dev/sda" -> "/dev/sda1", "/dev/nvme0n1" -> "/dev/nvme0n1p1". */
static char *node_of(struct arena *arena, const struct pool *pool, uint64_t number)
{
    const struct pool_device *device = pool->def->source.devices[0];
    size_t length = strlen(device->path);
    bool digit = length && device->path[length - 1] >= '0' && device->path[length - 1] <= '9';
    bool separator = device->part_separator == TRI_YES || (digit && device->part_separator != TRI_NO);

    return arena_printf(arena, "%s%s%" PRIu64, device->path, separator ? "p" : "", number);
}

static unsigned free_number(struct arena *arena, const struct pool *pool)
{
    unsigned number = 1;

    while (pool_volume(pool, base_of(node_of(arena, pool, number))))
        number++;
    return number;
}

/* The name is the kernel's to give; whoever asks for another one has to hear it. */
static int disk_place(struct req *rq, struct pool *pool, struct volume_def *def, struct arena *arena)
{
    unsigned number = free_number(&rq->arena, pool);
    char *node = node_of(arena, pool, number);

    if (def->target.encryption)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "storage pool only supports encrypted volumes of format luks "
                       "that are made by other means");
    if (!str_eq(pool->def->source.format, "gpt") && number > 4)
        return err_set(&rq->err, ERR_NO_SUPPORT,
                       "logical partitions can't be made: the table has four already");
    if (!str_eq(def->name, base_of(node)))
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid partition name '%s', expected '%s'", def->name,
                       base_of(node));
    def->type = VOLUME_BLOCK;
    def->target.path = def->key = node;
    return 0;
}

/* The first gap that is large enough; 0: none. */
static uint64_t find_gap(const struct table *table, uint64_t size)
{
    for (size_t i = 0; i < table->n_free; i++) {
        uint64_t start = (table->free[i]->start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

        if (start < table->free[i]->end && size <= table->free[i]->end - start)
            return start;
    }
    return 0;
}

static int await_node(struct req *rq, const char *path)
{
    const uint64_t step = MILLISECONDS(50);

    for (uint64_t waited = 0; access(path, F_OK) < 0; waited += step) {
        int r = waited < NODE_USEC ? fiber_sleep(rq, step, path) : -ETIMEDOUT;

        if (waited >= NODE_USEC || (r < 0 && r != -ETIMEDOUT))
            return err_set(&rq->err, ERR_INTERNAL_ERROR, "the new partition's device '%s' did not appear",
                           path);
    }
    return 0;
}

static const char *number_of(const char *node)
{
    const char *number = node + strlen(node);

    while (number > node && number[-1] >= '0' && number[-1] <= '9')
        number--;
    return number;
}

static int delete_partition(struct req *rq, const struct pool *pool, const char *node)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "parted", "--script", device_of(pool), "rm", number_of(node), NULL);
    return tool_run(rq, &tool, TOOL_SHORT, NULL);
}

static int add_to_table(struct req *rq, const struct volume *volume)
{
    const struct volume_def *def = volume->def;
    const struct partition_kind *kind = kind_of(def->target.format);
    const char *device = device_of(volume->pool);
    uint64_t size, start;
    struct tool tool = {0};
    struct table table;
    int r = table_read(rq, volume->pool, &table);

    table_done(&table);
    if (r < 0)
        return r;
    size = (def->capacity.value + table.sector - 1) / table.sector * table.sector;
    start = find_gap(&table, size);
    if (!size || !start)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "no large enough free extent");
    tool_add(rq, &tool, "parted", "--script", device, "mkpart", NULL);
    tool_add(rq, &tool, str_eq(kind->format, "extended") ? "extended" : "primary", NULL);
    if (kind->file_system)
        tool_add(rq, &tool, kind->file_system, NULL);
    tool_addf(rq, &tool, "%" PRIu64 "B", start);
    tool_addf(rq, &tool, "%" PRIu64 "B", start + size - 1);
    if (kind->flag && !kind->file_system)
        tool_add(rq, &tool, "set", number_of(def->target.path), kind->flag, "on", NULL);
    return tool_run(rq, &tool, TOOL_SHORT, NULL);
}

/* The table as it is now; volume NULL, or the one that was made. */
static int read_again(struct req *rq, struct pool *pool, struct volume *volume)
{
    struct table table;
    struct volume *made;
    int r = table_read(rq, pool, &table);

    if (r >= 0)
        take_space(pool, &table);
    made = r >= 0 && volume ? map_remove(&table.volumes, volume->def->name) : NULL;
    if (made) {
        volume_redefine(volume, &made->arena, made->def);
        made->def = NULL;
        volume_unref(made);
    }
    table_done(&table);
    return r;
}

static int disk_make(struct req *rq, struct volume *volume, struct volume *from, unsigned flags)
{
    if (method_flags(rq, flags, 0) < 0 || add_to_table(rq, volume) < 0)
        return -1;
    if (read_again(rq, volume->pool, volume) >= 0 && await_node(rq, volume->def->target.path) >= 0 &&
        (!from || device_fill(rq, volume->def, from->def) >= 0))
        return 0;
    (void)delete_partition(rq, volume->pool, volume->def->target.path);
    return -1;
}

static int disk_remove(struct req *rq, struct volume *volume, unsigned flags)
{
    if (method_flags(rq, flags, 0) < 0 || delete_partition(rq, volume->pool, volume->def->target.path) < 0)
        return -1;
    return read_again(rq, volume->pool, /* volume= */ NULL);
}

const struct backend disk_backend = {
    .start = disk_start,
    .build = disk_build,
    .refresh = disk_refresh,
    .same = disk_same,
    .place = disk_place,
    .make = disk_make,
    .remove = disk_remove,
    .look = file_look,
    .counts = true,
    .content = true,
};
