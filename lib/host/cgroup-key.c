/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The knobs of a group. A row says in which file a number stands on v1 and on v2, and in which form; the
 * forms are few.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "host/cgroup.h"
#include "host/sysfs.h"

enum { TEXT_MAX = 1 << 20 };

enum form {
    FORM_NUMBER, /* one number; -1 or "max": unlimited */
    FORM_PERIOD, /* v2 cpu.max: "QUOTA PERIOD" */
    FORM_QUOTA,
    FORM_STAT,    /* a line "word number" of a file */
    FORM_DEFAULT, /* v2 weights: "default 100" */
    FORM_FROZEN,  /* v1: words */
    FORM_SWAP,    /* v2 counts swap alone, we count it with memory */
    FORM_NONE,    /* this hierarchy has no such knob */
};

struct knob {
    enum form form;
    const char *file;
    const char *word;    /* of FORM_STAT */
    uint64_t unit;       /* our number is the file's times this; 0: 1 */
    const char *instead; /* the file's name where another scheduler of disks (bfq) is in charge */
};

/* clang-format off */
static const struct key_row {
    enum cgroup_controller controller;
    struct knob v1, v2;
    bool read_only;
} rows[CGROUP_KEY_MAX] = {
    [CGROUP_CPU_SHARES] = {CGROUP_CPU, {FORM_NUMBER, "cpu.shares"}, {FORM_NUMBER, "cpu.weight"}},
    [CGROUP_CPU_PERIOD] = {CGROUP_CPU, {FORM_NUMBER, "cpu.cfs_period_us"}, {FORM_PERIOD, "cpu.max"}},
    [CGROUP_CPU_QUOTA] = {CGROUP_CPU, {FORM_NUMBER, "cpu.cfs_quota_us"}, {FORM_QUOTA, "cpu.max"}},
    [CGROUP_CPU_USAGE] = {CGROUP_CPUACCT, {FORM_NUMBER, "cpuacct.usage"}, {FORM_STAT, "cpu.stat", "usage_usec", 1000}, true},
    /* v1 counts in ticks of 1/100 s, whatever the kernel's own are */
    [CGROUP_CPU_USER] = {CGROUP_CPUACCT, {FORM_STAT, "cpuacct.stat", "user", 10000000}, {FORM_STAT, "cpu.stat", "user_usec", 1000}, true},
    [CGROUP_CPU_SYSTEM] = {CGROUP_CPUACCT, {FORM_STAT, "cpuacct.stat", "system", 10000000}, {FORM_STAT, "cpu.stat", "system_usec", 1000}, true},
    [CGROUP_MEMORY_HARD] = {CGROUP_MEMORY, {FORM_NUMBER, "memory.limit_in_bytes"}, {FORM_NUMBER, "memory.max"}},
    [CGROUP_MEMORY_SOFT] = {CGROUP_MEMORY, {FORM_NUMBER, "memory.soft_limit_in_bytes"}, {FORM_NUMBER, "memory.high"}},
    [CGROUP_MEMORY_SWAP] = {CGROUP_MEMORY, {FORM_NUMBER, "memory.memsw.limit_in_bytes"}, {FORM_SWAP, "memory.swap.max"}},
    [CGROUP_MEMORY_USAGE] = {CGROUP_MEMORY, {FORM_NUMBER, "memory.usage_in_bytes"}, {FORM_NUMBER, "memory.current"}, true},
    [CGROUP_BLKIO_WEIGHT] = {CGROUP_BLKIO, {FORM_NUMBER, "blkio.weight", .instead = "blkio.bfq.weight"}, {FORM_DEFAULT, "io.weight", .instead = "io.bfq.weight"}},
    [CGROUP_FROZEN] = {CGROUP_FREEZER, {FORM_FROZEN, "freezer.state"}, {FORM_NUMBER, "cgroup.freeze"}},
};
/* clang-format on */

enum cgroup_controller cgroup_key_controller(enum cgroup_key key)
{
    return rows[key].controller;
}

/* The knob of a group's hierarchy and the name of its file, or -errno. */
static int knob_of(const struct cgroup *group, enum cgroup_key key, const struct cgroup_place **ret_place,
                   const struct knob **ret_knob, const char **ret_file)
{
    const struct cgroup_place *place = &group->at[rows[key].controller];
    const struct knob *knob = place->v2 ? &rows[key].v2 : &rows[key].v1;

    if (!place->path)
        return -ENODEV;
    *ret_place = place;
    *ret_knob = knob;
    *ret_file = knob->instead && !sysfs_exists(place->path, "/%s", knob->file) ? knob->instead : knob->file;
    return knob->form == FORM_NONE ? -EOPNOTSUPP : 0;
}

const char *cgroup_key_file(const struct cgroup *group, enum cgroup_key key)
{
    const struct cgroup_place *place;
    const struct knob *knob;
    const char *file = rows[key].v1.file;

    (void)knob_of(group, key, &place, &knob, &file);
    return file;
}

static int write_text(const char *path, const char *file, const char *text)
{
    auto_free char *name = mem_printf("%s/%s", path, file);
    auto_fd int fd = open(name, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? -EOPNOTSUPP : -errno;
    return fd_write_all(fd, text, strlen(text));
}

static int number_of(const char *text, uint64_t *ret)
{
    if (str_after(text, "max") || *text == '-') {
        *ret = CGROUP_UNLIMITED;
        return 0;
    }
    if (str_take_u64(&text, ret) < 0)
        return -EINVAL;
    if (*ret > INT64_MAX / 4096 * 4096 - 1) /* v1's "no limit" is the largest number of whole pages */
        *ret = CGROUP_UNLIMITED;
    return 0;
}

static int stat_read(const char *path, const struct knob *knob, uint64_t *ret)
{
    auto_buf struct buf text = {0};
    auto_free char *name = mem_printf("%s/%s", path, knob->file);
    int r = file_read(AT_FDCWD, name, TEXT_MAX, &text);

    if (r < 0)
        return r;
    for (const char *line = buf_text(&text); line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *at = str_after(line, knob->word);

        if (at && *at++ == ' ')
            return str_take_u64(&at, ret);
    }
    return -EOPNOTSUPP;
}

int cgroup_get(const struct cgroup *group, enum cgroup_key key, uint64_t *ret)
{
    const struct cgroup_place *place;
    const struct knob *knob;
    char text[SYSFS_TEXT_MAX];
    const char *at = text, *file;
    uint64_t value, memory;
    int r = knob_of(group, key, &place, &knob, &file);

    if (r < 0)
        return r;
    if (knob->form == FORM_STAT) {
        r = stat_read(place->path, knob, &value);
    } else {
        ssize_t n = sysfs_read(text, sizeof(text), place->path, "/%s", file);

        if (n < 0)
            return n == -ENOENT ? -EOPNOTSUPP : (int)n;
        if (knob->form == FORM_FROZEN) {
            *ret = str_eq(text, "FROZEN");
            return 0;
        }
        if (knob->form == FORM_DEFAULT && str_after(text, "default "))
            at = str_after(text, "default ");
        if (knob->form == FORM_PERIOD)
            at = strchr(text, ' ') ? strchr(text, ' ') + 1 : "";
        r = number_of(at, &value);
    }
    if (r == 0 && knob->form == FORM_SWAP && value != CGROUP_UNLIMITED) {
        r = cgroup_get(group, CGROUP_MEMORY_HARD, &memory);
        if (r == 0)
            value = memory == CGROUP_UNLIMITED ? CGROUP_UNLIMITED : value + memory;
    }
    if (r == 0)
        *ret = knob->unit && value != CGROUP_UNLIMITED ? value * knob->unit : value;
    return r;
}

int cgroup_set(const struct cgroup *group, enum cgroup_key key, uint64_t value)
{
    const struct cgroup_place *place;
    const struct knob *knob;
    const char *file;
    char text[64];
    uint64_t other;
    int r = knob_of(group, key, &place, &knob, &file);

    if (r < 0)
        return r;
    if (rows[key].read_only)
        return -EOPNOTSUPP;
    if (knob->form == FORM_FROZEN)
        return write_text(place->path, file, value ? "FROZEN" : "THAWED");
    if (knob->form == FORM_SWAP && value != CGROUP_UNLIMITED) {
        r = cgroup_get(group, CGROUP_MEMORY_HARD, &other);
        if (r < 0)
            return r;
        if (other > value) /* also: no limit on memory, so none on the sum of both could hold */
            return -EINVAL;
        value -= other;
    }
    const char *unlimited = place->v2 ? "max" : "-1";

    if (knob->form == FORM_PERIOD) {
        r = cgroup_get(group, CGROUP_CPU_QUOTA, &other);
        if (r < 0)
            return r;
        if (other == CGROUP_UNLIMITED)
            snprintf(text, sizeof(text), "max %llu", (unsigned long long)value);
        else
            snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)other, (unsigned long long)value);
    } else if (value == CGROUP_UNLIMITED) {
        snprintf(text, sizeof(text), "%s", unlimited);
    } else {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    }
    return write_text(place->path, file, text);
}

int cgroup_set_bandwidth(const struct cgroup *group, uint64_t period, uint64_t quota)
{
    uint64_t old_period, old_quota;
    int r = cgroup_get(group, CGROUP_CPU_PERIOD, &old_period);

    if (r == 0)
        r = cgroup_get(group, CGROUP_CPU_QUOTA, &old_quota);
    /* no quota in between: nothing above or beneath can be contradicted by a period alone */
    if (r == 0)
        r = cgroup_set(group, CGROUP_CPU_QUOTA, CGROUP_UNLIMITED);
    if (r == 0 && period)
        r = cgroup_set(group, CGROUP_CPU_PERIOD, period);
    if (r == 0 && quota != CGROUP_UNLIMITED)
        r = cgroup_set(group, CGROUP_CPU_QUOTA, quota);
    if (r < 0 && r != -ENODEV) {
        (void)cgroup_set(group, CGROUP_CPU_PERIOD, old_period);
        (void)cgroup_set(group, CGROUP_CPU_QUOTA, old_quota);
    }
    return r;
}

/* Row: v1's file; v2's file and the word in it ("": the number stands alone). The second try is bfq's. */
static const struct {
    const char *v1, *v1_instead, *v2, *v2_instead, *word;
} disk_rows[CGROUP_DISK_KEY_MAX] = {
    [CGROUP_DISK_WEIGHT] = {"blkio.weight_device", "blkio.bfq.weight_device", "io.weight", "io.bfq.weight",
                            ""},
    [CGROUP_DISK_READ_IOPS] = {"blkio.throttle.read_iops_device", NULL, "io.max", NULL, "riops="},
    [CGROUP_DISK_WRITE_IOPS] = {"blkio.throttle.write_iops_device", NULL, "io.max", NULL, "wiops="},
    [CGROUP_DISK_READ_BPS] = {"blkio.throttle.read_bps_device", NULL, "io.max", NULL, "rbps="},
    [CGROUP_DISK_WRITE_BPS] = {"blkio.throttle.write_bps_device", NULL, "io.max", NULL, "wbps="},
};

int cgroup_set_disk(const struct cgroup *group, enum cgroup_disk_key key, unsigned major, unsigned minor,
                    uint64_t value)
{
    const struct cgroup_place *place = &group->at[CGROUP_BLKIO];
    const char *file = place->v2 ? disk_rows[key].v2 : disk_rows[key].v1;
    const char *instead = place->v2 ? disk_rows[key].v2_instead : disk_rows[key].v1_instead;
    const char *none = key == CGROUP_DISK_WEIGHT ? "default" : "max"; /* v2's words */
    char text[96];

    if (!place->path)
        return -ENODEV;
    if (instead && !sysfs_exists(place->path, "/%s", file))
        file = instead;
    if (place->v2 && !value)
        snprintf(text, sizeof(text), "%u:%u %s%s", major, minor, disk_rows[key].word, none);
    else
        snprintf(text, sizeof(text), "%u:%u %s%llu", major, minor, place->v2 ? disk_rows[key].word : "",
                 (unsigned long long)value);
    return write_text(place->path, file, text);
}

static int set_list(const struct cgroup *group, const char *file, const struct bitmap *list)
{
    auto_buf struct buf text = {0};

    if (!cgroup_has(group, CGROUP_CPUSET))
        return -ENODEV;
    bitmap_format(list, &text);
    return write_text(group->at[CGROUP_CPUSET].path, file, buf_text(&text));
}

/* v2 leaves a set empty while nobody chose one: what counts is the effective set. */
static int get_list(const struct cgroup *group, const char *file, struct bitmap *ret)
{
    const struct cgroup_place *place = &group->at[CGROUP_CPUSET];

    if (!place->path)
        return -ENODEV;
    return sysfs_list(ret, place->path, "/%s%s", file, place->v2 ? ".effective" : "");
}

int cgroup_set_cpus(const struct cgroup *group, const struct bitmap *cpus)
{
    return set_list(group, "cpuset.cpus", cpus);
}

int cgroup_get_cpus(const struct cgroup *group, struct bitmap *ret)
{
    return get_list(group, "cpuset.cpus", ret);
}

int cgroup_set_mems(const struct cgroup *group, const struct bitmap *nodes)
{
    return set_list(group, "cpuset.mems", nodes);
}

int cgroup_get_mems(const struct cgroup *group, struct bitmap *ret)
{
    return get_list(group, "cpuset.mems", ret);
}

int cgroup_get_percpu(const struct cgroup *group, uint64_t **ret_times, size_t *ret_count)
{
    const struct cgroup_place *place = &group->at[CGROUP_CPUACCT];
    auto_buf struct buf text = {0};
    uint64_t *times = NULL;
    size_t count = 0;

    if (!place->path)
        return -ENODEV;
    if (place->v2)
        return -EOPNOTSUPP;
    auto_free char *name = mem_printf("%s/cpuacct.usage_percpu", place->path);
    int r = file_read(AT_FDCWD, name, TEXT_MAX, &text);

    if (r < 0)
        return r;
    for (const char *at = buf_text(&text); *at && *at != '\n'; at += strspn(at, " ")) {
        uint64_t time;

        if (str_take_u64(&at, &time) < 0)
            break;
        times = mem_resize_array(times, count + 1, sizeof(*times));
        times[count++] = time;
    }
    *ret_times = times;
    *ret_count = count;
    return 0;
}

int cgroup_device(const struct cgroup *group, bool allow, const char *rule)
{
    const struct cgroup_place *place = &group->at[CGROUP_DEVICES];

    if (!place->path)
        return -ENODEV;
    return write_text(place->path, allow ? "devices.allow" : "devices.deny", rule);
}

/* v1: "8:0 Read 4096" lines; v2: "8:0 rbytes=4096 wbytes=0 rios=1 ..." lines. */
static void add_io(const char *line, const char *word, uint64_t *sum)
{
    const char *at = strstr(line, word), *end = strchr(line, '\n');
    uint64_t value;

    if (!at || (end && at > end))
        return;
    at += strlen(word);
    if (str_take_u64(&at, &value) == 0)
        *sum += value;
}

static int io_file(const char *path, const char *file, const char *read_word, const char *write_word,
                   uint64_t *reads, uint64_t *writes)
{
    auto_buf struct buf text = {0};
    auto_free char *name = mem_printf("%s/%s", path, file);
    int r = file_read(AT_FDCWD, name, TEXT_MAX, &text);

    for (const char *line = r < 0 ? NULL : buf_text(&text); line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        add_io(line, read_word, reads);
        add_io(line, write_word, writes);
    }
    return r;
}

int cgroup_get_io(const struct cgroup *group, struct cgroup_io *ret)
{
    const struct cgroup_place *place = &group->at[CGROUP_BLKIO];
    struct cgroup_io io = {0};
    int r;

    if (!place->path)
        return -ENODEV;
    if (place->v2) {
        r = io_file(place->path, "io.stat", " rbytes=", " wbytes=", &io.read_bytes, &io.write_bytes);
        if (r == 0)
            r = io_file(place->path, "io.stat", " rios=", " wios=", &io.read_requests, &io.write_requests);
    } else {
        r = io_file(place->path, "blkio.throttle.io_service_bytes", " Read ", " Write ", &io.read_bytes,
                    &io.write_bytes);
        if (r == 0)
            r = io_file(place->path, "blkio.throttle.io_serviced", " Read ", " Write ", &io.read_requests,
                        &io.write_requests);
    }
    if (r == 0)
        *ret = io;
    return r;
}
