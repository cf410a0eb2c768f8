/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors: what people read, with a detail and without, and that what is quoted can't drive their terminal. */
#include "base/err.h"
#include "unit.h"

START_TEST(without_detail)
{
    auto_err struct err err = {0};

    ck_assert_int_eq(err_set_from(&err, ERR_FROM_DOMAIN, ERR_NO_TARGET, NULL), -1);
    ck_assert_str_eq(err.message, "missing target information for device");
    ck_assert_ptr_null(err.detail);
}
END_TEST

START_TEST(with_detail)
{
    auto_err struct err err = {0};

    err_set_from(&err, ERR_FROM_DOMAIN, ERR_NO_TARGET, "/srv/%s", "image");
    ck_assert_str_eq(err.message, "missing target information for device /srv/image");
    err_set_from(&err, ERR_FROM_DOMAIN, ERR_NO_SOURCE, NULL);
    ck_assert_int_eq(err.code, ERR_NO_TARGET); /* the first one stays */
}
END_TEST

START_TEST(quotes_nothing_that_moves_the_cursor)
{
    auto_err struct err err = {0};

    err_set_from(&err, ERR_FROM_QEMU, ERR_INTERNAL_ERROR, "%s", "\x1b[2Jgone \xff");
    ck_assert_str_eq(err.message, "internal error: ?[2Jgone ?");
}
END_TEST

UNIT_MAIN("err", without_detail, with_detail, quotes_nothing_that_moves_the_cursor)
