/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start: from a model to a running QEMU. A failure at any step leaves by the one way of run_end(). The order
 * keeps two promises: a status file is there before anything else is made, so that no kill of the daemon
 * leaves an unknown QEMU or what was made for it behind; and the first commands are in QEMU's monitor socket
 * before it is executed, so that nobody waits for a greeting.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/local.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "host/kvm.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/command.h"
#include "virtqemud/events.h"
#include "virtqemud/hook.h"
#include "virtqemud/iothread.h"
#include "virtqemud/limits.h"
#include "virtqemud/owner.h"
#include "virtqemud/perf.h"
#include "virtqemud/process.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/save.h"
#include "virtqemud/scope.h"
#include "virtqemud/stats.h"
#include "virtqemud/status.h"
#include "virtqemud/vcpu.h"
#include "virtqemud/vms.h"

#define HANDSHAKE_USEC SECONDS(60) /* a loaded host and a big preallocated memory take their time */

/* What one start has in its hands besides the run. */
struct start {
    struct vm *vm;
    struct run *run;
    const struct start_how *how;
    int monitor, log;         /* -1: none */
    const char *master_key;   /* its file */
    const char *const *media; /* by disk */
};

/* /var/lib/libvirt/qemu/domain-3-NAME: the name is cut, so that sockets beneath stay within sun_path. */
static void name_dirs(struct start *start)
{
    struct run *run = start->run;
    int length = 0;

    /* at most 20 bytes, never half a character, and never a path of its own */
    while (start->vm->name[length] && length < 20)
        length++;
    while (length && (start->vm->name[length] & 0xc0) == 0x80)
        length--;
    run->lib_dir = arena_printf(&run->arena, "%s/domain-%d-%.*s", qemud.dirs.lib, start->vm->id, length,
                                start->vm->name);
    run->monitor_path = arena_printf(&run->arena, "%s/monitor.sock", run->lib_dir);
    run->channel_dir = arena_printf(&run->arena, "%s/%s", qemud.dirs.channel, strrchr(run->lib_dir, '/') + 1);
}

/* libvirt takes no machine over that hasn't got one. */
static int make_master_key(struct req *rq, struct start *start, int dir)
{
    struct run *run = start->run;
    static const char name[] = "master-key.aes";
    auto_fd int fd = -1;
    uint8_t key[32];
    int r = 0;

    unlinkat(dir, name, 0);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        r = -errno;
    if (r == 0 && getrandom(key, sizeof(key), 0) != sizeof(key))
        r = -EIO;
    if (r == 0)
        r = fd_write_all(fd, key, sizeof(key));
    if (r == 0 && qemud.privileged && fchown(fd, qemud.conf.user, qemud.conf.group) < 0)
        r = -errno;
    mem_wipe(key, sizeof(key));
    if (r < 0)
        return err_system(&rq->err, r, "cannot write '%s/%s'", run->lib_dir, name);
    start->master_key = arena_printf(&run->arena, "%s/%s", run->lib_dir, name);
    return 0;
}

/* The socket that QEMU will accept on, and our end of its first connection, which waits in the backlog until
 * then. */
static int open_monitor(struct req *rq, struct start *start, int dir)
{
    struct run *run = start->run;
    auto_free char *whose = mem_printf("domain '%s'", start->vm->name);
    int fd;

    start->monitor = local_listen(dir, strrchr(run->monitor_path, '/') + 1, 1);
    if (start->monitor < 0)
        return err_system(&rq->err, start->monitor, "cannot listen on '%s'", run->monitor_path);
    fd = local_connect(run->monitor_path);
    if (fd < 0)
        return err_system(&rq->err, fd, "failed to connect to monitor socket");
    run->qmp = qmp_new(fd, whose, &run_qmp_handlers, start->vm);
    return qmp_broken(run->qmp) ? err_set(&rq->err, ERR_SYSTEM_ERROR, "%s", qmp_broken(run->qmp)) : 0;
}

/*
 * The directory of this run. What we put in it is made while it is ours alone, and then QEMU's user gets it:
 * all machines share that user, and one that was taken over by its guest must not lay links in our way.
 */
static int make_lib_dir(struct req *rq, struct start *start)
{
    struct run *run = start->run;
    auto_fd int dir = -1;
    int r = file_make_dir_given(run->lib_dir, 0700, geteuid(), getegid());

    if (r == 0 && (dir = open(run->lib_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        r = -errno;
    if (r < 0)
        return err_system(&rq->err, r, "cannot create directory '%s'", run->lib_dir);
    if (make_master_key(rq, start, dir) < 0 || open_monitor(rq, start, dir) < 0)
        return -1;
    if ((qemud.privileged && fchown(dir, qemud.conf.user, qemud.conf.group) < 0) || fchmod(dir, 0750) < 0)
        return err_system(&rq->err, errno, "cannot give directory '%s' to QEMU's user", run->lib_dir);
    return 0;
}

/* The machine's log begins each run with what is executed. */
static int open_log(struct req *rq, struct start *start, const char *const *argv, const char *const *env)
{
    struct run *run = start->run;
    auto_buf struct buf text = {0};
    char stamp[TIME_TEXT];
    struct utsname host;

    start->log = open(run->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (start->log < 0)
        return err_system(&rq->err, errno, "failed to create logfile %s", run->log_path);
    uname(&host);
    time_format(time_real(), stamp);
    buf_printf(&text,
               "%s: starting up vireo version: %s, qemu version: %u.%u.%u%s, kernel: %s, hostname: %s\n",
               stamp, PACKAGE_VERSION, run->caps->version / 1000000, run->caps->version / 1000 % 1000,
               run->caps->version % 1000, run->caps->package, host.release, host.nodename);
    command_format(&text, env, argv, " \\\n");
    fd_write_all(start->log, text.data, text.length);
    run->log_start = lseek(start->log, 0, SEEK_END);
    return 0;
}

static int make_command(struct req *rq, struct start *start, const char *const **ret_env)
{
    struct run *run = start->run;
    struct build *build = build_new(&run->arena, run->domain, run->caps);

    run->build = build;
    build->id = start->vm->id;
    build->lib_dir = run->lib_dir;
    build->channel_dir = run->channel_dir;
    build->master_key = start->master_key;
    build->monitor_fd = start->monitor;
    build->sandbox = qemud.conf.seccomp_sandbox;
    build->privileged = qemud.privileged;
    build->incoming = start->how->restored;
    if (build_prepare(rq, build) < 0 || build_command(rq, build) < 0)
        return -1;
    *ret_env = command_env(&run->arena, run->lib_dir, build->env);
    return 0;
}

static int spawn(struct req *rq, struct start *start, const char *const *env)
{
    struct run *run = start->run;
    struct build *build = run->build;
    int *keep = ARENA_ARRAY(&rq->arena, int, build->count_fds + 1);
    struct process_spec spec = {
        .argv = build->argv,
        .env = env,
        .keep = keep,
        .count_keep = build->count_fds + 1,
        .output = start->log,
        .uid = qemud.privileged ? qemud.conf.user : (uid_t)-1,
        .gid = qemud.privileged ? qemud.conf.group : (gid_t)-1,
        .max_core = qemud.conf.max_core,
        .max_files = qemud.conf.max_files,
        .max_processes = qemud.conf.max_processes,
        .max_memlock = limits_locked_memory(run->domain),
        .memory_policy = limits_memory_policy(run->domain),
        .memory_nodes = run->domain->numatune.nodes,
    };
    const gid_t kvm = run->domain->virt == VIRT_KVM ? kvm_group() : (gid_t)-1;
    siginfo_t info;
    int r;

    spec.groups = &kvm;
    spec.count_groups = kvm != (gid_t)-1;
    for (unsigned i = 0; i < build->count_fds; i++)
        keep[i] = build->fds[i];
    keep[build->count_fds] = start->monitor;
    if (process_spawn(&spec, &run->pid, &run->pidfd, &rq->err) < 0)
        return -1;
    run->ours = true;
    run->start_time = process_start_time(run->pid);
    for (unsigned i = 0; i < build->count_fds; i++)
        close(build->fds[i]);
    build->count_fds = 0;
    fd_close(&start->monitor);
    r = run_watch(start->vm);
    if (r < 0) { /* nobody would hear of its end: it ends here */
        pidfd_send_signal(run->pidfd, SIGKILL, NULL, 0);
        waitid(P_PIDFD, (id_t)run->pidfd, &info, WEXITED);
        run->pid = 0;
        return err_system(&rq->err, r, "cannot watch the process of domain '%s'", start->vm->name);
    }
    return 0;
}

/* Somebody destroyed the machine while it was on its way. */
static int check_wanted(struct req *rq, const struct start *start)
{
    if (start->vm->run == start->run && !start->run->ending)
        return 0;
    return err_set(&rq->err, ERR_OPERATION_FAILED, "domain '%s' was destroyed while it was started",
                   start->vm->name);
}

/* QEMU's own words make the error when it died; the log has them. The end of its monitor comes a moment
 * before its own. */
static int say_why(struct req *rq, struct start *start)
{
    struct run *run = start->run;
    auto_fd int pidfd = fcntl(run->pidfd, F_DUPFD_CLOEXEC, 3); /* the loop watches the other one */
    struct err why = {0};
    const char *said;

    if (run->ending) { /* by somebody's order: nothing is wrong with QEMU */
        err_clear(&rq->err);
        return check_wanted(rq, start);
    }
    if (run->qmp && !qmp_broken(run->qmp))
        return -1;
    if (pidfd < 0 || child_await(rq, pidfd, SECONDS(1), "the end of QEMU") < 0)
        return -1;
    said = run_log_tail(run, &rq->arena);
    if (!*said)
        return -1;
    err_set(&why, ERR_INTERNAL_ERROR, "process exited while connecting to monitor: %s", said);
    err_clear(&rq->err);
    err_move(&rq->err, &why);
    return -1;
}

/* The first conversation, in one write that is in the socket before QEMU runs. */
static int handshake(struct req *rq, struct start *start)
{
    struct run *run = start->run;
    struct qmp *qmp = run->qmp;
    struct qmp_call hello = {0}, cpus = {0};
    auto_json struct json_object *list = NULL;
    int r;

    if (!qmp || qmp_put(rq, qmp, &hello, "qmp_capabilities", NULL) < 0 ||
        qmp_put(rq, qmp, &cpus, "query-cpus-fast", NULL) < 0)
        return -1;
    r = qmp_take(rq, &hello, NULL, HANDSHAKE_USEC);
    if (r == 0)
        r = qmp_take(rq, &cpus, &list, SECONDS(30));
    qmp_drop(&cpus);
    if (r < 0)
        return -1;
    vcpu_learn(run, list);
    return 0;
}

/* What the live definition of the system's machines says about who runs them, as libvirt prints it. */
static void describe_host(struct run *run)
{
    struct domain *domain = run->domain;

    if (!qemud.privileged)
        return;
    if (!domain->n_seclabels) {
        struct seclabel *label = ARENA_NEW(&run->arena, struct seclabel);

        label->type = SECLABEL_DYNAMIC;
        label->model = arena_strdup(&run->arena, "dac");
        label->relabel = TRI_YES;
        label->label = label->imagelabel =
            arena_printf(&run->arena, "+%u:+%u", qemud.conf.user, qemud.conf.group);
        domain->seclabels = ARENA_ARRAY(&run->arena, struct seclabel *, 1);
        domain->seclabels[0] = label;
        domain->n_seclabels = 1;
    }
}

static bool has_balloon(const struct domain *domain)
{
    const struct balloon *balloon = domain->devices.balloon;

    return balloon && balloon->model != BALLOON_NONE && balloon->model != BALLOON_UNSET;
}

static int settle(struct req *rq, struct start *start)
{
    struct run *run = start->run;
    struct domain *domain = run->domain;
    struct qmp *qmp = vm_monitor(rq, start->vm);

    if (!qmp || build_started(rq, run->build, qmp) < 0)
        return -1;
    run->balloon_kib = domain->memory.total; /* until its driver gives some back */
    if (has_balloon(domain) && domain->memory.current < domain->memory.total) {
        const char *args =
            json_text(&rq->arena, "{'value': %llu}", (unsigned long long)domain->memory.current * 1024);

        if (!run->qmp || qmp_call(rq, run->qmp, "balloon", args, NULL, SECONDS(30)) < 0)
            return -1;
    }
    if (has_balloon(domain) && domain->devices.balloon->stats_period &&
        stats_poll_balloon(rq, start->vm, domain->devices.balloon->stats_period) < 0)
        return -1;
    if (iothread_learn(rq, start->vm) < 0 || limits_begin(rq, start->vm) < 0)
        return -1;
    return vcpu_settle(rq, start->vm) < 0 ? -1 : perf_begin(run, &rq->err);
}

/* Without it the machine would be lost, or killed as half started, when this daemon is restarted. */
static int save(struct req *rq, struct vm *vm)
{
    int r = status_save(vm);

    return r < 0 ? err_system(&rq->err, r, "cannot write '%s/%s.xml'", qemud.dirs.state, vm->name) : 0;
}

/* What the drives shall hold, to tell of media that turn out to be missing. */
static const char *const *media_of(struct run *run)
{
    const struct devices *devices = &run->domain->devices;
    const char **paths = ARENA_ARRAY(&run->arena, const char *, devices->n_disks + 1);

    for (size_t i = 0; i < devices->n_disks; i++)
        paths[i] = storage_is_empty(&devices->disks[i]->src) ? NULL : devices->disks[i]->src.path;
    return paths;
}

static int begin(struct req *rq, struct start *start)
{
    struct vm *vm = start->vm;
    struct run *run = start->run;
    const char *const *env;

    if (limits_check(run->domain, &rq->err) < 0 || (run->domain->virt == VIRT_KVM && kvm_require(rq) < 0))
        return -1;
    if (qemu_caps_get(rq, run->domain->devices.emulator, &run->caps) < 0)
        return -1;
    if (hook_run(rq, vm, run->domain, "prepare", "begin", NULL) < 0)
        return -1;
    vms_activate(qemud.vms, vm, vms_next_id(qemud.vms));
    run->domain->id = (struct opt_u32){(uint32_t)vm->id, true};
    vm_set_state(vm, API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_STARTING_UP);
    describe_host(run);
    run->log_path = arena_printf(&run->arena, "%s/%s.log", qemud.dirs.log, vm->name);
    name_dirs(start);
    start->media = media_of(run);
    if (save(rq, vm) < 0 || make_lib_dir(rq, start) < 0 || make_command(rq, start, &env) < 0 ||
        open_log(rq, start, run->build->argv, env) < 0 || owner_set(rq, run) < 0 ||
        hook_run(rq, vm, run->domain, "start", "begin", NULL) < 0)
        return -1;
    if (save(rq, vm) < 0 || check_wanted(rq, start) < 0 || spawn(rq, start, env) < 0 || save(rq, vm) < 0)
        return -1;
    scope_begin(vm);
    limits_place(vm);
    if (handshake(rq, start) < 0 || settle(rq, start) < 0)
        return say_why(rq, start);
    if (hook_run(rq, vm, run->domain, "started", "begin", NULL) < 0)
        return -1;
    return 0;
}

static void tell_missing(const struct start *start)
{
    const struct devices *devices = &start->run->domain->devices;

    for (size_t i = 0; i < devices->n_disks; i++)
        if (start->media[i] && storage_is_empty(&devices->disks[i]->src))
            event_medium_missing(start->vm, start->media[i], devices->disks[i]->info.alias);
}

/* The vCPUs run (or stay stopped); everybody is told. */
static int go(struct req *rq, struct start *start)
{
    struct vm *vm = start->vm;

    bool restored = start->how->restored;

    if (check_wanted(rq, start) < 0)
        return -1;
    tell_missing(start);
    if (restored) {
        if (save_load(rq, vm, start->how->stream) < 0)
            return say_why(rq, start);
        vm_set_state(vm, API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_MIGRATION);
        vm_emit_lifecycle(vm, API_DOMAIN_EVENT_STARTED, API_DOMAIN_EVENT_STARTED_RESTORED);
    } else if (start->how->paused) {
        vm_set_state(vm, API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_USER);
    }
    if (!start->how->paused &&
        machine_resume(rq, vm, restored ? API_DOMAIN_RUNNING_RESTORED : API_DOMAIN_RUNNING_BOOTED) < 0)
        return say_why(rq, start);
    if (check_wanted(rq, start) < 0)
        return -1;
    if (save(rq, vm) < 0)
        return -1;
    start->run->up = true;
    if (!restored)
        vm_emit_lifecycle(vm, API_DOMAIN_EVENT_STARTED, API_DOMAIN_EVENT_STARTED_BOOTED);
    if (start->how->paused)
        vm_emit_lifecycle(vm, API_DOMAIN_EVENT_SUSPENDED,
                          restored ? API_DOMAIN_EVENT_SUSPENDED_RESTORED : API_DOMAIN_EVENT_SUSPENDED_PAUSED);
    log_info("domain '%s' started (id %d, pid %d) in %.1f ms", vm->name, vm->id, start->run->pid,
             (double)(time_monotonic() - start->run->since) / 1e3);
    return 0;
}

/* Undo what was begun, with QEMU surely gone. */
static void roll_back(struct req *rq, struct vm *vm)
{
    struct run *run = vm->run;

    limits_await(rq, run);
    run->starting = false;
    if (run->pid && run->pidfd >= 0) {
        pidfd_send_signal(run->pidfd, SIGKILL, NULL, 0);
        run_await_end(rq, vm, SECONDS(30));
    }
    if (vm->run == run)
        run_end(vm, API_DOMAIN_SHUTOFF_FAILED, API_DOMAIN_EVENT_STOPPED_FAILED);
}

static void on_autodestroy(struct client_watch *watch, struct client *client)
{
    struct run *run = CONTAINER_OF(watch, struct run, autodestroy);

    machine_stop_later(run->vm, API_DOMAIN_SHUTOFF_DESTROYED, API_DOMAIN_EVENT_STOPPED_DESTROYED);
}

int machine_start(struct req *rq, struct vm *vm, struct arena *arena, struct domain *domain,
                  const struct start_how *how)
{
    struct start start = {vm, run_new(vm, arena, domain), how, .monitor = -1, .log = -1};
    int r;

    vm_ref(vm);
    fiber_shield(rq, true); /* a start goes on when its client leaves; every wait in it has a deadline */
    start.run->starting = true;
    r = begin(rq, &start);
    if (r == 0 && vm->run == start.run)
        r = go(rq, &start);
    fd_close(&start.monitor);
    fd_close(&start.log);
    if (r < 0) {
        struct err why = {0};

        err_move(&why, &rq->err);
        if (vm->run == start.run)
            roll_back(rq, vm);
        err_clear(&rq->err);
        err_move(&rq->err, &why);
    } else {
        start.run->starting = false;
        if (how->autodestroy) {
            start.run->autodestroy.gone = on_autodestroy;
            client_watch(how->autodestroy, &start.run->autodestroy);
            status_save(vm);
            if (client_gone(how->autodestroy)) /* it left meanwhile */
                machine_stop_later(vm, API_DOMAIN_SHUTOFF_DESTROYED, API_DOMAIN_EVENT_STOPPED_DESTROYED);
        }
    }
    fiber_shield(rq, false);
    vm_unref(vm);
    return r;
}
