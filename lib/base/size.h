/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Size: amounts with libvirt's units: b/byte/bytes; K, KiB = 1024; KB = 1000; likewise M G T P E; any case.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Bytes of one unit; NULL or "": `none`. 0 when the unit is unknown. */
uint64_t size_unit(const char *unit, uint64_t none);
/*
 * value in unit -> bytes, at most max. `none` as above. Errors: unknown unit (ERR_INVALID_ARG), more than max
 * (ERR_OVERFLOW).
 */
int size_scale(uint64_t value, const char *unit, uint64_t none, uint64_t max, uint64_t *ret, struct err *err);
/* "16", "16 MiB", "16M". */
int size_parse(const char *text, uint64_t none, uint64_t max, uint64_t *ret, struct err *err);
/* "1.50 GiB", for people. */
void size_format(uint64_t bytes, struct buf *text);
