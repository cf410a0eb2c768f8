/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups in trees that look like v1, v2, a mixture, and nothing. The kernel's own behaviour is for
 * tests/run. */
#include "unit.h"

#include <errno.h>

#include "base/file.h"
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

static void assert_file(const char *root, const char *name, const char *text)
{
    auto_free char *path = mem_printf("%s/%s", root, name);
    auto_buf struct buf found = {0};

    ck_assert_int_eq(file_read(AT_FDCWD, path, 4096, &found), 0);
    ck_assert_str_eq(buf_text(&found), text);
}

/* systemd knows the unit in its own hierarchy alone: the same path is made in the others. */
START_TEST(made_path)
{
    char *root = v1_tree();
    auto_cgroup struct cgroup unit = {0}, none = {0}, own = {0}, threads = {0};

    tree_put(root, "proc/78/cgroup",
             "4:cpu,cpuacct:/\n3:memory:/system.slice/x.service\n2:cpuset:/\n1:name=systemd:" UNIT "/more\n");
    tree_put(root, "proc/79/cgroup", "4:cpu,cpuacct:/\n3:memory:/\n2:cpuset:/\n1:name=systemd:/\n");
    tree_put(root, "sys/fs/cgroup/cpu,cpuacct/tasks", "");
    tree_put(root, "sys/fs/cgroup/memory/tasks", "");
    tree_put(root, "sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n");
    ck_assert_int_eq(cgroup_make_path(root, 78, NULL, &unit), 0);
    assert_path(&unit, CGROUP_CPU, root, "/sys/fs/cgroup/cpu,cpuacct" UNIT);
    assert_path(&unit, CGROUP_MEMORY, root, "/sys/fs/cgroup/memory" UNIT);
    assert_path(&unit, CGROUP_CPUSET, root, "/sys/fs/cgroup/cpuset" UNIT);
    assert_path(&unit, CGROUP_SYSTEMD, root, "/sys/fs/cgroup/systemd" UNIT);
    ck_assert_int_eq(access(unit.at[CGROUP_MEMORY].path, F_OK), 0);
    ck_assert_int_ne(access(unit.at[CGROUP_SYSTEMD].path, F_OK), 0); /* not ours to make */
    ck_assert_int_eq(cgroup_child(&unit, "vcpu0", CGROUP_MAKE_THREADS, &threads), 0);
    ck_assert(cgroup_has(&threads, CGROUP_CPU) && cgroup_has(&threads, CGROUP_CPUSET) &&
              !cgroup_has(&threads, CGROUP_MEMORY));

    ck_assert_int_eq(cgroup_make_path(root, 79, NULL, &none), -ENODEV); /* in no unit */
    ck_assert_int_eq(cgroup_make_path(root, 79, "/machine/a.libvirt-qemu", &own), 0);
    assert_path(&own, CGROUP_MEMORY, root, "/sys/fs/cgroup/memory/machine/a.libvirt-qemu");
    ck_assert_int_eq(access(own.at[CGROUP_CPU].path, F_OK), 0);
    tree_remove(root);
}
END_TEST

START_TEST(limits_of_version_1)
{
    char *root = v1_tree();
    auto_cgroup struct cgroup group = {0};
    const char *cpu = "sys/fs/cgroup/cpu,cpuacct" UNIT "/libvirt/emulator/";
    auto_free char *period = mem_printf("%scpu.cfs_period_us", cpu),
                   *quota = mem_printf("%scpu.cfs_quota_us", cpu);

    ck_assert_int_eq(cgroup_of_pid(root, 77, &group), 0);
    ck_assert_int_eq(cgroup_set_bandwidth(&group, 50000, 20000), -EOPNOTSUPP); /* a kernel without it */
    tree_put(root, period, "9\n"); /* a plain file keeps the tail that a write doesn't reach */
    tree_put(root, quota, "-1\n");
    ck_assert_int_eq(cgroup_set_bandwidth(&group, 50000, 20000), 0);
    assert_file(root, period, "50000");
    assert_file(root, quota, "20000");
    ck_assert_int_eq(cgroup_set_disk(&group, CGROUP_DISK_READ_BPS, 8, 0, 1000), -ENODEV);
    ck_assert_str_eq(cgroup_key_file(&group, CGROUP_MEMORY_HARD), "memory.limit_in_bytes");
    tree_remove(root);
}
END_TEST

START_TEST(limits_of_version_2)
{
    char *root = tree_make();
    auto_cgroup struct cgroup group = {0}, own = {0};

    tree_put(root, "proc/self/mountinfo",
             "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
    tree_put(root, "proc/77/cgroup", "0::/a.scope\n");
    tree_put(root, "sys/fs/cgroup/a.scope/cgroup.controllers", "cpu io memory\n");
    tree_put(root, "sys/fs/cgroup/a.scope/io.max", "");
    tree_put(root, "sys/fs/cgroup/a.scope/io.bfq.weight", "default 100\n");
    ck_assert_int_eq(cgroup_make_path(root, 77, NULL, &group), 0);
    assert_path(&group, CGROUP_CPU, root, "/sys/fs/cgroup/a.scope");
    ck_assert_int_eq(cgroup_set_disk(&group, CGROUP_DISK_READ_IOPS, 8, 16, 500), 0);
    assert_file(root, "sys/fs/cgroup/a.scope/io.max", "8:16 riops=500");
    tree_put(root, "sys/fs/cgroup/a.scope/io.max", "");
    ck_assert_int_eq(cgroup_set_disk(&group, CGROUP_DISK_WRITE_BPS, 8, 16, 0), 0);
    assert_file(root, "sys/fs/cgroup/a.scope/io.max", "8:16 wbps=max");
    ck_assert_int_eq(cgroup_set_disk(&group, CGROUP_DISK_WEIGHT, 8, 16, 300), 0);
    assert_file(root, "sys/fs/cgroup/a.scope/io.bfq.weight", "8:16 300100\n");
    ck_assert_str_eq(cgroup_key_file(&group, CGROUP_BLKIO_WEIGHT), "io.bfq.weight");
    /* a kernel would fill the new directory; here it has no controllers */
    ck_assert_int_eq(cgroup_make_path(root, 77, "/machine/b.libvirt-qemu", &own), -ENODEV);
    auto_free char *made = mem_printf("%s/sys/fs/cgroup/machine/b.libvirt-qemu", root);

    ck_assert_int_eq(access(made, F_OK), 0);
    tree_remove(root);
}
END_TEST

UNIT_MAIN("cgroup", version_1, version_2, mixed_and_none, made_path, limits_of_version_1, limits_of_version_2)
