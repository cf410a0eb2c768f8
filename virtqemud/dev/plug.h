/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plug: a device for a QEMU that runs already. What makes the options of a start (dev.h) makes them here,
 * too; each becomes the command of the monitor that does the same, and is taken back by the command that
 * belongs to it.
 */
#pragma once

#include "virtqemud/dev/dev.h"

struct vm;

/*
 * A build for a change of a running machine. domain is a copy of its live model, with what is new: everything
 * is in the request's memory, since QEMU may end (and its run with it) while we wait.
 */
struct build *plug_build(struct req *rq, struct vm *vm, struct domain *domain, const struct qemu_caps *caps);
/* Host's side, options, commands, in that order; all of it is undone on failure. Waits. */
int plug_device(struct req *rq, struct vm *vm, struct build *build, const char *element, void *device);
/* Ask the guest to let the device go; its end is told by an event. Waits for QEMU, not for the guest. */
int unplug_request(struct req *rq, struct vm *vm, const char *alias);
/* The live device is gone: take away what was behind it, in QEMU and on the host. Waits; device may be gone
 * with its run afterwards. */
void unplug_finish(struct req *rq, struct vm *vm, const char *element, void *device);

/*
 * Another medium for a drive (empty: none); the old one is taken away. disk is a copy of the live one, its
 * src becomes what is in the drive then, also on failure. build is of plug_build.
 */
int plug_medium(struct req *rq, struct vm *vm, struct build *build, struct disk *disk,
                const struct storage *medium, bool force);
