/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owner: image files belong to QEMU's user while a machine uses them (dynamic_ownership). The old owner is
 * remembered on the file itself, in the extended attributes that libvirt uses, with a count of users; so any
 * daemon can give it back.
 */
#pragma once

#include "virtqemud/run.h"

/* Make the run's files accessible to QEMU's user. Negative with rq->err set; owner_restore undoes what was
 * done. */
int owner_set(struct req *rq, struct run *run);
void owner_restore(struct run *run);
/* One file that a running machine gets (hotplug) or gives back. */
int owner_set_path(struct err *err, const char *path, bool shared);
void owner_restore_path(const char *path, bool shared);
