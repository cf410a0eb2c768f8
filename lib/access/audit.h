/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audit: one line for what a security officer wants to find again: refused calls, failed authentication. */
#pragma once

#include "access/acl.h"

/* level and logging are the conf keys audit_level and audit_logging. */
void audit_init(unsigned level, bool logging);
void audit_denied(const struct req *rq, const char *kind, const char *permission,
                  const struct acl_object *object);
void audit_auth(const struct identity *identity, const char *how, bool success);
