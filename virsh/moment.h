/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moment: what snapshots and checkpoints have in common: lists of them, and documents made from options. */
#pragma once

#include "virsh/virsh.h"

struct moment {
    const char *name;
    const char *parent; /* NULL: none */
    const char *state;  /* NULL: such moments have none */
    long long created;  /* seconds since 1970; 0: not known */
};

/* Print them as the options --tree, --name and --parent ask for. */
void moment_list(struct cmd *cmd, const struct moment *moments, size_t count, bool with_state);
/* The conflicts between --tree and what can't be drawn, in words of their own; -1 after telling. */
int moment_check_tree(struct cmd *cmd);

/* The values of a text "disk,key=value,key=value"; ",," is a comma. */
struct moment_key {
    const char *key; /* "file=" */
    const char **value;
};
/*
 * The first word goes to *ret_first (NULL: there is none such); the key "/" is that of an absolute path; -1:
 * a word is unknown or comes twice, which the caller tells. Owned by cmd.
 */
int moment_parse(struct cmd *cmd, const char *text, const char **ret_first, const struct moment_key *keys,
                 size_t count);

/* <root>, <name> and <description> of the options; disks by `add_disk` from each --diskspec. NULL after
 * telling. */
const char *moment_document(struct cmd *cmd, const char *root, int (*add_memory)(struct cmd *, struct buf *),
                            int (*add_disk)(struct cmd *, struct buf *, const char *spec));
/* --xmlfile, or the empty document. NULL after telling. */
const char *moment_file(struct cmd *cmd, const char *empty);
