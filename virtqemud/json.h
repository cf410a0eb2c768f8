/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON out and in. Out: text from a printf-like template, so that a command reads like what goes over the
 * wire. In: json-c with limits on depth and size, and readers that accept only the type that they are asked
 * for.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

/*
 * Append JSON. In the template ' stands for ", and %s for a string that gets its quotes and escapes here
 * (NULL becomes null); %d %u %ld %lu %lld %llu are numbers, %% a percent sign: json_add(buf, "{'id': %s,
 * 'read-only': true}", name)
 */
void json_add(struct buf *buf, const char *template, ...) PRINTF(2, 3);
void json_vadd(struct buf *buf, const char *template, va_list args) PRINTF(2, 0);
char *json_text(struct arena *arena, const char *template, ...) PRINTF(2, 3);
/* A string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_add_string(struct buf *buf, const char *text);

/*
 * The document in text[0..length), or NULL when it isn't one JSON value of at most JSON_DEPTH levels and
 * about JSON_VALUES values (the largest answer known, query-qmp-schema, has 15,000).
 */
enum { JSON_DEPTH = 64, JSON_VALUES = 1 << 18 };
struct json_object *json_read(const char *text, size_t length);

/* A member, or NULL when `object` is no object or has no such member. */
struct json_object *json_get(struct json_object *object, const char *name);
const char *json_string(struct json_object *object, const char *name); /* NULL: not there, or not a string */
/* `otherwise` when the member is not there or of another type. */
int64_t json_int(struct json_object *object, const char *name, int64_t otherwise);
uint64_t json_uint(struct json_object *object, const char *name, uint64_t otherwise);
bool json_flag(struct json_object *object, const char *name, bool otherwise);
size_t json_count(struct json_object *array); /* 0 for what is no array */

static inline void json_putp(struct json_object **object)
{
    json_object_put(*object);
}
#define auto_json CLEANUP(json_putp)
