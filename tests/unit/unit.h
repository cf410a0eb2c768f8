/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a unit test needs: Check, and a main that runs the tests named:
 *   START_TEST(parses_zero) { ... } END_TEST
 *   UNIT_MAIN("str", parses_zero, parses_more)
 */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define UNIT_MAIN(name, ...)                                                                                 \
    int main(void)                                                                                           \
    {                                                                                                        \
        const TTest *const tests_[] = {__VA_ARGS__};                                                         \
        Suite *suite_ = suite_create(name);                                                                  \
        TCase *cases_ = tcase_create(name);                                                                  \
        SRunner *runner_ = srunner_create(suite_);                                                           \
        int failed_;                                                                                         \
                                                                                                             \
        for (size_t i_ = 0; i_ < ARRAY_SIZE(tests_); i_++)                                                   \
            tcase_add_test(cases_, tests_[i_]);                                                              \
        suite_add_tcase(suite_, cases_);                                                                     \
        srunner_run_all(runner_, CK_ENV);                                                                    \
        failed_ = srunner_ntests_failed(runner_);                                                            \
        srunner_free(runner_);                                                                               \
        return failed_ ? EXIT_FAILURE : EXIT_SUCCESS;                                                        \
    }

/* The error is set, has this code, and its message contains the text. Clears it. */
#define ASSERT_ERR(err, wanted, text)                                                                        \
    do {                                                                                                     \
        ck_assert_msg((err)->code == (wanted), "code %d, message %s", (err)->code, (err)->message);          \
        ck_assert_msg(strstr((err)->message, (text)) != NULL, "'%s' is not in '%s'", (text),                 \
                      (err)->message);                                                                       \
        err_clear(err);                                                                                      \
    } while (0)
/* It went well; says the error's message when not. */
#define ASSERT_OK(call, err)                                                                                 \
    do {                                                                                                     \
        int r_ = (call);                                                                                     \
        ck_assert_msg(r_ >= 0, "%s: %d %s", #call, r_, (err)->message ? (err)->message : "");                \
    } while (0)
