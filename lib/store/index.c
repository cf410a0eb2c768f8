/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index file: what was learned from each object's file, so that the next start need not read them all. A
 * row counts only while its file is the same by inode, size and times; the names are known to be all of them
 * while the directory is the same. The file is a cache: a wrong checksum or version means that there is none.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "store/internal.h"

enum {
    INDEX_VERSION = 2,
    INDEX_MAX = 64 * 1024 * 1024,
    /*
     * A directory that was changed so shortly before (ns) may change once more without another time: file
     * systems count in ticks of up to 10 ms.
     */
    SETTLED = 100 * 1000 * 1000,
};

struct head {
    char magic[8];
    uint64_t checksum; /* of all that follows it */
    uint32_t version, count;
    uint64_t inode, mtime, ctime; /* of the directory; inode 0: it may have changed since */
};
/* The name follows, name_length bytes. */
struct row {
    uint64_t inode, mtime, ctime; /* 0: nothing is known but the name */
    uint32_t size, flags;
    uint8_t uuid[UUID_SIZE];
    uint32_t name_length;
};

static const char magic[8] = {'v', 'i', 'r', 'e', 'o', 'i', 'd', 'x'};

static uint64_t checksum(const struct buf *data)
{
    static const uint64_t key[2] = {INDEX_VERSION, sizeof(struct row)};
    size_t from = offsetof(struct head, version);

    return hash_bytes(data->data + from, data->length - from, key);
}

static bool take(const char **at, size_t *left, void *to, size_t length)
{
    if (*left < length)
        return false;
    memcpy(to, *at, length);
    *at += length;
    *left -= length;
    return true;
}

/* The directory's stamp, as far as it will be another one after the next change. */
static void stamp_directory(const struct store *store, struct head *head)
{
    uint64_t now = time_real() * 1000;
    struct store_entry directory = {0};
    struct stat status;

    if (fstat(store->dir, &status) < 0)
        return;
    store_stamp(&directory, &status);
    if (directory.mtime + SETTLED > now || directory.ctime + SETTLED > now)
        return;
    head->inode = directory.inode;
    head->mtime = directory.mtime;
    head->ctime = directory.ctime;
}

bool store_read_index(struct store *store)
{
    auto_buf struct buf data = {0};
    struct head head, now = {0};
    const char *at;
    size_t left;

    if (!store->index_path || file_read(AT_FDCWD, store->index_path, INDEX_MAX, &data) < 0)
        return false;
    at = data.data;
    left = data.length;
    if (!take(&at, &left, &head, sizeof(head)) || memcmp(head.magic, magic, sizeof(magic)) ||
        head.version != INDEX_VERSION || head.checksum != checksum(&data)) {
        log_info("index file '%s' is of no use: it will be made again", store->index_path);
        return false;
    }
    for (uint32_t i = 0; i < head.count; i++) {
        char name[NAME_MAX + 1];
        struct store_entry *entry;
        struct row row;

        if (!take(&at, &left, &row, sizeof(row)) || row.name_length > NAME_MAX ||
            !take(&at, &left, name, row.name_length))
            return false;
        name[row.name_length] = '\0';
        entry = store_add_found(store, name);
        if (!entry || !row.inode)
            continue;
        entry->inode = row.inode;
        entry->mtime = row.mtime;
        entry->ctime = row.ctime;
        entry->size = row.size;
        entry->facts.flags = row.flags;
        memcpy(entry->facts.uuid, row.uuid, UUID_SIZE);
        entry->state = ENTRY_INDEXED;
    }
    stamp_directory(store, &now);
    return now.inode && now.inode == head.inode && now.mtime == head.mtime && now.ctime == head.ctime;
}

static void put_row(struct buf *data, struct head *head, const struct store_entry *entry)
{
    struct row row = {.name_length = (uint32_t)strlen(entry->name)};

    if (entry->state != ENTRY_UNKNOWN && entry->state != ENTRY_BROKEN) {
        row.inode = entry->inode;
        row.mtime = entry->mtime;
        row.ctime = entry->ctime;
        row.size = entry->size;
        row.flags = entry->facts.flags;
        memcpy(row.uuid, entry->facts.uuid, UUID_SIZE);
    }
    buf_add(data, &row, sizeof(row));
    buf_add(data, entry->name, row.name_length);
    head->count++;
}

void store_seal_index(struct buf *data)
{
    struct head head;

    if (data->length < sizeof(head))
        return;
    memcpy(&head, data->data, sizeof(head));
    memcpy(head.magic, magic, sizeof(magic));
    head.version = INDEX_VERSION;
    memcpy(data->data, &head, sizeof(head));
    head.checksum = checksum(data);
    memcpy(data->data, &head, sizeof(head));
}

int store_write_index(struct store *store)
{
    auto_buf struct buf data = {0};
    auto_free char *path = mem_strdup(store->index_path);
    char *slash = path ? strrchr(path, '/') : NULL;
    struct head head = {0};
    const struct store_entry *entry;
    auto_fd int dir = -1;
    int r;

    if (!slash || !store->index_changed)
        return 0;
    stamp_directory(store, &head);
    if (head.inode && !store_is_complete(store)) /* somebody else put files there, or took some */
        head.inode = 0;
    buf_add(&data, &head, sizeof(head));
    MAP_FOREACH(&store->names, entry)
        put_row(&data, &head, entry);
    MAP_FOREACH(&store->broken, entry)
        put_row(&data, &head, entry);
    memcpy(data.data, &head, sizeof(head));
    store_seal_index(&data);

    *slash = '\0';
    r = file_make_dirs(path, 0700);
    if (r < 0)
        return r;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    r = file_replace_lazy(dir, slash + 1, 0600, data.data, data.length);
    if (r == 0)
        store->index_changed = false;
    return r;
}
