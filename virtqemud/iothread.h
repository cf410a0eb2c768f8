/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iothread: QEMU's I/O threads of a running machine. */
#pragma once

#include "virtqemud/run.h"

struct vcpus;
struct pin;

/* Ask QEMU which there are (nothing is asked of a machine without any). Negative with rq->err set. */
int iothread_learn(struct req *rq, struct vm *vm);
const struct run_iothread *iothread_running(const struct run *run, uint32_t id);

/* In a model; NULL: it has none of its own. */
struct pin *iothread_pin(const struct vcpus *vcpus, uint32_t id);
