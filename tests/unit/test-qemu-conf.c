/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu.conf: what is wrong in it changes nothing, least of all whom QEMU runs as. */
#include "virtqemud/conf.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/unit/unit.h"

/* Read such a file over settings that are there. */
static int reread(struct arena *arena, const char *text, struct qemu_conf *conf, struct err *err)
{
    char path[] = "/tmp/test-qemu-conf-XXXXXX";
    auto_fd int fd = mkstemp(path);
    int r;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
    *conf = (struct qemu_conf){.user = 1234, .group = 1234, .max_files = 7};
    r = qemu_conf_read(arena, path, /* privileged= */ true, conf, err);
    unlink(path);
    return r;
}

START_TEST(wrong)
{
    static const char *const files[] = {
        "user = \"nobody-of-that-name\"\n",
        "group = \"nobody-of-that-name\"\nuser = \"+5\"\n",
        "user = \"+4294967295\"\n",
        "user = \"4294967295\"\n",
        "user = \"+5\"\nmax_files = \"many\"\n",
        "user = \"+5\"\nseccomp_sandbox = 2\n",
        "user = \"+5\"\nuser = \n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};
        struct qemu_conf conf;

        ck_assert_msg(reread(&arena, files[i], &conf, &err) < 0, "accepted: %s", files[i]);
        ck_assert(err_is_set(&err));
        ck_assert_msg(conf.user == 1234 && conf.group == 1234 && conf.max_files == 7, "changed by: %s",
                      files[i]);
    }
}
END_TEST

/* What a kind of connection doesn't say itself is the default's. */
START_TEST(tls)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct qemu_conf conf;

    ck_assert_int_eq(reread(&arena,
                            "user = \"+5\"\ngroup = \"+6\"\ndefault_tls_x509_cert_dir = \"/d\"\n"
                            "chardev_tls = 1\nchardev_tls_x509_cert_dir = \"/c\"\nvnc_tls_x509_verify = 1\n"
                            "default_tls_priority = \"NORMAL\"\nnbd_tls_priority = \"SECURE256\"\n",
                            &conf, &err),
                     0);
    ck_assert(conf.chardev_tls.on && !conf.vnc_tls.on);
    ck_assert_str_eq(conf.chardev_tls.dir, "/c");
    ck_assert_str_eq(conf.vnc_tls.priority, "NORMAL");
    ck_assert_str_eq(conf.nbd_tls.priority, "SECURE256");
    ck_assert(conf.vnc_tls.verify && conf.chardev_tls.verify);
    ck_assert_int_eq(reread(&arena, "user = \"+5\"\ngroup = \"+6\"\n", &conf, &err), 0);
    ck_assert(!conf.vnc_tls.verify && conf.chardev_tls.verify);
}
END_TEST

START_TEST(right)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct qemu_conf conf;
    int r = reread(&arena, "user = \"+5\"\ngroup = \"+6\"\nunknown_key = 1\n", &conf, &err);

    ck_assert_msg(r == 0, "%s", err.message);
    ck_assert_uint_eq(conf.user, 5);
    ck_assert_uint_eq(conf.group, 6);
    ck_assert_uint_eq(conf.max_files, 0);
}
END_TEST

UNIT_MAIN("qemu-conf", wrong, tls, right)
