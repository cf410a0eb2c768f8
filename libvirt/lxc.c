/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-lxc.so: a program that goes into a container: its name spaces, its control groups. */
#define ERR_FROM ERR_FROM_NONE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "libvirt/api.h"
#include "protocol/lxc.h"

/* In the order in which they are entered: the user's first, which gives the right to the others. */
static const char *const spaces[] = {"user", "ipc", "uts", "net", "pid", "mnt"};

API int virDomainLxcOpenNamespace(virDomainPtr domain, int **fdlist, unsigned int flags)
{
    struct lxc_domain_open_namespace_in in = {.flags = flags};
    struct lxc_domain_open_namespace_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(lxc, DOMAIN_OPEN_NAMESPACE)))
        return -1;
    in.dom = domain->wire;
    if (call_argument(&call, fdlist, "fdlist") && call_run(&call, &in, &out) == 0) {
        result = (int)call.reply_fd_count;
        *fdlist = TAKE(call.reply_fds);
    }
    call_end(&call);
    return result;
}

static void own_spaces(unsigned *ret_n, int **ret_fds)
{
    int *fds = NEW_ARRAY(int, ARRAY_SIZE(spaces));
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
        char path[32];

        snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i]);
        fds[n] = open(path, O_RDONLY | O_CLOEXEC);
        n += fds[n] >= 0;
    }
    *ret_n = n;
    *ret_fds = fds;
}

/* The name spaces that were left, when the caller wants to come back, are the caller's to close. */
API int virDomainLxcEnterNamespace(virDomainPtr domain, unsigned int nfdlist, int *fdlist,
                                   unsigned int *noldfdlist, int **oldfdlist, unsigned int flags)
{
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(lxc, DOMAIN_OPEN_NAMESPACE)))
        return -1;
    if (flags) {
        call_refuse(&call, "flags", "unsupported flags (0x%x) in function %s", flags, __func__);
    } else if (!nfdlist) {
        call_refuse(&call, "nfdlist", "Expected at least one file descriptor");
    } else {
        if (noldfdlist && oldfdlist)
            own_spaces(noldfdlist, oldfdlist);
        result = 0;
        for (unsigned i = 0; i < nfdlist && result == 0; i++)
            if (fdlist[i] >= 0 && setns(fdlist[i], 0) < 0)
                result = err_system(&call.err, -errno, "Unable to join domain namespace");
    }
    call_end(&call);
    return result < 0 ? -1 : 0;
}

/* One line of /proc/PID/cgroup, "number:controllers:path": where its list of processes is. False: not to be
 * seen. */
static bool group_file(char *line, char *path, size_t room)
{
    char *controllers = strchr(line, ':'), *folder = controllers ? strchr(++controllers, ':') : NULL;

    if (!folder)
        return false;
    *folder++ = '\0';
    if (!strncmp(controllers, "name=", 5))
        controllers += 5;
    return (size_t)snprintf(path, room, "/sys/fs/cgroup/%s%s/cgroup.procs", controllers, folder) < room &&
           access(path, F_OK) == 0;
}

/* Into all groups of the container's first process, which its id is. */
API int virDomainLxcEnterCGroup(virDomainPtr domain, unsigned int flags)
{
    char path[64], procs[4096], *line = NULL;
    size_t room = 0;
    struct call call;
    int result = -1;
    FILE *groups;

    if (!call_begin(&call, __func__, domain, OBJECT_DOMAIN, PROCEDURE(lxc, DOMAIN_OPEN_NAMESPACE)))
        return -1;
    snprintf(path, sizeof(path), "/proc/%d/cgroup", domain->wire.id);
    if (flags) {
        call_refuse(&call, "flags", "unsupported flags (0x%x) in function %s", flags, __func__);
    } else if (call_writable(&call)) {
        groups = fopen(path, "re");
        if (!groups)
            err_system(&call.err, -errno, "cannot read the control groups of process %d", domain->wire.id);
        else
            result = 0;
        while (groups && result == 0 && getline(&line, &room, groups) > 0) {
            int fd;

            line[strcspn(line, "\n")] = '\0';
            if (!group_file(line, procs, sizeof(procs)))
                continue;
            fd = open(procs, O_WRONLY | O_CLOEXEC);
            if (fd < 0 || write(fd, "0", 1) < 0) /* 0: who writes */
                result = err_system(&call.err, -errno, "cannot enter control group '%s'", procs);
            if (fd >= 0)
                close(fd);
        }
        if (groups)
            fclose(groups);
        free(line);
    }
    call_end(&call);
    return result < 0 ? -1 : 0;
}

/* Labels are for SELinux and AppArmor, neither of which this library speaks; a label of no model asks for
 * nothing. */
API int virDomainLxcEnterSecurityLabel(virSecurityModelPtr model, virSecurityLabelPtr label,
                                       virSecurityLabelPtr oldlabel, unsigned int flags)
{
    auto_err struct err err = {0};

    error_reset();
    if (!model || !label) {
        error_argument(NULL, __func__, ERR_FROM_NONE, model ? "label" : "model", "must not be NULL");
        return -1;
    }
    if (!strcmp(model->model, "none"))
        return 0;
    err_set(&err, ERR_NO_SUPPORT, "%s", __func__);
    error_raise(NULL, &err);
    return -1;
}
