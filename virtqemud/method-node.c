/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The node_* calls: processors, memory and sleep of the host. All read procfs and sysfs; only suspending waits. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/cpu.h"
#include "host/machine.h"
#include "host/memory.h"
#include "host/sysfs.h"
#include "loop/work.h"
#include "protocol/remote.h"
#include "virtqemud/caps.h"
#include "virtqemud/host.h"

enum {
    PARAM_UINT = 2, /* of virTypedParameterType */
    PARAM_ULLONG = 4,
    PARAM_STRING_OK = 4, /* flag that every client of this century sets */
    PAGES_SET = 1,
    SUSPEND_SECONDS_MIN = 60,
    MAX_VCPUS_WITHOUT_KVM = 16,
    CPU_STATS = 4, /* numbers of node_get_cpu_stats */
};

static int refuse_flags(struct req *rq, const char *function, unsigned flags, unsigned known)
{
    if (!(flags & ~known))
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s", flags & ~known, function);
}

/* ERR_INVALID_ARG, with the words alone as its message: that is how these calls have always said it. */
static int PRINTF(2, 3) invalid(struct req *rq, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = arena_vprintf(&rq->arena, format, args);
    va_end(args);
    err_set(&rq->err, ERR_INVALID_ARG, "%s", text);
    free(rq->err.message);
    rq->err.message = mem_strdup(text);
    return -1;
}

static int m_node_get_info(struct req *rq, struct client *client, const struct remote_node_get_info_in *in,
                           struct remote_node_get_info_out *out)
{
    auto_host_nodes struct host_nodes nodes = {0};
    struct host_topology topology;
    int r = host_topology_read("", &topology);

    if (r == 0)
        r = host_nodes_read("", &nodes);
    if (r < 0)
        return err_system(&rq->err, r, "cannot read the topology of this host");
    snprintf(out->model, sizeof(out->model), "%s", qemu_host_arch());
    for (unsigned i = 0; i < nodes.count; i++)
        out->memory += nodes.node[i].memory;
    out->cpus = (int32_t)topology.cpus;
    out->mhz = (int32_t)topology.mhz;
    out->nodes = (int32_t)topology.nodes;
    out->sockets = (int32_t)topology.sockets;
    out->cores = (int32_t)topology.cores;
    out->threads = (int32_t)topology.threads;
    return 0;
}

static int m_node_get_cpu_map(struct req *rq, struct client *client, const struct remote_node_get_cpu_map_in *in,
                              struct remote_node_get_cpu_map_out *out)
{
    auto_bitmap struct bitmap present = {0}, online = {0};
    int r = sysfs_list(&present, "", SYSFS_CPU "/present");

    if (r == 0)
        r = sysfs_list(&online, "", SYSFS_CPU "/online");
    if (r < 0)
        return err_system(&rq->err, r, "cannot read which CPUs this host has");
    out->ret = (int32_t)bitmap_last(&present) + 1;
    if (in->need_online)
        out->online = (uint32_t)bitmap_weight(&online);
    if (in->need_map) {
        out->cpumap.n = ((uint32_t)out->ret + 7) / 8;
        out->cpumap.v = arena_alloc(&rq->arena, out->cpumap.n);
        bitmap_to_bytes(&online, out->cpumap.v, out->cpumap.n);
    }
    return 0;
}

/* One named number of a statistics call. */
struct stat_row {
    const char *name;
    uint64_t value;
};

/*
 * The count alone when the client asks for none; all rows when it has room for exactly these: that is how
 * both statistics calls work.
 */
static struct wire_node_stat *fill_stats(struct req *rq, const struct stat_row *rows, unsigned count)
{
    struct wire_node_stat *stats = ARENA_ARRAY(&rq->arena, struct wire_node_stat, count);

    for (unsigned i = 0; i < count; i++)
        stats[i] = (struct wire_node_stat){.field = (char *)rows[i].name, .value = rows[i].value};
    return stats;
}

static int m_node_get_cpu_stats(struct req *rq, struct client *client, const struct remote_node_get_cpu_stats_in *in,
                                struct remote_node_get_cpu_stats_out *out)
{
    struct host_cpu_times times;
    int r;

    if (refuse_flags(rq, "qemuNodeGetCPUStats", in->flags, 0) < 0)
        return -1;
    out->nparams = CPU_STATS;
    if (!in->nparams)
        return 0;
    if (in->nparams != CPU_STATS)
        return invalid(rq, "nparams in %s must be equal to %d", "virHostCPUGetStatsLinux", CPU_STATS);
    r = host_cpu_times_read("", in->cpu_num < 0 ? -1 : in->cpu_num, &times);
    if (r == -ENOENT || in->cpu_num < -1)
        return invalid(rq, "Invalid cpuNum in %s", "virHostCPUGetStatsLinux");
    if (r < 0)
        return err_system(&rq->err, r, "cannot read /proc/stat");
    const struct stat_row rows[CPU_STATS] = {
        {"kernel", times.system}, {"user", times.user}, {"idle", times.idle}, {"iowait", times.iowait}};

    out->params.v = fill_stats(rq, rows, CPU_STATS);
    out->params.n = CPU_STATS;
    return 0;
}

static int m_node_get_memory_stats(struct req *rq, struct client *client,
                                   const struct remote_node_get_memory_stats_in *in,
                                   struct remote_node_get_memory_stats_out *out)
{
    struct host_memory memory;
    bool whole = in->cell_num == -1;
    int r;

    if (refuse_flags(rq, "qemuNodeGetMemoryStats", in->flags, 0) < 0)
        return -1;
    r = in->cell_num < -1 ? -ENOENT : host_memory_read("", in->cell_num, &memory);
    if (r == -ENOENT) {
        auto_bitmap struct bitmap nodes = {0};

        (void)host_node_ids("", &nodes);
        return invalid(rq, "cellNum in %s must be less than or equal to %d", "virHostMemGetStats",
                       (int)bitmap_last(&nodes));
    }
    if (r < 0)
        return err_system(&rq->err, r, "cannot read the memory statistics of this host");
    const struct stat_row rows[] = {
        {"total", memory.total}, {"free", memory.free}, {"buffers", memory.buffers}, {"cached", memory.cached}};
    unsigned count = whole ? ARRAY_SIZE(rows) : 2; /* a cell knows no buffers and no cache */

    out->nparams = (int32_t)count;
    if (!in->nparams)
        return 0;
    if (in->nparams != (int32_t)count)
        return invalid(rq, "nparams in %s must be %u", "virHostMemGetStatsLinux", count);
    out->params.v = fill_stats(rq, rows, count);
    out->params.n = count;
    return 0;
}

static int m_node_get_free_memory(struct req *rq, struct client *client, const struct remote_node_get_free_memory_in *in,
                                  struct remote_node_get_free_memory_out *out)
{
    auto_bitmap struct bitmap nodes = {0};
    struct host_memory memory;

    (void)host_node_ids("", &nodes);
    BITMAP_FOREACH(&nodes, node)
        if (host_memory_read("", (int)node, &memory) == 0)
            out->free_mem += memory.free * 1024;
    if (!out->free_mem && host_memory_read("", -1, &memory) == 0)
        out->free_mem = memory.free * 1024;
    if (!out->free_mem)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "Cannot determine free memory");
    return 0;
}

/* Nodes from `start`, at most `count`; sets the error when start is not one of them. */
static int cell_range(struct req *rq, int start, unsigned count, int *ret_last)
{
    auto_bitmap struct bitmap nodes = {0};

    (void)host_node_ids("", &nodes);
    int last = bitmap_empty(&nodes) ? 0 : (int)bitmap_last(&nodes);

    if (start < 0 || start > last)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "start cell %d out of range (0-%d)", start, last);
    *ret_last = count && (unsigned)(last - start) >= count ? start + (int)count - 1 : last;
    return 0;
}

static int m_node_get_cells_free_memory(struct req *rq, struct client *client,
                                        const struct remote_node_get_cells_free_memory_in *in,
                                        struct remote_node_get_cells_free_memory_out *out)
{
    int last;

    if (in->maxcells <= 0)
        return invalid(rq, "maxCells in %s must be greater than zero", "virNodeGetCellsFreeMemory");
    if (cell_range(rq, in->start_cell, (unsigned)in->maxcells, &last) < 0)
        return -1;
    out->cells.v = ARENA_ARRAY(&rq->arena, uint64_t, (size_t)(last - in->start_cell + 1));
    for (int cell = in->start_cell; cell <= last; cell++) {
        struct host_memory memory = {0};

        (void)host_memory_read("", cell, &memory); /* nodes may have gaps: those are empty */
        out->cells.v[out->cells.n++] = memory.free * 1024;
    }
    return 0;
}

static int no_such_page(struct req *rq, unsigned size, int node)
{
    if (node < 0)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "page size %u is not available", size);
    return err_set(&rq->err, ERR_OPERATION_FAILED, "page size %u is not available on node %d", size, node);
}

static int m_node_get_free_pages(struct req *rq, struct client *client, const struct remote_node_get_free_pages_in *in,
                                 struct remote_node_get_free_pages_out *out)
{
    int last, first = in->start_cell;

    if (refuse_flags(rq, "qemuNodeGetFreePages", in->flags, 0) < 0)
        return -1;
    if (first == -1) /* the whole host */
        last = -1;
    else if (cell_range(rq, first, in->cell_count, &last) < 0)
        return -1;
    out->counts.v = ARENA_ARRAY(&rq->arena, uint64_t, (size_t)(last - first + 1) * in->pages.n);
    for (int cell = first; cell <= last; cell++)
        for (uint32_t i = 0; i < in->pages.n; i++) {
            struct host_pages pages;
            int r = host_pages_read("", cell, in->pages.v[i], &pages);

            if (r == -ENOENT)
                return no_such_page(rq, in->pages.v[i], cell);
            if (r < 0)
                return err_system(&rq->err, r, "cannot read the pool of pages of size %u on node %d", in->pages.v[i], cell);
            out->counts.v[out->counts.n++] = pages.free;
        }
    return 0;
}

static int m_node_alloc_pages(struct req *rq, struct client *client, const struct remote_node_alloc_pages_in *in,
                              struct remote_node_alloc_pages_out *out)
{
    int last, first = in->start_cell;

    if (refuse_flags(rq, "qemuNodeAllocPages", in->flags, PAGES_SET) < 0)
        return -1;
    if (in->page_sizes.n != in->page_counts.n)
        return err_set(&rq->err, ERR_INVALID_ARG, "as many page sizes as page counts are needed");
    if (first == -1)
        last = -1;
    else if (cell_range(rq, first, in->cell_count, &last) < 0)
        return -1;
    for (int cell = first; cell <= last; cell++)
        for (uint32_t i = 0; i < in->page_sizes.n; i++) {
            char path[HOST_PAGES_PATH];
            uint64_t now;
            int r = host_pages_alloc("", cell, in->page_sizes.v[i], in->page_counts.v[i], !(in->flags & PAGES_SET), &now);

            if (r == -ENOENT)
                return no_such_page(rq, in->page_sizes.v[i], cell);
            if (r < 0) {
                host_pages_path(path, cell, in->page_sizes.v[i]);
                return err_system(&rq->err, r, "Unable to write to: %s", path);
            }
            if (in->flags & PAGES_SET && now != in->page_counts.v[i])
                return err_set(&rq->err, ERR_OPERATION_FAILED, "Unable to allocate %llu pages. Allocated only %llu",
                               (unsigned long long)in->page_counts.v[i], (unsigned long long)now);
            out->ret++;
        }
    return 0;
}

/* Kernel samepage merging: parameter, file, type, and whether it can be set. */
static const struct ksm_row {
    const char *name, *file;
    int type;
    bool writable;
} ksm_rows[] = {
    {"shm_pages_to_scan", "pages_to_scan", PARAM_UINT, true},
    {"shm_sleep_millisecs", "sleep_millisecs", PARAM_UINT, true},
    {"shm_pages_shared", "pages_shared", PARAM_ULLONG, false},
    {"shm_pages_sharing", "pages_sharing", PARAM_ULLONG, false},
    {"shm_pages_unshared", "pages_unshared", PARAM_ULLONG, false},
    {"shm_pages_volatile", "pages_volatile", PARAM_ULLONG, false},
    {"shm_full_scans", "full_scans", PARAM_ULLONG, false},
    {"shm_merge_across_nodes", "merge_across_nodes", PARAM_UINT, true},
};

static int m_node_get_memory_parameters(struct req *rq, struct client *client,
                                        const struct remote_node_get_memory_parameters_in *in,
                                        struct remote_node_get_memory_parameters_out *out)
{
    if (refuse_flags(rq, "qemuNodeGetMemoryParameters", in->flags, PARAM_STRING_OK) < 0)
        return -1;
    out->nparams = ARRAY_SIZE(ksm_rows);
    if (!in->nparams)
        return 0;
    unsigned room = in->nparams > 0 ? (unsigned)in->nparams : 0;

    out->params.v = ARENA_ARRAY(&rq->arena, struct wire_typed_param, ARRAY_SIZE(ksm_rows));
    for (size_t i = 0; i < ARRAY_SIZE(ksm_rows) && out->params.n < room; i++) {
        struct wire_typed_param *param = &out->params.v[out->params.n];
        uint64_t value;
        int r = host_ksm_get("", ksm_rows[i].file, &value);

        if (r == -ENOENT)
            continue; /* a kernel without it, or without KSM at all */
        if (r < 0)
            return err_system(&rq->err, r, "cannot read /sys/kernel/mm/ksm/%s", ksm_rows[i].file);
        param->field = (char *)ksm_rows[i].name;
        param->value.type = ksm_rows[i].type;
        if (ksm_rows[i].type == PARAM_UINT)
            param->value.ui = (uint32_t)value;
        else
            param->value.ul = value;
        out->params.n++;
    }
    out->nparams = (int32_t)out->params.n;
    return 0;
}

static int m_node_set_memory_parameters(struct req *rq, struct client *client,
                                        const struct remote_node_set_memory_parameters_in *in,
                                        struct remote_node_set_memory_parameters_out *out)
{
    if (refuse_flags(rq, "qemuNodeSetMemoryParameters", in->flags, 0) < 0)
        return -1;
    /* first look at all of them, then change */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < in->params.n; i++) {
            const struct wire_typed_param *param = &in->params.v[i];
            const struct ksm_row *row = NULL;

            for (size_t k = 0; k < ARRAY_SIZE(ksm_rows); k++)
                if (ksm_rows[k].writable && str_eq(ksm_rows[k].name, param->field))
                    row = &ksm_rows[k];
            if (!row)
                return err_set(&rq->err, ERR_INVALID_ARG, "parameter '%s' not supported", param->field);
            if (param->value.type != row->type)
                return err_set(&rq->err, ERR_INVALID_ARG, "invalid type for parameter '%s', expected 'uint'", param->field);
            int r = pass ? host_ksm_set("", row->file, param->value.ui) : 0;

            if (r == -ENOENT)
                return err_set(&rq->err, ERR_OPERATION_INVALID, "Parameter '%s' is not supported by this kernel", row->name);
            if (r < 0)
                return err_system(&rq->err, r, "failed to set %s", row->name);
        }
    return 0;
}

static int m_node_get_security_model(struct req *rq, struct client *client,
                                     const struct remote_node_get_security_model_in *in,
                                     struct remote_node_get_security_model_out *out)
{
    /* the first driver of the stack, with its NUL, as clients expect it */
    out->model.v = arena_strdup(&rq->arena, "none");
    out->model.n = sizeof("none");
    out->doi.v = arena_strdup(&rq->arena, "0");
    out->doi.n = sizeof("0");
    return 0;
}

unsigned host_suspend_targets(const char *root)
{
    char state[128], disk[128];
    unsigned targets = 0;

    (void)sysfs_read(state, sizeof(state), root, "/sys/power/state");
    (void)sysfs_read(disk, sizeof(disk), root, "/sys/power/disk");
    if (strstr(state, "mem"))
        targets |= 1 << SUSPEND_MEM;
    if (strstr(state, "disk") && !strstr(disk, "[disabled]")) {
        targets |= 1 << SUSPEND_DISK;
        if (strstr(disk, "suspend"))
            targets |= 1 << SUSPEND_HYBRID;
    }
    return targets;
}

static int m_node_suspend_for_duration(struct req *rq, struct client *client,
                                       const struct remote_node_suspend_for_duration_in *in,
                                       struct remote_node_suspend_for_duration_out *out)
{
    static const struct {
        const char *title, *verb;
    } targets[] = {
        [SUSPEND_MEM] = {"Suspend-to-RAM", "suspend"},
        [SUSPEND_DISK] = {"Suspend-to-Disk", "hibernate"},
        [SUSPEND_HYBRID] = {"Hybrid-Suspend", "hybrid-sleep"},
    };

    if (refuse_flags(rq, "virNodeSuspend", in->flags, 0) < 0)
        return -1;
    if (in->target >= SUSPEND_TARGET_MAX)
        return err_set(&rq->err, ERR_INVALID_ARG, "Invalid suspend target");
    if (!(host_suspend_targets("") & 1u << in->target))
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "%s", targets[in->target].title);
    if (in->duration < SUSPEND_SECONDS_MIN)
        return err_set(&rq->err, ERR_INVALID_ARG, "Suspend duration is too short");
    /* set the clock that wakes the host, then let systemd do the rest; it returns when the job is queued */
    const char *seconds = arena_printf(&rq->arena, "%llu", (unsigned long long)in->duration);
    const char *const wake[] = {"rtcwake", "-m", "no", "-s", seconds, NULL};
    const char *const sleep[] = {"systemctl", "--no-block", targets[in->target].verb, NULL};

    if (child_check(rq, &(struct child_spec){.argv = wake}, SECONDS(10), NULL) < 0)
        return -1;
    return child_check(rq, &(struct child_spec){.argv = sleep}, SECONDS(30), NULL);
}

static int m_node_get_sev_info(struct req *rq, struct client *client, const struct remote_node_get_sev_info_in *in,
                               struct remote_node_get_sev_info_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    const char *binary = qemu_binary_find(&rq->arena, "x86_64");

    if (refuse_flags(rq, "qemuNodeGetSEVInfo", in->flags, PARAM_STRING_OK) < 0)
        return -1;
    if (binary && qemu_caps_get(rq, binary, &caps) < 0)
        return -1;
    if (!caps || !caps->sev)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "QEMU does not support SEV guest");
    return err_set(&rq->err, ERR_NO_SUPPORT, "details of SEV hosts are not there yet");
}

static int m_connect_get_max_vcpus(struct req *rq, struct client *client, const struct remote_connect_get_max_vcpus_in *in,
                                   struct remote_connect_get_max_vcpus_out *out)
{
    if (!in->type || str_eq_nocase(in->type, "qemu")) {
        out->max_vcpus = MAX_VCPUS_WITHOUT_KVM;
        return 0;
    }
    if (!str_eq_nocase(in->type, "kvm"))
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown type '%s'", in->type);
    if (kvm_require(rq) < 0)
        return -1;
    auto_fd int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return err_system(&rq->err, errno, "Unable to open /dev/kvm");
    out->max_vcpus = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
    if (out->max_vcpus <= 0)
        return err_system(&rq->err, errno, "KVM does not say how many vCPUs it supports");
    return 0;
}

static int m_connect_get_sysinfo(struct req *rq, struct client *client, const struct remote_connect_get_sysinfo_in *in,
                                 struct remote_connect_get_sysinfo_out *out)
{
    auto_buf struct buf xml = {0};
    int r;

    if (refuse_flags(rq, "qemuConnectGetSysinfo", in->flags, 0) < 0)
        return -1;
    r = host_sysinfo("", &xml);
    if (r == -ENOENT)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "Host SMBIOS information is not available");
    if (r < 0)
        return err_system(&rq->err, r, "cannot read the host's SMBIOS tables");
    out->sysinfo = arena_strdup(&rq->arena, buf_text(&xml));
    return 0;
}

int host_qemu_version(struct req *rq, uint64_t *ret)
{
    auto_caps const struct qemu_caps *caps = NULL;
    const char *binary = qemu_binary_find(&rq->arena, qemu_host_arch());

    if (!binary)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "Cannot find suitable emulator for %s", qemu_host_arch());
    if (qemu_caps_get(rq, binary, &caps) < 0)
        return -1;
    *ret = caps->version;
    return 0;
}

const struct method node_methods[] = {
    METHOD(remote, NODE_GET_INFO, m_node_get_info),
    METHOD(remote, NODE_GET_CPU_MAP, m_node_get_cpu_map),
    METHOD(remote, NODE_GET_CPU_STATS, m_node_get_cpu_stats),
    METHOD(remote, NODE_GET_MEMORY_STATS, m_node_get_memory_stats),
    METHOD(remote, NODE_GET_FREE_MEMORY, m_node_get_free_memory),
    METHOD(remote, NODE_GET_CELLS_FREE_MEMORY, m_node_get_cells_free_memory),
    METHOD(remote, NODE_GET_FREE_PAGES, m_node_get_free_pages),
    METHOD(remote, NODE_ALLOC_PAGES, m_node_alloc_pages),
    METHOD(remote, NODE_GET_MEMORY_PARAMETERS, m_node_get_memory_parameters),
    METHOD(remote, NODE_SET_MEMORY_PARAMETERS, m_node_set_memory_parameters),
    METHOD(remote, NODE_GET_SECURITY_MODEL, m_node_get_security_model),
    METHOD(remote, NODE_SUSPEND_FOR_DURATION, m_node_suspend_for_duration),
    METHOD(remote, NODE_GET_SEV_INFO, m_node_get_sev_info),
    METHOD(remote, CONNECT_GET_MAX_VCPUS, m_connect_get_max_vcpus),
    METHOD(remote, CONNECT_GET_SYSINFO, m_connect_get_sysinfo),
    {0},
};
