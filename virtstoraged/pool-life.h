/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with pools. Each call takes the pool's job itself, tells who listens, and is on disk when
 * it returns. */
#pragma once

#include "virtstoraged/pool.h"

/* Make or change the definition; the caller gets a reference. parse_flags: enum xt_parse_flags. */
int pool_define(struct req *rq, const char *xml, unsigned parse_flags, struct pool **ret);
/* Make a transient one and start it. flags: VIR_STORAGE_POOL_CREATE_x. */
int pool_create(struct req *rq, const char *xml, unsigned parse_flags, unsigned flags, struct pool **ret);
int pool_undefine(struct req *rq, struct pool *pool);
int pool_set_autostart(struct req *rq, struct pool *pool, bool on);

int pool_start(struct req *rq, struct pool *pool, unsigned flags); /* VIR_STORAGE_POOL_CREATE_x */
int pool_stop(struct req *rq, struct pool *pool);
int pool_build(struct req *rq, struct pool *pool, unsigned flags); /* VIR_STORAGE_POOL_BUILD_x */
int pool_erase(struct req *rq, struct pool *pool, unsigned flags);
int pool_refresh(struct req *rq, struct pool *pool);

/* ---- for pool-load.c and among each other; the caller has the job ---- */

/* The state file says that the pool is active, and how it is defined now. */
int pool_save_state(struct pool *pool, struct err *err);
void pool_remove_state(const struct pool *pool);
/* Start, or bring back what is active already; flags as in pool_start. */
int pool_bring_up(struct req *rq, struct pool *pool, unsigned flags);
/* Take down what is active, whatever it says. */
void pool_bring_down(struct req *rq, struct pool *pool);
