/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device: fragments, lists by element, and what headers of images say about the next image. */
#include "model/domain/fragment.h"
#include "virtqemud/dev/image-header.h"

#include "tests/unit/unit.h"

#define NIC "<interface type='user'><mac address='52:54:00:00:00:01'/><alias name='net0'/></interface>"

START_TEST(fragments)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct fragment nic, found;

    ASSERT_OK(fragment_parse(&arena, NIC, 0, &nic, &err), &err);
    ck_assert_str_eq(nic.element, "interface");
    ck_assert_str_eq(nic.info->alias, "net0");
    ck_assert_ptr_eq(nic.info, &((struct iface *)nic.device)->info);
    /* a definition has no aliases but the user's own */
    ASSERT_OK(fragment_parse(&arena, NIC, XT_PARSE_INACTIVE, &found, &err), &err);
    ck_assert_ptr_null(found.info->alias);
    ck_assert_int_lt(fragment_parse(&arena, "<nonsense/>", 0, &found, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "unknown device type 'nonsense'");
    ck_assert_int_lt(fragment_parse(&arena, "<disk", 0, &found, &err), 0);
    ASSERT_ERR(&err, ERR_XML_DETAIL, "(device_definition):1");
}
END_TEST

START_TEST(lists)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct devices devices = {0};
    struct fragment first, second, found;
    size_t count;

    ASSERT_OK(fragment_parse(&arena, NIC, 0, &first, &err), &err);
    ASSERT_OK(
        fragment_parse(&arena, "<interface type='user'><alias name='net1'/></interface>", 0, &second, &err),
        &err);
    devices_add(&devices, &arena, "interface", second.device);
    devices_insert(&devices, &arena, "interface", first.device, 0);
    ck_assert_ptr_eq(devices.ifaces[0], first.device);
    ck_assert_ptr_eq(devices_list(&devices, "interface", &count)[1], second.device);
    ck_assert_uint_eq(count, 2);
    ck_assert(devices_by_alias(&devices, "net1", &found) && found.device == second.device);
    ck_assert(!devices_by_alias(&devices, "net2", &found));
    devices_remove(&devices, "interface", first.device);
    ck_assert_uint_eq(devices.n_ifaces, 1);
    devices_replace(&devices, "interface", second.device, first.device);
    ck_assert_ptr_eq(devices.ifaces[0], first.device);
    /* of some kinds there is one */
    ASSERT_OK(fragment_parse(&arena, "<vsock model='virtio'/>", 0, &found, &err), &err);
    devices_add(&devices, &arena, "vsock", found.device);
    ck_assert_ptr_eq(devices.vsock, found.device);
    devices_remove(&devices, "vsock", found.device);
    ck_assert_ptr_null(devices.vsock);
    ck_assert_ptr_null(devices_list(&devices, "nonsense", &count));
}
END_TEST

enum { HEADER = 128, LENGTH = HEADER + 4 };

/* A qcow2 header with a backing file, "base" of format raw. */
static void make_header(char bytes[LENGTH])
{
    memset(bytes, 0, LENGTH);
    memcpy(bytes, "QFI\xfb\0\0\0\3", 8);        /* version 3 */
    bytes[15] = (char)HEADER;                   /* the name's place */
    bytes[19] = 4;                              /* and length */
    bytes[103] = 104;                           /* of the header: extensions begin */
    memcpy(bytes + 104, "\xe2\x79\x2a\xca", 4); /* the backing image's format */
    bytes[111] = 3;
    memcpy(bytes + 112, "raw", 3);
    memcpy(bytes + HEADER, "base", 4);
}

START_TEST(headers)
{
    auto_arena struct arena arena = {0};
    struct image_header said;
    char header[LENGTH];

    make_header(header);
    ck_assert_int_eq(image_header_parse(&arena, FORMAT_QCOW2, header, sizeof(header), &said), 0);
    ck_assert_str_eq(said.backing, "base");
    ck_assert_int_eq(said.backing_format, FORMAT_RAW);
    ck_assert_ptr_null(said.data_file);
    /* every truncation is noticed or harmless */
    for (size_t length = 0; length < sizeof(header); length++)
        if (image_header_parse(&arena, FORMAT_QCOW2, header, length, &said) == 0)
            ck_assert_ptr_null(said.backing);
    memset(header + 16, 0xff, 4);
    ck_assert_int_lt(image_header_parse(&arena, FORMAT_QCOW2, header, sizeof(header), &said), 0);
    /* a raw image that looks like one says nothing: its guest wrote that */
    ck_assert_int_eq(image_header_parse(&arena, FORMAT_RAW, header, sizeof(header), &said), 0);
    ck_assert_ptr_null(said.backing);
}
END_TEST

UNIT_MAIN("device", fragments, lists, headers)
