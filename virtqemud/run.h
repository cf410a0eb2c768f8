/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Run: the life of one QEMU process, from the start of a machine to its end. A run ends in one place,
 * run_end(), whatever the cause: destroyed, shut down from inside, crashed, failed to start, or found dead
 * after a restart of the daemon.
 *
 *     machine_start   checks, hooks, directories, devices, process_spawn, handshake, cont
 *     life_happened   what QEMU says, through the [state][event] table
 *     machine_stop    kill QEMU and wait for its end
 *     run_end         when it has ended: roll back all that start made, tell everybody
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/list.h"
#include "xml/xt.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "virtqemud/vm.h"

struct qemu_caps;
struct build;
struct limits;

struct run_vcpu {
    pid_t thread; /* 0: TCG without a thread of its own, or offline */
    const char *qom_path;
    const char *props; /* JSON of its place, for device_add */
    const char *type;  /* driver, for device_add */
    const char *alias; /* device id of a hotplugged one, "vcpu1" */
    bool online;
};

struct run_iothread {
    uint32_t id;
    pid_t thread;
};

struct run {
    struct arena arena;                  /* of the live model and everything beside it */
    struct domain *domain;               /* live model */
    const struct qemu_caps *caps;        /* a reference; NULL when the binary is gone (after a reconnect) */
    struct qmp *qmp;                     /* NULL before the handshake and after the end */
    pid_t pid;                           /* 0: not started yet */
    uint64_t start_time;                 /* of that pid, clock ticks since boot */
    int pidfd;                           /* -1: none */
    bool ours;                           /* QEMU is our child: we see its exit status */
    bool up;                             /* start is complete: the machine may be used */
    bool ending;                         /* somebody kills it: whoever waits gives up */
    bool ended;                          /* run_end was here */
    bool starting;                       /* machine_start is at work: it ends the run when QEMU dies */
    bool got_shutdown;                   /* QEMU said SHUTDOWN: its end is no crash */
    bool fake_reboot;                    /* the guest's power-off shall become a reset */
    uint8_t pause_reason, resume_reason; /* of the stop or cont on its way; 0: nobody asked */
    uint8_t stop_reason;      /* API_DOMAIN_SHUTOFF_* that the end shall have; 0: see how it ends */
    uint8_t stop_detail;      /* API_DOMAIN_EVENT_STOPPED_* likewise */
    struct list consoles;     /* struct console: open character devices */
    struct list waiters;      /* struct run_waiter: who waits for the end */
    struct list unplugs;      /* struct unplug: who waits for a device to go, device.c */
    struct watch exit;        /* of pidfd */
    sd_event_source *kill;    /* timer: SIGTERM was not enough */
    sd_event_source *hung_up; /* timer: QEMU closed its monitor; does it live? */
    bool reconnecting;        /* somebody sees to the monitor */
    struct client_watch autodestroy;
    struct vm *vm;           /* whose run this is */
    const char *lib_dir;     /* /var/lib/libvirt/qemu/domain-ID-NAME */
    const char *channel_dir; /* the same beneath channel/target: sockets that the guest's channels end at */
    const char *monitor_path;
    const char *log_path;
    sd_bus_slot *scope_slot; /* machined was asked and has not answered yet */
    struct wait scope_wait;
    bool placing;               /* limits_place was called */
    struct wait placed;         /* and has ended */
    const char *machine_name;   /* at machined, "qemu-1-NAME"; NULL: not registered */
    bool pid_file;              /* NAME.pid is there */
    int64_t log_start;          /* where this run's output begins in the log */
    unsigned owned;             /* files that changed hands, owner.c */
    const struct status *found; /* what an earlier daemon wrote; NULL: we started it */
    struct build *build;        /* what start made for the devices; NULL after it was undone */
    unsigned count_vcpus;
    struct run_vcpu *vcpus; /* by number, up to the maximum */
    unsigned count_iothreads;
    struct run_iothread *iothreads; /* in QEMU's order */
    struct opt_i32 agent_patience;  /* seconds that a user lets the agent have, channel_agent_usec() */
    int *perf;                      /* descriptors of counters, perf.h; NULL: none was ever open */
    bool streaming;                 /* its state is being written: a job that can be aborted */
    bool custom_monitor;            /* somebody spoke to QEMU past us */
    bool measured_dirty;            /* somebody asked for the rate of dirty memory */
    struct limits *limits;          /* NULL: no control groups of its own */
    uint64_t balloon_kib;           /* last known; 0: as the model says */
    uint64_t since;                 /* monotonic time of the start */
};

struct run_waiter {
    struct list link;
    struct wait wait;
};

/* A fresh run of a vm that has none; its arena is what the caller parsed the live model into (moved). */
struct run *run_new(struct vm *vm, struct arena *arena, struct domain *domain);
/*
 * QEMU has ended, or will never come: undo what start made, tell clients and waiters, forget the run. A
 * transient vm is gone afterwards unless somebody holds a reference. reason and detail are used where nobody
 * chose others.
 */
void run_end(struct vm *vm, unsigned reason, unsigned detail);
/* The daemon ends and the machine doesn't: release our side of it. */
void run_abandon(struct run *run);
/* Watch the process: calls run_end when it ends. Negative errno when the process is gone already. */
int run_watch(struct vm *vm);
/* QEMU closed its monitor. Most often that is the first sign of its end; one that goes on is connected again.
 */
void run_hung_up(struct vm *vm);
/* Wait until this run has ended; 0, or as fiber_await. */
int run_await_end(struct req *rq, struct vm *vm, uint64_t usec);
/* Write the run's line "shutting down, reason=..." and others to the machine's log. */
void run_log(const struct run *run, const char *format, ...) PRINTF(2, 3);
/* What QEMU said on stderr since it was started, at most some lines; "" when nothing. In the arena. */
const char *run_log_tail(const struct run *run, struct arena *arena);

struct start_how {
    bool paused; /* leave the vCPUs stopped */
    bool validate;
    bool restored; /* from a saved state: `stream` is where QEMU reads it; stays the caller's */
    int stream;
    bool bypass_cache;          /* a saved state is read past the host's page cache */
    struct client *autodestroy; /* kill it when this client leaves; NULL: don't */
};
/*
 * Start a vm that is inactive, whose job rq holds; arena and domain are its live model to be, moved in in any
 * case. On failure everything is as it was and rq->err says why, with QEMU's own words when it had any.
 */
int machine_start(struct req *rq, struct vm *vm, struct arena *arena, struct domain *domain,
                  const struct start_how *how);
/*
 * End a running vm: SIGTERM, and SIGKILL soon after (graceful: never). Returns when it has ended. reason and
 * detail as for run_end.
 */
int machine_stop(struct req *rq, struct vm *vm, bool graceful, unsigned reason, unsigned detail);
/* The same without waiting, as work of the daemon's own. */
void machine_stop_later(struct vm *vm, unsigned reason, unsigned detail);
/* Stop or go on executing the guest; the state follows QEMU's events. */
int machine_pause(struct req *rq, struct vm *vm, unsigned reason);
int machine_resume(struct req *rq, struct vm *vm, unsigned reason);

/* Find again the machines that an earlier daemon left running. Answers to clients don't wait for it. */
void reconnect_all(void);

/* Handlers of every machine's monitor (events.c). */
struct qmp_handlers;
extern const struct qmp_handlers run_qmp_handlers;
