/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's move to another host, as the client drives it. What was asked for is a list of typed
 * parameters, as the newest functions have it; steps for daemons that don't know those pick out what they
 * need.
 */
#pragma once

#include "libvirt/api.h"

struct move {
    struct call call; /* of the function as a whole: its arena, its error; every step runs in it */
    virDomainPtr domain;
    virConnectPtr target; /* NULL: the source reaches it by itself */
    unsigned flags;
    unsigned protection; /* VIR_MIGRATE_CHANGE_PROTECTION for steps of a source that can, else 0 */
    bool extensible;     /* both sides take typed parameters */
    struct {
        struct wire_typed_param *v;
        uint32_t n;
    } params;
    struct {
        uint8_t *v;
        uint32_t n;
    } cookie; /* what the last step of one side gave for the next of the other */
    /* the first error, kept while later steps clean up */
    struct err err;
    struct wire_error remote_err;
};

/* Features that a driver may have (numbers of the wire). */
enum move_feature {
    MOVE_V1 = 1,
    MOVE_V2 = 3,
    MOVE_P2P = 4,
    MOVE_DIRECT = 5,
    MOVE_V3 = 6,
    MOVE_PROTECTION = 7,
    MOVE_MIGRATABLE_XML = 11,
    MOVE_OFFLINE = 12,
    MOVE_PARAMS = 13,
};

/* 1, 0, or negative with the error in move->call. */
int move_supports(struct move *move, virConnectPtr conn, enum move_feature feature);
/* Ask one of the two hosts; negative with the error in move->call. */
int move_step(struct move *move, virConnectPtr conn, const struct procedure *procedure, const void *in,
              void *out);

/* Parameters by name; NULL or 0 when they aren't there. */
const char *move_text(const struct move *move, const char *name);
uint64_t move_number(const struct move *move, const char *name);
/* Replaces the value of that name. */
void move_set_text(struct move *move, const char *name, const char *value);

/* The steps between the two hosts, in the protocol's three generations: the machine on the target, or NULL.
 */
virDomainPtr move_v3(struct move *move);
virDomainPtr move_v2(struct move *move);
virDomainPtr move_v1(struct move *move);
/* The source does it all (or, without peer, QEMU alone): target is the URI of the other daemon, may be NULL.
 */
int move_alone_params(struct move *move, const char *target);
int move_alone_v3(struct move *move, const char *target);
int move_alone_v2(struct move *move, const char *uri);
