/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that tell numbers: they grow with the time of day. */
#define ERR_FROM ERR_FROM_TEST
#include "base/time.h"
#include "testdriver/find-device.h"
#include "testdriver/list.h"
#include "testdriver/params.h"

enum { MICROSECONDS = 1000000 };

static int m_info(struct req *rq, struct vm *vm, const struct remote_domain_get_info_in *in,
                  struct remote_domain_get_info_out *out)
{
    const struct domain *domain = vm->def->domain;

    out->state = (uint8_t)vm->state;
    out->max_mem = domain->memory.total;
    out->memory = domain->memory.current;
    out->nr_virt_cpu = (uint16_t)vcpus_online(&domain->vcpus);
    out->cpu_time = time_real() * 1000;
    return 0;
}

static int m_block_stats(struct req *rq, struct vm *vm, const struct remote_domain_block_stats_in *in,
                         struct remote_domain_block_stats_out *out)
{
    int64_t now = (int64_t)time_real();

    if (!in->path || !*in->path)
        return err_set(rq->err, ERR_OPERATION_UNSUPPORTED, "summary statistics are not supported yet");
    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (!find_disk(vm->def->domain, in->path))
        return err_set(rq->err, ERR_INVALID_ARG, "invalid path: %s", in->path);
    out->rd_req = now / 10;
    out->rd_bytes = now / 20;
    out->wr_req = now / 30;
    out->wr_bytes = now / 40;
    out->errs = now / MICROSECONDS / 2;
    return 0;
}

static int m_interface_stats(struct req *rq, struct vm *vm, const struct remote_domain_interface_stats_in *in,
                             struct remote_domain_interface_stats_out *out)
{
    int64_t now = (int64_t)time_real(), seconds = now / MICROSECONDS;

    if (vm_need_active(rq, vm) < 0 || !find_iface(rq, vm->def->domain, in->device))
        return -1;
    out->rx_bytes = now / 10;
    out->rx_packets = now / 100;
    out->rx_errs = seconds;
    out->rx_drop = seconds / 2;
    out->tx_bytes = now / 20;
    out->tx_packets = now / 110;
    out->tx_errs = seconds / 3;
    out->tx_drop = seconds / 4;
    return 0;
}

static int m_block_info(struct req *rq, struct vm *vm, const struct remote_domain_get_block_info_in *in,
                        struct remote_domain_get_block_info_out *out)
{
    const struct disk *disk = find_disk(vm->def->domain, in->path);

    if (!disk)
        return err_set(rq->err, ERR_INVALID_ARG, "invalid path %s not assigned to domain", in->path);
    if (!disk->src.path && disk->src.type == STORAGE_FILE)
        return err_set(rq->err, ERR_INVALID_ARG, "disk '%s' does not currently have a source assigned",
                       in->path);
    out->capacity = 1099506450432;
    out->allocation = out->physical = 1099511627776;
    return 0;
}

/* Disks have both kinds of errors, in turn. */
static int m_disk_errors(struct req *rq, struct vm *vm, const struct remote_domain_get_disk_errors_in *in,
                         struct remote_domain_get_disk_errors_out *out)
{
    const struct devices *devices = &vm->def->domain->devices;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (!in->maxerrors) {
        out->nerrors = (int32_t)devices->n_disks;
        return 0;
    }
    out->errors.v = ARENA_ARRAY(rq->arena, struct wire_domain_disk_error, devices->n_disks);
    for (size_t i = 0; i < devices->n_disks && i < in->maxerrors; i++)
        out->errors.v[out->errors.n++] = (struct wire_domain_disk_error){
            .disk = devices->disks[i]->dst,
            .error = i % 2 ? VIR_DOMAIN_DISK_ERROR_NO_SPACE : VIR_DOMAIN_DISK_ERROR_UNSPEC};
    out->nerrors = (int32_t)out->errors.n;
    return 0;
}

/* ---- CPU ---- */

static void add_total(struct params *params, uint64_t cpu, uint64_t user, uint64_t system)
{
    params_add(params, VIR_TYPED_PARAM_ULLONG, VIR_DOMAIN_CPU_STATS_CPUTIME)->ul = cpu;
    params_add(params, VIR_TYPED_PARAM_ULLONG, VIR_DOMAIN_CPU_STATS_USERTIME)->ul = user;
    params_add(params, VIR_TYPED_PARAM_ULLONG, VIR_DOMAIN_CPU_STATS_SYSTEMTIME)->ul = system;
}

static int m_cpu_stats(struct req *rq, struct vm *vm, const struct remote_domain_get_cpu_stats_in *in,
                       struct remote_domain_get_cpu_stats_out *out)
{
    enum { PER_CPU = 2, TOTAL = 3, CPUS = 2 };
    static const uint64_t cpu_time = 48772617035, user = 5540000000, system = 6460000000,
                          not_guest = 1234567890;
    const uint32_t cpus = CPUS;
    struct params params = {.arena = rq->arena};

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (in->start_cpu == -1) {
        out->nparams = TOTAL;
        if (in->nparams)
            add_total(&params, cpu_time, user, system);
    } else if (!in->ncpus) {
        out->nparams = (int32_t)cpus;
    } else if ((uint32_t)in->start_cpu >= cpus) {
        return err_set(rq->err, ERR_INVALID_ARG, "Starting cpu %d is greater than or equal to the %u",
                       in->start_cpu, cpus);
    } else {
        out->nparams = PER_CPU;
        for (uint32_t i = 0; in->nparams && i < in->ncpus && (uint32_t)in->start_cpu + i < cpus; i++) {
            uint64_t own = cpu_time / cpus + (uint32_t)in->start_cpu + i;

            params_add(&params, VIR_TYPED_PARAM_ULLONG, VIR_DOMAIN_CPU_STATS_CPUTIME)->ul = own;
            params_add(&params, VIR_TYPED_PARAM_ULLONG, VIR_DOMAIN_CPU_STATS_VCPUTIME)->ul = own - not_guest;
        }
    }
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

/* ---- all at once ---- */

enum {
    STATS_KNOWN = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_IOTHREAD,
    STATS_FILTERS = 0xff, /* ACTIVE to OTHER */
};

static void add_iothreads(struct params *params, const struct vm *vm)
{
    if (!vm_active(vm) || !vm->n_polls)
        return;
    params_add(params, VIR_TYPED_PARAM_UINT, "iothread.count")->ui = (uint32_t)vm->n_polls;
    for (size_t i = 0; i < vm->n_polls; i++) {
        const struct poll *poll = &vm->polls[i];

        params_add(params, VIR_TYPED_PARAM_ULLONG, "iothread.%u.poll-max-ns", poll->id)->ul = poll->max;
        params_add(params, VIR_TYPED_PARAM_UINT, "iothread.%u.poll-grow", poll->id)->ui = poll->grow;
        params_add(params, VIR_TYPED_PARAM_UINT, "iothread.%u.poll-shrink", poll->id)->ui = poll->shrink;
    }
}

static int m_all_stats(struct req *rq, struct client *client,
                       const struct remote_connect_get_all_domain_stats_in *in,
                       struct remote_connect_get_all_domain_stats_out *out)
{
    struct found_vms found = {0};
    unsigned unknown = in->stats & ~(unsigned)STATS_KNOWN;

    if (unknown && (in->flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS))
        return err_set(rq->err, ERR_ARGUMENT_UNSUPPORTED,
                       "Stats types bits 0x%x are not supported by this daemon", unknown);
    if (!in->doms.n)
        found = vms_find(rq, in->flags & STATS_FILTERS);
    for (uint32_t i = 0; i < in->doms.n; i++) {
        found.v = arena_grow(rq->arena, found.v, found.n, sizeof(struct vm *));
        found.v[found.n] = thing_by_uuid(&rq->world->vms, in->doms.v[i].uuid);
        found.n += found.v[found.n] != NULL;
    }
    out->ret_stats.v = ARENA_ARRAY(rq->arena, struct wire_domain_stats_record, found.n);
    for (uint32_t i = 0; i < found.n; i++) {
        struct params params = {.arena = rq->arena};

        if (!in->stats || (in->stats & VIR_DOMAIN_STATS_STATE)) {
            params_add(&params, VIR_TYPED_PARAM_INT, "state.state")->i = found.v[i]->state;
            params_add(&params, VIR_TYPED_PARAM_INT, "state.reason")->i = found.v[i]->reason;
        }
        if (!in->stats || (in->stats & VIR_DOMAIN_STATS_IOTHREAD))
            add_iothreads(&params, found.v[i]);
        out->ret_stats.v[out->ret_stats.n].dom = vm_wire(found.v[i]);
        out->ret_stats.v[out->ret_stats.n].params.v = params.v;
        out->ret_stats.v[out->ret_stats.n++].params.n = params.n;
    }
    return 0;
}

const struct method stats_methods[] = {
    METHOD(remote, DOMAIN_GET_INFO, m_info),
    METHOD(remote, DOMAIN_BLOCK_STATS, m_block_stats),
    METHOD(remote, DOMAIN_INTERFACE_STATS, m_interface_stats),
    METHOD(remote, DOMAIN_GET_BLOCK_INFO, m_block_info),
    METHOD(remote, DOMAIN_GET_DISK_ERRORS, m_disk_errors),
    METHOD(remote, DOMAIN_GET_CPU_STATS, m_cpu_stats, VIR_TYPED_PARAM_STRING_OKAY),
    METHOD(remote, CONNECT_GET_ALL_DOMAIN_STATS, m_all_stats,
           STATS_FILTERS | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING |
               VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS),
    {0},
};
