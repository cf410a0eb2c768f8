/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-qemu.so: what doesn't follow from the rows: monitor events, and commands that carry descriptors. */
#define ERR_FROM ERR_FROM_QEMU
#include "protocol/qemu.h"

#include "libvirt/api.h"
#include "libvirt/events.h"

API int virConnectDomainQemuMonitorEventRegister(virConnectPtr conn, virDomainPtr dom, const char *event,
                                                 virConnectDomainQemuMonitorEventCallback cb, void *opaque,
                                                 virFreeCallback freecb, unsigned int flags)
{
    struct qemu_connect_domain_monitor_event_register_in in = {
        .dom = dom ? &dom->wire : NULL, .event = (char *)event, .flags = flags};
    struct qemu_connect_domain_monitor_event_register_out out;
    struct call call;
    int id = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT,
                    PROCEDURE(qemu, CONNECT_DOMAIN_MONITOR_EVENT_REGISTER)))
        return -1;
    if (!call_argument(&call, (const void *)cb, "cb") || (dom && !call_object(&call, dom, OBJECT_DOMAIN)))
        ;
    else if (!events_running(conn->events))
        err_set(&call.err, ERR_INTERNAL_ERROR,
                "the program has no event loop: register one before it connects");
    else if (call_run(&call, &in, &out) == 0)
        id = events_track(conn->events, FAMILY_MONITOR, 0, out.callback_id, dom, (void *)cb, opaque, freecb);
    call_end(&call);
    return id;
}

API int virConnectDomainQemuMonitorEventDeregister(virConnectPtr conn, int callbackID)
{
    struct qemu_connect_domain_monitor_event_deregister_in in;
    struct qemu_connect_domain_monitor_event_deregister_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT,
                    PROCEDURE(qemu, CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER)))
        return -1;
    if (!call_not_negative(&call, callbackID, "callbackID")) {
        call_end(&call);
        return -1;
    }
    in.callback_id = events_forget(conn->events, FAMILY_MONITOR, callbackID, NULL);
    if (in.callback_id < 0 && !conn->local)
        err_set_from(&call.err, ERR_FROM_NONE, ERR_INVALID_ARG, "event callback id %d not registered",
                     callbackID);
    else
        result = call_run(&call, &in, &out);
    call_end(&call);
    return result;
}

API int virDomainQemuMonitorCommandWithFiles(virDomainPtr domain, const char *cmd, unsigned int ninfiles,
                                             int *infiles, unsigned int *noutfiles, int **outfiles,
                                             char **result, unsigned int flags)
{
    struct qemu_domain_monitor_command_with_files_in in = {.cmd = (char *)cmd, .flags = flags};
    struct qemu_domain_monitor_command_with_files_out out;
    struct call call;
    int r = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN,
                    PROCEDURE(qemu, DOMAIN_MONITOR_COMMAND_WITH_FILES)))
        return -1;
    in.dom = domain->wire;
    call.fds = infiles;
    call.fd_count = ninfiles;
    if (call_argument(&call, cmd, "cmd") && call_argument(&call, result, "result") &&
        (!ninfiles || call_argument(&call, infiles, "infiles")) && call_run(&call, &in, &out) == 0) {
        *result = call_text(out.result);
        if (outfiles && noutfiles) {
            *noutfiles = call.reply_fd_count;
            *outfiles = TAKE(call.reply_fds);
        }
        r = 0;
    }
    call_end(&call);
    return r;
}
