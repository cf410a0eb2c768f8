/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storaged: what the one virtstoraged of this process has. Filled by main.c before the first call. */
#pragma once

#include "base/map.h"
#include "rpc/serve.h"
#include "store/store.h"

struct storaged {
    struct daemon *daemon;
    struct server *server;
    struct store *store;   /* NAME.xml of the pools that outlive their stop */
    const char *state_dir; /* NAME.xml of the pools that are active; lost when the host stops */
    int state_fd;          /* the same directory */
    struct map names;      /* all pools, struct pool */
    struct uuid_map pools; /* the same ones */
};

extern struct storaged storaged;

extern const struct method list_methods[];   /* method-list.c */
extern const struct method pool_methods[];   /* method-pool.c */
extern const struct method volume_methods[]; /* method-volume.c */

/* Negative with rq->err set when flags has both of the bits a and b. */
int check_exclusive(struct req *rq, unsigned flags, unsigned a, const char *a_name, unsigned b,
                    const char *b_name);
