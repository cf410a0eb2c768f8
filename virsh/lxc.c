/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LXC: a program in the namespaces of a container. */
#include <errno.h>
#include <libvirt/libvirt-lxc.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virsh/domain.h"

/* A command in the namespaces of a container: a child of a child, since what enters a PID namespace is its
 * children. */
static int enter(virDomainPtr domain, int *fds, unsigned count, bool label, const char *const *argv)
{
    virSecurityModel model;
    virSecurityLabel guest = {0};
    virConnectPtr conn = virDomainGetConnect(domain);
    if (label && (virNodeGetSecurityModel(conn, &model) < 0 || virDomainGetSecurityLabel(domain, &guest) < 0))
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    int status;
    if (child == 0) {
        if ((label && virDomainLxcEnterSecurityLabel(&model, &guest, NULL, 0) < 0) ||
            virDomainLxcEnterNamespace(domain, count, fds, NULL, NULL, 0) < 0)
            _exit(255);
        pid_t inner = fork();
        if (inner == 0) {
            execv(argv[0], (char *const *)argv);
            _exit(255);
        }
        _exit(inner > 0 && waitpid(inner, &status, 0) == inner && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                                    : 255);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int run_lxc_enter_namespace(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int *fds = NULL;
    if (!domain)
        return -1;
    int count = virDomainLxcOpenNamespace(domain, &fds, 0);
    if (count < 0)
        return -1;
    fflush(stdout);
    int result = enter(domain, fds, (unsigned)count, !cmd_has(cmd, "noseclabel"), cmd_strings(cmd, "cmd"));
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    return result;
}

const struct command cmd_lxc_enter_namespace = {
    "lxc-enter-namespace",
    "LXC Guest Enter Namespace",
    "Run an arbitrary command in a lxc guest namespace; use at your own risk",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("noseclabel", 0, "Do not change process security label"), ARGS("cmd", "command to run")),
    .run = run_lxc_enter_namespace,
    .json = "",
};
