/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store's index file, with a checksum that is right: what it says about files that aren't there is never
 * believed, and nothing that it says does harm.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz-index-XXXXXX";

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void quiet(const struct log_line *line, void *arg)
{
}

static void clean(void)
{
    file_remove_dir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int dir = -1;
    auto_err struct err err = {0};
    auto_buf struct buf text = {0};
    auto_free char *path = NULL, *objects = NULL;
    struct store_spec spec = {.kind = "thing"};
    struct store *store = NULL;
    const struct store_entry *entry;

    if (dir < 0) {
        log_set_output(quiet, NULL);
        check(mkdtemp(folder) != NULL);
        atexit(clean);
        dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    spec.index_path = path = mem_printf("%s/index", folder);
    spec.dir = objects = mem_printf("%s/objects", folder);
    buf_add(&text, data, size);
    store_seal_index(&text);
    check(file_replace_lazy(dir, "index", 0600, buf_text(&text), text.length) == 0);
    check(store_open(&spec, &store, &err) == 0);
    store_load(store, 0);
    STORE_FOREACH(store, entry)
        check(false);
    store_close(store);
    return 0;
}
