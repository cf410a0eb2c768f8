/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learn: what QEMU decides itself and the live definition shows (ptys, addresses of memory, states of
 * channels), and what is set through the monitor alone. Each question is only asked where a device makes it
 * necessary.
 */
#define ERR_FROM ERR_FROM_QEMU

#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "loop/fiber.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/json.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"

#define QMP_USEC SECONDS(30)

/* ---- character devices ---- */

/* QEMU says which pty it got for which backend: "char" + alias. Of another backend it says nothing that
 * counts. */
static void learn_pty(struct build *build, const char *label, const char *filename)
{
    struct devices *devices = &build->domain->devices;
    const char *alias = str_after(label, "char"), *path = str_after(filename, "pty:");

    if (!alias || !path)
        return;
#define LEARN(list)                                                                                          \
    for (size_t i = 0; i < devices->n_##list; i++)                                                           \
        if (str_eq(devices->list[i]->info.alias, alias) && devices->list[i]->source.type == CHARDEV_PTY)     \
    devices->list[i]->source.path = arena_strdup(build->arena, path)
    LEARN(serials);
    LEARN(parallels);
    LEARN(channels);
    LEARN(consoles);
    LEARN(redirdevs);
    LEARN(smartcards);
    for (size_t i = 0; i < devices->n_consoles; i++)
        if (str_eq(devices->consoles[i]->info.alias, alias) &&
            devices->consoles[i]->source.type == CHARDEV_PTY)
            devices->consoles[i]->tty = devices->consoles[i]->source.path;
#undef LEARN
}

/* Has the guest opened its end? */
static void learn_channel(struct build *build, const char *label, bool open)
{
    const struct devices *devices = &build->domain->devices;
    const char *alias = str_after(label, "char");

    for (size_t i = 0; alias && i < devices->n_channels; i++)
        if (devices->channels[i]->target == CHARTARGET_VIRTIO &&
            str_eq(devices->channels[i]->info.alias, alias))
            devices->channels[i]->state = (char *)(open ? "connected" : "disconnected");
}

static bool any_pty(struct chardev *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->source.type == CHARDEV_PTY)
            return true;
    return false;
}

static bool must_ask(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_channels; i++)
        if (devices->channels[i]->target == CHARTARGET_VIRTIO)
            return true;
    return any_pty(devices->serials, devices->n_serials) ||
           any_pty(devices->parallels, devices->n_parallels) ||
           any_pty(devices->channels, devices->n_channels) || any_pty(devices->consoles, devices->n_consoles);
}

int learn_chardevs(struct req *rq, struct build *build, struct qmp *qmp)
{
    auto_json struct json_object *list = NULL;

    if (!must_ask(&build->domain->devices))
        return 0;
    if (qmp_call(rq, qmp, "query-chardev", NULL, &list, QMP_USEC) < 0)
        return -1;
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        const char *label = json_string(entry, "label");

        learn_pty(build, label, json_string(entry, "filename"));
        learn_channel(build, label, json_flag(entry, "frontend-open", false));
    }
    devices_sync_console(&build->domain->devices, build->arena);
    return 0;
}

/* ---- memory ---- */

static struct memdev *memdev_by_alias(const struct devices *devices, const char *alias)
{
    for (size_t i = 0; i < devices->n_memdevs; i++)
        if (str_eq(devices->memdevs[i]->info.alias, alias))
            return devices->memdevs[i];
    return NULL;
}

/* Where the module sits, and how much of it the guest has. */
static void learn_memdev(struct memdev *memory, struct json_object *data)
{
    switch (memory->model) {
    case MEMDEV_DIMM:
    case MEMDEV_NVDIMM:
        memory->info.address.type = ADDRESS_DIMM;
        memory->info.address.dimm.slot = (uint32_t)json_uint(data, "slot", 0);
        memory->info.address.dimm.base = json_uint(data, "addr", 0);
        break;
    case MEMDEV_VIRTIO_MEM:
        memory->current = (struct opt_u64){json_uint(data, "size", 0) / 1024, true};
        /* fall through */
    case MEMDEV_VIRTIO_PMEM:
        memory->target_base = (struct opt_u64){json_uint(data, "memaddr", 0), true};
        break;
    default:
        break;
    }
}

int learn_memory(struct req *rq, struct build *build, struct qmp *qmp)
{
    const struct devices *devices = &build->domain->devices;
    auto_json struct json_object *list = NULL;

    if (!devices->n_memdevs)
        return 0;
    if (qmp_call(rq, qmp, "query-memory-devices", NULL, &list, QMP_USEC) < 0)
        return -1;
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_object *data = json_get(json_object_array_get_idx(list, i), "data");
        struct memdev *memory = memdev_by_alias(devices, json_string(data, "id"));

        if (memory)
            learn_memdev(memory, data);
    }
    return 0;
}

/* ---- what only the monitor sets ---- */

int graphics_set_password(struct req *rq, struct qmp *qmp, const struct graphics *graphics)
{
    bool vnc = graphics->type == GRAPHICS_VNC;
    const char *protocol = vnc ? "vnc" : "spice";
    const char *password = graphics->passwd ? graphics->passwd
                           : vnc            ? qemud.conf.vnc_password
                                            : qemud.conf.spice_password;
    const char *connected = graphics->connected ? graphics->connected : "keep";
    const char *when = "never";
    struct tm tm = {0};
    const char *args;

    if ((!vnc && graphics->type != GRAPHICS_SPICE) || !password)
        return 0;
    args = vnc ? json_text(&rq->arena, "{'protocol': %s, 'password': %s}", protocol, password)
               : json_text(&rq->arena, "{'protocol': %s, 'password': %s, 'connected': %s}", protocol,
                           password, connected);
    if (qmp_call(rq, qmp, "set_password", args, NULL, QMP_USEC) < 0)
        return -1;
    if (graphics->passwd_valid_to && strptime(graphics->passwd_valid_to, "%Y-%m-%dT%H:%M:%S", &tm))
        when = arena_printf(&rq->arena, "%lld", (long long)timegm(&tm));
    args = json_text(&rq->arena, "{'protocol': %s, 'time': %s}", protocol, when);
    return qmp_call(rq, qmp, "expire_password", args, NULL, QMP_USEC);
}

/* Limits are set through the monitor at any time, so at the start as well. */
int disk_set_iotune(struct req *rq, struct qmp *qmp, const struct disk *disk)
{
    const struct disk_iotune *tune = disk->iotune;
    const struct {
        const char *name;
        uint64_t value;
        bool always;
    } members[] = {
        {"bps", tune->total_bytes_sec, true},
        {"bps_rd", tune->read_bytes_sec, true},
        {"bps_wr", tune->write_bytes_sec, true},
        {"iops", tune->total_iops_sec, true},
        {"iops_rd", tune->read_iops_sec, true},
        {"iops_wr", tune->write_iops_sec, true},
        {"bps_max", tune->total_bytes_sec_max, false},
        {"bps_rd_max", tune->read_bytes_sec_max, false},
        {"bps_wr_max", tune->write_bytes_sec_max, false},
        {"iops_max", tune->total_iops_sec_max, false},
        {"iops_rd_max", tune->read_iops_sec_max, false},
        {"iops_wr_max", tune->write_iops_sec_max, false},
        {"iops_size", tune->size_iops_sec, false},
        {"bps_max_length", tune->total_bytes_sec_max_length, false},
        {"bps_rd_max_length", tune->read_bytes_sec_max_length, false},
        {"bps_wr_max_length", tune->write_bytes_sec_max_length, false},
        {"iops_max_length", tune->total_iops_sec_max_length, false},
        {"iops_rd_max_length", tune->read_iops_sec_max_length, false},
        {"iops_wr_max_length", tune->write_iops_sec_max_length, false},
    };
    auto_props struct props props = {0};

    disk_qdev(disk, &props);
    props_string(&props, "group", tune->group_name);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (members[i].always || members[i].value)
            props_u64(&props, members[i].name, members[i].value);
    return qmp_call(rq, qmp, "block_set_io_throttle", props_text(&props), NULL, QMP_USEC);
}

int build_started(struct req *rq, struct build *build, struct qmp *qmp)
{
    const struct devices *devices = &build->domain->devices;

    graphics_unlock_ports(build);
    if (learn_cpu(rq, build, qmp) < 0 || learn_chardevs(rq, build, qmp) < 0 ||
        learn_memory(rq, build, qmp) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_graphics; i++)
        if (graphics_set_password(rq, qmp, devices->graphics[i]) < 0)
            return -1;
    for (size_t i = 0; i < devices->n_disks; i++)
        if (devices->disks[i]->iotune && !storage_is_empty(&devices->disks[i]->src) &&
            disk_set_iotune(rq, qmp, devices->disks[i]) < 0)
            return -1;
    return 0;
}
