/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processor maps and statistics, of machines and of the host; memory of the host. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/api.h"

/* A map for each of `rows`, maplen bytes long, all in one run; cpumaps may be NULL: the caller wants none. */
static int take_maps(struct call *call, unsigned char *cpumaps, int rows, int maplen, int sent,
                     uint32_t bytes, const uint8_t *from)
{
    size_t room = (size_t)rows * (size_t)maplen;

    if (sent > rows || (cpumaps && bytes > room))
        return err_set(&call->err, ERR_RPC, "the daemon sent more than was asked for");
    if (cpumaps) {
        memset(cpumaps, 0, room);
        if (bytes)
            memcpy(cpumaps, from, bytes);
    }
    return sent;
}

API int virDomainGetVcpus(virDomainPtr domain, virVcpuInfoPtr info, int maxinfo, unsigned char *cpumaps,
                          int maplen)
{
    struct remote_domain_get_vcpus_in in = {.maxinfo = maxinfo, .maplen = cpumaps ? maplen : 0};
    struct remote_domain_get_vcpus_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_VCPUS)))
        return -1;
    in.dom = domain->wire;
    if (call_argument(&call, info, "info") && call_positive(&call, maxinfo, "maxinfo") &&
        (cpumaps ? call_positive(&call, maplen, "maplen") : call_not_zero(&call, !maplen, "maplen")) &&
        call_run(&call, &in, &out) == 0) {
        result = take_maps(&call, cpumaps, maxinfo, maplen, (int)out.info.n, out.cpumaps.n, out.cpumaps.v);
        for (int i = 0; i < result; i++)
            info[i] = (virVcpuInfo){.number = out.info.v[i].number,
                                    .state = out.info.v[i].state,
                                    .cpuTime = out.info.v[i].cpu_time,
                                    .cpu = out.info.v[i].cpu};
    }
    call_end(&call);
    return result;
}

API int virDomainGetVcpuPinInfo(virDomainPtr domain, int ncpumaps, unsigned char *cpumaps, int maplen,
                                unsigned int flags)
{
    struct remote_domain_get_vcpu_pin_info_in in = {.ncpumaps = ncpumaps, .maplen = maplen, .flags = flags};
    struct remote_domain_get_vcpu_pin_info_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_VCPU_PIN_INFO)))
        return -1;
    in.dom = domain->wire;
    if (call_positive(&call, ncpumaps, "ncpumaps") && call_argument(&call, cpumaps, "cpumaps") &&
        call_positive(&call, maplen, "maplen") &&
        call_exclusive(&call, flags, VIR_DOMAIN_AFFECT_LIVE, "VIR_DOMAIN_AFFECT_LIVE",
                       VIR_DOMAIN_AFFECT_CONFIG, "VIR_DOMAIN_AFFECT_CONFIG") &&
        call_run(&call, &in, &out) == 0)
        result = take_maps(&call, cpumaps, ncpumaps, maplen, out.num, out.cpumaps.n, out.cpumaps.v);
    call_end(&call);
    return result;
}

API int virDomainGetEmulatorPinInfo(virDomainPtr domain, unsigned char *cpumap, int maplen,
                                    unsigned int flags)
{
    struct remote_domain_get_emulator_pin_info_in in = {.maplen = maplen, .flags = flags};
    struct remote_domain_get_emulator_pin_info_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_EMULATOR_PIN_INFO)))
        return -1;
    in.dom = domain->wire;
    if (call_argument(&call, cpumap, "cpumap") && call_positive(&call, maplen, "maplen") &&
        call_exclusive(&call, flags, VIR_DOMAIN_AFFECT_LIVE, "VIR_DOMAIN_AFFECT_LIVE",
                       VIR_DOMAIN_AFFECT_CONFIG, "VIR_DOMAIN_AFFECT_CONFIG") &&
        call_run(&call, &in, &out) == 0)
        result = take_maps(&call, cpumap, 1, maplen, out.ret, out.cpumaps.n, out.cpumaps.v);
    call_end(&call);
    return result;
}

/*
 * Statistics of each processor: nparams of them for ncpus processors, into params[cpu * nparams + i]. No room
 * at all asks how many there are. One answer holds so many processors; more are asked for in pieces.
 */
API int virDomainGetCPUStats(virDomainPtr domain, virTypedParameterPtr params, unsigned int nparams,
                             int start_cpu, unsigned int ncpus, unsigned int flags)
{
    struct remote_domain_get_cpu_stats_in in = {.nparams = nparams, .start_cpu = start_cpu, .ncpus = ncpus};
    struct remote_domain_get_cpu_stats_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_CPU_STATS)))
        return -1;
    in.dom = domain->wire;
    in.flags = call_strings(&call, flags);
    if (start_cpu == -1 && ncpus != 1) {
        call_refuse(&call, "start_cpu", "ncpus must be 1 when start_cpu is -1");
    } else if (params && !(nparams && ncpus)) {
        call_refuse(&call, "params", "params in %s must be NULL", __func__);
    } else if (!call.conn->local && nparams && ncpus > REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX) {
        err_set(&call.err, ERR_INVALID_ARG, "ncpus %u is more than the %d that one call may ask for", ncpus,
                REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX);
    } else if ((!nparams || call_argument(&call, params, "params")) && call_run(&call, &in, &out) == 0) {
        unsigned each = ncpus ? out.params.n / ncpus : 0;

        result = out.nparams;
        if (!nparams || !ncpus) {
            result = out.nparams;
        } else if (out.params.n > (size_t)nparams * ncpus || each > nparams) {
            err_set(&call.err, ERR_RPC, "the daemon sent more than was asked for");
            result = -1;
        } else {
            memset(params, 0, sizeof(*params) * nparams * ncpus);
            for (unsigned cpu = 0; cpu < ncpus && result >= 0; cpu++) {
                int count = (int)nparams;

                if (params_from_wire(&call, each, out.params.v + cpu * each, params + cpu * nparams, &count) <
                    0)
                    result = -1;
            }
        }
    }
    call_end(&call);
    return result;
}

API int virNodeGetCPUMap(virConnectPtr conn, unsigned char **cpumap, unsigned int *online, unsigned int flags)
{
    struct remote_node_get_cpu_map_in in = {
        .need_map = cpumap != NULL, .need_online = online != NULL, .flags = flags};
    struct remote_node_get_cpu_map_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_GET_CPU_MAP)))
        return -1;
    if (call_run(&call, &in, &out) == 0) {
        if (cpumap)
            *cpumap = out.cpumap.n ? mem_dup(out.cpumap.v, out.cpumap.n) : NULL;
        if (online)
            *online = out.online;
        result = out.ret;
    }
    call_end(&call);
    return result;
}

static int take_stats(struct call *call, const struct remote_node_get_cpu_stats_out *out,
                      virNodeCPUStatsPtr params, int *nparams)
{
    if (!*nparams) {
        *nparams = out->nparams;
        return 0;
    }
    if ((int)out->params.n > *nparams)
        return err_set(&call->err, ERR_RPC, "too many statistics requested: %u, max %d", out->params.n,
                       *nparams);
    for (uint32_t i = 0; i < out->params.n; i++) {
        const struct wire_node_stat *from = &out->params.v[i];

        if (strlen(from->field) >= sizeof(params[i].field))
            return err_set(&call->err, ERR_RPC, "Stats %s too big for destination", from->field);
        strcpy(params[i].field, from->field);
        params[i].value = from->value;
    }
    *nparams = (int)out->params.n;
    return 0;
}

/* Statistics of the host's processors and memory are one shape: *nparams 0 asks for their number. `in` is the
 * call's own, and `room` where it tells that number. */
static int node_stats(const char *function, virConnectPtr conn, const struct procedure *procedure, void *in,
                      int32_t *room, virNodeCPUStatsPtr params, int *nparams)
{
    struct remote_node_get_cpu_stats_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, function, conn, KIND_CONNECT, procedure))
        return -1;
    if (call_argument(&call, nparams, "nparams") && call_not_negative(&call, *nparams, "nparams") &&
        (!*nparams || call_argument(&call, params, "params"))) {
        *room = *nparams;
        if (call_run(&call, in, &out) == 0)
            result = take_stats(&call, &out, params, nparams);
    }
    call_end(&call);
    return result;
}

_Static_assert(sizeof(virNodeCPUStats) == sizeof(virNodeMemoryStats) &&
                   sizeof(struct remote_node_get_cpu_stats_out) ==
                       sizeof(struct remote_node_get_memory_stats_out),
               "statistics of the host are alike");

API int virNodeGetCPUStats(virConnectPtr conn, int cpuNum, virNodeCPUStatsPtr params, int *nparams,
                           unsigned int flags)
{
    struct remote_node_get_cpu_stats_in in = {.cpu_num = cpuNum, .flags = flags};

    return node_stats(__func__, conn, PROCEDURE(remote, NODE_GET_CPU_STATS), &in, &in.nparams, params,
                      nparams);
}

API int virNodeGetMemoryStats(virConnectPtr conn, int cellNum, virNodeMemoryStatsPtr params, int *nparams,
                              unsigned int flags)
{
    struct remote_node_get_memory_stats_in in = {.cell_num = cellNum, .flags = flags};

    return node_stats(__func__, conn, PROCEDURE(remote, NODE_GET_MEMORY_STATS), &in, &in.nparams,
                      (virNodeCPUStatsPtr)params, nparams);
}

API int virNodeGetCellsFreeMemory(virConnectPtr conn, unsigned long long *freeMems, int startCell,
                                  int maxCells)
{
    struct remote_node_get_cells_free_memory_in in = {.start_cell = startCell, .maxcells = maxCells};
    struct remote_node_get_cells_free_memory_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_GET_CELLS_FREE_MEMORY)))
        return -1;
    if (call_positive(&call, maxCells, "maxCells") && call_argument(&call, freeMems, "freeMems") &&
        call_not_negative(&call, startCell, "startCell") && call_run(&call, &in, &out) == 0) {
        result = (int)out.cells.n < maxCells ? (int)out.cells.n : maxCells;
        for (int i = 0; i < result; i++)
            freeMems[i] = out.cells.v[i];
    }
    call_end(&call);
    return result;
}

API int virNodeGetFreePages(virConnectPtr conn, unsigned int npages, unsigned int *pages, int startCell,
                            unsigned int cellCount, unsigned long long *counts, unsigned int flags)
{
    struct remote_node_get_free_pages_in in = {
        .pages = {npages, pages}, .start_cell = startCell, .cell_count = cellCount, .flags = flags};
    struct remote_node_get_free_pages_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_GET_FREE_PAGES)))
        return -1;
    if (call_not_zero(&call, npages, "npages") && call_argument(&call, pages, "pages") &&
        call_not_zero(&call, cellCount, "cellCount") && call_argument(&call, counts, "counts") &&
        call_run(&call, &in, &out) == 0) {
        if (out.counts.n > (size_t)npages * cellCount) {
            err_set(&call.err, ERR_RPC, "the daemon sent more than was asked for");
        } else {
            for (uint32_t i = 0; i < out.counts.n; i++)
                counts[i] = out.counts.v[i];
            result = (int)out.counts.n;
        }
    }
    call_end(&call);
    return result;
}

API int virNodeAllocPages(virConnectPtr conn, unsigned int npages, unsigned int *pageSizes,
                          unsigned long long *pageCounts, int startCell, unsigned int cellCount,
                          unsigned int flags)
{
    struct remote_node_alloc_pages_in in = {.page_sizes = {npages, pageSizes},
                                            .page_counts = {npages, (uint64_t *)pageCounts},
                                            .start_cell = startCell,
                                            .cell_count = cellCount,
                                            .flags = flags};
    struct remote_node_alloc_pages_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_ALLOC_PAGES)))
        return -1;
    if (call_writable(&call) && call_not_zero(&call, npages, "npages") &&
        call_argument(&call, pageSizes, "pageSizes") && call_argument(&call, pageCounts, "pageCounts") &&
        call_not_zero(&call, cellCount, "cellCount") && call_run(&call, &in, &out) == 0)
        result = out.ret;
    call_end(&call);
    return result;
}

API int virNodeGetSEVInfo(virConnectPtr conn, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    struct remote_node_get_sev_info_in in = {.nparams = REMOTE_NODE_SEV_INFO_MAX};
    struct remote_node_get_sev_info_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_GET_SEV_INFO)))
        return -1;
    in.flags = call_strings(&call, flags);
    if (call_argument(&call, nparams, "nparams") && call_argument(&call, params, "params") &&
        call_run(&call, &in, &out) == 0)
        result = params_alloc_from_wire(&call, out.params.n, out.params.v, params, nparams);
    call_end(&call);
    return result;
}

static void take_text(char *to, size_t size, uint32_t n, const char *from)
{
    memset(to, 0, size);
    if (n)
        memcpy(to, from, n < size ? n : size - 1);
}

API int virNodeGetSecurityModel(virConnectPtr conn, virSecurityModelPtr secmodel)
{
    struct remote_node_get_security_model_in in;
    struct remote_node_get_security_model_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, NODE_GET_SECURITY_MODEL)))
        return -1;
    if (call_argument(&call, secmodel, "secmodel") && call_run(&call, &in, &out) == 0) {
        take_text(secmodel->model, sizeof(secmodel->model), out.model.n, out.model.v);
        take_text(secmodel->doi, sizeof(secmodel->doi), out.doi.n, out.doi.v);
        result = 0;
    }
    call_end(&call);
    return result;
}
