/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "host/cgroup.h"
#include "host/tap.h"
#include "model/domain/domain.h"
#include "virtqemud/api.h"
#include "virtqemud/limits.h"
#include "virtqemud/perf.h"
#include "virtqemud/process.h"
#include "virtqemud/vcpu.h"

/* By the bit number of enum stats_ask. */
static const struct {
    const char *command;
    unsigned groups; /* that need it */
} questions[STATS_ASK_COUNT] = {
    {"query-blockstats", API_DOMAIN_STATS_BLOCK},
    {"query-block", API_DOMAIN_STATS_BLOCK},
    {"qom-get", API_DOMAIN_STATS_BALLOON},
    {"query-iothreads", API_DOMAIN_STATS_IOTHREAD},
    {"query-dirty-rate", API_DOMAIN_STATS_DIRTYRATE},
};

unsigned stats_questions(unsigned groups)
{
    unsigned ask = 0;

    for (unsigned i = 0; i < STATS_ASK_COUNT; i++)
        if (questions[i].groups & groups)
            ask |= 1u << i;
    return ask;
}

/* The guest tells of its memory only when it was asked to, by a period. */
static bool balloon_tells(const struct domain *domain)
{
    const struct balloon *balloon = domain->devices.balloon;

    return balloon && balloon->model != BALLOON_NONE && balloon->stats_period;
}

/* A question whose answer is known to be empty isn't asked: QEMU's monitor is slow. */
static unsigned worth_asking(const struct run *run, unsigned ask)
{
    const struct domain *domain = run->domain;

    if (!run->measured_dirty)
        ask &= ~(unsigned)STATS_ASK_DIRTY;
    if (!domain->devices.n_disks)
        ask &= ~(unsigned)(STATS_ASK_BLOCKSTATS | STATS_ASK_BLOCK);
    if (!balloon_tells(domain))
        ask &= ~(unsigned)STATS_ASK_BALLOON;
    if (!domain->vcpus.iothreads)
        ask &= ~(unsigned)STATS_ASK_IOTHREADS;
    return ask;
}

void stats_ask(struct req *rq, struct stats *stats, struct vm *vm, unsigned ask)
{
    struct run *run = vm->run;

    stats->vm = vm_ref(vm);
    stats->id = vm->id;
    if (!run || !run->qmp || qmp_broken(run->qmp))
        return;
    ask = worth_asking(run, ask);
    if (!ask || process_stopped(run->pid))
        return;
    for (unsigned i = 0; i < STATS_ASK_COUNT; i++) {
        const char *args = NULL;

        if (!(ask & 1u << i))
            continue;
        if (1u << i == STATS_ASK_BALLOON)
            args = json_text(
                &rq->arena, "{'path': %s, 'property': 'guest-stats'}",
                arena_printf(&rq->arena, "/machine/peripheral/%s", run->domain->devices.balloon->info.alias));
        if (qmp_put(rq, run->qmp, &stats->calls[i], questions[i].command, args) < 0) {
            err_clear(&rq->err);
            break;
        }
        stats->asked |= 1u << i;
    }
    qmp_flush(run->qmp);
}

void stats_await(struct req *rq, struct stats *stats, uint64_t deadline)
{
    for (unsigned i = 0; i < STATS_ASK_COUNT; i++) {
        uint64_t now = time_monotonic();

        if (!(stats->asked & 1u << i))
            continue;
        /* what is there already is taken even when time is over */
        if (qmp_take(rq, &stats->calls[i], &stats->answers[i], now < deadline ? deadline - now : 1) < 0)
            err_clear(&rq->err);
    }
}

struct run *stats_run(const struct stats *stats)
{
    return stats->vm->id == stats->id ? stats->vm->run : NULL;
}

void stats_done(struct stats *stats)
{
    for (unsigned i = 0; i < STATS_ASK_COUNT; i++) {
        qmp_drop(&stats->calls[i]);
        json_object_put(stats->answers[i]);
    }
    if (stats->vm)
        vm_unref(stats->vm);
    *stats = (struct stats){0};
}

static struct json_object *answer(const struct stats *stats, enum stats_ask which)
{
    return stats->answers[__builtin_ctz(which)];
}

/* QEMU names a device by its alias or by a path with the alias in it. */
static bool is_device(const char *qdev, const char *alias)
{
    const char *at = qdev && alias ? strstr(qdev, alias) : NULL;
    size_t length = alias ? strlen(alias) : 0;

    while (at && !((at == qdev || at[-1] == '/') && (!at[length] || at[length] == '/')))
        at = strstr(at + 1, alias);
    return at;
}

struct json_object *stats_of_disk(const struct stats *stats, enum stats_ask which, const struct disk *disk)
{
    struct json_object *list = answer(stats, which);

    for (size_t i = 0; i < json_count(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);

        if (is_device(json_string(entry, "qdev"), disk->info.alias))
            return entry;
    }
    return NULL;
}

void stats_memory(const struct stats *stats, struct memory_stats *ret)
{
    /* Tags whose value the guest's driver tells; sizes come in bytes and are told in KiB. */
    static const struct {
        unsigned tag, unit;
        const char *name;
    } rows[] = {
        {API_DOMAIN_MEMORY_STAT_SWAP_IN, 1024, "stat-swap-in"},
        {API_DOMAIN_MEMORY_STAT_SWAP_OUT, 1024, "stat-swap-out"},
        {API_DOMAIN_MEMORY_STAT_MAJOR_FAULT, 1, "stat-major-faults"},
        {API_DOMAIN_MEMORY_STAT_MINOR_FAULT, 1, "stat-minor-faults"},
        {API_DOMAIN_MEMORY_STAT_UNUSED, 1024, "stat-free-memory"},
        {API_DOMAIN_MEMORY_STAT_AVAILABLE, 1024, "stat-total-memory"},
        {API_DOMAIN_MEMORY_STAT_USABLE, 1024, "stat-available-memory"},
        {API_DOMAIN_MEMORY_STAT_DISK_CACHES, 1024, "stat-disk-caches"},
        {API_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 1, "stat-htlb-pgalloc"},
        {API_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 1, "stat-htlb-pgfail"},
    };
    const struct run *run = stats_run(stats);
    struct json_object *told = answer(stats, STATS_ASK_BALLOON), *values = json_get(told, "stats");
    uint64_t rss;

    *ret = (struct memory_stats){0};
    if (!run)
        return;
#define KNOWN(tag_, value_)                                                                                  \
    (ret->known[API_DOMAIN_MEMORY_STAT_##tag_] = true, ret->value[API_DOMAIN_MEMORY_STAT_##tag_] = (value_))
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = json_uint(values, rows[i].name, UINT64_MAX);

        if (value == UINT64_MAX)
            continue;
        ret->known[rows[i].tag] = true;
        ret->value[rows[i].tag] = value / rows[i].unit;
    }
    KNOWN(ACTUAL_BALLOON, run->balloon_kib ? run->balloon_kib : run->domain->memory.current);
    if (run->domain->devices.balloon && run->domain->devices.balloon->model != BALLOON_NONE)
        KNOWN(LAST_UPDATE, json_uint(told, "last-update", 0));
    if (process_usage(run->pid, 0, NULL, NULL, &rss, NULL) == 0)
        KNOWN(RSS, rss);
#undef KNOWN
}

bool stats_cpu(const struct run *run, struct cpu_times *ret)
{
    /* a group of its own counts QEMU's helpers, too */
    if (run->limits && cgroup_get(&run->limits->unit, CGROUP_CPU_USAGE, &ret->total) == 0 &&
        cgroup_get(&run->limits->unit, CGROUP_CPU_USER, &ret->user) == 0 &&
        cgroup_get(&run->limits->unit, CGROUP_CPU_SYSTEM, &ret->system) == 0)
        return true;
    if (process_usage(run->pid, 0, &ret->user, &ret->system, NULL, NULL) < 0)
        return false;
    ret->total = ret->user + ret->system;
    return true;
}

/* The virtual size stands in the header of a qcow2 image; the format is the one that the definition gives. */
static int qcow2_capacity(int fd, uint64_t *ret)
{
    uint8_t header[32];
    ssize_t n = pread(fd, header, sizeof(header), 0);

    if (n < 0)
        return -errno;
    if (n != sizeof(header) || memcmp(header, "QFI\xfb", 4) != 0)
        return -EINVAL;
    *ret = 0;
    for (unsigned i = 24; i < 32; i++)
        *ret = *ret << 8 | header[i];
    return 0;
}

int stats_image(const struct disk *disk, struct image_size *ret, struct err *err)
{
    const char *path = disk->src.path;
    auto_fd int fd = -1;
    struct stat status;
    off_t end;

    if (!path || (disk->src.type != STORAGE_FILE && disk->src.type != STORAGE_BLOCK))
        return err_set(err, ERR_OPERATION_UNSUPPORTED,
                       "the size of disk '%s' is only known while its domain runs", disk->dst);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_system(err, errno, "cannot open file '%s'", path);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return err_set(err, ERR_INVALID_ARG, "'%s' is neither a file nor a block device", path);
    end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return err_system(err, errno, "failed to seek to end of '%s'", path);
    ret->physical = (uint64_t)end;
    ret->allocation = S_ISBLK(status.st_mode) ? ret->physical : (uint64_t)status.st_blocks * 512;
    ret->capacity = ret->physical;
    if (disk->src.format == FORMAT_QCOW2) {
        int r = qcow2_capacity(fd, &ret->capacity);

        if (r < 0)
            return err_system(err, r, "cannot read the qcow2 header of '%s'", path);
    }
    return 0;
}

/* ---- the groups of the bulk call ---- */

static void group_state(const struct stats *stats, struct params *params)
{
    params_int(params, stats->vm->state, "state.state");
    params_int(params, stats->vm->reason, "state.reason");
}

/* How long KVM polled before it let a vCPU sleep; debugfs counts it for each vCPU. */
static uint64_t halt_poll(const struct run *run, const char *what)
{
    auto_free char *pattern =
        mem_printf("/sys/kernel/debug/kvm/%d-*/vcpu*/halt_poll_%s_ns", (int)run->pid, what);
    glob_t found = {0};
    uint64_t sum = 0;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            auto_free char *line = NULL;
            uint64_t value;

            if (file_read_line(AT_FDCWD, found.gl_pathv[i], &line) == 0 && str_to_u64(line, &value) == 0)
                sum += value;
        }
    globfree(&found);
    return sum;
}

static void group_cpu(const struct run *run, struct params *params)
{
    struct cpu_times times;
    bool kvm;

    if (!run)
        return;
    if (stats_cpu(run, &times)) {
        params_ulong(params, times.total, "cpu.time");
        params_ulong(params, times.user, "cpu.user");
        params_ulong(params, times.system, "cpu.system");
    }
    params_uint(params, 0, "cpu.cache.monitor.count");
    kvm = run->domain->virt == VIRT_KVM;
    params_ulong(params, kvm ? halt_poll(run, "success") : 0, "cpu.haltpoll.success.time");
    params_ulong(params, kvm ? halt_poll(run, "fail") : 0, "cpu.haltpoll.fail.time");
}

static void group_balloon(const struct stats *stats, const struct domain *domain, struct params *params)
{
    /* in the order in which they are told */
    static const struct {
        unsigned tag;
        const char *name;
    } rows[] = {
        {API_DOMAIN_MEMORY_STAT_SWAP_IN, "swap_in"},
        {API_DOMAIN_MEMORY_STAT_SWAP_OUT, "swap_out"},
        {API_DOMAIN_MEMORY_STAT_MAJOR_FAULT, "major_fault"},
        {API_DOMAIN_MEMORY_STAT_MINOR_FAULT, "minor_fault"},
        {API_DOMAIN_MEMORY_STAT_UNUSED, "unused"},
        {API_DOMAIN_MEMORY_STAT_AVAILABLE, "available"},
        {API_DOMAIN_MEMORY_STAT_USABLE, "usable"},
        {API_DOMAIN_MEMORY_STAT_LAST_UPDATE, "last-update"},
        {API_DOMAIN_MEMORY_STAT_DISK_CACHES, "disk_caches"},
        {API_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, "hugetlb_pgalloc"},
        {API_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, "hugetlb_pgfail"},
        {API_DOMAIN_MEMORY_STAT_RSS, "rss"},
    };
    const struct run *run = stats_run(stats);
    struct memory_stats memory;

    params_ulong(params, run && run->balloon_kib ? run->balloon_kib : domain->memory.current,
                 "balloon.current");
    params_ulong(params, domain->memory.total, "balloon.maximum");
    stats_memory(stats, &memory);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (memory.known[rows[i].tag])
            params_ulong(params, memory.value[rows[i].tag], "balloon.%s", rows[i].name);
}

/* The scheduler's second number: time that the thread was runnable and did not run. */
static uint64_t run_delay(const struct run *run, pid_t thread)
{
    auto_free char *path = mem_printf("/proc/%d/task/%d/schedstat", (int)run->pid, (int)thread), *line = NULL;
    unsigned long long delay = 0;

    if (file_read_line(AT_FDCWD, path, &line) == 0 && sscanf(line, "%*u %llu", &delay) != 1)
        delay = 0;
    return delay;
}

static void group_vcpu(const struct run *run, const struct domain *domain, struct params *params)
{
    params_uint(params, run && run->count_vcpus ? vcpu_count_online(run) : vcpus_online(&domain->vcpus),
                "vcpu.current");
    params_uint(params, domain->vcpus.max, "vcpu.maximum");
    for (unsigned i = 0; run && i < run->count_vcpus; i++) {
        const struct run_vcpu *vcpu = &run->vcpus[i];
        uint64_t user, system;

        if (!vcpu->online)
            continue;
        params_int(params, 1 /* running; QEMU doesn't tell more */, "vcpu.%u.state", i);
        if (vcpu->thread && process_usage(run->pid, vcpu->thread, &user, &system, NULL, NULL) == 0)
            params_ulong(params, user + system, "vcpu.%u.time", i);
        params_ulong(params, 0, "vcpu.%u.wait", i);
        params_ulong(params, vcpu->thread ? run_delay(run, vcpu->thread) : 0, "vcpu.%u.delay", i);
    }
}

static void group_interface(const struct run *run, const struct domain *domain, struct params *params)
{
    if (!run)
        return;
    params_uint(params, (uint32_t)domain->devices.n_ifaces, "net.count");
    for (size_t i = 0; i < domain->devices.n_ifaces; i++) {
        const struct iface *iface = domain->devices.ifaces[i];
        bool swap = iface->type != IFACE_DIRECT; /* a tap receives what the guest sends */
        struct iface_stats host;

        if (!iface->target || iface->type == IFACE_HOSTDEV || iface->type == IFACE_VHOSTUSER)
            continue;
        params_string(params, iface->target, "net.%zu.name", i);
        if (iface_get_stats(iface->target, &host, NULL) < 0)
            continue;
#define PAIR(key, what) params_ulong(params, swap ? host.tx_##what : host.rx_##what, "net.%zu.rx." key, i)
        PAIR("bytes", bytes), PAIR("pkts", packets), PAIR("errs", errs), PAIR("drop", drop);
#undef PAIR
#define PAIR(key, what) params_ulong(params, swap ? host.rx_##what : host.tx_##what, "net.%zu.tx." key, i)
        PAIR("bytes", bytes), PAIR("pkts", packets), PAIR("errs", errs), PAIR("drop", drop);
#undef PAIR
    }
}

static void block_counters(struct json_object *counters, size_t i, struct params *params)
{
    static const struct {
        const char *name, *from;
    } rows[] = {
        {"rd.reqs", "rd_operations"},     {"rd.bytes", "rd_bytes"},
        {"rd.times", "rd_total_time_ns"}, {"wr.reqs", "wr_operations"},
        {"wr.bytes", "wr_bytes"},         {"wr.times", "wr_total_time_ns"},
        {"fl.reqs", "flush_operations"},  {"fl.times", "flush_total_time_ns"},
    };

    for (size_t row = 0; counters && row < ARRAY_SIZE(rows); row++)
        params_ulong(params, json_uint(counters, rows[row].from, 0), "block.%zu.%s", i, rows[row].name);
}

static void block_sizes(const struct stats *stats, const struct disk *disk, size_t i, struct params *params)
{
    struct json_object *node = stats_of_disk(stats, STATS_ASK_BLOCKSTATS, disk);
    struct json_object *image =
        json_get(json_get(stats_of_disk(stats, STATS_ASK_BLOCK, disk), "inserted"), "image");
    struct json_object *file = json_get(json_get(node, "parent"), "stats");
    struct image_size size;

    if (stats_run(stats)) {
        if (file)
            params_ulong(params, json_uint(file, "wr_highest_offset", 0), "block.%zu.allocation", i);
        if (image) {
            params_ulong(params, json_uint(image, "virtual-size", 0), "block.%zu.capacity", i);
            params_ulong(params, json_uint(image, "actual-size", 0), "block.%zu.physical", i);
        }
    } else if (stats_image(disk, &size, NULL) == 0) {
        params_ulong(params, size.allocation, "block.%zu.allocation", i);
        params_ulong(params, size.capacity, "block.%zu.capacity", i);
        params_ulong(params, size.physical, "block.%zu.physical", i);
    }
}

static void group_block(const struct stats *stats, const struct domain *domain, struct params *params)
{
    params_uint(params, (uint32_t)domain->devices.n_disks, "block.count");
    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        const struct disk *disk = domain->devices.disks[i];

        params_string(params, disk->dst, "block.%zu.name", i);
        if (disk->src.path && (disk->src.type == STORAGE_FILE || disk->src.type == STORAGE_BLOCK))
            params_string(params, disk->src.path, "block.%zu.path", i);
        if (stats_run(stats) && disk->src.index.set)
            params_uint(params, disk->src.index.value, "block.%zu.backingIndex", i);
        block_counters(json_get(stats_of_disk(stats, STATS_ASK_BLOCKSTATS, disk), "stats"), i, params);
        block_sizes(stats, disk, i, params);
    }
}

static void group_iothread(const struct stats *stats, struct params *params)
{
    struct json_object *list = answer(stats, STATS_ASK_IOTHREADS);
    size_t count = json_count(list);

    if (!stats_run(stats) || (stats->asked & STATS_ASK_IOTHREADS && !list))
        return;
    if (count)
        params_uint(params, (uint32_t)count, "iothread.count");
    for (size_t i = 0; i < count; i++) {
        struct json_object *thread = json_object_array_get_idx(list, i);
        const char *name = json_string(thread, "id");
        uint32_t id;

        if (!name || strncmp(name, "iothread", strlen("iothread")) != 0 ||
            str_to_u32(name + strlen("iothread"), &id) < 0)
            continue; /* of the qemu namespace: not ours to number */
        params_ulong(params, json_uint(thread, "poll-max-ns", 0), "iothread.%u.poll-max-ns", id);
        params_uint(params, (uint32_t)json_uint(thread, "poll-grow", 0), "iothread.%u.poll-grow", id);
        params_uint(params, (uint32_t)json_uint(thread, "poll-shrink", 0), "iothread.%u.poll-shrink", id);
    }
}

/* In QEMU's order of numbers. */
static const char *const dirty_states[] = {"unstarted", "measuring", "measured", NULL};

static void group_dirtyrate(const struct stats *stats, struct params *params)
{
    struct json_object *told = answer(stats, STATS_ASK_DIRTY), *vcpus = json_get(told, "vcpu-dirty-rate");
    const char *mode = json_string(told, "mode");
    int state = enum_find(dirty_states, json_string(told, "status"));

    if (!stats_run(stats))
        return;
    params_int(params, state > 0 ? state : 0, "dirtyrate.calc_status");
    params_long(params, json_int(told, "start-time", 0), "dirtyrate.calc_start_time");
    params_int(params, (int32_t)json_int(told, "calc-time", 0), "dirtyrate.calc_period");
    params_string(params, mode ? mode : "page-sampling", "dirtyrate.calc_mode");
    if (state == 2)
        params_long(params, json_int(told, "dirty-rate", 0), "dirtyrate.megabytes_per_second");
    for (size_t i = 0; state == 2 && i < json_count(vcpus); i++) {
        struct json_object *one = json_object_array_get_idx(vcpus, i);

        params_ulong(params, json_uint(one, "dirty-rate", 0), "dirtyrate.vcpu.%d.megabytes_per_second",
                     (int)json_int(one, "id", 0));
    }
}

static void group_perf(const struct run *run, struct params *params)
{
    for (unsigned i = 0; run && i < PERF_EVENT_COUNT; i++) {
        uint64_t value;

        if (perf_is_open(run, i) && perf_read(run, i, &value) == 0)
            params_ulong(params, value, "perf.%s", perf_names[i]);
    }
}

int stats_poll_balloon(struct req *rq, struct vm *vm, uint32_t seconds)
{
    const struct balloon *balloon = vm->run->domain->devices.balloon;
    struct qmp *qmp = vm_monitor(rq, vm);

    return qmp ? qmp_call(rq, qmp, "qom-set",
                          json_text(&rq->arena,
                                    "{'path':%s,'property':'guest-stats-polling-interval','value':%u}",
                                    arena_printf(&rq->arena, "/machine/peripheral/%s", balloon->info.alias),
                                    seconds),
                          NULL, SECONDS(30))
               : -1;
}

void stats_groups(struct req *rq, const struct stats *stats, const struct domain *domain, unsigned groups,
                  struct params *params)
{
    const struct run *run = stats_run(stats);

    if (groups & API_DOMAIN_STATS_STATE)
        group_state(stats, params);
    if (groups & API_DOMAIN_STATS_CPU_TOTAL)
        group_cpu(run, params);
    if (groups & API_DOMAIN_STATS_BALLOON)
        group_balloon(stats, domain, params);
    if (groups & API_DOMAIN_STATS_VCPU)
        group_vcpu(run, domain, params);
    if (groups & API_DOMAIN_STATS_INTERFACE)
        group_interface(run, domain, params);
    if (groups & API_DOMAIN_STATS_BLOCK)
        group_block(stats, domain, params);
    if (groups & API_DOMAIN_STATS_PERF)
        group_perf(run, params);
    if (groups & API_DOMAIN_STATS_IOTHREAD)
        group_iothread(stats, params);
    if (groups & API_DOMAIN_STATS_DIRTYRATE)
        group_dirtyrate(stats, params);
}
