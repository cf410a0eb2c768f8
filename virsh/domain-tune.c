/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: parameters that are shown when none is given and set when one is: memory, block I/O, NUMA, perf.
 * What is what stands in tables. */
#include <limits.h>

#include "virsh/tune.h"

int tune_take(struct cmd *cmd, const struct tune *row, struct params *params)
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

static int tuning_get(const struct tuning *tuning, virDomainPtr domain, const char *device,
                      virTypedParameterPtr params, int *count, unsigned flags)
{
    if (tuning->device_get)
        return tuning->device_get(domain, device, params, count, flags);
    return tuning->get(domain, params, count, flags);
}

int tune_run(struct cmd *cmd, const struct tuning *tuning, virDomainPtr domain, const char *device,
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

void tune_show(struct cmd *cmd, const struct params *params)
{
    for (int i = 0; i < params->count; i++)
        field_param(cmd, NULL, &params->all[i]);
}

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
    return tune_run(cmd, &memory, domain, NULL, params);
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
    .show = tune_show,
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
    return tune_run(cmd, &blkio, domain, NULL, params);
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
    return tune_run(cmd, &numa, domain, NULL, params);
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
