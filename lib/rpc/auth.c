/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authentication of Unix clients. root and the daemon's own user need none. Whoever fails may try again on
 * the same connection; nothing but these calls is served until then.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/core.h"

#include "access/audit.h"
#include "access/polkit.h"
#include "protocol/remote.h"

/* A user who is asked for a password needs time. */
#define POLKIT_USEC SECONDS(300)

static int m_auth_list(struct req *rq, struct client *client, const struct remote_auth_list_in *in,
                       struct remote_auth_list_out *out)
{
    static enum wire_auth_type types[] = {
        [AUTHENTICATE_NONE] = AUTH_TYPE_NONE,
        [AUTHENTICATE_SASL] = AUTH_TYPE_SASL,
        [AUTHENTICATE_POLKIT] = AUTH_TYPE_POLKIT,
    };

    out->types.n = 1;
    out->types.v = &types[client->auth];
    return 0;
}

static int m_auth_polkit(struct req *rq, struct client *client, const struct remote_auth_polkit_in *in,
                         struct remote_auth_polkit_out *out)
{
    struct polkit_question question = {
        .action = client->service == SERVICE_RO ? "org.libvirt.unix.monitor" : "org.libvirt.unix.manage",
        .subject = client->peer,
        .interactive = true,
    };
    int r;

    if (client->auth != AUTHENTICATE_POLKIT || client->authenticated)
        return err_set(&rq->err, ERR_AUTH_FAILED, "client tried invalid PolicyKit init request");
    r = polkit_ask(rq, &question, POLKIT_USEC);
    audit_auth(client->peer, "polkit", r == 0);
    if (r < 0)
        return r;
    if (!client->gone)
        client_set_authenticated(client);
    out->complete = 1;
    return 0;
}

/* SASL needs TCP's buffers and the mechanisms of its library; it comes with the remote transports. */
static int sasl_missing(struct req *rq)
{
    return err_set(&rq->err, ERR_AUTH_FAILED,
                   "SASL is not available on this socket; set auth_unix_rw to "
                   "\"polkit\" or \"none\"");
}

static int m_auth_sasl_init(struct req *rq, struct client *client, const struct remote_auth_sasl_init_in *in,
                            struct remote_auth_sasl_init_out *out)
{
    return sasl_missing(rq);
}

static int m_auth_sasl_start(struct req *rq, struct client *client,
                             const struct remote_auth_sasl_start_in *in,
                             struct remote_auth_sasl_start_out *out)
{
    return sasl_missing(rq);
}

static int m_auth_sasl_step(struct req *rq, struct client *client, const struct remote_auth_sasl_step_in *in,
                            struct remote_auth_sasl_step_out *out)
{
    return sasl_missing(rq);
}

const struct method auth_methods[] = {
    METHOD(remote, AUTH_LIST, m_auth_list),           METHOD(remote, AUTH_POLKIT, m_auth_polkit),
    METHOD(remote, AUTH_SASL_INIT, m_auth_sasl_init), METHOD(remote, AUTH_SASL_START, m_auth_sasl_start),
    METHOD(remote, AUTH_SASL_STEP, m_auth_sasl_step), {0},
};
