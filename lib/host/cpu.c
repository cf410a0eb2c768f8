/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "host/memory.h"
#include "host/sysfs.h"

enum { CPUINFO_MAX = 16 << 20, STAT_MAX = 4 << 20, CPUINFO_HEAD = 4096 };

static int number_or(int otherwise, const char *root, unsigned cpu, const char *file)
{
    int64_t value;

    if (sysfs_number(&value, root, SYSFS_CPU "/cpu%u/topology/%s", cpu, file) < 0 || value < INT32_MIN ||
        value > INT32_MAX)
        return otherwise;
    return (int)value;
}

/* Old kernels and recorded trees have no list of what is online, but a flag per CPU (none for one that can't
 * leave). */
static int read_online(const char *root, const struct bitmap *present, struct bitmap *ret)
{
    if (sysfs_exists(root, SYSFS_CPU "/online"))
        return sysfs_list(ret, root, SYSFS_CPU "/online");
    BITMAP_FOREACH(present, cpu) {
        int64_t on;

        if (sysfs_number(&on, root, SYSFS_CPU "/cpu%u/online", (unsigned)cpu) < 0 || on)
            bitmap_set(ret, (uint32_t)cpu);
    }
    return 0;
}

static void read_cpu(const char *root, unsigned id, struct host_cpu *cpu)
{
    cpu->id = id;
    cpu->socket = number_or(-1, root, id, "physical_package_id");
    cpu->die = number_or(-1, root, id, "die_id");
    cpu->core = number_or(-1, root, id, "core_id");
    if (sysfs_list(&cpu->siblings, root, SYSFS_CPU "/cpu%u/topology/thread_siblings_list", id) < 0 ||
        bitmap_empty(&cpu->siblings))
        bitmap_set(&cpu->siblings, id);
}

int host_cpus_read(const char *root, struct host_cpus *ret)
{
    struct host_cpus cpus = {0};
    int r = sysfs_list(&cpus.present, root, SYSFS_CPU "/present");

    if (r == 0)
        r = read_online(root, &cpus.present, &cpus.online);
    if (r < 0) {
        host_cpus_done(&cpus);
        return r;
    }
    cpus.cpu = NEW_ARRAY(struct host_cpu, bitmap_weight(&cpus.online));
    BITMAP_FOREACH(&cpus.online, id)
        read_cpu(root, (unsigned)id, &cpus.cpu[cpus.count++]);
    *ret = cpus;
    return 0;
}

void host_cpus_done(struct host_cpus *cpus)
{
    for (unsigned i = 0; i < cpus->count; i++)
        bitmap_done(&cpus->cpu[i].siblings);
    free(cpus->cpu);
    bitmap_done(&cpus->present);
    bitmap_done(&cpus->online);
    *cpus = (struct host_cpus){0};
}

int host_cpus_online(const char *root, unsigned *ret)
{
    auto_bitmap struct bitmap online = {0}, present = {0};
    int r = sysfs_list(&online, root, SYSFS_CPU "/online");

    if (r == -ENOENT) {
        r = sysfs_list(&present, root, SYSFS_CPU "/present");
        if (r == 0)
            r = read_online(root, &present, &online);
    }
    if (r == 0)
        *ret = (unsigned)bitmap_weight(&online);
    return r;
}

/* The value behind "key :" at the start of a line. */
static const char *cpuinfo_value(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *at = line + length;

        if (strncmp(line, key, length))
            continue;
        at += strspn(at, " \t");
        if (*at == ':')
            return at + 1 + strspn(at + 1, " \t");
    }
    return NULL;
}

/* The beginning of cpuinfo: the first processor (and on some machines what is common to all comes last: those
 * read all). */
static void cpuinfo_read(const char *root, size_t max, struct buf *ret)
{
    char path[SYSFS_PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    for (;;) {
        char *room = buf_reserve(ret, CPUINFO_HEAD);
        ssize_t n = read(fd, room, CPUINFO_HEAD - 1);

        if (n <= 0)
            break;
        ret->length += (size_t)n;
        ret->data[ret->length] = '\0';
        if (ret->length >= max)
            break;
    }
    close(fd);
}

static unsigned read_mhz(const char *root)
{
    /* what the architectures call it; x86 is first and its first processor decides */
    static const char *const keys[] = {"cpu MHz", "clock", "cpu MHz static", "cpu MHz dynamic"};
    auto_buf struct buf text = {0};
    uint64_t mhz;

    cpuinfo_read(root, CPUINFO_HEAD - 1, &text);
    for (int whole = 0; whole < 2; whole++) {
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
            const char *value = cpuinfo_value(buf_text(&text), keys[i]);

            if (value && str_take_u64(&value, &mhz) == 0 && mhz <= INT32_MAX)
                return (unsigned)mhz;
        }
        buf_reset(&text);
        cpuinfo_read(root, CPUINFO_MAX, &text);
    }
    return 0;
}

static bool seen(int *ids, unsigned *count, int id)
{
    for (unsigned i = 0; i < *count; i++)
        if (ids[i] == id)
            return true;
    ids[(*count)++] = id;
    return false;
}

/* Largest numbers found in one node: sockets of the node, dies of a socket, cores of a die, threads of a
 * core. */
static void count_node(const struct host_cpus *cpus, const struct bitmap *members,
                       struct host_topology *topology)
{
    auto_free int *sockets = NEW_ARRAY(int, cpus->count + 1), *ids = NEW_ARRAY(int, cpus->count + 1);
    unsigned socket_count = 0;

    for (unsigned i = 0; i < cpus->count; i++) {
        const struct host_cpu *cpu = &cpus->cpu[i];
        unsigned count = 0, threads = (unsigned)bitmap_weight(&cpu->siblings);

        if (members && !bitmap_get(members, cpu->id))
            continue;
        if (threads > topology->threads)
            topology->threads = threads;
        for (unsigned k = 0; k < cpus->count; k++)
            if ((!members || bitmap_get(members, cpus->cpu[k].id)) && cpus->cpu[k].socket == cpu->socket &&
                cpus->cpu[k].die == cpu->die)
                (void)seen(ids, &count, cpus->cpu[k].core);
        if (count > topology->cores)
            topology->cores = count;
        if (seen(sockets, &socket_count, cpu->socket))
            continue;
        count = 0;
        for (unsigned k = 0; k < cpus->count; k++)
            if ((!members || bitmap_get(members, cpus->cpu[k].id)) && cpus->cpu[k].socket == cpu->socket)
                (void)seen(ids, &count, cpus->cpu[k].die);
        if (count > topology->dies)
            topology->dies = count;
    }
    if (socket_count > topology->sockets)
        topology->sockets = socket_count;
}

int host_topology_read(const char *root, struct host_topology *ret)
{
    auto_host_cpus struct host_cpus cpus = {0};
    auto_bitmap struct bitmap nodes = {0};
    struct host_topology topology = {.cpus = 0};
    int r = host_cpus_read(root, &cpus);

    if (r < 0)
        return r;
    (void)host_node_ids(root, &nodes);
    BITMAP_FOREACH(&nodes, node) {
        auto_bitmap struct bitmap members = {0};

        if (sysfs_list(&members, root, SYSFS_NODE "/node%u/cpulist", (unsigned)node) < 0 ||
            bitmap_empty(&members))
            continue; /* memory without processors */
        count_node(&cpus, &members, &topology);
        topology.nodes++;
    }
    if (!topology.nodes) {
        count_node(&cpus, NULL, &topology);
        topology.nodes = 1;
    }
    topology.cpus = cpus.count;
    topology.mhz = read_mhz(root);
    unsigned all = (unsigned)bitmap_weight(&cpus.present);

    /* The API's struct knows neither dies nor uneven machines: then one socket holds everything. */
    if (topology.nodes * topology.sockets * topology.cores * topology.threads != all) {
        topology.nodes = topology.sockets = topology.threads = 1;
        topology.cores = all;
    }
    topology.dies = 1;
    *ret = topology;
    return 0;
}

int host_cpu_times_read(const char *root, int id, struct host_cpu_times *ret)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, TIMES };
    auto_buf struct buf text = {0};
    auto_free char *path = mem_printf("%s/proc/stat", root);
    char key[16];
    uint64_t tick = (uint64_t)(1000000000 / sysconf(_SC_CLK_TCK)), times[TIMES] = {0};
    int r = file_read(AT_FDCWD, path, STAT_MAX, &text);

    if (r < 0)
        return r;
    if (id < 0)
        snprintf(key, sizeof(key), "cpu ");
    else
        snprintf(key, sizeof(key), "cpu%d ", id);
    for (const char *line = buf_text(&text); line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *at = str_after(line, key);

        if (!at)
            continue;
        for (int i = 0; i < TIMES; i++) {
            at += strspn(at, " ");
            if (str_take_u64(&at, &times[i]) < 0)
                break;
        }
        *ret = (struct host_cpu_times){
            .user = (times[USER] + times[NICE]) * tick,
            .system = (times[SYSTEM] + times[IRQ] + times[SOFTIRQ]) * tick,
            .idle = times[IDLE] * tick,
            .iowait = times[IOWAIT] * tick,
        };
        return 0;
    }
    return -ENOENT;
}

unsigned host_microcode_read(const char *root)
{
    auto_buf struct buf text = {0};
    uint32_t version;

    cpuinfo_read(root, CPUINFO_HEAD - 1, &text);
    const char *value = cpuinfo_value(buf_text(&text), "microcode");
    auto_free char *word = value ? mem_strndup(value, strcspn(value, " \t\n")) : NULL;

    return word && str_to_u32_base(word, 0, &version) == 0 ? version : 0;
}

unsigned host_physical_bits_read(const char *root)
{
    auto_buf struct buf text = {0};
    uint64_t bits;

    cpuinfo_read(root, CPUINFO_HEAD - 1, &text);
    const char *value = cpuinfo_value(buf_text(&text), "address sizes");

    return value && str_take_u64(&value, &bits) == 0 && bits < 128 ? (unsigned)bits : 0;
}

static int cache_order(const void *left, const void *right)
{
    const struct host_cache *a = left, *b = right;

    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Index `index` of a CPU's caches; -ENOENT behind the last. */
static int cache_read(const char *root, unsigned cpu, unsigned index, struct host_cache *ret)
{
    char text[64], *unit;
    int64_t level, size, id = -1;

    if (sysfs_number(&level, root, SYSFS_CPU "/cpu%u/cache/index%u/level", cpu, index) < 0)
        return -ENOENT;
    if (sysfs_number(&id, root, SYSFS_CPU "/cpu%u/cache/index%u/id", cpu, index) < 0 ||
        sysfs_number(&size, root, SYSFS_CPU "/cpu%u/cache/index%u/size", cpu, index) < 0 || id < 0 ||
        size <= 0)
        return 0; /* kernels before 4.11 have no id, emulated caches no size: such a cache can't be named */
    (void)sysfs_read(text, sizeof(text), root, SYSFS_CPU "/cpu%u/cache/index%u/size", cpu, index);
    unit = text + strspn(text, "0123456789");
    ret->id = (unsigned)id;
    ret->level = (unsigned)level;
    ret->size = (uint64_t)size << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
    (void)sysfs_read(text, sizeof(text), root, SYSFS_CPU "/cpu%u/cache/index%u/type", cpu, index);
    ret->type = *text == 'D' ? 'd' : *text == 'I' ? 'i' : 'u';
    return sysfs_list(&ret->cpus, root, SYSFS_CPU "/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
}

int host_caches_read(const char *root, unsigned level, struct host_cache **ret, unsigned *ret_count)
{
    auto_bitmap struct bitmap present = {0}, online = {0};
    struct host_cache *caches = NULL;
    unsigned count = 0;
    int r = sysfs_list(&present, root, SYSFS_CPU "/present");

    if (r == 0)
        r = read_online(root, &present, &online);
    if (r < 0)
        return r;
    BITMAP_FOREACH(&online, cpu) {
        for (unsigned index = 0;; index++) {
            struct host_cache cache = {0};
            bool known = false;

            if (cache_read(root, (unsigned)cpu, index, &cache) == -ENOENT)
                break;
            for (unsigned i = 0; i < count; i++)
                known |= caches[i].level == cache.level && caches[i].type == cache.type &&
                         caches[i].id == cache.id;
            if (known || !cache.size || cache.level < level) {
                bitmap_done(&cache.cpus);
                continue;
            }
            caches = mem_resize_array(caches, count + 1, sizeof(*caches));
            caches[count++] = cache;
        }
    }
    if (count)
        qsort(caches, count, sizeof(*caches), cache_order);
    *ret = caches;
    *ret_count = count;
    return 0;
}

void host_caches_free(struct host_cache *caches, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bitmap_done(&caches[i].cpus);
    free(caches);
}
