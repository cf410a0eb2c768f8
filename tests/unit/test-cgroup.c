/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups in trees that look like v1, v2, a mixture, and nothing. The kernel's own behaviour is for
 * tests/run. */
#include "unit.h"

#include <errno.h>

#include "base/str.h"
#include "host/cgroup.h"
#include "tree.h"

#define UNIT "/machine.slice/machine-qemu\\x2d1\\x2da.scope"

static void assert_path(const struct cgroup *group, enum cgroup_controller controller, const char *root,
                        const char *path)
{
    auto_free char *wanted = path ? mem_printf("%s%s", root, path) : NULL;

    ck_assert_msg(str_eq(group->at[controller].path, wanted), "%s: %s", cgroup_controller_names[controller],
                  group->at[controller].path);
}

static char *v1_tree(void)
{
    char *root = tree_make();

    tree_put(root, "proc/self/mountinfo",
             "30 29 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
             "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
             "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
             "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
             "34 30 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
             "garbage\n");
    tree_put(root, "proc/77/cgroup",
             "4:cpu,cpuacct:" UNIT "/libvirt/emulator\n3:memory:" UNIT
             "/libvirt\n2:cpuset:/\n1:name=systemd:" UNIT "\n");
    return root;
}

START_TEST(version_1)
{
    char *root = v1_tree();
    auto_cgroup struct cgroup group = {0}, child = {0}, missing = {0};
    uint64_t value;

    ck_assert_int_eq(cgroup_of_pid(root, 77, &group), 0);
    assert_path(&group, CGROUP_CPU, root, "/sys/fs/cgroup/cpu,cpuacct" UNIT "/libvirt/emulator");
    assert_path(&group, CGROUP_CPUACCT, root, "/sys/fs/cgroup/cpu,cpuacct" UNIT "/libvirt/emulator");
    assert_path(&group, CGROUP_CPUSET, root, "/sys/fs/cgroup/cpuset");
    assert_path(&group, CGROUP_BLKIO, root, NULL);
    cgroup_to_unit(&group);
    assert_path(&group, CGROUP_CPU, root, "/sys/fs/cgroup/cpu,cpuacct" UNIT);
    assert_path(&group, CGROUP_MEMORY, root, "/sys/fs/cgroup/memory" UNIT);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_BLKIO_WEIGHT, &value), -ENODEV);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_SHARES, &value), -EOPNOTSUPP); /* no such file */

    tree_put(root, "sys/fs/cgroup/cpu,cpuacct" UNIT "/cpu.shares", "2048\n");
    tree_put(root, "sys/fs/cgroup/cpu,cpuacct" UNIT "/cpu.cfs_quota_us", "-1\n");
    tree_put(root, "sys/fs/cgroup/cpu,cpuacct" UNIT "/cpuacct.stat", "user 12\nsystem 3\n");
    tree_put(root, "sys/fs/cgroup/memory" UNIT "/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_SHARES, &value), 0);
    ck_assert_uint_eq(value, 2048);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_QUOTA, &value), 0);
    ck_assert_uint_eq(value, CGROUP_UNLIMITED);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_SYSTEM, &value), 0);
    ck_assert_uint_eq(value, 30000000);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_MEMORY_HARD, &value), 0);
    ck_assert_uint_eq(value, CGROUP_UNLIMITED);
    ck_assert_int_eq(cgroup_set(&group, CGROUP_CPU_SYSTEM, 1), -EOPNOTSUPP);

    ck_assert_int_eq(cgroup_child(&group, "libvirt", CGROUP_FIND, &missing), -ENOENT);
    ck_assert_int_eq(cgroup_child(&group, "../x", CGROUP_MAKE, &missing), -EINVAL);
    tree_put(root, "sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n");
    ck_assert_int_eq(cgroup_child(&group, "vm", CGROUP_MAKE, &child), 0);
    assert_path(&child, CGROUP_CPU, root, "/sys/fs/cgroup/cpu,cpuacct" UNIT "/vm");
    assert_path(&child, CGROUP_SYSTEMD, root, NULL); /* systemd's hierarchy is left alone */
    tree_remove(root);
}
END_TEST

START_TEST(version_2)
{
    char *root = tree_make();
    auto_cgroup struct cgroup group = {0};
    struct cgroup_io io;
    uint64_t value;

    tree_put(root, "proc/self/mountinfo",
             "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
    tree_put(root, "proc/77/cgroup", "0::/a.scope\n");
    tree_put(root, "sys/fs/cgroup/a.scope/cgroup.controllers", "cpu io memory\n");
    tree_put(root, "sys/fs/cgroup/a.scope/cpu.max", "50000 100000\n");
    tree_put(root, "sys/fs/cgroup/a.scope/cpu.stat", "usage_usec 5\nuser_usec 4\nsystem_usec 1\n");
    tree_put(root, "sys/fs/cgroup/a.scope/memory.max", "1000\n");
    tree_put(root, "sys/fs/cgroup/a.scope/memory.swap.max", "500\n");
    tree_put(root, "sys/fs/cgroup/a.scope/io.weight", "default 100\n8:0 50\n");
    tree_put(root, "sys/fs/cgroup/a.scope/io.stat",
             "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=0 rios=1 wios=0 "
             "dbytes=0 dios=0\n");
    ck_assert_int_eq(cgroup_of_pid(root, 77, &group), 0);
    ck_assert(cgroup_has(&group, CGROUP_CPU) && cgroup_has(&group, CGROUP_CPUACCT) &&
              cgroup_has(&group, CGROUP_FREEZER));
    ck_assert(!cgroup_has(&group, CGROUP_CPUSET) && !cgroup_has(&group, CGROUP_DEVICES) &&
              group.at[CGROUP_BLKIO].v2);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_QUOTA, &value), 0);
    ck_assert_uint_eq(value, 50000);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_PERIOD, &value), 0);
    ck_assert_uint_eq(value, 100000);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_CPU_USER, &value), 0);
    ck_assert_uint_eq(value, 4000);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_BLKIO_WEIGHT, &value), 0);
    ck_assert_uint_eq(value, 100);
    ck_assert_int_eq(cgroup_get(&group, CGROUP_MEMORY_SWAP, &value), 0);
    ck_assert_uint_eq(value, 1500);                                         /* with the memory */
    ck_assert_int_eq(cgroup_set(&group, CGROUP_MEMORY_SWAP, 999), -EINVAL); /* less than the memory alone */
    ck_assert_int_eq(cgroup_set(&group, CGROUP_MEMORY_SWAP, 1200), 0);
    ck_assert_int_eq(cgroup_get_io(&group, &io), 0);
    ck_assert(io.read_bytes == 15 && io.write_bytes == 20 && io.read_requests == 2 && io.write_requests == 2);
    ck_assert_int_eq(cgroup_device(&group, true, "a"), -ENODEV);
    tree_remove(root);
}
END_TEST

START_TEST(mixed_and_none)
{
    char *root = tree_make();
    auto_cgroup struct cgroup mixed = {0}, none = {0};

    ck_assert_int_eq(cgroup_of_pid(root, 0, &none), 0); /* no procfs at all */
    ck_assert(cgroup_empty(&none));
    tree_put(root, "proc/self/mountinfo",
             "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
             "32 30 0:28 /docker/1 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
             "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    tree_put(root, "proc/self/cgroup", "2:memory:/x\n3:cpu:/docker/1/y\n0::/z\n");
    tree_put(root, "sys/fs/cgroup/unified/z/cgroup.controllers", "pids memory\n");
    ck_assert_int_eq(cgroup_of_pid(root, 0, &mixed), 0);
    assert_path(&mixed, CGROUP_MEMORY, root, "/sys/fs/cgroup/memory/x");
    assert_path(&mixed, CGROUP_CPU, root, "/sys/fs/cgroup/cpu/y");
    assert_path(&mixed, CGROUP_PIDS, root, "/sys/fs/cgroup/unified/z");
    ck_assert_int_eq(cgroup_of_pid(root, 99, &none), -ENOENT); /* such a process isn't there */
    tree_remove(root);
}
END_TEST

UNIT_MAIN("cgroup", version_1, version_2, mixed_and_none)
