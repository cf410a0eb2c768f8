/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/daemon-private.h"
#include "loop/listen.h"
#include "loop/loop.h"
#include "loop/pid-file.h"
#include "loop/signal.h"

/* How long running work may go on after SIGTERM; systemd kills after 90 s. */
#define DRAIN SECONDS(10)
/* Without any hold for so long, memory that was used for work is given back. */
#define QUIET SECONDS(1)
/* How long one that can't do its work stays for clients that want to know why. */
#define TROUBLE_STAY SECONDS(2)
enum { EXIT_TROUBLE = 78 }; /* sysexits' EX_CONFIG */
enum { FILES_WANTED = 65536 };

/* -- leaving when idle -- */

/*
 * The timer isn't stopped when somebody comes, it just finds out when it is due: clients come and go without
 * a system call for it.
 */
static void idle_due(void *arg)
{
    struct daemon *daemon = arg;
    uint64_t since = time_monotonic() - daemon->idle_since;

    if (daemon->holds)
        return;
    if (since < QUIET) {
        timer_once(&daemon->idle, QUIET - since, idle_due, daemon);
        return;
    }
    fiber_trim();
    mem_trim();
    if (!daemon->idle_usec)
        return;
    if (since >= daemon->idle_usec)
        daemon_stop(daemon, "nobody needs it");
    else
        timer_once(&daemon->idle, daemon->idle_usec - since, idle_due, daemon);
}

void daemon_hold(struct daemon *daemon)
{
    daemon->holds++;
}

void daemon_release(struct daemon *daemon)
{
    if (!daemon->holds)
        abort();
    if (--daemon->holds)
        return;
    daemon->idle_since = time_monotonic();
    if (!timer_running(&daemon->idle))
        timer_once(&daemon->idle, QUIET, idle_due, daemon);
}

void daemon_set_timeout(struct daemon *daemon, uint64_t usec)
{
    daemon->idle_usec = usec;
    timer_once(&daemon->idle, QUIET, idle_due, daemon);
}

/* -- stopping, reloading, looking inside -- */

static void stop_main(struct req *rq, void *arg)
{
    struct daemon *daemon = arg;

    if (daemon->spec->drain)
        daemon->spec->drain(rq, daemon, DRAIN, daemon->managed && keep_possible());
    sd_event_exit(loop_event(), EXIT_SUCCESS);
}

void daemon_stop(struct daemon *daemon, const char *why)
{
    if (daemon->stopping)
        return;
    log_info("stops: %s", why);
    daemon->stopping = true;
    sd_notify(/* unset_environment= */ 0, "STOPPING=1");
    daemon->stop_rq.name = "daemon_stop";
    fiber_start(&daemon->stop_rq, stop_main, /* done= */ NULL, daemon);
}

static void on_stop(int number, void *arg)
{
    struct daemon *daemon = arg;

    /* who asks twice doesn't want to wait */
    if (daemon->stopping)
        sd_event_exit(loop_event(), EXIT_SUCCESS);
    daemon_stop(daemon, number == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_reload(int number, void *arg)
{
    struct daemon *daemon = arg;
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct daemon_conf *conf;

    if (daemon->explains) { /* the cause may be gone: the next client is answered by a new start */
        daemon_stop(daemon, "SIGHUP");
        return;
    }
    sd_notifyf(/* unset_environment= */ 0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, time_monotonic());
    if (daemon_read_conf(daemon, &arena, &conf, &err) < 0 || daemon_set_logging(daemon, conf, &err) < 0 ||
        (daemon->spec->reload && daemon->spec->reload(daemon, &err) < 0))
        log_error("reload: %s", err.message);
    sd_notify(/* unset_environment= */ 0, "READY=1");
}

/* For whoever wonders why something takes long: all requests, where they wait, since when. */
static void on_debug(int number, void *arg)
{
    struct daemon *daemon = arg;
    auto_buf struct buf text = {0};
    auto_strv char **lines = NULL;

    fiber_list(&text);
    lines = str_split(buf_text(&text), "\n");
    log_warning("%zu requests, %u holds", strv_length(lines), daemon->holds);
    for (size_t i = 0; lines && lines[i]; i++)
        log_warning("request %s", lines[i]);
}

static int catch_signals(struct daemon *daemon, struct err *err)
{
    static const struct {
        int number;
        void (*caught)(int number, void *arg);
    } signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR1, on_debug}};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        int r = signal_catch(signals[i].number, signals[i].caught, daemon);

        if (r < 0)
            return err_system(err, r, "cannot catch signal %d", signals[i].number);
    }
    return 0;
}

/* -- starting -- */

static bool log_context(const char **ret_name, uint64_t *ret_serial)
{
    const struct req *rq = fiber_current();

    if (!rq)
        return false;
    *ret_name = rq->name;
    *ret_serial = rq->serial;
    return true;
}

static void set_limits(const struct daemon *daemon)
{
    struct rlimit files, none = {0};

    umask(077);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_WANTED) {
        files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (daemon->spec->secretive) {
        mem_wiping = true;
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_DUMPABLE, 0);
    }
}

static int make_dirs(const struct daemon *daemon, struct err *err)
{
    const char *const dirs[] = {daemon->paths.run, daemon->paths.pid,
                                daemon->privileged ? NULL : daemon->paths.log};

    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        int r = dirs[i] ? file_make_dirs(dirs[i], daemon->privileged ? 0755 : 0700) : 0;

        if (r < 0)
            return err_system(err, r, "cannot make directory '%s'", dirs[i]);
    }
    return 0;
}

/* Whoever manages the same objects holds this file, libvirt's daemons too, whatever their names are. */
static int lock_objects(struct daemon *daemon, struct err *err)
{
    bool system = daemon->privileged || daemon->root;
    const char *dir = arena_printf(&daemon->arena, system ? "%s/%s" : "%s/%s/run", daemon->paths.run,
                                   daemon->spec->objects);
    int r = file_make_dirs(dir, daemon->privileged ? 0755 : 0700);

    if (r < 0)
        return err_system(err, r, "cannot make directory '%s'", dir);
    daemon->objects_path = arena_printf(&daemon->arena, "%s/driver.pid", dir);
    return pid_file_lock(daemon->objects_path, &daemon->objects_fd, err);
}

static int open_sockets(struct daemon *daemon, struct err *err)
{
    struct listener listeners[LISTENERS_MAX];
    struct kept *kept = NULL;
    size_t count = 0, kept_count = 0, i;
    int r = daemon->embed_fd >= 0 ? 0 : listen_inherited(listeners, &count, &kept, &kept_count, err);

    daemon->managed = count;
    if (r >= 0 && !count) {
        r = listen_own(daemon, listeners, &count, err);
        daemon->own_sockets = true;
    }
    for (i = 0; r >= 0 && i < count; i++)
        r = daemon->spec->listen(daemon, FD_TAKE(listeners[i].fd), listeners[i].kind, err);
    listen_close(listeners + i, count - i);
    if (r >= 0 && daemon->spec->resume && kept_count)
        daemon->spec->resume(daemon, kept, kept_count);
    keep_done(kept, kept_count);
    return r;
}

/* The program's further connections find a socket below the folder; one that is too deep for a socket is
 * served all the same. */
static int serve_embedded(struct daemon *daemon, struct err *err)
{
    if (daemon->root && open_sockets(daemon, err) < 0) {
        log_warning("%s: no further connections: %s", daemon->spec->name, err->message);
        err_clear(err);
    }
    return daemon->spec->serve(daemon, daemon->embed_fd, err);
}

static int start(struct daemon *daemon, struct err *err)
{
    const struct daemon_spec *spec = daemon->spec;

    if (spec->system_only && !daemon->privileged)
        return err_set(err, ERR_OPERATION_DENIED, "%s only runs as root", spec->name);
    if (paths_fill(&daemon->arena, daemon->privileged, daemon->root, &daemon->paths, err) < 0 ||
        catch_signals(daemon, err) < 0 || daemon_read_conf(daemon, &daemon->arena, &daemon->conf, err) < 0 ||
        make_dirs(daemon, err) < 0 || daemon_set_logging(daemon, daemon->conf, err) < 0)
        return -1;
    log_set_context(log_context);
    if (!daemon->pid_path)
        daemon->pid_path = arena_printf(&daemon->arena, "%s/%s.pid", daemon->paths.pid, spec->name);
    if (pid_file_lock(daemon->pid_path, &daemon->pid_fd, err) < 0 ||
        (spec->objects && lock_objects(daemon, err) < 0))
        return -1;
    daemon->started = true;
    if (spec->start && spec->start(daemon, err) < 0)
        return -1;
    if (daemon->embed_fd >= 0)
        return serve_embedded(daemon, err);
    return spec->listen ? open_sockets(daemon, err) : 0;
}

/* However many came: the cause may be gone, and only a new start finds out. */
static void explained(void *arg)
{
    daemon_stop(arg, "it can't do its work");
}

/*
 * Whoever systemd started this daemon for would wait for an answer as long as the cause is there: so it stays
 * for a moment and tells its clients, and ends in a way that systemd doesn't repeat (units/service.in) until
 * the next one comes.
 */
static bool stay_to_explain(struct daemon *daemon, const struct err *why)
{
    auto_err struct err err = {0};

    if (!daemon->spec->explain || !daemon->paths.run || sd_listen_fds(/* unset_environment= */ 0) <= 0)
        return false;
    daemon->spec->explain(daemon, why->message);
    daemon->explains = true;
    if (open_sockets(daemon, &err) < 0) {
        log_error("%s: %s", daemon->spec->name, err.message);
        return false;
    }
    sd_notifyf(/* unset_environment= */ 0, "STATUS=Can't do its work: %s", why->message);
    timer_once(&daemon->idle, TROUBLE_STAY, explained, daemon);
    return true;
}

static void finish(struct daemon *daemon)
{
    if ((daemon->started || daemon->explains) && daemon->spec->stop)
        daemon->spec->stop(daemon);
    timer_stop(&daemon->idle);
    if (daemon->own_sockets)
        listen_remove_own(daemon);
    if (daemon->pid_fd >= 0)
        pid_file_release(daemon->pid_path, &daemon->pid_fd);
    if (daemon->objects_fd >= 0)
        pid_file_release(daemon->objects_path, &daemon->objects_fd);
    arena_done(&daemon->stop_rq.arena);
    err_clear(&daemon->stop_rq.err);
    arena_done(&daemon->arena);
}

int daemon_main(int argc, char **argv, const struct daemon_spec *spec)
{
    struct daemon daemon = {.spec = spec,
                            .data = spec->data,
                            .privileged = geteuid() == 0,
                            .pid_fd = -1,
                            .objects_fd = -1,
                            .ready_fd = -1,
                            .embed_fd = -1};
    auto_err struct err err = {0};
    int r = daemon_options(&daemon, argc, argv);

    if (r != 0)
        return r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    set_limits(&daemon);
    /* before there is a loop, a lock or a thread */
    if (daemon.in_background && (r = daemon_to_background(&daemon)) < 0) {
        fprintf(stderr, "%s: cannot go to the background: %s\n", spec->name, strerror(-r));
        return EXIT_FAILURE;
    }
    if (start(&daemon, &err) < 0) {
        log_error("%s: %s", spec->name, err.message);
        if (!stay_to_explain(&daemon, &err)) {
            finish(&daemon);
            return EXIT_FAILURE;
        }
    }
    sd_notify(/* unset_environment= */ 0, "READY=1");
    daemon_tell_ready(&daemon);
    /* the first moment of idleness: nobody may ever come */
    daemon_hold(&daemon);
    daemon_release(&daemon);
    r = loop_run();
    if (r < 0)
        log_error("the event loop failed: %s", strerror(-r));
    finish(&daemon);
    return r < 0 ? EXIT_FAILURE : daemon.explains ? EXIT_TROUBLE : r;
}
