/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients can do with secrets. Access, lookup and decoding are done already, see rpc/dispatch.h. */
#define ERR_FROM ERR_FROM_SECRET
#include <libvirt/libvirt.h>

#include "access/identity.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "virtsecretd/secret.h"
#include "virtsecretd/secretd.h"

static struct wire_secret wire_of(struct req *rq, const struct secret *secret)
{
    struct wire_secret wire = {.usage_type = (int32_t)secret->def->usage,
                               .usage_id = arena_strdup(&rq->arena, secret->def->usage_id)};

    memcpy(wire.uuid, secret->def->uuid, UUID_SIZE);
    return wire;
}

/* -- lists -- */

static bool wanted(const struct secret *secret, unsigned flags)
{
    unsigned ephemeral = secret->def->ephemeral == TRI_YES ? VIR_CONNECT_LIST_SECRETS_EPHEMERAL
                                                           : VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL;
    unsigned private = secret->def->private == TRI_YES ? VIR_CONNECT_LIST_SECRETS_PRIVATE
                                                       : VIR_CONNECT_LIST_SECRETS_NO_PRIVATE;

    /* of a pair of filters both or none mean all */
    if ((flags & (VIR_CONNECT_LIST_SECRETS_EPHEMERAL | VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL)) &&
        !(flags & ephemeral))
        return false;
    return !(flags & (VIR_CONNECT_LIST_SECRETS_PRIVATE | VIR_CONNECT_LIST_SECRETS_NO_PRIVATE)) ||
           (flags & private);
}

/*
 * The secrets that the filters let through and the caller may see, as the wire has them. Asking for access
 * may wait, and the set may change meanwhile: so all are copied first.
 */
static struct wire_secret *visible(struct req *rq, unsigned flags, uint32_t *ret_count)
{
    struct secret **all = ARENA_ARRAY(&rq->arena, struct secret *, secretd.secrets.count);
    struct wire_secret *list = ARENA_ARRAY(&rq->arena, struct wire_secret, secretd.secrets.count);
    uint32_t count = 0, shown = 0;
    struct secret *secret;

    MAP_FOREACH(&secretd.secrets, secret)
        if (wanted(secret, flags))
            all[count++] = secret_ref(secret);
    for (uint32_t i = 0; i < count; i++) {
        if (req_sees(rq, OBJECT_SECRET, all[i]))
            list[shown++] = wire_of(rq, all[i]);
        secret_unref(all[i]);
    }
    *ret_count = shown;
    return list;
}

static int m_connect_num_of_secrets(struct req *rq, struct client *client,
                                    const struct remote_connect_num_of_secrets_in *in,
                                    struct remote_connect_num_of_secrets_out *out)
{
    uint32_t count;

    visible(rq, /* flags= */ 0, &count);
    out->num = (int32_t)count;
    return 0;
}

static int m_connect_list_secrets(struct req *rq, struct client *client,
                                  const struct remote_connect_list_secrets_in *in,
                                  struct remote_connect_list_secrets_out *out)
{
    uint32_t count;
    struct wire_secret *list = visible(rq, /* flags= */ 0, &count);

    if (in->maxuuids < 0 || count > (uint32_t)in->maxuuids)
        count = in->maxuuids < 0 ? 0 : (uint32_t)in->maxuuids;
    out->uuids.n = count;
    out->uuids.v = ARENA_ARRAY(&rq->arena, char *, count);
    for (uint32_t i = 0; i < count; i++) {
        out->uuids.v[i] = arena_alloc(&rq->arena, UUID_TEXT);
        uuid_format(list[i].uuid, out->uuids.v[i]);
    }
    return 0;
}

static int m_connect_list_all_secrets(struct req *rq, struct client *client,
                                      const struct remote_connect_list_all_secrets_in *in,
                                      struct remote_connect_list_all_secrets_out *out)
{
    struct wire_secret *list;

    if (method_flags(rq, in->flags,
                     VIR_CONNECT_LIST_SECRETS_EPHEMERAL | VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL |
                         VIR_CONNECT_LIST_SECRETS_PRIVATE | VIR_CONNECT_LIST_SECRETS_NO_PRIVATE) < 0)
        return -1;
    list = visible(rq, in->flags, &out->ret);
    if (in->need_results) {
        out->secrets.n = out->ret;
        out->secrets.v = list;
    }
    return 0;
}

/* -- one secret -- */

/* A secret that no reference named: may the caller see it? */
static int show(struct req *rq, struct secret *secret, struct wire_secret *ret)
{
    int r;

    secret_ref(secret);
    r = req_check(rq, OBJECT_SECRET, secret);
    if (r >= 0)
        *ret = wire_of(rq, secret);
    secret_unref(secret);
    return r;
}

static int m_secret_lookup_by_uuid(struct req *rq, struct client *client,
                                   const struct remote_secret_lookup_by_uuid_in *in,
                                   struct remote_secret_lookup_by_uuid_out *out)
{
    struct secret *secret = secrets_find(in->uuid);
    char text[UUID_TEXT];

    if (!secret)
        return err_set(&rq->err, ERR_NO_SECRET, "no secret with matching uuid '%s'",
                       uuid_format(in->uuid, text));
    return show(rq, secret, &out->secret);
}

static int m_secret_lookup_by_usage(struct req *rq, struct client *client,
                                    const struct remote_secret_lookup_by_usage_in *in,
                                    struct remote_secret_lookup_by_usage_out *out)
{
    struct secret *secret = NULL;

    if (in->usage_type > SECRET_USAGE_NONE && in->usage_type < SECRET_USAGE_MAX)
        secret = secrets_find_usage((enum secret_usage)in->usage_type, in->usage_id);
    if (!secret)
        return err_set(&rq->err, ERR_NO_SECRET, "no secret with matching usage '%s'", in->usage_id);
    return show(rq, secret, &out->secret);
}

static int m_secret_define_xml(struct req *rq, struct client *client,
                               const struct remote_secret_define_xml_in *in,
                               struct remote_secret_define_xml_out *out)
{
    auto_secret struct secret *secret = NULL;

    if (method_flags(rq, in->flags, VIR_SECRET_DEFINE_VALIDATE) < 0 ||
        secret_define(rq, in->xml, in->flags & VIR_SECRET_DEFINE_VALIDATE ? XT_PARSE_VALIDATE : 0, &secret) <
            0)
        return -1;
    out->secret = wire_of(rq, secret);
    return 0;
}

static int m_secret_get_xml_desc(struct req *rq, struct secret *secret,
                                 const struct remote_secret_get_xml_desc_in *in,
                                 struct remote_secret_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    secret_format(secret->def, &text);
    out->xml = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_secret_undefine(struct req *rq, struct secret *secret,
                             const struct remote_secret_undefine_in *in,
                             struct remote_secret_undefine_out *out)
{
    return secret_undefine(rq, secret);
}

/* -- its value -- */

static int m_secret_set_value(struct req *rq, struct secret *secret,
                              const struct remote_secret_set_value_in *in,
                              struct remote_secret_set_value_out *out)
{
    int r = method_flags(rq, in->flags, 0);

    if (r >= 0)
        r = secret_set_value(rq, secret, in->value.v, in->value.n);
    /* the decoded copy; nothing that the daemon keeps may hold the value in ordinary memory */
    mem_wipe(in->value.v, in->value.n);
    return r;
}

/* A private value is for the daemons that use it (a disk's passphrase), never for those who ask them. */
static bool may_read(const struct req *rq, const struct secret *secret)
{
    return secret->def->private == TRI_NO || (rq->identity && rq->identity->elevated);
}

static int m_secret_get_value(struct req *rq, struct secret *secret,
                              const struct remote_secret_get_value_in *in,
                              struct remote_secret_get_value_out *out)
{
    const struct vault *value;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (!may_read(rq, secret))
        return err_set(&rq->err, ERR_INVALID_SECRET, "secret is private");
    if (secret_get_value(rq, secret, &value) < 0)
        return -1;
    if (!value->length)
        return err_set(&rq->err, ERR_NO_SECRET, "secret '%s' does not have a value", secret->uuid);
    out->value.n = (uint32_t)value->length;
    out->value.v = arena_dup(&rq->arena, value->data, value->length);
    return 0;
}

const struct method secret_methods[] = {
    METHOD(remote, CONNECT_NUM_OF_SECRETS, m_connect_num_of_secrets),
    METHOD(remote, CONNECT_LIST_SECRETS, m_connect_list_secrets),
    METHOD(remote, CONNECT_LIST_ALL_SECRETS, m_connect_list_all_secrets),
    METHOD(remote, SECRET_LOOKUP_BY_UUID, m_secret_lookup_by_uuid),
    METHOD(remote, SECRET_LOOKUP_BY_USAGE, m_secret_lookup_by_usage),
    METHOD(remote, SECRET_DEFINE_XML, m_secret_define_xml),
    METHOD(remote, SECRET_GET_XML_DESC, m_secret_get_xml_desc),
    METHOD(remote, SECRET_UNDEFINE, m_secret_undefine),
    METHOD(remote, SECRET_SET_VALUE, m_secret_set_value),
    METHOD(remote, SECRET_GET_VALUE, m_secret_get_value),
    {0},
};
