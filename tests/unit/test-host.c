/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's processors and memory from trees of our own, and from recorded hosts (../shared/corpus, where it
 * is). */
#include "unit.h"

#include <errno.h>

#include "base/str.h"
#include "host/cpu.h"
#include "host/machine.h"
#include "host/memory.h"
#include "host/sysfs.h"
#include "tree.h"

#define CPU "sys/devices/system/cpu"
#define NODE "sys/devices/system/node"

static void put_cpu(const char *root, int id, int socket, int core, const char *siblings)
{
    auto_free char *topology = mem_printf(CPU "/cpu%d/topology", id);
    auto_free char *socket_file = mem_printf("%s/physical_package_id", topology),
                   *core_file = mem_printf("%s/core_id", topology);
    auto_free char *siblings_file = mem_printf("%s/thread_siblings_list", topology);
    auto_free char *socket_text = mem_printf("%d\n", socket), *core_text = mem_printf("%d\n", core);

    tree_put(root, socket_file, socket_text);
    tree_put(root, core_file, core_text);
    tree_put(root, siblings_file, siblings);
}

/* Two sockets of two cores of two threads, a node each; CPU 7 is offline. */
static char *two_sockets(void)
{
    char *root = tree_make();
    static const char *const siblings[] = {"0,4\n", "1,5\n", "2,6\n", "3,7\n"};

    tree_put(root, CPU "/present", "0-7\n");
    tree_put(root, CPU "/online", "0-6\n");
    for (int i = 0; i < 7; i++)
        put_cpu(root, i, i % 4 / 2, i % 2, siblings[i % 4]);
    tree_put(root, NODE "/online", "0-1\n");
    tree_put(root, NODE "/node0/cpulist", "0-1,4-5\n");
    tree_put(root, NODE "/node1/cpulist", "2-3,6-7\n");
    tree_put(root, NODE "/node0/distance", "10 21\n");
    tree_put(root, NODE "/node1/distance", "21\n"); /* one too few */
    tree_put(root, NODE "/node0/meminfo", "Node 0 MemTotal:       1000 kB\nNode 0 MemFree:  400 kB\n");
    tree_put(root, "proc/cpuinfo",
             "processor\t: 0\ncpu MHz\t\t: 2596.128\nmicrocode\t: 0x1000065\naddress sizes\t: 48 bits "
             "physical, 48 bits virtual\n");
    tree_put(root, "proc/stat", "cpu  100 1 30 4000 5 6 7 0 0 0\ncpu0 1 0 2 3 4 0 0 0 0 0\nintr 5\n");
    tree_put(
        root, "proc/meminfo",
        "MemTotal:        3000 kB\nMemFree:  700 kB\nBuffers:   20 kB\nCached:   30 kB\nSwapCached: 9 kB\n");
    return root;
}

START_TEST(reads_topology)
{
    char *root = two_sockets();
    struct host_topology topology;
    auto_host_cpus struct host_cpus cpus = {0};
    unsigned online;

    ck_assert_int_eq(host_topology_read(root, &topology), 0);
    ck_assert_uint_eq(topology.cpus, 7);
    ck_assert_uint_eq(topology.nodes, 2);
    ck_assert_uint_eq(topology.sockets, 1);
    ck_assert_uint_eq(topology.cores, 2);
    ck_assert_uint_eq(topology.threads, 2);
    ck_assert_uint_eq(topology.mhz, 2596);
    ck_assert_int_eq(host_cpus_online(root, &online), 0);
    ck_assert_uint_eq(online, 7);
    ck_assert_int_eq(host_cpus_read(root, &cpus), 0);
    ck_assert(cpus.count == 7 && cpus.cpu[6].id == 6 && cpus.cpu[6].socket == 1 &&
              bitmap_get(&cpus.cpu[6].siblings, 2));
    ck_assert_int_eq(cpus.cpu[0].die, -1);
    ck_assert_uint_eq(host_microcode_read(root), 0x1000065);
    ck_assert_uint_eq(host_physical_bits_read(root), 48);
    /* a machine that no product of the numbers describes: one socket with everything */
    tree_put(root, CPU "/present", "0-8\n");
    ck_assert_int_eq(host_topology_read(root, &topology), 0);
    ck_assert(topology.nodes == 1 && topology.sockets == 1 && topology.cores == 9 && topology.threads == 1);
    tree_remove(root);
    ck_assert_int_eq(host_topology_read("/nowhere", &topology), -ENOENT);
}
END_TEST

START_TEST(times)
{
    char *root = two_sockets();
    struct host_cpu_times all, first;

    ck_assert_int_eq(host_cpu_times_read(root, -1, &all), 0);
    ck_assert_int_eq(host_cpu_times_read(root, 0, &first), 0);
    uint64_t tick = first.user; /* of one */

    ck_assert(tick > 0 && all.user == 101 * tick && all.system == 43 * tick && all.idle == 4000 * tick &&
              all.iowait == 5 * tick);
    ck_assert_int_eq(host_cpu_times_read(root, 1, &first), -ENOENT);
    tree_remove(root);
}
END_TEST

START_TEST(reads_memory)
{
    char *root = two_sockets();
    struct host_memory memory;
    struct host_pages pages;
    auto_host_nodes struct host_nodes nodes = {0};
    unsigned sizes[8];
    uint64_t count;

    tree_put(root, "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    tree_put(root, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "1\n");
    tree_put(root, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "1\n");
    ck_assert_int_eq(host_memory_read(root, -1, &memory), 0);
    ck_assert(memory.total == 3000 && memory.free == 700 && memory.buffers == 20 && memory.cached == 30);
    ck_assert_int_eq(host_memory_read(root, 0, &memory), 0);
    ck_assert(memory.total == 1000 && memory.free == 400);
    ck_assert_int_eq(host_memory_read(root, 9, &memory), -ENOENT);
    ck_assert_int_eq(host_page_sizes(root, sizes, 8), 3);
    ck_assert(sizes[1] == 2048 && sizes[2] == 1048576);
    ck_assert_int_eq(host_pages_read(root, -1, sizes[0], &pages), 0);
    ck_assert_uint_eq(pages.total, (3000 - 2048) / sizes[0]); /* the huge page isn't ordinary memory */
    ck_assert_int_eq(host_pages_read(root, -1, 2048, &pages), 0);
    ck_assert(pages.total == 1 && pages.free == 1);
    ck_assert_int_eq(host_pages_read(root, 1, 2048, &pages), -ENOENT);
    ck_assert_int_eq(host_pages_alloc(root, -1, 2048, 4, true, &count), 0);
    ck_assert_uint_eq(count, 5);
    ck_assert_int_eq(host_pages_alloc(root, -1, 2048, UINT64_MAX, true, &count), -EOVERFLOW);
    ck_assert_int_eq(host_nodes_read(root, &nodes), 0);
    ck_assert(nodes.count == 2 && !nodes.fake && nodes.node[0].memory == 1000);
    ck_assert_uint_eq(nodes.node[0].distances[1], 21);
    ck_assert_ptr_null(nodes.node[1].distances);
    tree_remove(root);
}
END_TEST

START_TEST(caches)
{
    char *root = two_sockets();
    struct host_cache *found;
    unsigned count;

    for (int i = 0; i < 3; i++) {
        auto_free char *dir = mem_printf(CPU "/cpu%d/cache/index0", i);
        static const char *const files[][2] = {{"level", "3\n"}, {"size", "32768K\n"}, {"type", "Unified\n"}};

        for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
            auto_free char *file = mem_printf("%s/%s", dir, files[k][0]);

            tree_put(root, file, files[k][1]);
        }
        auto_free char *id = mem_printf("%s/id", dir), *list = mem_printf("%s/shared_cpu_list", dir);

        tree_put(root, id, i < 2 ? "0\n" : "7\n");
        tree_put(root, list, i < 2 ? "0-1\n" : "2-3\n");
    }
    ck_assert_int_eq(host_caches_read(root, 3, &found, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert(found[0].id == 0 && found[1].id == 7 && found[0].size == 32u << 20 && found[0].type == 'u');
    ck_assert(bitmap_get(&found[1].cpus, 3) && !bitmap_get(&found[1].cpus, 1));
    host_caches_free(found, count);
    tree_remove(root);
}
END_TEST

START_TEST(identity)
{
    char *root = tree_make();
    uint8_t uuid[16];
    auto_buf struct buf xml = {0};

    ck_assert_int_eq(host_uuid(root, NULL, NULL, uuid), -ENODATA);
    tree_put(root, "etc/machine-id", "7e2e51bfc87d449baf5600405974a983\n");
    ck_assert_int_eq(host_uuid(root, "not a uuid", NULL, uuid), 0);
    ck_assert_uint_eq(uuid[0], 0x7e);
    tree_put(root, "sys/devices/virtual/dmi/id/product_uuid",
             "11111111-1111-1111-1111-111111111111\n"); /* no hardware's */
    ck_assert_int_eq(host_uuid(root, NULL, NULL, uuid), 0);
    ck_assert_uint_eq(uuid[0], 0x7e);
    tree_put(root, "sys/devices/virtual/dmi/id/product_uuid", "21111111-1111-1111-1111-111111111111\n");
    ck_assert_int_eq(host_uuid(root, NULL, NULL, uuid), 0);
    ck_assert_uint_eq(uuid[0], 0x21);
    ck_assert_int_eq(host_uuid(root, NULL, "machine-id", uuid), 0);
    ck_assert_uint_eq(uuid[0], 0x7e);
    ck_assert_int_eq(host_uuid(root, "31111111-1111-1111-1111-111111111111", NULL, uuid), 0);
    ck_assert_uint_eq(uuid[0], 0x31);
    tree_put(root, "sys/devices/virtual/dmi/id/sys_vendor", " A<B \n");
    ck_assert_int_eq(host_sysinfo(root, &xml), 0);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&xml), "  <system>\n    <entry name='manufacturer'>A&lt;B</entry>\n"));
    tree_remove(root);
}
END_TEST

/* CPUs, MHz and the rest as libvirt's own expectations say. */
START_TEST(recorded)
{
    static const char *const names[][2] = {
        {"test3", "x86_64-test3"}, {"with-die", "x86_64-with-die"}, {"high-ids", "aarch64-high-ids"}};
    const char *top = getenv("top_srcdir");

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        auto_free char *dir = mem_printf("%s/../shared/corpus/tests/virhostcpudata", top ? top : ".");
        auto_free char *expected = mem_printf("%s/linux-%s.expected", dir, names[i][1]),
                       *tree = mem_printf("%s/linux-%s", dir, names[i][0]);
        auto_free char *cpuinfo = mem_printf("%s/linux-%s.cpuinfo", dir, names[i][1]),
                       *absolute = realpath(tree, NULL);
        auto_buf struct buf wanted = {0}, info = {0}, got = {0};
        struct host_topology topology;

        if (!absolute || file_read(AT_FDCWD, expected, 4096, &wanted) < 0 ||
            file_read(AT_FDCWD, cpuinfo, 1 << 20, &info) < 0)
            continue;
        char *root = tree_make();
        auto_free char *link = mem_printf("%s/sys/devices/system", root);

        tree_put(root, "proc/cpuinfo", buf_text(&info));
        tree_put(root, "sys/devices/none", "");
        ck_assert_int_eq(symlink(absolute, link), 0);
        ck_assert_int_eq(host_topology_read(root, &topology), 0);
        buf_printf(&got, "CPUs: %u/%u, MHz: %u, Nodes: %u, Sockets: %u, Cores: %u, Threads: %u\n",
                   topology.cpus, topology.cpus, topology.mhz, topology.nodes, topology.sockets,
                   topology.cores, topology.threads);
        ck_assert_msg(str_eq(buf_text(&got), buf_text(&wanted)), "%s: %s", names[i][1], buf_text(&got));
        tree_remove(root);
    }
}
END_TEST

UNIT_MAIN("host", reads_topology, times, reads_memory, caches, identity, recorded)
