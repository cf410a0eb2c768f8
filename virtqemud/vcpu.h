/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vcpu: the virtual CPUs of a running machine: their threads, and more or fewer of them. */
#pragma once

#include "virtqemud/run.h"

struct json_object;
struct domain;

/* Take over which vCPUs are there, from query-cpus-fast's answer. */
void vcpu_learn(struct run *run, struct json_object *list);
/* After the handshake: scheduling and pinning of vCPU, I/O and emulator threads as the model says. */
int vcpu_settle(struct req *rq, struct vm *vm);
/* Plug or unplug until `count` are online. */
int vcpu_set_count(struct req *rq, struct vm *vm, unsigned count);
/* One by its number. */
int vcpu_set_one(struct req *rq, struct vm *vm, unsigned id, bool on);
/* In a definition: each told apart from now on. */
void vcpu_tell_apart(struct domain *domain, struct arena *arena);
unsigned vcpu_count_online(const struct run *run);
