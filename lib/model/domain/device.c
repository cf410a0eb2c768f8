/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device: addresses, and the rows that every device has. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/device.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/str.h"

const char *const address_type_names[] = {"none", "pci",        "drive", "virtio-serial", "ccid",
                                          "usb",  "spapr-vio",  "ccw",   "virtio-mmio",   "isa",
                                          "dimm", "unassigned", NULL};
const char *const virtio_model_names[] = {"", "virtio", "virtio-transitional", "virtio-non-transitional",
                                          NULL};

/* ---- scalars ---- */

static int hex_u32(struct xt_parse *parse UNUSED, const char *text, const void *aux UNUSED, void *value)
{
    return str_to_u32_base(text, 0, value);
}

static bool always(const void *value UNUSED)
{
    return true;
}

static void format_hex4(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "0x%04x", *(const uint32_t *)value);
}

static void format_hex2(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "0x%02x", *(const uint32_t *)value);
}

static void format_hex1(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "0x%x", *(const uint32_t *)value);
}

#define HEX_TYPE(name_, format_, given_)                                                                     \
    const struct xt_type xt_##name_ = {.name = "number",                                                     \
                                       .expect = "Expected unsigned integer value",                          \
                                       .size = sizeof(uint32_t),                                             \
                                       .parse = hex_u32,                                                     \
                                       .format = format_,                                                    \
                                       .given = given_}

XT_TYPE(pci_domain, uint32_t);
XT_TYPE(pci_byte, uint32_t);
XT_TYPE(pci_function, uint32_t);
HEX_TYPE(hex4, format_hex4, NULL);
HEX_TYPE(pci_domain, format_hex4, always);
HEX_TYPE(pci_byte, format_hex2, always);
HEX_TYPE(pci_function, format_hex1, always);

static int parse_octal(struct xt_parse *parse UNUSED, const char *text, const void *aux UNUSED, void *value)
{
    struct opt_u32 *octal = value;
    uint32_t number;
    int r = str_to_u32_base(text, 8, &number);
    if (r < 0 || number > 07777)
        return r < 0 ? r : -ERANGE;
    *octal = (struct opt_u32){number, true};
    return 0;
}

static void format_octal(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "%04o", ((const struct opt_u32 *)value)->value);
}

static bool octal_given(const void *value)
{
    return ((const struct opt_u32 *)value)->set;
}

const struct xt_type xt_octal = {.name = "octal mode",
                                 .size = sizeof(struct opt_u32),
                                 .parse = parse_octal,
                                 .format = format_octal,
                                 .given = octal_given};

/* What an s390 boot loader is told: capitals, as on its console. */
static int parse_loadparm(struct xt_parse *parse, const char *text, const void *aux UNUSED, void *value)
{
    size_t length = strlen(text);
    char *capitals = arena_strdup(parse->arena, text);
    bool usual = true;

    for (size_t i = 0; i < length; i++) {
        capitals[i] = (char)toupper((unsigned char)text[i]);
        if (!isalnum((unsigned char)text[i]) && text[i] != '.' && text[i] != ' ')
            usual = false;
    }
    if (length < 1 || length > 8)
        return err_set(parse->err, ERR_INTERNAL_ERROR,
                       "loadparm value '%s' must be between 1 and 8 characters", capitals);
    if (!usual)
        return err_set(parse->err, ERR_INTERNAL_ERROR,
                       "invalid loadparm value '%s', expecting chars in set of [a-zA-Z0-9.] and blank spaces",
                       capitals);
    *(char **)value = capitals;
    return 0;
}

static void format_loadparm(struct buf *text, const void *value, const void *aux)
{
    xt_str.format(text, value, aux);
}

static void copy_loadparm(struct arena *arena, void *to, const void *from)
{
    xt_str.copy(arena, to, from);
}

static bool equal_loadparm(const void *a, const void *b)
{
    return xt_str.equal(a, b);
}

XT_TYPE(loadparm, char *);
const struct xt_type xt_loadparm = {.name = "text",
                                    .size = sizeof(char *),
                                    .parse = parse_loadparm,
                                    .format = format_loadparm,
                                    .equal = equal_loadparm,
                                    .copy = copy_loadparm};

/* ---- addresses ---- */

#define T struct pci_address
XT_DEFINE_ROWS(pci_address_table, "address", NULL,
               XT_ATTR(T, domain, "domain", pci_domain, XT_ALWAYS | XT_ABI),
               XT_ATTR(T, bus, "bus", pci_byte, XT_ALWAYS | XT_ABI),
               XT_ATTR(T, slot, "slot", pci_byte, XT_ALWAYS | XT_ABI),
               XT_ATTR(T, function, "function", pci_function, XT_ALWAYS | XT_ABI));
#undef T

/* One numeric attribute of an address; *ret stays when it isn't there. */
static int address_number(struct xt_parse *parse, const struct xml_node *node, const char *name, uint32_t max,
                          uint32_t *ret)
{
    const char *text = xml_attr(node, name);
    uint32_t number;

    if (!text)
        return 0;
    if (str_to_u32_base(text, 0, &number) < 0 || number > max)
        return xt_error_attr(parse, node, name, text, &xt_u32);
    *ret = number;
    return 0;
}

static int address_number64(struct xt_parse *parse, const struct xml_node *node, const char *name,
                            uint64_t *ret)
{
    const char *text = xml_attr(node, name);

    if (text && str_to_u64_base(text, 0, ret) < 0)
        return xt_error_attr(parse, node, name, text, &xt_hex64);
    return 0;
}

static int pci_address_check(const struct pci_address *pci, struct err *err)
{
    if (pci->bus > 0xff)
        return err_set_from(err, ERR_FROM_NONE, ERR_XML_ERROR,
                            "Invalid PCI address bus='0x%x', must be <= 0xFF", pci->bus);
    if (pci->slot > 0x1f)
        return err_set_from(err, ERR_FROM_NONE, ERR_XML_ERROR,
                            "Invalid PCI address slot='0x%x', must be <= 0x1F", pci->slot);
    if (pci->function > 7)
        return err_set_from(err, ERR_FROM_NONE, ERR_XML_ERROR,
                            "Invalid PCI address function=0x%x, must be <= 7", pci->function);
    return 0;
}

static int pci_address_parse(struct xt_parse *parse, struct xml_node *node, struct pci_address *pci)
{
    const char *multi = xml_attr(node, "multifunction");
    struct xml_node *zpci = xml_child(node, "zpci");

    pci->placed = xml_attr(node, "domain") || xml_attr(node, "bus") || xml_attr(node, "slot") ||
                  xml_attr(node, "function");
    if (address_number(parse, node, "domain", UINT32_MAX, &pci->domain) < 0 ||
        address_number(parse, node, "bus", UINT32_MAX, &pci->bus) < 0 ||
        address_number(parse, node, "slot", UINT32_MAX, &pci->slot) < 0 ||
        address_number(parse, node, "function", UINT32_MAX, &pci->function) < 0 ||
        pci_address_check(pci, parse->err) < 0)
        return -1;
    if (multi) {
        if (!str_eq(multi, "on") && !str_eq(multi, "off"))
            return xt_error_attr(parse, node, "multifunction", multi, &xt_onoff);
        pci->multifunction = tri(str_eq(multi, "on"));
    }
    /* 0:0:0 is the host bridge: nobody means it, so it is a wish for any place */
    if (!pci->domain && !pci->bus && !pci->slot)
        pci->placed = false;
    if (zpci) {
        zpci->used = true;
        pci->has_zpci = true;
        if (address_number(parse, zpci, "uid", 0xffff, &pci->zpci_uid) < 0 ||
            address_number(parse, zpci, "fid", 0xffffffff, &pci->zpci_fid) < 0)
            return -1;
    }
    return 0;
}

static int usb_address_parse(struct xt_parse *parse, const struct xml_node *node, struct usb_address *usb)
{
    const char *port = xml_attr(node, "port");

    if (port) {
        if (!*port || !str_only(port, "0123456789.") || *port == '.' || str_ends(port, "."))
            return xt_error(parse, node, "Cannot parse <address> 'port' attribute");
        usb->port = arena_strdup(parse->arena, port);
    }
    return address_number(parse, node, "bus", UINT32_MAX, &usb->bus);
}

static int address_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    struct device_address *address = object;
    const char *type = xml_attr(node, "type");

    if (!type)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "No type specified for device address");
    for (int i = 1; address_type_names[i]; i++)
        if (str_eq(type, address_type_names[i]))
            address->type = i;
    switch (address->type) {
    case ADDRESS_PCI:
        return pci_address_parse(parse, node, &address->pci);
    case ADDRESS_DRIVE:
        if (address_number(parse, node, "controller", UINT32_MAX, &address->drive.controller) < 0 ||
            address_number(parse, node, "bus", UINT32_MAX, &address->drive.bus) < 0 ||
            address_number(parse, node, "target", UINT32_MAX, &address->drive.target) < 0)
            return -1;
        return address_number(parse, node, "unit", UINT32_MAX, &address->drive.unit);
    case ADDRESS_VIRTIO_SERIAL:
        if (address_number(parse, node, "controller", UINT32_MAX, &address->serial.controller) < 0 ||
            address_number(parse, node, "bus", UINT32_MAX, &address->serial.bus) < 0)
            return -1;
        address->serial.placed = xml_attr(node, "port");
        return address_number(parse, node, "port", UINT32_MAX, &address->serial.port);
    case ADDRESS_CCID:
        if (address_number(parse, node, "controller", UINT32_MAX, &address->ccid.controller) < 0)
            return -1;
        return address_number(parse, node, "slot", UINT32_MAX, &address->ccid.slot);
    case ADDRESS_USB:
        return usb_address_parse(parse, node, &address->usb);
    case ADDRESS_SPAPR_VIO:
        address->spapr_reg.set = xml_attr(node, "reg");
        return address_number64(parse, node, "reg", &address->spapr_reg.value);
    case ADDRESS_CCW:
        address->ccw.placed = xml_attr(node, "cssid");
        if (address_number(parse, node, "cssid", 0xfe, &address->ccw.cssid) < 0 ||
            address_number(parse, node, "ssid", 3, &address->ccw.ssid) < 0)
            return -1;
        return address_number(parse, node, "devno", 0xffff, &address->ccw.devno);
    case ADDRESS_ISA:
        if (address_number(parse, node, "iobase", UINT32_MAX, &address->isa.iobase) < 0)
            return -1;
        return address_number(parse, node, "irq", UINT32_MAX, &address->isa.irq);
    case ADDRESS_DIMM:
        if (address_number(parse, node, "slot", UINT32_MAX, &address->dimm.slot) < 0)
            return -1;
        return address_number64(parse, node, "base", &address->dimm.base);
    case ADDRESS_VIRTIO_MMIO:
    case ADDRESS_UNASSIGNED:
        return 0;
    case ADDRESS_NONE:
    case ADDRESS_TYPE_MAX:
        break;
    }
    return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "unknown address type '%s'", type);
}

static void pci_address_format(struct buf *text, const struct pci_address *pci)
{
    if (pci->placed)
        buf_printf(text, " domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'", pci->domain, pci->bus,
                   pci->slot, pci->function);
    if (pci->multifunction)
        buf_printf(text, " multifunction='%s'", pci->multifunction == TRI_YES ? "on" : "off");
}

static void address_text(struct buf *text, const struct device_address *address)
{
    switch (address->type) {
    case ADDRESS_PCI:
        pci_address_format(text, &address->pci);
        break;
    case ADDRESS_DRIVE:
        buf_printf(text, " controller='%u' bus='%u' target='%u' unit='%u'", address->drive.controller,
                   address->drive.bus, address->drive.target, address->drive.unit);
        break;
    case ADDRESS_VIRTIO_SERIAL:
        buf_printf(text, " controller='%u' bus='%u' port='%u'", address->serial.controller,
                   address->serial.bus, address->serial.port);
        break;
    case ADDRESS_CCID:
        buf_printf(text, " controller='%u' slot='%u'", address->ccid.controller, address->ccid.slot);
        break;
    case ADDRESS_USB:
        buf_printf(text, " bus='%u'", address->usb.bus);
        if (address->usb.port)
            buf_printf(text, " port='%s'", address->usb.port);
        break;
    case ADDRESS_SPAPR_VIO:
        if (address->spapr_reg.set)
            buf_printf(text, " reg='0x%08" PRIx64 "'", address->spapr_reg.value);
        break;
    case ADDRESS_CCW:
        buf_printf(text, " cssid='0x%x' ssid='0x%x' devno='0x%04x'", address->ccw.cssid, address->ccw.ssid,
                   address->ccw.devno);
        break;
    case ADDRESS_ISA:
        if (address->isa.iobase)
            buf_printf(text, " iobase='0x%x'", address->isa.iobase);
        if (address->isa.irq)
            buf_printf(text, " irq='0x%x'", address->isa.irq);
        break;
    case ADDRESS_DIMM:
        buf_printf(text, " slot='%u'", address->dimm.slot);
        if (address->dimm.base)
            buf_printf(text, " base='0x%" PRIx64 "'", address->dimm.base);
        break;
    case ADDRESS_NONE:
    case ADDRESS_VIRTIO_MMIO:
    case ADDRESS_UNASSIGNED:
    case ADDRESS_TYPE_MAX:
        break;
    }
}

static void address_format(struct xt_format *format, const void *object)
{
    const struct device_address *address = object;
    auto_buf struct buf text = {0};

    if (!address->type)
        return;
    address_text(&text, address);
    if (address->type == ADDRESS_PCI && address->pci.has_zpci) {
        xt_format_line(format, "<address type='pci'%s>", buf_text(&text));
        xt_format_line(format, "  <zpci uid='0x%04x' fid='0x%08x'/>", address->pci.zpci_uid,
                       address->pci.zpci_fid);
        xt_format_line(format, "</address>");
        return;
    }
    xt_format_line(format, "<address type='%s'%s/>", address_type_names[address->type], buf_text(&text));
}

static void address_copy(struct arena *arena, void *to, const void *from)
{
    const struct device_address *source = from;
    struct device_address *target = to;

    *target = *source;
    if (source->type == ADDRESS_USB)
        target->usb.port = arena_strdup(arena, source->usb.port);
}

static int address_compare(const void *source, const void *target, struct err *err)
{
    auto_buf struct buf a = {0}, b = {0};

    address_text(&a, source);
    address_text(&b, target);
    if (((const struct device_address *)source)->type != ((const struct device_address *)target)->type ||
        !str_eq(buf_text(&a), buf_text(&b)))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Target device address%s does not match source%s",
                       buf_text(&b), buf_text(&a));
    return 0;
}

static const struct xt_hook address_hook = {
    .parse = address_parse,
    .format = address_format,
    .copy = address_copy,
    .compare = address_compare,
    .known =
        (const char *const[]){"@type",       "@domain",   "@bus",    "@slot", "@function", "@multifunction",
                              "@controller", "@target",   "@unit",   "@port", "@reg",      "@cssid",
                              "@ssid",       "@devno",    "@iobase", "@irq",  "@base",     "zpci",
                              "zpci/@uid",   "zpci/@fid", NULL},
};

/* ---- the rest ---- */

bool device_alias_is_user(const char *alias)
{
    return str_after(alias, "ua-");
}

static int alias_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    const char *name = xml_attr(node, "name");

    /* an inactive machine keeps only names that its user chose */
    if (name && (!(parse->flags & XT_PARSE_INACTIVE) || device_alias_is_user(name)))
        *(char **)object = arena_strdup(parse->arena, name);
    return 0;
}

static void alias_format(struct xt_format *format, const void *object)
{
    const char *alias = *(char *const *)object;
    auto_buf struct buf text = {0};

    if (!alias || (format->flags & XT_FORMAT_INACTIVE && !device_alias_is_user(alias)))
        return;
    buf_add_xml(&text, alias);
    xt_format_line(format, "<alias name='%s'/>", buf_text(&text));
}

static void alias_copy(struct arena *arena, void *to, const void *from)
{
    *(char **)to = arena_strdup(arena, *(char *const *)from);
}

static const struct xt_hook alias_hook = {.parse = alias_parse,
                                          .format = alias_format,
                                          .copy = alias_copy,
                                          .known = (const char *const[]){"@name", NULL}};

/* clang-format off */
#define T struct device_info
XT_DEFINE_ROWS(device_info_table, "info", NULL,
    XT_PLACE(T, place, NULL),
    XT_GROUP("boot", 0,
        XT_ATTR(T, boot_order, "order", count, 0),
        XT_ATTR(T, loadparm, "loadparm", loadparm, 0)),
    XT_HOOK(T, alias, "alias", alias_hook, 0),
    XT_GROUP("master", 0,
        XT_ATTR(T, master_port, "startport", opt_u32, XT_ABI)),
    XT_GROUP("rom", 0,
        XT_ATTR(T, rom.enabled, "enabled", yesno, 0),
        XT_ATTR(T, rom.bar, "bar", onoff, 0),
        XT_ATTR(T, rom.file, "file", str, 0)),
    XT_GROUP("acpi", 0,
        XT_ATTR(T, acpi_index, "index", u32, XT_ABI),
        XT_ATTR(T, acpi_nodes, "nodeset", bitmap, XT_ABI)),
    XT_HOOK(T, address, "address", address_hook, XT_ABI));
#undef T

#define T struct virtio_options
XT_DEFINE_ROWS(virtio_options_table, "driver", NULL,
    XT_ATTR(T, iommu, "iommu", onoff, XT_ABI),
    XT_ATTR(T, ats, "ats", onoff, XT_ABI),
    XT_ATTR(T, packed, "packed", onoff, XT_ABI),
    XT_ATTR(T, page_per_vq, "page_per_vq", onoff, XT_ABI));
#undef T

/* clang-format off */
XT_DECLARE(iothread_queue_table, struct iothread_queue);
#define T struct iothread_queue
XT_DEFINE(iothread_queue_table, "queue", NULL,
    XT_ATTR(T, id, "id", u32, XT_ALWAYS));
#undef T

XT_DECLARE(iothread_map_table, struct iothread_map);
#define T struct iothread_map
XT_DEFINE(iothread_map_table, "iothread", NULL,
    XT_ATTR(T, id, "id", u32, XT_REQUIRED),
    XT_LIST(T, queues, n_queues, "queue", iothread_queue_table, 0));
#undef T
/* clang-format on */
