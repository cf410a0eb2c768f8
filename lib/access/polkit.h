/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Polkit: one question to polkitd over the system bus, asked from the fiber of the request, never blocking
 * others. Answers are not cached. An authentication agent of the user may be involved, so it can take
 * minutes.
 */
#pragma once

#include "access/acl.h"

struct polkit_question {
    const char *action; /* e.g. "org.libvirt.unix.manage" */
    const struct identity *subject;
    const struct acl_attribute *details;
    unsigned detail_count;
    bool interactive; /* agents may ask the user for a password */
};

/*
 * 0: allowed. Negative: rq->err is set: ERR_AUTH_FAILED (refused), ERR_AUTH_CANCELLED (the user gave up),
 * ERR_AUTH_UNAVAILABLE (no agent for the user, no polkitd, no bus: the text says which and what to do).
 */
int polkit_ask(struct req *rq, const struct polkit_question *question, uint64_t usec);
