/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results that are lists of structs of their own: what the caller gets and how it is released. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/api.h"

/* Statistics of many machines. */

API void virDomainStatsRecordListFree(virDomainStatsRecordPtr *stats)
{
    for (virDomainStatsRecordPtr *record = stats; record && *record; record++) {
        virTypedParamsFree((*record)->params, (*record)->nparams);
        object_unref((*record)->dom);
        free(*record);
    }
    free(stats);
}

static int take_records(struct call *call, const struct remote_connect_get_all_domain_stats_out *out,
                        virDomainStatsRecordPtr **ret)
{
    virDomainStatsRecordPtr *made = NEW_ARRAY(virDomainStatsRecordPtr, (size_t)out->ret_stats.n + 1);

    for (uint32_t i = 0; i < out->ret_stats.n; i++) {
        const struct wire_domain_stats_record *from = &out->ret_stats.v[i];

        made[i] = NEW(virDomainStatsRecord);
        made[i]->dom = object_new(call->conn, OBJECT_DOMAIN, &from->dom);
        if (params_alloc_from_wire(call, from->params.n, from->params.v, &made[i]->params,
                                   &made[i]->nparams) < 0) {
            virDomainStatsRecordListFree(made);
            return -1;
        }
    }
    *ret = made;
    return (int)out->ret_stats.n;
}

API int virConnectGetAllDomainStats(virConnectPtr conn, unsigned int stats,
                                    virDomainStatsRecordPtr **retStats, unsigned int flags)
{
    struct remote_connect_get_all_domain_stats_in in = {.stats = stats, .flags = flags};
    struct remote_connect_get_all_domain_stats_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_ALL_DOMAIN_STATS)))
        return -1;
    if (call_argument(&call, retStats, "retStats") && call_run(&call, &in, &out) == 0)
        result = take_records(&call, &out, retStats);
    call_end(&call);
    return result;
}

API int virDomainListGetStats(virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **retStats,
                              unsigned int flags)
{
    struct remote_connect_get_all_domain_stats_in in = {.stats = stats, .flags = flags};
    struct remote_connect_get_all_domain_stats_out out;
    auto_err struct err err = {0};
    struct call call;
    int result = -1;

    if (!doms || !*doms) {
        error_reset();
        err_set_from(&err, ERR_FROM_DOMAIN, ERR_INVALID_ARG,
                     "doms array in %s must contain at least one domain", __func__);
        error_raise(NULL, &err);
        return -1;
    }
    if (!object_check(*doms, OBJECT_DOMAIN, __func__, &err)) {
        error_raise(NULL, &err);
        return -1;
    }
    if (!call_begin(&call, __func__, (*doms)->object.conn, KIND_CONNECT,
                    PROCEDURE(remote, CONNECT_GET_ALL_DOMAIN_STATS)))
        return -1;
    while (doms[in.doms.n])
        in.doms.n++;
    in.doms.v = ARENA_ARRAY(&call.arena, struct wire_domain, in.doms.n);
    for (uint32_t i = 0; i < in.doms.n; i++) {
        if (!call_object(&call, doms[i], OBJECT_DOMAIN))
            goto done;
        if (doms[i]->object.conn != call.conn) {
            err_set_from(&call.err, ERR_FROM_DOMAIN, ERR_INVALID_ARG,
                         "domains in 'doms' array must belong to a single connection in %s", __func__);
            goto done;
        }
        in.doms.v[i] = doms[i]->wire;
    }
    if (call_argument(&call, retStats, "retStats") && call_run(&call, &in, &out) == 0)
        result = take_records(&call, &out, retStats);
done:
    call_end(&call);
    return result;
}

/* File systems, as the guest sees them. */

API void virDomainFSInfoFree(virDomainFSInfoPtr info)
{
    if (!info)
        return;
    free(info->mountpoint);
    free(info->name);
    free(info->fstype);
    for (size_t i = 0; i < info->ndevAlias; i++)
        free(info->devAlias[i]);
    free(info->devAlias);
    free(info);
}

static virDomainFSInfoPtr take_fsinfo(const struct wire_domain_fsinfo *from)
{
    virDomainFSInfoPtr made = NEW(virDomainFSInfo);

    made->mountpoint = call_text(from->mountpoint);
    made->name = call_text(from->name);
    made->fstype = call_text(from->fstype);
    made->ndevAlias = from->dev_aliases.n;
    call_text_list(from->dev_aliases.n, from->dev_aliases.v, &made->devAlias);
    return made;
}

API int virDomainGetFSInfo(virDomainPtr dom, virDomainFSInfoPtr **info, unsigned int flags)
{
    struct remote_domain_get_fsinfo_in in = {.flags = flags};
    struct remote_domain_get_fsinfo_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, dom, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_FSINFO)))
        return -1;
    in.dom = dom->wire;
    if (call_writable(&call) && call_argument(&call, info, "info") && call_run(&call, &in, &out) == 0) {
        *info = out.info.n ? NEW_ARRAY(virDomainFSInfoPtr, (size_t)out.info.n + 1) : NULL;
        for (uint32_t i = 0; i < out.info.n; i++)
            (*info)[i] = take_fsinfo(&out.info.v[i]);
        result = (int)out.info.n;
    }
    call_end(&call);
    return result;
}

/* I/O threads. */

API void virDomainIOThreadInfoFree(virDomainIOThreadInfoPtr info)
{
    if (!info)
        return;
    free(info->cpumap);
    free(info);
}

API int virDomainGetIOThreadInfo(virDomainPtr dom, virDomainIOThreadInfoPtr **info, unsigned int flags)
{
    struct remote_domain_get_iothread_info_in in = {.flags = flags};
    struct remote_domain_get_iothread_info_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, dom, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_GET_IOTHREAD_INFO)))
        return -1;
    in.dom = dom->wire;
    if (call_argument(&call, info, "info") && call_run(&call, &in, &out) == 0) {
        *info = out.info.n ? NEW_ARRAY(virDomainIOThreadInfoPtr, (size_t)out.info.n + 1) : NULL;
        for (uint32_t i = 0; i < out.info.n; i++) {
            virDomainIOThreadInfoPtr made = (*info)[i] = NEW(virDomainIOThreadInfo);

            made->iothread_id = out.info.v[i].iothread_id;
            made->cpumaplen = (int)out.info.v[i].cpumap.n;
            made->cpumap =
                out.info.v[i].cpumap.n ? mem_dup(out.info.v[i].cpumap.v, out.info.v[i].cpumap.n) : NULL;
        }
        result = (int)out.ret;
    }
    call_end(&call);
    return result;
}

/* Addresses of a machine's network interfaces. */

API void virDomainInterfaceFree(virDomainInterfacePtr iface)
{
    if (!iface)
        return;
    free(iface->name);
    free(iface->hwaddr);
    for (size_t i = 0; i < iface->naddrs; i++)
        free(iface->addrs[i].addr);
    free(iface->addrs);
    free(iface);
}

static virDomainInterfacePtr take_interface(const struct wire_domain_interface *from)
{
    virDomainInterfacePtr made = NEW(virDomainInterface);

    made->name = call_text(from->name);
    made->hwaddr = call_text(from->hwaddr);
    made->naddrs = from->addrs.n;
    made->addrs = from->addrs.n ? NEW_ARRAY(virDomainIPAddress, from->addrs.n) : NULL;
    for (uint32_t i = 0; i < from->addrs.n; i++)
        made->addrs[i] = (virDomainIPAddress){.type = from->addrs.v[i].type,
                                              .addr = call_text(from->addrs.v[i].addr),
                                              .prefix = from->addrs.v[i].prefix};
    return made;
}

API int virDomainInterfaceAddresses(virDomainPtr dom, virDomainInterfacePtr **ifaces, unsigned int source,
                                    unsigned int flags)
{
    struct remote_domain_interface_addresses_in in = {.source = source, .flags = flags};
    struct remote_domain_interface_addresses_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, dom, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_INTERFACE_ADDRESSES)))
        return -1;
    in.dom = dom->wire;
    if (call_argument(&call, ifaces, "ifaces") && call_run(&call, &in, &out) == 0) {
        *ifaces = out.ifaces.n ? NEW_ARRAY(virDomainInterfacePtr, (size_t)out.ifaces.n + 1) : NULL;
        for (uint32_t i = 0; i < out.ifaces.n; i++)
            (*ifaces)[i] = take_interface(&out.ifaces.v[i]);
        result = (int)out.ifaces.n;
    }
    call_end(&call);
    return result;
}

/* DHCP leases. */

API void virNetworkDHCPLeaseFree(virNetworkDHCPLeasePtr lease)
{
    if (!lease)
        return;
    free(lease->iface);
    free(lease->mac);
    free(lease->iaid);
    free(lease->ipaddr);
    free(lease->hostname);
    free(lease->clientid);
    free(lease);
}

static virNetworkDHCPLeasePtr take_lease(const struct wire_network_dhcp_lease *from)
{
    virNetworkDHCPLeasePtr made = NEW(virNetworkDHCPLease);

    *made = (virNetworkDHCPLease){.iface = call_text(from->iface),
                                  .expirytime = from->expirytime,
                                  .type = from->type,
                                  .mac = call_text(from->mac),
                                  .iaid = call_text(from->iaid),
                                  .ipaddr = call_text(from->ipaddr),
                                  .prefix = from->prefix,
                                  .hostname = call_text(from->hostname),
                                  .clientid = call_text(from->clientid)};
    return made;
}

API int virNetworkGetDHCPLeases(virNetworkPtr network, const char *mac, virNetworkDHCPLeasePtr **leases,
                                unsigned int flags)
{
    struct remote_network_get_dhcp_leases_in in = {
        .mac = (char *)mac, .need_results = leases != NULL, .flags = flags};
    struct remote_network_get_dhcp_leases_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, network, OBJECT_NETWORK, PROCEDURE(remote, NETWORK_GET_DHCP_LEASES)))
        return -1;
    in.net = network->wire;
    if (call_run(&call, &in, &out) == 0) {
        result = (int)out.ret;
        if (leases)
            *leases = out.leases.n ? NEW_ARRAY(virNetworkDHCPLeasePtr, (size_t)out.leases.n + 1) : NULL;
        for (uint32_t i = 0; leases && i < out.leases.n; i++)
            (*leases)[i] = take_lease(&out.leases.v[i]);
    }
    call_end(&call);
    return result;
}
