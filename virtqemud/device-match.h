/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device-match: which device of a machine a fragment means, and whether a new one may stand beside those that
 * are there. The rules are a table by kind.
 */
#pragma once

#include "model/domain/domain.h"
#include "model/domain/fragment.h"

/* What can be done with devices of a kind. */
enum device_may {
    DEVICE_CONFIG = 1 << 0, /* attach to and detach from a definition */
    DEVICE_PLUG = 1 << 1,   /* attach to a running machine */
    DEVICE_UNPLUG = 1 << 2,
    DEVICE_CHANGE = 1 << 3, /* update in a definition */
};
bool device_may(const char *element, enum device_may what);

/* ERR_OPERATION_INVALID when something there forbids it. */
int device_check_new(const struct devices *devices, const struct fragment *new, struct err *err);
/* Who looks for a device: scripts know the words of each. */
enum device_purpose { FIND_IN_CONFIG, FIND_TO_DETACH, FIND_TO_UPDATE, FIND_TO_UPDATE_CONFIG };
/* The device in `devices` that `like` means; negative with err set when there is none (or more than one). */
int device_find(const struct devices *devices, const struct fragment *like, enum device_purpose purpose,
                struct fragment *ret, struct err *err);
