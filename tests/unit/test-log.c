/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "unit.h"

static struct buf seen;

static void collect(const struct log_line *line, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    buf_printf(&seen, "%s %s %s %llu %s\n", log_level_names[line->level], line->source,
               line->request ? line->request : "-", (unsigned long long)line->serial, line->text);
}

static bool context(const char **ret_name, uint64_t *ret_serial)
{
    *ret_name = "domain_suspend";
    *ret_serial = 42;
    return true;
}

/* One call site, asked again and again: what it remembers must not outlive a change of the settings. */
static bool speaks(enum log_level level)
{
    buf_reset(&seen);
    log_at(level, "x");
    return seen.length > 0;
}

START_TEST(levels_and_filters)
{
    auto_err struct err err = {0};

    log_set_output(collect, &seen);
    ck_assert(!speaks(LEVEL_INFO) && speaks(LEVEL_WARNING));
    ASSERT_OK(log_set_level(LEVEL_DEBUG, &err), &err);
    ck_assert(speaks(LEVEL_DEBUG));
    ASSERT_OK(log_set_level(LEVEL_ERROR, &err), &err);
    ck_assert(!speaks(LEVEL_WARNING) && speaks(LEVEL_ERROR));
    ASSERT_OK(log_set_filters("3:rpc  1:unit", &err), &err);
    ck_assert_str_eq(log_get_filters(), "3:rpc 1:unit");
    ck_assert_uint_eq(log_get_level(), LEVEL_ERROR);
    ck_assert(speaks(LEVEL_DEBUG));
    /* the first that matches decides */
    ASSERT_OK(log_set_filters("4:tests.unit 1:unit", &err), &err);
    ck_assert(!speaks(LEVEL_WARNING));
    ASSERT_OK(log_set_filters("2:t?sts*log", &err), &err);
    ck_assert(speaks(LEVEL_INFO) && !speaks(LEVEL_DEBUG));
    ASSERT_OK(log_set_filters(NULL, &err), &err);
    ck_assert(!speaks(LEVEL_WARNING));
    buf_done(&seen);
}
END_TEST

START_TEST(bad_settings_change_nothing)
{
    static const char *const bad[] = {"1", "1:", "0:a", "5:a", "a:1", "1:a 7:b", "1 :a", NULL};
    auto_err struct err err = {0};

    ASSERT_OK(log_set_filters("1:a", &err), &err);
    for (size_t i = 0; bad[i]; i++) {
        ck_assert_msg(log_set_filters(bad[i], &err) < 0, "'%s'", bad[i]);
        ASSERT_ERR(&err, ERR_INVALID_ARG, "log filter '");
    }
    ck_assert_int_lt(log_set_level(5, &err), 0);
    ASSERT_ERR(&err, ERR_INVALID_ARG, "log level 5");
    ck_assert_int_lt(log_set_level(0, &err), 0);
    ck_assert_str_eq(log_get_filters(), "1:a");
}
END_TEST

START_TEST(many_changes_keep_the_last)
{
    auto_err struct err err = {0};

    log_set_output(collect, &seen);
    for (unsigned i = 0; i < 1000; i++) {
        auto_free char *filters = mem_printf("%u:unit 2:f%u", i % 4 + 1, i);

        ASSERT_OK(log_set_filters(filters, &err), &err);
        ASSERT_OK(log_set_level(i % 3 + 1, &err), &err);
        ck_assert_str_eq(log_get_filters(), filters);
        ck_assert(speaks(LEVEL_ERROR));
        ck_assert(speaks(LEVEL_INFO) == (i % 4 < 2));
    }
    buf_done(&seen);
}
END_TEST

START_TEST(lines_carry_their_request)
{
    auto_buf struct buf line = {0};
    struct log_line with = {.level = LEVEL_ERROR,
                            .function = "f",
                            .line = 7,
                            .request = "call",
                            .serial = 3,
                            .text = "two\nlines"};

    log_set_output(collect, &seen);
    log_set_context(context);
    log_error("it %s", "broke");
    /* a compiler cache may have put a folder before it */
    ck_assert(str_after(buf_text(&seen), "error "));
    ck_assert(str_ends(buf_text(&seen), "tests.unit.test-log domain_suspend 42 it broke\n"));
    buf_done(&seen);
    log_format(&with, &line);
    ck_assert_ptr_nonnull(strstr(line.data, ": error : f:7 : call #3: two lines\n"));
}
END_TEST

START_TEST(unwanted_lines_cost_no_arguments)
{
    int evaluated = 0;

    log_debug("%d", ++evaluated);
    ck_assert_int_eq(evaluated, 0);
}
END_TEST

UNIT_MAIN("log", levels_and_filters, bad_settings_change_nothing, many_changes_keep_the_last,
          lines_carry_their_request, unwanted_lines_cost_no_arguments)
