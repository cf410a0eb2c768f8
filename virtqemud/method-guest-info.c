/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that tell what the guest says of itself: users, system, time, name, file systems, disks, network.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/channel.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/run.h"

#define ASK_USEC SECONDS(10)

enum { PARAMS_MAX = 2048, FS_MAX = 256 }; /* what fits on the wire; a guest may say more */

/* Row: a parameter; the agent's member, of the type that the parameter has. */
struct row {
    const char *suffix, *member;
    int type;
};

/* "PREFIXsuffix" for each row whose member is there. */
static void tell(struct params *params, const char *prefix, struct json_object *object,
                 const struct row *rows)
{
    for (; rows->member; rows++) {
        struct json_object *member = json_get(object, rows->member);

        if (params->n >= PARAMS_MAX)
            return;
        switch (rows->type) {
        case PARAM_STRING:
            if (json_object_is_type(member, json_type_string))
                params_string(params, json_object_get_string(member), "%s%s", prefix, rows->suffix);
            break;
        case PARAM_BOOLEAN:
            if (json_object_is_type(member, json_type_boolean))
                params_add(params, PARAM_BOOLEAN, "%s%s", prefix, rows->suffix)->b =
                    json_object_get_boolean(member);
            break;
        case PARAM_DOUBLE:
            if (json_object_is_type(member, json_type_double) || json_object_is_type(member, json_type_int))
                params_add(params, PARAM_DOUBLE, "%s%s", prefix, rows->suffix)->d =
                    json_object_get_double(member);
            break;
        case PARAM_INT:
            if (json_object_is_type(member, json_type_int))
                params_int(params, (int32_t)json_object_get_int64(member), "%s%s", prefix, rows->suffix);
            break;
        case PARAM_UINT:
            if (json_object_is_type(member, json_type_int))
                params_uint(params, (uint32_t)json_object_get_int64(member), "%s%s", prefix, rows->suffix);
            break;
        default:
            if (json_object_is_type(member, json_type_int))
                params_ulong(params, json_object_get_uint64(member), "%s%s", prefix, rows->suffix);
        }
    }
}

/* The count, and each entry by rows and by a function for what rows can't say. */
static void tell_list(struct req *rq, struct params *params, const struct vm *vm, const char *name,
                      struct json_object *list, const struct row *rows,
                      void (*more)(struct req *rq, struct params *params, const struct vm *vm,
                                   const char *prefix, struct json_object *one))
{
    params_uint(params, (uint32_t)json_count(list), "%s.count", name);
    for (size_t i = 0; i < json_count(list) && params->n < PARAMS_MAX; i++) {
        const char *prefix = arena_printf(&rq->arena, "%s.%zu.", name, i);

        tell(params, prefix, json_object_array_get_idx(list, i), rows);
        if (more)
            more(rq, params, vm, prefix, json_object_array_get_idx(list, i));
    }
}

/* The machine's disk that stands where the guest's system found one; NULL: none of ours. */
static const struct disk *disk_at(const struct domain *domain, struct json_object *place)
{
    struct json_object *pci = json_get(place, "pci-controller");
    uint64_t bus = json_uint(place, "bus", UINT64_MAX), target = json_uint(place, "target", UINT64_MAX),
             unit = json_uint(place, "unit", UINT64_MAX);
    const struct controller *controller = NULL;
    const struct devices *devices = &domain->devices;

#define AT(info)                                                                                             \
    ((info).address.type == ADDRESS_PCI &&                                                                   \
     (info).address.pci.domain == json_uint(pci, "domain", UINT64_MAX) &&                                    \
     (info).address.pci.bus == json_uint(pci, "bus", UINT64_MAX) &&                                          \
     (info).address.pci.slot == json_uint(pci, "slot", UINT64_MAX) &&                                        \
     (info).address.pci.function == json_uint(pci, "function", UINT64_MAX))
    for (size_t i = 0; i < devices->n_controllers && !controller; i++)
        if (AT(devices->controllers[i]->info))
            controller = devices->controllers[i];
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct device_address *address = &devices->disks[i]->info.address;

        if (AT(devices->disks[i]->info))
            return devices->disks[i];
        if (address->type == ADDRESS_DRIVE && controller &&
            address->drive.controller == controller->index.value && address->drive.bus == bus &&
            address->drive.target == target && address->drive.unit == unit)
            return devices->disks[i];
    }
#undef AT
    return NULL;
}

static void more_of_user(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                         struct json_object *one)
{
    struct json_object *time = json_get(one, "login-time");

    if (json_object_is_type(time, json_type_double) || json_object_is_type(time, json_type_int))
        params_ulong(params, (uint64_t)(json_object_get_double(time) * 1000), "%slogin-time", prefix);
}

static void more_of_fs(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                       struct json_object *one)
{
    static const struct row rows[] = {
        {"serial", "serial", PARAM_STRING}, {"device", "dev", PARAM_STRING}, {0}};
    struct json_object *disks = json_get(one, "disk");

    params_uint(params, (uint32_t)json_count(disks), "%sdisk.count", prefix);
    for (size_t i = 0; i < json_count(disks) && params->n < PARAMS_MAX; i++) {
        struct json_object *place = json_object_array_get_idx(disks, i);
        const struct disk *disk = vm->run ? disk_at(vm->run->domain, place) : NULL;
        const char *inner = arena_printf(&rq->arena, "%sdisk.%zu.", prefix, i);

        if (disk)
            params_string(params, disk->dst, "%salias", inner);
        tell(params, inner, place, rows);
    }
}

static void more_of_disk(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                         struct json_object *one)
{
    static const struct row place_rows[] = {{"serial", "serial", PARAM_STRING}, {0}};
    static const struct row bus_rows[] = {{"guest_bus", "bus-type", PARAM_STRING}, {0}};
    static const struct row rows[] = {{"guest_alias", "alias", PARAM_STRING}, {0}};
    struct json_object *needs = json_get(one, "dependencies"), *place = json_get(one, "address");
    const struct disk *disk = place && vm->run ? disk_at(vm->run->domain, place) : NULL;

    if (json_count(needs))
        params_uint(params, (uint32_t)json_count(needs), "%sdependency.count", prefix);
    for (size_t i = 0; i < json_count(needs) && params->n < PARAMS_MAX; i++)
        params_string(params, json_object_get_string(json_object_array_get_idx(needs, i)),
                      "%sdependency.%zu.name", prefix, i);
    tell(params, prefix, place, place_rows);
    if (disk)
        params_string(params, disk->dst, "%salias", prefix);
    tell(params, prefix, one, rows);
    tell(params, prefix, place, bus_rows);
}

static void more_of_iface(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                          struct json_object *one)
{
    static const struct row rows[] = {{"type", "ip-address-type", PARAM_STRING},
                                      {"addr", "ip-address", PARAM_STRING},
                                      {"prefix", "prefix", PARAM_UINT},
                                      {0}};
    struct json_object *addresses = json_get(one, "ip-addresses");

    if (!json_count(addresses))
        return;
    params_uint(params, (uint32_t)json_count(addresses), "%saddr.count", prefix);
    for (size_t i = 0; i < json_count(addresses) && params->n < PARAMS_MAX; i++)
        tell(params, arena_printf(&rq->arena, "%saddr.%zu.", prefix, i),
             json_object_array_get_idx(addresses, i), rows);
}

static void more_of_device(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                           struct json_object *one)
{
    static const struct row rows[] = {{"idType", "type", PARAM_STRING},
                                      {"pciVendor", "vendor-id", PARAM_UINT},
                                      {"pciDevice", "device-id", PARAM_UINT},
                                      {0}};

    tell(params, prefix, json_get(one, "id"), rows);
}

static const struct row user_rows[] = {
    {"name", "user", PARAM_STRING}, {"domain", "domain", PARAM_STRING}, {0}};
static const struct row os_rows[] = {{"id", "id", PARAM_STRING},
                                     {"name", "name", PARAM_STRING},
                                     {"pretty-name", "pretty-name", PARAM_STRING},
                                     {"version", "version", PARAM_STRING},
                                     {"version-id", "version-id", PARAM_STRING},
                                     {"machine", "machine", PARAM_STRING},
                                     {"variant", "variant", PARAM_STRING},
                                     {"variant-id", "variant-id", PARAM_STRING},
                                     {"kernel-release", "kernel-release", PARAM_STRING},
                                     {"kernel-version", "kernel-version", PARAM_STRING},
                                     {0}};
static const struct row timezone_rows[] = {
    {"name", "zone", PARAM_STRING}, {"offset", "offset", PARAM_INT}, {0}};
static const struct row hostname_rows[] = {{"hostname", "host-name", PARAM_STRING}, {0}};
static const struct row fs_rows[] = {{"name", "name", PARAM_STRING},
                                     {"mountpoint", "mountpoint", PARAM_STRING},
                                     {"fstype", "type", PARAM_STRING},
                                     {"total-bytes", "total-bytes", PARAM_ULLONG},
                                     {"used-bytes", "used-bytes", PARAM_ULLONG},
                                     {0}};
static const struct row disk_rows[] = {
    {"name", "name", PARAM_STRING}, {"partition", "partition", PARAM_BOOLEAN}, {0}};
static const struct row iface_rows[] = {
    {"name", "name", PARAM_STRING}, {"hwaddr", "hardware-address", PARAM_STRING}, {0}};
static const struct row load_rows[] = {
    {"1m", "load1m", PARAM_DOUBLE}, {"5m", "load5m", PARAM_DOUBLE}, {"15m", "load15m", PARAM_DOUBLE}, {0}};
static const struct row device_rows[] = {{"driverName", "driver-name", PARAM_STRING},
                                         {"driverDate", "driver-date", PARAM_LLONG},
                                         {"driverVersion", "driver-version", PARAM_STRING},
                                         {0}};

/* Row: a bit of the call; the agent's command; what is made of its answer: a list of that name, or one object
 * with that prefix. In the order in which they are told. */
static const struct {
    unsigned bit;
    const char *command, *name;
    bool list;
    const struct row *rows;
    void (*more)(struct req *rq, struct params *params, const struct vm *vm, const char *prefix,
                 struct json_object *one);
} groups[] = {
    {1, "guest-get-users", "user", true, user_rows, more_of_user},
    {2, "guest-get-osinfo", "os.", false, os_rows, NULL},
    {4, "guest-get-timezone", "timezone.", false, timezone_rows, NULL},
    {8, "guest-get-host-name", "", false, hostname_rows, NULL},
    {16, "guest-get-fsinfo", "fs", true, fs_rows, more_of_fs},
    {32, "guest-get-disks", "disk", true, disk_rows, more_of_disk},
    {64, "guest-network-get-interfaces", "if", true, iface_rows, more_of_iface},
    {128, "guest-get-load", "load.", false, load_rows, NULL},
    {256, "guest-get-devices", "device", true, device_rows, more_of_device},
};

/* The agent's own words when it doesn't know a command, or was told not to obey it. */
static bool is_unknown(const struct err *err)
{
    return strstr(err->message, "has not been found") || strstr(err->message, "has been disabled") ||
           strstr(err->message, "not supported");
}

static int m_info(struct req *rq, struct vm *vm, const struct remote_domain_get_guest_info_in *in,
                  struct remote_domain_get_guest_info_out *out)
{
    struct params params = {.arena = &rq->arena};
    unsigned known = 0;

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        known |= groups[i].bit;
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->types & ~known)
        return err_set(&rq->err, ERR_INVALID_ARG, "unsupported guest information types '0x%x'",
                       in->types & ~known);
    if (vm_check_active(rq, vm) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        auto_json struct json_object *answer = NULL;

        if (in->types && !(in->types & groups[i].bit))
            continue;
        if (channel_agent_ask(rq, vm, groups[i].command,
                              json_text(&rq->arena, "{'execute':%s}", groups[i].command), ASK_USEC,
                              &answer) < 0) {
            if (in->types || !is_unknown(&rq->err))
                return -1;
            err_clear(&rq->err); /* nobody asked for this one by name */
        } else if (groups[i].list) {
            tell_list(rq, &params, vm, groups[i].name, answer, groups[i].rows, groups[i].more);
        } else {
            tell(&params, groups[i].name, answer, groups[i].rows);
        }
    }
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

static int m_fsinfo(struct req *rq, struct vm *vm, const struct remote_domain_get_fsinfo_in *in,
                    struct remote_domain_get_fsinfo_out *out)
{
    auto_json struct json_object *list = NULL;

    if (method_flags(rq, in->flags, 0) < 0 ||
        channel_agent_ask(rq, vm, "guest-get-fsinfo", "{\"execute\":\"guest-get-fsinfo\"}", ASK_USEC, &list) <
            0)
        return -1;
    out->info.v = ARENA_ARRAY(&rq->arena, struct wire_domain_fsinfo, json_count(list) + 1);
    for (size_t i = 0; i < json_count(list) && i < FS_MAX; i++) {
        struct json_object *one = json_object_array_get_idx(list, i), *disks = json_get(one, "disk");
        struct wire_domain_fsinfo *fs = &out->info.v[out->info.n];
        const char *mountpoint = json_string(one, "mountpoint"), *name = json_string(one, "name"),
                   *type = json_string(one, "type");

        if (!mountpoint || !name || !type)
            return err_set(&rq->err, ERR_INTERNAL_ERROR, "'%s' missing in reply of guest-get-fsinfo",
                           !mountpoint ? "mountpoint"
                           : !name     ? "name"
                                       : "type");
        *fs = (struct wire_domain_fsinfo){arena_strdup(&rq->arena, mountpoint),
                                          arena_strdup(&rq->arena, name),
                                          arena_strdup(&rq->arena, type),
                                          {0}};
        fs->dev_aliases.v = ARENA_ARRAY(&rq->arena, char *, json_count(disks) + 1);
        for (size_t k = 0; k < json_count(disks) && k < FS_MAX && vm->run; k++) {
            const struct disk *disk = disk_at(vm->run->domain, json_object_array_get_idx(disks, k));

            if (disk)
                fs->dev_aliases.v[fs->dev_aliases.n++] = arena_strdup(&rq->arena, disk->dst);
        }
        out->info.n++;
    }
    out->ret = out->info.n;
    return 0;
}

const struct method guest_info_methods[] = {
    METHOD(remote, DOMAIN_GET_GUEST_INFO, m_info),
    METHOD(remote, DOMAIN_GET_FSINFO, m_fsinfo),
    {0},
};
