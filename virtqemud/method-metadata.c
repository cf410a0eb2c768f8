/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of what people and programs write on a domain: title, description, elements of their own
 * namespaces. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/events.h"
#include "virtqemud/method.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"

static int m_get_metadata(struct req *rq, struct vm *vm, const struct remote_domain_get_metadata_in *in,
                          struct remote_domain_get_metadata_out *out)
{
    const struct domain *domain;
    const char *text = NULL;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0)
        return -1;
    domain = vm_model(rq, vm, in->flags);
    if (!domain)
        return -1;
    switch (in->type) {
    case API_DOMAIN_METADATA_DESCRIPTION:
        text = domain->description;
        break;
    case API_DOMAIN_METADATA_TITLE:
        text = domain->title;
        break;
    case API_DOMAIN_METADATA_ELEMENT:
        if (!in->uri)
            return err_set(&rq->err, ERR_INVALID_ARG, "metadata of type 'element' needs a namespace URI");
        text = domain_metadata(domain, in->uri, &rq->arena);
        break;
    default:
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown metadata type '%d'", in->type);
    }
    if (!text)
        return err_set(&rq->err, ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
    out->metadata = arena_strdup(&rq->arena, text);
    return 0;
}

static int change(struct req *rq, struct domain *domain, struct arena *arena,
                  const struct remote_domain_set_metadata_in *in)
{
    const char *text = str_empty(in->metadata) ? NULL : in->metadata;

    switch (in->type) {
    case API_DOMAIN_METADATA_DESCRIPTION:
        domain->description = arena_strdup(arena, text);
        return 0;
    case API_DOMAIN_METADATA_TITLE:
        if (text && strchr(text, '\n'))
            return err_set(&rq->err, ERR_INVALID_ARG, "metadata title can't contain newlines");
        domain->title = arena_strdup(arena, text);
        return 0;
    case API_DOMAIN_METADATA_ELEMENT:
        if (!in->uri || (text && str_empty(in->key)))
            return err_set(&rq->err, ERR_INVALID_ARG,
                           "metadata of type 'element' needs a namespace URI and a prefix");
        return domain_set_metadata(domain, arena, in->uri, in->key, text, &rq->err);
    default:
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown metadata type '%d'", in->type);
    }
}

static int m_set_metadata(struct req *rq, struct vm *vm, const struct remote_domain_set_metadata_in *in,
                          struct remote_domain_set_metadata_out *out)
{
    bool live, config;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (live) {
        if (change(rq, vm->run->domain, &vm->run->arena, in) < 0)
            return -1;
        status_save(vm);
    }
    if (config) {
        struct domain *domain = definition_load(rq, vm, &rq->arena);

        if (!domain || change(rq, domain, &rq->arena, in) < 0 || definition_save(rq, vm, domain) < 0)
            return -1;
    }
    event_metadata_change(vm, in->type, in->uri);
    return 0;
}

const struct method metadata_methods[] = {
    METHOD(remote, DOMAIN_GET_METADATA, m_get_metadata),
    METHOD(remote, DOMAIN_SET_METADATA, m_set_metadata),
    {0},
};
