/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QMP: the conversation with one QEMU over its monitor socket. Replies go to the caller that waits for them,
 * events to the owner. QEMU is not trusted: lines are bounded, JSON is bounded, and what is not QMP breaks
 * the monitor: from then on every call fails at once with the reason, and the owner is told.
 *
 * QEMU's monitor is slow (about 3 us per byte), so ask little and in few words; commands that don't depend on
 * each other's answers are put together and go out in one write.
 */
#pragma once

#include "loop/fiber.h"
#include "virtqemud/json.h"

struct qmp;

struct qmp_handlers {
    /* An event of QEMU, on the loop's thread and in no fiber. `data` may be NULL and is only valid during the
     * call. */
    void (*event)(void *owner, const char *name, struct json_object *data, uint64_t seconds, uint32_t micros);
    /* QEMU closed its end (why is NULL) or the monitor is broken (why says how). Once; qmp_free is allowed
     * inside. */
    void (*closed)(void *owner, const char *why);
};

/*
 * Speak QMP on fd (a connected stream socket, taken over and made non-blocking). The greeting may still be to
 * come: commands can be put at once, QEMU answers when it gets there. `whose` names the machine for people:
 * "domain 'a'". One that is broken from its birth (qmp_broken) can't be watched.
 */
struct qmp *qmp_new(int fd, const char *whose, const struct qmp_handlers *handlers, void *owner);
/* Ends the conversation; calls that are on their way get an error. NULL is fine. */
void qmp_free(struct qmp *qmp);
/* Read what QEMU has said already, without waiting: its last words before the process ended. */
void qmp_drain(struct qmp *qmp);
/* It stays there, broken at worst, as long as this request: whoever asks twice may find that QEMU died
 * between. */
struct qmp *qmp_keep(struct req *rq, struct qmp *qmp);
/* Why the monitor can't be used any more, or NULL while it can. */
const char *qmp_broken(const struct qmp *qmp);
/* How long the oldest unanswered command waits, us; 0 when there is none. */
uint64_t qmp_age(const struct qmp *qmp, const char **ret_command);

/* One command on its way; lives in the waiting function. Zero it, put it, then collect it (once, in any
 * order). */
struct qmp_call {
    struct qmp *qmp;     /* NULL: not on its way; kept alive by its calls */
    const char *command; /* static, or in memory that outlives the call */
    uint32_t id;
    struct wait wait;
    struct json_object *reply; /* QEMU's whole answer */
    struct qmp_call *next;
};

/*
 * Put a command behind those that wait to be written; args is its JSON object or NULL. Nothing is written
 * before somebody waits (qmp_take) or qmp_flush. Negative with rq->err set when the monitor is broken or
 * doesn't read.
 */
int qmp_put(struct req *rq, struct qmp *qmp, struct qmp_call *call, const char *command, const char *args);
/* As qmp_put; the descriptor goes with it (getfd, add-fd) and stays the caller's. */
int qmp_put_fd(struct req *rq, struct qmp *qmp, struct qmp_call *call, const char *command, const char *args,
               int fd);
void qmp_flush(struct qmp *qmp);
/*
 * Wait for a call's answer, at most usec. *ret (may be NULL) becomes what QEMU returned, to be put with
 * json_object_put. Negative with rq->err set when QEMU answered with an error, did not answer in time, or
 * ended.
 */
int qmp_take(struct req *rq, struct qmp_call *call, struct json_object **ret, uint64_t usec);
/* Give up a call that was put; its answer will be ignored. No-op for one that was never put or already taken.
 */
void qmp_drop(struct qmp_call *call);

/* qmp_put and qmp_take in one. */
int qmp_call(struct req *rq, struct qmp *qmp, const char *command, const char *args, struct json_object **ret,
             uint64_t usec);
/* One raw command line of a user, the answer as QEMU gave it (the qemu program's monitor command); fd goes
 * with it and stays the caller's, -1: none. */
int qmp_raw(struct req *rq, struct qmp *qmp, struct json_object *command, int fd,
            struct json_object **ret_answer, uint64_t usec);

/* The class of the error that a call of this request got from QEMU ("CommandNotFound", "DeviceNotFound"), or
 * NULL. */
const char *qmp_error_class(const struct qmp *qmp);
