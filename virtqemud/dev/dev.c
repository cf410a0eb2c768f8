/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dev: the command line's growth, and what devices have in common. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/dev/dev.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/qemud.h"

/* ---- the command line ---- */

static void add_word(struct build *build, const char *word)
{
    build->argv = arena_grow(build->arena, build->argv, build->count_argv, sizeof(*build->argv));
    build->argv[build->count_argv++] = arena_strdup(build->arena, word);
}

void build_arg(struct build *build, const char *option, const char *value)
{
    add_word(build, option);
    if (value)
        add_word(build, value);
}

void build_argf(struct build *build, const char *option, const char *format, ...)
{
    auto_buf struct buf value = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&value, format, args);
    va_end(args);
    build_arg(build, option, buf_text(&value));
}

void build_json(struct build *build, const char *option, struct props *props)
{
    const char *text = props_text(props);

    build_arg(build, option, str_eq(option, "-device") ? native_override(build, text) : text);
}

int build_pass_fd(struct build *build, int fd)
{
    build->fds = arena_grow(build->arena, build->fds, build->count_fds, sizeof(*build->fds));
    build->fds[build->count_fds++] = fd;
    return fd;
}

const char *build_fd_name(const struct build *build, int fd)
{
    return arena_printf(build->arena, build->plug ? "plug-%d" : "%d", fd);
}

void build_env(struct build *build, const char *name, const char *value)
{
    build->env = arena_grow(build->arena, build->env, build->count_env, sizeof(*build->env));
    build->env[build->count_env++] = arena_printf(build->arena, "%s=%s", name, value ? value : "");
}

void build_terminate(struct build *build)
{
    build->argv = arena_grow(build->arena, build->argv, build->count_argv, sizeof(*build->argv));
    build->argv[build->count_argv] = NULL;
    build->env = arena_grow(build->arena, build->env, build->count_env, sizeof(*build->env));
    build->env[build->count_env] = NULL;
}

void option_value(struct buf *option, const char *value)
{
    for (; *value; value++) {
        if (*value == ',')
            buf_add_char(option, ',');
        buf_add_char(option, *value);
    }
}

void option_add(struct buf *option, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(option, ",%s=", name);
    option_value(option, value);
}

/* ---- addresses ---- */

const char *controller_bus(struct build *build, enum controller_type type, uint32_t index, struct err *err)
{
    const struct controller *controller = devices_controller(&build->domain->devices, type, index);

    if (!controller || !controller->info.alias) {
        err_set(err, ERR_INTERNAL_ERROR, "Could not find %s controller with index %u",
                controller_type_names[type], index);
        return NULL;
    }
    return controller->info.alias;
}

static int pci_props(struct build *build, struct props *props, const struct pci_address *address,
                     struct err *err)
{
    const char *bus;

    if (!address->placed)
        return 0;
    bus = controller_bus(build, CONTROLLER_PCI, address->bus, err);
    if (!bus)
        return -1;
    props_string(props, "bus", bus);
    if (address->multifunction)
        props_bool(props, "multifunction", address->multifunction == TRI_YES);
    if (address->function)
        props_format(props, "addr", "0x%x.0x%x", address->slot, address->function);
    else
        props_format(props, "addr", "0x%x", address->slot);
    return 0;
}

int props_address(struct build *build, struct props *props, const struct device_info *info, struct err *err)
{
    const struct device_address *address = &info->address;
    const char *bus;

    switch (address->type) {
    case ADDRESS_PCI:
        return pci_props(build, props, &address->pci, err);
    case ADDRESS_USB:
        bus = controller_bus(build, CONTROLLER_USB, address->usb.bus, err);
        if (!bus)
            return -1;
        props_format(props, "bus", "%s.0", bus);
        props_string(props, "port", address->usb.port);
        return 0;
    case ADDRESS_VIRTIO_SERIAL:
        bus = controller_bus(build, CONTROLLER_VIRTIO_SERIAL, address->serial.controller, err);
        if (!bus)
            return -1;
        props_format(props, "bus", "%s.%u", bus, address->serial.bus);
        if (address->serial.placed)
            props_u64(props, "nr", address->serial.port);
        return 0;
    case ADDRESS_CCID:
        bus = controller_bus(build, CONTROLLER_CCID, address->ccid.controller, err);
        if (!bus)
            return -1;
        props_format(props, "bus", "%s.0", bus);
        return 0;
    case ADDRESS_ISA:
        props_number(props, "iobase", address->isa.iobase);
        props_number(props, "irq", address->isa.irq);
        return 0;
    case ADDRESS_DIMM:
        props_u64(props, "slot", address->dimm.slot);
        props_number(props, "addr", address->dimm.base);
        return 0;
    default:
        return 0;
    }
}

int props_info(struct build *build, struct props *props, const struct device_info *info, struct err *err)
{
    props_string(props, "id", info->alias);
    if (props_address(build, props, info, err) < 0)
        return -1;
    props_number(props, "acpi-index", info->acpi_index);
    if (info->rom.bar)
        props_u64(props, "rombar", info->rom.bar == TRI_YES);
    if (info->rom.enabled == TRI_NO)
        props_string(props, "romfile", "");
    else
        props_string(props, "romfile", info->rom.file);
    return 0;
}

void props_virtio(struct props *props, const struct virtio_options *virtio)
{
    props_tristate(props, "iommu_platform", virtio->iommu);
    props_tristate(props, "ats", virtio->ats);
    props_tristate(props, "packed", virtio->packed);
    props_tristate(props, "page-per-vq", virtio->page_per_vq);
}

void props_iothreads(struct props *props, struct iothread_map *const *maps, size_t count)
{
    if (!count)
        return;
    props_array(props, "iothread-vq-mapping");
    for (size_t i = 0; i < count; i++) {
        const struct iothread_map *map = maps[i];

        props_object(props, NULL);
        props_format(props, "iothread", "iothread%u", map->id);
        if (map->n_queues) {
            props_array(props, "vqs");
            for (size_t j = 0; j < map->n_queues; j++)
                props_u64(props, NULL, map->queues[j]->id);
            props_end_array(props);
        }
        props_end_object(props);
    }
    props_end_array(props);
}

const char *virtio_driver(struct build *build, const char *name, enum virtio_model model)
{
    switch (model) {
    case VIRTIO_MODEL_TRANSITIONAL:
        return arena_printf(build->arena, "%s-pci-transitional", name);
    case VIRTIO_MODEL_NON_TRANSITIONAL:
        return arena_printf(build->arena, "%s-pci-non-transitional", name);
    default:
        return arena_printf(build->arena, "%s-pci", name);
    }
}

uint32_t build_boot_index(struct build *build, const struct device_info *info, enum boot_device device)
{
    uint32_t order = info->boot_order;

    if (!order) {
        order = build->boot[device];
        build->boot[device] = 0;
    }
    return order;
}

/* ---- sockets ---- */

int build_listen(struct build *build, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd int fd = -1;

    if (strlen(path) >= sizeof(address.sun_path)) {
        err_set(err, ERR_INTERNAL_ERROR, "UNIX socket path '%s' too long", path);
        return -1;
    }
    strcpy(address.sun_path, path);
    unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0) {
        err_system(err, errno, "Unable to listen on '%s'", path);
        return -1;
    }
    if (build->privileged && lchown(path, qemud.conf.user, qemud.conf.group) < 0) {
        err_system(err, errno, "Unable to set the owner of '%s'", path);
        return -1;
    }
    return FD_TAKE(fd);
}
