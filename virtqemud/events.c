/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events. One table row for each event of QEMU that means something here; every event, known or not, also
 * goes to those who registered for the raw ones (program qemu).
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/events.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/enum.h"
#include "base/log.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"
#include "rpc/event.h"
#include "virtqemud/device.h"
#include "virtqemud/life.h"
#include "virtqemud/params.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"

static struct wire_domain reference(const struct vm *vm)
{
    struct wire_domain dom = {.name = vm->name, .id = vm->id};

    memcpy(dom.uuid, vm->uuid, UUID_SIZE);
    return dom;
}

static void emit(const struct vm *vm, int procedure, const void *message)
{
    struct event_object object = {vm->uuid, vm->name, vm};

    event_emit(qemud.server, remote_program.number, procedure, &object, message);
}

/* Emit the event NAME with the named members of its message; for those that wrap a legacy form, and those
 * that don't. */
#define EMIT_LEGACY(vm, NAME, type, ...)                                                                     \
    emit((vm), REMOTE_DOMAIN_EVENT_CALLBACK_##NAME,                                                          \
         &(struct remote_domain_event_callback_##type##_msg){.msg = {.dom = reference(vm), __VA_ARGS__}})
#define EMIT(vm, NAME, type, ...)                                                                            \
    emit((vm), REMOTE_DOMAIN_EVENT_##NAME,                                                                   \
         &(struct remote_domain_event_##type##_msg){.dom = reference(vm), __VA_ARGS__})

void event_lifecycle(const struct vm *vm, int event, int detail)
{
    EMIT_LEGACY(vm, LIFECYCLE, lifecycle, .event = event, .detail = detail);
}

void event_reboot(const struct vm *vm)
{
    EMIT_LEGACY(vm, REBOOT, reboot);
}

void event_pmsuspend(const struct vm *vm)
{
    EMIT_LEGACY(vm, PMSUSPEND, pmsuspend);
}

void event_pmsuspend_disk(const struct vm *vm)
{
    EMIT_LEGACY(vm, PMSUSPEND_DISK, pmsuspend_disk);
}

void event_pmwakeup(const struct vm *vm)
{
    EMIT_LEGACY(vm, PMWAKEUP, pmwakeup);
}

void event_metadata_change(const struct vm *vm, int type, const char *nsuri)
{
    EMIT(vm, CALLBACK_METADATA_CHANGE, callback_metadata_change, .type = type, .nsuri = (char *)nsuri);
}

void event_tunable(const struct vm *vm, const struct params *params)
{
    if (params->n)
        EMIT(vm, CALLBACK_TUNABLE, callback_tunable, .params = {.v = params->v, .n = params->n});
}

void event_control_error(const struct vm *vm)
{
    EMIT_LEGACY(vm, CONTROL_ERROR, control_error);
}

static void on_stop(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_STOP);
}

static void on_resume(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_RESUME);
}

static void on_shutdown(struct vm *vm, struct json_object *data)
{
    life_happened(vm, json_flag(data, "guest", false) ? HAPPENED_GUEST_OFF : HAPPENED_HOST_OFF);
}

static void on_reset(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_RESET);
}

static void on_suspend(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_SUSPEND);
}

static void on_suspend_disk(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_SUSPEND_DISK);
}

static void on_wakeup(struct vm *vm, struct json_object *data)
{
    life_happened(vm, HAPPENED_WAKEUP);
}

static void on_panic(struct vm *vm, struct json_object *data)
{
    run_log(vm->run, "panic %s", json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN));
    life_happened(vm, HAPPENED_PANIC);
}

static void on_rtc_change(struct vm *vm, struct json_object *data)
{
    EMIT_LEGACY(vm, RTC_CHANGE, rtc_change, .offset = json_int(data, "offset", 0));
}

static void on_watchdog(struct vm *vm, struct json_object *data)
{
    /* in the order of the API's numbers */
    static const char *const names[] = {"none",     "pause", "reset",      "poweroff",
                                        "shutdown", "debug", "inject-nmi", NULL};
    int action = enum_find(names, json_string(data, "action"));

    EMIT_LEGACY(vm, WATCHDOG, watchdog, .action = action < 0 ? 0 : action);
    if (action == API_DOMAIN_EVENT_WATCHDOG_PAUSE)
        life_happened(vm, HAPPENED_WATCHDOG);
}

/* The disk whose device or node QEMU talks about; NULL: none of ours. */
static const struct disk *find_disk(const struct vm *vm, struct json_object *data)
{
    const struct devices *devices = &vm->run->domain->devices;
    const char *names[] = {json_string(data, "device"), json_string(data, "id"),
                           json_string(data, "qom-path")};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *name = names[i], *alias;

        if (str_empty(name))
            continue;
        name = str_after(name, "drive-") ? str_after(name, "drive-") : name;
        name = str_after(name, "/machine/peripheral/") ? str_after(name, "/machine/peripheral/") : name;
        for (size_t d = 0; d < devices->n_disks; d++) {
            alias = devices->disks[d]->info.alias;
            if (alias && !strncmp(name, alias, strlen(alias)) &&
                (!name[strlen(alias)] || name[strlen(alias)] == '/'))
                return devices->disks[d];
        }
    }
    return NULL;
}

static void on_io_error(struct vm *vm, struct json_object *data)
{
    static const char *const names[] = {"ignore", "stop", "report", NULL};
    const struct disk *disk = find_disk(vm, data);
    int action = enum_find(names, json_string(data, "action"));
    char *path = disk ? disk->src.path : NULL, *alias = disk ? disk->info.alias : NULL;
    const char *reason = json_flag(data, "nospace", false) ? "enospc" : "";

    path = path ? path : (char *)"";
    alias = alias ? alias : (char *)"";
    action = action < 0 ? 0 : action;
    EMIT_LEGACY(vm, IO_ERROR, io_error, .src_path = path, .dev_alias = alias,
                .action = action == 0 ? 0 : action);
    EMIT_LEGACY(vm, IO_ERROR_REASON, io_error_reason, .src_path = path, .dev_alias = alias, .action = action,
                .reason = (char *)reason);
    if (action == API_DOMAIN_EVENT_IO_ERROR_PAUSE)
        life_happened(vm, HAPPENED_IO_ERROR);
}

static void on_balloon(struct vm *vm, struct json_object *data)
{
    uint64_t kib = json_uint(data, "actual", 0) / 1024;

    if (!kib)
        return;
    vm->run->balloon_kib = kib;
    EMIT_LEGACY(vm, BALLOON_CHANGE, balloon_change, .actual = kib);
    status_save(vm);
}

static void on_tray(struct vm *vm, struct json_object *data)
{
    const struct disk *disk = find_disk(vm, data);
    bool open = json_flag(data, "tray-open", false);

    if (disk)
        EMIT_LEGACY(vm, TRAY_CHANGE, tray_change, .dev_alias = disk->info.alias,
                    .reason = open ? API_DOMAIN_EVENT_TRAY_CHANGE_OPEN : API_DOMAIN_EVENT_TRAY_CHANGE_CLOSE);
}

static struct wire_graphics_address graphics_address(struct json_object *side)
{
    static const char *const families[] = {"ipv4", "ipv6", "unix", NULL};
    const char *host = json_string(side, "host"), *service = json_string(side, "service");
    int family = enum_find(families, json_string(side, "family"));

    return (struct wire_graphics_address){family < 0 ? 0 : family, (char *)(host ? host : ""),
                                          (char *)(service ? service : "")};
}

static void graphics(struct vm *vm, struct json_object *data, int phase)
{
    struct json_object *client = json_get(data, "client"), *server = json_get(data, "server");
    const char *auth = json_string(server, "auth");
    const char *x509 = json_string(client, "x509_dname"), *sasl = json_string(client, "sasl_username");
    struct wire_graphics_identity subject[2];
    uint32_t count = 0;

    if (x509)
        subject[count++] = (struct wire_graphics_identity){(char *)"x509dname", (char *)x509};
    if (sasl)
        subject[count++] = (struct wire_graphics_identity){(char *)"saslUsername", (char *)sasl};
    EMIT_LEGACY(vm, GRAPHICS, graphics, .phase = phase, .local = graphics_address(server),
                .remote = graphics_address(client), .auth_scheme = (char *)(auth ? auth : ""),
                .subject = {count, subject});
}

static void on_vnc_connected(struct vm *vm, struct json_object *data)
{
    graphics(vm, data, API_DOMAIN_EVENT_GRAPHICS_CONNECT);
}

static void on_vnc_initialized(struct vm *vm, struct json_object *data)
{
    graphics(vm, data, API_DOMAIN_EVENT_GRAPHICS_INITIALIZE);
}

static void on_vnc_disconnected(struct vm *vm, struct json_object *data)
{
    graphics(vm, data, API_DOMAIN_EVENT_GRAPHICS_DISCONNECT);
}

/* A port of a virtio-serial channel was opened or closed inside the guest. */
static void on_port(struct vm *vm, struct json_object *data)
{
    const char *id = json_string(data, "id");
    bool open = json_flag(data, "open", false);
    struct devices *devices = &vm->run->domain->devices;

    for (size_t i = 0; id && i < devices->n_channels; i++) {
        struct chardev *channel = devices->channels[i];
        const char *state = open ? "connected" : "disconnected";

        if (!str_eq(channel->info.alias, id) || str_eq(channel->state, state))
            continue;
        channel->state = (char *)state;
        status_save(vm);
        if (str_eq(channel->target_name, "org.qemu.guest_agent.0"))
            EMIT(vm, CALLBACK_AGENT_LIFECYCLE, callback_agent_lifecycle,
                 .state = open ? API_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
                               : API_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
                 .reason = API_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL);
        if (channel->target_name)
            EMIT(vm, CALLBACK_CHANNEL_LIFECYCLE, callback_channel_lifecycle,
                 .channel_name = channel->target_name, .state = open ? 1 : 2, .reason = 2);
    }
}

void event_medium_missing(const struct vm *vm, const char *path, const char *alias)
{
    enum { MISSING_ON_START };
    char *old = (char *)path;

    EMIT_LEGACY(vm, DISK_CHANGE, disk_change, .old_src_path = old, .dev_alias = (char *)alias,
                .reason = MISSING_ON_START);
}

void event_device_added(const struct vm *vm, const char *alias)
{
    EMIT(vm, CALLBACK_DEVICE_ADDED, callback_device_added, .dev_alias = (char *)alias);
}

void event_device_removed(const struct vm *vm, const char *alias)
{
    EMIT_LEGACY(vm, DEVICE_REMOVED, device_removed, .dev_alias = (char *)alias);
}

static void on_device_deleted(struct vm *vm, struct json_object *data)
{
    const char *alias = json_string(data, "device");

    if (alias)
        device_gone(vm, alias);
}

static void on_device_unplug_error(struct vm *vm, struct json_object *data)
{
    const char *alias = json_string(data, "device");

    if (alias)
        EMIT(vm, CALLBACK_DEVICE_REMOVAL_FAILED, callback_device_removal_failed, .dev_alias = (char *)alias);
}

static const struct {
    const char *name;
    void (*handle)(struct vm *vm, struct json_object *data);
} rows[] = {
    {"STOP", on_stop},
    {"RESUME", on_resume},
    {"SHUTDOWN", on_shutdown},
    {"RESET", on_reset},
    {"SUSPEND", on_suspend},
    {"SUSPEND_DISK", on_suspend_disk},
    {"WAKEUP", on_wakeup},
    {"GUEST_PANICKED", on_panic},
    {"GUEST_CRASHLOADED", on_panic},
    {"RTC_CHANGE", on_rtc_change},
    {"WATCHDOG", on_watchdog},
    {"BLOCK_IO_ERROR", on_io_error},
    {"BALLOON_CHANGE", on_balloon},
    {"DEVICE_TRAY_MOVED", on_tray},
    {"VNC_CONNECTED", on_vnc_connected},
    {"VNC_INITIALIZED", on_vnc_initialized},
    {"VNC_DISCONNECTED", on_vnc_disconnected},
    {"SPICE_CONNECTED", on_vnc_connected},
    {"SPICE_INITIALIZED", on_vnc_initialized},
    {"SPICE_DISCONNECTED", on_vnc_disconnected},
    {"VSERPORT_CHANGE", on_port},
    {"DEVICE_DELETED", on_device_deleted},
    {"DEVICE_UNPLUG_GUEST_ERROR", on_device_unplug_error},
};

static void monitor_event(const struct vm *vm, const char *name, struct json_object *data, uint64_t seconds,
                          uint32_t micros)
{
    struct qemu_domain_monitor_event_msg message = {
        .dom = reference(vm), .event = (char *)name, .seconds = (int64_t)seconds, .micros = micros};
    struct event_object object = {vm->uuid, vm->name, vm};

    if (!event_wanted(qemud.server, qemu_program.number, QEMU_DOMAIN_MONITOR_EVENT))
        return;
    if (data)
        message.details = (char *)json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);
    event_emit_monitor(qemud.server, &object, name, &message);
}

static void on_event(void *owner, const char *name, struct json_object *data, uint64_t seconds,
                     uint32_t micros)
{
    struct vm *vm = owner;

    log_debug("domain '%s': QEMU says %s", vm->name, name);
    monitor_event(vm, name, data, seconds, micros);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (!strcmp(rows[i].name, name)) {
            rows[i].handle(vm, data);
            return;
        }
}

/* A broken monitor leaves a machine without one. */
static void on_closed(void *owner, const char *why)
{
    struct vm *vm = owner;

    if (!why) {
        run_hung_up(vm);
        return;
    }
    log_error("domain '%s': %s", vm->name, why);
    if (vm->run->up)
        event_control_error(vm);
}

const struct qmp_handlers run_qmp_handlers = {on_event, on_closed};
