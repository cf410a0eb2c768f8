/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vm: one domain in memory. An inactive domain that nobody asks about is an entry of the store's index and
 * has no struct vm; one is made when somebody looks it up, and lives as long as it is referenced, runs, or
 * remembers why it was stopped. What exists only while QEMU runs is in vm->run.
 *
 * A change of a vm holds its job. Reads never take it.
 */
#pragma once

#include "base/uuid.h"
#include "loop/job.h"
#include "store/store.h"
#include "virtqemud/api.h"

struct domain;
struct qmp;
struct run;

struct vm {
    unsigned refs;
    int32_t id; /* -1: not running */
    uint8_t uuid[UUID_SIZE];
    char *name;
    struct store_entry *entry; /* persistent: where its definition is; NULL: transient */
    uint8_t state, reason;     /* API_DOMAIN_*, and the reason that goes with the state */
    bool remembered;           /* holds a reference on itself: it ran, and its reason is worth keeping */
    struct job job;
    struct job agent; /* who talks with the guest's agent */
    struct run *run;  /* NULL: inactive */
};

struct vm *vm_ref(struct vm *vm);
void vm_unref(struct vm *vm);
static inline void vm_unrefp(struct vm **vm)
{
    if (*vm)
        vm_unref(*vm);
}
#define auto_vm CLEANUP(vm_unrefp)

static inline bool vm_is_active(const struct vm *vm)
{
    return vm->id >= 0;
}
static inline bool vm_is_persistent(const struct vm *vm)
{
    return vm->entry != NULL;
}

/* For work that the dispatcher takes no job for: the right to change vm, as job_take and job_give. */
int vm_take_job(struct req *rq, struct vm *vm, const char *operation);
void vm_give_job(struct req *rq, struct vm *vm);

/* 0, or ERR_OPERATION_INVALID "domain is not running" / "domain is already running". */
int vm_check_active(struct req *rq, const struct vm *vm);
/* The guest's processors run, too: for what the guest itself has to do. */
int vm_check_running(struct req *rq, const struct vm *vm);
int vm_check_inactive(struct req *rq, const struct vm *vm);
/* The monitor, or NULL with rq->err set: not running, not up yet, or broken. */
struct qmp *vm_monitor(struct req *rq, const struct vm *vm);

/* Change the state; emits nothing, saves nothing. */
void vm_set_state(struct vm *vm, unsigned state, unsigned reason);

/*
 * The model that a call is about: the running one, or the definition (parsed into rq->arena). `flags` are
 * API_DOMAIN_AFFECT_*: current (0) is live when it runs, else config. NULL with rq->err set when that isn't
 * there.
 */
const struct domain *vm_model(struct req *rq, struct vm *vm, unsigned flags);
/*
 * Which models a change is for: replaces AFFECT_CURRENT by what it means now, checks that live needs a
 * running and config a persistent domain. Negative with rq->err set.
 */
int vm_affected(struct req *rq, struct vm *vm, unsigned flags, bool *ret_live, bool *ret_config);
/* The same for a call that reads: it can be only about one of them. */
int vm_affected_one(struct req *rq, struct vm *vm, unsigned flags, bool *ret_live);

/* Tell clients. */
void vm_emit_lifecycle(struct vm *vm, int event, int detail);
