/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "unit.h"

static char scratch[] = "/tmp/vireo-test-file-XXXXXX";

static int open_scratch(void)
{
    int dir;

    ck_assert_ptr_nonnull(mkdtemp(scratch));
    dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir, 0);
    return dir;
}

static void remove_scratch(void)
{
    auto_free char *command = mem_printf("rm -rf '%s'", scratch);

    ck_assert_int_eq(system(command), 0);
}

START_TEST(replaces)
{
    auto_fd int dir = open_scratch();
    auto_buf struct buf text = {0};
    auto_strv char **names = NULL;
    struct stat status, again;

    umask(077);
    ck_assert_int_eq(file_replace(dir, "a", 0644, "one", 3, NULL), 0);
    ck_assert_int_eq(file_replace(dir, "a", 0644, "two!", 4, &status), 0);
    ck_assert_int_eq(fstatat(dir, "a", &again, 0), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0644);
    ck_assert_uint_eq(status.st_ino, again.st_ino);
    ck_assert_int_eq(status.st_ctim.tv_nsec, again.st_ctim.tv_nsec);
    ck_assert_int_eq(file_read(dir, "a", 100, &text), 0);
    ck_assert_str_eq(buf_text(&text), "two!");
    ck_assert_int_eq(file_replace(dir, "../a", 0600, "", 0, NULL), -EINVAL);
    ck_assert_int_eq(file_list(dir, ".", &names), 0);
    ck_assert_uint_eq(strv_length(names), 1);
    remove_scratch();
}
END_TEST

START_TEST(failed_replace_leaves_the_old)
{
    auto_fd int dir = open_scratch();
    auto_strv char **names = NULL;

    /* a directory can't be replaced by a file: the rename fails, after everything was written */
    ck_assert_int_eq(mkdirat(dir, "a", 0700), 0);
    ck_assert_int_eq(file_replace(dir, "a", 0600, "x", 1, NULL), -EISDIR);
    ck_assert_int_eq(file_list(dir, ".", &names), 0);
    ck_assert_uint_eq(strv_length(names), 1);
    remove_scratch();
}
END_TEST

START_TEST(reads_with_a_limit)
{
    auto_fd int dir = open_scratch();
    auto_buf struct buf text = {0};
    auto_free char *line = NULL;

    ck_assert_int_eq(file_replace_lazy(dir, "a", 0600, "12345\n789", 9), 0);
    ck_assert_int_eq(file_read(dir, "a", 8, &text), -EFBIG);
    buf_reset(&text);
    ck_assert_int_eq(file_read(dir, "a", 9, &text), 0);
    ck_assert_uint_eq(text.length, 9);
    ck_assert_int_eq(file_read_line(dir, "a", &line), 0);
    ck_assert_str_eq(line, "12345");
    ck_assert_int_eq(file_read(dir, "b", 9, &text), -ENOENT);
    ck_assert_int_eq(file_read(dir, ".", 9, &text), -EISDIR);
    ck_assert_int_eq(file_read(AT_FDCWD, "/dev/null", 9, &text), -EINVAL);
    buf_reset(&text);
    ck_assert_int_eq(file_read(AT_FDCWD, "/proc/self/status", 100000, &text), 0);
    ck_assert_uint_gt(text.length, 100);
    ck_assert_int_eq(file_remove(dir, "a"), 0);
    ck_assert_int_eq(file_remove(dir, "a"), -ENOENT);
    remove_scratch();
}
END_TEST

START_TEST(stays_beneath)
{
    auto_fd int dir = open_scratch();
    auto_fd int fd = -1;

    ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
    ck_assert_int_eq(symlinkat("/etc", dir, "link"), 0);
    fd = file_open_beneath(dir, "d/f", O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_open_beneath(dir, "link/passwd", O_RDONLY, 0), -ELOOP);
    ck_assert_int_eq(file_open_beneath(dir, "link", O_RDONLY, 0), -ELOOP);
    ck_assert_int_eq(file_open_beneath(dir, "d/../../x", O_RDONLY, 0), -EXDEV);
    ck_assert_int_eq(file_open_beneath(dir, "/etc/passwd", O_RDONLY, 0), -EXDEV);
    ck_assert_int_eq(file_open_beneath(dir, "d/none", O_RDONLY, 0), -ENOENT);
    remove_scratch();
}
END_TEST

START_TEST(makes_directories_with_their_mode)
{
    auto_fd int dir = open_scratch();
    auto_free char *deep = mem_printf("%s/a/b/c", scratch), *file = mem_printf("%s/f", scratch);
    struct stat status;

    umask(077);
    ck_assert_int_eq(file_make_dirs(deep, 0755), 0);
    ck_assert_int_eq(file_make_dirs(deep, 0700), 0);
    for (const char *path = "a\0a/b\0a/b/c\0"; *path; path += strlen(path) + 1) {
        ck_assert_int_eq(fstatat(dir, path, &status, 0), 0);
        ck_assert_uint_eq(status.st_mode & 07777, 0755);
    }
    ck_assert_int_eq(file_make_dir_owned(deep, 0711, getuid(), (gid_t)-1), 0);
    ck_assert_int_eq(fstatat(dir, "a/b/c", &status, 0), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0711);
    ck_assert_int_eq(file_replace_lazy(dir, "f", 0600, "", 0), 0);
    ck_assert_int_eq(file_make_dirs(file, 0700), -ENOTDIR);
    ck_assert_int_eq(file_make_dirs("/", 0700), 0);
    remove_scratch();
}
END_TEST

/* A directory that somebody else was faster with: nothing happens to what it points at. */
START_TEST(links_in_place_of_directories)
{
    auto_fd int dir = open_scratch();
    auto_free char *precious = mem_printf("%s/precious", scratch), *link = mem_printf("%s/link", scratch);
    auto_fd int inside = -1;
    struct stat status;

    ck_assert_int_eq(file_make_dirs(precious, 0700), 0);
    ck_assert_int_eq(symlinkat("precious", dir, "link"), 0);
    inside = openat(dir, "precious", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(file_replace_lazy(inside, "file", 0600, "", 0), 0);
    ck_assert_int_lt(file_make_dir_given(link, 0711, getuid(), (gid_t)-1), 0);
    ck_assert_int_lt(file_remove_dir(link), 0);
    ck_assert_int_eq(fstatat(dir, "precious", &status, 0), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0700);
    ck_assert_int_eq(fstatat(dir, "precious/file", &status, 0), 0);
    ck_assert_int_eq(file_make_dir_given(precious, 0711, getuid(), (gid_t)-1), 0);
    ck_assert_int_eq(file_remove_dir(precious), 0);
    ck_assert_int_eq(unlinkat(dir, "link", 0), 0);
    remove_scratch();
}
END_TEST

START_TEST(names)
{
    char name[258];

    memset(name, 'a', sizeof(name));
    name[256] = '\0';
    ck_assert(!file_name_valid(name));
    name[255] = '\0';
    ck_assert(file_name_valid(name));
    ck_assert(file_name_valid("a b.c") && file_name_valid("..."));
    ck_assert(!file_name_valid("") && !file_name_valid(NULL) && !file_name_valid(".") &&
              !file_name_valid(".."));
    ck_assert(!file_name_valid("a/b") && !file_name_valid("a\nb"));
}
END_TEST

/* A writer that is killed at any moment leaves one of the two contents, whole. */
START_TEST(survives_kill)
{
    enum { SIZE = 20000, ROUNDS = 60 };
    static char content[2][SIZE];
    auto_fd int dir = open_scratch();

    memset(content[0], 'a', SIZE);
    memset(content[1], 'b', SIZE);
    ck_assert_int_eq(file_replace(dir, "f", 0600, content[0], SIZE, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        auto_buf struct buf text = {0};
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (!child)
            for (int i = 0;; i++)
                file_replace(dir, "f", 0600, content[i % 2], SIZE, NULL);
        usleep((useconds_t)(round * 97 % 3000));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        ck_assert_int_eq(file_read(dir, "f", SIZE, &text), 0);
        ck_assert_uint_eq(text.length, SIZE);
        ck_assert(!memcmp(text.data, content[0], SIZE) || !memcmp(text.data, content[1], SIZE));
    }
    remove_scratch();
}
END_TEST

UNIT_MAIN("file", replaces, failed_replace_leaves_the_old, reads_with_a_limit, stays_beneath,
          makes_directories_with_their_mode, links_in_place_of_directories, names, survives_kill)
