/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a move. Begin (source), prepare (target), perform (source), finish (target), confirm (source)
 * are those of the third generation, each with typed parameters or without; cookies go from each step to the
 * next. The rule that matters: whatever fails, exactly one of the hosts goes on with the machine, and the
 * first error is the one told.
 */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/migrate.h"

#include "base/log.h"

/* What the target isn't told: the source's own business. */
enum { SOURCE_ONLY = VIR_MIGRATE_ABORT_ON_ERROR | VIR_MIGRATE_AUTO_CONVERGE };

static unsigned target_flags(const struct move *move)
{
    return move->flags & ~(unsigned)SOURCE_ONLY;
}

static unsigned source_flags(const struct move *move)
{
    return move->flags | move->protection;
}

static virConnectPtr source(const struct move *move)
{
    return move->domain->object.conn;
}

static char *text(const struct move *move, const char *name)
{
    return (char *)move_text(move, name);
}

static char *name_there(const struct move *move)
{
    char *name = text(move, VIR_MIGRATE_PARAM_DEST_NAME);

    return name ? name : move->domain->wire.name;
}

/* Every step with a cookie and parameters gets and leaves them alike; the structs only share the members'
 * names. */
#define GIVE_COOKIE(in, move) ((in).cookie_in.n = (move)->cookie.n, (in).cookie_in.v = (move)->cookie.v)
#define TAKE_COOKIE(out, move, r)                                                                            \
    ((move)->cookie.n = (r) < 0 ? 0 : (out).cookie_out.n, (move)->cookie.v = (out).cookie_out.v)
#define GIVE_PARAMS(in, move) ((in).params.n = (move)->params.n, (in).params.v = (move)->params.v)

static void forget_error(struct move *move)
{
    err_clear(&move->call.err);
    move->call.remote = (struct wire_error){0};
}

/* Results are alike with typed parameters and without, so one struct serves both. */
#define SAME_RESULTS(step)                                                                                   \
    _Static_assert(sizeof(struct remote_domain_migrate_##step##3_out) ==                                     \
                       sizeof(struct remote_domain_migrate_##step##3_params_out),                            \
                   #step)
SAME_RESULTS(begin);
SAME_RESULTS(prepare);
SAME_RESULTS(finish);

/* Put the error of a step aside, unless there is one already: later ones are what it brought about. */
static void keep_error(struct move *move)
{
    if (!err_is_set(&move->err) && !move->remote_err.code) {
        err_move(&move->err, &move->call.err);
        move->remote_err = move->call.remote;
    }
    forget_error(move);
}

/* What was put aside is the error of the whole. */
static void restore_error(struct move *move)
{
    err_clear(&move->call.err);
    err_move(&move->call.err, &move->err);
    move->call.remote = move->remote_err;
}

/* The third generation, step by step. */

static int begin3(struct move *move, char **ret_xml)
{
    struct remote_domain_migrate_begin3_params_out out = {0};
    int r;

    if (move->extensible) {
        struct remote_domain_migrate_begin3_params_in in = {.dom = move->domain->wire,
                                                            .flags = source_flags(move)};

        GIVE_PARAMS(in, move);
        r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_BEGIN3_PARAMS), &in, &out);
    } else {
        struct remote_domain_migrate_begin3_in in = {.dom = move->domain->wire,
                                                     .xmlin = text(move, VIR_MIGRATE_PARAM_DEST_XML),
                                                     .flags = source_flags(move),
                                                     .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
                                                     .bandwidth =
                                                         move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH)};

        r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_BEGIN3), &in, &out);
    }
    TAKE_COOKIE(out, move, r);
    if (r == 0)
        *ret_xml = out.xml;
    return r;
}

static int prepare3(struct move *move, char *xml, char **ret_uri)
{
    struct remote_domain_migrate_prepare3_params_out out = {0};
    int r;

    if (move->extensible) {
        struct remote_domain_migrate_prepare3_params_in in = {.flags = target_flags(move)};

        move_set_text(move, VIR_MIGRATE_PARAM_DEST_XML, xml);
        GIVE_PARAMS(in, move);
        GIVE_COOKIE(in, move);
        r = move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_PREPARE3_PARAMS), &in, &out);
    } else {
        struct remote_domain_migrate_prepare3_in in = {.uri_in = text(move, VIR_MIGRATE_PARAM_URI),
                                                       .flags = target_flags(move),
                                                       .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
                                                       .bandwidth =
                                                           move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH),
                                                       .dom_xml = xml};

        GIVE_COOKIE(in, move);
        r = move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_PREPARE3), &in, &out);
    }
    TAKE_COOKIE(out, move, r);
    if (r == 0)
        *ret_uri = out.uri_out;
    return r;
}

/* dconn: the daemon that the source shall go to by itself, NULL: both hosts are led by us. */
static int perform3_params(struct move *move, const char *dconn)
{
    struct remote_domain_migrate_perform3_params_in in = {
        .dom = move->domain->wire, .dconnuri = (char *)dconn, .flags = source_flags(move)};
    struct remote_domain_migrate_perform3_params_out out = {0};
    int r;

    GIVE_PARAMS(in, move);
    GIVE_COOKIE(in, move);
    r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_PERFORM3_PARAMS), &in, &out);
    TAKE_COOKIE(out, move, r);
    return r;
}

static int perform3(struct move *move, const char *dconn, char *xml)
{
    struct remote_domain_migrate_perform3_in in = {.dom = move->domain->wire,
                                                   .xmlin = xml,
                                                   .dconnuri = (char *)dconn,
                                                   .uri = text(move, VIR_MIGRATE_PARAM_URI),
                                                   .flags = source_flags(move),
                                                   .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
                                                   .bandwidth =
                                                       move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH)};
    struct remote_domain_migrate_perform3_out out = {0};
    int r;

    GIVE_COOKIE(in, move);
    r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_PERFORM3), &in, &out);
    TAKE_COOKIE(out, move, r);
    return r;
}

static virDomainPtr finish3(struct move *move, bool cancelled)
{
    struct remote_domain_migrate_finish3_params_out out = {0};
    int r;

    if (move->extensible) {
        struct remote_domain_migrate_finish3_params_in in = {.flags = target_flags(move),
                                                             .cancelled = cancelled};

        move_set_text(move, VIR_MIGRATE_PARAM_DEST_NAME, name_there(move));
        GIVE_PARAMS(in, move);
        GIVE_COOKIE(in, move);
        r = move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_FINISH3_PARAMS), &in, &out);
    } else {
        struct remote_domain_migrate_finish3_in in = {.dname = name_there(move),
                                                      .uri = text(move, VIR_MIGRATE_PARAM_URI),
                                                      .flags = target_flags(move),
                                                      .cancelled = cancelled};

        GIVE_COOKIE(in, move);
        r = move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_FINISH3), &in, &out);
    }
    TAKE_COOKIE(out, move, r);
    return r < 0 ? NULL : object_new(move->target, OBJECT_DOMAIN, &out.dom);
}

static void confirm3(struct move *move, bool cancelled)
{
    struct remote_domain_migrate_confirm3_out out;
    int r;

    if (move->extensible) {
        struct remote_domain_migrate_confirm3_params_in in = {
            .dom = move->domain->wire, .flags = source_flags(move), .cancelled = cancelled};

        GIVE_PARAMS(in, move);
        GIVE_COOKIE(in, move);
        r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_CONFIRM3_PARAMS), &in, &out);
    } else {
        struct remote_domain_migrate_confirm3_in in = {
            .dom = move->domain->wire, .flags = source_flags(move), .cancelled = cancelled};

        GIVE_COOKIE(in, move);
        r = move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_CONFIRM3), &in, &out);
    }
    /* it runs on the target or was told to go on here: nothing else can be done */
    if (r < 0)
        log_warning("machine '%s' is probably left paused on the source", move->domain->wire.name);
    keep_error(move);
}

/* A paused machine arrives paused. That it can't be asked is no reason to stop. */
static void note_paused(struct move *move)
{
    struct remote_domain_get_state_in state_in = {.dom = move->domain->wire};
    struct remote_domain_get_state_out state = {0};
    struct remote_domain_get_info_in info_in = {.dom = move->domain->wire};
    struct remote_domain_get_info_out info = {0};
    int r = move->extensible
                ? move_step(move, source(move), PROCEDURE(remote, DOMAIN_GET_STATE), &state_in, &state)
                : move_step(move, source(move), PROCEDURE(remote, DOMAIN_GET_INFO), &info_in, &info);

    if (r == 0 && (move->extensible ? state.state : info.state) == VIR_DOMAIN_PAUSED)
        move->flags |= VIR_MIGRATE_PAUSED;
    forget_error(move);
}

/* The target's address for QEMU: the one that it answered, else the one that was asked for. */
static int agree_on_uri(struct move *move, const char *answered, const char *step)
{
    if (answered)
        move_set_text(move, VIR_MIGRATE_PARAM_URI, answered);
    else if (!text(move, VIR_MIGRATE_PARAM_URI))
        return err_set(&move->call.err, ERR_INTERNAL_ERROR, "%s did not set uri", step);
    return 0;
}

/*
 * A target that tells why QEMU ended knows more than a source that only saw it go. It can say so since it
 * knows an error for "given up, as you wished".
 */
static void prefer_target_error(struct move *move)
{
    const struct wire_error *told = &move->call.remote;

    if (move->remote_err.domain == ERR_FROM_QEMU && move->remote_err.code == ERR_OPERATION_FAILED &&
        told->code && told->domain == ERR_FROM_QEMU && told->code != ERR_MIGRATE_FINISH_OK)
        move->remote_err = (struct wire_error){0};
}

/* Perform, unless only the definition moves. Whether the target shall give up. */
static bool transfer(struct move *move)
{
    int r;

    if (move->flags & VIR_MIGRATE_OFFLINE) {
        move->cookie.n = 0;
        return false;
    }
    r = move->extensible ? perform3_params(move, NULL) : perform3(move, NULL, NULL);
    if (r < 0)
        keep_error(move);
    return r < 0;
}

/* From a target that is prepared, or isn't going to be of use, to the end. */
static virDomainPtr finish_and_confirm(struct move *move, bool cancelled, bool confirm)
{
    virDomainPtr moved = finish3(move, cancelled);

    if (cancelled && moved)
        log_error("the target of '%s' finished a move that was given up", move->domain->wire.name);
    else if (cancelled)
        prefer_target_error(move);
    keep_error(move);
    if (confirm)
        confirm3(move, !moved);
    restore_error(move);
    return moved;
}

virDomainPtr move_v3(struct move *move)
{
    int r = move_supports(move, source(move), MOVE_PROTECTION);
    char *xml = NULL, *uri = NULL;
    bool cancelled;

    if (r < 0)
        return NULL;
    move->protection = r ? VIR_MIGRATE_CHANGE_PROTECTION : 0;
    if (begin3(move, &xml) < 0)
        return NULL;
    note_paused(move);
    if (prepare3(move, xml, &uri) < 0) {
        keep_error(move);
        if (move->protection) /* the source has begun, and waits */
            confirm3(move, true);
        restore_error(move);
        return NULL;
    }
    if (agree_on_uri(move, uri, "domainMigratePrepare3") < 0) {
        keep_error(move);
        return finish_and_confirm(move, true, true);
    }
    cancelled = transfer(move);
    /* a source that failed has gone on already */
    return finish_and_confirm(move, cancelled, !cancelled);
}

/* The second and the first generation: no cookies back, no confirmation. */

static int dump(struct move *move, char **ret_xml)
{
    struct remote_domain_get_xml_desc_in in = {.dom = move->domain->wire};
    struct remote_domain_get_xml_desc_out out;
    int r = move_supports(move, source(move), MOVE_MIGRATABLE_XML);

    if (r < 0)
        return -1;
    in.flags = r ? VIR_DOMAIN_XML_MIGRATABLE : VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_UPDATE_CPU;
    if (move_step(move, source(move), PROCEDURE(remote, DOMAIN_GET_XML_DESC), &in, &out) < 0)
        return -1;
    *ret_xml = out.xml;
    return 0;
}

/* uri: what QEMU, or the daemon, goes to. */
static int perform(struct move *move, const char *uri)
{
    struct remote_domain_migrate_perform_in in = {
        .dom = move->domain->wire,
        .cookie = {.n = move->cookie.n, .v = move->cookie.v},
        .uri = (char *)uri,
        .flags = move->flags,
        .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
        .bandwidth = move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH),
    };
    struct remote_domain_migrate_perform_out out;

    if (!uri)
        return err_set_from(&move->call.err, ERR_FROM_RPC, ERR_RPC, "Unable to encode message payload");
    return move_step(move, source(move), PROCEDURE(remote, DOMAIN_MIGRATE_PERFORM), &in, &out);
}

static virDomainPtr finish2(struct move *move, bool cancelled)
{
    struct remote_domain_migrate_finish2_in in = {.dname = name_there(move),
                                                  .cookie = {.n = move->cookie.n, .v = move->cookie.v},
                                                  .uri = text(move, VIR_MIGRATE_PARAM_URI),
                                                  .flags = target_flags(move),
                                                  .retcode = cancelled};
    struct remote_domain_migrate_finish2_out out;
    virDomainPtr moved = NULL;

    /* without a URI there is no way to tell the target that it is over */
    if (in.uri && move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_FINISH2), &in, &out) == 0)
        moved = object_new(move->target, OBJECT_DOMAIN, &out.ddom);
    if (cancelled && moved)
        log_error("the target of '%s' finished a move that was given up", move->domain->wire.name);
    keep_error(move);
    restore_error(move);
    return moved;
}

static int no_new_xml(struct move *move)
{
    return move_text(move, VIR_MIGRATE_PARAM_DEST_XML)
               ? err_set(&move->call.err, ERR_ARGUMENT_UNSUPPORTED,
                         "Unable to change target guest XML during migration")
               : 0;
}

virDomainPtr move_v2(struct move *move)
{
    struct remote_domain_migrate_prepare2_in in = {.uri_in = text(move, VIR_MIGRATE_PARAM_URI),
                                                   .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
                                                   .bandwidth =
                                                       move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH)};
    struct remote_domain_migrate_prepare2_out out;
    bool cancelled = true;

    if (no_new_xml(move) < 0 || dump(move, &in.dom_xml) < 0)
        return NULL;
    note_paused(move);
    in.flags = target_flags(move);
    if (move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_PREPARE2), &in, &out) < 0)
        return NULL;
    move->cookie.n = out.cookie.n;
    move->cookie.v = out.cookie.v;
    if (agree_on_uri(move, out.uri_out, "domainMigratePrepare2") == 0)
        cancelled = perform(move, text(move, VIR_MIGRATE_PARAM_URI)) < 0;
    if (cancelled)
        keep_error(move);
    return finish2(move, cancelled);
}

virDomainPtr move_v1(struct move *move)
{
    struct remote_domain_migrate_prepare_in in = {.uri_in = text(move, VIR_MIGRATE_PARAM_URI),
                                                  .dname = text(move, VIR_MIGRATE_PARAM_DEST_NAME),
                                                  .bandwidth =
                                                      move_number(move, VIR_MIGRATE_PARAM_BANDWIDTH)};
    struct remote_domain_migrate_finish_in finish_in = {.dname = name_there(move)};
    struct remote_domain_migrate_prepare_out out;
    struct remote_domain_migrate_finish_out moved;

    if (no_new_xml(move) < 0)
        return NULL;
    note_paused(move);
    in.flags = target_flags(move);
    if (move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_PREPARE), &in, &out) < 0 ||
        agree_on_uri(move, out.uri_out, "domainMigratePrepare") < 0)
        return NULL;
    move->cookie.n = finish_in.cookie.n = out.cookie.n;
    move->cookie.v = finish_in.cookie.v = out.cookie.v;
    finish_in.uri = text(move, VIR_MIGRATE_PARAM_URI);
    finish_in.flags = target_flags(move);
    if (perform(move, finish_in.uri) < 0 ||
        move_step(move, move->target, PROCEDURE(remote, DOMAIN_MIGRATE_FINISH), &finish_in, &moved) < 0)
        return NULL;
    return object_new(move->target, OBJECT_DOMAIN, &moved.ddom);
}

/* Without us. */

int move_alone_params(struct move *move, const char *target)
{
    return perform3_params(move, target);
}

int move_alone_v3(struct move *move, const char *target)
{
    return perform3(move, target, text(move, VIR_MIGRATE_PARAM_DEST_XML));
}

int move_alone_v2(struct move *move, const char *uri)
{
    return perform(move, uri);
}
