/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/save.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/work.h"
#include "virtqemud/caps.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/save-filter.h"

#define QMP_USEC SECONDS(30)
#define FILE_USEC SECONDS(60) /* for a server that is slow; one that hangs longer is given up */

/* ---- files, on a worker ---- */

enum file_what { FILE_CREATE, FILE_FINISH, FILE_OPEN, FILE_DEFINE };

/* Counted on the loop's thread alone: the caller's hand and the worker's. */
struct file_work {
    unsigned refs;
    enum file_what what;
    char *path, *xml;
    int running;
    bool partial;
    enum save_format format;
    struct save_image image;
    struct err err;
};

static int file_run(void *arg)
{
    struct file_work *work = arg;

    switch (work->what) {
    case FILE_CREATE:
        return save_image_create(work->path, work->xml, work->running, work->format, &work->image,
                                 &work->err);
    case FILE_FINISH:
        return save_image_finish(work->path, &work->image, &work->err);
    case FILE_OPEN:
        return save_image_open(work->path, work->partial, &work->image, &work->err);
    default:
        return save_image_define(work->path, work->xml, work->running, &work->err);
    }
}

static void file_release(void *arg)
{
    struct file_work *work = arg;

    if (--work->refs)
        return;
    save_image_done(&work->image);
    err_clear(&work->err);
    free(work->path);
    free(work->xml);
    free(work);
}

/* image: in for FILE_FINISH, out for those that open one. */
static int on_worker(struct req *rq, struct file_work what, struct save_image *image)
{
    struct file_work *work = NEW(struct file_work);
    int r;

    *work = what;
    work->refs = 2;
    work->path = mem_strdup(what.path);
    work->xml = mem_strdup(what.xml);
    work->image.fd = -1;
    if (what.what == FILE_FINISH) {
        work->image = *image;
        image->fd = -1;
        image->xml = NULL;
    }
    r = work_run(rq, file_run, file_release, work, FILE_USEC, "the disk of a saved state");
    if (r == 0 && image) {
        *image = work->image;
        work->image = (struct save_image){.fd = -1};
    } else if (r < 0 && err_is_set(&work->err)) {
        err_move(&rq->err, &work->err);
    } else if (r < 0) {
        err_set(&rq->err, ERR_OPERATION_TIMEOUT, "'%s' can't be reached in time", what.path);
    }
    file_release(work);
    return r < 0 ? -1 : 0;
}

int save_open(struct req *rq, const char *path, bool partial, struct save_image *ret)
{
    *ret = (struct save_image){.fd = -1};
    return on_worker(rq, (struct file_work){.what = FILE_OPEN, .path = (char *)path, .partial = partial},
                     ret);
}

int save_define(struct req *rq, const char *path, const char *xml, int running)
{
    return on_worker(
        rq,
        (struct file_work){.what = FILE_DEFINE, .path = (char *)path, .xml = (char *)xml, .running = running},
        NULL);
}

/* ---- QEMU's part ---- */

/* A descriptor that QEMU has a stream in. */
struct place {
    const char *uri; /* for migrate and migrate-incoming */
    bool in_set;
    unsigned set;
};

/* Files from 9.1 on as members of a set, whose access mode must be the one that QEMU opens with; else by a
 * name. */
static int give_fd(struct req *rq, struct vm *vm, int fd, struct place *ret)
{
    auto_json struct json_object *set = NULL;
    struct qmp *qmp = vm_monitor(rq, vm);
    struct qmp_call call = {0};
    struct stat about;

    *ret = (struct place){.uri = "fd:state"};
    ret->in_set = vm->run && vm->run->caps && qemu_caps_has(vm->run->caps, QEMU_CAP_MIGRATE_FILE) &&
                  fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    if (!qmp || (ret->in_set ? qmp_put_fd(rq, qmp, &call, "add-fd", NULL, fd)
                             : qmp_put_fd(rq, qmp, &call, "getfd", "{\"fdname\":\"state\"}", fd)) < 0)
        return -1;
    if (qmp_take(rq, &call, &set, QMP_USEC) < 0)
        return -1;
    if (!ret->in_set)
        return 0;
    ret->set = (unsigned)json_uint(set, "fdset-id", 0);
    ret->uri = arena_printf(&rq->arena, "file:/dev/fdset/%u,offset=%" PRIu64, ret->set,
                            (uint64_t)lseek(fd, 0, SEEK_CUR));
    return 0;
}

/* Keeps rq's error. */
static void take_fd_back(struct req *rq, struct vm *vm, const struct place *place)
{
    struct err why = {0};
    struct qmp *qmp;

    if (!place->in_set || !vm->run)
        return;
    err_move(&why, &rq->err);
    qmp = vm_monitor(rq, vm);
    if (qmp)
        (void)qmp_call(rq, qmp, "remove-fd", arena_printf(&rq->arena, "{\"fdset-id\":%u}", place->set), NULL,
                       QMP_USEC);
    err_clear(&rq->err);
    err_move(&rq->err, &why);
}

/* Until QEMU says that the stream is at its end. Looks often at first: a small machine needs milliseconds. */
static int await_stream(struct req *rq, struct vm *vm, const char *doing)
{
    const struct run *run = vm->run;
    uint64_t pause = MILLISECONDS(2);

    for (;;) {
        auto_json struct json_object *state = NULL;
        struct qmp *qmp = vm_monitor(rq, vm);
        const char *status;

        if (!qmp || qmp_call(rq, qmp, "query-migrate", NULL, &state, QMP_USEC) < 0)
            return -1;
        status = json_string(state, "status");
        if (str_eq(status, "completed"))
            return vm->run == run ? 0 : vm_check_active(rq, vm);
        if (str_eq(status, "cancelled") || str_eq(status, "cancelling"))
            return err_set(&rq->err, ERR_OPERATION_ABORTED, "%s: canceled by client", doing);
        if (str_eq(status, "failed")) {
            const char *why = json_string(state, "error-desc");

            return err_set(&rq->err, ERR_OPERATION_FAILED, "%s: %s", doing,
                           why ? why : "unexpectedly failed");
        }
        if (fiber_sleep(rq, pause, doing) < 0)
            return err_set(&rq->err, ERR_OPERATION_ABORTED, "%s: given up", doing);
        if (vm->run != run)
            return vm_check_active(rq, vm);
        pause = pause < MILLISECONDS(100) ? pause * 2 : pause;
    }
}

static int save_state(struct req *rq, struct vm *vm, int fd)
{
    struct place place;
    struct qmp *qmp;
    int r;

    if (give_fd(rq, vm, fd, &place) < 0)
        return -1;
    if (!(qmp = vm_monitor(rq, vm)) ||
        /* a disk is not a network that others use, too */
        qmp_call(rq, qmp, "migrate-set-parameters", "{\"max-bandwidth\":9223372036853727232}", NULL,
                 QMP_USEC) < 0 ||
        !(qmp = vm_monitor(rq, vm)) ||
        qmp_call(rq, qmp, "migrate", json_text(&rq->arena, "{'uri':%s}", place.uri), NULL, QMP_USEC) < 0) {
        take_fd_back(rq, vm, &place);
        return -1;
    }
    if (!vm->run)
        return vm_check_active(rq, vm);
    vm->run->streaming = true;
    r = await_stream(rq, vm, "saving the state");
    if (vm->run)
        vm->run->streaming = false;
    take_fd_back(rq, vm, &place);
    return r;
}

int save_load(struct req *rq, struct vm *vm, int fd)
{
    struct place place;
    struct qmp *qmp;
    int r;

    if (give_fd(rq, vm, fd, &place) < 0)
        return -1;
    qmp = vm_monitor(rq, vm);
    r = qmp ? qmp_call(rq, qmp, "migrate-incoming", json_text(&rq->arena, "{'uri':%s}", place.uri), NULL,
                       QMP_USEC)
            : -1;
    if (r >= 0)
        r = await_stream(rq, vm, "restoring the state");
    take_fd_back(rq, vm, &place);
    return r;
}

/* ---- both ---- */

/* QEMU doesn't let a guest go on while it still writes its state. */
static void cancel_stream(struct req *rq, struct vm *vm)
{
    static const char *const moving[] = {"setup", "active", "device", "cancelling", NULL};
    struct qmp *qmp = vm_monitor(rq, vm);
    int r = qmp ? qmp_call(rq, qmp, "migrate_cancel", NULL, NULL, QMP_USEC) : -1;

    for (int tries = 0; r == 0 && tries < 100; tries++) {
        auto_json struct json_object *state = NULL;

        r = qmp_call(rq, qmp, "query-migrate", NULL, &state, QMP_USEC);
        if (r < 0 || enum_find(moving, json_string(state, "status")) < 0)
            break;
        r = fiber_sleep(rq, MILLISECONDS(20), "the end of a save that was given up");
    }
    err_clear(&rq->err);
}

/* The user gets what went wrong first. */
static void go_on(struct req *rq, struct vm *vm, const struct run *run, bool was_running)
{
    struct err why = {0};

    err_move(&why, &rq->err);
    if (vm->run == run && was_running)
        cancel_stream(rq, vm);
    if (vm->run == run && was_running && machine_resume(rq, vm, API_DOMAIN_RUNNING_SAVE_CANCELED) < 0)
        log_error("domain '%s' stays paused after a failed save: %s", vm->name, rq->err.message);
    err_clear(&rq->err);
    err_move(&rq->err, &why);
}

int save_stream(struct req *rq, struct vm *vm, int fd, enum save_format format, bool bypass_cache)
{
    CLEANUP(save_filter_done) struct save_filter filter = {0};

    if (save_filter_start(format, bypass_cache, /* reading= */ false, fd, &filter, &rq->err) < 0 ||
        save_state(rq, vm, filter.stream) < 0)
        return -1;
    return save_filter_finish(rq, &filter);
}

int save_machine(struct req *rq, struct vm *vm, const char *path, const char *xml, int running,
                 bool bypass_cache)
{
    CLEANUP(save_image_done) struct save_image image = {.fd = -1};
    const struct run *run = vm->run;
    bool was_running = vm->state == API_DOMAIN_RUNNING, created;
    int r;

    fiber_shield(rq, true); /* it ends, or goes on: never half of both */
    r = was_running ? machine_pause(rq, vm, API_DOMAIN_PAUSED_SAVE) : 0;
    if (r == 0)
        r = on_worker(rq,
                      (struct file_work){.what = FILE_CREATE,
                                         .path = (char *)path,
                                         .xml = (char *)xml,
                                         .format = qemud.conf.save_format,
                                         .running = running < 0 ? was_running : running},
                      &image);
    created = r == 0 && image.fd >= 0;
    if (r == 0 && vm->run == run)
        r = save_stream(rq, vm, image.fd, image.format, bypass_cache);
    if (r == 0)
        r = on_worker(rq, (struct file_work){.what = FILE_FINISH, .path = (char *)path}, &image);
    if (r < 0) {
        if (created)
            save_image_discard(path);
        go_on(rq, vm, run, was_running);
    } else {
        r = machine_stop(rq, vm, false, API_DOMAIN_SHUTOFF_SAVED, API_DOMAIN_EVENT_STOPPED_SAVED);
    }
    fiber_shield(rq, false);
    return r;
}
