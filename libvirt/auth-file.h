/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auth-file: names and passwords that the user keeps in a file, so that programs needn't ask. Groups
 * [auth-SERVICE-HOST] (or [auth-SERVICE-default]) name with `credentials=NAME` a group [credentials-NAME]
 * that has the values.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "uri/uri.h"

/*
 * What the file says of `key` ("username", "password", ...), in the arena; *ret is NULL when it says nothing.
 * The file: $LIBVIRT_AUTH_FILE, the URI's `authfile`, auth.conf of the user's or the system's libvirt folder;
 * only the first two must exist.
 */
int auth_file_find(struct arena *arena, const struct uri *uri, const char *service, const char *host,
                   const char *key, const char **ret, struct err *err);
