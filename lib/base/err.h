/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors for people. A function that can fail in a way that a user must understand takes a `struct err *` as
 * its last argument, fills it once, where the failure is born, and returns a negative number; everybody above
 * just passes that number up. What the number is has no meaning then. Functions without a `struct err *`
 * return -errno.
 *
 * Before including this header a file may `#define ERR_FROM ERR_FROM_QEMU` (any row of err.def) to name the
 * subsystem that its errors come from.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/mem.h"

enum err_code {
#define ERR_CODE(name, value, message, detail) name = value,
#define ERR_DOMAIN(name, value, title)
#include "base/err.def"
#undef ERR_CODE
#undef ERR_DOMAIN
};

enum err_domain {
#define ERR_CODE(name, value, message, detail)
#define ERR_DOMAIN(name, value, title) ERR_FROM_##name = value,
#include "base/err.def"
#undef ERR_CODE
#undef ERR_DOMAIN
};

/* What goes to the client, field by field (wire: virNetMessageError). The zero value is "no error". */
struct err {
    enum err_code code;
    enum err_domain domain;
    char *message; /* the code's template with the detail filled in; owned */
    char *detail;  /* the detail alone (str2 on the wire); owned, may be NULL */
    int errnum;    /* errno of a failed system call, else 0 (int1 on the wire, -1 when 0) */
};

#ifndef ERR_FROM
#define ERR_FROM ERR_FROM_NONE
#endif

/*
 * Set an error: the message is the code's template around the formatted detail. Always returns -1, so that
 * `return err_set(err, ERR_XML_ERROR, "...")` reads well. The first error wins: an err that is set stays.
 * err may be NULL: then nothing is recorded; so may the format: then the code's own words are all there is to
 * say.
 */
#define err_set(err, code, ...) err_set_from((err), ERR_FROM, (code), __VA_ARGS__)
/* A failed system call: code ERR_SYSTEM_ERROR, message "DETAIL: strerror(errnum)". errnum may be negative. */
#define err_system(err, errnum, ...) err_system_from((err), ERR_FROM, (errnum), __VA_ARGS__)

/* The same, but the message is the detail alone, as clients know it of some refused arguments. */
#define err_set_bare(err, code, ...) err_set_bare_from((err), ERR_FROM, (code), __VA_ARGS__)

int err_set_from(struct err *err, enum err_domain domain, enum err_code code, const char *format, ...)
    PRINTF(4, 5);
int err_set_bare_from(struct err *err, enum err_domain domain, enum err_code code, const char *format, ...)
    PRINTF(4, 5);
int err_system_from(struct err *err, enum err_domain domain, int errnum, const char *format, ...)
    PRINTF(4, 5);

/* Put text before the detail of an error that is set ("domain 'a': ..."); keeps code and domain. */
void err_prefix(struct err *err, const char *format, ...) PRINTF(2, 3);
/* The same behind it (" in element 'a'"). */
void err_append(struct err *err, const char *format, ...) PRINTF(2, 3);
/* Take over an error from another err (which becomes empty). */
void err_move(struct err *to, struct err *from);
static inline bool err_is_set(const struct err *err)
{
    return err && err->code != ERR_OK;
}
/* Forget the error; the err can be used again. */
void err_clear(struct err *err);
#define auto_err CLEANUP(err_clear)

/* The template of a code, without or with its "%s" for a detail; NULL for an unknown code. */
const char *err_template(enum err_code code, bool with_detail);
const char *err_domain_title(enum err_domain domain);
