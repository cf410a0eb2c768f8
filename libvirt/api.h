/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Api: what the files of the client library share. A public function begins with API; the ones that only
 * carry a call to the daemon and its answer back are made from the rows of the protocol by libvirt/gen, the
 * others stand in the file of their noun. Everything may be called from many threads.
 */
#pragma once

#include <libvirt/libvirt-admin.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "protocol/admin.h"
#include "protocol/procedure.h"
#include "protocol/remote.h"
#include "protocol/wire.h"

#define API __attribute__((visibility("default")))
/* For libvirt-qemu.so and libvirt-lxc.so; exported under a version that nobody else uses. */
#define SHARED __attribute__((visibility("default")))

struct link;
struct local_driver;
struct events;

/* What every object of the API begins with. Kinds are enum object_kind, and some that no daemon looks up. */
enum {
    KIND_CONNECT = OBJECT_KIND_MAX,
    KIND_STREAM,
    KIND_ADMIN, /* a connection to a daemon's admin socket */
    OBJECT_ADMIN_SERVER,
    OBJECT_ADMIN_CLIENT,
    KIND_MAX,
};

struct object {
    uint32_t magic; /* of its kind while it lives, so that a wrong pointer is noticed */
    uint32_t kind;
    atomic_uint references;
    struct _virConnect *conn; /* holds a reference; NULL in a connection */
    struct object *parent;    /* the domain of a snapshot, made when asked for; holds a reference */
    char *text;               /* an answer that the caller doesn't free (name of a device's parent); owned */
};

/* An object of the host: its reference on the wire is all that the library knows of it. Owns the strings. */
#define OBJECT_STRUCT(tag, wire_type)                                                                        \
    struct tag {                                                                                             \
        struct object object;                                                                                \
        struct wire_type wire;                                                                               \
    }
OBJECT_STRUCT(_virDomain, wire_domain);
OBJECT_STRUCT(_virDomainSnapshot, wire_domain_snapshot);
OBJECT_STRUCT(_virDomainCheckpoint, wire_domain_checkpoint);
OBJECT_STRUCT(_virNetwork, wire_network);
OBJECT_STRUCT(_virNetworkPort, wire_network_port);
OBJECT_STRUCT(_virStoragePool, wire_storage_pool);
OBJECT_STRUCT(_virStorageVol, wire_storage_vol);
OBJECT_STRUCT(_virNodeDevice, wire_node_device);
OBJECT_STRUCT(_virSecret, wire_secret);
OBJECT_STRUCT(_virInterface, wire_interface);
OBJECT_STRUCT(_virNWFilter, wire_nwfilter);
OBJECT_STRUCT(_virNWFilterBinding, wire_nwfilter_binding);
OBJECT_STRUCT(_virAdmServer, wire_admin_server);
OBJECT_STRUCT(_virAdmClient, wire_admin_client);

struct _virConnect {
    struct object object;
    char *uri;      /* as opened, without what only the library needs */
    char *type;     /* answer of virConnectGetType, kept since the caller doesn't free it; set once */
    bool read_only; /* asked for so: calls that change are refused here already */
    bool encrypted, secure;
    struct link *link;                /* to the daemon; with a driver in this process only streams use it */
    const struct local_driver *local; /* the driver in this process, NULL: a daemon answers */
    void *local_state;
    struct events *events;

    pthread_mutex_t lock; /* guards what follows */
    virErrorFunc error_handler;
    void *error_data;
    virError error; /* the last of this connection */
    virConnectCloseFunc closed;
    void *closed_data;
    virFreeCallback closed_free;
};

/* Objects. */

/* A new one with one reference, from a reference that came over the wire. */
SHARED void *object_new(virConnectPtr conn, unsigned kind, const void *wire);
SHARED void *object_ref(void *object);
SHARED void object_unref(void *object); /* NULL is fine */
/* Alive and of this kind? Sets err as the API wants it ("invalid domain pointer in FUNCTION"). */
SHARED bool object_check(const void *object, unsigned kind, const char *function, struct err *err);
virConnectPtr object_conn(void *object);
/* Error domain of functions about this kind of object. */
enum err_domain object_err_domain(unsigned kind);

/* A connection over this socket, which becomes its own; nothing is said on it yet. kind: KIND_CONNECT,
 * KIND_ADMIN. */
SHARED virConnectPtr conn_new(unsigned kind, const char *uri, bool read_only, int fd);

/* Logging as the environment wants it (log.c); again is fine. */
void log_begin(void);

/* Errors: the last one is the thread's. */

SHARED void error_reset(void);
/* Make err the thread's error and tell the handler; err is empty afterwards. conn may be NULL. */
SHARED void error_raise(virConnectPtr conn, struct err *err);
/* The same with an error as the API has it; strings are copied. */
void error_tell(virConnectPtr conn, const virError *error);
/* An argument that is wrong: the message stands alone there, without the template of its code. */
SHARED void error_argument(virConnectPtr conn, const char *function, enum err_domain domain, const char *name,
                           const char *what);
/* The same with a message of its own. */
void error_refuse(virConnectPtr conn, const char *function, enum err_domain domain, const char *name,
                  const char *message);
/* The same for what a daemon said. */
void error_raise_remote(virConnectPtr conn, const struct wire_error *error);

/* Calls. */

struct call {
    virConnectPtr conn;
    const char *function; /* the API function, for messages */
    const struct procedure *procedure;
    struct arena arena; /* what in and out point to */
    struct err err;
    struct wire_error remote; /* instead of err when its code isn't 0: what the daemon said */
    bool reported;            /* the error is the thread's already */
    const int *fds;           /* sent with the call */
    unsigned fd_count;
    int *reply_fds; /* came with the answer; owned by the call, until taken (NULL left behind) */
    unsigned reply_fd_count;
    virStreamPtr stream; /* bytes follow on it when the call went well */
};

/* object: what the function got, of this kind. False: refused, and the error is told; nothing to end then. */
SHARED bool call_begin(struct call *call, const char *function, void *object, unsigned kind,
                       const struct procedure *procedure);
/* May this connection make this call? Asked before sending anyway; first by functions that always did so. */
SHARED bool call_writable(struct call *call);
/* An argument that must be there, must not be negative, zero, or either. False: the error is told. */
SHARED bool call_argument(struct call *call, const void *argument, const char *name);
SHARED bool call_not_negative(struct call *call, long long value, const char *name);
SHARED bool call_not_zero(struct call *call, long long value, const char *name);
SHARED bool call_positive(struct call *call, long long value, const char *name);
SHARED bool call_not_empty(struct call *call, const char *text, const char *name); /* NULL neither */
/* Wrong in another way: the message as it is to be read; name: of the argument. Always false. */
SHARED bool call_refuse(struct call *call, const char *name, const char *format, ...) PRINTF(3, 4);
/* Flags that don't go together, or not without another. */
bool call_exclusive(struct call *call, unsigned flags, unsigned one, const char *one_name, unsigned other,
                    const char *other_name);
bool call_requires(struct call *call, unsigned flags, unsigned one, const char *one_name, unsigned other,
                   const char *other_name);
/* A path as the daemon, which is elsewhere, understands it; NULL stays NULL. In the call's arena. */
char *call_path(struct call *call, const char *path);
/* flags, and that we know parameters which are texts. */
unsigned call_strings(const struct call *call, unsigned flags);
/* A second object among the arguments. */
SHARED bool call_object(struct call *call, const void *object, unsigned kind);
/* Send, wait, decode the answer. 0, or a negative number and an error that call_end() tells. */
SHARED int call_run(struct call *call, const void *in, void *out);
/* The error, if any, becomes the thread's and the handler hears of it; memory is given back. */
SHARED void call_end(struct call *call);
/* A function that isn't there, one that changes something: VIR_ERR_NO_SUPPORT. Always false. */
SHARED bool call_unsupported(const char *function, void *object, unsigned kind);

/*
 * One call, spelled out: the block that follows runs when it could begin, may `break` when something is
 * wrong, and the call is ended in any case (the inner loop is what `break` leaves).
 */
#define CALL(call, object, kind, NAME)                                                                       \
    for (bool once_ = call_begin(&(call), __func__, (object), (kind), PROCEDURE(remote, NAME)); once_;       \
         once_ = false, call_end(&(call)))                                                                   \
        for (bool inner_ = true; inner_; inner_ = false)

/* Answers that the caller owns (malloc). */
SHARED char *call_text(const char *text);
/* Names into the caller's array of `room`; how many. */
int call_names(struct call *call, uint32_t n, char **names, char **ret, int room);
/* Texts into a new NULL-terminated array: how many. */
int call_text_list(uint32_t n, char **texts, char ***ret);
/* Objects into a new NULL-terminated array: how many. ret may be NULL. */
SHARED int call_objects(struct call *call, unsigned kind, uint32_t n, const void *wires, void ***ret);

/* Typed parameters from and to the wire. */
SHARED int params_to_wire(struct call *call, virTypedParameterPtr params, int count, uint32_t *ret_n,
                          struct wire_typed_param **ret);
int params_from_wire(struct call *call, uint32_t n, const struct wire_typed_param *wires,
                     virTypedParameterPtr params, int *count);
SHARED int params_alloc_from_wire(struct call *call, uint32_t n, const struct wire_typed_param *wires,
                                  virTypedParameterPtr *ret, int *ret_count);
