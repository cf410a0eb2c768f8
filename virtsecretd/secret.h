/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secret: one secret of the daemon, and the set of all. Changes are on disk before they are seen; the set
 * itself never waits, so what it says holds until the next wait of the caller.
 */
#pragma once

#include "loop/job.h"
#include "model/secret.h"
#include "rpc/server.h"
#include "base/vault.h"

struct store_entry;

struct secret {
    unsigned references;    /* the set holds one */
    struct arena arena;     /* of def */
    struct secret_def *def; /* never NULL; another one after a redefinition */
    char uuid[UUID_TEXT];
    struct store_entry *entry; /* NULL: ephemeral, or gone */
    bool gone;                 /* undefined while somebody still has a reference */
    struct job job;            /* whoever changes it */
    struct vault value;        /* valid when value_known; length 0: no value */
    bool value_known;          /* else it is in its file */
};

extern const struct object_type secret_type;

struct secret *secret_ref(struct secret *secret);
void secret_unref(struct secret *secret);
static inline void secret_unrefp(struct secret **secret)
{
    secret_unref(*secret);
}
#define auto_secret CLEANUP(secret_unrefp)

/* Read all that is in the store. A file that isn't understood is left alone, with a line in the log. */
void secrets_load(void);
void secrets_done(void);
/* Borrowed; NULL when there is none. */
struct secret *secrets_find(const uint8_t *uuid);
struct secret *secrets_find_usage(enum secret_usage usage, const char *usage_id);

/* Make or change a secret as the document says; the caller gets a reference. */
int secret_define(struct req *rq, const char *xml, unsigned parse_flags, struct secret **ret);
int secret_undefine(struct req *rq, struct secret *secret);
/* The value belongs to the secret; length 0: it has none. */
int secret_get_value(struct req *rq, struct secret *secret, const struct vault **ret);
int secret_set_value(struct req *rq, struct secret *secret, const void *data, size_t length);
