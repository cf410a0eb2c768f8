/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Default-uri: which URI a program means that names an alias or nothing at all. */
#pragma once

#include "libvirt/api.h"
#include "uri/uri.h"

struct uri_source {
    const char *environment;      /* the variable that names the default */
    const char *file;             /* of the user's or the system's libvirt folder: uri_default, uri_aliases */
    const char *system, *session; /* of root, of others, when nobody says anything */
};

/* name: as given to the open function, may be NULL or empty. Results live in the arena. ret_guessed: nobody
 * said anything, and this is the system's or the session's. */
SHARED int default_uri(struct arena *arena, const struct uri_source *source, const char *name, bool aliases,
                       const char **ret_text, bool *ret_guessed, struct uri *ret, struct err *err);
