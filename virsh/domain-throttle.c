/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: limits of a disk's I/O, and groups of disks that share them. */
#include "virsh/tune.h"

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
    .show = tune_show,
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
    return tune_run(cmd, &block_io, domain, device, params);
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
