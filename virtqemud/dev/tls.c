/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/dev/tls.h"

int tls_prepare(struct req *rq, struct build *build, const void *owner, const struct qemu_tls *tls)
{
    const struct secret_ref key = {.uuid = (char *)tls->secret};

    return tls->secret ? secret_prepare(rq, build, owner, &key, SECRET_TLS, /* encode= */ false) : 0;
}

const char *tls_object(struct build *build, const void *owner, const struct qemu_tls *tls, const char *id,
                       const char *name, bool server)
{
    const char *secret = secret_object(build, owner, arena_printf(build->arena, "%s-secret0", name));
    auto_props struct props props = {0};

    props_string(&props, "qom-type", "tls-creds-x509");
    props_string(&props, "id", id);
    props_string(&props, "dir", tls->dir);
    props_string(&props, "endpoint", server ? "server" : "client");
    props_bool(&props, "verify-peer", !server || tls->verify);
    props_string(&props, "priority", tls->priority);
    props_string(&props, "passwordid", secret);
    build_json(build, "-object", &props);
    return id;
}
