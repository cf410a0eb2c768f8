/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watch: what commands that wait for events have in common (see watch.c). */
#pragma once

#include "base/enum.h"
#include "virsh/virsh.h"

struct watch {
    struct cmd *cmd;
    const struct watch_spec *spec;
    int only;     /* index of the event; -1: all */
    void *object; /* the one whose events count; NULL: every one's */
    int count;    /* events so far */
};

struct watch_spec {
    const char *const *events; /* by the numbers that the library gives them; NULL ends */
    const char *filter;        /* the option that names an object, and how it is found */
    void *(*find)(struct cmd *cmd);
    /* Register the callback for event `id`, which calls watch_tell(); its number, or -1. */
    int (*add)(struct watch *watch, int id);
    int (*remove)(virConnectPtr conn, int registered);
};

/* The whole command: --list, --event, --loop, --timeout, --timestamp and the filter. */
int watch_run(struct cmd *cmd, const struct watch_spec *spec);
/* Its parts. timeout: ms, 0: none. 0 when an event came. */
int watch_list(struct cmd *cmd, const struct watch_spec *spec);
int watch_wait(struct watch *watch, int timeout);

/* Wait (ms; 0: for ever) until holds() isn't 0: what it was then; 0 out of time, -1 after telling. It is
 * asked whenever something happened to the domain. */
int watch_domain(struct cmd *cmd, virDomainPtr domain, int timeout, int (*holds)(struct cmd *cmd, void *data),
                 void *data);

/* For callbacks. "event 'lifecycle' for network default: Started"; key names the object in JSON; detail may
 * be NULL. */
void watch_tell(struct watch *watch, const char *event, const char *key, const char *noun, const char *name,
                const char *detail);
/* The frame around an event that is told in another way: false: it isn't wanted any more. */
bool watch_begin(struct watch *watch);
void watch_end(struct watch *watch);

/* clang-format off */
#define WATCH_OPTIONS(filter, filter_help)                                                                   \
    STRING(filter, filter_help),                                                                             \
    STRING("event", "which event type to wait for"),                                                         \
    FLAG("loop", 0, "loop until timeout or interrupt, rather than one-shot"),                                \
    NUMBER("timeout", "timeout seconds"),                                                                    \
    FLAG("list", 0, "list valid event types"),                                                               \
    FLAG("timestamp", 0, "show timestamp for each printed event")
#define WATCH_JSON(key) "{event: string, " key ": string, detail: string?, timestamp: string?} | [string]"
/* clang-format on */
