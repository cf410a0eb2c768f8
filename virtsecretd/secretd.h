/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secretd: what the one virtsecretd of this process has. Filled by main.c before the first call. */
#pragma once

#include "base/map.h"
#include "rpc/serve.h"
#include "store/store.h"

/* virtsecretd.conf. */
struct secretd_conf {
    struct daemon_conf common;
    bool encrypt_values;
};

struct secretd {
    const struct secretd_conf *conf;
    struct server *server;
    struct store *store;     /* UUID.xml of the secrets that outlive the daemon */
    int dir;                 /* the same directory: UUID.base64 beside them */
    struct uuid_map secrets; /* all of them, struct secret */
};

extern struct secretd secretd;

extern const struct method secret_methods[]; /* method-secret.c */
