/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets of daemons. Rule: a driver's own daemon when its socket is there, else the one that stands for all
 * (libvirt-sock); `mode=direct|legacy` and `socket=PATH` decide otherwise.
 */
#define ERR_FROM ERR_FROM_RPC
#include "libvirt/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

/* URI's driver -> its daemon. */
static const struct daemon {
    const char *driver, *program;
} daemons[] = {
    /* hypervisors, in the order in which they are looked for */
    {"xen", "virtxend"},
    {"qemu", "virtqemud"},
    {"lxc", "virtlxcd"},
    {"vbox", "virtvboxd"},
    {"bhyve", "virtbhyved"},
    {"vz", "virtvzd"},
    {"ch", "virtchd"},
    /* the others */
    {"network", "virtnetworkd"},
    {"storage", "virtstoraged"},
    {"nodedev", "virtnodedevd"},
    {"secret", "virtsecretd"},
    {"interface", "virtinterfaced"},
    {"nwfilter", "virtnwfilterd"},
};

enum { HYPERVISORS = 7 };
enum { START_TRIES = 500, START_PAUSE_MS = 10 }; /* a daemon that starts has five seconds */

static const char *program_of(const char *driver)
{
    for (size_t i = 0; i < ARRAY_SIZE(daemons); i++)
        if (str_eq_nocase(daemons[i].driver, driver))
            return daemons[i].program;
    return NULL;
}

static int try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, r;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    while ((r = connect(fd, (struct sockaddr *)&address, sizeof(address))) < 0 && errno == EINTR)
        ;
    if (r < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/*
 * Start a daemon, as nobody's child; keep_fd (-1: none) stays open in it. The caller may have threads: only
 * calls that are safe in a fork.
 */
static void start_daemon(const char *const argv[], int keep_fd)
{
    static const char *const folders[] = {SBINDIR, "/usr/sbin", "/usr/local/sbin", NULL};
    const char *given = getenv("VIRTD_PATH");
    char paths[ARRAY_SIZE(folders)][256];
    pid_t pid;

    for (size_t i = 0; folders[i]; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folders[i], argv[0]);
    pid = fork();
    if (pid > 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    if (pid != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    for (int fd = 0, null = open("/dev/null", O_RDWR); fd < 3; fd++)
        dup2(null, fd);
    if (keep_fd >= 0)
        fcntl(keep_fd, F_SETFD, 0);
    if (given)
        execv(given, (char *const *)argv);
    for (size_t i = 0; !given && folders[i]; i++)
        execv(paths[i], (char *const *)argv);
    _exit(127);
}

static int connect_started(const char *path, const char *program)
{
    const struct timespec pause = {.tv_nsec = START_PAUSE_MS * 1000000L};
    const char *const argv[] = {program, "--timeout=120", NULL};
    int fd = try_connect(path);

    if (fd != -ENOENT && fd != -ECONNREFUSED)
        return fd;
    start_daemon(argv, -1);
    for (int i = 0; i < START_TRIES && (fd == -ENOENT || fd == -ECONNREFUSED); i++) {
        nanosleep(&pause, NULL);
        fd = try_connect(path);
    }
    return fd;
}

static void socket_folder(struct buf *path, bool system)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");

    if (system)
        buf_add_string(path, RUNSTATEDIR "/libvirt");
    else if (!str_empty(runtime))
        buf_printf(path, "%s/libvirt", runtime);
    else
        buf_printf(path, "%s/.cache/libvirt", home ? home : "");
}

static int finish(int fd, const char *path, int *ret_fd, struct err *err)
{
    if (fd < 0)
        return err_system(err, fd, "Failed to connect socket to '%s'", path);
    *ret_fd = fd;
    return 0;
}

/* A daemon of the program's own, with everything below a folder; it leaves when the connection ends. */
static int open_embedded(const struct uri *uri, const char *program, int *ret_fd, struct err *err)
{
    const char *root = uri_param(uri, "root");
    char embed[32], folder[PATH_MAX + 8];
    auto_buf struct buf path = {0};
    const char *const argv[] = {program, embed, folder, NULL};
    int pair[2];

    if (!root)
        return err_set_from(err, ERR_FROM_QEMU, ERR_INVALID_ARG, "Missing URI parameter 'root'");
    if (root[0] != '/')
        return err_set_from(err, ERR_FROM_QEMU, ERR_CONFIG_UNSUPPORTED, "root path must be absolute");
    if ((size_t)snprintf(folder, sizeof(folder), "--root=%s", root) >= sizeof(folder))
        return err_system(err, -ENAMETOOLONG, "root directory '%s'", root);
    buf_printf(&path, "%s/run/%s-sock", root, program);
    *ret_fd = try_connect(buf_text(&path));
    if (*ret_fd >= 0)
        return 0; /* another connection of this program began it */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(err, -errno, "cannot make a socket pair");
    snprintf(embed, sizeof(embed), "--embed=%d", pair[1]);
    start_daemon(argv, pair[1]);
    close(pair[1]);
    *ret_fd = pair[0];
    return 0;
}

const char *socket_probe(struct arena *arena, bool read_only, int *ret_fd)
{
    bool system = geteuid() == 0;
    const char *tail = read_only && system ? "-sock-ro" : "-sock";
    auto_buf struct buf folder = {0};

    socket_folder(&folder, system);
    for (size_t i = 0; i < HYPERVISORS; i++) {
        *ret_fd = try_connect(arena_printf(arena, "%s/%s%s", buf_text(&folder), daemons[i].program, tail));
        if (*ret_fd >= 0)
            return arena_printf(arena, "%s:///%s", daemons[i].driver, system ? "system" : "session");
    }
    *ret_fd = try_connect(arena_printf(arena, "%s/libvirt%s", buf_text(&folder), tail));
    return *ret_fd >= 0 ? "" : NULL;
}

/* What a URI asks of the way to the daemon. */
static int way_known(const struct uri *uri, const char *text, const char *mode, struct err *err)
{
    static const char *const built[] = {"tls", "ssh", "ext", "tcp", "libssh2", "libssh"};
    bool remote = uri->transport ? !str_eq_nocase(uri->transport, "unix") : uri->host != NULL,
         known = !uri->transport;

    for (size_t i = 0; remote && i < ARRAY_SIZE(built); i++)
        known |= uri->transport && str_eq_nocase(uri->transport, built[i]);
    if (remote && !known)
        return err_set_from(
            err, ERR_FROM_REMOTE, ERR_INVALID_ARG,
            "remote_open: transport in URL not recognised (should be tls|unix|ssh|ext|tcp|libssh2|libssh)");
    if (remote)
        return err_set_from(err, ERR_FROM_REMOTE, ERR_NO_SUPPORT,
                            "transport of '%s': only Unix sockets are there yet", text);
    if (mode && !str_eq(mode, "auto") && !str_eq(mode, "direct") && !str_eq(mode, "legacy"))
        return err_set_from(err, ERR_FROM_REMOTE, ERR_INVALID_ARG, "Unknown remote mode '%s'", mode);
    return 0;
}

int socket_open(const struct uri *uri, const char *text, bool read_only, int *ret_fd, struct err *err)
{
    const char *given = uri_param(uri, "socket"), *mode = uri_param(uri, "mode");
    const char *autostart = getenv("LIBVIRT_AUTOSTART"), *program = program_of(uri->driver);
    /* root has no session of its own; a test driver in a daemon is the user's */
    bool system = geteuid() == 0 || !(str_eq(uri->path, "/session") || str_eq(uri->driver, "test"));
    const char *tail = read_only && system ? "-sock-ro" : "-sock";
    auto_buf struct buf direct = {0}, legacy = {0};
    int fd;

    if (way_known(uri, text, mode, err) < 0)
        return -1;
    if (program && str_eq(uri->path, "/embed"))
        return open_embedded(uri, program, ret_fd, err);
    if (given)
        return finish(try_connect(given), given, ret_fd, err);
    socket_folder(&legacy, system);
    if (program)
        buf_printf(&direct, "%s/%s%s", buf_text(&legacy), program, tail);
    buf_printf(&legacy, "/libvirt%s", tail);

    if (!program || str_eq(mode, "legacy")) {
        fd = try_connect(buf_text(&legacy));
        if (fd == -ENOENT && !program && !uri->transport) /* nobody is there who could know it */
            return err_set_from(err, ERR_FROM_NONE, ERR_NO_CONNECT, "%s", text);
        return finish(fd, buf_text(&legacy), ret_fd, err);
    }
    fd = try_connect(buf_text(&direct));
    if (fd == -ENOENT && !str_eq(mode, "direct")) {
        int other = try_connect(buf_text(&legacy));

        if (other >= 0)
            fd = other;
    }
    if (fd < 0 && !system && !str_eq(autostart, "0"))
        fd = connect_started(buf_text(&direct), program);
    return finish(fd, buf_text(&direct), ret_fd, err);
}

int socket_open_admin(const struct uri *uri, int *ret_fd, struct err *err)
{
    const char *given = uri_param(uri, "socket");
    auto_buf struct buf path = {0};
    bool system = str_eq(uri->path, "/system");

    if (!system && !str_eq(uri->path, "/session"))
        return err_set_from(err, ERR_FROM_ADMIN, ERR_CONFIG_UNSUPPORTED,
                            "Invalid URI path '%s', try '/system'", uri->path);
    if (given)
        return finish(try_connect(given), given, ret_fd, err);
    socket_folder(&path, system);
    buf_printf(&path, "/%s-admin-sock", str_eq(uri->driver, "libvirtd") ? "libvirt" : uri->driver);
    return finish(try_connect(buf_text(&path)), buf_text(&path), ret_fd, err);
}
