/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line per refusal; audit_level 0 turns them off, 2 adds what was allowed. */
#include "access/audit.h"

#include "base/log.h"

static unsigned audit_level = 1;

void audit_init(unsigned level, bool logging)
{
    audit_level = logging ? level : 0;
}

void audit_denied(const struct req *rq, const char *kind, const char *permission,
                  const struct acl_object *object)
{
    char who[IDENTITY_TEXT];

    if (audit_level)
        log_warning("audit: op=%s perm=%s.%s object=\"%s\" caller=(%s) res=denied", rq->name ? rq->name : "-",
                    kind, permission, object && object->title ? object->title : "-",
                    identity_text(rq->identity, who));
}

void audit_auth(const struct identity *identity, const char *how, bool success)
{
    char who[IDENTITY_TEXT];

    if (!audit_level || (success && audit_level < 2))
        return;
    log_at(success ? LEVEL_INFO : LEVEL_WARNING, "audit: op=auth method=%s caller=(%s) res=%s", how,
           identity_text(identity, who), success ? "success" : "failed");
}
