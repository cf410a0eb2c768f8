/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Local: drivers that live in the program itself, without a daemon. Such a driver is a module that
 * libvirt.so.0 opens when a URI asks for it, so that programs that don't need it never load it. Calls reach
 * it as the structs of protocol/NAME.h, undecoded and unsent: the one seam is call_run() in call.c. What the
 * driver has no method for is "not supported", as with a daemon.
 *
 * This header is all that library and module share. They are built and installed together; `version` guards
 * against mixtures. Functions of the driver are called from many threads at once.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "protocol/procedure.h"
#include "uri/uri.h"

/* What the library does for a driver; from any thread, also while the driver holds a lock of its own. */
struct local_host {
    void *arg;
    /* An event for this connection: a message of program and procedure, encoded. */
    void (*event)(void *arg, uint32_t program, int32_t procedure, const char *payload, size_t length);
};

/* A connection that is being opened. Lives as long as open() runs, except what `host` points to. */
struct local_open {
    const struct uri *uri;
    bool read_only;
    struct local_host host;
    /* Ask the program's user for a name or (secret) a password; negative with err set. The caller frees
     * *ret. */
    int (*ask)(const struct local_open *open, bool secret, const char *prompt, char **ret, struct err *err);
    void *auth;
};

/* One call: what the driver gets and gives besides arguments and results. */
struct local_call {
    const struct procedure *procedure;
    struct arena *arena; /* for what the results point to */
    struct err *err;
    const int *fds; /* came with the call, stay the caller's */
    unsigned fd_count;
    struct buf stream; /* all that the call's stream has to be read; filled by the driver */
};

enum { LOCAL_NO_METHOD = -2 };

struct local_driver {
    uint32_t version; /* LOCAL_VERSION */
    /* 0 and *ret_state for this connection, or negative with err set. */
    int (*open)(const struct local_open *open, void **ret_state, struct err *err);
    void (*close)(void *state);
    /* 0 with *out filled, negative with err set, or LOCAL_NO_METHOD. */
    int (*run)(void *state, struct local_call *call, const void *in, void *out);
};

enum { LOCAL_VERSION = 1 };

/* What a module exports. */
#define LOCAL_DRIVER_SYMBOL "local_driver"
