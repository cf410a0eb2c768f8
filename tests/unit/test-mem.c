/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory, arenas, buffers and errors. */
#include <errno.h>
#include <stdalign.h>

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"

START_TEST(arena_memory_is_zeroed_and_aligned)
{
    auto_arena struct arena arena = {0};

    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size += 7) {
            unsigned char *memory = arena_alloc(&arena, size);

            ck_assert_uint_eq((uintptr_t)memory % alignof(max_align_t), 0);
            ck_assert_ptr_nonnull(memory);
            ck_assert(!size || (!memory[0] && !memcmp(memory, memory + 1, size - 1)));
            memset(memory, 0xff, size);
        }
        arena_reset(&arena);
        ck_assert_uint_le(arena.total, 16 * 1024);
    }
}
END_TEST

START_TEST(arena_vectors_grow)
{
    auto_arena struct arena arena = {0};
    int *vector = NULL;

    for (int i = 0; i < 1000; i++) {
        vector = arena_grow(&arena, vector, (size_t)i, sizeof(*vector));
        vector[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(vector[i], i);
}
END_TEST

START_TEST(arena_text)
{
    auto_arena struct arena arena = {0};

    ck_assert_ptr_null(arena_strdup(&arena, NULL));
    ck_assert_str_eq(arena_strdup(&arena, "abc"), "abc");
    ck_assert_str_eq(arena_strndup(&arena, "abc", 2), "ab");
    ck_assert_str_eq(arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
}
END_TEST

static void count(void *arg)
{
    (*(int *)arg)++;
}

START_TEST(arena_calls_at_its_end)
{
    struct arena arena = {0};
    int calls = 0;

    for (int i = 0; i < 1000; i++) { /* in several chunks */
        arena_at_end(&arena, count, &calls);
        arena_alloc(&arena, 100);
    }
    arena_reset(&arena);
    ck_assert_int_eq(calls, 1000);
    arena_reset(&arena);
    ck_assert_int_eq(calls, 1000);
    arena_at_end(&arena, count, &calls);
    arena_done(&arena);
    arena_done(&arena);
    ck_assert_int_eq(calls, 1001);
}
END_TEST

START_TEST(buf_grows)
{
    auto_buf struct buf buf = {0};
    char *text;

    ck_assert_str_eq(buf_text(&buf), "");
    buf_add_string(&buf, NULL);
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    ck_assert_uint_eq(buf.length, strlen(buf.data));
    ck_assert_uint_eq(buf.length, 10 * 2 + 90 * 3 + 900 * 4);
    buf_reset(&buf);
    ck_assert_str_eq(buf_text(&buf), "");
    text = buf_steal(&buf);
    ck_assert_str_eq(text, "");
    free(text);
    buf_add_char(&buf, 'x');
    text = buf_steal(&buf);
    ck_assert_str_eq(text, "x");
    free(text);
    ck_assert_ptr_null(buf.data);
}
END_TEST

START_TEST(buf_escapes_xml)
{
    auto_buf struct buf buf = {0};

    buf_add_xml(&buf, "a<b>&'\"\x01\t\xc3\xa4");
    ck_assert_str_eq(buf_text(&buf), "a&lt;b&gt;&amp;&apos;&quot;\t\xc3\xa4");
}
END_TEST

START_TEST(errors_fill_their_template)
{
    auto_err struct err err = {0};

    ck_assert_int_eq(err_set(&err, ERR_OPERATION_FAILED, "cannot %s", "walk"), -1);
    ck_assert_str_eq(err.message, "operation failed: cannot walk");
    ck_assert_str_eq(err.detail, "cannot walk");
    err_set(&err, ERR_XML_ERROR, "the second one is lost");
    ck_assert_int_eq(err.code, ERR_OPERATION_FAILED);
    err_prefix(&err, "domain 'a': ");
    ck_assert_str_eq(err.message, "operation failed: domain 'a': cannot walk");
    err_clear(&err);
    ck_assert(!err_is_set(&err));
    err_system(&err, -ENOENT, "cannot open '%s'", "/x");
    ck_assert_int_eq(err.errnum, ENOENT);
    ASSERT_ERR(&err, ERR_SYSTEM_ERROR, "cannot open '/x': No such file or directory");
    ck_assert_int_eq(err_set(NULL, ERR_XML_ERROR, "nobody listens"), -1);
}
END_TEST

START_TEST(take_leaves_nothing)
{
    auto_free char *text = mem_strdup("abc");
    char *mine = TAKE(text);

    ck_assert_ptr_null(text);
    ck_assert_str_eq(mine, "abc");
    free(mine);
}
END_TEST

UNIT_MAIN("mem", arena_memory_is_zeroed_and_aligned, arena_vectors_grow, arena_text, arena_calls_at_its_end,
          buf_grows, buf_escapes_xml, errors_fill_their_template, take_leaves_nothing)
