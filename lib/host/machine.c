/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/machine.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "base/uuid.h"
#include "host/sysfs.h"

char *host_name_short(void)
{
    struct utsname name;

    uname(&name);
    return mem_strdup(name.nodename);
}

char *host_name_full(void)
{
    char *name = host_name_short();
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC}, *found;

    /* a name with a dot is full; "localhost" says nothing whatever the resolver makes of it */
    if (strchr(name, '.') || str_after(name, "localhost") || getaddrinfo(name, NULL, &hints, &found))
        return name;
    if (!str_empty(found->ai_canonname) && !str_after(found->ai_canonname, "localhost")) {
        free(name);
        name = mem_strdup(found->ai_canonname);
    }
    freeaddrinfo(found);
    return name;
}

static bool uuid_from(const char *text, uint8_t ret[16])
{
    return text && uuid_parse(text, ret) == 0 && uuid_valid(ret);
}

int host_uuid(const char *root, const char *configured, const char *source, uint8_t ret[16])
{
    char text[64];

    if (uuid_from(configured, ret))
        return 0;
    if (!str_eq(source, "machine-id") &&
        sysfs_read(text, sizeof(text), root, "/sys/devices/virtual/dmi/id/product_uuid") > 0 &&
        uuid_from(text, ret))
        return 0;
    if (sysfs_read(text, sizeof(text), root, "/etc/machine-id") > 0 && uuid_from(text, ret))
        return 0;
    return -ENODATA;
}

int host_boot_id(const char *root, char ret[37])
{
    ssize_t n = sysfs_read(ret, 37, root, "/proc/sys/kernel/random/boot_id");

    return n < 0 ? (int)n : 0;
}

/* What sysfs shows of SMBIOS: one element of <sysinfo> after the other. */
static const struct {
    const char *group, *name, *file;
} dmi_rows[] = {
    {"bios", "vendor", "bios_vendor"},
    {"bios", "version", "bios_version"},
    {"bios", "date", "bios_date"},
    {"bios", "release", "bios_release"},
    {"system", "manufacturer", "sys_vendor"},
    {"system", "product", "product_name"},
    {"system", "version", "product_version"},
    {"system", "serial", "product_serial"},
    {"system", "uuid", "product_uuid"},
    {"system", "sku", "product_sku"},
    {"system", "family", "product_family"},
    {"baseBoard", "manufacturer", "board_vendor"},
    {"baseBoard", "product", "board_name"},
    {"baseBoard", "version", "board_version"},
    {"baseBoard", "serial", "board_serial"},
    {"baseBoard", "asset", "board_asset_tag"},
    {"chassis", "manufacturer", "chassis_vendor"},
    {"chassis", "version", "chassis_version"},
    {"chassis", "serial", "chassis_serial"},
    {"chassis", "asset", "chassis_asset_tag"},
};

int host_sysinfo(const char *root, struct buf *xml)
{
    const char *group = NULL;
    char text[256];

    if (!sysfs_exists(root, "/sys/devices/virtual/dmi/id"))
        return -ENOENT;
    buf_add_string(xml, "<sysinfo type='smbios'>\n");
    for (size_t i = 0; i < ARRAY_SIZE(dmi_rows); i++) {
        if (sysfs_read(text, sizeof(text), root, "/sys/devices/virtual/dmi/id/%s", dmi_rows[i].file) <= 0 ||
            !*str_trim(text))
            continue;
        if (group && !str_eq(group, dmi_rows[i].group))
            buf_printf(xml, "  </%s>\n", group);
        if (!str_eq(group, dmi_rows[i].group))
            buf_printf(xml, "  <%s>\n", dmi_rows[i].group);
        group = dmi_rows[i].group;
        buf_printf(xml, "    <entry name='%s'>", dmi_rows[i].name);
        buf_add_xml(xml, str_trim(text));
        buf_add_string(xml, "</entry>\n");
    }
    if (group)
        buf_printf(xml, "  </%s>\n", group);
    buf_add_string(xml, "</sysinfo>\n");
    return 0;
}
