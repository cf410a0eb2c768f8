/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a daemon is made of: paths, log outputs, pid file, vault for what is secret. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vault.h"
#include "loop/log-output.h"
#include "loop/paths.h"
#include "loop/pid-file.h"
#include "unit.h"

static char dir[] = "/tmp/vireo-test-XXXXXX";

static const char *in_dir(struct arena *arena, const char *name)
{
    static bool made;

    if (!made)
        ck_assert_ptr_nonnull(mkdtemp(dir));
    made = true;
    return arena_printf(arena, "%s/%s", dir, name);
}

START_TEST(paths_of_all_kinds)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct paths paths = {0};

    ASSERT_OK(paths_fill(&arena, /* privileged= */ true, NULL, &paths, &err), &err);
    ck_assert_str_eq(paths.run, "/run/libvirt");
    ck_assert_str_eq(paths.pid, "/run");
    ASSERT_OK(paths_fill(&arena, true, "/srv/a", &paths, &err), &err);
    ck_assert_str_eq(paths.etc, "/srv/a/etc");
    ck_assert_str_eq(paths.pid, "/srv/a/run");
    ck_assert_int_lt(paths_fill(&arena, true, "srv", &paths, &err), 0);
    ASSERT_ERR(&err, ERR_INVALID_ARG, "'srv'");

    setenv("HOME", "/home/ann", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    unsetenv("XDG_CACHE_HOME");
    ASSERT_OK(paths_fill(&arena, false, NULL, &paths, &err), &err);
    ck_assert_str_eq(paths.etc, "/home/ann/.config/libvirt");
    ck_assert_str_eq(paths.run, "/run/user/1/libvirt");
    ck_assert_str_eq(paths.cache, "/home/ann/.cache/libvirt");
    unsetenv("XDG_RUNTIME_DIR");
    ASSERT_OK(paths_fill(&arena, false, NULL, &paths, &err), &err);
    ck_assert_str_eq(paths.run, "/home/ann/.cache/libvirt");
}
END_TEST

START_TEST(outputs_take_their_levels)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf all = {0};
    auto_buf struct buf errors = {0};
    auto_free char *text = NULL;
    const char *first = in_dir(&arena, "all.log"), *second = in_dir(&arena, "errors.log");
    const char *outputs = arena_printf(&arena, "1:file:%s 4:file:%s", first, second);

    ASSERT_OK(log_outputs_set(outputs, &err), &err);
    text = log_outputs_get();
    ck_assert_str_eq(text, outputs);
    log_warning("a warning");
    log_error("an error");
    ck_assert_int_eq(file_read(AT_FDCWD, first, 10000, &all), 0);
    ck_assert_int_eq(file_read(AT_FDCWD, second, 10000, &errors), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&all), "a warning\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&all), "an error\n"));
    ck_assert_ptr_null(strstr(buf_text(&errors), "a warning"));
    ck_assert_ptr_nonnull(strstr(buf_text(&errors), "an error\n"));
    ASSERT_OK(log_outputs_set("4:stderr", &err), &err);
}
END_TEST

START_TEST(outputs_refused)
{
    static const char *const bad[] = {
        "stderr",   "0:stderr", "5:stderr",          "1:stderr:x", "1:syslog",     "1:syslog:",
        "1:file:a", "1:file",   "1:file:/no/such/x", "1:stderrx",  "4:stderr 1:x", "1:journal",
        "1:",       "1",        "x:stderr"};
    auto_err struct err err = {0};

    ASSERT_OK(log_outputs_set("4:stderr", &err), &err);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        auto_free char *text = NULL;

        ck_assert_msg(log_outputs_set(bad[i], &err) < 0, "'%s' was taken", bad[i]);
        ck_assert(err_is_set(&err));
        err_clear(&err);
        text = log_outputs_get();
        ck_assert_str_eq(text, "4:stderr");
    }
}
END_TEST

START_TEST(pid_file_is_exclusive)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    const char *path = in_dir(&arena, "d.pid");
    int fd = -1, status;
    char text[16] = "";

    ASSERT_OK(pid_file_lock(path, &fd, &err), &err);
    ck_assert_int_gt(file_exists(path), 0);
    ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
    ck_assert_int_eq(atol(text), getpid());
    /* a record lock is a process's own: only another one can be refused */
    if (fork() == 0) {
        int other = -1;
        int r = pid_file_lock(path, &other, &err);

        _exit(r < 0 && err.code == ERR_OPERATION_FAILED && strstr(err.message, "it runs already") ? 0 : 1);
    }
    ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(status, 0);
    pid_file_release(path, &fd);
    ck_assert_int_eq(fd, -1);
    ck_assert(!file_exists(path));
    ASSERT_OK(pid_file_lock(path, &fd, &err), &err);
    pid_file_release(path, &fd);
}
END_TEST

START_TEST(vault_keeps_and_forgets)
{
    auto_vault struct vault vault = {0};
    struct vault other = {0};

    vault_set(&vault, "secret", 6);
    ck_assert_uint_eq(vault.length, 6);
    ck_assert_mem_eq(vault.data, "secret\0", 7);
    vault_move(&other, &vault);
    ck_assert_ptr_null(vault.data);
    ck_assert_uint_eq(vault.mapped, 0);
    ck_assert_uint_eq(other.length, 6);
    vault_reserve(&other, 100000);
    ck_assert_uint_eq(other.length, 0);
    ck_assert_uint_gt(other.mapped, 100000);
    ck_assert_int_eq(other.data[100000], 0);
    vault_done(&other);
    vault_done(&other);
}
END_TEST

START_TEST(wiping_leaves_nothing)
{
    struct buf buf = {0};
    struct arena arena = {0};
    char *inside;

    mem_wiping = true;
    buf_add_string(&buf, "secret");
    inside = buf.data;
    buf_reset(&buf);
    ck_assert_mem_eq(inside, "\0\0\0\0\0\0", 6);
    buf_done(&buf);
    inside = arena_strdup(&arena, "secret");
    arena_reset(&arena);
    ck_assert_mem_eq(inside, "\0\0\0\0\0\0", 6);
    arena_done(&arena);
    mem_wiping = false;
}
END_TEST

UNIT_MAIN("daemon", paths_of_all_kinds, outputs_take_their_levels, outputs_refused, pid_file_is_exclusive,
          vault_keeps_and_forgets, wiping_leaves_nothing)
