/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XDR: between the C structs of protocol/NAME.h and the bytes of a frame. One interpreter walks the generated
 * layouts (protocol/xdr-table.h); there is no code per type.
 *
 * Decoding trusts nothing: every count is checked against its limit and against the bytes that are left
 * before memory is taken, so that a frame costs at most a few times its own size. Real peers are copied where
 * they are lenient: padding may hold anything, bytes behind the last field are ignored, any number but 0 is
 * true.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "protocol/tables.h"
#include "protocol/wire.h"

/*
 * Add *value, a struct of this type, behind what the buffer holds. Fails with err set (and the buffer as it
 * was) when a limit is passed or a string that must be there is NULL; err names the field.
 */
int xdr_encode(enum xdr_type_id type, const void *value, struct buf *buf, struct err *err);

/*
 * Fill *value from bytes; what it points to is in the arena. Returns how many bytes were used (the rest is
 * the caller's to judge), or a negative number with err set (ERR_RPC); *value is of no use then.
 */
ssize_t xdr_decode(enum xdr_type_id type, const void *bytes, size_t length, void *value, struct arena *arena,
                   struct err *err);
