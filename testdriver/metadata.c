/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of title, description and elements of foreign namespaces. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "testdriver/event.h"
#include "testdriver/vm.h"

static int m_get(struct req *rq, struct vm *vm, const struct remote_domain_get_metadata_in *in,
                 struct remote_domain_get_metadata_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);
    const char *text = NULL;

    if (!domain)
        return -1;
    if (in->type == VIR_DOMAIN_METADATA_DESCRIPTION)
        text = domain->description;
    else if (in->type == VIR_DOMAIN_METADATA_TITLE)
        text = domain->title;
    else if (in->type == VIR_DOMAIN_METADATA_ELEMENT)
        text = in->uri ? domain_metadata(domain, in->uri, rq->arena) : NULL;
    else
        return err_set(rq->err, ERR_INVALID_ARG, "unknown metadata type '%d'", in->type);
    if (!text)
        return err_set(rq->err, ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
    out->metadata = arena_strdup(rq->arena, text);
    return 0;
}

static int change(struct req *rq, struct doc *doc, const struct remote_domain_set_metadata_in *in)
{
    const char *text = str_empty(in->metadata) ? NULL : in->metadata;

    switch (in->type) {
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        doc->domain->description = arena_strdup(&doc->arena, text);
        return 0;
    case VIR_DOMAIN_METADATA_TITLE:
        doc->domain->title = arena_strdup(&doc->arena, text);
        return 0;
    case VIR_DOMAIN_METADATA_ELEMENT:
        return domain_set_metadata(doc->domain, &doc->arena, in->uri, in->key, text, rq->err);
    default:
        return err_set(rq->err, ERR_INVALID_ARG, "unknown metadata type '%d'", in->type);
    }
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_metadata_in *in,
                 struct remote_domain_set_metadata_out *out)
{
    struct affected affected;

    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i) && change(rq, affected_doc(&affected, i), in) < 0)
            return -1;
    event_metadata(rq, vm, in->type, in->uri);
    return 0;
}

const struct method metadata_methods[] = {
    METHOD(remote, DOMAIN_GET_METADATA, m_get, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG),
    METHOD(remote, DOMAIN_SET_METADATA, m_set, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG),
    {0},
};
