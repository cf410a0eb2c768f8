/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Method: what the files of methods share, and their tables, which main.c lists. */
#pragma once

#include "protocol/remote.h"
#include "rpc/client.h"
#include "rpc/dispatch.h"
#include "virtqemud/run.h"
#include "virtqemud/vm.h"
#include "virtqemud/vms.h"

extern const struct method life_methods[], define_methods[], list_methods[], info_methods[], tune_methods[],
    metadata_methods[], input_methods[], monitor_methods[], stats_methods[], console_methods[],
    device_methods[], native_methods[], agent_methods[], pin_methods[], sched_methods[], limits_methods[],
    iothread_methods[], block_methods[], throttle_methods[], guest_methods[], guest_info_methods[],
    iface_methods[], measure_methods[], save_methods[];

/* Limits of a disk or group as a call gives them, over those that are there (or NULL). */
struct disk_iotune;
int block_tune_change(struct req *rq, const struct wire_typed_param *v, uint32_t n,
                      const struct disk_iotune *old, struct arena *arena, struct disk_iotune *ret);
/* Start an inactive persistent vm whose job rq holds; flags API_DOMAIN_START_*. */
int life_start(struct req *rq, struct vm *vm, unsigned flags);
/*
 * A transient machine, or a persistent one that runs with another definition this once: finds or makes the
 * vm, takes its job by that name, starts it. arena and domain are moved in, in any case. ret: a reference for
 * the caller's answer; may be NULL.
 */
int life_start_as(struct req *rq, struct arena *arena, struct domain *domain, const char *job,
                  const struct start_how *how, struct wire_domain *ret);
/* The vm as the wire names it; text lives in the request. */
struct wire_domain method_reference(struct req *rq, const struct vm *vm);
/*
 * The domains that pass a filter of API_CONNECT_LIST_DOMAINS_* bits and that the caller has `permission`
 * ("getattr") on; in rq's arena. From the index alone.
 */
struct found_domains {
    struct wire_domain *v;
    uint32_t count;
};
struct found_domains method_find(struct req *rq, unsigned flags, const char *permission);
/* The same of those named by UUID; who isn't there (any more) is left out. */
struct found_domains method_find_named(struct req *rq, const struct wire_domain *names, uint32_t count,
                                       const char *permission);
/* vCPUs as the guest's own system counts them, by its agent. */
int guest_count_vcpus(struct req *rq, struct vm *vm, bool maximum, int32_t *ret);
int guest_set_vcpus(struct req *rq, struct vm *vm, unsigned count);
/* ERR_INVALID_ARG for two flags that exclude each other (names without VIR_DOMAIN_). */
int method_flags_exclude(struct req *rq, unsigned flags, unsigned one, const char *one_name, unsigned other,
                         const char *other_name);
