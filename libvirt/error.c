/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error API. Every thread has one last error, reset when a function begins and set where one fails; a
 * handler (of the connection, else the global one, else a line on stderr) hears of each error once.
 */
#include "libvirt/api.h"

#include <stdio.h>

#include "base/log.h"

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static virErrorFunc global_handler;
static void *global_data;

static void free_error(void *error)
{
    virResetError(error);
    free(error);
}

static void make_key(void)
{
    pthread_key_create(&key, free_error);
}

/* The thread's error, made on first use. */
static virErrorPtr last(void)
{
    virErrorPtr error;

    pthread_once(&once, make_key);
    error = pthread_getspecific(key);
    if (!error) {
        error = NEW(virError);
        pthread_setspecific(key, error);
    }
    return error;
}

static int copy(const virError *from, virErrorPtr to)
{
    virResetError(to);
    *to = (virError){.code = from->code,
                     .domain = from->domain,
                     .message = mem_strdup(from->message),
                     .level = from->level,
                     .str1 = mem_strdup(from->str1),
                     .str2 = mem_strdup(from->str2),
                     .str3 = mem_strdup(from->str3),
                     .int1 = from->int1,
                     .int2 = from->int2};
    return to->code;
}

void error_reset(void)
{
    virErrorPtr error;

    pthread_once(&once, make_key);
    error = pthread_getspecific(key);
    if (error && error->code)
        virResetError(error);
}

static void tell(virConnectPtr conn, virErrorPtr error)
{
    virErrorFunc handler = global_handler;
    void *data = global_data;

    if (conn) {
        pthread_mutex_lock(&conn->lock);
        copy(error, &conn->error);
        if (conn->error_handler) {
            handler = conn->error_handler;
            data = conn->error_data;
        }
        pthread_mutex_unlock(&conn->lock);
    }
    if (handler)
        handler(data, error);
    else
        virDefaultErrorFunc(error);
}

void error_raise(virConnectPtr conn, struct err *err)
{
    const char *template = err_template(err->code, err->detail != NULL);
    virError error = {.code = err->code,
                      .domain = err->domain,
                      .message = err->message,
                      .level = VIR_ERR_ERROR,
                      .str1 = (char *)template,
                      .str2 = err->detail,
                      .int1 = err->errnum ? err->errnum : -1,
                      .int2 = -1};

    error_tell(conn, &error);
    err_clear(err);
}

void error_tell(virConnectPtr conn, const virError *error)
{
    log_debug("error %d of domain %d: %s", error->code, error->domain, error->message);
    copy(error, last());
    tell(conn, last());
}

void error_argument(virConnectPtr conn, const char *function, enum err_domain domain, const char *name,
                    const char *what)
{
    auto_free char *message = mem_printf("%s in %s %s", name, function, what);

    error_refuse(conn, function, domain, name, message);
}

void error_refuse(virConnectPtr conn, const char *function, enum err_domain domain, const char *name,
                  const char *message)
{
    virError error = {.code = ERR_INVALID_ARG,
                      .domain = domain,
                      .message = (char *)message,
                      .level = VIR_ERR_ERROR,
                      .str1 = (char *)function,
                      .str2 = (char *)name};

    error_tell(conn, &error);
}

void error_raise_remote(virConnectPtr conn, const struct wire_error *wire)
{
    virError error = {.code = wire->code,
                      .domain = wire->domain,
                      .message = wire->message,
                      .level = (virErrorLevel)wire->level,
                      .str1 = wire->str1,
                      .str2 = wire->str2,
                      .str3 = wire->str3,
                      .int1 = wire->int1,
                      .int2 = wire->int2};

    error_tell(conn, &error);
}

API virErrorPtr virGetLastError(void)
{
    virErrorPtr error = last();

    return error->code ? error : NULL;
}

API int virGetLastErrorCode(void)
{
    return last()->code;
}

API int virGetLastErrorDomain(void)
{
    return last()->domain;
}

API const char *virGetLastErrorMessage(void)
{
    virErrorPtr error = last();

    if (!error->code)
        return "no error";
    return error->message ? error->message : "unknown error";
}

API void virResetError(virErrorPtr err)
{
    if (!err)
        return;
    free(err->message);
    free(err->str1);
    free(err->str2);
    free(err->str3);
    memset(err, 0, sizeof(*err));
}

API void virResetLastError(void)
{
    error_reset();
}

API int virCopyLastError(virErrorPtr to)
{
    return to ? copy(last(), to) : -1;
}

API virErrorPtr virSaveLastError(void)
{
    virErrorPtr saved = NEW(virError);

    copy(last(), saved);
    return saved;
}

API void virFreeError(virErrorPtr err)
{
    if (err)
        free_error(err);
}

API void virSetErrorFunc(void *userData, virErrorFunc handler)
{
    global_handler = handler;
    global_data = userData;
}

API virErrorPtr virConnGetLastError(virConnectPtr conn)
{
    return conn ? &conn->error : NULL;
}

API int virConnCopyLastError(virConnectPtr conn, virErrorPtr to)
{
    int code;

    if (!conn || !to)
        return -1;
    pthread_mutex_lock(&conn->lock);
    code = conn->error.code ? copy(&conn->error, to) : 0;
    pthread_mutex_unlock(&conn->lock);
    return code;
}

API void virConnResetLastError(virConnectPtr conn)
{
    if (!conn)
        return;
    pthread_mutex_lock(&conn->lock);
    virResetError(&conn->error);
    pthread_mutex_unlock(&conn->lock);
}

API void virConnSetErrorFunc(virConnectPtr conn, void *userData, virErrorFunc handler)
{
    if (!conn)
        return;
    pthread_mutex_lock(&conn->lock);
    conn->error_handler = handler;
    conn->error_data = userData;
    pthread_mutex_unlock(&conn->lock);
}

API void virDefaultErrorFunc(virErrorPtr err)
{
    const char *title, *level;

    if (!err || !err->code)
        return;
    title = err_domain_title((enum err_domain)err->domain);
    level = err->level == VIR_ERR_WARNING ? "warning" : "error";
    fprintf(stderr, "libvirt: %s %s : %s\n", title ? title : "", level,
            err->message ? err->message : "No error message provided");
}
