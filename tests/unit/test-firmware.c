/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Firmware descriptors: precedence, masking, what is understood and what is skipped. */
#include "unit.h"

#include "base/str.h"
#include "tree.h"
#include "virtqemud/firmware.h"

#define DESCRIPTOR(features, arch, machines, mapping)                                                        \
    "{\"interface-types\": [\"uefi\"], \"features\": [" features "], \"tags\": [], \"mapping\": " mapping    \
    ","                                                                                                      \
    " \"targets\": [{\"architecture\": \"" arch "\", \"machines\": [" machines "]}]}"
#define FLASH(path)                                                                                          \
    "{\"device\": \"flash\", \"executable\": {\"filename\": \"" path "\", \"format\": \"raw\"},"             \
    " \"nvram-template\": {\"filename\": \"/vars\", \"format\": \"raw\"}}"

static void read_from(struct arena *arena, const char *root, struct firmwares *ret)
{
    const char *dirs[] = {arena_printf(arena, "%s/etc", root), arena_printf(arena, "%s/usr", root),
                          arena_printf(arena, "%s/nowhere", root), NULL};

    firmwares_read(arena, dirs, ret);
}

START_TEST(precedence)
{
    auto_arena struct arena arena = {0};
    char *root = tree_make();
    struct firmwares found;

    tree_put(root, "usr/50-b.json",
             DESCRIPTOR("\"secure-boot\", \"requires-smm\", \"from-the-future\"", "x86_64", "\"pc-q35-*\"",
                        FLASH("/b")));
    tree_put(root, "usr/60-c.json", DESCRIPTOR("", "x86_64", "\"pc-i440fx-*\", \"pc-q35-*\"", FLASH("/c")));
    tree_put(root, "usr/70-d.json", DESCRIPTOR("", "i386", "\"pc\"", FLASH("/d")));
    tree_put(root, "usr/README", "no descriptor");
    read_from(&arena, root, &found);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_str_eq(found.list[0].path, "/b");
    ck_assert_uint_eq(found.list[0].features, 1u << FW_SECURE | 1u << FW_REQUIRES_SMM);
    ck_assert(firmware_fits(&found.list[0], "x86_64", "pc-q35-7.2") &&
              !firmware_fits(&found.list[0], "x86_64", "pc-i440fx-7.2"));
    ck_assert(!firmware_fits(&found.list[0], "i686", "pc-q35-7.2") &&
              firmware_fits(&found.list[2], "i686", "pc"));

    tree_put(root, "etc/60-c.json",
             DESCRIPTOR("", "x86_64", "\"*\"", FLASH("/mine"))); /* instead of the package's */
    tree_put(root, "etc/50-b.json", "");                         /* switched off */
    tree_put(root, "etc/10-a.json", DESCRIPTOR("", "x86_64", "\"*\"", FLASH("/first")));
    read_from(&arena, root, &found);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_str_eq(found.list[0].path, "/first");
    ck_assert_str_eq(found.list[1].path, "/mine");
    ck_assert_str_eq(found.list[2].path, "/d");
    tree_remove(root);
}
END_TEST

START_TEST(skipped)
{
    static const char *const bad[] = {
        "{",
        "[]",
        "{}",
        "null",
        DESCRIPTOR("", "x86_64", "", FLASH("/no-machines")),
        DESCRIPTOR("", "x86_64", "\"*\"", "{\"device\": \"punchcard\", \"filename\": \"/x\"}"),
        DESCRIPTOR("", "x86_64", "\"*\"",
                   "{\"device\": \"flash\", \"mode\": \"new\", \"executable\": {\"filename\": \"/x\"}}"),
        DESCRIPTOR("", "x86_64", "\"*\"",
                   "{\"device\": \"flash\", \"executable\": {\"filename\": \"/no-template\"}}"),
        DESCRIPTOR("", "x86_64", "\"*\"", "{\"device\": \"memory\"}"),
        DESCRIPTOR("", "x86_64", "\"*\"", "7"),
    };
    auto_arena struct arena arena = {0};
    char *root = tree_make();
    struct firmwares found;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        tree_put(root, "usr/a.json", bad[i]);
        read_from(&arena, root, &found);
        ck_assert_msg(found.count == 0, "%s", bad[i]);
    }
    tree_put(root, "usr/a.json",
             DESCRIPTOR(
                 "", "x86_64", "\"*\"",
                 "{\"device\": \"flash\", \"mode\": \"stateless\", \"executable\": {\"filename\": \"/x\"}}"));
    tree_put(root, "usr/b.json",
             DESCRIPTOR("", "x86_64", "\"*\"", "{\"device\": \"memory\", \"filename\": \"/rom\"}"));
    read_from(&arena, root, &found);
    ck_assert_uint_eq(found.count, 2);
    ck_assert(found.list[0].mode == FW_STATELESS && !found.list[0].vars &&
              str_eq(found.list[0].format, "raw"));
    ck_assert(found.list[1].device == FW_MEMORY && str_eq(found.list[1].path, "/rom"));
    tree_remove(root);
}
END_TEST

UNIT_MAIN("firmware", precedence, skipped)
