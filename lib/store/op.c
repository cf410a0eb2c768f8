/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of objects on disk, in three steps (store.h). What an op does to the file system is one sequence
 * for all kinds: the new file first, links next, the old file last, so that a crash in between leaves a store
 * that can be read.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "store/internal.h"

struct store_op {
    struct list links;         /* store->ops */
    struct store_entry *entry; /* NULL: a new one */
    char *name;                /* that the object has afterwards */
    struct store_facts facts;

    /* What to do; NULL: not that. Names within the directories. */
    struct buf content; /* header and text; nothing: no file is written */
    size_t header;      /* bytes of it */
    char *new_file, *old_file;
    char *new_link, *old_link;
    char *aside; /* the file that is overwritten is kept by this name */

    int dir; /* the store's */
    const char *dir_path, *autostart_path;

    /* How it went. */
    struct stat status;
    int result;
    const char *failed; /* at what, "cannot X" */
    const char *failed_name;
};

static void op_free(struct store_op *op)
{
    list_remove(&op->links);
    /* the text may hold what is nobody's business afterwards */
    mem_wipe(op->content.data, op->content.length);
    buf_done(&op->content);
    free(op->name);
    free(op->new_file);
    free(op->old_file);
    free(op->new_link);
    free(op->old_link);
    free(op->aside);
    free(op);
}

/* Nobody else may be changing the name or the UUID now. */
static int check_idle(const struct store *store, const char *name, const uint8_t *uuid, struct err *err)
{
    const struct store_op *op;

    LIST_FOREACH(&store->ops, op, links)
        if (str_eq(op->name, name) || uuid_eq(op->facts.uuid, uuid))
            return err_set(err, ERR_OPERATION_FAILED, "%s '%s' is being changed by another request",
                           store->kind, op->name);
    return 0;
}

static struct store_op *begin(struct store *store, struct store_entry *entry, const char *name,
                              const struct store_facts *facts, struct err *err)
{
    struct store_op *op;

    if (check_idle(store, name, facts->uuid, err) < 0)
        return NULL;
    op = NEW(struct store_op);
    op->entry = entry;
    op->name = mem_strdup(name);
    op->facts = *facts;
    op->dir = store->dir;
    op->dir_path = store->dir_path;
    op->autostart_path = store->autostart_path;
    list_append(&store->ops, &op->links);
    return op;
}

/* May the name stand in a comment, and in a shell without quotes? */
static bool name_is_plain(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+@-", *at))
            return false;
    return !strstr(name, "--") && !str_ends(name, "-") && name[0] != '-';
}

static void write_content(const struct store *store, struct store_op *op, const char *text)
{
    if (store->edit_command)
        buf_printf(
            &op->content,
            "<!--\nThis %s is kept by its daemon; do not edit the file, what you write here gets lost.\n"
            "To change it:\n  virsh %s %s\nor use any other program that speaks to the daemon.\n-->\n\n",
            store->kind, store->edit_command, name_is_plain(op->name) ? op->name : "NAME");
    op->header = op->content.length;
    buf_add_string(&op->content, text);
    op->new_file = store_file_name(op->name);
    if (map_get(&store->broken, op->name))
        op->aside = mem_printf("%s.broken-%llu", op->new_file, (unsigned long long)(time_real() / 1000000));
}

struct store_op *store_op_save(struct store *store, const char *name, const struct store_facts *facts,
                               const char *text, struct err *err)
{
    struct store_entry *entry, *other;
    struct store_op *op;
    char uuid[UUID_TEXT];

    if (store_check_name(store->kind, name, err) < 0)
        return NULL;
    entry = store_find_name(store, name);
    if (entry && !uuid_eq(entry->facts.uuid, facts->uuid)) {
        err_set(err, ERR_OPERATION_FAILED, "%s '%s' already exists with uuid %s", store->kind, name,
                uuid_format(entry->facts.uuid, uuid));
        return NULL;
    }
    other = entry ? entry : store_find_uuid(store, facts->uuid);
    if (other != entry) {
        err_set(err, ERR_OPERATION_FAILED, "%s '%s' is already defined with uuid %s", store->kind,
                other->name, uuid_format(other->facts.uuid, uuid));
        return NULL;
    }
    op = begin(store, entry, name, facts, err);
    if (op)
        write_content(store, op, text);
    return op;
}

struct store_op *store_op_rename(struct store *store, struct store_entry *entry, const char *name,
                                 const char *text, struct err *err)
{
    struct store_op *op;

    if (store_check_name(store->kind, name, err) < 0)
        return NULL;
    if (store_find_name(store, name)) {
        err_set(err, ERR_OPERATION_INVALID, "%s with name '%s' already exists", store->kind, name);
        return NULL;
    }
    op = begin(store, entry, name, &entry->facts, err);
    if (!op)
        return NULL;
    write_content(store, op, text);
    op->old_file = store_file_name(entry->name);
    if (entry->autostart) {
        op->new_link = store_file_name(name);
        op->old_link = store_file_name(entry->name);
    }
    return op;
}

struct store_op *store_op_remove(struct store *store, struct store_entry *entry, struct err *err)
{
    struct store_op *op = begin(store, entry, entry->name, &entry->facts, err);

    if (!op)
        return NULL;
    op->old_file = store_file_name(entry->name);
    if (store->autostart_path)
        op->old_link = store_file_name(entry->name);
    return op;
}

struct store_op *store_op_autostart(struct store *store, struct store_entry *entry, bool on, struct err *err)
{
    struct store_op *op;

    if (!store->autostart_path) {
        err_set(err, ERR_NO_SUPPORT, "a %s has no autostart", store->kind);
        return NULL;
    }
    op = begin(store, entry, entry->name, &entry->facts, err);
    if (op)
        *(on ? &op->new_link : &op->old_link) = store_file_name(entry->name);
    return op;
}

/* The file system's part. */

static int failed(struct store_op *op, int result, const char *at, const char *name)
{
    if (result < 0 && op->result == 0) {
        op->result = result;
        op->failed = at;
        op->failed_name = name;
    }
    return result;
}

static int remove_link(int dir, const char *name)
{
    return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_file(int dir, const char *name)
{
    int r = file_remove(dir, name);

    return r == -ENOENT ? 0 : r;
}

static int change_links(struct store_op *op)
{
    auto_fd int dir = -1;
    int r = 0;

    if (op->new_link)
        r = file_make_dirs(op->autostart_path, 0700);
    if (r == 0) {
        dir = open(op->autostart_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        /* where there is no directory there is no link to remove */
        if (dir < 0)
            r = errno == ENOENT && !op->new_link ? 0 : -errno;
    }
    if (dir < 0)
        return r;
    if (op->new_link) {
        auto_free char *target = mem_printf("%s/%s", op->dir_path, op->new_link);

        r = remove_link(dir, op->new_link);
        if (r == 0 && symlinkat(target, dir, op->new_link) < 0)
            r = -errno;
    }
    if (r == 0 && op->old_link)
        r = remove_link(dir, op->old_link);
    if (r == 0 && fsync(dir) < 0)
        r = -errno;
    return r;
}

void store_op_run(struct store_op *op)
{
    /* a link, not a rename: at no time is there no file of that name */
    if (op->aside && linkat(op->dir, op->new_file, op->dir, op->aside, 0) < 0 && errno != ENOENT &&
        failed(op, -errno, "cannot keep a copy of", op->new_file) < 0)
        return;
    if (op->content.length &&
        failed(op,
               file_replace(op->dir, op->new_file, 0600, op->content.data, op->content.length, &op->status),
               "cannot write", op->new_file) < 0)
        return;
    if ((op->new_link || op->old_link) && failed(op, change_links(op), "cannot change the autostart link of",
                                                 op->new_link ? op->new_link : op->old_link) < 0)
        goto undo;
    if (op->old_file && failed(op, remove_file(op->dir, op->old_file), "cannot remove", op->old_file) < 0)
        goto undo;
    return;
undo:
    /* a rename that didn't come to its end: the old file and name still count */
    if (op->old_file && op->new_file)
        remove_file(op->dir, op->new_file);
}

/* The index's part. */

static void forget(struct store *store, struct store_entry *entry)
{
    map_remove(&store->names, entry->name);
    uuid_map_remove(&store->uuids, entry->facts.uuid);
    store_entry_free(store, entry);
    store_shrink(store);
}

static struct store_entry *remember(struct store *store, struct store_op *op)
{
    struct store_entry *broken = map_remove(&store->broken, op->name), *entry = op->entry;

    if (broken)
        store_entry_free(store, broken);
    if (!entry) {
        entry = store_entry_new(op->name);
        entry->state = ENTRY_KNOWN;
        memcpy(entry->facts.uuid, op->facts.uuid, UUID_SIZE);
        map_put(&store->names, entry->name, entry);
        uuid_map_put(&store->uuids, entry->facts.uuid, entry);
        store_shrink(store);
    } else if (!str_eq(entry->name, op->name)) {
        map_remove(&store->names, entry->name);
        free(entry->name);
        entry->name = mem_strdup(op->name);
        map_put(&store->names, entry->name, entry);
    }
    entry->held = true;
    entry->facts.flags = op->facts.flags;
    if (op->content.length) {
        store_stamp(entry, &op->status);
        store_cache_put(store, entry, op->content.data + op->header, op->content.length - op->header);
    }
    return entry;
}

int store_op_finish(struct store *store, struct store_op *op, struct store_entry **ret, struct err *err)
{
    struct store_entry *entry = op->entry;
    int result = op->result;

    if (result < 0) {
        const char *dir = str_eq(op->failed_name, op->new_link) ? op->autostart_path : op->dir_path;

        err_system(err, result, "%s '%s/%s'", op->failed, dir, op->failed_name);
        op_free(op);
        return -1;
    }
    if (op->aside)
        log_warning("%s '%s/%s' was broken and has been replaced; the old one is kept as '%s'", store->kind,
                    op->dir_path, op->new_file, op->aside);
    store->index_changed = true;
    if (op->old_file && !op->new_file) {
        forget(store, entry);
        entry = NULL;
    } else {
        entry = remember(store, op);
        if (op->new_link)
            entry->autostart = true;
        else if (op->old_link)
            entry->autostart = false;
    }
    op_free(op);
    if (ret)
        *ret = entry;
    return 0;
}

/* All at once. */

static int at_once(struct store *store, struct store_op *op, struct store_entry **ret, struct err *err)
{
    if (!op)
        return -1;
    store_op_run(op);
    return store_op_finish(store, op, ret, err);
}

int store_save(struct store *store, const char *name, const struct store_facts *facts, const char *text,
               struct store_entry **ret, struct err *err)
{
    return at_once(store, store_op_save(store, name, facts, text, err), ret, err);
}

int store_rename(struct store *store, struct store_entry *entry, const char *name, const char *text,
                 struct err *err)
{
    return at_once(store, store_op_rename(store, entry, name, text, err), NULL, err);
}

int store_remove(struct store *store, struct store_entry *entry, struct err *err)
{
    return at_once(store, store_op_remove(store, entry, err), NULL, err);
}

int store_set_autostart(struct store *store, struct store_entry *entry, bool on, struct err *err)
{
    if (store->autostart_path && entry->autostart == on)
        return 0;
    return at_once(store, store_op_autostart(store, entry, on, err), NULL, err);
}
