/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Agent. Whatever an earlier, interrupted conversation left in the channel is skipped by a handshake: a 0xff
 * byte that resets the agent's parser, and a number that it must send back behind a 0xff of its own.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

enum {
    ANSWER_MAX = 48 << 20, /* a guest-file-read of the largest allowed piece, in base64 */
    READ_BYTES = 16 << 10,
};

struct talk {
    struct req *rq;
    const struct agent_command *command;
    int fd;
    struct buf in;
    size_t begin; /* of in: what lies before it was used up */
    uint64_t deadline;
    char what[160]; /* what is waited for, for people */
};

static int silent(struct talk *talk, const char *doing)
{
    return err_set(&talk->rq->err, ERR_AGENT_UNRESPONSIVE,
                   "%s of %s was not answered by the guest agent in time", doing, talk->command->whose);
}

static int gone(struct talk *talk)
{
    return err_set(&talk->rq->err, ERR_AGENT_UNRESPONSIVE,
                   "the guest agent of %s closed the connection during '%s'", talk->command->whose,
                   talk->command->name);
}

static int wait_for(struct talk *talk, uint32_t events)
{
    uint64_t now = time_monotonic();

    if (now >= talk->deadline)
        return -ETIMEDOUT;
    return fiber_poll(talk->rq, talk->fd, events, talk->deadline - now, talk->what);
}

static int send_all(struct talk *talk, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = send(talk->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r;

        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            r = wait_for(talk, EPOLLOUT);
            if (r < 0)
                return r;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/*
 * Let more bytes in: 1, 0 at the end, or negative. A guest may send without end and faster than we read: the
 * deadline counts then, too, and whoever else has something to do gets a turn.
 */
static int receive(struct talk *talk)
{
    int turn = time_monotonic() < talk->deadline ? fiber_sleep(talk->rq, 0, talk->what) : -ETIMEDOUT;

    if (turn < 0)
        return turn;
    if (talk->begin) {
        talk->in.length -= talk->begin;
        memmove(talk->in.data, talk->in.data + talk->begin, talk->in.length);
        talk->begin = 0;
    }
    for (;;) {
        ssize_t n = recv(talk->fd, buf_reserve(&talk->in, READ_BYTES), READ_BYTES, MSG_DONTWAIT);
        int r;

        if (n > 0) {
            talk->in.length += (size_t)n;
            return 1;
        }
        if (n == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        r = wait_for(talk, EPOLLIN);
        if (r < 0)
            return r;
    }
}

/*
 * The next whole line, without its end, until more is asked for. 1, 0 at the end of the connection,
 * -EMSGSIZE, or as receive().
 */
static int next_line(struct talk *talk, const char **ret, size_t *ret_length)
{
    size_t scanned = 0; /* behind begin */

    for (;;) {
        const char *line = buf_text(&talk->in) + talk->begin;
        size_t length = talk->in.length - talk->begin;
        const char *end = length > scanned ? memchr(line + scanned, '\n', length - scanned) : NULL;
        int r;

        if (end) {
            *ret = line;
            *ret_length = (size_t)(end - line);
            talk->begin += *ret_length + 1;
            return 1;
        }
        scanned = length;
        if (scanned > ANSWER_MAX)
            return -EMSGSIZE;
        r = receive(talk);
        if (r <= 0)
            return r;
    }
}

/* Ask for our number back; anything else that comes before it is old. */
static int sync_agent(struct talk *talk)
{
    int64_t id = (int64_t)(time_real() & INT32_MAX);
    auto_free char *text =
        mem_printf("\xff{\"execute\":\"guest-sync\",\"arguments\":{\"id\":%" PRId64 "}}\n", id);
    auto_free char *number = mem_printf("%" PRId64, id);
    int r = send_all(talk, text, strlen(text));

    while (r >= 0) {
        const char *line = NULL;
        size_t length = 0;

        r = next_line(talk, &line, &length);
        if (r == 0)
            return gone(talk);
        /* the agent answers our 0xff with an error line; only the number counts */
        if (r > 0 && memmem(line, length, number, strlen(number))) {
            auto_json struct json_object *answer = json_read(line, length);

            if (json_int(answer, "return", -1) == id)
                return 0;
        }
    }
    if (r == -ETIMEDOUT)
        return silent(talk, "Synchronisation with the guest agent");
    return err_set(&talk->rq->err, ERR_AGENT_UNSYNCED, "%s: %s", talk->command->whose, strerror(-r));
}

static int take_answer(struct talk *talk, struct json_object **ret)
{
    const char *line = NULL;
    size_t length = 0;
    int r = next_line(talk, &line, &length);
    auto_json struct json_object *answer = NULL;
    struct json_object *error;

    if (talk->command->ends_guest && (r == 0 || r == -ETIMEDOUT || r == -ECONNRESET))
        return 0;
    if (r == -ETIMEDOUT)
        return silent(talk, "A command to the guest agent");
    if (r == -EMSGSIZE)
        return err_set(&talk->rq->err, ERR_INTERNAL_ERROR,
                       "the guest agent of %s answered '%s' with more than %d bytes", talk->command->whose,
                       talk->command->name, (int)ANSWER_MAX);
    if (r <= 0)
        return gone(talk);
    answer = json_read(line, length);
    error = json_get(answer, "error");
    if (error) {
        const char *why = json_string(error, "desc");

        return err_set(&talk->rq->err, ERR_INTERNAL_ERROR, "unable to execute QEMU agent command '%s': %s",
                       talk->command->name, why ? why : "unknown QEMU command error");
    }
    if (!json_get(answer, "return"))
        return err_set(&talk->rq->err, ERR_INTERNAL_ERROR,
                       "the guest agent of %s answered '%s' with something unknown", talk->command->whose,
                       talk->command->name);
    if (ret)
        *ret = TAKE(answer);
    return 0;
}

static int connect_agent(struct talk *talk)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = talk->command->socket;

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return err_set(&talk->rq->err, ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
    memcpy(address.sun_path, path, strlen(path) + 1);
    talk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (talk->fd < 0)
        return err_system(&talk->rq->err, errno, "cannot make a socket");
    if (connect(talk->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return err_set(&talk->rq->err, ERR_AGENT_UNRESPONSIVE,
                       "cannot reach the guest agent of %s at '%s': %s", talk->command->whose, path,
                       strerror(errno));
    return 0;
}

int agent_run(struct req *rq, const struct agent_command *command, struct json_object **ret)
{
    struct talk talk = {.rq = rq, .command = command, .fd = -1};
    auto_free char *line = mem_printf("%s\n", command->text);
    int r;

    snprintf(talk.what, sizeof(talk.what), "the guest agent's answer to '%.40s' of %.80s", command->name,
             command->whose);
    r = connect_agent(&talk);
    talk.deadline =
        time_monotonic() + (command->usec < AGENT_SYNC_TIMEOUT ? command->usec : AGENT_SYNC_TIMEOUT);
    if (r >= 0)
        r = sync_agent(&talk);
    talk.deadline = time_monotonic() + command->usec;
    if (r >= 0) {
        r = send_all(&talk, line, strlen(line));
        if (r == -ETIMEDOUT)
            r = silent(&talk, "A command to the guest agent");
        else if (r < 0)
            r = gone(&talk);
    }
    if (r >= 0)
        r = take_answer(&talk, ret);
    if (talk.fd >= 0)
        close(talk.fd);
    buf_done(&talk.in);
    return r;
}
