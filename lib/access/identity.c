/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is at the other end, asked of the kernel once, when the connection is made. */
#define ERR_FROM ERR_FROM_IDENTITY
#include "access/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

struct identity *identity_new(void)
{
    struct identity *identity = NEW(struct identity);

    identity->references = 1;
    identity->uid = (uid_t)-1;
    identity->gid = (gid_t)-1;
    return identity;
}

struct identity *identity_ref(const struct identity *identity)
{
    struct identity *counted = (struct identity *)identity;

    if (counted)
        counted->references++;
    return counted;
}

void identity_unref(const struct identity *identity)
{
    struct identity *counted = (struct identity *)identity;

    if (!counted || --counted->references)
        return;
    free(counted->user);
    free(counted->group);
    free(counted->selinux_context);
    free(counted->sasl_user);
    free(counted->x509_name);
    free(counted);
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so count from its closing parenthesis.
 */
static uint64_t process_start_time(pid_t pid)
{
    char path[32], text[1024], *at;
    auto_fd int fd = -1;
    const char *rest;
    uint64_t start = 0;
    ssize_t got;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    got = fd_read_all(fd, text, sizeof(text) - 1);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return 0;
    rest = at + 1;
    return str_take_u64(&rest, &start) < 0 ? 0 : start;
}

/*
 * Of the process at the other end. Where the kernel gives a descriptor for that process, one that is still
 * alive after the look into /proc proves that the pid wasn't another's meanwhile.
 */
static uint64_t peer_start_time(int socket, pid_t pid)
{
    auto_fd int pidfd = -1;
    socklen_t length = sizeof(pidfd);
    uint64_t start = process_start_time(pid);

    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) < 0) {
        pidfd = -1; /* before Linux 6.5 */
        return start;
    }
    return poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, 0) == 0 ? start : 0;
}

static char *socket_context(int fd)
{
    char text[4097];
    socklen_t length = sizeof(text) - 1;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, text, &length) < 0 || !length)
        return NULL;
    return mem_strndup(text, length);
}

struct identity *identity_of_socket(int fd, struct err *err)
{
    struct ucred cred;
    socklen_t length = sizeof(cred);
    struct identity *identity;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0) {
        err_system(err, errno, "Failed to get client socket identity");
        return NULL;
    }
    identity = identity_new();
    identity->pid = cred.pid;
    identity->uid = cred.uid;
    identity->gid = cred.gid;
    identity->selinux_context = socket_context(fd);
    /* Only somebody who will be asked about needs it, and later the pid could be another's. */
    if (!identity_trusted(identity) && cred.pid > 0)
        identity->start_time = peer_start_time(fd, cred.pid);
    return identity;
}

uint64_t identity_start_time(const struct identity *identity)
{
    if (identity->start_time || identity->pid <= 0 || identity->forwarded)
        return identity->start_time;
    return process_start_time(identity->pid);
}

bool identity_trusted(const struct identity *identity)
{
    return !identity || identity->uid == 0 || identity->uid == geteuid();
}

const char *identity_text(const struct identity *identity, char text[IDENTITY_TEXT])
{
    if (!identity)
        return "this daemon";
    if (identity->uid == (uid_t)-1)
        return "unknown";
    snprintf(text, IDENTITY_TEXT, "pid %d, uid %u%s", (int)identity->pid, (unsigned)identity->uid,
             identity->forwarded ? ", forwarded" : "");
    return text;
}
