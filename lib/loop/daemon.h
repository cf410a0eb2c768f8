/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Daemon: what all daemons have in common, from main's arguments to the exit status: options, configuration
 * file, logging, pid file, sockets (systemd's or own ones), readiness, reload, leaving when idle, and a stop
 * that lets running work end. What a daemon is itself stands in its `struct daemon_spec`; it knows nothing of
 * RPC (see rpc/serve.h for the daemons that serve it).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "loop/fiber.h"
#include "loop/keep.h"
#include "loop/paths.h"
#include "loop/timer.h"

/*
 * The keys that every daemon's file may hold; names, defaults and meaning are libvirt's. See daemon-conf.c.
 * /
 */
struct daemon_conf {
    const char *unix_sock_group, *unix_sock_dir;
    /* octal; NULL: see listen.c */
    const char *unix_sock_ro_perms, *unix_sock_rw_perms, *unix_sock_admin_perms;
    const char *auth_unix_ro, *auth_unix_rw; /* NULL: polkit when privileged */
    const char *const *access_drivers, *const *sasl_allowed_username_list;
    uint32_t max_clients, max_queued_clients, max_anonymous_clients;
    uint32_t min_workers, max_workers, prio_workers, max_client_requests;
    uint32_t admin_min_workers, admin_max_workers, admin_max_clients, admin_max_queued_clients;
    uint32_t admin_max_client_requests;
    uint32_t log_level;
    const char *log_filters, *log_outputs;
    uint32_t audit_level;
    bool audit_logging;
    const char *host_uuid, *host_uuid_source;
    int32_t keepalive_interval, admin_keepalive_interval;
    uint32_t keepalive_count, admin_keepalive_count, ovs_timeout;
};
extern const struct conf_key daemon_keys[];

enum daemon_socket { DAEMON_MAIN, DAEMON_RO, DAEMON_ADMIN, DAEMON_SOCKET_MAX };

struct daemon;

struct daemon_spec {
    const char *name;    /* "virtsecretd": file names, log lines, sockets */
    const char *purpose; /* one line for --help: "manages secrets" */
    const char *objects; /* "qemu": what it manages, by the folder of its state; NULL: nothing of its own */
    bool system_only;    /* has no session instance */
    bool secretive;      /* no core dumps, no debugger by the same user */
    /*
     * Keys of the daemon's own and the struct that they and the common ones are read into: it begins with a
     * struct daemon_conf. NULL and 0: just the common ones.
     */
    const struct conf_key *keys;
    size_t conf_size;
    /* Further files that the daemon reads itself: for their samples and the manual. NULL, or ends with a NULL
     * name. */
    const struct daemon_file {
        const char *name; /* "qemu.conf" */
        const struct conf_key *keys;
    } * files;

    /*
     * In this order; none may wait, but each may start fibers. NULL: nothing to do. Negative with err set:
     * no start.
     */
    int (*start)(struct daemon *daemon, struct err *err);
    /* In place of a start that failed, before listen: answer clients with nothing but this trouble. NULL:
     * can't. */
    void (*explain)(struct daemon *daemon, const char *trouble);
    /* One call for each listening socket; the daemon owns fd now. */
    int (*listen)(struct daemon *daemon, int fd, enum daemon_socket kind, struct err *err);
    /* After them: what drain() had kept (loop/keep.h) in an earlier run. NULL: it has nothing kept. */
    void (*resume)(struct daemon *daemon, struct kept *kept, size_t count);
    /* Instead, for a daemon that a program keeps for itself: its one connection, whose end is the daemon's.
     */
    int (*serve)(struct daemon *daemon, int fd, struct err *err);
    /*
     * SIGHUP; the common settings of logging were renewed already. A failure is logged, the daemon goes on.
     * /
     */
    int (*reload)(struct daemon *daemon, struct err *err);
    /*
     * Take nothing new, let what runs end, at most usec. May wait. keep: what should outlive the daemon may
     * be kept, the service manager is there.
     */
    void (*drain)(struct req *rq, struct daemon *daemon, uint64_t usec, bool keep);
    /* Last: release everything. Also called when start or listen failed. */
    void (*stop)(struct daemon *daemon);
    void *data; /* becomes daemon->data */
};

struct daemon {
    const struct daemon_spec *spec;
    bool privileged;  /* system instance: runs as root */
    const char *root; /* --root DIR: everything below it; NULL: where the system has it */
    int embed_fd;     /* --embed FD: a connected socket, served alone; -1: not */
    struct paths paths;
    struct daemon_conf *conf; /* its first member; as read at start, lives as long as the daemon */
    void *data;               /* the daemon's own */
    /* the rest is daemon.c's */
    struct arena arena;
    const char *conf_path, *pid_path, *objects_path;
    bool in_background, verbose, started, explains, own_sockets, stopping;
    bool managed;       /* its sockets are systemd's */
    uint64_t idle_usec; /* leave after this long without a hold; 0: never */
    uint64_t idle_since;
    unsigned holds;
    struct timer idle;
    int pid_fd, objects_fd, ready_fd;
    struct req stop_rq;
};

/* All of main(). */
int daemon_main(int argc, char **argv, const struct daemon_spec *spec);

/*
 * While at least one hold is on, the daemon doesn't leave for idleness: one for a client, a running machine,
 * a call in flight. Each hold is released once.
 */
void daemon_hold(struct daemon *daemon);
void daemon_release(struct daemon *daemon);
/* Leave after this long without a hold; 0: never. */
void daemon_set_timeout(struct daemon *daemon, uint64_t usec);
/* Stop gracefully, as SIGTERM does; `why` for the log. */
void daemon_stop(struct daemon *daemon, const char *why);
