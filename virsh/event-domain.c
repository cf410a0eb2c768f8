/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event: what domains tell of themselves, one line (of text, or of JSON) each; and waiting for one that is in
 * a state. */
#include "base/time.h"
#include "virsh/domain.h"
#include "virsh/watch.h"

/* ---- telling ---------------------------------------------------------------------------------------- */

/* By VIR_DOMAIN_EVENT_ID_*; --list shows those that libvirt 9.0 had. */
enum { LISTED = 27 };
static const char *const names[] = {
    "lifecycle",
    "reboot",
    "rtc-change",
    "watchdog",
    "io-error",
    "graphics",
    "io-error-reason",
    "control-error",
    "block-job",
    "disk-change",
    "tray-change",
    "pm-wakeup",
    "pm-suspend",
    "balloon-change",
    "pm-suspend-disk",
    "device-removed",
    "block-job-2",
    "tunable",
    "agent-lifecycle",
    "device-added",
    "migration-iteration",
    "job-completed",
    "device-removal-failed",
    "metadata-change",
    "block-threshold",
    "memory-failure",
    "memory-device-size-change",
    "nic-mac-change",
    "vcpu-removed",
    "channel-lifecycle",
    NULL,
};

static const char *word_of(const char *const *words, int value)
{
    return value >= 0 && value < enum_count(words) ? words[value] : "unknown";
}

/* The beginning of an event's line; false: it isn't wanted any more. */
static bool begin(struct watch *watch, virDomainPtr domain, int id)
{
    struct cmd *cmd = watch->cmd;
    char stamp[TIME_TEXT];
    if (!watch_begin(watch))
        return false;
    layout(cmd, LAYOUT_NONE);
    field(cmd, "event", NULL, names[id]);
    field(cmd, "domain", NULL, virDomainGetName(domain));
    if (cmd_has(cmd, "timestamp")) {
        time_format(time_real(), stamp);
        field(cmd, "timestamp", NULL, stamp);
        print(cmd, "%s: ", stamp);
    }
    print(cmd, "event '%s' for domain '%s'", names[id], virDomainGetName(domain));
    return true;
}

/* A callback: its parameters, and what follows the beginning of the line. */
#define EVENT(function, id, parameters, ...)                                                                 \
    static void function parameters                                                                          \
    {                                                                                                        \
        struct watch *watch = data;                                                                          \
        struct cmd *cmd = watch->cmd;                                                                        \
        (void)cmd;                                                                                           \
        if (!begin(watch, domain, id))                                                                       \
            return;                                                                                          \
        __VA_ARGS__;                                                                                         \
        print(cmd, "\n");                                                                                    \
        watch_end(watch);                                                                                    \
    }

static const char *const lifecycle_words[] = {"Defined", "Undefined", "Started",     "Suspended", "Resumed",
                                              "Stopped", "Shutdown",  "PMSuspended", "Crashed",   NULL};
static const char *const *const lifecycle_details[] = {
    (const char *const[]){"Added", "Updated", "Renamed", "Snapshot", NULL},
    (const char *const[]){"Removed", "Renamed", NULL},
    (const char *const[]){"Booted", "Migrated", "Restored", "Snapshot", "Event wakeup", "Recreated", NULL},
    (const char *const[]){"Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot", "API error",
                          "Post-copy", "Post-copy Error", "Guest shutdown", NULL},
    (const char *const[]){"Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error", NULL},
    (const char *const[]){"Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot",
                          "Recreated", NULL},
    (const char *const[]){"Finished", "Finished after guest request", "Finished after host request", NULL},
    (const char *const[]){"Memory", "Disk", NULL},
    (const char *const[]){"Panicked", "Crashloaded", NULL},
};

static void told(struct cmd *cmd, const char *key, const char *value)
{
    field(cmd, key, NULL, value);
}

EVENT(on_lifecycle, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
      (virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data),
      const char *what = word_of(lifecycle_words, event);
      const char *how = event >= 0 && event < (int)ARRAY_SIZE(lifecycle_details)
                            ? word_of(lifecycle_details[event], detail)
                            : "unknown";
      told(cmd, "state", what); told(cmd, "detail", how); print(cmd, ": %s %s", what, how))

EVENT(on_reboot, VIR_DOMAIN_EVENT_ID_REBOOT, (virConnectPtr conn, virDomainPtr domain, void *data), (void)0)
EVENT(on_control_error, VIR_DOMAIN_EVENT_ID_CONTROL_ERROR,
      (virConnectPtr conn, virDomainPtr domain, void *data), (void)0)

EVENT(on_rtc, VIR_DOMAIN_EVENT_ID_RTC_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, long long offset, void *data),
      field_number(cmd, "offset", NULL, offset, NULL);
      print(cmd, ": %lld", offset))

static const char *const watchdog_words[] = {"none",     "pause", "reset",      "poweroff",
                                             "shutdown", "debug", "inject-nmi", NULL};
EVENT(on_watchdog, VIR_DOMAIN_EVENT_ID_WATCHDOG,
      (virConnectPtr conn, virDomainPtr domain, int action, void *data),
      told(cmd, "action", word_of(watchdog_words, action));
      print(cmd, ": %s", word_of(watchdog_words, action)))

static const char *const io_words[] = {"none", "pause", "report", NULL};
static void tell_io_error(struct cmd *cmd, const char *path, const char *alias, int action)
{
    told(cmd, "source", path);
    told(cmd, "device", alias);
    told(cmd, "action", word_of(io_words, action));
    print(cmd, ": %s (%s) %s", path, alias, word_of(io_words, action));
}

EVENT(on_io_error, VIR_DOMAIN_EVENT_ID_IO_ERROR,
      (virConnectPtr conn, virDomainPtr domain, const char *path, const char *alias, int action, void *data),
      tell_io_error(cmd, path, alias, action))
EVENT(on_io_error_reason, VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
      (virConnectPtr conn, virDomainPtr domain, const char *path, const char *alias, int action,
       const char *reason, void *data),
      tell_io_error(cmd, path, alias, action);
      told(cmd, "reason", reason); print(cmd, " due to %s", reason))

static const char *const phase_words[] = {"connect", "initialize", "disconnect", NULL};
static const char *const family_words[] = {"IPv4", "IPv6", "unix", NULL};
static void tell_address(struct cmd *cmd, const char *key, const virDomainEventGraphicsAddress *address)
{
    open_object(cmd, key);
    told(cmd, "family", word_of(family_words, address->family));
    told(cmd, "node", address->node);
    told(cmd, "service", address->service);
    close_one(cmd);
    print(cmd, " %s[%s %s %s]", key, word_of(family_words, address->family), address->node, address->service);
}

static void tell_subject(struct cmd *cmd, const char *scheme, const virDomainEventGraphicsSubject *subject)
{
    told(cmd, "auth", scheme);
    print(cmd, " %s", scheme);
    open_array(cmd, "identities");
    for (int i = 0; i < subject->nidentity; i++) {
        open_object(cmd, NULL);
        told(cmd, "type", subject->identities[i].type);
        told(cmd, "name", subject->identities[i].name);
        close_one(cmd);
        print(cmd, "\n\t%s=%s", subject->identities[i].type, subject->identities[i].name);
    }
    close_one(cmd);
}

EVENT(on_graphics, VIR_DOMAIN_EVENT_ID_GRAPHICS,
      (virConnectPtr conn, virDomainPtr domain, int phase, const virDomainEventGraphicsAddress *local,
       const virDomainEventGraphicsAddress *remote, const char *scheme,
       const virDomainEventGraphicsSubject *subject, void *data),
      told(cmd, "phase", word_of(phase_words, phase));
      print(cmd, ": %s", word_of(phase_words, phase)); tell_address(cmd, "local", local);
      tell_address(cmd, "remote", remote); tell_subject(cmd, scheme, subject))

static const char *const job_words[] = {"Unknown job",         "Block Pull", "Block Copy", "Block Commit",
                                        "Active Block Commit", "Backup",     NULL};
static const char *const status_words[] = {"completed", "failed", "canceled", "ready", NULL};
static void tell_block_job(struct cmd *cmd, const char *disk, int type, int status)
{
    told(cmd, "disk", disk);
    told(cmd, "job", word_of(job_words, type));
    told(cmd, "status", word_of(status_words, status));
    print(cmd, ": %s for %s %s", word_of(job_words, type), disk, word_of(status_words, status));
}

EVENT(on_block_job, VIR_DOMAIN_EVENT_ID_BLOCK_JOB,
      (virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *data),
      tell_block_job(cmd, disk, type, status))
EVENT(on_block_job_2, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
      (virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *data),
      tell_block_job(cmd, disk, type, status))

static const char *const disk_words[] = {"changed", "dropped", NULL};
EVENT(on_disk_change, VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, const char *before, const char *after, const char *alias,
       int reason, void *data),
      const char *why = word_of(disk_words, reason);
      told(cmd, "device", alias); told(cmd, "before", before); told(cmd, "after", after);
      told(cmd, "reason", why);
      print(cmd, " disk %s: %s -> %s: %s", alias, before ? before : "", after ? after : "", why))

static const char *const tray_words[] = {"opened", "closed", NULL};
EVENT(on_tray, VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, const char *alias, int reason, void *data),
      told(cmd, "device", alias);
      told(cmd, "reason", word_of(tray_words, reason));
      print(cmd, " disk %s: %s", alias, word_of(tray_words, reason)))

EVENT(on_pm_wakeup, VIR_DOMAIN_EVENT_ID_PMWAKEUP,
      (virConnectPtr conn, virDomainPtr domain, int reason, void *data), (void)0)
EVENT(on_pm_suspend, VIR_DOMAIN_EVENT_ID_PMSUSPEND,
      (virConnectPtr conn, virDomainPtr domain, int reason, void *data), (void)0)
EVENT(on_pm_suspend_disk, VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK,
      (virConnectPtr conn, virDomainPtr domain, int reason, void *data), (void)0)

EVENT(on_balloon, VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, unsigned long long kib, void *data),
      field_u64(cmd, "kib", NULL, kib, NULL);
      print(cmd, ": %lluKiB", kib))

#define DEVICE_EVENT(function, id)                                                                           \
    EVENT(function, id, (virConnectPtr conn, virDomainPtr domain, const char *alias, void *data),            \
          told(cmd, "device", alias);                                                                        \
          print(cmd, ": %s", alias))
DEVICE_EVENT(on_device_removed, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED)
DEVICE_EVENT(on_device_added, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED)
DEVICE_EVENT(on_removal_failed, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED)

static void tell_params(struct cmd *cmd, virTypedParameterPtr all, int count)
{
    print(cmd, ":");
    for (int i = 0; i < count; i++) {
        field_param(cmd, NULL, &all[i]);
        print(cmd, "\n\t%s: %s", all[i].field, param_text(cmd, &all[i]));
    }
}

EVENT(on_tunable, VIR_DOMAIN_EVENT_ID_TUNABLE,
      (virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int count, void *data),
      tell_params(cmd, params, count))
EVENT(on_job_completed, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
      (virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int count, void *data),
      tell_params(cmd, params, count))

static const char *const channel_states[] = {"unknown", "connected", "disconnected", NULL};
static const char *const channel_reasons[] = {"unknown", "domain started", "channel event", NULL};
static void tell_channel(struct cmd *cmd, int state, int reason)
{
    told(cmd, "state", word_of(channel_states, state));
    told(cmd, "reason", word_of(channel_reasons, reason));
    print(cmd, ": state: '%s' reason: '%s'", word_of(channel_states, state),
          word_of(channel_reasons, reason));
}

EVENT(on_agent, VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
      (virConnectPtr conn, virDomainPtr domain, int state, int reason, void *data),
      tell_channel(cmd, state, reason))
EVENT(on_channel, VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE,
      (virConnectPtr conn, virDomainPtr domain, const char *channel, int state, int reason, void *data),
      told(cmd, "channel", channel);
      print(cmd, ": channel: '%s'", channel); tell_channel(cmd, state, reason))

EVENT(on_iteration, VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
      (virConnectPtr conn, virDomainPtr domain, int iteration, void *data),
      field_number(cmd, "iteration", NULL, iteration, NULL);
      print(cmd, ": iteration: '%d'", iteration))

static const char *const metadata_words[] = {"description", "title", "element", NULL};
EVENT(on_metadata, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, int type, const char *uri, void *data),
      told(cmd, "type", word_of(metadata_words, type));
      told(cmd, "uri", uri);
      print(cmd, ": type %s, uri %s", word_of(metadata_words, type), uri ? uri : "n/a"))

EVENT(on_threshold, VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
      (virConnectPtr conn, virDomainPtr domain, const char *device, const char *path,
       unsigned long long threshold, unsigned long long excess, void *data),
      told(cmd, "device", device);
      told(cmd, "path", path); field_u64(cmd, "threshold", NULL, threshold, NULL);
      field_u64(cmd, "excess", NULL, excess, NULL);
      print(cmd, ": dev: %s(%s) %llu %llu", device, path ? path : "(null)", threshold, excess))

static const char *const recipient_words[] = {"hypervisor", "guest", NULL};
static const char *const failure_words[] = {"ignore", "inject", "fatal", "reset", NULL};
EVENT(on_memory_failure, VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE,
      (virConnectPtr conn, virDomainPtr domain, int recipient, int action, unsigned flags, void *data),
      bool required = flags & VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED;
      bool recursive = flags & VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE;
      told(cmd, "recipient", word_of(recipient_words, recipient));
      told(cmd, "action", word_of(failure_words, action));
      field_bool(cmd, "action_required", NULL, required, "yes/no");
      field_bool(cmd, "recursive", NULL, recursive, "yes/no");
      print(cmd, ":\nrecipient: %s\naction: %s\nflags:\n\taction required: %d\n\trecursive: %d",
            word_of(recipient_words, recipient), word_of(failure_words, action), required, recursive))

EVENT(on_memory_size, VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, const char *alias, unsigned long long size, void *data),
      told(cmd, "device", alias);
      field_u64(cmd, "size", NULL, size, NULL); print(cmd, ":\nalias: %s\nsize: %llu", alias, size))

EVENT(on_nic_mac, VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE,
      (virConnectPtr conn, virDomainPtr domain, const char *alias, const char *before, const char *after,
       void *data),
      told(cmd, "device", alias);
      told(cmd, "before", before); told(cmd, "after", after);
      print(cmd, ": alias: '%s' %s -> %s", alias, before, after))

EVENT(on_vcpu_removed, VIR_DOMAIN_EVENT_ID_VCPU_REMOVED,
      (virConnectPtr conn, virDomainPtr domain, unsigned vcpu, void *data),
      field_u64(cmd, "vcpu", NULL, vcpu, NULL);
      print(cmd, ": %u", vcpu))

/* By VIR_DOMAIN_EVENT_ID_*. */
static const virConnectDomainEventGenericCallback callbacks[] = {
    VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle),
    VIR_DOMAIN_EVENT_CALLBACK(on_reboot),
    VIR_DOMAIN_EVENT_CALLBACK(on_rtc),
    VIR_DOMAIN_EVENT_CALLBACK(on_watchdog),
    VIR_DOMAIN_EVENT_CALLBACK(on_io_error),
    VIR_DOMAIN_EVENT_CALLBACK(on_graphics),
    VIR_DOMAIN_EVENT_CALLBACK(on_io_error_reason),
    VIR_DOMAIN_EVENT_CALLBACK(on_control_error),
    VIR_DOMAIN_EVENT_CALLBACK(on_block_job),
    VIR_DOMAIN_EVENT_CALLBACK(on_disk_change),
    VIR_DOMAIN_EVENT_CALLBACK(on_tray),
    VIR_DOMAIN_EVENT_CALLBACK(on_pm_wakeup),
    VIR_DOMAIN_EVENT_CALLBACK(on_pm_suspend),
    VIR_DOMAIN_EVENT_CALLBACK(on_balloon),
    VIR_DOMAIN_EVENT_CALLBACK(on_pm_suspend_disk),
    VIR_DOMAIN_EVENT_CALLBACK(on_device_removed),
    VIR_DOMAIN_EVENT_CALLBACK(on_block_job_2),
    VIR_DOMAIN_EVENT_CALLBACK(on_tunable),
    VIR_DOMAIN_EVENT_CALLBACK(on_agent),
    VIR_DOMAIN_EVENT_CALLBACK(on_device_added),
    VIR_DOMAIN_EVENT_CALLBACK(on_iteration),
    VIR_DOMAIN_EVENT_CALLBACK(on_job_completed),
    VIR_DOMAIN_EVENT_CALLBACK(on_removal_failed),
    VIR_DOMAIN_EVENT_CALLBACK(on_metadata),
    VIR_DOMAIN_EVENT_CALLBACK(on_threshold),
    VIR_DOMAIN_EVENT_CALLBACK(on_memory_failure),
    VIR_DOMAIN_EVENT_CALLBACK(on_memory_size),
    VIR_DOMAIN_EVENT_CALLBACK(on_nic_mac),
    VIR_DOMAIN_EVENT_CALLBACK(on_vcpu_removed),
    VIR_DOMAIN_EVENT_CALLBACK(on_channel),
};

static char **complete_event(struct cmd *cmd, unsigned bits)
{
    return strv_dup((char *const *)names);
}

/* ---- event ------------------------------------------------------------------------------------------ */

static int add_event(struct watch *watch, int id)
{
    return virConnectDomainEventRegisterAny(cmd_conn(watch->cmd), watch->object, id, callbacks[id], watch,
                                            NULL);
}

static int list_events(struct cmd *cmd)
{
    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (int id = 0; id < LISTED || (is_json(cmd) && names[id]); id++)
        field(cmd, NULL, NULL, names[id]);
    close_one(cmd);
    end_document(cmd);
    return 0;
}

static int run_event(struct cmd *cmd)
{
    static const struct watch_spec spec = {names, "domain", NULL, add_event,
                                           virConnectDomainEventDeregisterAny};
    struct watch watch = {.cmd = cmd, .spec = &spec, .only = -1};
    const char *event = NULL;
    int timeout = 0;
    if (cmd_has(cmd, "list"))
        return list_events(cmd);
    if (cmd_string(cmd, "event", &event) < 0)
        return -1;
    if (!event && !cmd_has(cmd, "all"))
        return say_error(cmd, "one of --list, --all, or --event <type> is required");
    if (event && (watch.only = enum_find(names, event)) < 0)
        return say_error(cmd, "unknown event type %s", event);
    if (cmd_timeout(cmd, "timeout", &timeout) < 0 ||
        (cmd_has(cmd, "domain") && !(watch.object = cmd_domain(cmd))))
        return -1;
    return watch_wait(&watch, timeout);
}

const struct command cmd_event = {
    "event",
    "Domain Events",
    "List event types, or wait for domain events to occur",
    OPTIONS(STRING("domain", "filter by domain name, id or uuid", 0, complete_domain),
            STRING("event", "which event type to wait for", 0, complete_event),
            FLAG("all", 0, "wait for all events instead of just one type"),
            FLAG("loop", 0, "loop until timeout or interrupt, rather than one-shot"),
            NUMBER("timeout", "timeout seconds"), FLAG("list", 0, "list valid event types"),
            FLAG("timestamp", 0, "show timestamp for each printed event")),
    .run = run_event,
    .is = IS_STREAMING,
    .conflicts = "all event, list all, list event",
    .json = "{event: string, domain: string, timestamp: string?, *: any} | [string]",
};

/* ---- await ------------------------------------------------------------------------------------------ */

enum condition { DOMAIN_INACTIVE, AGENT_AVAILABLE };
static const char *const conditions[] = {"domain-inactive", "guest-agent-available", NULL};

struct awaited {
    virDomainPtr domain;
    int condition;
};

/* 1: it holds, 0: not yet, -1: it never will (or can't be known). */
static int holds(struct cmd *cmd, void *data)
{
    static const char state_path[] =
        "string(/domain/devices/channel/target[@name='org.qemu.guest_agent.0']/@state)";
    struct awaited *awaited = data;
    int active = virDomainIsActive(awaited->domain);
    if (active < 0) /* a transient one is gone with its end */
        return last_error_code() == VIR_ERR_NO_DOMAIN && awaited->condition == DOMAIN_INACTIVE ? 1 : -1;
    if (awaited->condition == DOMAIN_INACTIVE)
        return !active;
    if (!active)
        return say_error(cmd, "Domain is not running");
    const char *xml = domain_xml(cmd, awaited->domain, 0);
    return xml ? str_eq(xml_value(cmd, xml, state_path), "connected") : -1;
}

static int run_await(struct cmd *cmd)
{
    struct awaited awaited = {.domain = cmd_domain(cmd)};
    const char *name = NULL;
    int timeout = 0;
    if (!awaited.domain || cmd_string(cmd, "condition", &name) < 0 ||
        cmd_timeout(cmd, "timeout", &timeout) < 0)
        return -1;
    awaited.condition = enum_find(conditions, name);
    if (awaited.condition < 0)
        return say_error(cmd, "unsupported await condition '%s'", name);
    int result = watch_domain(cmd, awaited.domain, timeout, holds, &awaited);
    return result ? result
                  : say_error(cmd, "timed out waiting for '%s' of domain '%s'", name,
                              virDomainGetName(awaited.domain));
}

const struct command cmd_await = {
    "await",
    "await a state of a domain",
    "Wait until a condition holds: domain-inactive, guest-agent-available.",
    OPTIONS(DOMAIN(0),
            {"condition", OPTION_STRING, IS_REQUIRED | IS_NAMED, "the condition", 0, NULL,
             "domain-inactive,guest-agent-available"},
            NUMBER_NAMED("timeout", "give up after so many seconds")),
    .run = run_await,
    .is = IS_NEW,
    .json = "",
};
