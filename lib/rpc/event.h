/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: who asked for which, and telling them. The register calls of all families (domain legacy and
 * callback style, network, storage pool, node device, secret, qemu monitor) are methods of this file; a
 * daemon only says what happened.
 */
#pragma once

#include "rpc/server.h"

/* What identifies the object for registrations that are limited to one object. */
struct event_object {
    const uint8_t *uuid; /* 16 bytes; NULL for kinds without */
    const char *name;
    const void
        *object; /* the daemon's object, described (server_spec.objects) when an ACL driver is active */
};

/* True when anybody listens: lets a daemon skip the work of making the event. */
bool event_wanted(const struct server *server, unsigned program, int procedure);

/*
 * Tell all interested clients. procedure is the event's callback style number
 * (REMOTE_DOMAIN_EVENT_CALLBACK_LIFECYCLE, REMOTE_SECRET_EVENT_LIFECYCLE ...), message its struct (the
 * callbackID in it is ignored); legacy listeners get the legacy form of the same. Encoded once; never waits.
 * rq may be NULL.
 */
void event_emit(struct server *server, unsigned program, int procedure, const struct event_object *object,
                const void *message);
/* As event_emit for the qemu program's monitor event: registrations also match on the event's name. */
void event_emit_monitor(struct server *server, const struct event_object *object, const char *name,
                        const void *message);
