/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain: what the commands about domains share. */
#pragma once

#include <signal.h>

#include "base/enum.h"
#include "virsh/virsh.h"

/* --pass-fds "3,4": 0 and an array of the command, or -1 after telling. Not given: no descriptors. */
int cmd_fds(struct cmd *cmd, int **ret_fds, unsigned *ret_count);

/* --inbound/--outbound "average,peak,burst,floor": 0 (zeros where not given), -1 after telling. may_clear: an
 * average of zero takes the limit away. */
enum { RATE_AVERAGE, RATE_PEAK, RATE_BURST, RATE_FLOOR, RATES };
int take_rates(struct cmd *cmd, const char *option, bool may_clear, unsigned long long ret[RATES]);

/* The terminal becomes that of the guest until the escape character; 0 or -1 after telling. */
int console_attach(struct cmd *cmd, virDomainPtr domain, const char *device, unsigned flags, bool resume);

/* The domain's document, owned by cmd; NULL after the library failed. */
const char *domain_xml(struct cmd *cmd, virDomainPtr domain, unsigned flags);
/* The <interface> elements of a document with this MAC address or target device; the error when there is
 * none. */
char **interface_nodes(struct cmd *cmd, const char *xml, const char *which);
int interface_not_found(struct cmd *cmd, const char *which);
/* State and why, as stock words them. */
const char *domain_state_word(int state);
const char *domain_reason_word(int state, int reason);

/*
 * Work that takes long (`call`, in a thread of its own) while --verbose shows its progress and an interrupt
 * aborts the job. label: "Migration". Returns what the call did, its error kept.
 */
struct job {
    virDomainPtr domain;
    const char *label;
    int (*call)(struct cmd *cmd, void *data);
    void *data;
    unsigned timeout_ms;                             /* 0: none */
    void (*on_timeout)(struct cmd *cmd, void *data); /* NULL: suspend the domain */
};
int job_run(struct cmd *cmd, const struct job *job);
/* "LABEL: [ 42 %]" on stderr; less than 100 while something remains. */
void show_progress(struct cmd *cmd, const char *label, unsigned long long remaining,
                   unsigned long long total);

/* Between catch and release an interrupt doesn't end the program but is seen. */
struct interrupt {
    struct sigaction before;
};
void interrupt_catch(struct interrupt *interrupt);
bool interrupt_seen(void);
void interrupt_release(struct interrupt *interrupt);

/* CPU lists: "0-3,^2", "r" (all): a bitmap of `count` CPUs, owned by cmd; NULL when it is malformed. */
unsigned char *cpu_map(struct cmd *cmd, const char *list, int count, int *ret_length);
/* Host CPUs that a map can name, -1 after the library failed. */
int host_cpus(struct cmd *cmd);
/* "0-3,5" */
char *cpu_list(struct cmd *cmd, const unsigned char *map, int length, int count);

/* 1536 -> 1.500 and "KiB" */
double pretty_size(unsigned long long bytes, const char **ret_unit);
