/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device: devices come, go and change while their machine runs. Work is done on a copy of the live model in
 * the request's memory; the live model changes in one go when QEMU has done its part, and only if the machine
 * is still the same one.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/device.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/str.h"
#include "host/tap.h"
#include "virtqemud/build.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/iface.h"
#include "virtqemud/dev/plug.h"
#include "virtqemud/device-match.h"
#include "virtqemud/events.h"
#include "virtqemud/limits.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"

#define QMP_USEC SECONDS(30)
#define UNPLUG_USEC SECONDS(5) /* as long as libvirt waits for a guest */

int device_settle(struct req *rq, struct arena *arena, struct domain *domain, bool inactive)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct domain_policy policy;

    if (qemu_caps_get(rq, domain->devices.emulator, &caps) < 0)
        return -1;
    policy = defaults_policy(caps);
    return domain_post_parse(domain, arena, DOMAIN_PARSE_ABI_UPDATE | (inactive ? DOMAIN_PARSE_INACTIVE : 0),
                             &policy, &rq->err);
}

void device_account(struct domain *domain, const struct fragment *device, int sign)
{
    const struct memdev *memory = device->device;

    if (!str_eq(device->element, "memory"))
        return;
    domain->memory.total =
        sign > 0 ? domain->memory.total + memory->size : domain->memory.total - memory->size;
    domain->memory.current =
        sign > 0 ? domain->memory.current + memory->size : domain->memory.current - memory->size;
}

void device_remove(struct domain *domain, const struct fragment *device)
{
    struct devices *devices = &domain->devices;
    bool first = devices->n_serials && devices->serials[0] == device->device;

    device_account(domain, device, -1);
    devices_remove(devices, device->element, device->device);
    /* the first console is the first serial port over again */
    if (first && devices->n_consoles && devices->consoles[0]->target == CHARTARGET_SERIAL)
        DEVICE_REMOVE(devices, consoles, 0);
}

static int check_same_run(struct req *rq, const struct vm *vm, const struct run *run)
{
    if (vm->run == run && !run->ended)
        return 0;
    return err_set(&rq->err, ERR_OPERATION_FAILED, "domain is no longer running");
}

/* ---- attach ---- */

/* The place of a device in its list: XML keeps disks and controllers in order. */
static size_t place_of(const struct devices *devices, const char *element, const void *device)
{
    size_t count, at = 0;
    void **list = devices_list(devices, element, &count);

    while (at < count && list[at] != device)
        at++;
    return at;
}

/* It becomes part of the live model, and what it needs on the host part of the run. */
static void keep(struct run *run, const struct domain *copy, const struct fragment *new, struct build *build)
{
    void *device = devices_copy(&run->arena, new->element, new->device);

    devices_insert(&run->domain->devices, &run->arena, new->element, device,
                   place_of(&copy->devices, new->element, new->device));
    build_adopt(run->build, build, device);
    if (str_eq(new->element, "serial") || str_eq(new->element, "console"))
        devices_sync_console(&run->domain->devices, &run->arena);
}

/* What is only known, or can only be said, once QEMU has the device. */
static int after_plug(struct req *rq, struct vm *vm, struct build *build, const struct fragment *new)
{
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp)
        return -1;
    if (str_eq(new->element, "disk") && ((struct disk *)new->device)->iotune)
        return disk_set_iotune(rq, qmp, new->device);
    if (str_eq(new->element, "interface") && ((struct iface *)new->device)->link == LINK_DOWN)
        return qmp_call(rq, qmp, "set_link",
                        json_text(&rq->arena, "{'name': %s, 'up': false}", new->info->alias), NULL, QMP_USEC);
    if (str_eq(new->element, "memory"))
        return learn_memory(rq, build, qmp);
    return learn_chardevs(rq, build, qmp);
}

static int plug_one(struct req *rq, struct vm *vm, struct domain *copy, const struct qemu_caps *caps,
                    const struct fragment *new)
{
    struct run *run = vm->run;
    struct build *build = plug_build(rq, vm, copy, caps);

    if (plug_device(rq, vm, build, new->element, new->device) < 0)
        return -1;
    if (check_same_run(rq, vm, run) < 0) {
        build_undo(build);
        return -1;
    }
    /* it is there, whatever follows */
    if (after_plug(rq, vm, build, new) < 0) {
        log_warning("domain '%s', device '%s': %s", vm->name, new->info->alias, rq->err.message);
        err_clear(&rq->err);
        if (check_same_run(rq, vm, run) < 0) {
            build_undo(build);
            return -1;
        }
    }
    keep(run, copy, new, build);
    return 0;
}

/* A device of the host that comes later needs the guest's memory locked, too. */
static int lock_memory(struct req *rq, const struct vm *vm, const struct domain *copy)
{
    uint64_t bytes = limits_locked_memory(copy);
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes}, now;

    if (!bytes || prlimit(vm->run->pid, RLIMIT_MEMLOCK, NULL, &now) < 0 || now.rlim_max >= bytes)
        return 0;
    if (prlimit(vm->run->pid, RLIMIT_MEMLOCK, &limit, NULL) < 0)
        return err_system(&rq->err, errno, "cannot let QEMU lock %llu bytes of memory",
                          (unsigned long long)bytes);
    return 0;
}

/* Controllers that the device (wanted) needs and the machine doesn't have; a bus of the board can't be added.
 */
static int plug_controllers(struct req *rq, struct vm *vm, struct domain *copy, const struct qemu_caps *caps,
                            const void *wanted)
{
    for (size_t i = 0; i < copy->devices.n_controllers; i++) {
        struct controller *controller = copy->devices.controllers[i];
        const struct fragment new = {"controller", controller, &controller->info};
        bool known = false;

        for (size_t j = 0; j < vm->run->domain->devices.n_controllers; j++)
            known |= str_eq(vm->run->domain->devices.controllers[j]->info.alias, controller->info.alias);
        if (known || controller == wanted)
            continue;
        if (controller->type == CONTROLLER_PCI)
            return err_set(&rq->err, ERR_INTERNAL_ERROR, "No more available PCI slots");
        if (plug_one(rq, vm, copy, caps, &new) < 0)
            return -1;
    }
    return 0;
}

int device_attach_live(struct req *rq, struct vm *vm, const char *xml)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct run *run = vm->run;
    struct domain *copy;
    struct fragment new;

    if (!vm_monitor(rq, vm) || fragment_parse(&rq->arena, xml, DOMAIN_PARSE_INACTIVE, &new, &rq->err) < 0)
        return -1;
    if (!device_may(new.element, DEVICE_PLUG))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "live attach of device '%s' is not supported",
                       new.element);
    if (device_check_new(&run->domain->devices, &new, &rq->err) < 0)
        return -1;
    copy = domain_copy(&rq->arena, run->domain);
    devices_add(&copy->devices, &rq->arena, new.element, new.device);
    device_account(copy, &new, 1);
    if (qemu_caps_get(rq, copy->devices.emulator, &caps) < 0 ||
        device_settle(rq, &rq->arena, copy, /* inactive= */ false) < 0)
        return -1;
    defaults_aliases(copy, &rq->arena);
    if (check_same_run(rq, vm, run) < 0 || lock_memory(rq, vm, copy) < 0 ||
        plug_controllers(rq, vm, copy, caps, new.device) < 0 || plug_one(rq, vm, copy, caps, &new) < 0)
        return -1;
    device_account(run->domain, &new, 1);
    status_save(vm);
    event_device_added(vm, new.info->alias);
    return 0;
}

/* ---- detach ---- */

/* Somebody waits for a device to go. */
struct unplug {
    struct list link;
    const char *alias;
    struct wait wait;
    bool gone;
};

static void forget(struct req *rq, struct vm *vm, const char *alias)
{
    struct run *run = vm->run;
    struct fragment there;

    if (!run || !devices_by_alias(&run->domain->devices, alias, &there))
        return;
    unplug_finish(rq, vm, there.element, there.device);
    if (vm->run != run || !devices_by_alias(&run->domain->devices, alias, &there))
        return;
    device_remove(run->domain, &there);
    status_save(vm);
    event_device_removed(vm, alias);
}

struct gone {
    struct vm *vm;
    char alias[];
};

static void gone_main(struct req *rq, void *arg)
{
    struct gone *gone = arg;

    if (vm_take_job(rq, gone->vm, "device removal") < 0) {
        log_warning("domain '%s': device '%s' is gone and still in the definition: %s", gone->vm->name,
                    gone->alias, rq->err.message);
        return;
    }
    forget(rq, gone->vm, gone->alias);
    vm_give_job(rq, gone->vm);
}

static void gone_done(struct req *rq, void *arg)
{
    struct gone *gone = arg;

    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(rq);
    vm_unref(gone->vm);
    free(gone);
}

void device_let_go(struct run *run)
{
    struct unplug *unplug;

    LIST_FOREACH(&run->unplugs, unplug, link) {
        list_remove(&unplug->link);
        wait_wake(&unplug->wait, -ESHUTDOWN);
    }
}

void device_gone(struct vm *vm, const char *alias)
{
    struct unplug *unplug;
    struct fragment there;
    struct gone *gone;
    struct req *rq;

    LIST_FOREACH(&vm->run->unplugs, unplug, link) {
        if (!str_eq(unplug->alias, alias))
            continue;
        unplug->gone = true;
        wait_wake(&unplug->wait, 0);
        return;
    }
    if (!devices_by_alias(&vm->run->domain->devices, alias, &there))
        return;
    /* nobody waits any more: the guest took its time */
    rq = NEW(struct req);
    rq->name = "device_removal";
    gone = mem_zalloc(sizeof(*gone) + strlen(alias) + 1);
    gone->vm = vm_ref(vm);
    strcpy(gone->alias, alias);
    fiber_start(rq, gone_main, gone_done, gone);
}

int device_detach_live(struct req *rq, struct vm *vm, const struct fragment *live)
{
    struct unplug unplug = {.alias = live->info ? arena_strdup(&rq->arena, live->info->alias) : NULL};
    struct run *run = vm->run;
    int r;

    if (!device_may(live->element, DEVICE_UNPLUG) || !unplug.alias)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "live detach of device '%s' is not supported",
                       live->element);
    list_append(&run->unplugs, &unplug.link);
    r = unplug_request(rq, vm, unplug.alias);
    if (r == 0 && !unplug.gone)
        fiber_await(rq, &unplug.wait, UNPLUG_USEC, "the guest to let a device go");
    list_remove(&unplug.link);
    if (r < 0 || check_same_run(rq, vm, run) < 0)
        return -1;
    err_clear(&rq->err);
    if (unplug.gone)
        forget(rq, vm, unplug.alias);
    return 0;
}

/* ---- update ---- */

static bool same_source(const struct storage *a, const struct storage *b)
{
    return a->type == b->type && str_eq(a->path, b->path) && str_eq(a->name, b->name) &&
           a->protocol == b->protocol && str_eq(a->pool, b->pool) && str_eq(a->volume, b->volume);
}

/* What a drive was plugged with stays; only what is said, and says something else, is refused. */
static int check_disk_fields(struct req *rq, const struct disk *wanted, const struct disk *live)
{
    const struct {
        const char *name;
        bool changes;
    } fields[] = {
        {"bus", wanted->bus != live->bus},
        {"serial", wanted->serial && !str_eq(wanted->serial, live->serial)},
        {"wwn", wanted->wwn && !str_eq(wanted->wwn, live->wwn)},
        {"vendor", wanted->vendor && !str_eq(wanted->vendor, live->vendor)},
        {"product", wanted->product && !str_eq(wanted->product, live->product)},
        {"cache", wanted->cache && wanted->cache != live->cache},
        {"error_policy", wanted->error_policy && wanted->error_policy != live->error_policy},
        {"io", wanted->io && wanted->io != live->io},
        {"ioeventfd", wanted->ioeventfd && wanted->ioeventfd != live->ioeventfd},
        {"discard", wanted->discard && wanted->discard != live->discard},
        {"iothread", wanted->iothread && wanted->iothread != live->iothread},
        {"readonly", live->device == DISK_DISK && wanted->readonly != live->readonly},
        {"shared", wanted->shareable != live->shareable},
    };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i].changes)
            return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "cannot modify field '%s' of the disk",
                           fields[i].name);
    return 0;
}

static int update_disk(struct req *rq, struct vm *vm, const struct disk *wanted, struct disk *live,
                       bool force)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct run *run = vm->run;
    struct domain *copy = domain_copy(&rq->arena, run->domain);
    struct disk *disk = copy->devices.disks[place_of(&run->domain->devices, "disk", live)];
    struct storage *medium;
    int r;

    if (check_disk_fields(rq, wanted, live) < 0)
        return -1;
    if (same_source(&wanted->src, &live->src) ||
        (storage_is_empty(&wanted->src) && storage_is_empty(&live->src)))
        return 0;
    if (live->device != DISK_CDROM && live->device != DISK_FLOPPY)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "disk source can be changed only in removable drives");
    if (qemu_caps_get(rq, copy->devices.emulator, &caps) < 0 || check_same_run(rq, vm, run) < 0)
        return -1;
    medium = ARENA_NEW(&rq->arena, struct storage);
    *medium = wanted->src;
    if (!storage_is_empty(medium) && !medium->format)
        medium->format = FORMAT_RAW;
    r = plug_medium(rq, vm, plug_build(rq, vm, copy, caps), disk, medium, force);
    if (vm->run != run)
        return -1;
    /* the drive holds what it holds, also when something failed half way */
    live->src = ((struct disk *)devices_copy(&run->arena, "disk", disk))->src;
    status_save(vm);
    return r;
}

static int set_link(struct req *rq, struct vm *vm, struct iface *live, enum link_state link)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    bool up = link != LINK_DOWN;

    if (!qmp || qmp_call(rq, qmp, "set_link",
                         json_text(&rq->arena, up ? "{'name': %s, 'up': true}" : "{'name': %s, 'up': false}",
                                   live->info.alias),
                         NULL, QMP_USEC) < 0)
        return -1;
    if (live->target && iface_uses_tap(live) && iface_set_up(live->target, up, &rq->err) < 0)
        return -1;
    live->link = link;
    return 0;
}

static int move_to_bridge(struct req *rq, struct run *run, struct iface *live, const char *bridge)
{
    if (bridge_detach(live->bridge, live->target, &rq->err) < 0 ||
        bridge_attach(bridge, live->target, &rq->err) < 0)
        return -1;
    live->bridge = arena_strdup(&run->arena, bridge);
    return 0;
}

static int update_iface(struct req *rq, struct vm *vm, const struct iface *wanted, struct iface *live)
{
    struct run *run = vm->run;
    const struct iface *copy;

    if (wanted->type != live->type)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "cannot change network interface type from %s to %s", iface_type_names[live->type],
                       iface_type_names[wanted->type]);
    if (wanted->model && !str_eq(wanted->model, live->model))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "cannot modify network device model from %s to %s", live->model, wanted->model);
    if (wanted->type == IFACE_BRIDGE && !str_eq(wanted->bridge, live->bridge) &&
        move_to_bridge(rq, run, live, wanted->bridge) < 0)
        return -1;
    if (live->target && iface_uses_tap(live) && (wanted->bandwidth || live->bandwidth)) {
        if (iface_set_bandwidth(rq, arena_strdup(&rq->arena, live->target), wanted->bandwidth) < 0 ||
            check_same_run(rq, vm, run) < 0)
            return -1;
        copy = devices_copy(&run->arena, "interface", wanted);
        live->bandwidth = copy->bandwidth;
    }
    if (wanted->link != live->link && set_link(rq, vm, live, wanted->link) < 0)
        return -1;
    if (check_same_run(rq, vm, run) < 0)
        return -1;
    status_save(vm);
    return 0;
}

/* Where it listens is what the first one says; what isn't said stays. */
static bool same_listens(const struct graphics *wanted, const struct graphics *live)
{
    const struct graphics_listen *a = wanted->n_listens ? wanted->listens[0] : NULL,
                                 *b = live->n_listens ? live->listens[0] : NULL;

    return !a || !b || (a->type == b->type && (!a->address || str_eq(a->address, b->address)));
}

static int update_graphics(struct req *rq, struct vm *vm, const struct graphics *wanted,
                           struct graphics *live)
{
    struct run *run = vm->run;
    struct qmp *qmp = vm_monitor(rq, vm);
    const struct graphics *copy;

    if (live->type != GRAPHICS_VNC && live->type != GRAPHICS_SPICE)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "unable to change config on '%s' graphics type",
                       graphics_type_names[live->type]);
    if (wanted->autoport != TRI_YES && wanted->port.set && wanted->port.value > 0 &&
        wanted->port.value != live->port.value)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "cannot change port settings on %s graphics",
                       graphics_type_names[live->type]);
    if (!same_listens(wanted, live))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "cannot change listen address setting on '%s' graphics",
                       graphics_type_names[live->type]);
    if (!str_eq(wanted->keymap, live->keymap))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "cannot change keymap setting on %s graphics",
                       graphics_type_names[live->type]);
    if (!qmp || graphics_set_password(rq, qmp, wanted) < 0 || check_same_run(rq, vm, run) < 0)
        return -1;
    copy = devices_copy(&run->arena, "graphics", wanted);
    live->passwd = copy->passwd;
    live->passwd_valid_to = copy->passwd_valid_to;
    live->connected = copy->connected;
    status_save(vm);
    return 0;
}

static int update_memory(struct req *rq, struct vm *vm, const struct memdev *wanted, struct memdev *live)
{
    struct run *run = vm->run;
    struct qmp *qmp = vm_monitor(rq, vm);

    if (live->model != MEMDEV_VIRTIO_MEM || !wanted->requested.set)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "only the requested size of a virtio-mem device can be changed");
    if (wanted->requested.value > live->size || (live->block && wanted->requested.value % live->block))
        return err_set(
            &rq->err, ERR_XML_DETAIL,
            "requested size must be an integer multiple of block size and at most the device's size");
    if (!qmp ||
        qmp_call(rq, qmp, "qom-set",
                 json_text(&rq->arena, "{'path': %s, 'property': 'requested-size', 'value': %llu}",
                           arena_printf(&rq->arena, "/machine/peripheral/%s", live->info.alias),
                           (unsigned long long)wanted->requested.value * 1024),
                 NULL, QMP_USEC) < 0 ||
        check_same_run(rq, vm, run) < 0)
        return -1;
    live->requested = wanted->requested;
    status_save(vm);
    return 0;
}

int device_update_live(struct req *rq, struct vm *vm, const char *xml, bool force)
{
    struct fragment wanted, live;

    if (!vm_monitor(rq, vm) || fragment_parse(&rq->arena, xml, 0, &wanted, &rq->err) < 0)
        return -1;
    if (!device_may(wanted.element, DEVICE_CHANGE))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "live update of device '%s' is not supported",
                       wanted.element);
    if (device_find(&vm->run->domain->devices, &wanted, FIND_TO_UPDATE, &live, &rq->err) < 0)
        return -1;
    if (str_eq(wanted.element, "disk"))
        return update_disk(rq, vm, wanted.device, live.device, force);
    if (str_eq(wanted.element, "interface"))
        return update_iface(rq, vm, wanted.device, live.device);
    if (str_eq(wanted.element, "graphics"))
        return update_graphics(rq, vm, wanted.device, live.device);
    return update_memory(rq, vm, wanted.device, live.device);
}
