/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keepalive, asked for by the program: a ping every so often, and the end of the connection when nothing ever
 * comes. */
#define ERR_FROM ERR_FROM_REMOTE
#include "libvirt/events.h"
#include "libvirt/link.h"

enum { FEATURE_KEEPALIVE = 10 };

API int virConnectSetKeepAlive(virConnectPtr conn, int interval, unsigned int count)
{
    struct remote_connect_supports_feature_in in = {.feature = FEATURE_KEEPALIVE};
    struct remote_connect_supports_feature_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_SUPPORTS_FEATURE)))
        return -1;
    if (conn->local)
        err_set_from(&call.err, ERR_FROM_DOMAIN, ERR_NO_SUPPORT, "%s", __func__);
    else if (!events_running(conn->events))
        err_set(
            &call.err, ERR_INTERNAL_ERROR,
            "the caller doesn't support keepalive protocol; perhaps it's missing event loop implementation");
    else if (call_run(&call, &in, &out) == 0)
        result = !out.supported ? 1 : events_keepalive(conn->events, interval, count);
    call_end(&call);
    return result;
}
