/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document of a status file, see status.h. What stock libvirt writes and we don't need is skipped by the
 * table engine. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/enum.h"
#include "model/domain/domain.h"
#include "virtqemud/status.h"

/* In the order of the API's numbers; [0] is a word here, not "not given". */
static const char *const state_names[] = {"nostate", "running", "blocked",     "paused", "shutdown",
                                          "shutoff", "crashed", "pmsuspended", NULL};
static const char *const running_names[] = {
    "unknown",       "booted", "migrated", "restored",  "from snapshot",    "unpaused", "migration canceled",
    "save canceled", "wakeup", "crashed",  "post-copy", "post-copy failed", NULL};
static const char *const paused_names[] = {
    "unknown",       "user",     "migration", "save",     "dump",        "ioerror",   "watchdog",
    "from snapshot", "shutdown", "snapshot",  "panicked", "starting up", "post-copy", "post-copy failed",
    "api error",     NULL};
static const char *const shutdown_names[] = {"unknown", "user", NULL};
static const char *const shutoff_names[] = {"unknown", "shutdown", "destroyed",     "crashed", "migrated",
                                            "saved",   "failed",   "from snapshot", "daemon",  NULL};
static const char *const crashed_names[] = {"unknown", "panicked", NULL};
static const char *const unknown_names[] = {"unknown", NULL};
static const char *const *const reason_names[] = {unknown_names, running_names,  unknown_names,
                                                  paused_names,  shutdown_names, shutoff_names,
                                                  crashed_names, unknown_names};

static const char *word(const char *const *names, unsigned value)
{
    return (int)value < enum_count(names) ? names[value] : NULL;
}

const char *status_state_name(unsigned state)
{
    return word(state_names, state);
}

const char *status_reason_name(unsigned state, unsigned reason)
{
    return state < ARRAY_SIZE(reason_names) ? word(reason_names[state], reason) : NULL;
}

#define V struct status_vcpu
XT_DECLARE(status_vcpu_table, V);
XT_DEFINE(status_vcpu_table, "vcpu", NULL, XT_ATTR(V, id, "id", opt_u32, XT_REQUIRED),
          XT_ATTR(V, pid, "pid", u32, 0));

#define F struct status_flag
XT_DECLARE(status_flag_table, F);
XT_DEFINE(status_flag_table, "flag", NULL, XT_ATTR(F, name, "name", str, XT_REQUIRED));

/* clang-format off */
#define S struct status
XT_DEFINE(status_table, "domstatus", NULL,
    XT_ATTR(S, state_name, "state", str, XT_REQUIRED),
    XT_ATTR(S, reason_name, "reason", str, 0),
    XT_ATTR(S, pid, "pid", u32, XT_ALWAYS),
    XT_GROUP("monitor", 0,
        XT_ATTR(S, monitor_path, "path", str, XT_REQUIRED),
        XT_ATTR(S, monitor_type, "type", str, 0)),
    XT_GROUP("namespaces", 0, XT_FLAG(S, mount_namespace, "mount", 0)),
    XT_GROUP("vcpus", 0, XT_LIST(S, vcpus, n_vcpus, "vcpu", status_vcpu_table, 0)),
    XT_GROUP("qemuCaps", 0, XT_LIST(S, flags, n_flags, "flag", status_flag_table, 0)),
    XT_GROUP("libDir", 0, XT_ATTR(S, lib_dir, "path", str, 0)),
    XT_GROUP("channelTargetDir", 0, XT_ATTR(S, channel_dir, "path", str, 0)),
    XT_FLAG(S, logged_by_virtlogd, "chardevStdioLogd", 0),
    XT_FLAG(S, remembers_owner, "rememberOwner", 0),
    XT_GROUP("nodename", 0, XT_ATTR(S, last_node, "index", opt_u32, 0)),
    XT_GROUP("fdset", 0, XT_ATTR(S, last_fdset, "index", opt_u32, 0)),
    XT_FLAG(S, fake_reboot, "fakereboot", 0),
    XT_FLAG(S, autodestroy, "autodestroy", 0),
    XT_GROUP("allowReboot", 0, XT_ATTR(S, allow_reboot, "value", yesno, 0)),
    XT_GROUP("process", 0, /* ours: stock skips it */
        XT_ATTR(S, start_time, "startTime", u64, 0),
        XT_ATTR(S, machine_name, "machine", str, 0),
        XT_ATTR(S, balloon_kib, "balloon", u64, 0)),
    XT_CHILD(S, domain, "domain", domain_table, XT_REQUIRED));
/* clang-format on */

void status_format(const struct status *status, struct buf *text)
{
    xt_format(&status_table, text, status, XT_FORMAT_STATUS | XT_FORMAT_SECURE, 0);
}

struct status *status_parse(const char *text, struct arena *arena, struct err *err)
{
    struct xt_document document = domain_document; /* with the namespaces that a domain knows */
    struct status *status;
    int r;

    document.table = &status_table;
    document.what = "(domain_status)";
    status = xt_parse(&document, arena, text, XT_PARSE_STATUS, err);
    if (!status)
        return NULL;
    if (!status->monitor_path) {
        err_set(err, ERR_XML_ERROR, "the element 'monitor' is missing in the status");
        return NULL;
    }
    r = enum_find(state_names, status->state_name);
    status->state = r < 0 ? 0 : (unsigned)r;
    r = enum_find(reason_names[status->state], status->reason_name);
    status->reason = r < 0 ? 0 : (unsigned)r;
    return status;
}
