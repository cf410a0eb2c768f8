/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vm: a machine of the test world. It never runs; its state says that it does. */
#pragma once

#include "model/domain/domain.h"
#include "testdriver/driver.h"

#define TEST_NAMESPACE "http://libvirt.org/schemas/domain/test/1.0"

/* A definition and the memory that it lives in. */
struct doc {
    struct arena arena;
    struct domain *domain;
};

struct vm {
    struct thing thing;
    struct doc *def;    /* as it is now */
    struct doc *newdef; /* as it will be at the next start; NULL: the same */
    int id;             /* -1: doesn't run */
    int state, reason;
    bool updated, managed_save;
    /* What the guest would know. */
    int64_t guest_seconds;
    uint32_t guest_nanoseconds;
    bool frozen[2]; /* its two file systems */
    struct poll {
        uint32_t id, grow, shrink;
        uint64_t max; /* ns */
    } * polls;        /* of the I/O threads that were added; owned */
    size_t n_polls;
    struct list snapshots, checkpoints;
    struct moment_node *current_snapshot, *current_checkpoint;
};

/* What holds for every machine here. */
extern const struct domain_policy vm_policy;

/* Definitions. parse: DOMAIN_PARSE_*; NULL with err set. */
struct doc *doc_parse(const char *text, unsigned flags, struct err *err);
struct doc *doc_copy(const struct domain *domain);
void doc_free(struct doc *doc);
static inline void doc_freep(struct doc **doc)
{
    doc_free(*doc);
}
#define auto_doc CLEANUP(doc_freep)

/* How the wire names it; the strings are the vm's. */
struct wire_domain vm_wire(const struct vm *vm);
void vm_renamed(struct vm *vm); /* its name and UUID are those of its definition */
/* Add a machine with this definition, or give a new one to the machine that has its name and UUID (live: it
 * is about to run with it). Takes doc. NULL with err set. */
enum vm_add { VM_ADD_NEW = 1, VM_ADD_LIVE = 2 };
struct vm *vm_add(struct world *world, struct doc *doc, unsigned how, struct err *err);
void vm_remove(struct vm *vm); /* frees it */
static inline bool vm_active(const struct vm *vm)
{
    return vm->id != -1;
}
int vm_need_active(struct req *rq, const struct vm *vm);
/* States: begin to run, stop; nobody is told. */
void vm_start(struct world *world, struct vm *vm, int reason);
void vm_stop(struct vm *vm, int reason);
/* No longer of use: it doesn't run and isn't kept. May free it. */
void vm_drop_transient(struct vm *vm);
/* The definition that flags (VIR_DOMAIN_AFFECT_*) mean; NULL with err set. */
struct domain *vm_model(struct req *rq, const struct vm *vm, unsigned flags);
/* What flags ask for changes of: live and persistent, NULL where it isn't asked for. */
struct affected {
    struct doc *live, *config;
};
int vm_affected(struct req *rq, struct vm *vm, unsigned flags, struct affected *ret);
/* Each affected definition once. */
static inline struct doc *affected_doc(const struct affected *affected, int i)
{
    return i == 0 ? affected->live : affected->config;
}
