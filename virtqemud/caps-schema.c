/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the QAPI schema that QEMU describes itself with. */
#include "base/map.h"
#include "base/str.h"
#include "virtqemud/caps-internal.h"

enum { STEP_MAX = 96, ALTERNATE_DEPTH = 4 };

struct schema {
    struct map entities; /* name -> its object in `answer` */
    struct json_object *answer;
};

struct schema *schema_new(struct json_object *answer)
{
    struct schema *schema = NEW(struct schema);

    schema->answer = json_object_get(answer);
    for (size_t i = 0; i < json_count(answer); i++) {
        struct json_object *entity = json_object_array_get_idx(answer, i);
        const char *name = json_string(entity, "name");

        if (name)
            (void)map_put(&schema->entities, name, entity);
    }
    return schema;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    map_done(&schema->entities);
    json_object_put(schema->answer);
    free(schema);
}

static bool has_string(struct json_object *array, const char *text)
{
    for (size_t i = 0; i < json_count(array); i++)
        if (str_eq(json_object_get_string(json_object_array_get_idx(array, i)), text))
            return true;
    return false;
}

/* The element of an array of objects whose member `key` is `text`. */
static struct json_object *find_by(struct json_object *array, const char *key, const char *text)
{
    for (size_t i = 0; i < json_count(array); i++) {
        struct json_object *element = json_object_array_get_idx(array, i);

        if (str_eq(json_string(element, key), text))
            return element;
    }
    return NULL;
}

static struct json_object *type_of(const struct schema *schema, struct json_object *holder,
                                   const char *member)
{
    const char *name = json_string(holder, member);

    return name ? map_get(&schema->entities, name) : NULL;
}

static bool walk(const struct schema *schema, struct json_object *at, const char *path, int depth);

static bool step(const struct schema *schema, struct json_object *at, const char *word, const char *rest,
                 int depth)
{
    const char *meta = json_string(at, "meta-type");
    struct json_object *found;

    if (*word == '@')
        return !rest && has_string(json_get(at, "features"), word + 1);
    if (str_eq(meta, "array"))
        at = type_of(schema, at, "element-type"), meta = json_string(at, "meta-type");
    if (str_eq(meta, "command") || str_eq(meta, "event"))
        return (str_eq(word, "arg") && walk(schema, type_of(schema, at, "arg-type"), rest, depth)) ||
               (str_eq(word, "ret") && walk(schema, type_of(schema, at, "ret-type"), rest, depth));
    if (str_eq(meta, "enum"))
        return !rest &&
               (has_string(json_get(at, "values"), word) || find_by(json_get(at, "members"), "name", word));
    if (str_eq(meta, "object")) {
        found = find_by(json_get(at, "members"), "name", word);
        if (!found)
            found = find_by(json_get(at, "variants"), "case", word);
        return found && walk(schema, type_of(schema, found, "type"), rest, depth);
    }
    return false;
}

static bool walk(const struct schema *schema, struct json_object *at, const char *path, int depth)
{
    char word[STEP_MAX];
    size_t length = path ? strcspn(path, "/") : 0;

    if (!at)
        return false;
    if (!length)
        return true;
    if (length >= sizeof(word))
        return false;
    if (str_eq(json_string(at, "meta-type"), "alternate")) {
        struct json_object *members = json_get(at, "members");

        for (size_t i = 0; depth < ALTERNATE_DEPTH && i < json_count(members); i++)
            if (walk(schema, type_of(schema, json_object_array_get_idx(members, i), "type"), path, depth + 1))
                return true;
        return false;
    }
    memcpy(word, path, length);
    word[length] = '\0';
    return step(schema, at, word, path[length] ? path + length + 1 : NULL, depth);
}

bool schema_has(const struct schema *schema, const char *path)
{
    char word[STEP_MAX];
    size_t length = strcspn(path, "/");

    if (length >= sizeof(word))
        return false;
    memcpy(word, path, length);
    word[length] = '\0';
    return walk(schema, map_get(&schema->entities, word), path[length] ? path + length + 1 : NULL, 0);
}
