/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

static const char *const suffixes[DAEMON_SOCKET_MAX] = {
    [DAEMON_MAIN] = "-sock", [DAEMON_RO] = "-sock-ro", [DAEMON_ADMIN] = "-admin-sock"};

/*
 * By its path, and for a path that says nothing by the unit's name. The most specific suffix is asked
 * first. /
 */
static enum daemon_socket kind_of(const char *path, const char *name)
{
    if (str_ends(path, suffixes[DAEMON_ADMIN]) || str_ends(name, "-admin.socket"))
        return DAEMON_ADMIN;
    if (str_ends(path, suffixes[DAEMON_RO]) || str_ends(name, "-ro.socket"))
        return DAEMON_RO;
    return DAEMON_MAIN;
}

/* A descriptor that systemd handed over under this name. */
static int listener_of(int fd, const char *name, struct listener *ret, struct err *err)
{
    struct sockaddr_un address = {0};
    socklen_t length = sizeof(address) - 1;

    if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, /* listening= */ 1) <= 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "descriptor %d ('%s') passed by the service manager is not a listening Unix socket",
                       fd, name);
    fd_set_nonblock(fd, true);
    *ret = (struct listener){.fd = fd, .kind = kind_of(address.sun_path, name)};
    return 0;
}

int listen_inherited(struct listener ret[LISTENERS_MAX], size_t *ret_count, struct kept **ret_kept,
                     size_t *ret_kept_count, struct err *err)
{
    auto_strv char **names = NULL;
    int count = sd_listen_fds_with_names(/* unset_environment= */ 1, &names);

    *ret_count = *ret_kept_count = 0;
    *ret_kept = NULL;
    if (count < 0)
        return err_system(err, count, "cannot take over the sockets that were passed by the service manager");
    if (count)
        *ret_kept = NEW_ARRAY(struct kept, (size_t)count);
    for (int i = 0; i < count; i++) {
        const char *kept = keep_name(names[i]);
        int fd = SD_LISTEN_FDS_START + i;

        fd_set_cloexec(fd, true);
        if (kept)
            (*ret_kept)[(*ret_kept_count)++] = (struct kept){.name = mem_strdup(kept), .fd = fd};
        else if (*ret_count == LISTENERS_MAX)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "the service manager passed more than %d sockets ('%s')", LISTENERS_MAX, names[i]);
        else if (listener_of(fd, names[i], &ret[*ret_count], err) < 0)
            return -1;
        else
            (*ret_count)++;
    }
    return 0;
}

static int parse_mode(const char *key, const char *text, const char *fallback, mode_t *ret, struct err *err)
{
    uint32_t mode;

    if (!text)
        text = fallback;
    if (str_to_u32_base(text, 8, &mode) < 0 || mode > 0777)
        return err_set(err, ERR_CONF_SYNTAX, "%s = '%s' is not an octal mode", key, text);
    *ret = (mode_t)mode;
    return 0;
}

static int mode_of(const struct daemon *daemon, enum daemon_socket kind, mode_t *ret, struct err *err)
{
    const struct daemon_conf *conf = daemon->conf;
    bool open = daemon->privileged && daemon->embed_fd < 0;
    bool polkit = conf->auth_unix_rw ? str_eq(conf->auth_unix_rw, "polkit") : daemon->privileged;

    switch (kind) {
    case DAEMON_RO:
        return parse_mode("unix_sock_ro_perms", conf->unix_sock_ro_perms, "0777", ret, err);
    case DAEMON_ADMIN:
        return parse_mode("unix_sock_admin_perms", conf->unix_sock_admin_perms, "0700", ret, err);
    default:
        /* a session's or a program's socket is its user's alone, whatever a copied file says about polkit */
        return parse_mode("unix_sock_rw_perms", conf->unix_sock_rw_perms, polkit && open ? "0777" : "0700",
                          ret, err);
    }
}

static int group_of(const struct daemon *daemon, gid_t *ret, struct err *err)
{
    const char *name = daemon->conf->unix_sock_group;
    struct group *group;

    *ret = (gid_t)-1;
    if (!name || !daemon->privileged)
        return 0;
    group = getgrnam(name);
    if (!group)
        return err_set(err, ERR_CONF_SYNTAX, "unix_sock_group = '%s': there is no such group", name);
    *ret = group->gr_gid;
    return 0;
}

static int path_of(const struct daemon *daemon, enum daemon_socket kind, struct sockaddr_un *ret,
                   struct err *err)
{
    const char *dir = daemon->conf->unix_sock_dir ? daemon->conf->unix_sock_dir : daemon->paths.run;
    int length =
        snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s%s", dir, daemon->spec->name, suffixes[kind]);

    ret->sun_family = AF_UNIX;
    if (length < 0 || (size_t)length >= sizeof(ret->sun_path))
        return err_set(err, ERR_INVALID_ARG, "path of socket '%s/%s%s' is longer than %zu bytes", dir,
                       daemon->spec->name, suffixes[kind], sizeof(ret->sun_path) - 1);
    return 0;
}

static int unlink_abandoned(const struct sockaddr_un *address, struct err *err)
{
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return err_system(err, errno, "cannot make a socket");
    /* EAGAIN: somebody listens, with a full queue */
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return err_system(err, EADDRINUSE, "cannot listen on '%s'", address->sun_path);
    if (errno == ECONNREFUSED && unlink(address->sun_path) < 0)
        return err_system(err, errno, "cannot remove the abandoned socket '%s'", address->sun_path);
    return 0;
}

static int listen_at(const struct daemon *daemon, enum daemon_socket kind, gid_t group, int *ret,
                     struct err *err)
{
    struct sockaddr_un address = {0};
    const struct daemon_conf *conf = daemon->conf;
    unsigned backlog = kind == DAEMON_ADMIN ? conf->admin_max_queued_clients : conf->max_queued_clients;
    auto_fd int fd = -1;
    mode_t mode = 0, mask;
    int r;

    if (path_of(daemon, kind, &address, err) < 0 || mode_of(daemon, kind, &mode, err) < 0 ||
        unlink_abandoned(&address, err) < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_system(err, errno, "cannot make a socket");
    /* the file takes the mode of the unbound socket; with a group it opens only after the group is right */
    fchmod(fd, group == (gid_t)-1 ? mode : 0);
    mask = umask(0);
    r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (r < 0)
        return err_system(err, errno, "cannot bind '%s'", address.sun_path);
    if (group != (gid_t)-1 &&
        (lchown(address.sun_path, (uid_t)-1, group) < 0 || chmod(address.sun_path, mode) < 0))
        return err_system(err, errno, "cannot give '%s' to group %u", address.sun_path, (unsigned)group);
    if (listen(fd, (int)backlog) < 0)
        return err_system(err, errno, "cannot listen on '%s'", address.sun_path);
    *ret = FD_TAKE(fd);
    return 0;
}

int listen_own(const struct daemon *daemon, struct listener ret[LISTENERS_MAX], size_t *ret_count,
               struct err *err)
{
    const char *dir = daemon->conf->unix_sock_dir ? daemon->conf->unix_sock_dir : daemon->paths.run;
    gid_t group;
    int r;

    *ret_count = 0;
    r = file_make_dirs(dir, daemon->privileged ? 0755 : 0700);
    if (r < 0)
        return err_system(err, r, "cannot make directory '%s'", dir);
    if (group_of(daemon, &group, err) < 0)
        return -1;
    for (enum daemon_socket kind = 0; kind < DAEMON_SOCKET_MAX; kind++) {
        int fd = -1;

        /* everybody who reaches a session's daemon is its user */
        if (kind == DAEMON_RO && (!daemon->privileged || daemon->embed_fd >= 0))
            continue;
        if (listen_at(daemon, kind, group, &fd, err) < 0)
            return -1;
        ret[(*ret_count)++] = (struct listener){.fd = fd, .kind = kind};
    }
    return 0;
}

void listen_remove_own(const struct daemon *daemon)
{
    struct sockaddr_un address;

    for (enum daemon_socket kind = 0; kind < DAEMON_SOCKET_MAX; kind++)
        if (path_of(daemon, kind, &address, /* err= */ NULL) == 0)
            (void)unlink(address.sun_path);
}

void listen_close(struct listener *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fd_close(&listeners[i].fd);
}
