/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fragment: one device on its own, as calls that attach, detach and update get it; and lists of devices by
 * the name of their element, for code that treats all kinds alike.
 */
#pragma once

#include "model/domain/devices.h"

struct fragment {
    const char *element;      /* "disk"; static */
    void *device;             /* struct disk * ... */
    struct device_info *info; /* of the device; NULL: this kind has none */
};

/* flags as for domain_parse(); settled later, with the machine that it belongs to. Negative with err set. */
int fragment_parse(struct arena *arena, const char *xml, unsigned flags, struct fragment *ret,
                   struct err *err);

/* The list (or the only one) of that element, and how many there are. NULL: there is no such element. */
void **devices_list(const struct devices *devices, const char *element, size_t *ret_count);
/* A kind of which there can be one replaces the old one. */
void devices_add(struct devices *devices, struct arena *arena, const char *element, void *device);
/* At this place of the list. */
void devices_insert(struct devices *devices, struct arena *arena, const char *element, void *device,
                    size_t at);
/* A copy in that arena. */
void *devices_copy(struct arena *arena, const char *element, const void *device);
void devices_remove(struct devices *devices, const char *element, const void *device);
/* Put another device in its place. */
void devices_replace(struct devices *devices, const char *element, const void *old, void *device);
struct device_info *devices_info(const char *element, void *device);
/* By its alias; false: there is none. */
bool devices_by_alias(struct devices *devices, const char *alias, struct fragment *ret);
