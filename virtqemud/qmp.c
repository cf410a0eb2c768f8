/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QMP client. One buffer collects bytes until a line is whole; lines are answers (matched by id with the
 * calls that wait), events, or the greeting. A call that gave up leaves the list, so that a late answer finds
 * nobody.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "loop/loop.h"

enum {
    LINE_MAX_BYTES = 16 << 20, /* the longest answers known (query-qmp-schema) have 200 KB */
    OUT_MAX_BYTES = 4 << 20,   /* a QEMU that doesn't read must not fill our memory */
    READ_BYTES = 16 << 10,
    OUT_FDS = 8,
};

struct qmp {
    unsigned refs; /* the owner's, one for each call on its way, and those of requests that keep it */
    int fd;        /* -1 once the owner has let go */
    struct watch watch;
    const struct qmp_handlers *handlers;
    void *owner;
    char *whose, *broken;
    char error_class[64];
    uint32_t last_id;
    struct qmp_call *calls; /* oldest first */
    uint64_t since;         /* when the oldest of them became the oldest, CLOCK_MONOTONIC us */
    struct buf in, out;
    size_t sent;    /* of out */
    size_t scanned; /* of in: no newline before it */
    unsigned count_fds;
    struct {
        size_t at; /* offset in out of the first byte of the command */
        int fd;
    } fds[OUT_FDS];
};

static void qmp_unref(struct qmp *qmp)
{
    if (--qmp->refs)
        return;
    buf_done(&qmp->in);
    buf_done(&qmp->out);
    free(qmp->broken);
    free(qmp->whose);
    free(qmp);
}

/* The monitor is of no use any more: tell all who wait, then the owner. */
static void qmp_break(struct qmp *qmp, const char *why)
{
    if (qmp->broken)
        return;
    qmp->broken = mem_strdup(why ? why : "End of file from qemu monitor");
    watch_remove(&qmp->watch);
    for (struct qmp_call *call = qmp->calls; call; call = call->next)
        wait_wake(&call->wait, -EPIPE);
    if (qmp->owner)
        qmp->handlers->closed(qmp->owner, why);
}

static void take_answer(struct qmp *qmp, struct json_object *answer)
{
    int64_t id = json_int(answer, "id", -1);
    struct qmp_call **at = &qmp->calls;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    if (!*at)
        return; /* whoever asked has given up */
    struct qmp_call *call = *at;

    *at = call->next;
    call->next = NULL;
    call->reply = json_object_get(answer);
    qmp->since = time_monotonic();
    wait_wake(&call->wait, 0);
}

static void take_line(struct qmp *qmp, const char *line, size_t length)
{
    auto_json struct json_object *object = NULL;
    const char *event;

    while (length && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (!length)
        return;
    object = json_read(line, length);
    if (!json_object_is_type(object, json_type_object)) {
        auto_free char *why = mem_printf("cannot parse what the monitor of %s sent: '%.*s'", qmp->whose,
                                         (int)(length < 80 ? length : 80), line);
        qmp_break(qmp, why);
        return;
    }
    event = json_string(object, "event");
    if (event) {
        struct json_object *stamp = json_get(object, "timestamp");

        qmp->handlers->event(qmp->owner, event, json_get(object, "data"), json_uint(stamp, "seconds", 0),
                             (uint32_t)json_uint(stamp, "microseconds", 0));
    } else if (json_get(object, "return") || json_get(object, "error")) {
        take_answer(qmp, object);
    } else if (!json_get(object, "QMP")) {
        auto_free char *why = mem_printf("the monitor of %s sent something unknown: '%.*s'", qmp->whose,
                                         (int)(length < 80 ? length : 80), line);
        qmp_break(qmp, why);
    }
}

static void take_lines(struct qmp *qmp)
{
    size_t begin = 0;

    while (!qmp->broken) {
        char *end = memchr(qmp->in.data + qmp->scanned, '\n', qmp->in.length - qmp->scanned);

        if (!end)
            break;
        qmp->scanned = (size_t)(end - qmp->in.data) + 1;
        take_line(qmp, qmp->in.data + begin, (size_t)(end - qmp->in.data) - begin);
        begin = qmp->scanned;
    }
    memmove(qmp->in.data, qmp->in.data + begin, qmp->in.length - begin);
    qmp->in.length -= begin;
    qmp->scanned = qmp->in.length;
    if (!qmp->in.length && qmp->in.room > 8 * READ_BYTES)
        buf_done(&qmp->in);
    if (qmp->in.length > LINE_MAX_BYTES) {
        auto_free char *why =
            mem_printf("the monitor of %s sent %zu bytes without an end of line", qmp->whose, qmp->in.length);
        qmp_break(qmp, why);
    }
}

static void set_events(struct qmp *qmp)
{
    watch_set(&qmp->watch, EPOLLIN | (qmp->sent < qmp->out.length ? EPOLLOUT : 0u));
}

static void drop_fds(struct qmp *qmp)
{
    for (unsigned i = 0; i < qmp->count_fds; i++)
        close(qmp->fds[i].fd);
    qmp->count_fds = 0;
}

/* Send up to the next descriptor, which travels with the first byte of its command. */
static ssize_t send_some(struct qmp *qmp)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = qmp->out.data + qmp->sent, .iov_len = qmp->out.length - qmp->sent};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    bool with_fd = qmp->count_fds && qmp->fds[0].at == qmp->sent;

    if (with_fd) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &qmp->fds[0].fd, sizeof(int));
    }
    if (qmp->count_fds > with_fd)
        iov.iov_len = qmp->fds[with_fd].at - qmp->sent;
    ssize_t n = sendmsg(qmp->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n > 0 && with_fd) {
        close(qmp->fds[0].fd);
        qmp->count_fds--;
        memmove(&qmp->fds[0], &qmp->fds[1], qmp->count_fds * sizeof(qmp->fds[0]));
    }
    return n < 0 ? -errno : n;
}

void qmp_flush(struct qmp *qmp)
{
    if (qmp->broken)
        return;
    while (qmp->sent < qmp->out.length) {
        ssize_t n = send_some(qmp);

        if (n == -EINTR)
            continue;
        if (n < 0)
            break; /* full: EPOLLOUT goes on; closed: reading tells, after what QEMU still said */
        qmp->sent += (size_t)n;
    }
    if (qmp->sent == qmp->out.length) {
        buf_reset(&qmp->out);
        qmp->sent = 0;
    }
    set_events(qmp);
}

/* Take what is there; false when there is nothing more. */
static bool receive(struct qmp *qmp)
{
    void *room = buf_reserve(&qmp->in, READ_BYTES);
    ssize_t n = recv(qmp->fd, room, READ_BYTES, MSG_DONTWAIT);

    if (n > 0) {
        qmp->in.length += (size_t)n;
        take_lines(qmp);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    qmp_break(qmp, NULL);
    return false;
}

static void on_io(struct watch *watch, uint32_t events)
{
    struct qmp *qmp = CONTAINER_OF(watch, struct qmp, watch);

    if (events & EPOLLOUT)
        qmp_flush(qmp);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    qmp->refs++; /* a handler may free it */
    receive(qmp);
    qmp_unref(qmp);
}

void qmp_drain(struct qmp *qmp)
{
    qmp->refs++;
    while (!qmp->broken && receive(qmp))
        ;
    qmp_unref(qmp);
}

struct qmp *qmp_new(int fd, const char *whose, const struct qmp_handlers *handlers, void *owner)
{
    struct qmp *qmp = NEW(struct qmp);
    int r;

    qmp->refs = 1;
    qmp->fd = fd;
    qmp->whose = mem_strdup(whose);
    qmp->handlers = handlers;
    qmp->owner = owner;
    r = watch_add(&qmp->watch, fd, EPOLLIN, on_io);
    if (r < 0)
        qmp->broken = mem_printf("cannot watch the monitor of %s: %s", whose, strerror(-r));
    return qmp;
}

void qmp_free(struct qmp *qmp)
{
    if (!qmp)
        return;
    qmp->owner = NULL;
    qmp_break(qmp, "domain is not running");
    drop_fds(qmp);
    close(qmp->fd);
    qmp->fd = -1;
    qmp_unref(qmp);
}

static void give_up(void *arg)
{
    qmp_unref(arg);
}

struct qmp *qmp_keep(struct req *rq, struct qmp *qmp)
{
    qmp->refs++;
    arena_at_end(&rq->arena, give_up, qmp);
    return qmp;
}

const char *qmp_broken(const struct qmp *qmp)
{
    return qmp->broken;
}

uint64_t qmp_age(const struct qmp *qmp, const char **ret_command)
{
    if (!qmp->calls)
        return 0;
    *ret_command = qmp->calls->command;
    return time_monotonic() - qmp->since;
}

static int no_monitor(struct req *rq, const char *why)
{
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "%s", why);
}

/* A place in the list and an id for the call; the caller adds the text. */
static int enlist(struct req *rq, struct qmp *qmp, struct qmp_call *call, const char *command)
{
    struct qmp_call **at = &qmp->calls;

    if (qmp->broken)
        return no_monitor(rq, qmp->broken);
    if (qmp->out.length > OUT_MAX_BYTES)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT, "the monitor of %s reads no commands any more",
                       qmp->whose);
    if (!qmp->calls)
        qmp->since = time_monotonic();
    while (*at)
        at = &(*at)->next;
    qmp->refs++;
    call->qmp = qmp;
    call->command = command;
    call->id = ++qmp->last_id ? qmp->last_id : ++qmp->last_id;
    *at = call;
    return 0;
}

int qmp_put(struct req *rq, struct qmp *qmp, struct qmp_call *call, const char *command, const char *args)
{
    if (enlist(rq, qmp, call, command) < 0)
        return -1;
    buf_printf(&qmp->out, "{\"execute\":\"%s\",\"id\":%u", command, call->id);
    if (args) {
        buf_add_string(&qmp->out, ",\"arguments\":");
        buf_add_string(&qmp->out, args);
    }
    buf_add_string(&qmp->out, "}\n");
    return 0;
}

/* A descriptor goes with the first byte of what is written next. */
static int add_fd(struct req *rq, struct qmp *qmp, int fd)
{
    if (qmp->count_fds == OUT_FDS)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT, "the monitor of %s takes no descriptors any more",
                       qmp->whose);
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return err_system(&rq->err, errno, "cannot duplicate a descriptor for %s", qmp->whose);
    qmp->fds[qmp->count_fds].at = qmp->out.length;
    qmp->fds[qmp->count_fds++].fd = fd;
    return 0;
}

int qmp_put_fd(struct req *rq, struct qmp *qmp, struct qmp_call *call, const char *command, const char *args,
               int fd)
{
    if (add_fd(rq, qmp, fd) < 0)
        return -1;
    if (qmp_put(rq, qmp, call, command, args) == 0)
        return 0;
    fd_close(&qmp->fds[--qmp->count_fds].fd);
    return -1;
}

void qmp_drop(struct qmp_call *call)
{
    struct qmp *qmp = TAKE(call->qmp);

    if (!qmp)
        return;
    for (struct qmp_call **at = &qmp->calls; *at; at = &(*at)->next)
        if (*at == call) {
            *at = call->next;
            break;
        }
    json_object_put(TAKE(call->reply));
    qmp_unref(qmp);
}

/* QEMU's {"error": {"class", "desc"}} in the words that scripts know. */
static int answer_error(struct req *rq, struct qmp *qmp, const char *command, struct json_object *error)
{
    const char *class = json_string(error, "class"), *desc = json_string(error, "desc");

    snprintf(qmp->error_class, sizeof(qmp->error_class), "%s", class ? class : "");
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "unable to execute QEMU command '%s': %s", command,
                   desc ? desc : "unknown QEMU command error");
}

/* The whole answer, an error in it or not. The call stays to be dropped. */
static int await_answer(struct req *rq, struct qmp_call *call, struct json_object **ret, uint64_t usec)
{
    struct qmp *qmp = call->qmp;
    auto_free char *what = NULL;
    int r = 0;

    if (!call->wait.done) {
        qmp_flush(qmp);
        what = mem_printf("QEMU's answer to '%s' of %s", call->command, qmp->whose);
        r = fiber_await(rq, &call->wait, usec, what);
    }
    if (call->reply) {
        *ret = TAKE(call->reply);
        return 0;
    }
    if (qmp->broken)
        return no_monitor(rq, qmp->broken);
    if (r == -ETIMEDOUT)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT,
                       "no answer to '%s' from the monitor of %s within %.1f s", call->command, qmp->whose,
                       (double)usec / 1e6);
    return err_set(&rq->err, ERR_OPERATION_ABORTED, "gave up waiting for '%s' of %s: %s", call->command,
                   qmp->whose, strerror(-r));
}

int qmp_take(struct req *rq, struct qmp_call *call, struct json_object **ret, uint64_t usec)
{
    auto_json struct json_object *answer = NULL;
    int r = await_answer(rq, call, &answer, usec);

    if (r == 0 && json_get(answer, "error"))
        r = answer_error(rq, call->qmp, call->command, json_get(answer, "error"));
    else if (r == 0 && ret)
        *ret = json_object_get(json_get(answer, "return"));
    qmp_drop(call);
    return r;
}

int qmp_call(struct req *rq, struct qmp *qmp, const char *command, const char *args, struct json_object **ret,
             uint64_t usec)
{
    struct qmp_call call = {0};

    if (qmp_put(rq, qmp, &call, command, args) < 0)
        return -1;
    return qmp_take(rq, &call, ret, usec);
}

int qmp_raw(struct req *rq, struct qmp *qmp, struct json_object *command, int fd,
            struct json_object **ret_answer, uint64_t usec)
{
    struct qmp_call call = {0};
    const char *name = json_string(command, "execute");
    auto_json struct json_object *id = json_object_get(json_get(command, "id"));
    int r;

    if (enlist(rq, qmp, &call, name ? name : "(none)") < 0)
        return -1;
    if (fd >= 0 && add_fd(rq, qmp, fd) < 0) {
        qmp_drop(&call);
        return -1;
    }
    json_object_object_add(command, "id", json_object_new_int64(call.id));
    buf_add_string(&qmp->out, json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN));
    buf_add_char(&qmp->out, '\n');
    r = await_answer(rq, &call, ret_answer, usec);
    if (r == 0) {
        auto_free char *ours = mem_printf("libvirt-%u", call.id); /* what users are used to see */

        json_object_object_add(*ret_answer, "id", id ? TAKE(id) : json_object_new_string(ours));
    }
    qmp_drop(&call);
    return r;
}

const char *qmp_error_class(const struct qmp *qmp)
{
    return qmp->error_class[0] ? qmp->error_class : NULL;
}
