/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Life: what a happening means for a machine in each of its states. The only place where QEMU's word changes
 * the state of a running machine.
 */
#pragma once

#include "virtqemud/run.h"

enum happening {
    HAPPENED_STOP,      /* vCPUs stopped */
    HAPPENED_RESUME,    /* vCPUs run */
    HAPPENED_GUEST_OFF, /* the guest powered itself off */
    HAPPENED_HOST_OFF,  /* QEMU was told to power off (signal, quit) */
    HAPPENED_RESET,
    HAPPENED_SUSPEND, /* to RAM, by the guest */
    HAPPENED_SUSPEND_DISK,
    HAPPENED_WAKEUP,
    HAPPENED_PANIC,
    HAPPENED_WATCHDOG, /* and QEMU stopped the vCPUs for it */
    HAPPENED_IO_ERROR, /* likewise */
    HAPPENED_MAX
};

void life_happened(struct vm *vm, enum happening happening);

/* The detail of a SUSPENDED or RESUMED event for the reason of the new state. */
int life_suspended_detail(unsigned paused_reason);
int life_resumed_detail(unsigned running_reason);
