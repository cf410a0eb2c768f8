/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to a driver in a module of this library: finding it, opening it, calling it. */
#define ERR_FROM ERR_FROM_NONE
#include "libvirt/local.h"

#include <dlfcn.h>

#include "base/str.h"
#include "libvirt/local-conn.h"
#include "libvirt/auth-file.h"
#include "libvirt/events.h"
#include "libvirt/stream.h"

static const struct {
    const char *scheme, *module;
} modules[] = {{"test", "test"}};

static const char *module_of(const struct uri *uri)
{
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        if (!uri->transport && !uri->host && str_eq_nocase(uri->driver, modules[i].scheme))
            return modules[i].module;
    return NULL;
}

bool local_wanted(const struct uri *uri)
{
    return module_of(uri) != NULL;
}

/*
 * Modules stand beside the library: where it was installed, or (its folder is .libs then) in the tree that it
 * was just built in. Nothing from the environment has a say.
 */
static void *open_module(const char *module)
{
    auto_arena struct arena arena = {0};
    const char *folder, *place, *path;
    Dl_info info;
    char *slash;

    if (!dladdr(modules, &info) || !info.dli_fname)
        return NULL;
    folder = arena_strdup(&arena, info.dli_fname);
    slash = strrchr(folder, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    place = str_ends(folder, "/.libs") ? "../../testdriver/.libs" : "libvirt/connection-driver";
    path = arena_printf(&arena, "%s/%s/libvirt_driver_%s.so", folder, place, module);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

static const struct local_driver *find_driver(const char *module)
{
    void *handle = open_module(module);
    const struct local_driver *driver = handle ? dlsym(handle, LOCAL_DRIVER_SYMBOL) : NULL;

    return driver && driver->version == LOCAL_VERSION ? driver : NULL;
}

static void on_event(void *arg, uint32_t program, int32_t procedure, const char *payload, size_t length)
{
    struct wire_message_header header = {
        .prog = program, .proc = procedure, .type = MESSAGE_TYPE_MESSAGE, .status = MESSAGE_STATUS_OK};

    events_message(arg, &header, payload, length);
}

static bool accepts(const struct _virConnectAuth *auth, int type)
{
    for (unsigned i = 0; i < auth->ncredtype; i++)
        if (auth->credtype[i] == type)
            return true;
    return false;
}

static int ask(const struct local_open *open, bool secret, const char *prompt, char **ret, struct err *err)
{
    const struct _virConnectAuth *auth = open->auth;
    virConnectCredential cred = {.prompt = prompt, .challenge = "localhost"};
    auto_arena struct arena arena = {0};
    const char *kept;

    if (auth_file_find(&arena, open->uri, open->uri->driver, "localhost", secret ? "password" : "username",
                       &kept, err) < 0)
        return -1;
    if (kept) {
        *ret = mem_strdup(kept);
        return 0;
    }
    if (!auth)
        return err_set_from(err, ERR_FROM_AUTH, ERR_INVALID_ARG, "Missing authentication credentials");
    if (!secret) {
        cred.type = accepts(auth, VIR_CRED_AUTHNAME) ? VIR_CRED_AUTHNAME : 0;
    } else {
        cred.type = accepts(auth, VIR_CRED_PASSPHRASE)     ? VIR_CRED_PASSPHRASE
                    : accepts(auth, VIR_CRED_NOECHOPROMPT) ? VIR_CRED_NOECHOPROMPT
                                                           : 0;
    }
    if (!cred.type)
        return err_set_from(err, ERR_FROM_AUTH, ERR_AUTH_FAILED, "Missing %s credential type",
                            secret ? "VIR_CRED_PASSPHRASE or VIR_CRED_NOECHOPROMPT" : "VIR_CRED_AUTHNAME");
    if (!auth->cb)
        return err_set_from(err, ERR_FROM_AUTH, ERR_INVALID_ARG, "Missing authentication callback");
    if (auth->cb(&cred, 1, auth->cbdata) < 0 || !cred.result) {
        free(cred.result);
        return err_set_from(err, ERR_FROM_AUTH, ERR_AUTH_FAILED, "no answer to '%s'", prompt);
    }
    *ret = cred.result;
    return 0;
}

int local_open(virConnectPtr conn, const struct uri *uri, virConnectAuthPtr auth, struct err *err)
{
    const struct local_driver *driver = find_driver(module_of(uri));
    struct local_open open = {.uri = uri,
                              .read_only = conn->read_only,
                              .host = {.arg = conn->events, .event = on_event},
                              .ask = ask,
                              .auth = auth};

    if (!driver)
        return err_set(err, ERR_NO_CONNECT,
                       "%s: libvirt_driver_%s.so isn't there or doesn't fit (it belongs into "
                       "libvirt/connection-driver beside libvirt.so.0)",
                       uri->driver, module_of(uri));
    if (driver->open(&open, &conn->local_state, err) < 0)
        return -1;
    conn->local = driver;
    return 0;
}

int local_run(struct call *call, const void *in, void *out)
{
    struct local_call local = {.procedure = call->procedure,
                               .arena = &call->arena,
                               .err = &call->err,
                               .fds = call->fds,
                               .fd_count = call->fd_count};
    int r;

    memset(out, 0, call->procedure->out_size);
    r = call->conn->local->run(call->conn->local_state, &local, in, out);
    if (r == 0 && call->stream)
        stream_start_local(call->stream, call->procedure, &local.stream);
    buf_done(&local.stream);
    return r;
}

void local_close(virConnectPtr conn)
{
    if (conn->local)
        conn->local->close(conn->local_state);
    conn->local = NULL;
}
