/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moment: what is said about a moment of a machine that is kept: <domainsnapshot>, which the machine can go
 * back to, and <domaincheckpoint>, from which on changes of its disks are known. Holds the machine's
 * definition of that moment.
 */
#pragma once

#include "model/domain/domain.h"

/* The first nine are states of a machine, by the numbers of the API. */
enum moment_state { MOMENT_SHUTOFF = 5, MOMENT_DISK_ONLY = 8, MOMENT_STATE_MAX };
extern const char *const moment_state_names[];

/* Where a part of a snapshot is; what a checkpoint does with a disk. */
enum moment_location { LOCATION_UNSET, LOCATION_NO, LOCATION_INTERNAL, LOCATION_EXTERNAL, LOCATION_MANUAL };
extern const char *const moment_location_names[];
enum moment_bitmap { BITMAP_UNSET, BITMAP_NO, BITMAP_KEPT };
extern const char *const moment_bitmap_names[];

struct moment_disk {
    char *name;                    /* its target, "vda" */
    enum moment_location location; /* of a snapshot */
    char *type, *format, *file, *device;
    enum moment_bitmap kept; /* of a checkpoint */
    char *bitmap;
};

struct moment {
    char *name, *description;
    char *state_name; /* of a snapshot; state after parsing */
    int state;        /* -1: not given */
    char *parent;     /* NULL: a root */
    uint64_t created; /* seconds since 1970; 0: not given */
    enum moment_location memory;
    char *memory_file;
    struct moment_disk **disks;
    size_t n_disks;
    struct domain *domain;
    char *active_text; /* "1": the current one; in files that keep it */
    bool active;
};
XT_DECLARE(snapshot_table, struct moment);
XT_DECLARE(checkpoint_table, struct moment);

/*
 * The document. Its machine, if there is one, is read (with_domain) through `policy` like every definition,
 * or not looked at: for a new moment it is of no use. flags: DOMAIN_PARSE_*. NULL with err set.
 */
struct moment *moment_parse(struct arena *arena, const char *text, bool checkpoint, bool with_domain,
                            unsigned flags, const struct domain_policy *policy, struct err *err);
/* flags: DOMAIN_FORMAT_*; with_domain: the machine's definition is part of it. */
void moment_format(struct buf *text, const struct moment *moment, bool checkpoint, bool with_domain,
                   unsigned flags);

/*
 * Every disk of the machine gets its row, in the machine's order, and what isn't said is filled in:
 * `location` for a snapshot's disks, bitmaps named as the checkpoint. ERR_CONFIG_UNSUPPORTED when a row
 * names no disk.
 */
int moment_align(struct moment *moment, struct arena *arena, bool checkpoint, enum moment_location location,
                 struct err *err);
