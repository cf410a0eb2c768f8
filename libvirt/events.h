/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: who asked for which on a connection, and calling them from the application's event loop. The server
 * is asked once for each (event, object); the callbacks of the program share what comes.
 */
#pragma once

#include "libvirt/api.h"

struct events;

struct events *events_new(virConnectPtr conn);
void events_free(struct events *events);
/* Watch the connection from the event loop, when the program has one. */
SHARED void events_start(struct events *events);

/* Does the program's loop watch this connection? */
SHARED bool events_running(struct events *events);
/* Ping every `interval` seconds (<= 0: never), give up after `count` without any answer. 0. */
int events_keepalive(struct events *events, int interval, unsigned count);

/* For the link: a message came (under its lock); the connection ended. */
void events_message(void *events, const struct wire_message_header *header, const char *payload,
                    size_t length);
void events_gone(void *events);

/* The one callback that hears of a connection's end; kind: KIND_CONNECT or KIND_ADMIN. 0 or -1, error told.
 */
SHARED int closed_register(const char *function, virConnectPtr conn, unsigned kind,
                           const struct procedure *procedure, virConnectCloseFunc cb, void *opaque,
                           virFreeCallback freecb);
SHARED int closed_unregister(const char *function, virConnectPtr conn, unsigned kind,
                             const struct procedure *procedure, virConnectCloseFunc cb);

/* The loop of the program; false: none was registered. */
bool loop_registered(void);

/*
 * How one kind of event reaches its callback. Made by libvirt/gen from the rows and the callback types: `in`
 * is the message, decoded.
 */
struct event_row {
    uint8_t family;    /* OBJECT_DOMAIN, OBJECT_NETWORK ...: which register function it belongs to */
    int id;            /* VIR_*_EVENT_ID_* */
    int32_t procedure; /* of the remote program */
    void (*call)(virConnectPtr conn, void *object, const void *in, void *callback, void *opaque);
};
extern const struct event_row event_rows[]; /* ends with procedure 0 */
extern const struct event_row monitor_row;  /* the one event of the qemu program */

/* Family of monitor events; their registrations are never shared, since each may filter by name. */
enum { FAMILY_MONITOR = KIND_MAX };

/* The server's id for this event (of this object) when it is asked for already, else -1. */
int events_server(struct events *events, unsigned family, int event, void *object);
/* Keep a callback for what the server sends to this id of its own: the callback's id for the program. */
SHARED int events_track(struct events *events, unsigned family, int event, int server, void *object, void *cb,
                        void *opaque, virFreeCallback release);
/* Forget one by its id (or, with cb, by its function). The server's id of it when nobody else uses that, -1:
 * others do; -2: not known. */
SHARED int events_forget(struct events *events, unsigned family, int id, const void *cb);
void event_domain_event_callback_graphics(virConnectPtr conn, void *object, const void *message,
                                          void *callback, void *opaque);
