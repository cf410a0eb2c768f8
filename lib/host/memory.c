/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "host/sysfs.h"

enum { MEMINFO_MAX = 64 << 10 };

#define SYSFS_KSM "/sys/kernel/mm/ksm"

/* The number behind "Name:" of a meminfo text; lines of a node begin with "Node N ". */
static void take(const char *text, const char *name, uint64_t *ret)
{
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        const char *value = at + strlen(name);

        if ((at != text && at[-1] != '\n' && at[-1] != ' ') || *value++ != ':')
            continue;
        value += strspn(value, " \t");
        (void)str_take_u64(&value, ret);
        return;
    }
}

int host_memory_read(const char *root, int node, struct host_memory *ret)
{
    auto_buf struct buf text = {0};
    char path[SYSFS_PATH_MAX];

    if (node < 0)
        snprintf(path, sizeof(path), "%s/proc/meminfo", root);
    else
        snprintf(path, sizeof(path), "%s" SYSFS_NODE "/node%d/meminfo", root, node);
    int r = file_read(AT_FDCWD, path, MEMINFO_MAX, &text);

    if (r < 0)
        return r;
    struct host_memory memory = {0};

    take(buf_text(&text), "MemTotal", &memory.total);
    take(buf_text(&text), "MemFree", &memory.free);
    take(buf_text(&text), "Buffers", &memory.buffers);
    take(buf_text(&text), "Cached", &memory.cached);
    *ret = memory;
    return 0;
}

static int by_size(const void *a, const void *b)
{
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;

    return left < right ? -1 : left > right;
}

static unsigned ordinary_size(void)
{
    return (unsigned)sysconf(_SC_PAGESIZE) / 1024;
}

int host_page_sizes(const char *root, unsigned *sizes, unsigned room)
{
    char path[SYSFS_PATH_MAX];
    unsigned count = 0;

    if (room)
        sizes[count++] = ordinary_size();
    snprintf(path, sizeof(path), "%s/sys/kernel/mm/hugepages", root);
    DIR *dir = opendir(path);

    if (!dir)
        return errno == ENOENT ? (int)count : -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *at = str_after(entry->d_name, "hugepages-");
        uint64_t size;

        if (at && str_take_u64(&at, &size) == 0 && str_eq(at, "kB") && size < UINT32_MAX && count < room)
            sizes[count++] = (unsigned)size;
    }
    closedir(dir);
    if (count > 1)
        qsort(sizes + 1, count - 1, sizeof(*sizes), by_size);
    return (int)count;
}

static void pool_path(char path[HOST_PAGES_PATH], int node, unsigned size, const char *file)
{
    if (node < 0)
        snprintf(path, HOST_PAGES_PATH, "/sys/kernel/mm/hugepages/hugepages-%ukB/%s", size, file);
    else
        snprintf(path, HOST_PAGES_PATH, SYSFS_NODE "/node%d/hugepages/hugepages-%ukB/%s", node, size, file);
}

void host_pages_path(char path[HOST_PAGES_PATH], int node, unsigned size)
{
    pool_path(path, node, size, "nr_hugepages");
}

/* KiB that the huge pools of a node (or the host) hold: they are part of its memory, but not ordinary pages.
 */
static uint64_t pools_total(const char *root, int node)
{
    unsigned sizes[16];
    int count = host_page_sizes(root, sizes, ARRAY_SIZE(sizes));
    uint64_t total = 0;

    for (int i = 1; i < count; i++) {
        struct host_pages pages;

        if (host_pages_read(root, node, sizes[i], &pages) == 0)
            total += pages.total * sizes[i];
    }
    return total;
}

int host_pages_read(const char *root, int node, unsigned size, struct host_pages *ret)
{
    char path[HOST_PAGES_PATH];
    int64_t total, available;
    int r;

    if (size == ordinary_size()) {
        struct host_memory memory;
        uint64_t pools = pools_total(root, node);

        r = host_memory_read(root, node, &memory);
        if (r == 0)
            *ret = (struct host_pages){size, (memory.total > pools ? memory.total - pools : 0) / size,
                                       memory.free / size};
        return r;
    }
    pool_path(path, node, size, "nr_hugepages");
    r = sysfs_number(&total, root, "%s", path);
    if (r < 0)
        return r;
    pool_path(path, node, size, "free_hugepages");
    r = sysfs_number(&available, root, "%s", path);
    if (r == 0)
        *ret = (struct host_pages){size, (uint64_t)total, (uint64_t)available};
    return r;
}

int host_pages_alloc(const char *root, int node, unsigned size, uint64_t count, bool add, uint64_t *ret_count)
{
    char path[HOST_PAGES_PATH];
    int64_t now;
    int r;

    pool_path(path, node, size, "nr_hugepages");
    r = sysfs_number(&now, root, "%s", path);
    if (r < 0)
        return r;
    if (add && __builtin_add_overflow(count, (uint64_t)now, &count))
        return -EOVERFLOW;
    r = sysfs_write(count, root, "%s", path);
    if (r == 0)
        r = sysfs_number(&now, root, "%s", path); /* the kernel gives what it can */
    if (r == 0)
        *ret_count = (uint64_t)now;
    return r;
}

int host_node_ids(const char *root, struct bitmap *ret)
{
    char path[SYSFS_PATH_MAX];
    int r = sysfs_list(ret, root, SYSFS_NODE "/online");

    if (r != -ENOENT)
        return r;
    snprintf(path, sizeof(path), "%s" SYSFS_NODE, root); /* old kernels have no list */
    DIR *dir = opendir(path);

    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        uint32_t id;

        if (str_to_u32(str_after(entry->d_name, "node"), &id) == 0 && id < SYSFS_ID_MAX)
            bitmap_set(ret, id);
    }
    closedir(dir);
    return bitmap_empty(ret) ? -ENOENT : 0;
}

static void read_distances(const char *root, struct host_node *node, unsigned count)
{
    char text[SYSFS_TEXT_MAX];
    const char *at = text;

    if (sysfs_read(text, sizeof(text), root, SYSFS_NODE "/node%u/distance", node->id) <= 0)
        return;
    node->distances = NEW_ARRAY(unsigned, count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t distance;

        at += strspn(at, " ");
        if (str_take_u64(&at, &distance) < 0 || distance > 255) { /* not one per node: better none */
            free(TAKE(node->distances));
            return;
        }
        node->distances[i] = (unsigned)distance;
    }
}

int host_nodes_read(const char *root, struct host_nodes *ret)
{
    auto_bitmap struct bitmap ids = {0};
    struct host_nodes nodes = {0};
    struct host_memory memory = {0};
    int r = host_node_ids(root, &ids);

    if (r < 0 && r != -ENOENT)
        return r;
    unsigned count = (unsigned)bitmap_weight(&ids);

    nodes.fake = !count;
    nodes.node = NEW_ARRAY(struct host_node, count + 1);
    if (nodes.fake) {
        (void)host_memory_read(root, -1, &memory);
        nodes.node[nodes.count++].memory = memory.total;
        (void)sysfs_list(&nodes.node[0].cpus, root, SYSFS_CPU "/online");
    }
    BITMAP_FOREACH(&ids, id) {
        struct host_node *node = &nodes.node[nodes.count++];

        node->id = (unsigned)id;
        if (host_memory_read(root, (int)id, &memory) == 0)
            node->memory = memory.total;
        (void)sysfs_list(&node->cpus, root, SYSFS_NODE "/node%u/cpulist", node->id);
        read_distances(root, node, count);
    }
    *ret = nodes;
    return 0;
}

void host_nodes_done(struct host_nodes *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        bitmap_done(&nodes->node[i].cpus);
        free(nodes->node[i].distances);
    }
    free(nodes->node);
    *nodes = (struct host_nodes){0};
}

int host_ksm_get(const char *root, const char *name, uint64_t *ret)
{
    int64_t value;
    int r = sysfs_number(&value, root, SYSFS_KSM "/%s", name);

    if (r == 0)
        *ret = (uint64_t)value;
    return r;
}

int host_ksm_set(const char *root, const char *name, uint64_t value)
{
    return sysfs_write(value, root, SYSFS_KSM "/%s", name);
}
