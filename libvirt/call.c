/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call: look at the arguments, send, wait, decode, tell the error. The functions made by libvirt/gen are
 * a few lines around these.
 */
#include "libvirt/api.h"

#include <limits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "libvirt/link.h"
#include "libvirt/local-conn.h"
#include "libvirt/stream.h"
#include "protocol/xdr-table.h"
#include "rpc/xdr.h"

/* What waits for the answer; the reading thread copies the payload here. */
struct answer {
    struct link_target target;
    bool done;
    enum wire_message_status status;
    struct buf payload;
    struct call *call;
};

/*
 * The domain of errors about a call's arguments: of what it is about. That is its object; for lookups and
 * lists what they look for, which their permission tells.
 */
static enum err_domain call_domain(const struct procedure *procedure)
{
    static const struct {
        const char *kind;
        unsigned object;
    } kinds[] = {{"domain", OBJECT_DOMAIN},           {"network", OBJECT_NETWORK},
                 {"network_port", OBJECT_NETWORK},    {"storage_pool", OBJECT_STORAGE_POOL},
                 {"storage_vol", OBJECT_STORAGE_VOL}, {"node_device", OBJECT_NODE_DEVICE},
                 {"secret", OBJECT_SECRET},           {"interface", OBJECT_INTERFACE},
                 {"nwfilter", OBJECT_NWFILTER},       {"nwfilter_binding", OBJECT_NWFILTER_BINDING}};
    unsigned permission = procedure->filter ? procedure->filter : procedure->acl[0].permission;
    const char *name = procedure_name(procedure);

    if (procedure->program == PROCEDURE(admin, CONNECT_OPEN)->program)
        return ERR_FROM_ADMIN;
    if (procedure->program != PROCEDURE(remote, CONNECT_OPEN)->program)
        return ERR_FROM_NONE;
    if (str_after(name, "domain_snapshot_"))
        return ERR_FROM_DOMAIN_SNAPSHOT;
    if (str_after(name, "domain_checkpoint_"))
        return ERR_FROM_DOMAIN_CHECKPOINT;
    if (str_after(name, "interface_"))
        return ERR_FROM_INTERFACE;
    if (procedure->object)
        return object_err_domain(procedure->object);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (str_eq(kinds[i].kind, permission_names[permission].kind))
            return object_err_domain(kinds[i].object);
    for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
        if (strstr(name, kinds[i].kind))
            return object_err_domain(kinds[i].object);
    return ERR_FROM_DOMAIN;
}

bool call_begin(struct call *call, const char *function, void *object, unsigned kind,
                const struct procedure *procedure)
{
    *call = (struct call){.function = function, .procedure = procedure};
    error_reset();
    if (!object_check(object, kind, function, &call->err)) {
        if (kind == KIND_CONNECT) /* what is wrong belongs to what was asked for */
            call->err.domain = call_domain(procedure);
        error_raise(NULL, &call->err);
        return false;
    }
    call->conn = object_conn(object);
    return true;
}

bool call_writable(struct call *call)
{
    if (!call->conn->read_only || call->procedure->read_only)
        return true;
    err_set_from(&call->err, call_domain(call->procedure), ERR_OPERATION_DENIED,
                 "read only access prevents %s", call->function);
    return false;
}

bool call_refuse(struct call *call, const char *name, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    error_refuse(call->conn, call->function, call_domain(call->procedure), name, buf_text(&text));
    call->reported = true;
    return false;
}

static bool wrong(struct call *call, const char *name, const char *what)
{
    return call_refuse(call, name, "%s in %s %s", name, call->function, what);
}

bool call_argument(struct call *call, const void *argument, const char *name)
{
    return argument || wrong(call, name, "must not be NULL");
}

bool call_not_negative(struct call *call, long long value, const char *name)
{
    return value >= 0 || wrong(call, name, "must be zero or greater");
}

bool call_not_zero(struct call *call, long long value, const char *name)
{
    return value || wrong(call, name, "must not be zero");
}

bool call_positive(struct call *call, long long value, const char *name)
{
    return value > 0 || wrong(call, name, "must be greater than zero");
}

bool call_not_empty(struct call *call, const char *text, const char *name)
{
    if (!call_argument(call, text, name))
        return false;
    return *text || call_refuse(call, name, "string %s in %s must not be empty", name, call->function);
}

bool call_exclusive(struct call *call, unsigned flags, unsigned one, const char *one_name, unsigned other,
                    const char *other_name)
{
    return !(flags & one) || !(flags & other) ||
           call_refuse(call, "flags", "Flags '%s' and '%s' are mutually exclusive", one_name, other_name);
}

bool call_requires(struct call *call, unsigned flags, unsigned one, const char *one_name, unsigned other,
                   const char *other_name)
{
    return !(flags & one) || (flags & other) ||
           call_refuse(call, "flags", "Flag '%s' is required by flag '%s'", other_name, one_name);
}

char *call_path(struct call *call, const char *path)
{
    char folder[PATH_MAX];

    if (!path || *path == '/' || !getcwd(folder, sizeof(folder)))
        return (char *)path;
    return arena_printf(&call->arena, "%s/%s", folder, path);
}

unsigned call_strings(const struct call *call, unsigned flags)
{
    return call->conn->local ? flags : flags | VIR_TYPED_PARAM_STRING_OKAY;
}

bool call_object(struct call *call, const void *object, unsigned kind)
{
    return object_check(object, kind, call->function, &call->err);
}

bool call_unsupported(const char *function, void *object, unsigned kind)
{
    auto_err struct err err = {0};

    error_reset();
    if (!object_check(object, kind, function, &err))
        ;
    else if (object_conn(object)->read_only)
        err_set_from(&err, object_err_domain(kind), ERR_OPERATION_DENIED, "read only access prevents %s",
                     function);
    else
        err_set_from(&err, object_err_domain(kind), ERR_NO_SUPPORT, "%s", function);
    error_raise(NULL, &err);
    return false;
}

static bool take_answer(struct link_target *target, const struct wire_message_header *header,
                        const char *payload, size_t length, int *fds, unsigned fd_count)
{
    struct answer *answer = CONTAINER_OF(target, struct answer, target);

    if (header->type != MESSAGE_TYPE_REPLY && header->type != MESSAGE_TYPE_REPLY_WITH_FDS)
        return false;
    answer->done = true;
    answer->status = header->status;
    buf_add(&answer->payload, payload, length);
    if (fd_count) {
        answer->call->reply_fds = mem_dup(fds, fd_count * sizeof(int));
        answer->call->reply_fd_count = fd_count;
        for (unsigned i = 0; i < fd_count; i++)
            fds[i] = -1;
    }
    return true;
}

static bool answered(struct link_target *target)
{
    return CONTAINER_OF(target, struct answer, target)->done;
}

/* Kept until the call ends. An unknown procedure is a function that the driver doesn't have: that is what
 * callers look for. */
static void remote_error(struct call *call, struct wire_error *error)
{
    static const char unknown[] = "unknown procedure: ";

    if ((error->domain == ERR_FROM_RPC || error->domain == ERR_FROM_REMOTE) && error->message &&
        !strncmp(error->message, unknown, strlen(unknown)))
        error->code = ERR_NO_SUPPORT;
    call->remote = *error;
}

static int understand(struct call *call, struct answer *answer, void *out)
{
    struct wire_error error;

    if (answer->status == MESSAGE_STATUS_OK)
        return xdr_decode(call->procedure->out, buf_text(&answer->payload), answer->payload.length, out,
                          &call->arena, &call->err) < 0
                   ? -1
                   : 0;
    if (xdr_decode(XDR_wire_error, buf_text(&answer->payload), answer->payload.length, &error, &call->arena,
                   &call->err) < 0)
        return -1;
    remote_error(call, &error);
    return -1;
}

static int send_call(struct call *call, struct answer *answer, const void *in)
{
    auto_buf struct buf frame = {0};
    uint32_t count = __builtin_bswap32(call->fd_count);

    memset(buf_reserve(&frame, 256), 0, LINK_HEADER);
    frame.length = LINK_HEADER;
    if (call->fd_count)
        buf_add(&frame, &count, sizeof(count));
    if (xdr_encode(call->procedure->in, in, &frame, &call->err) < 0)
        return -1;
    return link_send(call->conn->link, &answer->target,
                     call->fd_count ? MESSAGE_TYPE_CALL_WITH_FDS : MESSAGE_TYPE_CALL, MESSAGE_STATUS_OK,
                     &frame, call->fds, call->fd_count, &call->err);
}

static int run_remote(struct call *call, const void *in, void *out)
{
    struct answer answer = {.target = {.program = call->procedure->program,
                                       .procedure = call->procedure->number,
                                       .frame = take_answer},
                            .call = call};
    struct link *link = call->conn->link;
    int r;

    /* the stream has to be there before its first byte can come */
    link_add(link, &answer.target);
    if (call->stream)
        stream_start(call->stream, call->procedure, answer.target.serial);
    r = send_call(call, &answer, in);
    if (r == 0)
        r = link_wait(link, &answer.target, answered, &call->err);
    link_remove(link, &answer.target);
    if (r == 0)
        r = understand(call, &answer, out);
    if (r < 0 && call->stream)
        stream_stop(call->stream);
    buf_done(&answer.payload);
    return r;
}

int call_run(struct call *call, const void *in, void *out)
{
    int r;

    if (!call_writable(call))
        return -1;
    log_debug("%s calls %s", call->function, procedure_name(call->procedure));
    r = call->conn->local ? local_run(call, in, out) : run_remote(call, in, out);
    if (r == LOCAL_NO_METHOD)
        err_set_from(&call->err, call_domain(call->procedure), ERR_NO_SUPPORT, "%s", call->function);
    return r < 0 ? -1 : 0;
}

void call_end(struct call *call)
{
    if (call->remote.code)
        error_raise_remote(call->conn, &call->remote);
    else if (err_is_set(&call->err) && !call->reported)
        error_raise(call->conn, &call->err);
    err_clear(&call->err);
    for (unsigned i = 0; call->reply_fds && i < call->reply_fd_count; i++)
        close(call->reply_fds[i]);
    free(call->reply_fds);
    arena_done(&call->arena);
}

char *call_text(const char *text)
{
    return mem_strdup(text);
}

int call_names(struct call *call, uint32_t n, char **names, char **ret, int room)
{
    int count = (int)n < room ? (int)n : room;

    for (int i = 0; i < count; i++)
        ret[i] = mem_strdup(names[i]);
    return count;
}

int call_text_list(uint32_t n, char **texts, char ***ret)
{
    *ret = NEW_ARRAY(char *, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++)
        (*ret)[i] = mem_strdup(texts[i]);
    return (int)n;
}

int call_objects(struct call *call, unsigned kind, uint32_t n, const void *wires, void ***ret)
{
    static const uint16_t types[] = {
        [OBJECT_DOMAIN] = XDR_wire_domain,
        [OBJECT_DOMAIN_SNAPSHOT] = XDR_wire_domain_snapshot,
        [OBJECT_DOMAIN_CHECKPOINT] = XDR_wire_domain_checkpoint,
        [OBJECT_NETWORK] = XDR_wire_network,
        [OBJECT_NETWORK_PORT] = XDR_wire_network_port,
        [OBJECT_STORAGE_POOL] = XDR_wire_storage_pool,
        [OBJECT_STORAGE_VOL] = XDR_wire_storage_vol,
        [OBJECT_NODE_DEVICE] = XDR_wire_node_device,
        [OBJECT_SECRET] = XDR_wire_secret,
        [OBJECT_INTERFACE] = XDR_wire_interface,
        [OBJECT_NWFILTER] = XDR_wire_nwfilter,
        [OBJECT_NWFILTER_BINDING] = XDR_wire_nwfilter_binding,
        [OBJECT_ADMIN_SERVER] = XDR_wire_admin_server,
        [OBJECT_ADMIN_CLIENT] = XDR_wire_admin_client,
    };
    size_t size = xdr_types[types[kind]].size;

    *ret = NEW_ARRAY(void *, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++)
        (*ret)[i] = object_new(call->conn, kind, (const char *)wires + i * size);
    return (int)n;
}
