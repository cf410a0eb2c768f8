/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index file: what was learned from each object's file, so that the next start need not read them all. A
 * row counts only while its file is the same by inode, size and times. The file is a cache: a wrong checksum
 * or version means that there is none.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "store/internal.h"

enum { INDEX_VERSION = 1, INDEX_MAX = 64 * 1024 * 1024 };

struct head {
    char magic[8];
    uint32_t version, count;
    uint64_t checksum; /* of what follows */
};

/* The name follows, name_length bytes. */
struct row {
    uint64_t inode, mtime, ctime;
    uint32_t size, flags;
    uint8_t uuid[UUID_SIZE];
    uint32_t name_length;
};

static const char magic[8] = {'v', 'i', 'r', 'e', 'o', 'i', 'd', 'x'};
static const uint64_t checksum_key[2] = {INDEX_VERSION, sizeof(struct row)};

static bool take(const char **at, size_t *left, void *to, size_t length)
{
    if (*left < length)
        return false;
    memcpy(to, *at, length);
    *at += length;
    *left -= length;
    return true;
}

void store_read_index(struct store *store)
{
    auto_buf struct buf data = {0};
    struct head head;
    const char *at;
    size_t left;

    if (!store->index_path || file_read(AT_FDCWD, store->index_path, INDEX_MAX, &data) < 0)
        return;
    at = data.data;
    left = data.length;
    if (!take(&at, &left, &head, sizeof(head)) || memcmp(head.magic, magic, sizeof(magic)) ||
        head.version != INDEX_VERSION || head.checksum != hash_bytes(at, left, checksum_key)) {
        log_info("index file '%s' is of no use: it will be made again", store->index_path);
        return;
    }
    for (uint32_t i = 0; i < head.count; i++) {
        char name[NAME_MAX + 1];
        struct store_entry *entry;
        struct row row;

        if (!take(&at, &left, &row, sizeof(row)) || row.name_length > NAME_MAX ||
            !take(&at, &left, name, row.name_length))
            return;
        name[row.name_length] = '\0';
        entry = map_get(&store->names, name);
        if (!entry || entry->state != ENTRY_UNKNOWN)
            continue;
        entry->inode = row.inode;
        entry->mtime = row.mtime;
        entry->ctime = row.ctime;
        entry->size = row.size;
        entry->facts.flags = row.flags;
        memcpy(entry->facts.uuid, row.uuid, UUID_SIZE);
        entry->state = ENTRY_INDEXED;
    }
}

int store_write_index(struct store *store)
{
    auto_buf struct buf data = {0};
    auto_free char *path = mem_strdup(store->index_path);
    char *slash = path ? strrchr(path, '/') : NULL;
    struct head head = {.version = INDEX_VERSION};
    const struct store_entry *entry;
    auto_fd int dir = -1;
    int r;

    if (!slash || !store->index_changed)
        return 0;
    memcpy(head.magic, magic, sizeof(magic));
    buf_add(&data, &head, sizeof(head));
    MAP_FOREACH(&store->names, entry) {
        struct row row = {.inode = entry->inode,
                          .mtime = entry->mtime,
                          .ctime = entry->ctime,
                          .size = entry->size,
                          .flags = entry->facts.flags,
                          .name_length = (uint32_t)strlen(entry->name)};

        if (entry->state == ENTRY_UNKNOWN)
            continue;
        memcpy(row.uuid, entry->facts.uuid, UUID_SIZE);
        buf_add(&data, &row, sizeof(row));
        buf_add(&data, entry->name, row.name_length);
        head.count++;
    }
    head.checksum = hash_bytes(data.data + sizeof(head), data.length - sizeof(head), checksum_key);
    memcpy(data.data, &head, sizeof(head));

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
