/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshot: what the files of this family share. */
#pragma once

#include "virsh/moment.h"

virDomainSnapshotPtr own_snapshot(struct cmd *cmd, virDomainSnapshotPtr snapshot);
/* The one of [snapshotname] or --current, of which exactly one must be given; NULL after telling. */
virDomainSnapshotPtr cmd_snapshot(struct cmd *cmd, virDomainPtr domain);
/* The parent's name, NULL: a root; -1 after telling. */
int snapshot_parent(struct cmd *cmd, virDomainSnapshotPtr snapshot, const char **ret);

#define SNAPSHOT(help) STRING("snapshotname", help, 0, complete_snapshot)
