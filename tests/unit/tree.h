/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tree: small file trees for tests of code that reads /sys, /proc and configuration directories. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"

/* A directory of its own; the caller frees the path after tree_remove. */
static inline char *tree_make(void)
{
    char *path = mem_strdup("/tmp/unit-tree-XXXXXX");

    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

/* A whole file; NULL: it can't be read. */
UNUSED static inline char *tree_read(struct arena *arena, const char *path)
{
    auto_buf struct buf text = {0};

    return file_read(AT_FDCWD, path, 64 << 20, &text) < 0
               ? NULL
               : arena_strndup(arena, buf_text(&text), text.length);
}

static inline void tree_put(const char *root, const char *name, const char *text)
{
    auto_free char *path = mem_printf("%s/%s", root, name), *dir = mem_strdup(path);

    *strrchr(dir, '/') = '\0';
    ck_assert_int_eq(file_make_dirs(dir, 0755), 0);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static inline int tree_remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static inline void tree_remove(char *root)
{
    nftw(root, tree_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(root);
}
