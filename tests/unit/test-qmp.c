/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversations with a QEMU that this test plays: what it says is written at once, what it was told is
 * compared. */
#include "virtqemud/qmp.h"

#include <check.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "loop/loop.h"
#include "tests/unit/unit.h"

static struct {
    int peer; /* QEMU's end */
    bool over, freed, free_in_event;
    struct qmp *qmp;
    char events[128], closed[256];
} t;

static void on_event(void *owner, const char *name, struct json_object *data, uint64_t seconds,
                     uint32_t micros)
{
    size_t used = strlen(t.events);

    snprintf(t.events + used, sizeof(t.events) - used, "%s@%u ", name, (unsigned)seconds);
    if (t.free_in_event) {
        qmp_free(TAKE(t.qmp));
        t.freed = true;
    }
}

static void on_closed(void *owner, const char *why)
{
    snprintf(t.closed, sizeof(t.closed), "%s", why ? why : "(end)");
}

static const struct qmp_handlers handlers = {on_event, on_closed};

static void setup(void)
{
    int pair[2];

    memset(&t, 0, sizeof(t));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    t.peer = pair[1];
    t.qmp = qmp_new(pair[0], "domain 'a'", &handlers, &t);
}

static void teardown(void)
{
    qmp_free(TAKE(t.qmp));
    if (t.peer >= 0)
        close(t.peer);
}

static void say(const char *text)
{
    ck_assert_int_eq(write(t.peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void heard(const char *expected)
{
    char text[4096];
    ssize_t n = recv(t.peer, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[n < 0 ? 0 : n] = 0;
    ck_assert_str_eq(text, expected);
}

static void done(struct req *rq, void *arg)
{
    t.over = true;
    arena_done(&rq->arena);
    err_clear(&rq->err);
}

static void run(void (*body)(struct req *rq, void *arg))
{
    struct req rq = {.name = "test"};
    uint64_t end = time_monotonic() + SECONDS(20);

    setup();
    fiber_start(&rq, body, done, NULL);
    while (!t.over && time_monotonic() < end)
        loop_once(MILLISECONDS(50));
    ck_assert(t.over);
    teardown();
}

static void pipelined_body(struct req *rq, void *arg)
{
    struct qmp_call hello = {0}, status = {0};
    auto_json struct json_object *ret = NULL;

    ck_assert_int_eq(qmp_put(rq, t.qmp, &hello, "qmp_capabilities", NULL), 0);
    ck_assert_int_eq(qmp_put(rq, t.qmp, &status, "query-status", "{\"a\":1}"), 0);
    heard("");
    qmp_flush(t.qmp);
    heard("{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
          "{\"execute\":\"query-status\",\"id\":2,\"arguments\":{\"a\":1}}\n");
    say("{\"QMP\": {}}\r\n{\"return\": {}, \"id\": 1}\r\n{\"event\": \"STOP\", \"timestamp\": {\"seconds\": "
        "7, "
        "\"microseconds\": 1}}\r\n{\"return\": {\"status\": \"paused\"}, \"id\": 2}\r\n");
    ck_assert_int_eq(qmp_take(rq, &status, &ret, SECONDS(5)), 0);
    ck_assert_str_eq(json_string(ret, "status"), "paused");
    ck_assert_int_eq(qmp_take(rq, &hello, NULL, SECONDS(5)), 0);
    ck_assert_str_eq(t.events, "STOP@7 ");
}
START_TEST(pipelined)
{
    run(pipelined_body);
}
END_TEST

static void error_body(struct req *rq, void *arg)
{
    say("{\"id\": 1, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command foo has not been "
        "found\"}}\n");
    ck_assert_int_lt(qmp_call(rq, t.qmp, "foo", NULL, NULL, SECONDS(5)), 0);
    ck_assert_int_eq(rq->err.code, ERR_INTERNAL_ERROR);
    ck_assert_str_eq(rq->err.message, "internal error: unable to execute QEMU command 'foo': "
                                      "The command foo has not been found");
    ck_assert_str_eq(qmp_error_class(t.qmp), "CommandNotFound");
}
START_TEST(error)
{
    run(error_body);
}
END_TEST

static void timeout_body(struct req *rq, void *arg)
{
    struct qmp_call second = {0};

    ck_assert_int_lt(qmp_call(rq, t.qmp, "cont", NULL, NULL, MILLISECONDS(30)), 0);
    ck_assert_int_eq(rq->err.code, ERR_OPERATION_TIMEOUT);
    ck_assert(strstr(rq->err.message, "'cont'") && strstr(rq->err.message, "domain 'a'"));
    err_clear(&rq->err);
    /* the late answer finds nobody and harms nobody */
    say("{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n");
    ck_assert_int_eq(qmp_put(rq, t.qmp, &second, "stop", NULL), 0);
    ck_assert_int_eq(qmp_take(rq, &second, NULL, SECONDS(5)), 0);
}
START_TEST(timeout)
{
    run(timeout_body);
}
END_TEST

static void garbage_body(struct req *rq, void *arg)
{
    say("hello there\n");
    ck_assert_int_lt(qmp_call(rq, t.qmp, "cont", NULL, NULL, SECONDS(5)), 0);
    ck_assert(strstr(rq->err.message, "hello there"));
    ck_assert(strstr(t.closed, "hello there"));
    ck_assert_ptr_nonnull(qmp_broken(t.qmp));
    err_clear(&rq->err);
    ck_assert_int_lt(qmp_call(rq, t.qmp, "cont", NULL, NULL, SECONDS(5)), 0); /* at once */
}
START_TEST(garbage)
{
    run(garbage_body);
}
END_TEST

static void flood_body(struct req *rq, void *arg)
{
    struct qmp_call call = {0};
    static char piece[64 << 10];
    size_t sent = 0;

    memset(piece, 'x', sizeof(piece));
    fcntl(t.peer, F_SETFL, O_NONBLOCK);
    ck_assert_int_eq(qmp_put(rq, t.qmp, &call, "cont", NULL), 0);
    while (!qmp_broken(t.qmp) && sent < (64u << 20)) {
        ssize_t n = write(t.peer, piece, sizeof(piece));

        sent += n > 0 ? (size_t)n : 0;
        fiber_sleep(rq, 1, "the reader");
    }
    ck_assert_uint_lt(sent, 20u << 20);
    ck_assert_int_lt(qmp_take(rq, &call, NULL, SECONDS(5)), 0);
    ck_assert(strstr(rq->err.message, "without an end of line"));
}
START_TEST(flood)
{
    run(flood_body);
}
END_TEST

static void end_body(struct req *rq, void *arg)
{
    struct qmp_call first = {0}, second = {0};

    ck_assert_int_eq(qmp_put(rq, t.qmp, &first, "cont", NULL), 0);
    ck_assert_int_eq(qmp_put(rq, t.qmp, &second, "stop", NULL), 0);
    close(t.peer);
    t.peer = -1;
    ck_assert_int_lt(qmp_take(rq, &first, NULL, SECONDS(5)), 0);
    ck_assert_str_eq(t.closed, "(end)");
    qmp_free(TAKE(t.qmp)); /* its calls keep it alive */
    ck_assert_int_lt(qmp_take(rq, &second, NULL, SECONDS(5)), 0);
}
START_TEST(end)
{
    run(end_body);
}
END_TEST

static void freed_body(struct req *rq, void *arg)
{
    t.free_in_event = true;
    say("{\"event\": \"RESET\"}\n{\"event\": \"STOP\"}\n{\"return\": {}, \"id\": 1}\n");
    ck_assert_int_lt(qmp_call(rq, t.qmp, "cont", NULL, NULL, SECONDS(5)), 0);
    ck_assert(t.freed);
    ck_assert_str_eq(t.events, "RESET@0 ");
    ck_assert_str_eq(rq->err.message, "internal error: domain is not running");
}
START_TEST(freed_by_its_owner)
{
    run(freed_body);
}
END_TEST

START_TEST(template_writes_json)
{
    auto_buf struct buf text = {0};
    const char *volatile none = NULL;

    json_add(&text, "{'s':%s,'n':%s,'d':%d,'u':%llu,'p':100%%}", "a\"\\\n\xff\xc3\xa4", none, -1, ~0ULL);
    ck_assert_str_eq(buf_text(&text), "{\"s\":\"a\\\"\\\\\\u000a\\ufffd\xc3\xa4\",\"n\":null,\"d\":-1,"
                                      "\"u\":18446744073709551615,\"p\":100%}");
}
END_TEST

START_TEST(reading_has_limits)
{
    auto_buf struct buf deep = {0};

    for (int i = 0; i < 100000; i++)
        buf_add_char(&deep, '[');
    ck_assert_ptr_null(json_read(deep.data, deep.length));
    ck_assert_ptr_null(json_read("{}{}", 4));
    ck_assert_ptr_null(json_read("", 0));
    ck_assert_ptr_null(json_read("{\"a\":", 5));
}
END_TEST

/* QEMU ends between two commands of one request: the second is refused, the monitor is still there to do so.
 */
static void kept_body(struct req *rq, void *arg)
{
    struct qmp *qmp = qmp_keep(rq, t.qmp);

    qmp_free(TAKE(t.qmp));
    ck_assert_str_eq(qmp_broken(qmp), "domain is not running");
    ck_assert_int_lt(qmp_call(rq, qmp, "stop", NULL, NULL, SECONDS(5)), 0);
    ck_assert_str_eq(rq->err.message, "internal error: domain is not running");
}
START_TEST(kept)
{
    run(kept_body);
}
END_TEST

UNIT_MAIN("qmp", pipelined, error, timeout, garbage, flood, end, freed_by_its_owner, kept,
          template_writes_json, reading_has_limits)
