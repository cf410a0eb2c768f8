/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "store/internal.h"

static const char suffix[] = ".xml";
enum {
    CACHE_DEFAULT = 128 * 1024,
    TEMPORARY_AGE = 600, /* seconds: whoever made it is gone */
};

char *store_file_name(const char *name)
{
    return mem_printf("%s%s", name, suffix);
}

int store_check_name(const char *kind, const char *name, struct err *err)
{
    if (str_empty(name))
        return err_set(err, ERR_XML_ERROR, "a %s needs a name", kind);
    if (strchr(name, '/'))
        return err_set(err, ERR_XML_ERROR, "name %s cannot contain '/'", name);
    if (str_has_control(name))
        return err_set(err, ERR_XML_ERROR, "name of a %s cannot contain control characters", kind);
    if (str_eq(name, ".") || str_eq(name, ".."))
        return err_set(err, ERR_XML_ERROR, "'%s' cannot be the name of a %s", name, kind);
    if (strlen(name) > NAME_MAX - strlen(suffix))
        return err_set(err, ERR_XML_ERROR, "name '%.40s...' of a %s is longer than %zu bytes", name, kind,
                       NAME_MAX - strlen(suffix));
    return 0;
}

/* Entries. */

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

bool store_stamp(struct store_entry *entry, const struct stat *status)
{
    struct store_entry before = *entry;

    entry->inode = status->st_ino;
    entry->mtime = nanoseconds(status->st_mtim);
    entry->ctime = nanoseconds(status->st_ctim);
    entry->size = (uint32_t)status->st_size;
    return entry->inode != before.inode || entry->mtime != before.mtime || entry->ctime != before.ctime ||
           entry->size != before.size;
}

static bool is_same(const struct store *store, const struct store_entry *entry)
{
    struct store_entry now = *entry;
    char file[NAME_MAX + 1];
    struct stat status;

    snprintf(file, sizeof(file), "%s%s", entry->name, suffix);
    return fstatat(store->dir, file, &status, 0) == 0 && !store_stamp(&now, &status);
}

struct store_entry *store_entry_new(const char *name)
{
    struct store_entry *entry = NEW(struct store_entry);

    entry->name = mem_strdup(name);
    return entry;
}

void store_entry_free(struct store *store, struct store_entry *entry)
{
    store_cache_drop(store, entry);
    for (size_t i = 0; i < store->todo_count; i++)
        if (store->todo[i] == entry)
            store->todo[i] = NULL;
    free(entry->name);
    free(entry);
}

static void set_aside(struct store *store, struct store_entry *entry, const char *why)
{
    log_error("%s '%s/%s%s' is skipped: %s", store->kind, store->dir_path, entry->name, suffix, why);
    entry->state = ENTRY_BROKEN;
    map_remove(&store->names, entry->name);
    if (uuid_map_get(&store->uuids, entry->facts.uuid) == entry)
        uuid_map_remove(&store->uuids, entry->facts.uuid);
    map_put(&store->broken, entry->name, entry);
    store->index_changed = true;
}

/* The text behind the header comment, in a buffer; status is of the very file that was read. */
static int read_file(const struct store *store, const char *name, struct buf *text, const char **ret_begin,
                     struct stat *ret_status)
{
    auto_free char *file = store_file_name(name);
    auto_fd int fd = openat(store->dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r;

    if (fd < 0 || fstat(fd, ret_status) < 0)
        return -errno;
    if (!S_ISREG(ret_status->st_mode))
        return -EINVAL;
    r = file_read_fd(fd, STORE_TEXT_MAX, text);
    if (r < 0)
        return r;
    *ret_begin = store_skip_header(buf_text(text));
    return 0;
}

/* Two files with one UUID (a rename that was cut short, a copy made by hand): the newer one counts. */
static void register_uuid(struct store *store, struct store_entry *entry)
{
    struct store_entry *other = uuid_map_get(&store->uuids, entry->facts.uuid);
    auto_free char *why = NULL;

    if (other && other != entry) {
        struct store_entry *loser = other->held || other->mtime >= entry->mtime ? entry : other;

        why = mem_printf("'%s' has the same UUID", loser == entry ? other->name : entry->name);
        set_aside(store, loser, why);
        if (loser == entry)
            return;
    }
    uuid_map_put(&store->uuids, entry->facts.uuid, entry);
    entry->state = ENTRY_KNOWN;
}

bool store_learn(struct store *store, struct store_entry *entry)
{
    auto_buf struct buf text = {0};
    auto_err struct err err = {0};
    const char *begin;
    struct stat status;
    int r;

    if (entry->state == ENTRY_INDEXED && is_same(store, entry)) {
        register_uuid(store, entry);
        return entry->state == ENTRY_KNOWN;
    }
    store->index_changed = true;
    r = read_file(store, entry->name, &text, &begin, &status);
    if (r == -ENOENT) {
        map_remove(&store->names, entry->name);
        store_entry_free(store, entry);
        return false;
    }
    if (r < 0) {
        set_aside(store, entry, strerror(-r));
        return false;
    }
    if (store->scan(entry->name, begin, text.length - (size_t)(begin - buf_text(&text)), &entry->facts,
                    &err) < 0) {
        set_aside(store, entry, err.message);
        return false;
    }
    store_stamp(entry, &status);
    register_uuid(store, entry);
    return entry->state == ENTRY_KNOWN;
}

bool store_load(struct store *store, size_t max)
{
    size_t learned = 0;

    while (store->todo_count && (!max || learned < max)) {
        struct store_entry *entry = store->todo[--store->todo_count];

        if (!entry || entry->state >= ENTRY_KNOWN)
            continue;
        learned++;
        store_learn(store, entry);
    }
    if (!store->todo_count) {
        free(store->todo);
        store->todo = NULL;
        store->todo_room = 0;
    }
    return store->todo_count > 0;
}

void store_load_list(struct store *store)
{
    size_t kept = 0;

    if (!store->index_whole) {
        store_load(store, 0);
        return;
    }
    for (size_t i = 0; i < store->todo_count; i++) {
        struct store_entry *entry = store->todo[i];

        if (entry && entry->state == ENTRY_INDEXED)
            store->todo[kept++] = entry;
        else if (entry && entry->state == ENTRY_UNKNOWN)
            store_learn(store, entry);
    }
    store->todo_count = kept;
}

/* Opening. */

/* What a crash left of a write: ".NAME.xml.0123abcd.new", see file_replace. */
static void remove_temporary(const struct store *store, const char *file)
{
    struct stat status;

    if (file[0] == '.' && str_ends(file, ".new") &&
        fstatat(store->dir, file, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        (uint64_t)status.st_mtim.tv_sec + TEMPORARY_AGE < time_real() / 1000000)
        unlinkat(store->dir, file, 0);
}

static DIR *open_listing(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (!stream)
        fd_close(&fd);
    return stream;
}

/* "NAME.xml" -> "NAME" in place; false for other files. */
static bool cut_suffix(char *file)
{
    if (!str_ends(file, suffix) || str_eq(file, suffix))
        return false;
    file[strlen(file) - strlen(suffix)] = '\0';
    return true;
}

/* May it be an object's file, by its type? */
static bool is_file(const struct dirent *file)
{
    return file->d_type == DT_REG || file->d_type == DT_LNK || file->d_type == DT_UNKNOWN;
}

bool store_is_complete(const struct store *store)
{
    DIR *stream = open_listing(store->dir, ".");
    size_t left = (size_t)store->names.count + store->broken.count;
    struct dirent *file;
    bool all = stream != NULL;

    while (all && (file = readdir(stream))) {
        if (!is_file(file) || !cut_suffix(file->d_name))
            continue;
        all = map_get(&store->names, file->d_name) || map_get(&store->broken, file->d_name);
        left--;
    }
    if (stream)
        closedir(stream);
    return all && !left;
}

static void add_todo(struct store *store, struct store_entry *entry)
{
    if (store->todo_count == store->todo_room) {
        store->todo_room = store->todo_room ? store->todo_room * 2 : 64;
        store->todo = mem_resize_array(store->todo, store->todo_room, sizeof(struct store_entry *));
    }
    store->todo[store->todo_count++] = entry;
}

struct store_entry *store_add_found(struct store *store, const char *name)
{
    struct store_entry *entry = store_entry_new(name);

    if (map_put(&store->names, entry->name, entry) < 0) {
        store_entry_free(store, entry);
        return NULL;
    }
    add_todo(store, entry);
    return entry;
}

static int list_files(struct store *store)
{
    DIR *stream = open_listing(store->dir, ".");
    struct dirent *file;

    if (!stream)
        return -errno;
    while ((file = readdir(stream))) {
        if (!is_file(file))
            continue;
        if (!cut_suffix(file->d_name)) {
            remove_temporary(store, file->d_name);
            continue;
        }
        if (!map_get(&store->names, file->d_name) && !map_get(&store->broken, file->d_name))
            store_add_found(store, file->d_name);
    }
    closedir(stream);
    return 0;
}

/* A link counts when it leads to the object's own file, however the path to it is written. */
static void list_autostart(struct store *store)
{
    DIR *stream = store->autostart_path ? open_listing(AT_FDCWD, store->autostart_path) : NULL;
    struct dirent *file;

    while (stream && (file = readdir(stream))) {
        char target[PATH_MAX], *base;
        ssize_t length = readlinkat(dirfd(stream), file->d_name, target, sizeof(target) - 1);
        struct store_entry *entry;

        if (length < 0)
            continue;
        target[length] = '\0';
        base = strrchr(target, '/');
        if (!str_eq(base ? base + 1 : target, file->d_name) || !cut_suffix(file->d_name))
            continue;
        entry = map_get(&store->names, file->d_name);
        if (entry)
            entry->autostart = true;
    }
    if (stream)
        closedir(stream);
}

int store_open(const struct store_spec *spec, struct store **ret, struct err *err)
{
    struct store *store = NEW(struct store);
    int r;

    *store = (struct store){.dir_path = mem_strdup(spec->dir),
                            .autostart_path = mem_strdup(spec->autostart_dir),
                            .index_path = mem_strdup(spec->index_path),
                            .kind = mem_strdup(spec->kind),
                            .edit_command = mem_strdup(spec->edit_command),
                            .scan = spec->scan ? spec->scan : store_scan,
                            .texts_max = spec->cache_max ? spec->cache_max : CACHE_DEFAULT};
    list_init(&store->texts);
    list_init(&store->ops);
    r = file_make_dirs(spec->dir, 0700);
    store->dir = r < 0 ? -1 : open(spec->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && store->dir < 0)
        r = -errno;
    store->index_whole = r == 0 && store_read_index(store);
    if (r == 0 && !store->index_whole) {
        store->index_changed = true;
        r = list_files(store);
    }
    if (r < 0) {
        store_close(store);
        return err_system(err, r, "cannot read directory '%s'", spec->dir);
    }
    list_autostart(store);
    store->peak = store->names.count;
    *ret = store;
    return 0;
}

void store_rescan(struct store *store)
{
    struct map broken = store->broken;
    size_t before = store->todo_count;
    struct store_entry *entry;
    int r = list_files(store);

    store->index_whole = false;
    if (r < 0)
        log_warning("cannot read directory '%s': %s", store->dir_path, strerror(-r));
    /* files that weren't understood get another chance; they are in nobody's hands */
    store->broken = (struct map){0};
    MAP_FOREACH(&broken, entry) {
        entry->state = ENTRY_UNKNOWN;
        map_put(&store->names, entry->name, entry);
        add_todo(store, entry);
    }
    map_done(&broken);
    list_autostart(store);
    log_debug("%s: %zu files to look at", store->dir_path, store->todo_count - before);
}

void store_close(struct store *store)
{
    struct store_entry *entry;
    int r;

    if (!store)
        return;
    r = store_write_index(store);
    if (r < 0)
        log_warning("cannot write index file '%s': %s", store->index_path, strerror(-r));
    store->todo_count = 0; /* so that no entry is looked for in it */
    MAP_FOREACH(&store->names, entry)
        store_entry_free(store, entry);
    MAP_FOREACH(&store->broken, entry)
        store_entry_free(store, entry);
    map_done(&store->names);
    map_done(&store->broken);
    uuid_map_done(&store->uuids);
    fd_close(&store->dir);
    free(store->todo);
    free(store->dir_path);
    free(store->autostart_path);
    free(store->index_path);
    free(store->kind);
    free(store->edit_command);
    free(store);
}

/* Looking up. */

struct store_entry *store_find_name(struct store *store, const char *name)
{
    struct store_entry *entry = map_get(&store->names, name);

    if (!entry || (entry->state != ENTRY_KNOWN && !store_learn(store, entry)))
        return NULL;
    entry->held = true;
    return entry;
}

/* The one that has it by what the index says: most likely it still does, and no other file needs a look. */
static void learn_uuid(struct store *store, const uint8_t *uuid)
{
    for (size_t i = 0; i < store->todo_count; i++) {
        struct store_entry *entry = store->todo[i];

        if (entry && entry->state == ENTRY_INDEXED && uuid_eq(entry->facts.uuid, uuid)) {
            store_learn(store, entry);
            return;
        }
    }
}

struct store_entry *store_find_uuid(struct store *store, const uint8_t *uuid)
{
    struct store_entry *entry = uuid_map_get(&store->uuids, uuid);

    if (!entry && store->todo_count) {
        learn_uuid(store, uuid);
        entry = uuid_map_get(&store->uuids, uuid);
    }
    if (!entry && store->todo_count) {
        store_load(store, 0);
        entry = uuid_map_get(&store->uuids, uuid);
    }
    if (entry)
        entry->held = true;
    return entry;
}

size_t store_count(const struct store *store)
{
    return store->names.count;
}

const struct map *store_entries(const struct store *store)
{
    return &store->names;
}

void store_shrink(struct store *store)
{
    if (store->names.count > store->peak)
        store->peak = store->names.count;
    if (store->peak < 256 || store->names.count > store->peak / 2)
        return;
    store->peak = store->names.count;
    mem_trim();
}

/* Texts. */

void store_cache_drop(struct store *store, struct store_entry *entry)
{
    struct store_text *text = TAKE(entry->text);

    if (!text)
        return;
    list_remove(&text->links);
    store->texts_size -= text->length;
    /* some kinds of objects (secrets' descriptions, passwords of graphics) are nobody's business afterwards
     */
    mem_wipe(text->text, text->length);
    free(text);
}

void store_cache_put(struct store *store, struct store_entry *entry, const char *text, size_t length)
{
    struct store_text *cached;

    store_cache_drop(store, entry);
    if (length > store->texts_max / 4)
        return;
    while (store->texts_size + length > store->texts_max)
        store_cache_drop(store, LIST_ENTRY(store->texts.prev, struct store_text, links)->entry);
    cached = mem_resize_array(NULL, 1, sizeof(*cached) + length + 1);
    *cached = (struct store_text){.entry = entry, .length = length};
    memcpy(cached->text, text, length);
    cached->text[length] = '\0';
    list_prepend(&store->texts, &cached->links);
    store->texts_size += length;
    entry->text = cached;
}

/* The file was changed by hand since: what is in it now? */
static int learn_again(struct store *store, struct store_entry *entry, const char *text, size_t length,
                       struct err *err)
{
    struct store_facts facts;
    auto_err struct err why = {0};

    if (store->scan(entry->name, text, length, &facts, &why) < 0)
        return err_set(err, ERR_OPERATION_FAILED, "%s file '%s/%s%s' was changed by hand and is broken: %s",
                       store->kind, store->dir_path, entry->name, suffix, why.message);
    if (!uuid_eq(facts.uuid, entry->facts.uuid))
        return err_set(err, ERR_OPERATION_FAILED,
                       "%s file '%s/%s%s' was changed by hand and has another UUID now", store->kind,
                       store->dir_path, entry->name, suffix);
    entry->facts.flags = facts.flags;
    store->index_changed = true;
    return 0;
}

char *store_read(struct store *store, struct store_entry *entry, struct arena *arena, size_t *ret_length,
                 struct err *err)
{
    auto_free char *file = store_file_name(entry->name);
    auto_buf struct buf data = {0};
    struct store_entry now = *entry;
    const char *begin;
    struct stat status;
    size_t length;
    int r;

    if (entry->text && fstatat(store->dir, file, &status, 0) == 0 && !store_stamp(&now, &status)) {
        list_remove(&entry->text->links);
        list_prepend(&store->texts, &entry->text->links);
        if (ret_length)
            *ret_length = entry->text->length;
        return arena_dup(arena, entry->text->text, entry->text->length + 1);
    }
    r = read_file(store, entry->name, &data, &begin, &status);
    if (r < 0) {
        err_system(err, r, "cannot read '%s/%s'", store->dir_path, file);
        return NULL;
    }
    length = data.length - (size_t)(begin - buf_text(&data));
    if (store_stamp(&now, &status)) {
        if (learn_again(store, entry, begin, length, err) < 0)
            return NULL;
        store_stamp(entry, &status);
    }
    store_cache_put(store, entry, begin, length);
    if (ret_length)
        *ret_length = length;
    return arena_dup(arena, length ? begin : "", length + 1);
}
