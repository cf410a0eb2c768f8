/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kvm: does KVM really run guests here? That /dev/kvm opens says little: on some hosts guest code is emulated
 * one instruction at a time, or never returns. So a guest of 11 bytes has to count to a number in a
 * reasonable time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum kvm_step {
    KVM_STEP_OPEN,
    KVM_STEP_API,
    KVM_STEP_MACHINE,
    KVM_STEP_RUN,
    KVM_STEP_ANSWER,
    KVM_STEP_SPEED,
    KVM_STEP_DONE
};

struct kvm_trial {
    enum kvm_step step; /* the one that is under way, or failed; KVM_STEP_DONE: KVM is usable */
    int errnum;
    uint64_t cpu_usec; /* CPU time of the run */
};

/*
 * The whole trial: it blocks, perhaps for ever, so it belongs into a child process with a deadline (it calls
 * nothing that a forked child may not call). `trial` lies in shared memory then and tells how far it came.
 */
void kvm_trial_run(struct kvm_trial *trial);
/* The group that may open /dev/kvm where others may not; (gid_t)-1: there is none. */
gid_t kvm_group(void);
/* Why KVM is not usable, for people; nothing when it is. */
void kvm_trial_explain(const struct kvm_trial *trial, struct buf *text);
/* Frequency of the time stamp counter in Hz and whether guests may have another one, as KVM tells; -errno
 * without KVM. */
int kvm_tsc_read(uint64_t *ret_hz, bool *ret_scaling);
