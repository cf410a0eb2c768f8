/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of the world's objects, told to every connection that asked. */
#pragma once

#include "testdriver/driver.h"

struct vm;

/* domain events: VIR_DOMAIN_EVENT_* with its detail; what else happens to one. */
void event_lifecycle(struct req *rq, const struct vm *vm, int event, int detail);
void event_metadata(struct req *rq, const struct vm *vm, int type, const char *uri);

/* thing is a network, pool or node device. */
void event_network(struct req *rq, const struct thing *thing, int event);
void event_pool(struct req *rq, const struct thing *thing, int event);
void event_pool_refresh(struct req *rq, const struct thing *thing);
void event_device(struct req *rq, const char *name, int event);

/* The connection ends: it asked for nothing. */
void event_forget_all(struct client *client);
