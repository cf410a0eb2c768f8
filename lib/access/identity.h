/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Identity: who is at the other end of a connection, as the kernel says it, or as another daemon of ours that
 * holds the system token says it for its own client. Counted: a request keeps its caller's identity alive.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct identity {
    unsigned references;
    pid_t pid; /* 0: not known */
    uid_t uid; /* (uid_t)-1: not known */
    gid_t gid;
    uint64_t
        start_time; /* of the process, clock ticks since boot (field 22 of /proc/PID/stat); 0: not known */
    char *user, *group;    /* names, as another daemon told them; NULL: not known */
    char *selinux_context; /* of the process, as the kernel gave it with the connection; NULL: none */
    char *sasl_user, *x509_name;
    bool forwarded; /* told by another daemon, not by the kernel */
    bool elevated;  /* a daemon of ours that acts for itself, proved by the system token */
};

/* The peer of a connected Unix socket. On failure err says why. The caller owns one reference. */
struct identity *identity_of_socket(int fd, struct err *err);
struct identity *identity_new(void);
struct identity *identity_ref(const struct identity *identity);
void identity_unref(const struct identity *identity);
#define auto_identity CLEANUP(identity_unrefp)
static inline void identity_unrefp(struct identity **identity)
{
    identity_unref(*identity);
}

/* Root or the user that this daemon runs as. NULL (the daemon itself) is trusted. */
bool identity_trusted(const struct identity *identity);
/* When its process started (see start_time); 0 when unknown. */
uint64_t identity_start_time(const struct identity *identity);
/* "pid 12, uid 1000" for log lines; text has room for IDENTITY_TEXT bytes. */
enum { IDENTITY_TEXT = 64 };
const char *identity_text(const struct identity *identity, char text[IDENTITY_TEXT]);
