/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Acl: may this caller do this to this object? Asked by the dispatcher for every call (from the procedure's
 * row), by list methods for every object of the list, and by the event code for every receiver.
 * Drivers: none (every authenticated caller may do everything that its connection allows) and polkit. More
 * than one driver may be configured; all must agree. What no rule allows is denied.
 */
#pragma once

#include "access/identity.h"
#include "loop/fiber.h"

struct acl_attribute {
    const char *name; /* as polkit rules see it, e.g. "domain_uuid" */
    const char *value;
};
/* What access drivers and messages say about an object. Filled by the daemon's describe(); all text in the
 * arena. */
struct acl_object {
    const char *title; /* for messages, e.g. "domain 'a'" */
    struct acl_attribute attributes[6];
    unsigned count;
};

/* Drivers by name ("none", "polkit"), as the conf key access_drivers gives them; NULL-terminated. */
int acl_init(const char *const *drivers, const char *connect_driver, struct err *err);
/* False: every check succeeds at once, nobody needs to describe objects. */
bool acl_active(void);
/* Would a driver be asked about this request? Not about the daemon's own work, and not about root. */
bool acl_asks(const struct req *rq);

/*
 * May rq's caller use permission `permission` ("getattr") of objects of kind `kind` ("domain",
 * "storage_pool")? Returns 0; or a negative number with rq->err set (ERR_ACCESS_DENIED; ERR_AUTH_* when
 * nobody could decide). May wait, never on behalf of other requests. object may be NULL (kind "connect").
 */
int acl_check(struct req *rq, const char *kind, const char *permission, const struct acl_object *object);
/* As acl_check for lists and events: yes or no; rq->err stays untouched. */
bool acl_allows(struct req *rq, const char *kind, const char *permission, const struct acl_object *object);
