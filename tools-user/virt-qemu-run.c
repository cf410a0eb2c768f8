/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-qemu-run: one virtual machine, for as long as this program runs, with everything below a folder. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tool.h"
#include "libvirt/libvirt.h"
#include "libvirt/virterror.h"

enum { XML_SIZE_MAX = 16 * 1024 * 1024, SECRET_SIZE_MAX = 64 * 1024 };

static const char *const name = "virt-qemu-run";
static int signal_pipe[2];
static bool verbose;

struct guest {
    virDomainPtr domain;
    bool ended;
};

static const struct tool_option options[] = {
    {'r', "root", "DIR",
     "Keep state, logs and sockets below this directory, which stays. Without it a temporary directory is "
     "made and removed at the end."},
    {'s', "secret", "XML-FILE,VALUE-FILE",
     "Define a secret that the machine's disks may use, with its value. May be given many times."},
    {'v', "verbose", NULL, "Tell on standard error what is done, with milliseconds since the start."},
    {'d', "debug", NULL, "Log every call of the client library on standard error."},
    {0},
};

static const char *const paragraphs[] = {
    "Starts a virtqemud of its own (qemu:///embed), starts the machine that the file describes, and waits "
    "until it ends. Interrupted, it destroys the machine. No service has to run, and nothing outside of the "
    "root directory is written. QEMU's log is in log/qemu below that directory.",
    NULL,
};

static const struct tool tool = {
    .name = "virt-qemu-run",
    .purpose = "run one virtual machine without a service",
    .arguments = "[OPTION...] GUEST-XML-FILE",
    .text = paragraphs,
    .options = options,
    .status = "0 when the machine ran and ended, 1 when it could not be started.",
    .see_also = "virsh(1), virtqemud(8)",
    .usage = "Usage:\n"
             "  virt-qemu-run [OPTION?] GUEST-XML-FILE - run a standalone QEMU process\n"
             "\n"
             "Help Options:\n"
             "  -h, --help                                         Show help options\n"
             "\n"
             "Application Options:\n"
             "  -s, --secret=SECRET-XML-FILE,SECRET-VALUE-FILE     Load secret file\n"
             "  -r, --root=DIR                                     Root directory\n"
             "  -d, --debug                                        Debug output\n"
             "  -v, --verbose                                      Verbose output\n"
             "\n",
};

/* Milliseconds since the program began, in front of what it does. */
static void tell(const char *format, ...) PRINTF(1, 2);
static void tell(const char *format, ...)
{
    static struct timespec begin;
    struct timespec now;
    va_list args;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!begin.tv_sec)
        begin = now;
    if (!verbose)
        return;
    fprintf(stderr, "%s: %" PRId64 ": ", name,
            (int64_t)(now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static int fail(const char *what, const char *on, const char *why)
{
    fprintf(stderr, "%s: cannot %s%s%s: %s\n", name, what, *on ? " " : "", on, why);
    return -1;
}

static int fail_call(const char *what, const char *on)
{
    return fail(what, on, virGetLastErrorMessage());
}

static void quiet(void *opaque, virErrorPtr error)
{
}

static void on_signal(int number)
{
    int saved = errno;

    (void)!write(signal_pipe[1], "", 1);
    errno = saved;
}

static void on_pipe(int watch, int fd, int events, void *opaque)
{
    struct guest *guest = opaque;
    char byte;

    if (read(fd, &byte, 1) != 1)
        return;
    tell("stopping the guest");
    if (!guest->domain || virDomainDestroy(guest->domain) < 0)
        guest->ended = true;
}

static int on_event(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    struct guest *guest = opaque;

    if (event == VIR_DOMAIN_EVENT_STOPPED)
        guest->ended = true;
    return 0;
}

static virConnectPtr open_root(const char *driver, const char *root)
{
    auto_free char *uri = mem_printf("%s:///embed?root=%s", driver, root);
    virConnectPtr conn;

    tell("opening %s", uri);
    conn = virConnectOpen(uri);
    if (!conn)
        fail_call("open", uri);
    return conn;
}

/* "XML-FILE,VALUE-FILE" */
static int load_secret(virConnectPtr conn, const char *pair)
{
    auto_buf struct buf xml = {0}, value = {0};
    auto_free char *files = mem_strdup(pair);
    char *value_file = strchr(files, ',');
    virSecretPtr secret;
    int r;

    if (!value_file) {
        fprintf(stderr, "%s: expected a pair of filenames for --secret argument\n", name);
        return -1;
    }
    *value_file++ = '\0';
    tell("loading secret %s and %s", files, value_file);
    if ((r = file_read(AT_FDCWD, files, XML_SIZE_MAX, &xml)) < 0)
        return fail("read secret XML", files, strerror(-r));
    if ((r = file_read(AT_FDCWD, value_file, SECRET_SIZE_MAX, &value)) < 0)
        return fail("read secret value", value_file, strerror(-r));
    secret = virSecretDefineXML(conn, buf_text(&xml), 0);
    if (!secret)
        return fail_call("define secret", files);
    r = virSecretSetValue(secret, (const unsigned char *)buf_text(&value), value.length, 0);
    mem_wipe(value.data, value.length);
    virSecretFree(secret);
    return r < 0 ? fail_call("set value for secret", files) : 0;
}

static int run_guest(virConnectPtr conn, const char *file, struct guest *guest)
{
    auto_buf struct buf xml = {0};
    int r;

    tell("fetching guest config %s", file);
    if ((r = file_read(AT_FDCWD, file, XML_SIZE_MAX, &xml)) < 0)
        return fail("read", file, strerror(-r));
    if (virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_event), guest, NULL) < 0)
        return fail_call("register for lifecycle events", "");
    tell("starting guest %s", file);
    guest->domain = virDomainCreateXML(conn, buf_text(&xml), VIR_DOMAIN_START_AUTODESTROY);
    if (!guest->domain)
        return fail_call("start VM", "");
    tell("guest running, Ctrl-C to stop now");
    while (!guest->ended && virConnectIsAlive(conn) == 1)
        if (virEventRunDefaultImpl() < 0)
            return fail_call("wait for the guest", "");
    return 0;
}

static int catch_signals(struct guest *guest)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};

    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail("create event loop pipe", "", strerror(errno));
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    if (virEventAddHandle(signal_pipe[0], VIR_EVENT_HANDLE_READABLE, on_pipe, guest, NULL) < 0)
        return fail_call("register event loop handle", "");
    return 0;
}

static int run(const char *root, char **secrets, const char *file)
{
    virConnectPtr secret_conn = NULL, conn = NULL;
    struct guest guest = {0};
    int r = -1;

    tell("initializing libvirt %llu", (unsigned long long)LIBVIR_VERSION_NUMBER);
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
        return fail_call("initialize libvirt", "");
    if (catch_signals(&guest) < 0)
        return -1;
    /* the daemon of secrets stays as long as its connection */
    if (secrets && !(secret_conn = open_root("secret", root)))
        return -1;
    for (char **secret = secrets; secret && *secret; secret++)
        if (load_secret(secret_conn, *secret) < 0)
            goto done;
    conn = open_root("qemu", root);
    r = conn ? run_guest(conn, file, &guest) : -1;
done:
    if (guest.domain)
        virDomainFree(guest.domain);
    if (conn)
        virConnectClose(conn);
    if (secret_conn)
        virConnectClose(secret_conn);
    tell("cleaned up, exiting");
    return r;
}

static int make_root(const char *given, char *temporary, const char **ret)
{
    int r;

    *ret = given ? given : temporary;
    if (given)
        return (r = file_make_dirs(given, 0755)) < 0 ? fail("create dir", given, strerror(-r)) : 0;
    if (!mkdtemp(temporary))
        return fail("create temporary dir", temporary, strerror(errno));
    /* QEMU runs as a user of its own and has to get there */
    if (geteuid() == 0 && chmod(temporary, 0755) < 0)
        return fail("chmod temporary dir", temporary, strerror(errno));
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    return remove(path);
}

int main(int argc, char **argv)
{
    char temporary[] = "/tmp/virt-qemu-run-XXXXXX";
    const char *given = NULL, *root;
    auto_strv char **secrets = NULL;
    int option, r;

    while ((option = tool_next(&tool, argc, argv, EXIT_FAILURE)) != -1)
        switch (option) {
        case 's':
            secrets = strv_add(secrets, optarg);
            break;
        case 'r':
            given = optarg;
            break;
        case 'd':
            setenv("LIBVIRT_DEBUG", "1", 1);
            break;
        case 'v':
            verbose = true;
            break;
        }
    if (optind + 1 != argc)
        tool_misused(&tool, EXIT_FAILURE);
    virSetErrorFunc(NULL, quiet);
    if (make_root(given, temporary, &root) < 0)
        return EXIT_FAILURE;
    r = run(root, secrets, argv[optind]);
    if (!given)
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
