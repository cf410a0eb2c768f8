/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Save: a machine's state into a file and back, by QEMU's own migration to a descriptor. */
#pragma once

#include "virtqemud/run.h"
#include "virtqemud/save-image.h"

/* save_image_open on a worker; save_image_done by the caller. */
int save_open(struct req *rq, const char *path, bool partial, struct save_image *ret);
int save_define(struct req *rq, const char *path, const char *xml, int running);

/*
 * Save a running vm, whose job rq holds, and end it. xml: the definition to put into the image. running:
 * whether it shall run when it is restored (1, 0; -1: as it does now). When anything fails it goes on as it
 * was and the file is gone.
 */
int save_machine(struct req *rq, struct vm *vm, const char *path, const char *xml, int running,
                 bool bypass_cache);
/* QEMU's state, without any header, as `virsh dump` has it; the machine stays. */
int save_stream(struct req *rq, struct vm *vm, int fd, enum save_format format, bool bypass_cache);
/*
 * Start an inactive vm from its managed save image, which is gone afterwards; *ret_done false: it has none
 * that can be used, and nothing was done.
 */
int save_start(struct req *rq, struct vm *vm, const struct start_how *how, bool *ret_done);
/* In a QEMU that was started to be restored: read the state from fd. */
int save_load(struct req *rq, struct vm *vm, int fd);
