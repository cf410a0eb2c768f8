/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_SECRET
#include "model/secret.h"

#include "base/enum.h"

const char *const secret_usage_names[] = {"none", "volume", "ceph", "iscsi", "tls", "vtpm", NULL};

/* Which element names the user of each kind, and what it is called when it is missing. */
static const struct {
    size_t id; /* the member */
    const char *title, *what;
} usages[SECRET_USAGE_MAX] = {
    [SECRET_USAGE_VOLUME] = {offsetof(struct secret_def, volume), "volume", "volume path"},
    [SECRET_USAGE_CEPH] = {offsetof(struct secret_def, name), "Ceph", "name"},
    [SECRET_USAGE_ISCSI] = {offsetof(struct secret_def, target), "iSCSI", "target"},
    [SECRET_USAGE_TLS] = {offsetof(struct secret_def, name), "TLS", "name"},
    [SECRET_USAGE_VTPM] = {offsetof(struct secret_def, name), "vTPM", "name"},
};

static int finish_usage(struct xt_parse *parse, struct secret_def *def)
{
    int usage = enum_find(secret_usage_names, def->kind);
    char *volume = def->volume, *name = def->name, *target = def->target, **id;

    if (!def->kind)
        return err_set(parse->err, ERR_XML_ERROR, "unknown secret usage type");
    if (usage < 0)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "unknown secret usage type %s", def->kind);
    /* only the element that belongs to the kind is kept */
    def->volume = def->name = def->target = NULL;
    def->usage = (enum secret_usage)usage;
    if (usage == SECRET_USAGE_NONE) {
        def->has_usage = false;
        def->kind = NULL;
        return 0;
    }
    id = (char **)(void *)((char *)def + usages[usage].id);
    *id = id == &def->volume ? volume : id == &def->target ? target : name;
    if (!*id)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "%s usage specified, but %s is missing",
                       usages[usage].title, usages[usage].what);
    def->usage_id = *id;
    return 0;
}

static int secret_finish(struct xt_parse *parse, void *object)
{
    struct secret_def *def = object;

    if (def->ephemeral == TRI_NONE)
        def->ephemeral = TRI_NO;
    if (def->private == TRI_NONE)
        def->private = TRI_NO;
    if (!uuid_valid(def->uuid))
        uuid_generate(def->uuid);
    def->usage_id = "";
    return def->has_usage ? finish_usage(parse, def) : 0;
}

#define T struct secret_def
/* clang-format off */
XT_DEFINE(secret_table, "secret", secret_finish,
    XT_ATTR(T, ephemeral, "ephemeral", yesno, 0),
    XT_ATTR(T, private, "private", yesno, 0),
    XT_TEXT(T, uuid, "uuid", uuid, 0),
    XT_TEXT(T, description, "description", str, 0),
    XT_FLAG(T, has_usage, "usage", 0,
        XT_ATTR(T, kind, "type", str, 0),
        XT_TEXT(T, volume, "volume", str, 0),
        XT_TEXT(T, name, "name", str, 0),
        XT_TEXT(T, target, "target", str, 0)));
/* clang-format on */
#undef T

struct secret_def *secret_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    static const struct xt_document document = {.table = &secret_table, .what = "(definition_of_secret)"};

    return xt_parse(&document, arena, xml, flags, err);
}

void secret_format(const struct secret_def *def, struct buf *text)
{
    xt_format(&secret_table, text, def, /* flags= */ 0, /* indent= */ 0);
}
