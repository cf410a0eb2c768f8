/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls about the host: processors, identity, sleep. All read procfs and sysfs; only suspending waits. */
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
#include "virtqemud/caps.h"
#include "virtqemud/host.h"
#include "virtqemud/method.h"

enum {
    PARAM_STRING_OK = 4, /* flag that every client of this century sets */
    SUSPEND_SECONDS_MIN = 60,
    MAX_VCPUS_WITHOUT_KVM = 16,
    CPU_STATS = 4, /* numbers of node_get_cpu_stats */
};

/* ERR_INVALID_ARG, with the words alone as its message: that is how these calls have always said it. */
int host_invalid(struct req *rq, const char *format, ...)
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

struct wire_node_stat *host_stats(struct req *rq, const struct host_stat *rows, unsigned count)
{
    struct wire_node_stat *stats = ARENA_ARRAY(&rq->arena, struct wire_node_stat, count);

    for (unsigned i = 0; i < count; i++)
        stats[i] = (struct wire_node_stat){.field = (char *)rows[i].name, .value = rows[i].value};
    return stats;
}

/* The topology changes only with the CPUs that are online; reading it takes some files per CPU. */
static int topology_now(struct host_topology *ret)
{
    static char known[SYSFS_TEXT_MAX];
    static struct host_topology topology;
    char online[SYSFS_TEXT_MAX];
    ssize_t n = sysfs_read(online, sizeof(online), "", SYSFS_CPU "/online");

    if (n <= 0 || !str_eq(online, known)) {
        int r = host_topology_read("", &topology);

        if (r < 0)
            return r;
        memcpy(known, online, n > 0 ? (size_t)n + 1 : 1);
    }
    *ret = topology;
    return 0;
}

static int m_node_get_info(struct req *rq, struct client *client, const struct remote_node_get_info_in *in,
                           struct remote_node_get_info_out *out)
{
    auto_host_nodes struct host_nodes nodes = {0};
    struct host_topology topology;
    int r = topology_now(&topology);

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

static int m_node_get_cpu_map(struct req *rq, struct client *client,
                              const struct remote_node_get_cpu_map_in *in,
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

static int m_node_get_cpu_stats(struct req *rq, struct client *client,
                                const struct remote_node_get_cpu_stats_in *in,
                                struct remote_node_get_cpu_stats_out *out)
{
    struct host_cpu_times times;
    int r;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    out->nparams = CPU_STATS;
    if (!in->nparams)
        return 0;
    if (in->nparams != CPU_STATS)
        return host_invalid(rq, "nparams in %s must be equal to %d", "virHostCPUGetStatsLinux", CPU_STATS);
    r = host_cpu_times_read("", in->cpu_num < 0 ? -1 : in->cpu_num, &times);
    if (r == -ENOENT || in->cpu_num < -1)
        return host_invalid(rq, "Invalid cpuNum in %s", "virHostCPUGetStatsLinux");
    if (r < 0)
        return err_system(&rq->err, r, "cannot read /proc/stat");
    const struct host_stat rows[CPU_STATS] = {
        {"kernel", times.system}, {"user", times.user}, {"idle", times.idle}, {"iowait", times.iowait}};

    out->params.v = host_stats(rq, rows, CPU_STATS);
    out->params.n = CPU_STATS;
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

    if (method_flags(rq, in->flags, 0) < 0)
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

static int m_node_get_sev_info(struct req *rq, struct client *client,
                               const struct remote_node_get_sev_info_in *in,
                               struct remote_node_get_sev_info_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    const char *binary = qemu_binary_find(&rq->arena, "x86_64");

    if (method_flags(rq, in->flags, PARAM_STRING_OK) < 0)
        return -1;
    if (binary && qemu_caps_get(rq, binary, &caps) < 0)
        return -1;
    if (!caps || !caps->sev)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "QEMU does not support SEV guest");
    return err_set(&rq->err, ERR_NO_SUPPORT, "details of SEV hosts are not there yet");
}

static int m_connect_get_max_vcpus(struct req *rq, struct client *client,
                                   const struct remote_connect_get_max_vcpus_in *in,
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

static int m_connect_get_sysinfo(struct req *rq, struct client *client,
                                 const struct remote_connect_get_sysinfo_in *in,
                                 struct remote_connect_get_sysinfo_out *out)
{
    auto_buf struct buf xml = {0};
    int r;

    if (method_flags(rq, in->flags, 0) < 0)
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
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "Cannot find suitable emulator for %s",
                       qemu_host_arch());
    if (qemu_caps_get(rq, binary, &caps) < 0)
        return -1;
    *ret = caps->version;
    return 0;
}

const struct method node_methods[] = {
    METHOD(remote, NODE_GET_INFO, m_node_get_info),
    METHOD(remote, NODE_GET_CPU_MAP, m_node_get_cpu_map),
    METHOD(remote, NODE_GET_CPU_STATS, m_node_get_cpu_stats),
    METHOD(remote, NODE_GET_SECURITY_MODEL, m_node_get_security_model),
    METHOD(remote, NODE_SUSPEND_FOR_DURATION, m_node_suspend_for_duration),
    METHOD(remote, NODE_GET_SEV_INFO, m_node_get_sev_info),
    METHOD(remote, CONNECT_GET_MAX_VCPUS, m_connect_get_max_vcpus),
    METHOD(remote, CONNECT_GET_SYSINFO, m_connect_get_sysinfo),
    {0},
};
