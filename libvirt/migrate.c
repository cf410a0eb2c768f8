/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving machines: what may be asked for, and which of the protocol's generations both hosts speak. The order
 * of checks and questions is stock's, which daemons of any age are used to.
 */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/migrate.h"

#include "base/str.h"
#include "uri/uri.h"

/* What the functions without typed parameters, and the steps before them, can express. */
static bool plain_parameter(const char *name)
{
    static const char *const names[] = {VIR_MIGRATE_PARAM_URI, VIR_MIGRATE_PARAM_DEST_NAME,
                                        VIR_MIGRATE_PARAM_DEST_XML, VIR_MIGRATE_PARAM_BANDWIDTH};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

static bool all_plain(const struct move *move)
{
    for (uint32_t i = 0; i < move->params.n; i++)
        if (!plain_parameter(move->params.v[i].field))
            return false;
    return true;
}

static const struct wire_typed_value *find(const struct move *move, const char *name)
{
    for (uint32_t i = 0; i < move->params.n; i++)
        if (str_eq(move->params.v[i].field, name))
            return &move->params.v[i].value;
    return NULL;
}

const char *move_text(const struct move *move, const char *name)
{
    const struct wire_typed_value *value = find(move, name);

    return value && value->type == VIR_TYPED_PARAM_STRING ? value->s : NULL;
}

uint64_t move_number(const struct move *move, const char *name)
{
    const struct wire_typed_value *value = find(move, name);

    return value && value->type == VIR_TYPED_PARAM_ULLONG ? value->ul : 0;
}

static struct wire_typed_value *add(struct move *move, const char *name)
{
    move->params.v = arena_grow(&move->call.arena, move->params.v, move->params.n, sizeof(*move->params.v));
    move->params.v[move->params.n].field = (char *)name;
    return &move->params.v[move->params.n++].value;
}

void move_set_text(struct move *move, const char *name, const char *value)
{
    struct wire_typed_value *at = (struct wire_typed_value *)find(move, name);

    if (!at)
        at = add(move, name);
    *at = (struct wire_typed_value){.type = VIR_TYPED_PARAM_STRING,
                                    .s = arena_strdup(&move->call.arena, value)};
}

static void set_plain(struct move *move, const char *uri, const char *name, const char *xml,
                      unsigned long bandwidth)
{
    if (uri)
        move_set_text(move, VIR_MIGRATE_PARAM_URI, uri);
    if (name)
        move_set_text(move, VIR_MIGRATE_PARAM_DEST_NAME, name);
    if (xml)
        move_set_text(move, VIR_MIGRATE_PARAM_DEST_XML, xml);
    *add(move, VIR_MIGRATE_PARAM_BANDWIDTH) =
        (struct wire_typed_value){.type = VIR_TYPED_PARAM_ULLONG, .ul = bandwidth};
}

int move_step(struct move *move, virConnectPtr conn, const struct procedure *procedure, const void *in,
              void *out)
{
    move->call.conn = conn;
    move->call.procedure = procedure;
    return call_run(&move->call, in, out);
}

int move_supports(struct move *move, virConnectPtr conn, enum move_feature feature)
{
    struct remote_connect_supports_feature_in in = {.feature = (int32_t)feature};
    struct remote_connect_supports_feature_out out;

    if (conn->local) /* no such driver moves machines */
        return 0;
    return move_step(move, conn, PROCEDURE(remote, CONNECT_SUPPORTS_FEATURE), &in, &out) < 0
               ? -1
               : out.supported != 0;
}

/* Both hosts are asked, whatever the first says. */
static int both_support(struct move *move, enum move_feature feature)
{
    int source = move_supports(move, move->domain->object.conn, feature);
    int target = source < 0 ? -1 : move_supports(move, move->target, feature);

    return target < 0 ? -1 : source && target;
}

static int unsupported(struct move *move, const char *what)
{
    return err_set(&move->call.err, ERR_ARGUMENT_UNSUPPORTED, "%s", what);
}

/* Begin: the machine, its connection and that to the target (NULL: there is none) may be used so. */
static bool begin(struct move *move, const char *function, virDomainPtr domain, const virConnectPtr *target,
                  unsigned long flags)
{
    *move = (struct move){.domain = domain, .target = target ? *target : NULL, .flags = (unsigned)flags};
    if (!call_begin(&move->call, function, domain, OBJECT_DOMAIN, PROCEDURE(remote, DOMAIN_MIGRATE_PERFORM3)))
        return false;
    if (call_writable(&move->call) && (!target || call_object(&move->call, *target, KIND_CONNECT))) {
        if (target)
            move->call.conn = *target;
        if (call_writable(&move->call))
            return true;
    }
    if (move->call.err.code == ERR_INVALID_CONN) /* the machine's affair */
        move->call.err.domain = ERR_FROM_DOMAIN;
    call_end(&move->call);
    return false;
}

static void *end(struct move *move, void *result)
{
    move->call.conn = move->domain->object.conn; /* whose handler hears of errors */
    call_end(&move->call);
    return result;
}

static bool flags_agree(struct move *move, bool parallel)
{
    static const unsigned copies = VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC;
    struct call *call = &move->call;

    return call_exclusive(call, move->flags, VIR_MIGRATE_NON_SHARED_DISK, "VIR_MIGRATE_NON_SHARED_DISK",
                          VIR_MIGRATE_NON_SHARED_INC, "VIR_MIGRATE_NON_SHARED_INC") &&
           (!parallel || call_exclusive(call, move->flags, VIR_MIGRATE_TUNNELLED, "VIR_MIGRATE_TUNNELLED",
                                        VIR_MIGRATE_PARALLEL, "VIR_MIGRATE_PARALLEL")) &&
           call_requires(call, move->flags, VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES,
                         "VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES", copies,
                         "VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC");
}

/* A machine that doesn't run can be moved where both know how. */
static int offline_fits(struct move *move)
{
    int r;

    if (!(move->flags & VIR_MIGRATE_OFFLINE))
        return 0;
    r = move_supports(move, move->domain->object.conn, MOVE_OFFLINE);
    if (r == 0)
        return unsupported(move, "offline migration is not supported by the source host");
    if (r > 0 && move->target) {
        r = move_supports(move, move->target, MOVE_OFFLINE);
        if (r == 0)
            return unsupported(move, "offline migration is not supported by the destination host");
    }
    return r < 0 ? -1 : 0;
}

/* Only the source protects, and a source that can always does. */
static int protection_fits(struct move *move)
{
    int r;

    if (!(move->flags & VIR_MIGRATE_CHANGE_PROTECTION))
        return 0;
    r = move_supports(move, move->domain->object.conn, MOVE_PROTECTION);
    if (r == 0)
        return unsupported(move, "cannot enforce change protection");
    move->flags &= ~(unsigned)VIR_MIGRATE_CHANGE_PROTECTION;
    return r < 0 ? -1 : 0;
}

/* Step by step between both hosts, in the newest generation that both speak. */
static virDomainPtr between(struct move *move)
{
    int r = both_support(move, MOVE_V3);

    if (r > 0)
        return move_v3(move);
    if (r == 0)
        r = both_support(move, MOVE_V2);
    if (r > 0)
        return move_v2(move);
    if (r == 0)
        r = both_support(move, MOVE_V1);
    if (r > 0)
        return move_v1(move);
    if (r == 0)
        err_set(&move->call.err, ERR_NO_SUPPORT, "%s", move->call.function);
    return NULL;
}

/* The source does it all; dconn: of the daemon that it turns to, NULL: QEMU itself goes to the parameters'
 * URI. */
static int alone(struct move *move, const char *dconn)
{
    virConnectPtr source = move->domain->object.conn;
    int r = dconn ? move_supports(move, source, MOVE_PARAMS) : 0;

    if (r > 0)
        return move_alone_params(move, dconn);
    if (r == 0)
        r = move_supports(move, source, MOVE_V3);
    if (r < 0)
        return -1;
    if (r == 0 && move_text(move, VIR_MIGRATE_PARAM_DEST_XML))
        return unsupported(move, "Some parameters are not supported by migration protocol 2");
    if (!all_plain(move))
        return unsupported(move, r ? "Some parameters are not supported by migration protocol 3"
                                   : "Some parameters are not supported by migration protocol 2");
    if (r > 0)
        return move_alone_v3(move, dconn);
    if (dconn && move_text(move, VIR_MIGRATE_PARAM_URI))
        return err_set(&move->call.err, ERR_INTERNAL_ERROR, "Unable to override peer2peer migration URI");
    return move_alone_v2(move, dconn ? dconn : move_text(move, VIR_MIGRATE_PARAM_URI));
}

/* The source's daemon goes to the target's; then we look whether the machine is there. */
static virDomainPtr by_peer(struct move *move, const char *dconn)
{
    struct remote_domain_lookup_by_name_out out;
    struct remote_domain_lookup_by_name_in in;
    const char *name = move_text(move, VIR_MIGRATE_PARAM_DEST_NAME);
    int r = move_supports(move, move->domain->object.conn, MOVE_P2P);

    if (r == 0)
        err_set(&move->call.err, ERR_NO_SUPPORT, "%s", move->call.function);
    if (r <= 0 || alone(move, dconn ? dconn : move->target->uri) < 0)
        return NULL;
    in.name = name ? (char *)name : move->domain->wire.name;
    if (move_step(move, move->target, PROCEDURE(remote, DOMAIN_LOOKUP_BY_NAME), &in, &out) < 0)
        return NULL;
    return object_new(move->target, OBJECT_DOMAIN, &out.dom);
}

/* dconn: of the daemon that the source's shall turn to, NULL: the one that the caller is connected to. */
static virDomainPtr with_plain_parameters(struct move *move, const char *dconn)
{
    if (!flags_agree(move, true) || offline_fits(move) < 0)
        return NULL;
    if (move->flags & VIR_MIGRATE_PEER2PEER)
        return by_peer(move, dconn);
    if (protection_fits(move) < 0)
        return NULL;
    if (move->flags & VIR_MIGRATE_TUNNELLED) {
        err_set(&move->call.err, ERR_OPERATION_INVALID,
                "cannot perform tunnelled migration without using peer2peer flag");
        return NULL;
    }
    return between(move);
}

API virDomainPtr virDomainMigrate(virDomainPtr domain, virConnectPtr dconn, unsigned long flags,
                                  const char *dname, const char *uri, unsigned long bandwidth)
{
    bool peer = flags & VIR_MIGRATE_PEER2PEER; /* the URI is a daemon's then */
    struct move move;

    if (!begin(&move, __func__, domain, &dconn, flags))
        return NULL;
    set_plain(&move, peer ? NULL : uri, dname, NULL, bandwidth);
    return end(&move, with_plain_parameters(&move, peer ? uri : NULL));
}

API virDomainPtr virDomainMigrate2(virDomainPtr domain, virConnectPtr dconn, const char *dxml,
                                   unsigned long flags, const char *dname, const char *uri,
                                   unsigned long bandwidth)
{
    struct move move;

    if (!begin(&move, __func__, domain, &dconn, flags))
        return NULL;
    set_plain(&move, uri, dname, dxml, bandwidth);
    return end(&move, with_plain_parameters(&move, NULL));
}

static virDomainPtr with_parameters(struct move *move)
{
    int r;

    if (!flags_agree(move, false))
        return NULL;
    if (move->flags & VIR_MIGRATE_PEER2PEER) {
        call_refuse(&move->call, "flags", "use virDomainMigrateToURI3 for peer-to-peer migration");
        return NULL;
    }
    if (move->flags & VIR_MIGRATE_TUNNELLED) {
        call_refuse(&move->call, "flags", "cannot perform tunnelled migration without using peer2peer flag");
        return NULL;
    }
    if (offline_fits(move) < 0 || protection_fits(move) < 0)
        return NULL;
    r = both_support(move, MOVE_PARAMS);
    if (r < 0)
        return NULL;
    move->extensible = r > 0;
    if (r > 0)
        return move_v3(move);
    if (!all_plain(move)) {
        unsupported(move,
                    "Migration APIs with extensible parameters are not supported but extended parameters "
                    "were passed");
        return NULL;
    }
    return between(move);
}

/* The caller's parameters become ours. */
static bool take_params(struct move *move, virTypedParameterPtr params, unsigned int nparams)
{
    struct wire_typed_param *wires;
    uint32_t n;

    if (params_to_wire(&move->call, params, (int)nparams, &n, &wires) < 0)
        return false;
    for (uint32_t i = 0; i < n; i++)
        *add(move, wires[i].field) = wires[i].value;
    return true;
}

API virDomainPtr virDomainMigrate3(virDomainPtr domain, virConnectPtr dconn, virTypedParameterPtr params,
                                   unsigned int nparams, unsigned int flags)
{
    virDomainPtr moved = NULL;
    struct move move;

    if (!begin(&move, __func__, domain, &dconn, flags))
        return NULL;
    if (take_params(&move, params, nparams))
        moved = with_parameters(&move);
    return end(&move, moved);
}

/* The other daemon can't be this one, however it is called. */
static bool elsewhere(struct move *move, const char *dconn)
{
    struct uri uri;

    if (!call_argument(&move->call, dconn, "dconnuri") ||
        uri_parse(&move->call.arena, dconn, &uri, &move->call.err) < 0)
        return false;
    return (uri.host && !str_after(uri.host, "localhost")) ||
           call_refuse(&move->call, "dconnuri", "Attempt to migrate guest to the same host");
}

static int to_uri(struct move *move, const char *dconn)
{
    bool peer = move->flags & VIR_MIGRATE_PEER2PEER;
    int r;

    if (!flags_agree(move, true) || offline_fits(move) < 0)
        return -1;
    r = move_supports(move, move->domain->object.conn, peer ? MOVE_P2P : MOVE_DIRECT);
    if (r == 0)
        return unsupported(move, peer ? "p2p migration is not supported by the source host"
                                      : "direct migration is not supported by the source host");
    if (r < 0 || (peer && !elsewhere(move, dconn)))
        return -1;
    return alone(move, peer ? dconn : NULL);
}

static int end_number(struct move *move, int result)
{
    end(move, NULL);
    return result;
}

API int virDomainMigrateToURI(virDomainPtr domain, const char *duri, unsigned long flags, const char *dname,
                              unsigned long bandwidth)
{
    bool peer = flags & VIR_MIGRATE_PEER2PEER;
    struct move move;

    if (!begin(&move, __func__, domain, NULL, flags))
        return -1;
    if (!call_argument(&move.call, duri, "duri"))
        return end_number(&move, -1);
    set_plain(&move, peer ? NULL : duri, dname, NULL, bandwidth);
    return end_number(&move, to_uri(&move, peer ? duri : NULL));
}

API int virDomainMigrateToURI2(virDomainPtr domain, const char *dconnuri, const char *miguri,
                               const char *dxml, unsigned long flags, const char *dname,
                               unsigned long bandwidth)
{
    struct move move;

    if (!begin(&move, __func__, domain, NULL, flags))
        return -1;
    set_plain(&move, miguri, dname, dxml, bandwidth);
    return end_number(&move, to_uri(&move, dconnuri));
}

API int virDomainMigrateToURI3(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params,
                               unsigned int nparams, unsigned int flags)
{
    struct move move;

    if (!begin(&move, __func__, domain, NULL, flags))
        return -1;
    return end_number(&move, take_params(&move, params, nparams) ? to_uri(&move, dconnuri) : -1);
}
