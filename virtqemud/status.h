/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Status: the file that finds a running machine again after any end of the daemon: /run/libvirt/qemu/NAME.xml
 * (`<domstatus>`, in the format that libvirt writes), and NAME.pid beside it. Replaced atomically; the directory is
 * on a tmpfs that a crash of the host empties, so nothing is fsynced.
 */
#pragma once

#include "virtqemud/run.h"

/* Write it now. Failure is logged: the machine runs all the same. */
void status_save(struct vm *vm);
void status_remove(const struct vm *vm);

struct status {
    unsigned state, reason;
    pid_t pid;
    uint64_t start_time;      /* 0: written by stock libvirt, which doesn't say; then the pid file is compared */
    const char *monitor_path;
    const char *lib_dir;      /* NULL: derived from monitor_path */
    const char *machine_name;
    bool fake_reboot, autodestroy;
    struct run_vcpu *vcpus;
    unsigned count_vcpus;
    struct domain *domain;
};
/* Read NAME.xml of the state directory into the arena. Negative with err set when it isn't understood. */
int status_read(const char *name, struct arena *arena, struct status *ret, struct err *err);

/* "running" and so on, and the reason's word, as the file and virsh have them; NULL: unknown. */
const char *status_state_name(unsigned state);
const char *status_reason_name(unsigned state, unsigned reason);
