/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_DOMAIN_SNAPSHOT
#include "model/moment.h"

#include "base/enum.h"
#include "base/str.h"

const char *const moment_state_names[] = {"nostate", "running", "blocked",     "paused",        "shutdown",
                                          "shutoff", "crashed", "pmsuspended", "disk-snapshot", NULL};
const char *const moment_location_names[] = {"", "no", "internal", "external", "manual", NULL};
const char *const moment_bitmap_names[] = {"", "no", "bitmap", NULL};

static int moment_finish(struct xt_parse *parse, void *object)
{
    struct moment *moment = object;

    moment->active = str_eq(moment->active_text, "1");
    moment->active_text = NULL;
    moment->state = -1;
    if (!moment->state_name)
        return 0;
    moment->state = enum_find(moment_state_names, moment->state_name);
    if (moment->state < 0)
        return err_set(parse->err, ERR_XML_ERROR, "Invalid state '%s' in domain snapshot XML",
                       moment->state_name);
    if (!moment->memory)
        moment->memory = moment->state == MOMENT_SHUTOFF || moment->state == MOMENT_DISK_ONLY
                             ? LOCATION_NO
                             : LOCATION_INTERNAL;
    return 0;
}

/* clang-format off */
#define D struct moment_disk
XT_DECLARE(snapshot_disk_table, D);
XT_DEFINE(snapshot_disk_table, "disk", NULL,
    XT_ATTR(D, name, "name", str, XT_REQUIRED),
    XT_ENUM(D, location, "snapshot", moment_location_names, 0),
    XT_ATTR(D, type, "type", str, 0),
    XT_GROUP("driver", 0, XT_ATTR(D, format, "type", str, 0)),
    XT_GROUP("source", 0,
        XT_ATTR(D, file, "file", str, 0),
        XT_ATTR(D, device, "dev", str, 0)));
XT_DECLARE(checkpoint_disk_table, D);
XT_DEFINE(checkpoint_disk_table, "disk", NULL,
    XT_ATTR(D, name, "name", str, XT_REQUIRED),
    XT_ENUM(D, kept, "checkpoint", moment_bitmap_names, 0),
    XT_ATTR(D, bitmap, "bitmap", str, 0));

#define T struct moment
XT_DEFINE(snapshot_table, "domainsnapshot", moment_finish,
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, description, "description", str, 0),
    XT_TEXT(T, state_name, "state", str, 0),
    XT_GROUP("parent", 0, XT_TEXT(T, parent, "name", str, 0)),
    XT_TEXT(T, created, "creationTime", u64, 0),
    XT_GROUP("memory", 0,
        XT_ENUM(T, memory, "snapshot", moment_location_names, 0),
        XT_ATTR(T, memory_file, "file", str, 0)),
    XT_GROUP("disks", 0, XT_LIST(T, disks, n_disks, "disk", snapshot_disk_table, 0)),
    XT_CHILD(T, domain, "domain", domain_table, XT_NO_ABI),
    XT_TEXT(T, active_text, "active", str, 0));
XT_DEFINE(checkpoint_table, "domaincheckpoint", moment_finish,
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, description, "description", str, 0),
    XT_GROUP("parent", 0, XT_TEXT(T, parent, "name", str, 0)),
    XT_TEXT(T, created, "creationTime", u64, 0),
    XT_GROUP("disks", 0, XT_LIST(T, disks, n_disks, "disk", checkpoint_disk_table, 0)),
    XT_CHILD(T, domain, "domain", domain_table, XT_NO_ABI),
    XT_TEXT(T, active_text, "active", str, 0));
/* clang-format on */
#undef D
#undef T

/* The document without its machine. */
static int drop_domain(const char *text, const char *what, struct buf *ret, struct err *err)
{
    auto_arena struct arena arena = {0};
    struct xml_node *root = xml_parse(&arena, text, strlen(text), what, NULL, err);
    struct xml_node **at;

    if (!root)
        return -1;
    for (at = &root->first; *at;)
        if (str_eq((*at)->name, "domain"))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    xml_format(root, 0, ret);
    return 0;
}

struct moment *moment_parse(struct arena *arena, const char *text, bool checkpoint, bool with_domain,
                            unsigned flags, const struct domain_policy *policy, struct err *err)
{
    const struct xt_document documents[] = {
        {&snapshot_table, "(domain_snapshot)", domain_document.namespaces},
        {&checkpoint_table, "(domain_checkpoint)", domain_document.namespaces}};
    auto_buf struct buf rest = {0};
    struct moment *moment;

    if (!with_domain && drop_domain(text, documents[checkpoint].what, &rest, err) < 0)
        return NULL;
    moment = xt_parse(&documents[checkpoint], arena, with_domain ? text : buf_text(&rest), flags, err);
    if (moment && moment->domain && domain_post_parse(moment->domain, arena, flags, policy, err) < 0)
        return NULL;
    return moment;
}

void moment_format(struct buf *text, const struct moment *moment, bool checkpoint, bool with_domain,
                   unsigned flags)
{
    struct moment shown = *moment;

    if (!with_domain)
        shown.domain = NULL;
    if (shown.state >= 0)
        shown.state_name = (char *)moment_state_names[shown.state];
    xt_format(checkpoint ? &checkpoint_table : &snapshot_table, text, &shown, flags, 0);
}

/* ---- disks ---- */

static struct moment_disk *row_of(const struct moment *moment, const char *target)
{
    for (size_t i = 0; i < moment->n_disks; i++)
        if (str_eq(moment->disks[i]->name, target))
            return moment->disks[i];
    return NULL;
}

static int check_rows(const struct moment *moment, struct err *err)
{
    const struct devices *devices = &moment->domain->devices;

    for (size_t i = 0; i < moment->n_disks; i++) {
        bool found = false;

        for (size_t d = 0; d < devices->n_disks && !found; d++)
            found = str_eq(devices->disks[d]->dst, moment->disks[i]->name);
        if (!found)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "no disk named '%s'", moment->disks[i]->name);
        for (size_t d = 0; d < i; d++)
            if (str_eq(moment->disks[d]->name, moment->disks[i]->name))
                return err_set(err, ERR_CONFIG_UNSUPPORTED, "disk '%s' specified twice",
                               moment->disks[i]->name);
    }
    return 0;
}

static bool has_content(const struct disk *disk)
{
    return (disk->src.path || disk->src.type != STORAGE_FILE) && !disk->readonly;
}

int moment_align(struct moment *moment, struct arena *arena, bool checkpoint, enum moment_location location,
                 struct err *err)
{
    const struct devices *devices = &moment->domain->devices;
    struct moment_disk **disks = ARENA_ARRAY(arena, struct moment_disk *, devices->n_disks);
    bool named = moment->n_disks > 0;

    if (check_rows(moment, err) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];
        struct moment_disk *row = row_of(moment, disk->dst);
        bool absent = !row;

        if (!row)
            row = ARENA_NEW(arena, struct moment_disk);
        row->name = disk->dst;
        if (!checkpoint && !row->location)
            row->location = has_content(disk) ? location : LOCATION_NO;
        if (checkpoint && !row->kept)
            row->kept = (absent && named) || !has_content(disk) ? BITMAP_NO : BITMAP_KEPT;
        if (checkpoint && row->kept == BITMAP_KEPT && !row->bitmap)
            row->bitmap = moment->name;
        disks[i] = row;
    }
    moment->disks = disks;
    moment->n_disks = devices->n_disks;
    return 0;
}
