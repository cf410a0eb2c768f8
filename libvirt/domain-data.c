/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What machines' disks, memory and interfaces hold and do: bytes, counters, jobs. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/api.h"

static int take_bytes(struct call *call, uint32_t n, const uint8_t *bytes, void *buffer, size_t size)
{
    if (n != size)
        return err_set_from(&call->err, ERR_FROM_REMOTE, ERR_RPC,
                            "returned buffer is not same size as requested");
    memcpy(buffer, bytes, size);
    return 0;
}

API int virDomainBlockPeek(virDomainPtr dom, const char *disk, unsigned long long offset, size_t size,
                           void *buffer, unsigned int flags)
{
    struct remote_domain_block_peek_in in = {
        .path = (char *)disk, .offset = offset, .size = (uint32_t)size, .flags = flags};
    struct remote_domain_block_peek_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_BLOCK_PEEK)
    {
        in.dom = dom->wire;
        if (!call_writable(&call) || !call_not_empty(&call, disk, "disk") ||
            (size && !call_argument(&call, buffer, "buffer")) || call_run(&call, &in, &out) < 0)
            break;
        result = take_bytes(&call, out.buffer.n, out.buffer.v, buffer, size);
    }
    return result;
}

API int virDomainMemoryPeek(virDomainPtr dom, unsigned long long start, size_t size, void *buffer,
                            unsigned int flags)
{
    struct remote_domain_memory_peek_in in = {.offset = start, .size = (uint32_t)size, .flags = flags};
    struct remote_domain_memory_peek_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_MEMORY_PEEK)
    {
        in.dom = dom->wire;
        if ((size && !call_argument(&call, buffer, "buffer")) ||
            !call_exclusive(&call, flags, VIR_MEMORY_VIRTUAL, "VIR_MEMORY_VIRTUAL", VIR_MEMORY_PHYSICAL,
                            "VIR_MEMORY_PHYSICAL") ||
            call_run(&call, &in, &out) < 0)
            break;
        result = take_bytes(&call, out.buffer.n, out.buffer.v, buffer, size);
    }
    return result;
}

/* The caller's struct may be of an older, shorter release. */
static bool size_fits(struct call *call, size_t size, size_t most)
{
    return size <= most || call_refuse(call, "size", "size must not exceed %zu", most);
}

API int virDomainBlockStats(virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size)
{
    struct remote_domain_block_stats_in in = {.path = (char *)disk};
    struct remote_domain_block_stats_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_BLOCK_STATS)
    {
        virDomainBlockStatsStruct made;

        in.dom = dom->wire;
        if (!call_argument(&call, disk, "disk") || !call_argument(&call, stats, "stats") ||
            !size_fits(&call, size, sizeof(made)) || call_run(&call, &in, &out) < 0)
            break;
        made = (virDomainBlockStatsStruct){.rd_req = out.rd_req,
                                           .rd_bytes = out.rd_bytes,
                                           .wr_req = out.wr_req,
                                           .wr_bytes = out.wr_bytes,
                                           .errs = out.errs};
        memcpy(stats, &made, size);
        result = 0;
    }
    return result;
}

API int virDomainInterfaceStats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats,
                                size_t size)
{
    struct remote_domain_interface_stats_in in = {.device = (char *)device};
    struct remote_domain_interface_stats_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_INTERFACE_STATS)
    {
        virDomainInterfaceStatsStruct made;

        in.dom = dom->wire;
        if (!call_argument(&call, device, "device") || !call_argument(&call, stats, "stats") ||
            !size_fits(&call, size, sizeof(made)) || call_run(&call, &in, &out) < 0)
            break;
        made = (virDomainInterfaceStatsStruct){.rx_bytes = out.rx_bytes,
                                               .rx_packets = out.rx_packets,
                                               .rx_errs = out.rx_errs,
                                               .rx_drop = out.rx_drop,
                                               .tx_bytes = out.tx_bytes,
                                               .tx_packets = out.tx_packets,
                                               .tx_errs = out.tx_errs,
                                               .tx_drop = out.tx_drop};
        memcpy(stats, &made, size);
        result = 0;
    }
    return result;
}

API int virDomainMemoryStats(virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int nr_stats,
                             unsigned int flags)
{
    struct remote_domain_memory_stats_in in = {.max_stats = nr_stats, .flags = flags};
    struct remote_domain_memory_stats_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_MEMORY_STATS)
    {
        if (nr_stats == 0) {
            result = 0;
            break;
        }
        in.dom = dom->wire;
        if (in.max_stats > VIR_DOMAIN_MEMORY_STAT_NR)
            in.max_stats = VIR_DOMAIN_MEMORY_STAT_NR;
        if (!call_argument(&call, stats, "stats") || call_run(&call, &in, &out) < 0)
            break;
        for (uint32_t i = 0; i < out.stats.n && i < nr_stats; i++) {
            stats[i].tag = out.stats.v[i].tag;
            stats[i].val = out.stats.v[i].val;
        }
        result = (int)(out.stats.n < nr_stats ? out.stats.n : nr_stats);
    }
    return result;
}

API int virDomainGetBlockJobInfo(virDomainPtr dom, const char *disk, virDomainBlockJobInfoPtr info,
                                 unsigned int flags)
{
    struct remote_domain_get_block_job_info_in in = {.path = (char *)disk, .flags = flags};
    struct remote_domain_get_block_job_info_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_GET_BLOCK_JOB_INFO)
    {
        in.dom = dom->wire;
        if (!call_argument(&call, disk, "disk") || !call_argument(&call, info, "info") ||
            call_run(&call, &in, &out) < 0)
            break;
        result = out.found ? 1 : 0;
        memset(info, 0, sizeof(*info));
        if (out.found)
            *info = (virDomainBlockJobInfo){
                .type = out.type, .bandwidth = (unsigned long)out.bandwidth, .cur = out.cur, .end = out.end};
    }
    return result;
}

API int virDomainBlockRebase(virDomainPtr dom, const char *disk, const char *base, unsigned long bandwidth,
                             unsigned int flags)
{
    static const unsigned of_copies = VIR_DOMAIN_BLOCK_REBASE_SHALLOW | VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT |
                                      VIR_DOMAIN_BLOCK_REBASE_COPY_RAW | VIR_DOMAIN_BLOCK_REBASE_COPY_DEV;
    struct remote_domain_block_rebase_in in = {
        .path = (char *)disk, .base = (char *)base, .bandwidth = bandwidth, .flags = flags};
    struct remote_domain_block_rebase_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_BLOCK_REBASE)
    {
        in.dom = dom->wire;
        if (!call_writable(&call) || !call_argument(&call, disk, "disk"))
            break;
        if (flags & VIR_DOMAIN_BLOCK_REBASE_COPY
                ? !call_argument(&call, base, "base")
                : (flags & of_copies) && !call_refuse(&call, "flags", "use of flags requires a copy job"))
            break;
        result = call_run(&call, &in, &out);
    }
    return result;
}
