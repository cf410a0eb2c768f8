/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct code_row {
    enum err_code code;
    const char *message, *detail;
};

static const struct code_row codes[] = {
#define ERR_CODE(name, value, message, detail) {name, message, detail},
#define ERR_DOMAIN(name, value, title)
#include "base/err.def"
#undef ERR_CODE
#undef ERR_DOMAIN
};

static const struct {
    enum err_domain domain;
    const char *title;
} domains[] = {
#define ERR_CODE(name, value, message, detail)
#define ERR_DOMAIN(name, value, title) {ERR_FROM_##name, title},
#include "base/err.def"
#undef ERR_CODE
#undef ERR_DOMAIN
};

static char *format_args(const char *format, va_list args) PRINTF(1, 0);
static char *format_args(const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        abort();
    return text;
}

const char *err_template(enum err_code code, bool with_detail)
{
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].code == code)
            return with_detail ? codes[i].detail : codes[i].message;
    return NULL;
}

const char *err_domain_title(enum err_domain domain)
{
    for (size_t i = 0; i < ARRAY_SIZE(domains); i++)
        if (domains[i].domain == domain)
            return domains[i].title;
    return "";
}

/* Templates hold one %s; filling it in by hand keeps format strings constant everywhere. */
static void compose(struct err *err)
{
    const char *template = err_template(err->code, /* with_detail= */ err->detail);
    const char *mark = template && err->detail ? strstr(template, "%s") : NULL;

    /* it may quote a file, QEMU or a guest, and people read it in a terminal */
    if (err->detail)
        str_make_printable(err->detail);
    free(err->message);
    if (!mark)
        err->message = mem_strdup(err->detail ? err->detail : template);
    else
        err->message = mem_printf("%.*s%s%s", (int)(mark - template), template, err->detail, mark + 2);
}

static int set(struct err *err, enum err_domain domain, enum err_code code, int errnum, char *detail)
{
    if (!err || err_is_set(err)) {
        free(detail);
        return -1;
    }
    err->code = code;
    err->domain = domain;
    err->errnum = errnum;
    err->detail = detail;
    compose(err);
    return -1;
}

int err_set_from(struct err *err, enum err_domain domain, enum err_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(err, domain, code, 0, format ? format_args(format, args) : NULL);
    va_end(args);
    return -1;
}

int err_set_bare_from(struct err *err, enum err_domain domain, enum err_code code, const char *format, ...)
{
    va_list args;
    bool first = err && !err_is_set(err);

    va_start(args, format);
    set(err, domain, code, 0, format_args(format, args));
    va_end(args);
    if (first) {
        free(err->message);
        err->message = mem_strdup(err->detail);
    }
    return -1;
}

int err_system_from(struct err *err, enum err_domain domain, int errnum, const char *format, ...)
{
    auto_free char *what = NULL;
    va_list args;

    if (errnum < 0)
        errnum = -errnum;
    va_start(args, format);
    what = format_args(format, args);
    va_end(args);
    return set(err, domain, ERR_SYSTEM_ERROR, errnum, mem_printf("%s: %s", what, strerror(errnum)));
}

PRINTF(3, 0) static void rephrase(struct err *err, bool before, const char *format, va_list args)
{
    auto_free char *what = NULL, *old = NULL;

    if (!err_is_set(err))
        return;
    what = format_args(format, args);
    old = err->detail;
    if (!old) /* the message has a gap before its detail */
        err->detail = mem_strdup(what + strspn(what, " "));
    else
        err->detail = before ? mem_printf("%s%s", what, old) : mem_printf("%s%s", old, what);
    compose(err);
}

void err_prefix(struct err *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    rephrase(err, /* before= */ true, format, args);
    va_end(args);
}

void err_append(struct err *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    rephrase(err, /* before= */ false, format, args);
    va_end(args);
}

void err_move(struct err *to, struct err *from)
{
    if (!to || err_is_set(to)) {
        err_clear(from);
        return;
    }
    *to = *from;
    *from = (struct err){0};
}

void err_clear(struct err *err)
{
    free(err->message);
    free(err->detail);
    *err = (struct err){0};
}
