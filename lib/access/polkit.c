/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CheckAuthorization of org.freedesktop.PolicyKit1 over the system bus; many questions can be under way. */
#define ERR_FROM ERR_FROM_POLKIT
#include "access/polkit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "loop/bus.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

static uint64_t last_question;

static int question_append(sd_bus_message *message, const struct polkit_question *question,
                           const char *cancel)
{
    const struct identity *subject = question->subject;
    int r = sd_bus_message_append(message, "(sa{sv})s", "unix-process", 3, "pid", "u", (uint32_t)subject->pid,
                                  "start-time", "t", identity_start_time(subject), "uid", "i",
                                  (int32_t)subject->uid, question->action);

    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{ss}");
    for (unsigned i = 0; r >= 0 && i < question->detail_count; i++)
        if (question->details[i].value && str_is_utf8(question->details[i].value))
            r = sd_bus_message_append(message, "{ss}", question->details[i].name, question->details[i].value);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    if (r >= 0)
        r = sd_bus_message_append(message, "us", (uint32_t)question->interactive, cancel);
    return r;
}

struct answer {
    struct wait wait;
    sd_bus_message *message;
};

static int on_answer(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    struct answer *answer = arg;

    answer->message = sd_bus_message_ref(message);
    wait_wake(&answer->wait, 0);
    return 0;
}

/* The verdict in polkit's reply (bba{ss}). */
static int answer_read(struct req *rq, sd_bus_message *message, const char *action)
{
    int allowed = 0, challenge = 0, r;
    const char *key, *value;
    bool dismissed = false;

    if (sd_bus_message_is_method_error(message, NULL)) {
        const sd_bus_error *error = sd_bus_message_get_error(message);

        return err_set(&rq->err, ERR_AUTH_UNAVAILABLE, "polkit could not be asked about '%s': %s (%s)",
                       action, error->message, error->name);
    }
    r = sd_bus_message_enter_container(message, 'r', "bba{ss}");
    if (r >= 0)
        r = sd_bus_message_read(message, "bb", &allowed, &challenge);
    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "{ss}");
    while (r >= 0 && (r = sd_bus_message_read(message, "{ss}", &key, &value)) > 0)
        if (str_eq(key, "polkit.dismissed") && !str_empty(value))
            dismissed = true;
    if (r < 0)
        return err_set(&rq->err, ERR_AUTH_UNAVAILABLE, "polkit's answer about '%s' can't be read: %s", action,
                       strerror(-r));
    if (allowed)
        return 0;
    if (dismissed)
        return err_set(&rq->err, ERR_AUTH_CANCELLED, "user cancelled authentication process");
    if (challenge)
        return err_set(&rq->err, ERR_AUTH_UNAVAILABLE,
                       "no polkit agent available to authenticate action '%s'", action);
    return err_set(&rq->err, ERR_AUTH_FAILED, "access denied by policy");
}

int polkit_ask(struct req *rq, const struct polkit_question *question, uint64_t usec)
{
    sd_bus *bus;
    sd_bus_message *message = NULL;
    sd_bus_slot *slot = NULL;
    struct answer answer = {0};
    char cancel[48];
    int r;

    if (!question->subject || question->subject->pid <= 0 || question->subject->uid == (uid_t)-1 ||
        !identity_start_time(question->subject))
        return err_set(&rq->err, ERR_AUTH_FAILED,
                       "no process is known for the caller, polkit can't be asked");
    r = bus_system(&bus);
    if (r < 0)
        return err_set(
            &rq->err, ERR_AUTH_UNAVAILABLE,
            "no connection to the system bus to ask polkit (%s); start dbus and polkit, or set auth_unix_rw",
            strerror(-r));
    snprintf(cancel, sizeof(cancel), "vireo-%d-%" PRIu64, (int)getpid(), ++last_question);
    r = sd_bus_message_new_method_call(bus, &message, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                       "CheckAuthorization");
    if (r >= 0)
        r = question_append(message, question, cancel);
    if (r >= 0)
        r = sd_bus_call_async(bus, &slot, message, on_answer, &answer, usec);
    sd_bus_message_unref(message);
    if (r < 0)
        return err_set(&rq->err, ERR_AUTH_UNAVAILABLE, "polkit could not be asked about '%s': %s",
                       question->action, strerror(-r));
    r = fiber_await(rq, &answer.wait, usec + SECONDS(1), "polkit's answer");
    sd_bus_slot_unref(slot);
    if (r < 0) {
        if (bus_system(&bus) >= 0)
            sd_bus_call_method_async(bus, NULL, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                     "CancelCheckAuthorization", NULL, NULL, "s", cancel);
        sd_bus_message_unref(answer.message);
        return err_set(&rq->err, r == -ECANCELED ? ERR_AUTH_CANCELLED : ERR_AUTH_UNAVAILABLE,
                       "polkit gave no answer about '%s' within %" PRIu64 " seconds", question->action,
                       usec / SECONDS(1));
    }
    r = answer_read(rq, answer.message, question->action);
    sd_bus_message_unref(answer.message);
    return r;
}
