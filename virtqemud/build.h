/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build: from a live model to a QEMU that can be executed: aliases, what must exist on the host first (taps,
 * display ports, sockets, firmware variables), the command line, and what is only known once QEMU runs (pty
 * names). One struct build lives in the run's arena from start to end and remembers what has to be undone.
 *
 * In the order in which machine_start calls them: build_new, build_prepare, build_command, (exec),
 * build_started; and at the end of the machine, or when start fails anywhere, build_undo.
 */
#pragma once

#include "loop/req.h"

struct bitmap;
struct build_undo;
struct domain;
struct tap;
struct qemu_caps;
struct qmp;

struct build {
    struct arena *arena;   /* the run's */
    struct domain *domain; /* live model: gets aliases, ports, paths */
    const struct qemu_caps *caps;
    int32_t id;              /* of the machine */
    const char *master_key;  /* file of the key that secrets are handed to QEMU with; NULL: none */
    const char *lib_dir;     /* its own directory, owned by QEMU's user: sockets and keys go there */
    const char *channel_dir; /* directory of its channels' sockets; made by build_prepare when needed */
    int monitor_fd;          /* listening socket for QMP; QEMU inherits it by this number */
    bool sandbox, privileged, validate_only; /* validate_only: nothing on the host is touched (to native) */
    bool incoming;                           /* QEMU waits for a saved state */
    bool plug;         /* the options are for a QEMU that runs: descriptors go to it by name */
    const void *owner; /* the device that is being prepared: what is remembered belongs to it */

    /* results */
    const char **argv; /* NULL-terminated; argv[0] is the emulator */
    size_t count_argv;
    const char **env; /* NULL-terminated additions: "NAME=value" */
    size_t count_env;
    int *fds; /* QEMU inherits them by number; closed by machine_start after exec */
    unsigned count_fds;
    /* build's own */
    uint32_t
        boot[5]; /* by enum boot_device: place in the order for the first device of that kind; 0: taken */
    unsigned count_fdsets;
    struct bitmap *fdset_fds;     /* descriptors that are in a set */
    bool pr_helper, pr_object;    /* the shared helper for persistent reservations is there */
    struct build_secret *secrets; /* see dev/secret.h */
    struct tap **taps;            /* descriptors of interfaces, see dev/iface.c */
    size_t count_taps;
    int vsock_fd;    /* 0: none */
    int *port_locks; /* chosen ports that QEMU doesn't listen on yet, see dev/graphics.c */
    size_t count_port_locks;
    struct build_undo *undo; /* newest first */
};

/* Everything zero but what is given; in the arena. */
struct build *build_new(struct arena *arena, struct domain *domain, const struct qemu_caps *caps);
/* Aliases and addresses of the live model, then the host's side. May wait (other daemons, tools). rq->err on
 * failure. */
int build_prepare(struct req *rq, struct build *build);
/* argv, env and fds. Doesn't wait and changes nothing on the host. */
int build_command(struct req *rq, struct build *build);
/*
 * QEMU answers: fill in what it chose (ptys, addresses that it assigned), set what the command line can't
 * (passwords). Put together in as few commands as possible: this is on the path of every start.
 */
int build_started(struct req *rq, struct build *build, struct qmp *qmp);
/* After the daemon's restart: what has to be undone at the end of a machine that an earlier daemon started.
 */
struct build *build_found(struct arena *arena, struct domain *domain, const char *lib_dir);
/* The machine is no more: what its emulated TPMs kept goes, but for what shall persist (always: that, too).
 */
void tpm_forget(const struct domain *domain, bool always);
/* Give back all that build_prepare made; NULL is fine. Never waits. */
void build_undo(struct build *build);

/*
 * Defaults and checks of the qemu driver for domain_parse(): which machine, CPU, controllers, models and
 * addresses a definition gets (virtqemud/defaults.c). caps may be NULL: then what depends on the binary stays
 * as written.
 */
struct domain_policy;
struct domain_policy defaults_policy(const struct qemu_caps *caps);
/* The answers to a power-off and a reboot fit together; or err is set. */
int check_life_actions(const struct domain *domain, struct err *err);
