/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the store share; nobody else includes this. */
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/store.h"

enum { STORE_TEXT_MAX = 16 * 1024 * 1024 };

/* How much is known of an entry's file. */
enum entry_state {
    ENTRY_UNKNOWN, /* its name */
    ENTRY_INDEXED, /* what the index file said about it, not compared with the file yet */
    ENTRY_KNOWN,
    ENTRY_BROKEN, /* not understood: it stands in store->broken, not in store->names */
};

/* A text in the cache. */
struct store_text {
    struct list links; /* store->texts, most recently used first */
    struct store_entry *entry;
    size_t length;
    char text[];
};

struct store {
    char *dir_path, *autostart_path, *index_path, *kind, *edit_command;
    int dir;
    int (*scan)(const char *name, const char *text, size_t length, struct store_facts *ret, struct err *err);

    struct map names;      /* -> struct store_entry */
    struct uuid_map uuids; /* entries that are known */
    struct map broken;     /* names of files that weren't understood -> struct store_entry */

    struct store_entry **todo; /* entries that were not known when they were found; some may be by now */
    size_t todo_count, todo_room;
    bool index_whole; /* the index named all files, and the directory is as it was then */

    struct list texts;
    size_t texts_size, texts_max;

    struct list ops;    /* struct store_op: begun, not finished */
    bool index_changed; /* since it was read or written */
    size_t peak;        /* most entries since memory was given back last */
};

/* "NAME.xml", on the heap. */
char *store_file_name(const char *name);
/* Remember the file's status in the entry; was it another one before? */
bool store_stamp(struct store_entry *entry, const struct stat *status);
/* Make an entry findable, forget it, let it go. */
struct store_entry *store_entry_new(const char *name);
void store_entry_free(struct store *store, struct store_entry *entry);
/*
 * For an entry that isn't known: compare with the file, read it if need be. True: it is known now. False: it
 * was set aside as broken, or is gone (and freed) since its file is.
 */
bool store_learn(struct store *store, struct store_entry *entry);
/* Was there much more once? Give the memory back. */
void store_shrink(struct store *store);

/* The cache. */
void store_cache_put(struct store *store, struct store_entry *entry, const char *text, size_t length);
void store_cache_drop(struct store *store, struct store_entry *entry);

/* An entry for a file that nothing is known of but its name; NULL: there is one already. */
struct store_entry *store_add_found(struct store *store, const char *name);

/* Do the entries stand for the files that are there, all of them and no others? */
bool store_is_complete(const struct store *store);

/*
 * Entries for what the index file knows. True: these are all, the directory is as it was when the index was
 * written.
 */
bool store_read_index(struct store *store);
/* What is constant in the text's head, and the checksum of all behind it. */
void store_seal_index(struct buf *data);
