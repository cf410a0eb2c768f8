/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what they are and how they are. */
#include <time.h>

#include "virsh/domain.h"

const char *domain_xml(struct cmd *cmd, virDomainPtr domain, unsigned flags)
{
    return cmd_own_text(cmd, virDomainGetXMLDesc(domain, flags));
}

/* ---- names ------------------------------------------------------------------------------------------ */

static int run_domid(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain_by(cmd, BY_NAME | BY_UUID);
    if (!domain)
        return -1;
    unsigned id = virDomainGetID(domain);
    layout(cmd, LAYOUT_VALUE);
    if (id == (unsigned)-1)
        field_as(cmd, "id", NULL, "null", "-");
    else
        field_u64(cmd, "id", NULL, id, NULL);
    return 0;
}

const struct command cmd_domid = {
    "domid",
    "convert a domain name or UUID to domain id",
    NULL,
    OPTIONS(ARG("domain", "domain name or uuid")),
    .run = run_domid,
    .json = "{id: number?}",
};

static int run_domname(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain_by(cmd, BY_ID | BY_UUID);
    if (!domain)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "name", NULL, virDomainGetName(domain));
    return 0;
}

const struct command cmd_domname = {
    "domname",
    "convert a domain id or UUID to domain name",
    NULL,
    OPTIONS(ARG("domain", "domain id or uuid")),
    .run = run_domname,
    .json = "{name: string}",
};

static int run_domuuid(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain_by(cmd, BY_ID | BY_NAME);
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (!domain)
        return -1;
    if (virDomainGetUUIDString(domain, uuid) < 0)
        return say_error(cmd, "failed to get domain UUID");
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "uuid", NULL, uuid);
    return 0;
}

const struct command cmd_domuuid = {
    "domuuid",
    "convert a domain name or id to domain UUID",
    NULL,
    OPTIONS(ARG("domain", "domain id or name")),
    .run = run_domuuid,
    .json = "{uuid: string}",
};

const struct command cmd_dumpxml = {
    "dumpxml",
    "domain information in XML",
    "Output the domain information as an XML dump to stdout.",
    OPTIONS(
        DOMAIN(0), FLAG("inactive", VIR_DOMAIN_XML_INACTIVE, "show inactive defined XML"),
        FLAG("security-info", VIR_DOMAIN_XML_SECURE, "include security sensitive information in XML dump"),
        FLAG("update-cpu", VIR_DOMAIN_XML_UPDATE_CPU, "update guest CPU according to host CPU"),
        FLAG("migratable", VIR_DOMAIN_XML_MIGRATABLE, "provide XML suitable for migrations"),
        STRING_NAMED("xpath", "xpath expression to filter the XML document"),
        FLAG("wrap", 0, "wrap xpath results in an common root element")),
    DUMPXML(domain, virDomainGetXMLDesc),
};

/* ---- dominfo ---------------------------------------------------------------------------------------- */

static void info_security(struct cmd *cmd, virDomainPtr domain)
{
    virSecurityModel model;
    if (virNodeGetSecurityModel(cmd_conn(cmd), &model) < 0 || !*model.model)
        return;
    field(cmd, "security_model", "Security model:", model.model);
    field(cmd, "security_doi", "Security DOI:", model.doi);
    virSecurityLabel label = {0};
    if (virDomainGetID(domain) == (unsigned)-1 || virDomainGetSecurityLabel(domain, &label) < 0 ||
        !*label.label)
        return;
    const char *how = label.enforcing ? "enforcing" : "permissive";
    auto_free char *text = mem_printf("%s (%s)", label.label, how);
    field(cmd, "security_label", "Security label:", text);
}

static void info_messages(struct cmd *cmd, virDomainPtr domain)
{
    char **messages = NULL;
    int count = virDomainGetMessages(domain, &messages, 0);
    if (count > 0)
        open_array(cmd, "messages");
    for (int i = 0; i < count; i++) {
        field(cmd, NULL, i ? "" : "Messages:", messages[i]);
        free(messages[i]);
    }
    if (count > 0)
        close_one(cmd);
    free(messages);
}

static void info_use(struct cmd *cmd, const virDomainInfo *info)
{
    field(cmd, "state", "State:", domain_state_word(info->state));
    field_u64(cmd, "cpus", "CPU(s):", info->nrVirtCpu, NULL);
    if (info->cpuTime) {
        auto_free char *seconds = mem_printf("%.1lf", (double)info->cpuTime / 1e9),
                       *text = mem_printf("%ss", seconds);
        field_as(cmd, "cpu_seconds", "CPU time:", seconds, text);
    }
    if (info->maxMem == (unsigned)-1)
        field_as(cmd, "max_memory_kib", "Max memory:", "null", "no limit");
    else
        field_u64(cmd, "max_memory_kib", "Max memory:", info->maxMem, " KiB");
    field_u64(cmd, "used_memory_kib", "Used memory:", info->memory, " KiB");
}

static int run_dominfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    unsigned id = virDomainGetID(domain);
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (id == (unsigned)-1)
        field_as(cmd, "id", "Id:", "null", "-");
    else
        field_u64(cmd, "id", "Id:", id, NULL);
    field(cmd, "name", "Name:", virDomainGetName(domain));
    if (virDomainGetUUIDString(domain, uuid) == 0)
        field(cmd, "uuid", "UUID:", uuid);
    char *os = cmd_own_text(cmd, virDomainGetOSType(domain));
    if (os)
        field(cmd, "os_type", "OS Type:", os);
    virDomainInfo info;
    if (virDomainGetInfo(domain, &info) < 0)
        return -1;
    info_use(cmd, &info);
    int persistent = virDomainIsPersistent(domain), autostart, saved;
    if (persistent < 0)
        field(cmd, "persistent", "Persistent:", "unknown");
    else
        field_bool(cmd, "persistent", "Persistent:", persistent, "yes/no");
    if (virDomainGetAutostart(domain, &autostart) == 0)
        field_bool(cmd, "autostart", "Autostart:", autostart, "enable/disable");
    saved = virDomainHasManagedSaveImage(domain, 0);
    if (saved < 0)
        field(cmd, "managed_save", "Managed save:", "unknown");
    else
        field_bool(cmd, "managed_save", "Managed save:", saved, "yes/no");
    info_security(cmd, domain);
    info_messages(cmd, domain);
    return 0;
}

const struct command cmd_dominfo = {
    "dominfo",
    "domain information",
    "Returns basic information about the domain.",
    OPTIONS(DOMAIN(0)),
    .run = run_dominfo,
    .json = "{id: number?, name: string, uuid: string, os_type: string?, state: string, cpus: number, "
            "cpu_seconds: number?, max_memory_kib: number?, used_memory_kib: number, persistent: boolean, "
            "autostart: boolean?, managed_save: boolean, security_model: string?, security_doi: string?, "
            "security_label: string?, messages: [string]?}",
};

static int run_domstate(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int state, reason;
    if (!domain || virDomainGetState(domain, &state, &reason, 0) < 0)
        return -1;
    const char *word = domain_state_word(state), *why = domain_reason_word(state, reason);
    layout(cmd, LAYOUT_NONE);
    field(cmd, "state", NULL, word);
    field(cmd, "reason", NULL, why);
    if (cmd_has(cmd, "reason"))
        print(cmd, "%s (%s)\n", word, why);
    else
        print(cmd, "%s\n", word);
    return 0;
}

const struct command cmd_domstate = {
    "domstate",
    "domain state",
    "Returns state about a domain.",
    OPTIONS(DOMAIN(0), FLAG("reason", 0, "also print reason for the state")),
    .run = run_domstate,
    .json = "{state: string, reason: string}",
};

static int run_domcontrol(struct cmd *cmd)
{
    static const char *const words[] = {"ok", "background job", "occupied", "error", NULL};
    static const char *const details[] = {"", "unknown", "monitor failure", "internal (locking) error", NULL};
    virDomainPtr domain = cmd_domain(cmd);
    virDomainControlInfo info;
    if (!domain || virDomainGetControlInfo(domain, &info, 0) < 0)
        return -1;
    const char *word = enum_name(words, (int)info.state), *detail = enum_name(details, (int)info.details);
    layout(cmd, LAYOUT_NONE);
    field(cmd, "state", NULL, *word ? word : "unknown");
    if (info.state == VIR_DOMAIN_CONTROL_ERROR) {
        field(cmd, "details", NULL, detail);
        print(cmd, "%s: %s\n", word, detail);
    } else if (info.state != VIR_DOMAIN_CONTROL_OK) {
        field_u64(cmd, "milliseconds", NULL, info.stateTime, NULL);
        print(cmd, "%s (%0.3fs)\n", word, (double)info.stateTime / 1000);
    } else {
        print(cmd, "%s\n", word);
    }
    return 0;
}

const struct command cmd_domcontrol = {
    "domcontrol",
    "domain control interface state",
    "Returns state of a control interface to the domain.",
    OPTIONS(DOMAIN(0)),
    .run = run_domcontrol,
    .json = "{state: string, details: string?, milliseconds: number?}",
};

/* ---- domtime ---------------------------------------------------------------------------------------- */

static int show_time(struct cmd *cmd, virDomainPtr domain)
{
    long long seconds;
    unsigned nanoseconds;
    if (virDomainGetTime(domain, &seconds, &nanoseconds, 0) < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    field_number(cmd, "seconds", NULL, seconds, NULL);
    field_u64(cmd, "nanoseconds", NULL, nanoseconds, NULL);
    if (!cmd_has(cmd, "pretty")) {
        print(cmd, "Time: %lld", seconds);
        return 0;
    }
    char text[64];
    time_t when = (time_t)seconds;
    struct tm tm;
    gmtime_r(&when, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    print(cmd, "Time: %s", text);
    return 0;
}

static int run_domtime(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    long long seconds = 0;
    bool now = cmd_has(cmd, "now"), sync = cmd_has(cmd, "sync");
    if (!domain)
        return -1;
    int given = cmd_i64(cmd, "time", &seconds);
    if (given < 0)
        return -1;
    if (!given && !now && !sync)
        return show_time(cmd, domain);
    if (now)
        seconds = (long long)time(NULL);
    return virDomainSetTime(domain, seconds, 0, sync ? VIR_DOMAIN_TIME_SYNC : 0);
}

const struct command cmd_domtime = {
    "domtime",
    "domain time",
    "Gets or sets the domain's system time",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING),
            FLAG("now", 0, "set to the time of the host running virsh"),
            FLAG("pretty", 0, "print domain's time in human readable form"),
            FLAG("sync", 0, "instead of setting given time, synchronize from domain's RTC"),
            NUMBER("time", "time to set")),
    .run = run_domtime,
    .conflicts = "time now, time sync, now sync",
    .json = "{seconds: number?, nanoseconds: number?}",
};

/* ---- memory ----------------------------------------------------------------------------------------- */

static int run_dommemstat(struct cmd *cmd)
{
    static const char *const tags[] = {
        "swap_in", "swap_out", "major_fault", "minor_fault", "unused",          "available",      "actual",
        "rss",     "usable",   "last_update", "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail", NULL,
    };
    virDomainPtr domain = cmd_domain(cmd);
    int period = -1;
    if (!domain)
        return -1;
    int given = cmd_int(cmd, "period", &period);
    if (given < 0)
        return -1;
    if (given && period < 0)
        return say_error(cmd, "Invalid collection period value '%d'", period);
    if (given) {
        if (virDomainSetMemoryStatsPeriod(domain, period, cmd_affect(cmd)) < 0)
            return say_error(cmd, "Unable to change balloon collection period.");
        return 0;
    }
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    int count = virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
    if (count < 0)
        return say_error(cmd, "Failed to get memory statistics for domain %s", virDomainGetName(domain));
    layout(cmd, LAYOUT_BARE);
    for (int i = 0; i < count; i++) {
        const char *tag = enum_name(tags, stats[i].tag);
        if (*tag)
            field_u64(cmd, tag, tag, stats[i].val, NULL);
    }
    return 0;
}

const struct command cmd_dommemstat = {
    "dommemstat",
    "get memory statistics for a domain",
    "Get memory statistics for a running domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING),
            NUMBER_NAMED("period", "period in seconds to set collection"), AFFECT),
    .run = run_dommemstat,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: number}",
};

static int run_domdirtyrate_calc(struct cmd *cmd)
{
    static const char *const modes[] = {"page-sampling", "dirty-bitmap", "dirty-ring", NULL};
    static const unsigned bits[] = {VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
                                    VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
                                    VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING};
    virDomainPtr domain = cmd_domain(cmd);
    int seconds = 1;
    const char *mode_name = NULL;
    if (!domain || cmd_int(cmd, "seconds", &seconds) < 0 || cmd_string(cmd, "mode", &mode_name) < 0)
        return -1;
    int mode = mode_name ? enum_find(modes, mode_name) : 0;
    if (mode < 0)
        return say_error(cmd, "Unknown calculation mode '%s'", mode_name);
    if (virDomainStartDirtyRateCalc(domain, seconds, mode_name ? bits[mode] : 0) < 0)
        return -1;
    say(cmd, "Start to calculate domain's memory dirty rate successfully.\n");
    return 0;
}

const struct command cmd_domdirtyrate_calc = {
    "domdirtyrate-calc",
    "Calculate a vm's memory dirty rate",
    "Calculate memory dirty rate of a domain in order to decide whether it's proper to be migrated out or "
    "not.\nThe calculated dirty rate information is available by calling 'domstats --dirtyrate'.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER("seconds", "calculate memory dirty rate within specified seconds, the supported value "
                              "range from 1 to 60, default to 1."),
            STRING("mode",
                   "dirty page rate calculation mode, either of these 3 options 'page-sampling, "
                   "dirty-bitmap, dirty-ring' can be specified.",
                   0, NULL, "page-sampling,dirty-bitmap,dirty-ring")),
    .run = run_domdirtyrate_calc,
};
