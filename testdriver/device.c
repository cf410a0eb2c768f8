/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host. New ones are virtual ports of fibre channel hosts. */
#define ERR_FROM ERR_FROM_TEST
#include "model/nodedev.h"

#include "testdriver/event.h"
#include "testdriver/world.h"

struct device {
    struct thing thing;
    struct arena arena;
    struct nodedev_def *def;
};

enum { ALL_FILTERS = 0x3fffff, FIRST_VPORT = 12 };

static void device_free(struct device *device)
{
    list_remove(&device->thing.link);
    arena_done(&device->arena);
    free(device);
}

void devices_free(struct world *world)
{
    struct device *device;

    LIST_FOREACH(&world->devices, device, thing.link)
        device_free(device);
}

static struct device *device_new(const char *xml, bool create, unsigned flags, struct err *err)
{
    struct device *device = NEW(struct device);

    list_init(&device->thing.link);
    device->def = nodedev_parse(&device->arena, xml, create, flags, err);
    if (device->def)
        device->def->driver = NULL; /* a fact of a host, not read */
    if (!device->def) {
        device_free(device);
        return NULL;
    }
    device->thing.name = device->def->name;
    device->thing.active = true;
    return device;
}

int load_device(const struct world_load *load)
{
    struct device *device = device_new(load->text, false, 0, load->err);

    if (!device)
        return -1;
    list_append(&load->world->devices, &device->thing.link);
    return 0;
}

/* ---- finding ---- */

static struct device *find(struct req *rq, const char *name)
{
    struct device *device = thing_by_name(&rq->world->devices, name);

    if (!device)
        err_set(rq->err, ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
    return device;
}

static bool has_cap(const struct device *device, const char *name)
{
    const char *names[NODEDEV_CAP_TYPE_MAX];
    unsigned n = nodedev_cap_names(device->def, names);

    for (unsigned i = 0; name && i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return !name;
}

/* The bit of the public filter for each capability that this model knows. */
static unsigned traits(const struct device *device)
{
    static const unsigned bits[NODEDEV_CAP_TYPE_MAX] = {
        [NODEDEV_CAP_SYSTEM] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM,
        [NODEDEV_CAP_PCI] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV,
        [NODEDEV_CAP_USB_DEVICE] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV,
        [NODEDEV_CAP_USB] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE,
        [NODEDEV_CAP_NET] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET,
        [NODEDEV_CAP_SCSI_HOST] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST,
        [NODEDEV_CAP_SCSI_TARGET] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET,
        [NODEDEV_CAP_SCSI] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI,
        [NODEDEV_CAP_STORAGE] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE,
        [NODEDEV_CAP_FC_HOST] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST,
        [NODEDEV_CAP_VPORTS] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS,
        [NODEDEV_CAP_SCSI_GENERIC] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_GENERIC,
        [NODEDEV_CAP_DRM] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM,
        [NODEDEV_CAP_MDEV_TYPES] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES,
        [NODEDEV_CAP_MDEV] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV,
        [NODEDEV_CAP_CCW] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV,
        [NODEDEV_CAP_CSS] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV,
        [NODEDEV_CAP_VDPA] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA,
        [NODEDEV_CAP_AP_CARD] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD,
        [NODEDEV_CAP_AP_QUEUE] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE,
        [NODEDEV_CAP_AP_MATRIX] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX,
    };
    unsigned is = 0;

    for (unsigned type = 0; type < NODEDEV_CAP_TYPE_MAX; type++)
        if (nodedev_cap(device->def, type))
            is |= bits[type];
    return is;
}

/* ---- methods ---- */

static int m_num(struct req *rq, struct client *client, const struct remote_node_num_of_devices_in *in,
                 struct remote_node_num_of_devices_out *out)
{
    const char *cap = in->cap;
    struct device *device;

    LIST_FOREACH(&rq->world->devices, device, thing.link)
        out->num += has_cap(device, cap);
    return 0;
}

static int m_names(struct req *rq, struct client *client, const struct remote_node_list_devices_in *in,
                   struct remote_node_list_devices_out *out)
{
    const char *cap = in->cap;
    struct device *device;

    LIST_FOREACH(&rq->world->devices, device, thing.link) {
        if (!has_cap(device, cap) || (int64_t)out->names.n >= in->maxnames)
            continue;
        out->names.v = arena_grow(rq->arena, out->names.v, out->names.n, sizeof(*out->names.v));
        out->names.v[out->names.n++] = device->thing.name;
    }
    return 0;
}

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_node_devices_in *in,
                      struct remote_connect_list_all_node_devices_out *out)
{
    static const unsigned groups[] = {ALL_FILTERS};
    struct device *device;

    LIST_FOREACH(&rq->world->devices, device, thing.link) {
        if (!list_passes(traits(device), in->flags, groups, ARRAY_SIZE(groups)))
            continue;
        if (in->need_results) {
            out->devices.v = arena_grow(rq->arena, out->devices.v, out->devices.n, sizeof(*out->devices.v));
            out->devices.v[out->devices.n++].name = device->thing.name;
        }
        out->ret++;
    }
    return 0;
}

static int m_by_name(struct req *rq, struct client *client,
                     const struct remote_node_device_lookup_by_name_in *in,
                     struct remote_node_device_lookup_by_name_out *out)
{
    struct device *device = find(rq, in->name);

    if (!device)
        return -1;
    out->dev.name = device->thing.name;
    return 0;
}

static int m_xml(struct req *rq, struct client *client, const struct remote_node_device_get_xml_desc_in *in,
                 struct remote_node_device_get_xml_desc_out *out)
{
    struct device *device = find(rq, in->name);
    auto_buf struct buf text = {0};

    if (!device)
        return -1;
    nodedev_format(device->def, &text);
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_parent(struct req *rq, struct client *client, const struct remote_node_device_get_parent_in *in,
                    struct remote_node_device_get_parent_out *out)
{
    struct device *device = find(rq, in->name);

    if (!device)
        return -1;
    if (!device->def->parent)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "no parent for this device");
    out->parent_name = device->def->parent;
    return 0;
}

static int m_num_caps(struct req *rq, struct client *client,
                      const struct remote_node_device_num_of_caps_in *in,
                      struct remote_node_device_num_of_caps_out *out)
{
    struct device *device = find(rq, in->name);

    if (!device)
        return -1;
    out->num = (int32_t)device->def->n_caps;
    return 0;
}

static int m_caps(struct req *rq, struct client *client, const struct remote_node_device_list_caps_in *in,
                  struct remote_node_device_list_caps_out *out)
{
    struct device *device = find(rq, in->name);

    if (!device)
        return -1;
    out->names.v = ARENA_ARRAY(rq->arena, char *, device->def->n_caps);
    for (size_t i = 0; i < device->def->n_caps && (int64_t)i < in->maxnames; i++)
        out->names.v[out->names.n++] = (char *)nodedev_cap_type_names[device->def->caps[i]->type];
    return 0;
}

/* ---- virtual ports ---- */

static int need_fc(struct req *rq, const struct nodedev_def *def)
{
    const struct nodedev_cap *fc = nodedev_cap(def, NODEDEV_CAP_FC_HOST);

    if (!fc)
        return err_set_from(rq->err, ERR_FROM_NODEDEV, ERR_INTERNAL_ERROR,
                            "Device is not a fibre channel HBA");
    return 0;
}

/* Who makes the port: a host that can. */
static struct device *find_parent(struct req *rq, const struct nodedev_def *def)
{
    struct device *device;

    LIST_FOREACH(&rq->world->devices, device, thing.link) {
        const struct nodedev_cap *fc = nodedev_cap(device->def, NODEDEV_CAP_FC_HOST);

        if (def->parent        ? !str_eq(device->thing.name, def->parent)
            : !fc              ? true
            : def->parent_wwnn ? !str_eq(fc->wwnn, def->parent_wwnn) || !str_eq(fc->wwpn, def->parent_wwpn)
            : def->parent_fabric_wwn ? !str_eq(fc->fabric_wwn, def->parent_fabric_wwn)
                                     : !nodedev_cap(device->def, NODEDEV_CAP_VPORTS))
            continue;
        if (nodedev_cap(device->def, NODEDEV_CAP_VPORTS))
            return device;
        err_set_from(rq->err, ERR_FROM_NODEDEV, ERR_INTERNAL_ERROR,
                     "Parent device %s is not capable of vport operations", device->thing.name);
        return NULL;
    }
    err_set_from(rq->err, ERR_FROM_NODEDEV, ERR_INTERNAL_ERROR, "Could not find parent device for '%s'",
                 def->name);
    return NULL;
}

static int m_create(struct req *rq, struct client *client, const struct remote_node_device_create_xml_in *in,
                    struct remote_node_device_create_xml_out *out)
{
    struct device *device = device_new(in->xml_desc, true, in->flags ? XT_PARSE_VALIDATE : 0, rq->err),
                  *parent;
    struct nodedev_cap *fc, *host;
    struct nodedev_def *def;
    unsigned number = FIRST_VPORT;

    if (!device)
        return -1;
    def = device->def;
    if (need_fc(rq, def) < 0 || !(parent = find_parent(rq, def))) {
        device_free(device);
        return -1;
    }
    do
        def->name = arena_printf(&device->arena, "scsi_host%u", number++);
    while (thing_by_name(&rq->world->devices, def->name));
    device->thing.name = def->name;
    def->parent = arena_strdup(&device->arena, parent->thing.name);
    def->parent_wwnn = def->parent_wwpn = def->parent_fabric_wwn = NULL;
    host = nodedev_cap(def, NODEDEV_CAP_SCSI_HOST);
    if (host) {
        host->host = (struct opt_u32){11, true}; /* as its model, scsi_host11 */
        host->unique_id = (struct opt_u32){10, true};
    }
    fc = nodedev_cap(def, NODEDEV_CAP_FC_HOST);
    fc->fabric_wwn = arena_strdup(&device->arena, nodedev_cap(parent->def, NODEDEV_CAP_FC_HOST)->fabric_wwn);
    list_append(&rq->world->devices, &device->thing.link);
    event_device(rq, device->thing.name, VIR_NODE_DEVICE_EVENT_CREATED);
    out->dev.name = device->thing.name;
    return 0;
}

/* Only fibre channel hosts go; stock says yes and keeps the others. */
static int m_destroy(struct req *rq, struct client *client, const struct remote_node_device_destroy_in *in,
                     struct remote_node_device_destroy_out *out)
{
    struct device *device = find(rq, in->name);

    if (!device)
        return -1;
    if (!nodedev_cap(device->def, NODEDEV_CAP_FC_HOST))
        return 0;
    event_device(rq, device->thing.name, VIR_NODE_DEVICE_EVENT_DELETED);
    device_free(device);
    return 0;
}

const struct method device_methods[] = {
    METHOD(remote, NODE_NUM_OF_DEVICES, m_num),
    METHOD(remote, NODE_LIST_DEVICES, m_names),
    METHOD(remote, CONNECT_LIST_ALL_NODE_DEVICES, m_list_all, ALL_FILTERS),
    METHOD(remote, NODE_DEVICE_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, NODE_DEVICE_GET_XML_DESC, m_xml),
    METHOD(remote, NODE_DEVICE_GET_PARENT, m_parent),
    METHOD(remote, NODE_DEVICE_NUM_OF_CAPS, m_num_caps),
    METHOD(remote, NODE_DEVICE_LIST_CAPS, m_caps),
    METHOD(remote, NODE_DEVICE_CREATE_XML, m_create, VIR_NODE_DEVICE_CREATE_XML_VALIDATE),
    METHOD(remote, NODE_DEVICE_DESTROY, m_destroy),
    {0},
};
