/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secret: what is said about a secret value: its identity and what it is used for. The value isn't part of
 * it.
 */
#pragma once

#include "base/uuid.h"
#include "xml/xt.h"

/* Numbers of the API. */
enum secret_usage {
    SECRET_USAGE_NONE,
    SECRET_USAGE_VOLUME,
    SECRET_USAGE_CEPH,
    SECRET_USAGE_ISCSI,
    SECRET_USAGE_TLS,
    SECRET_USAGE_VTPM,
    SECRET_USAGE_MAX,
};
extern const char *const secret_usage_names[];

/*
 * In one arena. After secret_parse usage and usage_id say what `kind` and one of volume, name, target said.
 * /
 */
struct secret_def {
    enum tristate ephemeral, private; /* never "not given" */
    uint8_t uuid[UUID_SIZE];          /* made up when the document has none */
    char *description;
    enum secret_usage usage;
    const char *usage_id; /* "" without a usage */
    /* as written */
    bool has_usage;
    char *kind, *volume, *name, *target;
};
XT_DECLARE(secret_table, struct secret_def);

/* flags: enum xt_parse_flags. NULL with err set. */
struct secret_def *secret_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err);
void secret_format(const struct secret_def *def, struct buf *text);
