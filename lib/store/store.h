/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Store: objects on disk. DIR/NAME.xml holds an object's canonical text, DIR/autostart/NAME.xml is a link to
 * it when the object starts by itself. In memory there is one small entry an object; texts are read when they
 * are asked for, the recently used ones stay in a cache of bounded size. The store knows names, UUIDs and
 * flags; what the text means is its user's business.
 *
 * Opening reads the directory, no file. What is inside a file (UUID, flags) is learned when it is first asked
 * for, or all at once by store_load; an index file remembers it from one run to the next, checked file by
 * file. A file that isn't understood is skipped with a line in the log and never overwritten: it is kept
 * aside.
 *
 * One thread. Changes come in two forms: the plain calls do all at once and block for the fsyncs (a quarter
 * of a millisecond on a quiet disk); store_op_* let a worker thread do the blocking part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/uuid.h"

/* What is inside an object's text, as far as lists and lookups need it. */
struct store_facts {
    uint8_t uuid[UUID_SIZE];
    uint32_t flags; /* the user's own, kept in the index: whatever saves reading the file */
};

struct store_entry {
    char *name;               /* owned by the store */
    struct store_facts facts; /* valid in all entries that the store hands out */
    void *object;             /* the user's: the live object, NULL when there is none */
    bool autostart;
    /* the store's own: */
    uint8_t state;
    bool held;                    /* was handed out: may not vanish by itself */
    uint32_t size;                /* size to ctime: the file's, to notice a change */
    uint64_t inode, mtime, ctime; /* times in ns */
    struct store_text *text;      /* when it is in the cache */
};

struct store_spec {
    const char *dir;           /* made with mode 0700 when missing */
    const char *autostart_dir; /* NULL: these objects have no autostart */
    const char *index_path;    /* NULL: no index file; its directory is made when missing */
    const char *kind;          /* for messages: "domain" */
    const char *edit_command;  /* hint in the file's header: "edit" for `virsh edit NAME`; NULL: no header */
    /*
     * Learn the facts from a text (length bytes, NUL behind); called for files that the index doesn't know.
     * 0, or negative with err set when it isn't an object of that name. NULL: store_scan with no flags.
     */
    int (*scan)(const char *name, const char *text, size_t length, struct store_facts *ret, struct err *err);
    size_t cache_max; /* bytes of text kept in memory; 0: 128 KiB */
};

struct store;

int store_open(const struct store_spec *spec, struct store **ret, struct err *err);
/* Write the index when it changed, release everything. NULL is fine. */
void store_close(struct store *store);

/* Entries, or NULL. By name no more than one file is read; by UUID everything that isn't known yet. */
struct store_entry *store_find_name(struct store *store, const char *name);
struct store_entry *store_find_uuid(struct store *store, const uint8_t *uuid);
/* How many there are, broken ones not counted (after store_load). */
size_t store_count(const struct store *store);
/*
 * Learn the facts of at most max files (0: of all), from the files themselves or from the index when their
 * status is what it says; true when some are left. For a daemon that has answers to give meanwhile.
 */
bool store_load(struct store *store, size_t max);
/*
 * The same as far as a list of names, UUIDs and flags needs it soon after the start: while the directory is
 * as the index knows it, its rows are believed. A file that was written in place since is noticed when it is
 * looked up or loaded.
 */
void store_load_list(struct store *store);
/* Look for files that came or changed meanwhile (reload); the next lookups and store_load see them. */
void store_rescan(struct store *store);
/* Walk all entries; after store_load(store, 0) or store_load_list. The store must not change meanwhile. */
#define STORE_FOREACH(store, entry) MAP_FOREACH(store_entries(store), entry)
const struct map *store_entries(const struct store *store);

/* The object's text, in the arena; without header comments. NULL with err set when it can't be read. */
char *store_read(struct store *store, struct store_entry *entry, struct arena *arena, size_t *ret_length,
                 struct err *err);

/*
 * Make or replace the object `name`. Errors: the name makes no file name (ERR_XML_ERROR),
 * another object has that UUID or the existing one of that name has another (ERR_OPERATION_FAILED), the file
 * system's.
 */
int store_save(struct store *store, const char *name, const struct store_facts *facts, const char *text,
               struct store_entry **ret, struct err *err);
/* Give the object a new name; text is its new text. The entry stays, its autostart link follows. */
int store_rename(struct store *store, struct store_entry *entry, const char *name, const char *text,
                 struct err *err);
/* Remove file, link and entry (also when the file was gone already). */
int store_remove(struct store *store, struct store_entry *entry, struct err *err);
int store_set_autostart(struct store *store, struct store_entry *entry, bool on, struct err *err);

/*
 * The same in three steps: store_op_* checks and remembers (NULL with err set on failure), store_op_run does
 * the file system's part (in any thread; touches nothing but op), store_op_finish brings the index up to date
 * or reports why it failed, and frees op. Between the first and the last the name and the UUID are taken:
 * another change of them fails.
 */
struct store_op;
struct store_op *store_op_save(struct store *store, const char *name, const struct store_facts *facts,
                               const char *text, struct err *err);
struct store_op *store_op_rename(struct store *store, struct store_entry *entry, const char *name,
                                 const char *text, struct err *err);
struct store_op *store_op_remove(struct store *store, struct store_entry *entry, struct err *err);
struct store_op *store_op_autostart(struct store *store, struct store_entry *entry, bool on, struct err *err);
void store_op_run(struct store_op *op);
int store_op_finish(struct store *store, struct store_op *op, struct store_entry **ret, struct err *err);

/* Write the index file if something changed since; for idle moments. 0 or -errno (harmless). */
int store_write_index(struct store *store);

/* May an object have this name? Sets err (code ERR_XML_ERROR) when not. */
int store_check_name(const char *kind, const char *name, struct err *err);
/* Where the object's text begins behind comments, declarations and white space. */
const char *store_skip_header(const char *text);
/*
 * The facts of a text by looking at its top level only: `<name>` must be `name`, `<uuid>` must be there and
 * valid, the root element must be closed at the end. flags stay 0.
 */
int store_scan(const char *name, const char *text, size_t length, struct store_facts *ret, struct err *err);
