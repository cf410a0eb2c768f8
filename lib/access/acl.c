/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configured drivers, and the one question that everybody asks. The daemon's own work (no identity) is
 * never asked about; a client without a known user is refused by every driver except "none".
 */
#define ERR_FROM ERR_FROM_ACCESS
#include "access/acl.h"

#include <stdio.h>

#include "access/audit.h"
#include "access/polkit.h"
#include "base/str.h"

/* Set once at start-up. */
static bool polkit_on;
static const char *driver_name = "unknown";

int acl_init(const char *const *drivers, const char *connect_driver, struct err *err)
{
    bool polkit = false;

    for (; drivers && *drivers; drivers++) {
        if (str_eq(*drivers, "polkit"))
            polkit = true;
        else if (!str_eq(*drivers, "none"))
            return err_set(err, ERR_CONF_SYNTAX, "unknown access driver '%s' in access_drivers", *drivers);
    }
    polkit_on = polkit;
    driver_name = connect_driver;
    return 0;
}

bool acl_active(void)
{
    return polkit_on;
}

/* polkit allows root everything, always: no need to ask. */
bool acl_asks(const struct req *rq)
{
    return polkit_on && rq->identity && rq->identity->uid != 0;
}

/* "org.libvirt.api.domain.read-secure": polkit's names have '-' where ours have '_'. */
static void action_name(const char *kind, const char *permission, char *action, size_t room)
{
    snprintf(action, room, "org.libvirt.api.%s.%s", kind, permission);
    for (char *at = action; *at; at++)
        if (*at == '_')
            *at = '-';
}

/* 0 allowed, 1 refused, negative: rq->err says why nobody could decide. */
static int acl_decide(struct req *rq, const char *kind, const char *permission,
                      const struct acl_object *object)
{
    struct acl_attribute details[ARRAY_SIZE(object->attributes) + 1];
    struct polkit_question question = {.subject = rq->identity, .details = details};
    char action[96];
    int r;

    if (!acl_asks(rq))
        return 0;
    details[question.detail_count++] = (struct acl_attribute){"connect_driver", driver_name};
    for (unsigned i = 0; object && i < object->count; i++)
        details[question.detail_count++] = object->attributes[i];
    action_name(kind, permission, action, sizeof(action));
    question.action = action;
    r = polkit_ask(rq, &question, SECONDS(30));
    if (r < 0 && rq->err.code == ERR_AUTH_FAILED) {
        err_clear(&rq->err);
        return 1;
    }
    return r;
}

int acl_check(struct req *rq, const char *kind, const char *permission, const struct acl_object *object)
{
    int r = acl_decide(rq, kind, permission, object);

    if (!r)
        return 0;
    audit_denied(rq, kind, permission, object);
    if (r < 0)
        return r;
    return err_set(&rq->err, ERR_ACCESS_DENIED, "'%s' denied access: no permission '%s.%s'%s%s", driver_name,
                   kind, permission, object && object->title ? " on " : "",
                   object && object->title ? object->title : "");
}

bool acl_allows(struct req *rq, const char *kind, const char *permission, const struct acl_object *object)
{
    struct err kept = rq->err;
    int r;

    if (!acl_asks(rq))
        return true;
    rq->err = (struct err){0};
    r = acl_decide(rq, kind, permission, object);
    err_clear(&rq->err);
    rq->err = kept;
    return r == 0;
}
