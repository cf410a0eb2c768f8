/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Props: a JSON object that is written member by member: the properties of a device, as -device and
 * device_add take them. What isn't given writes nothing. The zero value is ready for use.
 *
 *     auto_props struct props props = {0};
 *     props_string(&props, "driver", "virtio-rng-pci");
 *     props_tristate(&props, "packed", rng->virtio.packed);
 *     build_json(build, "-device", &props);
 */
#pragma once

#include "base/buf.h"
#include "xml/xt.h"

struct props {
    struct buf text;
    unsigned depth;
};
#define auto_props CLEANUP(props_done)

void props_string(struct props *props, const char *name, const char *value); /* NULL: nothing */
void props_format(struct props *props, const char *name, const char *format, ...) PRINTF(3, 4);
void props_u64(struct props *props, const char *name, uint64_t value);
/* Nothing for 0. */
void props_number(struct props *props, const char *name, uint64_t value);
void props_i64(struct props *props, const char *name, int64_t value);
void props_bool(struct props *props, const char *name, bool value);
void props_null(struct props *props, const char *name);
/* true, false, or nothing. */
void props_tristate(struct props *props, const char *name, enum tristate value);
/* "on", "off", or nothing. */
void props_onoff(struct props *props, const char *name, enum tristate value);

/* What follows is inside until the matching end. In an array, names are NULL. */
void props_object(struct props *props, const char *name);
void props_end_object(struct props *props);
void props_array(struct props *props, const char *name);
void props_end_array(struct props *props);

/* The whole object; no more may be added. */
const char *props_text(struct props *props);
void props_done(struct props *props);
