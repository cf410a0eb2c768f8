/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines: their definitions, and being active or not. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/vm.h"

#include "testdriver/snapshot.h"

enum { BORN = 627319920 }; /* the guest's clock at first, in seconds since 1970 */

/* ---- definitions ---- */

static bool has_ifname(const struct devices *devices, const char *name)
{
    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (str_eq(devices->ifaces[i]->target, name))
            return true;
    return false;
}

static void name_interfaces(struct domain *domain, struct arena *arena)
{
    struct devices *devices = &domain->devices;

    for (size_t i = 0; i < devices->n_ifaces; i++)
        for (unsigned n = 0; !devices->ifaces[i]->target; n++) {
            char *name = arena_printf(arena, "testnet%u", n);

            if (!has_ifname(devices, name))
                devices->ifaces[i]->target = name;
        }
}

static void settle_video(struct video *video, const struct os *os)
{
    bool ppc = str_eq(os->arch, "ppc64") || str_eq(os->arch, "ppc64le");

    if (!video->type)
        video->type = os->type == OS_XEN ? VIDEO_XEN : ppc ? VIDEO_VGA : VIDEO_CIRRUS;
    video_settle_memory(video);
}

/* Which model is a matter of hypervisors; of one that isn't said nothing is told. */
static void drop_plain_panics(struct devices *devices)
{
    size_t kept = 0;

    for (size_t i = 0; i < devices->n_panics; i++)
        if (devices->panics[i]->model || devices->panics[i]->info.address.type)
            devices->panics[kept++] = devices->panics[i];
    devices->n_panics = kept;
}

static int policy_defaults(struct domain *domain, struct arena *arena, unsigned flags, void *data,
                           struct err *err)
{
    struct devices *devices = &domain->devices;

    if (!domain->os.arch)
        domain->os.arch = arena_strdup(arena, "i686");
    domain->native = (struct native){0}; /* that is QEMU's */
    if (devices->n_graphics && !devices->n_videos) {
        struct video *video = ARENA_NEW(arena, struct video);

        video->heads = 1;
        video->primary = TRI_YES;
        DEVICE_ADD(arena, devices, videos, video);
    }
    for (size_t i = 0; i < devices->n_videos; i++)
        settle_video(devices->videos[i], &domain->os);
    drop_plain_panics(devices);
    devices_add_implicit_controllers(devices, arena);
    devices_sync_console(devices, arena);
    return 0;
}

static int policy_check(const struct domain *domain, unsigned flags, void *data, struct err *err)
{
    const struct devices *devices = &domain->devices;

    for (size_t i = 0; i < devices->n_disks; i++)
        if (devices->disks[i]->src.fdgroup)
            return err_set_from(err, ERR_FROM_DOMAIN, ERR_CONFIG_UNSUPPORTED,
                                "driver does not support FD passing for disk '%s'", devices->disks[i]->dst);
    return 0;
}

const struct domain_policy vm_policy = {.defaults = policy_defaults, .check = policy_check};

struct doc *doc_parse(const char *text, unsigned flags, struct err *err)
{
    struct doc *doc = NEW(struct doc);

    doc->domain = domain_parse(&doc->arena, text, flags, &vm_policy, err);
    if (!doc->domain) {
        doc_free(doc);
        return NULL;
    }
    name_interfaces(doc->domain, &doc->arena);
    return doc;
}

/* As stock copies: the text, read again; what reading decides (places of controllers, ports) it decides anew.
 */
struct doc *doc_copy(const struct domain *domain)
{
    auto_buf struct buf text = {0};
    struct doc *doc;

    domain_format(&text, domain, DOMAIN_FORMAT_SECURE);
    doc = doc_parse(buf_text(&text), DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_STORED, NULL);
    if (doc)
        return doc;
    doc = NEW(struct doc);
    doc->domain = domain_copy(&doc->arena, domain);
    return doc;
}

void doc_free(struct doc *doc)
{
    if (!doc)
        return;
    arena_done(&doc->arena);
    free(doc);
}

/* ---- machines ---- */

struct wire_domain vm_wire(const struct vm *vm)
{
    struct wire_domain wire = {.name = vm->thing.name, .id = vm->id};

    memcpy(wire.uuid, vm->thing.uuid, UUID_SIZE);
    return wire;
}

void vm_renamed(struct vm *vm)
{
    vm->thing.name = vm->def->domain->name;
    memcpy(vm->thing.uuid, vm->def->domain->uuid, UUID_SIZE);
}

struct vm *vm_add(struct world *world, struct doc *doc, unsigned how, struct err *err)
{
    static const struct thing_kind kind = {ERR_FROM_DOMAIN, "domain"};
    struct thing *thing;
    struct vm *vm;

    if (thing_same(&world->vms, &kind, doc->domain->name, doc->domain->uuid, how & VM_ADD_NEW, &thing, err) <
        0) {
        doc_free(doc);
        return NULL;
    }
    vm = (struct vm *)thing;
    if (vm) {
        struct doc **place = vm_active(vm) ? &vm->newdef : &vm->def;

        if (how & VM_ADD_LIVE) {
            doc_free(vm->newdef);
            vm->newdef = TAKE(vm->def);
            place = &vm->def;
        }
        doc_free(*place);
        *place = doc;
        vm_renamed(vm);
        return vm;
    }
    vm = NEW(struct vm);
    vm->def = doc;
    vm->id = -1;
    vm->state = VIR_DOMAIN_SHUTOFF;
    vm->guest_seconds = BORN;
    list_init(&vm->snapshots);
    list_init(&vm->checkpoints);
    vm_renamed(vm);
    list_append(&world->vms, &vm->thing.link);
    return vm;
}

void vm_remove(struct vm *vm)
{
    list_remove(&vm->thing.link);
    moments_free(vm);
    doc_free(vm->def);
    doc_free(vm->newdef);
    free(vm->polls);
    free(vm);
}

int vm_need_active(struct req *rq, const struct vm *vm)
{
    return vm_active(vm)
               ? 0
               : err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
}

void vm_start(struct world *world, struct vm *vm, int reason)
{
    vm->state = VIR_DOMAIN_RUNNING;
    vm->reason = reason;
    vm->id = ++world->last_id;
    vm->thing.active = true;
    vm->updated = false;
    if (vm->thing.persistent && !vm->newdef)
        vm->newdef = doc_copy(vm->def->domain);
    vm->def->domain->id = (struct opt_u32){(uint32_t)vm->id, true};
}

void vm_stop(struct vm *vm, int reason)
{
    vm->state = VIR_DOMAIN_SHUTOFF;
    vm->reason = reason;
    vm->id = -1;
    vm->thing.active = false;
    vm->def->domain->id.set = false;
    if (vm->newdef) {
        doc_free(vm->def);
        vm->def = TAKE(vm->newdef);
        vm_renamed(vm);
    }
}

void vm_drop_transient(struct vm *vm)
{
    if (!vm->thing.persistent && !vm_active(vm))
        vm_remove(vm);
}

/* ---- which definition ---- */

static int check_impact(struct req *rq, const struct vm *vm, unsigned *flags)
{
    bool live = *flags & VIR_DOMAIN_AFFECT_LIVE, config = *flags & VIR_DOMAIN_AFFECT_CONFIG;

    if (!live && !config) {
        *flags |= vm_active(vm) ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
        live = vm_active(vm);
        config = !live;
    }
    if (live && !vm_active(vm))
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    if (config && !vm->thing.persistent)
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_OPERATION_INVALID,
                            "transient domains do not have any persistent config");
    return 0;
}

struct domain *vm_model(struct req *rq, const struct vm *vm, unsigned flags)
{
    if ((flags & VIR_DOMAIN_AFFECT_LIVE) && (flags & VIR_DOMAIN_AFFECT_CONFIG)) {
        err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_INVALID_ARG,
                     "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        return NULL;
    }
    if (check_impact(rq, vm, &flags) < 0)
        return NULL;
    return (flags & VIR_DOMAIN_AFFECT_CONFIG) && vm->newdef ? vm->newdef->domain : vm->def->domain;
}

int vm_affected(struct req *rq, struct vm *vm, unsigned flags, struct affected *ret)
{
    *ret = (struct affected){0};
    if (check_impact(rq, vm, &flags) < 0)
        return -1;
    if (flags & VIR_DOMAIN_AFFECT_LIVE)
        ret->live = vm->def;
    if (flags & VIR_DOMAIN_AFFECT_CONFIG)
        ret->config = vm->newdef ? vm->newdef : vm->def;
    return 0;
}
