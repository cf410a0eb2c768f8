/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vms: all domains: those in memory by id, UUID and name, and behind them the store's index. No function here
 * waits or reads more than the store's index says it must.
 */
#pragma once

#include "virtqemud/vm.h"

struct wire_domain;

struct vms {
    struct uuid_map by_uuid; /* every struct vm */
    struct map by_name;
    struct number_map by_id; /* running ones */
    int32_t last_id;
};

struct vms *vms_new(void);
/* At the end of the daemon: let go of every machine; they run on. */
void vms_free(struct vms *vms);

/* With a reference taken. NULL with err set: ERR_NO_DOMAIN, in stock's words. */
struct vm *vms_find_uuid(struct vms *vms, const uint8_t *uuid, const char *name, struct err *err);
struct vm *vms_find_name(struct vms *vms, const char *name, struct err *err);
struct vm *vms_find_id(struct vms *vms, int32_t id, struct err *err);
/* The vm of an entry of the index; always succeeds. */
struct vm *vms_of_entry(struct vms *vms, struct store_entry *entry);
/* A new transient vm; name and uuid must be free. */
struct vm *vms_add(struct vms *vms, const char *name, const uint8_t *uuid);

/* May a domain of that name and uuid be defined or created? *ret: the existing one with a reference, or NULL.
 */
int vms_check_free(struct vms *vms, const char *name, const uint8_t *uuid, bool must_be_inactive,
                   struct vm **ret, struct err *err);

/* Access to a domain of that name and uuid, which may not exist yet: what the call's row demands. May wait.
 */
int vms_check_access(struct req *rq, const char *name, const uint8_t *uuid);

/* It runs under a new id from now on; it has ended. */
void vms_activate(struct vms *vms, struct vm *vm, int32_t id);
void vms_deactivate(struct vms *vms, struct vm *vm);
int32_t vms_next_id(struct vms *vms);
/* It has another name (the store's entry was renamed already). */
void vms_renamed(struct vms *vms, struct vm *vm, const char *name);
/* Forget it; vm_unref does it with the last reference. */
void vms_remove(struct vms *vms, struct vm *vm);

/* How many there are at most: all, or the running ones. How many are defined and don't run. */
uint32_t vms_count(const struct vms *vms, bool running);
uint32_t vms_count_inactive(const struct vms *vms);

/*
 * Walk all domains, or the running ones alone, without making structs: each is a running vm, or an entry
 * (entry->object is its vm when there is one). The set must not change meanwhile.
 */
struct vms_cursor {
    bool running; /* only those: set it at the start, and nobody looks at the others */
    uint32_t at;
    /* what is found */
    struct vm *vm;             /* NULL: inactive and not in memory */
    struct store_entry *entry; /* NULL: transient */
};
bool vms_next(struct vms *vms, struct vms_cursor *cursor);

extern const struct object_type vms_object_type;
