/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: parameters that are shown when none is given and set when one is. What is what stands in tables.
 */
#include <limits.h>

#include "virsh/domain.h"

/* How the text of an option becomes a parameter. */
enum tune_kind { TUNE_BYTES, TUNE_KIB, TUNE_U64, TUNE_TEXT };

struct tune {
    const char *option, *field;
    enum tune_kind kind;
};

/* One option into a parameter. 0, or -1 after telling. */
static int tune_take(struct cmd *cmd, const struct tune *row, struct params *params)
{
    unsigned long long value = 0;
    const char *text = NULL;
    int given;
    if (row->kind == TUNE_TEXT)
        given = cmd_string(cmd, row->option, &text);
    else if (row->kind == TUNE_BYTES)
        given = cmd_scaled(cmd, row->option, 1, ULLONG_MAX, &value);
    else
        given = cmd_u64(cmd, row->option, &value);
    if (given <= 0)
        return given;
    if (text)
        params_add_string(params, row->field, text);
    else
        params_add_u64(params, row->field, value);
    return 0;
}

/* The calls behind one command and what it says when they fail; `device` ones have a disk or an interface. */
struct tuning {
    int (*get)(virDomainPtr domain, virTypedParameterPtr params, int *count, unsigned flags);
    int (*set)(virDomainPtr domain, virTypedParameterPtr params, int count, unsigned flags);
    int (*device_get)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int *count,
                      unsigned flags);
    int (*device_set)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int count,
                      unsigned flags);
    const char *no_count, *no_get, *no_set;
    void (*show)(struct cmd *cmd, const struct params *params);
};

static int tuning_get(const struct tuning *tuning, virDomainPtr domain, const char *device,
                      virTypedParameterPtr params, int *count, unsigned flags)
{
    if (tuning->device_get)
        return tuning->device_get(domain, device, params, count, flags);
    return tuning->get(domain, params, count, flags);
}

/* Set what is wanted, or show what there is. */
static int tune(struct cmd *cmd, const struct tuning *tuning, virDomainPtr domain, const char *device,
                struct params *wanted)
{
    unsigned flags = cmd_affect(cmd);
    if (wanted->count) {
        int result = tuning->device_set
                         ? tuning->device_set(domain, device, wanted->all, wanted->count, flags)
                         : tuning->set(domain, wanted->all, wanted->count, flags);
        return result < 0 ? say_error(cmd, "%s", tuning->no_set) : 0;
    }
    int count = 0;
    if (tuning_get(tuning, domain, device, NULL, &count, flags) < 0)
        return say_error(cmd, "%s", tuning->no_count);
    struct params *params = params_new(cmd, count);
    if (count && tuning_get(tuning, domain, device, params->all, &count, flags) < 0)
        return say_error(cmd, "%s", tuning->no_get);
    params->count = count;
    layout(cmd, LAYOUT_COLON);
    tuning->show(cmd, params);
    return 0;
}

static void show_params(struct cmd *cmd, const struct params *params)
{
    for (int i = 0; i < params->count; i++)
        field_param(cmd, NULL, &params->all[i]);
}

/* ---- blkdeviotune, throttle groups ------------------------------------------------------------------ */

static const struct tune io_limits[] = {
    {"total-bytes-sec", "total_bytes_sec", TUNE_BYTES},
    {"read-bytes-sec", "read_bytes_sec", TUNE_BYTES},
    {"write-bytes-sec", "write_bytes_sec", TUNE_BYTES},
    {"total-bytes-sec-max", "total_bytes_sec_max", TUNE_BYTES},
    {"read-bytes-sec-max", "read_bytes_sec_max", TUNE_BYTES},
    {"write-bytes-sec-max", "write_bytes_sec_max", TUNE_BYTES},
    {"total-iops-sec", "total_iops_sec", TUNE_U64},
    {"read-iops-sec", "read_iops_sec", TUNE_U64},
    {"write-iops-sec", "write_iops_sec", TUNE_U64},
    {"total-iops-sec-max", "total_iops_sec_max", TUNE_U64},
    {"read-iops-sec-max", "read_iops_sec_max", TUNE_U64},
    {"write-iops-sec-max", "write_iops_sec_max", TUNE_U64},
    {"size-iops-sec", "size_iops_sec", TUNE_U64},
    {"total-bytes-sec-max-length", "total_bytes_sec_max_length", TUNE_U64},
    {"read-bytes-sec-max-length", "read_bytes_sec_max_length", TUNE_U64},
    {"write-bytes-sec-max-length", "write_bytes_sec_max_length", TUNE_U64},
    {"total-iops-sec-max-length", "total_iops_sec_max_length", TUNE_U64},
    {"read-iops-sec-max-length", "read_iops_sec_max_length", TUNE_U64},
    {"write-iops-sec-max-length", "write_iops_sec_max_length", TUNE_U64},
};

static int take_io_limits(struct cmd *cmd, struct params *params)
{
    for (size_t i = 0; i < ARRAY_SIZE(io_limits); i++)
        if (tune_take(cmd, &io_limits[i], params) < 0)
            return say_error(cmd, "Unable to parse integer parameter");
    return 0;
}

static const struct tuning block_io = {
    .device_get = virDomainGetBlockIoTune,
    .device_set = virDomainSetBlockIoTune,
    .no_count = "Unable to get number of block I/O throttle parameters",
    .no_get = "Unable to get block I/O throttle parameters",
    .no_set = "Unable to change block I/O throttle",
    .show = show_params,
};

static int run_blkdeviotune(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL, *group = NULL;
    if (!domain || cmd_string(cmd, "device", &device) < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    if (take_io_limits(cmd, params) < 0)
        return -1;
    if (cmd_string(cmd, "group-name", &group) < 0)
        return say_error(cmd, "Unable to parse group-name parameter");
    if (group)
        params_add_string(params, "group_name", group);
    return tune(cmd, &block_io, domain, device, params);
}

const struct command cmd_blkdeviotune = {
    "blkdeviotune",
    "Set or query a block device I/O tuning parameters.",
    "Set or query disk I/O parameters such as block throttling.",
    OPTIONS(
        DOMAIN(0), ARG("device", "block device"),
        NUMBER("total-bytes-sec", "total throughput limit, as scaled integer (default bytes)"),
        NUMBER("read-bytes-sec", "read throughput limit, as scaled integer (default bytes)"),
        NUMBER("write-bytes-sec", "write throughput limit, as scaled integer (default bytes)"),
        NUMBER("total-iops-sec", "total I/O operations limit per second"),
        NUMBER("read-iops-sec", "read I/O operations limit per second"),
        NUMBER("write-iops-sec", "write I/O operations limit per second"),
        NUMBER("total-bytes-sec-max", "total max, as scaled integer (default bytes)"),
        NUMBER("read-bytes-sec-max", "read max, as scaled integer (default bytes)"),
        NUMBER("write-bytes-sec-max", "write max, as scaled integer (default bytes)"),
        NUMBER("total-iops-sec-max", "total I/O operations max"),
        NUMBER("read-iops-sec-max", "read I/O operations max"),
        NUMBER("write-iops-sec-max", "write I/O operations max"),
        NUMBER("size-iops-sec", "I/O size in bytes"),
        STRING("group-name", "group name to share I/O quota between multiple drives"),
        NUMBER("total-bytes-sec-max-length", "duration in seconds to allow total max bytes"),
        NUMBER("read-bytes-sec-max-length", "duration in seconds to allow read max bytes"),
        NUMBER("write-bytes-sec-max-length", "duration in seconds to allow write max bytes"),
        NUMBER("total-iops-sec-max-length", "duration in seconds to allow total I/O operations max"),
        NUMBER("read-iops-sec-max-length", "duration in seconds to allow read I/O operations max"),
        NUMBER("write-iops-sec-max-length", "duration in seconds to allow write I/O operations max"), AFFECT,
        ALIAS("total_bytes_sec", "total-bytes-sec"), ALIAS("read_bytes_sec", "read-bytes-sec"),
        ALIAS("write_bytes_sec", "write-bytes-sec"), ALIAS("total_iops_sec", "total-iops-sec"),
        ALIAS("read_iops_sec", "read-iops-sec"), ALIAS("write_iops_sec", "write-iops-sec"),
        ALIAS("total_bytes_sec_max", "total-bytes-sec-max"),
        ALIAS("read_bytes_sec_max", "read-bytes-sec-max"),
        ALIAS("write_bytes_sec_max", "write-bytes-sec-max"),
        ALIAS("total_iops_sec_max", "total-iops-sec-max"), ALIAS("read_iops_sec_max", "read-iops-sec-max"),
        ALIAS("write_iops_sec_max", "write-iops-sec-max"), ALIAS("size_iops_sec", "size-iops-sec"),
        ALIAS("group_name", "group-name"), ALIAS("total_bytes_sec_max_length", "total-bytes-sec-max-length"),
        ALIAS("read_bytes_sec_max_length", "read-bytes-sec-max-length"),
        ALIAS("write_bytes_sec_max_length", "write-bytes-sec-max-length"),
        ALIAS("total_iops_sec_max_length", "total-iops-sec-max-length"),
        ALIAS("read_iops_sec_max_length", "read-iops-sec-max-length"),
        ALIAS("write_iops_sec_max_length", "write-iops-sec-max-length")),
    .run = run_blkdeviotune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: any}",
};

static int run_throttle_set(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *group = NULL;
    if (!domain || cmd_string(cmd, "group-name", &group) <= 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    if (take_io_limits(cmd, params) < 0)
        return -1;
    if (NEWER(virDomainSetThrottleGroup)(domain, group, params->all, params->count, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Unable to set throttle group '%s'", group);
    say(cmd, "Throttle group '%s' set\n", group);
    return 0;
}

#define GROUP_ARG ARG("group-name", "name of the throttle group")
#define LIMIT(name) NUMBER_NAMED(name, "limit of the group, as in blkdeviotune")
const struct command cmd_domthrottlegroupset = {
    "domthrottlegroupset",
    "define a throttle group or change it",
    "Limits that several disks share.",
    OPTIONS(DOMAIN(0), GROUP_ARG, LIMIT("total-bytes-sec"), LIMIT("read-bytes-sec"), LIMIT("write-bytes-sec"),
            LIMIT("total-iops-sec"), LIMIT("read-iops-sec"), LIMIT("write-iops-sec"),
            LIMIT("total-bytes-sec-max"), LIMIT("read-bytes-sec-max"), LIMIT("write-bytes-sec-max"),
            LIMIT("total-iops-sec-max"), LIMIT("read-iops-sec-max"), LIMIT("write-iops-sec-max"),
            LIMIT("size-iops-sec"), LIMIT("total-bytes-sec-max-length"), LIMIT("read-bytes-sec-max-length"),
            LIMIT("write-bytes-sec-max-length"), LIMIT("total-iops-sec-max-length"),
            LIMIT("read-iops-sec-max-length"), LIMIT("write-iops-sec-max-length"), AFFECT),
    .run = run_throttle_set,
    .is = IS_NEW,
    .conflicts = AFFECT_CONFLICTS,
};

static int run_throttle_del(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *group = NULL;
    if (!domain || cmd_string(cmd, "group-name", &group) <= 0)
        return -1;
    if (NEWER(virDomainDelThrottleGroup)(domain, group, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Unable to delete throttle group '%s'", group);
    say(cmd, "Throttle group '%s' deleted\n", group);
    return 0;
}

const struct command cmd_domthrottlegroupdel = {
    "domthrottlegroupdel",
    "delete a throttle group",
    "A group that a disk uses stays.",
    OPTIONS(DOMAIN(0), GROUP_ARG, AFFECT),
    .run = run_throttle_del,
    .is = IS_NEW,
    .conflicts = AFFECT_CONFLICTS,
};

/* The <throttlegroup> elements of the domain's document. */
static char **throttle_groups(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? domain_xml(cmd, domain, cmd_flags(cmd)) : NULL;
    return xml ? xml_nodes(cmd, xml, "/domain/throttlegroups/throttlegroup") : NULL;
}

static int run_throttle_list(struct cmd *cmd)
{
    char **groups = throttle_groups(cmd);
    if (!groups)
        return -1;
    struct table *table = table_new(cmd, "name:Name");
    for (; *groups; groups++)
        table_row(table, xml_value(cmd, *groups, "string(/throttlegroup/group_name)"));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_domthrottlegrouplist = {
    "domthrottlegrouplist",
    "list throttle groups",
    "Names of the throttle groups of a domain.",
    OPTIONS(DOMAIN(0),
            FLAG("inactive", VIR_DOMAIN_XML_INACTIVE, "get inactive rather than running configuration")),
    .run = run_throttle_list,
    .is = IS_NEW,
    .json = "[{name: string}]",
};

static int run_throttle_info(struct cmd *cmd)
{
    const char *name = NULL;
    char **groups = throttle_groups(cmd);
    if (!groups || cmd_string(cmd, "group-name", &name) <= 0)
        return -1;
    while (*groups && !str_eq(xml_value(cmd, *groups, "string(/throttlegroup/group_name)"), name))
        groups++;
    if (!*groups)
        return say_error(cmd, "throttle group '%s' not found", name);
    layout(cmd, LAYOUT_COLON);
    field(cmd, "group_name", "group_name", name);
    for (size_t i = 0; i < ARRAY_SIZE(io_limits); i++) {
        const char *value =
            xml_value(cmd, *groups, cmd_printf(cmd, "string(/throttlegroup/%s)", io_limits[i].field));
        if (!str_empty(value))
            field_as(cmd, io_limits[i].field, io_limits[i].field, value, value);
    }
    return 0;
}

const struct command cmd_domthrottlegroupinfo = {
    "domthrottlegroupinfo",
    "show a throttle group",
    "The limits of a throttle group.",
    OPTIONS(DOMAIN(0), GROUP_ARG,
            FLAG("inactive", VIR_DOMAIN_XML_INACTIVE, "get inactive rather than running configuration")),
    .run = run_throttle_info,
    .is = IS_NEW,
    .json = "{group_name: string, *: number}",
};

/* ---- memtune, blkiotune ----------------------------------------------------------------------------- */

/* A size in KiB; -1 is "no limit", whatever the unit. */
static int take_limit(struct cmd *cmd, const char *option, const char *name, struct params *params)
{
    const char *text = cmd_raw(cmd, option);
    unsigned long long bytes;
    if (!text)
        return 0;
    long long number;
    bool unlimited = str_to_i64(text, (int64_t *)&number) == 0 && number == -1;
    if (!unlimited && to_scaled(cmd, text, 1024, ULLONG_MAX, &bytes) < 0)
        return say_error(cmd, "Unable to parse integer parameter %s", option);
    params_add_u64(params, name, unlimited ? VIR_DOMAIN_MEMORY_PARAM_UNLIMITED : bytes / 1024);
    return 0;
}

static void show_limits(struct cmd *cmd, const struct params *params)
{
    for (int i = 0; i < params->count; i++) {
        const virTypedParameter *param = &params->all[i];
        if (param->type == VIR_TYPED_PARAM_ULLONG && param->value.ul == VIR_DOMAIN_MEMORY_PARAM_UNLIMITED)
            field_as(cmd, param->field, param->field, "null", "unlimited");
        else
            field_param(cmd, NULL, param);
    }
}

static const struct tuning memory = {
    .get = virDomainGetMemoryParameters,
    .set = virDomainSetMemoryParameters,
    .no_count = "Unable to get number of memory parameters",
    .no_get = "Unable to get memory parameters",
    .no_set = "Unable to change memory parameters",
    .show = show_limits,
};

static int run_memtune(struct cmd *cmd)
{
    static const char *const rows[][2] = {
        {"hard-limit", VIR_DOMAIN_MEMORY_HARD_LIMIT},
        {"soft-limit", VIR_DOMAIN_MEMORY_SOFT_LIMIT},
        {"swap-hard-limit", VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT},
        {"min-guarantee", VIR_DOMAIN_MEMORY_MIN_GUARANTEE},
    };
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    struct params *params = params_new(cmd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (take_limit(cmd, rows[i][0], rows[i][1], params) < 0)
            return -1;
    return tune(cmd, &memory, domain, NULL, params);
}

const struct command cmd_memtune = {
    "memtune",
    "Get or set memory parameters",
    "Get or set the current memory parameters for a guest domain.\n    To get the memory parameters use "
    "following command: \n\n    virsh # memtune <domain>",
    OPTIONS(DOMAIN(0), NUMBER("hard-limit", "Max memory, as scaled integer (default KiB)"),
            NUMBER("soft-limit", "Memory during contention, as scaled integer (default KiB)"),
            NUMBER("swap-hard-limit", "Max memory plus swap, as scaled integer (default KiB)"),
            NUMBER("min-guarantee", "Min guaranteed memory, as scaled integer (default KiB)"), AFFECT),
    .run = run_memtune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: number?}",
};

static const struct tuning blkio = {
    .get = virDomainGetBlkioParameters,
    .set = virDomainSetBlkioParameters,
    .no_count = "Unable to get number of blkio parameters",
    .no_get = "Unable to get blkio parameters",
    .no_set = "Unable to change blkio parameters",
    .show = show_params,
};

static int run_blkiotune(struct cmd *cmd)
{
    static const struct tune rows[] = {
        {"device-weights", VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, TUNE_TEXT},
        {"device-read-iops-sec", VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS, TUNE_TEXT},
        {"device-write-iops-sec", VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS, TUNE_TEXT},
        {"device-read-bytes-sec", VIR_DOMAIN_BLKIO_DEVICE_READ_BPS, TUNE_TEXT},
        {"device-write-bytes-sec", VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS, TUNE_TEXT},
    };
    virDomainPtr domain = cmd_domain(cmd);
    int weight = 0;
    if (!domain)
        return -1;
    int given = cmd_int(cmd, "weight", &weight);
    if (given < 0)
        return -1;
    if (given && weight <= 0)
        return say_error(cmd, "Invalid value of %d for I/O weight", weight);
    struct params *params = params_new(cmd, 0);
    if (given)
        params_add_uint(params, VIR_DOMAIN_BLKIO_WEIGHT, (unsigned)weight);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (cmd_has(cmd, rows[i].option) && !*cmd_raw(cmd, rows[i].option))
            return say_error(cmd, "Unable to parse string parameter");
        else if (tune_take(cmd, &rows[i], params) < 0)
            return -1;
    return tune(cmd, &blkio, domain, NULL, params);
}

const struct command cmd_blkiotune = {
    "blkiotune",
    "Get or set blkio parameters",
    "Get or set the current blkio parameters for a guest domain.\n    To get the blkio parameters use "
    "following command: \n\n    virsh # blkiotune <domain>",
    OPTIONS(
        DOMAIN(0), NUMBER("weight", "IO Weight"),
        STRING("device-weights", "per-device IO Weights, in the form of /path/to/device,weight,..."),
        STRING("device-read-iops-sec",
               "per-device read I/O limit per second, in the form of /path/to/device,read_iops_sec,..."),
        STRING("device-write-iops-sec",
               "per-device write I/O limit per second, in the form of /path/to/device,write_iops_sec,..."),
        STRING("device-read-bytes-sec",
               "per-device bytes read per second, in the form of /path/to/device,read_bytes_sec,..."),
        STRING("device-write-bytes-sec",
               "per-device bytes wrote per second, in the form of /path/to/device,write_bytes_sec,..."),
        AFFECT),
    .run = run_blkiotune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: any}",
};

/* ---- numatune, perf --------------------------------------------------------------------------------- */

static const char *const numa_modes[] = {"strict", "preferred", "interleave", "restrictive", NULL};

static void show_numa(struct cmd *cmd, const struct params *params)
{
    for (int i = 0; i < params->count; i++) {
        const virTypedParameter *param = &params->all[i];
        if (param->type == VIR_TYPED_PARAM_INT && str_eq(param->field, VIR_DOMAIN_NUMA_MODE))
            field(cmd, param->field, param->field, enum_name(numa_modes, param->value.i));
        else
            field_param(cmd, NULL, param);
    }
}

static const struct tuning numa = {
    .get = virDomainGetNumaParameters,
    .set = virDomainSetNumaParameters,
    .no_count = "Unable to get number of memory parameters",
    .no_get = "Unable to get numa parameters",
    .no_set = "Unable to change numa parameters",
    .show = show_numa,
};

static int run_numatune(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *nodes = NULL, *mode = NULL;
    if (!domain)
        return -1;
    if (cmd_string(cmd, "nodeset", &nodes) < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    if (nodes)
        params_add_string(params, VIR_DOMAIN_NUMA_NODESET, nodes);
    if (cmd_string(cmd, "mode", &mode) < 0)
        return -1;
    if (mode) {
        int value = enum_find(numa_modes, mode);
        if (value < 0 && str_to_i32(mode, &value) < 0)
            return say_error(cmd, "Invalid mode: %s", mode);
        params_add_int(params, VIR_DOMAIN_NUMA_MODE, value);
    }
    return tune(cmd, &numa, domain, NULL, params);
}

const struct command cmd_numatune = {
    "numatune",
    "Get or set numa parameters",
    "Get or set the current numa parameters for a guest domain.\n    To get the numa parameters use "
    "following command: \n\n    virsh # numatune <domain>",
    OPTIONS(DOMAIN(0),
            STRING("mode",
                   "NUMA mode, one of strict, preferred and interleave \nor a number from the "
                   "virDomainNumatuneMemMode enum",
                   .words = "strict,preferred,interleave,restrictive"),
            STRING("nodeset", "NUMA node selections to set"), AFFECT),
    .run = run_numatune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{numa_mode: string?, numa_nodeset: string?}",
};

/* The events of a list, all on or off. */
static int take_events(struct cmd *cmd, const char *option, bool on, struct params *params)
{
    const char *list = NULL;
    if (cmd_string(cmd, option, &list) <= 0)
        return list ? 0 : cmd_has(cmd, option) ? -1 : 0;
    auto_strv char **events = str_split(list, ",");
    for (char **event = events; event && *event; event++)
        params_add_bool(params, *event, on);
    return 0;
}

static void show_events(struct cmd *cmd, const struct params *params)
{
    layout(cmd, LAYOUT_COLON);
    for (int i = 0; i < params->count; i++)
        if (params->all[i].type == VIR_TYPED_PARAM_BOOLEAN)
            field_bool(cmd, params->all[i].field, params->all[i].field, params->all[i].value.b,
                       "enabled/disabled");
}

static int run_perf(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    struct params *params = params_new(cmd, 0);
    unsigned flags = cmd_affect(cmd);
    if (take_events(cmd, "enable", true, params) < 0 || take_events(cmd, "disable", false, params) < 0 ||
        !domain)
        return -1;
    if (params->count) {
        if (virDomainSetPerfEvents(domain, params->all, params->count, flags) < 0)
            return say_error(cmd, "Unable to enable/disable perf events");
        show_events(cmd, params);
        return 0;
    }
    struct params *found = params_new(cmd, 0);
    if (virDomainGetPerfEvents(domain, &found->all, &found->count, flags) < 0)
        return say_error(cmd, "Unable to get perf events");
    show_events(cmd, found);
    return 0;
}

const struct command cmd_perf = {
    "perf",
    "Get or set perf event",
    "Get or set the current perf events for a guest domain.\n    To get the perf events list use following "
    "command: \n\n    virsh # perf <domain>",
    OPTIONS(DOMAIN(0), STRING("enable", "perf events which will be enabled"),
            STRING("disable", "perf events which will be disabled"), AFFECT),
    .run = run_perf,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: boolean}",
};

/* ---- schedinfo -------------------------------------------------------------------------------------- */

/* Give a parameter that the domain has a new value, in the type that it has. 0, or -1 after telling. */
static int sched_set(struct cmd *cmd, struct params *wanted, const virTypedParameter *now, const char *value)
{
    if (virTypedParamsAddFromString(&wanted->all, &wanted->count, &wanted->room, now->field, now->type,
                                    value) < 0)
        return -1;
    return 0;
}

static int sched_one(struct cmd *cmd, const struct params *now, const char *name, const char *value,
                     struct params *wanted)
{
    for (int i = 0; i < now->count; i++)
        if (str_eq(now->all[i].field, name))
            return sched_set(cmd, wanted, &now->all[i], value);
    return say_error(cmd, "invalid scheduler option: %s", name);
}

/* --weight, --cap and name=value words: what the domain has takes a new value. */
static int sched_take(struct cmd *cmd, const struct params *now, struct params *wanted)
{
    static const char *const named[] = {"weight", "cap"};
    for (const char *const *word = cmd_strings(cmd, "set"); *word; word++) {
        const char *equals = strchr(*word, '=');
        if (!equals)
            return say_error(cmd, "Invalid syntax for --set, expecting name=value");
        auto_free char *name = mem_strndup(*word, (size_t)(equals - *word));
        if (sched_one(cmd, now, name, equals + 1, wanted) < 0)
            return -1;
    }
    for (size_t n = 0; n < ARRAY_SIZE(named); n++)
        if (cmd_has(cmd, named[n]) && sched_one(cmd, now, named[n], cmd_raw(cmd, named[n]), wanted) < 0)
            return -1;
    return 0;
}

static int sched_get(struct cmd *cmd, virDomainPtr domain, bool flagged, unsigned flags, int count,
                     struct params **ret)
{
    *ret = params_new(cmd, count);
    int result = flagged ? virDomainGetSchedulerParametersFlags(domain, (*ret)->all, &count, flags)
                         : virDomainGetSchedulerParameters(domain, (*ret)->all, &count);
    (*ret)->count = result < 0 ? 0 : count;
    return result;
}

static int run_schedinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    unsigned flags = cmd_affect(cmd);
    bool flagged = flags || cmd_has(cmd, "current");
    int count = 0;
    char *type = cmd_own_text(cmd, virDomainGetSchedulerType(domain, &count));
    layout(cmd, LAYOUT_COLON);
    if (!type) {
        field(cmd, "scheduler", "Scheduler", "Unknown");
        return -1;
    }
    field(cmd, "scheduler", "Scheduler", type);
    struct params *now, *wanted = params_new(cmd, 0);
    if (!count)
        return 0;
    if (sched_get(cmd, domain, flagged, flags, count, &now) < 0 || sched_take(cmd, now, wanted) < 0)
        return -1;
    if (wanted->count) {
        int result = flagged ? virDomainSetSchedulerParametersFlags(domain, wanted->all, wanted->count, flags)
                             : virDomainSetSchedulerParameters(domain, wanted->all, wanted->count);
        if (result < 0 || sched_get(cmd, domain, flagged, flags, count, &now) < 0)
            return -1;
    }
    show_params(cmd, now);
    return 0;
}

const struct command cmd_schedinfo = {
    "schedinfo",
    "show/set scheduler parameters",
    "Show/Set scheduler parameters.",
    OPTIONS(DOMAIN(0), NUMBER_NAMED("weight", "weight for XEN_CREDIT"),
            NUMBER_NAMED("cap", "cap for XEN_CREDIT"),
            FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "get/set current scheduler info"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "get/set value to be used on next boot"),
            FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "get/set value from running domain"),
            STRINGS("set", "parameter=value")),
    .run = run_schedinfo,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{scheduler: string, *: number}",
};

/* ---- domiftune -------------------------------------------------------------------------------------- */

int take_rates(struct cmd *cmd, const char *option, bool may_clear, unsigned long long ret[RATES])
{
    static const char *const names[RATES] = {"average", "peak", "burst", "floor"};
    const char *text = NULL;
    memset(ret, 0, RATES * sizeof(*ret));
    int given = cmd_string(cmd, option, &text);
    if (given <= 0)
        return given;
    const char *at = text;
    for (size_t i = 0; at; i++) {
        size_t length = strcspn(at, ",");
        uint64_t value = 0;
        if (i == RATES)
            return say_error(cmd, "Rate string '%s' has too many fields", text);
        auto_free char *piece = mem_strndup(at, length);
        if (length && str_to_u64(piece, &value) < 0)
            return say_error(cmd, "field '%s' is malformed", names[i]);
        ret[i] = value;
        at = at[length] ? at + length + 1 : NULL;
    }
    bool in = str_eq(option, "inbound");
    for (size_t i = 0; i < RATES && may_clear; i++)
        if (ret[i] > UINT_MAX)
            return say_error(cmd, "%s rate larger than maximum %u", option, UINT_MAX);
    bool clears = may_clear && !ret[RATE_PEAK] && !ret[RATE_BURST];
    if (in && !ret[RATE_AVERAGE] && !ret[RATE_FLOOR] && !clears)
        return say_error(cmd, "either inbound average or floor is mandatory");
    if (!in && !ret[RATE_AVERAGE] && !clears)
        return say_error(cmd, "outbound average is mandatory");
    if (!in && ret[RATE_FLOOR])
        return say_error(cmd, "outbound floor is unsupported yet");
    return 0;
}

/* One direction as parameters. */
static int take_direction(struct cmd *cmd, const char *option, const char *const fields[RATES],
                          struct params *params)
{
    unsigned long long rates[RATES];
    if (take_rates(cmd, option, true, rates) < 0)
        return -1;
    for (size_t i = 0; i < RATES && cmd_has(cmd, option); i++)
        if (fields[i] && (rates[i] || i == RATE_AVERAGE))
            params_add_uint(params, fields[i], (unsigned)rates[i]);
    return 0;
}

static const struct tuning interface_rates = {
    .device_get = virDomainGetInterfaceParameters,
    .device_set = virDomainSetInterfaceParameters,
    .no_count = "Unable to get number of interface parameters",
    .no_get = "Unable to get interface parameters",
    .no_set = "Unable to set interface parameters",
    .show = show_params,
};

static int run_domiftune(struct cmd *cmd)
{
    static const char *const inbound[RATES] = {VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, VIR_DOMAIN_BANDWIDTH_IN_PEAK,
                                               VIR_DOMAIN_BANDWIDTH_IN_BURST, VIR_DOMAIN_BANDWIDTH_IN_FLOOR};
    static const char *const outbound[RATES] = {VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE,
                                                VIR_DOMAIN_BANDWIDTH_OUT_PEAK, VIR_DOMAIN_BANDWIDTH_OUT_BURST,
                                                NULL};
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    struct params *params = params_new(cmd, 0);
    if (!domain || cmd_string(cmd, "interface", &device) < 0 ||
        take_direction(cmd, "inbound", inbound, params) < 0 ||
        take_direction(cmd, "outbound", outbound, params) < 0)
        return -1;
    return tune(cmd, &interface_rates, domain, device, params);
}

const struct command cmd_domiftune = {
    "domiftune",
    "get/set parameters of a virtual interface",
    "Get/set parameters of a domain's virtual interface.",
    OPTIONS(DOMAIN(0), ARG("interface", "interface device (MAC Address)"),
            STRING("inbound", "control domain's incoming traffics"),
            STRING("outbound", "control domain's outgoing traffics"), AFFECT),
    .run = run_domiftune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: number}",
};
