/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Procedure: what one row of protocol/NAME.rpc says, for those who walk the rows: dispatcher, access checks,
 * forwarding, client stubs, traces. The tables themselves are generated; docs/PROTOCOL.md explains each
 * column.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/tables.h"

struct req;
struct client;

enum procedure_kind {
    PROCEDURE_CALL,
    PROCEDURE_EVENT,   /* from the server, without a reply */
    PROCEDURE_MESSAGE, /* either way, without a reply (keepalive) */
};

/* What a call may be to the object that it changes. Calls that only read have none. */
enum procedure_job {
    JOB_NONE,    /* waits for nobody; also what ends or steers the operation of somebody else (abort) */
    JOB_MODIFY,  /* alone with the object, for a moment */
    JOB_LONG,    /* as modify, for minutes perhaps (save, dump): can be watched and aborted */
    JOB_DESTROY, /* ends the object's life: never queues behind a job, breaks it */
};

enum procedure_stream {
    STREAM_NONE,
    STREAM_READ,  /* bytes go to the client */
    STREAM_WRITE, /* bytes come from the client */
    STREAM_BIDIRECTIONAL,
};

#define PROCEDURE_NOWHERE UINT16_MAX /* an offset of something that isn't there */

/* A permission that a call needs. Without a condition it is always needed. */
struct acl_rule {
    uint16_t permission; /* enum permission; the rules end at PERMISSION_NONE */
    uint16_t at;         /* offset of the 32 bit argument that decides, PROCEDURE_NOWHERE: no condition */
    uint8_t any;         /* needed when one of these bits is set */
    uint8_t none;        /* or when none of these is (0: doesn't apply) */
    bool equal;          /* needed when the argument equals `any` */
};

struct procedure {
    uint16_t name_at, api_at, since_at; /* in protocol_text, 0: none; see procedure_name() and its sisters */
    uint32_t program;
    uint16_t number;
    uint16_t in, out; /* enum xdr_type_id of arguments (or message) and results */
    uint16_t in_size, out_size;
    uint8_t kind;   /* enum procedure_kind */
    uint8_t owner;  /* enum owner: whose call it is; OWNER_ANY: every daemon answers for itself */
    uint8_t object; /* enum object_kind: what the call's first argument (in a message: the first) refers to */
    uint16_t object_at; /* offset of the reference in the arguments */
    uint16_t flags_at;  /* offset of the flags */
    uint8_t job;        /* enum procedure_job */
    uint8_t stream;     /* enum procedure_stream */
    uint8_t stream_arg; /* place of the stream among the API function's parameters, 0: none */
    uint8_t sparse;     /* bit of the flags that allows holes in the stream */
    bool fds_in, fds_out;
    bool
        read_only; /* allowed on a read-only connection; a rule whose condition holds then still refuses it */
    bool high;     /* never waits for a hypervisor: may overtake */
    bool early;    /* allowed before authentication */
    int8_t event_id;        /* VIR_*_EVENT_ID_*, -1: none */
    uint16_t legacy;        /* callback style events: number of the form without a callback id, 0: none */
    uint16_t filter;        /* enum permission: what list calls ask for each object */
    struct acl_rule acl[4]; /* ends at PERMISSION_NONE */
};

struct program {
    const char *name; /* "remote" */
    uint32_t number, version;
    uint16_t last;                      /* highest procedure number */
    const struct procedure *procedures; /* by number; [0] is unused */
};

extern const char protocol_text[];
/* "domain_suspend" */
static inline const char *procedure_name(const struct procedure *procedure)
{
    return protocol_text + procedure->name_at;
}
/* "virDomainSuspend", for events the event's id; "" when it is not part of the API. */
static inline const char *procedure_api(const struct procedure *procedure)
{
    return protocol_text + procedure->api_at;
}
/* Release in which the API came, "~" before it: not later than; "" when nobody noted it. */
static inline const char *procedure_since(const struct procedure *procedure)
{
    return protocol_text + procedure->since_at;
}

/* The program by its number on the wire, NULL: unknown. */
const struct program *program_find(uint32_t number);
/* The row, NULL when the program has no such number. */
static inline const struct procedure *program_procedure(const struct program *program, int32_t number)
{
    return number > 0 && number <= program->last && program->procedures[number].name_at
               ? &program->procedures[number]
               : NULL;
}

/* Does the rule apply to this call? in: the decoded arguments. */
static inline bool acl_rule_applies(const struct acl_rule *rule, const void *in)
{
    if (rule->at == PROCEDURE_NOWHERE)
        return true;
    uint32_t value = *(const uint32_t *)((const char *)in + rule->at);
    if (rule->equal)
        return value == rule->any;
    return (value & rule->any) || (rule->none && !(value & rule->none));
}

/* The row of a call that is known by name: PROCEDURE(remote, DOMAIN_SUSPEND). */
#define PROCEDURE(program, NAME) (&program##_procedures[PROCEDURE_NUMBER_(PROCEDURE_PREFIX_##program, NAME)])
/* A null pointer of the type that the call's method has. */
#define METHOD_TYPE(program, NAME) ((program##_##NAME##_method *)0)

#define PROCEDURE_NUMBER_(prefix, NAME) PROCEDURE_PASTE_(prefix, NAME)
#define PROCEDURE_PASTE_(prefix, NAME) prefix##NAME
#define PROCEDURE_PREFIX_remote REMOTE_
#define PROCEDURE_PREFIX_qemu QEMU_
#define PROCEDURE_PREFIX_lxc LXC_
#define PROCEDURE_PREFIX_admin ADMIN_
#define PROCEDURE_PREFIX_keepalive KEEPALIVE_
#define PROCEDURE_PREFIX_lock LOCK_
#define PROCEDURE_PREFIX_log LOG_
#define PROCEDURE_PREFIX_lxcmonitor LXCMONITOR_
