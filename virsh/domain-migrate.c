/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migrate: to another host, and the job behind that. Options become parameters by a table. */
#include <limits.h>
#include <stdio.h>

#include "virsh/domain.h"

/* ---- migrate ---------------------------------------------------------------------------------------- */

enum migrate_kind { PARAM_TEXT, PARAM_FILE, PARAM_LIST, PARAM_INT, PARAM_U64 };

static const struct {
    const char *option, *param;
    enum migrate_kind kind;
} migrate_params[] = {
    {"migrateuri", VIR_MIGRATE_PARAM_URI, PARAM_TEXT},
    {"graphicsuri", VIR_MIGRATE_PARAM_GRAPHICS_URI, PARAM_TEXT},
    {"listen-address", VIR_MIGRATE_PARAM_LISTEN_ADDRESS, PARAM_TEXT},
    {"dname", VIR_MIGRATE_PARAM_DEST_NAME, PARAM_TEXT},
    {"disks-port", VIR_MIGRATE_PARAM_DISKS_PORT, PARAM_INT},
    {"disks-uri", VIR_MIGRATE_PARAM_DISKS_URI, PARAM_TEXT},
    {"migrate-disks", VIR_MIGRATE_PARAM_MIGRATE_DISKS, PARAM_LIST},
    {"migrate-disks-detect-zeroes", VIR_MIGRATE_PARAM_MIGRATE_DISKS_DETECT_ZEROES, PARAM_LIST},
    {"migrate-disks-target-zero", VIR_MIGRATE_PARAM_MIGRATE_DISKS_TARGET_ZERO, PARAM_LIST},
    {"comp-methods", VIR_MIGRATE_PARAM_COMPRESSION, PARAM_LIST},
    {"comp-mt-level", VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL, PARAM_INT},
    {"comp-mt-threads", VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS, PARAM_INT},
    {"comp-mt-dthreads", VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS, PARAM_INT},
    {"comp-zlib-level", VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL, PARAM_INT},
    {"comp-zstd-level", VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL, PARAM_INT},
    {"comp-xbzrle-cache", VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, PARAM_U64},
    {"xml", VIR_MIGRATE_PARAM_DEST_XML, PARAM_FILE},
    {"persistent-xml", VIR_MIGRATE_PARAM_PERSIST_XML, PARAM_FILE},
    {"auto-converge-initial", VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL, PARAM_INT},
    {"auto-converge-increment", VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT, PARAM_INT},
    {"bandwidth", VIR_MIGRATE_PARAM_BANDWIDTH, PARAM_U64},
    {"postcopy-bandwidth", VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, PARAM_U64},
    {"available-switchover-bandwidth", VIR_MIGRATE_PARAM_BANDWIDTH_AVAIL_SWITCHOVER, PARAM_U64},
    {"parallel-connections", VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, PARAM_INT},
    {"tls-destination", VIR_MIGRATE_PARAM_TLS_DESTINATION, PARAM_TEXT},
};

static int take_param(struct cmd *cmd, size_t row, struct params *params)
{
    const char *option = migrate_params[row].option, *param = migrate_params[row].param, *text = NULL;
    unsigned long long number = 0;
    int value = 0, given;
    switch (migrate_params[row].kind) {
    case PARAM_TEXT:
        if ((given = cmd_string(cmd, option, &text)) > 0)
            params_add_string(params, param, text);
        return given;
    case PARAM_FILE:
        if (!cmd_has(cmd, option))
            return 0;
        if (!(text = cmd_file(cmd, option)))
            return say_error(cmd, "cannot read file '%s'", cmd_raw(cmd, option));
        params_add_string(params, param, text);
        return 0;
    case PARAM_LIST:
        if ((given = cmd_string(cmd, option, &text)) > 0) {
            auto_strv char **words = str_split(text, ",");
            for (char **word = words; word && *word; word++)
                params_add_string(params, param, *word);
        }
        return given;
    case PARAM_INT:
        if ((given = cmd_int(cmd, option, &value)) > 0)
            params_add_int(params, param, value);
        return given;
    default:
        if ((given = cmd_u64(cmd, option, &number)) > 0)
            params_add_u64(params, param, number);
        return given;
    }
}

struct migration {
    virDomainPtr domain;
    const char *to;
    virConnectPtr there; /* not by_source */
    bool by_source;      /* peer to peer or direct: the source does it all */
    unsigned flags;
    struct params *params;
    int iterations; /* callback, -1: none */
};

static int migrate(struct cmd *cmd, void *data)
{
    struct migration *migration = data;
    struct params *params = migration->params;
    if (migration->by_source)
        return virDomainMigrateToURI3(migration->domain, migration->to, params->all, (unsigned)params->count,
                                      migration->flags);
    virDomainPtr moved = virDomainMigrate3(migration->domain, migration->there, params->all,
                                           (unsigned)params->count, migration->flags);
    if (moved)
        virDomainFree(moved);
    return moved ? 0 : -1;
}

static void on_timeout(struct cmd *cmd, void *data)
{
    struct migration *migration = data;
    bool postcopy = cmd_has(cmd, "timeout-postcopy");
    int result =
        postcopy ? virDomainMigrateStartPostCopy(migration->domain, 0) : virDomainSuspend(migration->domain);
    if (result < 0)
        say_error(cmd, postcopy ? "switching to post-copy failed" : "suspending domain failed");
}

/* After the first pass over memory the rest may follow by demand. */
static void on_iteration(virConnectPtr conn, virDomainPtr domain, int iteration, void *data)
{
    if (iteration == 2)
        virDomainMigrateStartPostCopy(domain, 0);
}

static int check(struct cmd *cmd, struct migration *migration, int *ret_timeout)
{
    int limited =
        str_eq(cmd_raw(cmd, "timeout"), "0") ? 0 : cmd_timeout(cmd, "timeout", ret_timeout); /* 0: none */
    if (!limited && (cmd_has(cmd, "timeout-suspend") || cmd_has(cmd, "timeout-postcopy")))
        return say_error(cmd, "migrate: Unexpected --timeout-* option without --timeout");
    if (limited > 0 && !cmd_has(cmd, "live"))
        return say_error(cmd, "migrate: Unexpected timeout for offline migration");
    return limited < 0 || cmd_string(cmd, "desturi", &migration->to) < 0 ? -1 : 0;
}

static void close_connection(void *conn)
{
    virConnectClose(conn);
}

static int run_migrate(struct cmd *cmd)
{
    struct migration migration = {
        .domain = cmd_domain(cmd), .flags = cmd_flags(cmd), .iterations = -1, .params = params_new(cmd, 0)};
    int timeout = 0;
    if (!migration.domain || check(cmd, &migration, &timeout) < 0)
        return -1;
    migration.by_source = cmd_has(cmd, "p2p") || cmd_has(cmd, "direct");
    if (!migration.by_source) {
        migration.there = virConnectOpenAuth(migration.to, virConnectAuthPtrDefault, 0);
        if (!cmd_own(cmd, migration.there, close_connection))
            return -1;
    }
    if (cmd_has(cmd, "copy-storage-synchronous-writes") && !cmd_has(cmd, "copy-storage-all") &&
        !cmd_has(cmd, "copy-storage-inc"))
        return say_error(
            cmd,
            "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', 'copy-storage-inc'");
    for (size_t row = 0; row < ARRAY_SIZE(migrate_params); row++)
        if (take_param(cmd, row, migration.params) < 0)
            return -1;
    virConnectPtr conn = cmd_conn(cmd);
    if (cmd_has(cmd, "postcopy-after-precopy")) {
        migration.iterations =
            virConnectDomainEventRegisterAny(conn, migration.domain, VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
                                             VIR_DOMAIN_EVENT_CALLBACK(on_iteration), NULL, NULL);
        if (migration.iterations < 0)
            return -1;
        need_events(cmd);
    }
    const struct job job = {migration.domain, "Migration",       migrate,
                            &migration,       (unsigned)timeout, on_timeout};
    int result = job_run(cmd, &job);
    if (migration.iterations >= 0)
        virConnectDomainEventDeregisterAny(conn, migration.iterations);
    return result;
}

const struct command cmd_migrate = {
    "migrate",
    "migrate domain to another host",
    "Migrate domain to another host.  Add --live for live migration.",
    OPTIONS(
        DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
        ARG("desturi", "connection URI of the destination host as seen from the client(normal migration) or "
                       "source(p2p migration)"),
        FLAG("live", VIR_MIGRATE_LIVE, "live migration"),
        FLAG("offline", VIR_MIGRATE_OFFLINE, "offline migration"),
        FLAG("p2p", VIR_MIGRATE_PEER2PEER, "peer-2-peer migration"), FLAG("direct", 0, "direct migration"),
        FLAG("tunnelled", VIR_MIGRATE_TUNNELLED, "tunnelled migration"),
        FLAG("persistent", VIR_MIGRATE_PERSIST_DEST, "persist VM on destination"),
        FLAG("undefinesource", VIR_MIGRATE_UNDEFINE_SOURCE, "undefine VM on source"),
        FLAG("suspend", VIR_MIGRATE_PAUSED, "do not restart the domain on the destination host"),
        FLAG("copy-storage-all", VIR_MIGRATE_NON_SHARED_DISK,
             "migration with non-shared storage with full disk copy"),
        FLAG("copy-storage-inc", VIR_MIGRATE_NON_SHARED_INC,
             "migration with non-shared storage with incremental copy (same base image shared between source "
             "and destination)"),
        FLAG("copy-storage-synchronous-writes", VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES,
             "force guest disk writes to be synchronously written to the destination to improve storage "
             "migration convergence"),
        FLAG("change-protection", VIR_MIGRATE_CHANGE_PROTECTION,
             "prevent any configuration changes to domain until migration ends"),
        FLAG("unsafe", VIR_MIGRATE_UNSAFE, "force migration even if it may be unsafe"),
        FLAG("verbose", 0, "display the progress of migration"),
        FLAG("compressed", VIR_MIGRATE_COMPRESSED, "compress repeated pages during live migration"),
        FLAG("auto-converge", VIR_MIGRATE_AUTO_CONVERGE, "force convergence during live migration"),
        FLAG("rdma-pin-all", VIR_MIGRATE_RDMA_PIN_ALL, "pin all memory before starting RDMA live migration"),
        FLAG("abort-on-error", VIR_MIGRATE_ABORT_ON_ERROR, "abort on soft errors during migration"),
        FLAG("postcopy", VIR_MIGRATE_POSTCOPY,
             "enable post-copy migration; switch to it using migrate-postcopy command"),
        FLAG("postcopy-after-precopy", 0,
             "automatically switch to post-copy migration after one pass of pre-copy"),
        FLAG("postcopy-resume", VIR_MIGRATE_POSTCOPY_RESUME, "resume failed post-copy migration"),
        FLAG("zerocopy", VIR_MIGRATE_ZEROCOPY, "use zero-copy mechanism for migrating memory pages"),
        STRING("migrateuri", "migration URI, usually can be omitted"),
        STRING("graphicsuri", "graphics URI to be used for seamless graphics migration"),
        STRING("listen-address", "listen address that destination should bind to for incoming migration"),
        STRING("dname", "rename to new name during migration (if supported)"),
        NUMBER("timeout", "run action specified by --timeout-* option (suspend by default) if live migration "
                          "exceeds timeout (in seconds)"),
        FLAG("timeout-suspend", 0, "suspend the guest after timeout"),
        FLAG("timeout-postcopy", 0, "switch to post-copy after timeout"),
        STRING("xml", "filename containing updated XML for the target", 0, complete_file),
        STRING("migrate-disks", "comma separated list of disks to be migrated"),
        NUMBER("disks-port", "port to use by target server for incoming disks migration"),
        STRING("disks-uri", "URI to use for disks migration (overrides --disks-port)"),
        STRING("comp-methods", "comma separated list of compression methods to be used"),
        NUMBER("comp-mt-level", "compress level for multithread compression"),
        NUMBER("comp-mt-threads", "number of compression threads for multithread compression"),
        NUMBER("comp-mt-dthreads", "number of decompression threads for multithread compression"),
        NUMBER("comp-xbzrle-cache", "page cache size for xbzrle compression"),
        NUMBER("auto-converge-initial", "initial CPU throttling rate for auto-convergence"),
        NUMBER("auto-converge-increment", "CPU throttling rate increment for auto-convergence"),
        STRING("persistent-xml", "filename containing updated persistent XML for the target", 0,
               complete_file),
        FLAG("tls", VIR_MIGRATE_TLS, "use TLS for migration"),
        NUMBER("postcopy-bandwidth", "post-copy migration bandwidth limit in MiB/s"),
        FLAG("parallel", VIR_MIGRATE_PARALLEL, "enable parallel migration"),
        NUMBER("parallel-connections", "number of connections for parallel migration"),
        NUMBER("bandwidth", "migration bandwidth limit in MiB/s"),
        STRING("tls-destination", "override the destination host name used for TLS verification"),
        STRING_NEW("migrate-disks-detect-zeroes", ""), STRING_NEW("migrate-disks-target-zero", ""),
        NUMBER_NEW("comp-zlib-level", ""), NUMBER_NEW("comp-zstd-level", ""),
        NUMBER_NEW("available-switchover-bandwidth", ""), ALIAS("tunneled", "tunnelled")),
    .run = run_migrate,
    .conflicts = "live offline, timeout-suspend timeout-postcopy",
    .requires = "postcopy-after-precopy postcopy, timeout-postcopy postcopy, postcopy-resume postcopy, "
                "persistent-xml persistent, tls-destination tls",
    .json = "",
};

/* ---- its limits ------------------------------------------------------------------------------------- */

static int run_migrate_setmaxdowntime(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    long long downtime = 0;
    if (!domain || cmd_i64(cmd, "downtime", &downtime) < 0)
        return -1;
    if (downtime < 1)
        return say_error(cmd, "migrate: Invalid downtime");
    return virDomainMigrateSetMaxDowntime(domain, (unsigned long long)downtime, 0);
}

const struct command cmd_migrate_setmaxdowntime = {
    "migrate-setmaxdowntime",
    "set maximum tolerable downtime",
    "Set maximum tolerable downtime of a domain which is being live-migrated to another host.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            ARG_NUMBER("downtime", "maximum tolerable downtime (in milliseconds) for migration")),
    .run = run_migrate_setmaxdowntime,
    .json = "",
};

static int run_migrate_getmaxdowntime(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long long downtime;
    if (!domain || virDomainMigrateGetMaxDowntime(domain, &downtime, 0) < 0)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field_u64(cmd, "milliseconds", NULL, downtime, NULL);
    return 0;
}

const struct command cmd_migrate_getmaxdowntime = {
    "migrate-getmaxdowntime",
    "get maximum tolerable downtime",
    "Get maximum tolerable downtime of a domain which is being live-migrated to another host.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_migrate_getmaxdowntime,
    .json = "{milliseconds: number}",
};

static int run_migrate_setspeed(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long bandwidth = 0;
    if (!domain || cmd_ulong_wrap(cmd, "bandwidth", &bandwidth) < 0)
        return -1;
    return virDomainMigrateSetMaxSpeed(domain, bandwidth, cmd_flags(cmd));
}

const struct command cmd_migrate_setspeed = {
    "migrate-setspeed",
    "Set the maximum migration bandwidth",
    "Set the maximum migration bandwidth (in MiB/s) for a domain which is being migrated to another host.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("bandwidth", "migration bandwidth limit in MiB/s"),
            FLAG("postcopy", VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY, "set post-copy migration bandwidth")),
    .run = run_migrate_setspeed,
    .json = "",
};

static int run_migrate_getspeed(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long bandwidth;
    if (!domain || virDomainMigrateGetMaxSpeed(domain, &bandwidth, cmd_flags(cmd)) < 0)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field_u64(cmd, "mib_per_second", NULL, bandwidth, NULL);
    return 0;
}

const struct command cmd_migrate_getspeed = {
    "migrate-getspeed",
    "Get the maximum migration bandwidth",
    "Get the maximum migration bandwidth (in MiB/s) for a domain.",
    OPTIONS(DOMAIN(0),
            FLAG("postcopy", VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY, "get post-copy migration bandwidth")),
    .run = run_migrate_getspeed,
    .json = "{mib_per_second: number}",
};

static int run_migrate_compcache(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long long size = 0;
    const char *unit;
    int given = domain ? cmd_u64(cmd, "size", &size) : -1;
    if (given < 0 || (given && virDomainMigrateSetCompressionCache(domain, size, 0) < 0) ||
        virDomainMigrateGetCompressionCache(domain, &size, 0) < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    field_u64(cmd, "bytes", NULL, size, NULL);
    double value = pretty_size(size, &unit);
    print(cmd, "Compression cache: %.3lf %s", value, unit);
    return 0;
}

const struct command cmd_migrate_compcache = {
    "migrate-compcache",
    "get/set compression cache size",
    "Get/set size of the cache (in bytes) used for compressing repeatedly transferred memory pages during "
    "live migration.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER_NAMED("size", "requested size of the cache (in bytes) used for compression")),
    .run = run_migrate_compcache,
    .json = "{bytes: number}",
};

const struct command cmd_migrate_postcopy = {
    "migrate-postcopy",
    "Switch running migration from pre-copy to post-copy",
    "Switch running migration from pre-copy to post-copy. The migration must have been started with "
    "--postcopy option.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    ACTION_FLAGS(domain, virDomainMigrateStartPostCopy),
    .done = "",
    .json = "",
};

const struct command cmd_domjobabort = {
    "domjobabort",
    "abort active domain job",
    "Aborts the currently running domain job",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("postcopy", VIR_DOMAIN_ABORT_JOB_POSTCOPY, "interrupt post-copy migration")),
    ACTION_EITHER(domain, virDomainAbortJob, virDomainAbortJobFlags),
    .done = "",
    .json = "",
};

/* ---- domjobinfo ------------------------------------------------------------------------------------- */

static const char *const job_types[] = {"None",   "Bounded",   "Unbounded", "Completed",
                                        "Failed", "Cancelled", NULL};
static const char *const job_operations[] = {
    "Unknown",  "Start",           "Save", "Restore", "Incoming migration", "Outgoing migration",
    "Snapshot", "Snapshot revert", "Dump", "Backup",  "Snapshot delete",    NULL,
};

/* How a statistic is shown; those of one triple are shown when any of the three isn't zero. */
enum stat_kind { STAT_MS, STAT_SIZE, STAT_RATE, STAT_PAGES, STAT_BYTES, STAT_COUNT, STAT_COUNT13, STAT_TEXT };

static const struct job_stat {
    const char *field, *label;
    enum stat_kind kind;
    char triple;
} job_stats[] = {
    {VIR_DOMAIN_JOB_TIME_ELAPSED, "Time elapsed:", STAT_MS, 0},
    {VIR_DOMAIN_JOB_TIME_ELAPSED_NET, "Time elapsed w/o network:", STAT_MS, 0},
    {VIR_DOMAIN_JOB_TIME_REMAINING, "Time remaining:", STAT_MS, 'b'},
    {VIR_DOMAIN_JOB_DATA_PROCESSED, "Data processed:", STAT_SIZE, 'd'},
    {VIR_DOMAIN_JOB_DATA_REMAINING, "Data remaining:", STAT_SIZE, 'd'},
    {VIR_DOMAIN_JOB_DATA_TOTAL, "Data total:", STAT_SIZE, 'd'},
    {VIR_DOMAIN_JOB_MEMORY_PROCESSED, "Memory processed:", STAT_SIZE, 'm'},
    {VIR_DOMAIN_JOB_MEMORY_REMAINING, "Memory remaining:", STAT_SIZE, 'm'},
    {VIR_DOMAIN_JOB_MEMORY_TOTAL, "Memory total:", STAT_SIZE, 'm'},
    {VIR_DOMAIN_JOB_MEMORY_BPS, "Memory bandwidth:", STAT_RATE, 'z'},
    {VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, "Dirty rate:", STAT_PAGES, 0},
    {VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE, "Page size:", STAT_BYTES, 0},
    {VIR_DOMAIN_JOB_MEMORY_ITERATION, "Iteration:", STAT_COUNT, 0},
    {VIR_DOMAIN_JOB_MEMORY_POSTCOPY_REQS, "Postcopy requests:", STAT_COUNT, 0},
    {VIR_DOMAIN_JOB_DISK_PROCESSED, "File processed:", STAT_SIZE, 'f'},
    {VIR_DOMAIN_JOB_DISK_REMAINING, "File remaining:", STAT_SIZE, 'f'},
    {VIR_DOMAIN_JOB_DISK_TOTAL, "File total:", STAT_SIZE, 'f'},
    {VIR_DOMAIN_JOB_DISK_BPS, "File bandwidth:", STAT_RATE, 'z'},
    {VIR_DOMAIN_JOB_MEMORY_CONSTANT, "Constant pages:", STAT_COUNT, 0},
    {VIR_DOMAIN_JOB_MEMORY_NORMAL, "Normal pages:", STAT_COUNT, 0},
    {VIR_DOMAIN_JOB_MEMORY_NORMAL_BYTES, "Normal data:", STAT_SIZE, 0},
    {VIR_DOMAIN_JOB_DOWNTIME, NULL, STAT_MS, 0},
    {VIR_DOMAIN_JOB_DOWNTIME_NET, "Downtime w/o network:", STAT_MS, 0},
    {VIR_DOMAIN_JOB_SETUP_TIME, "Setup time:", STAT_MS, 0},
    {VIR_DOMAIN_JOB_COMPRESSION_CACHE, "Compression cache:", STAT_SIZE, 0},
    {VIR_DOMAIN_JOB_COMPRESSION_BYTES, "Compressed data:", STAT_SIZE, 0},
    {VIR_DOMAIN_JOB_COMPRESSION_PAGES, "Compressed pages:", STAT_COUNT13, 0},
    {VIR_DOMAIN_JOB_COMPRESSION_CACHE_MISSES, "Compression cache misses:", STAT_COUNT13, 0},
    {VIR_DOMAIN_JOB_COMPRESSION_OVERFLOW, "Compression overflows:", STAT_COUNT13, 0},
    {VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, "Auto converge throttle:", STAT_COUNT13, 0},
    {VIR_DOMAIN_JOB_DISK_TEMP_USED, "Temporary disk space use:", STAT_SIZE, 0},
    {VIR_DOMAIN_JOB_DISK_TEMP_TOTAL, "Temporary disk space total:", STAT_SIZE, 0},
    {VIR_DOMAIN_JOB_ERRMSG, "Error message:", STAT_TEXT, 0},
};

static const virTypedParameter *stat_find(const struct params *params, const char *name)
{
    for (int i = 0; i < params->count; i++)
        if (str_eq(params->all[i].field, name))
            return &params->all[i];
    return NULL;
}

static unsigned long long stat_number(struct cmd *cmd, const struct params *params, const char *name)
{
    const virTypedParameter *param = stat_find(params, name);
    return param ? strtoull(param_text(cmd, param), NULL, 10) : 0;
}

/* Is a row of this triple worth a line? */
static bool is_told(struct cmd *cmd, const struct params *params, const struct job_stat *row, int type)
{
    if (row->triple == 'b')
        return type == VIR_DOMAIN_JOB_BOUNDED;
    if (row->triple == 'z')
        return stat_number(cmd, params, row->field);
    bool any = !row->triple;
    for (size_t i = 0; i < ARRAY_SIZE(job_stats) && !any; i++)
        any = job_stats[i].triple == row->triple && stat_number(cmd, params, job_stats[i].field);
    return any;
}

static void print_stat(struct cmd *cmd, const struct job_stat *row, const char *label, const char *text)
{
    unsigned long long value = strtoull(text, NULL, 10);
    const char *unit;
    double size = pretty_size(value, &unit);
    switch (row->kind) {
    case STAT_MS:
        print(cmd, "%-17s %-12llu ms\n", label, value);
        break;
    case STAT_SIZE:
        print(cmd, "%-17s %-.3lf %s\n", label, size, unit);
        break;
    case STAT_RATE:
        print(cmd, "%-17s %-.3lf %s/s\n", label, size, unit);
        break;
    case STAT_PAGES:
        print(cmd, "%-17s %-12llu pages/s\n", label, value);
        break;
    case STAT_BYTES:
        print(cmd, "%-17s %-12llu bytes\n", label, value);
        break;
    case STAT_COUNT:
        print(cmd, "%-17s %-12llu\n", label, value);
        break;
    case STAT_COUNT13:
        print(cmd, "%-17s %-13llu\n", label, value);
        break;
    case STAT_TEXT:
        print(cmd, "%-17s %s\n", label, text);
        break;
    }
}

/* The older call's struct as the newer call's parameters. */
static int old_info(virDomainPtr domain, int *ret_type, struct params *params)
{
    virDomainJobInfo info;
    if (virDomainGetJobInfo(domain, &info) < 0)
        return -1;
    *ret_type = info.type;
    params_add_u64(params, VIR_DOMAIN_JOB_TIME_ELAPSED, info.timeElapsed);
    params_add_u64(params, VIR_DOMAIN_JOB_TIME_REMAINING, info.timeRemaining);
    params_add_u64(params, VIR_DOMAIN_JOB_DATA_TOTAL, info.dataTotal);
    params_add_u64(params, VIR_DOMAIN_JOB_DATA_PROCESSED, info.dataProcessed);
    params_add_u64(params, VIR_DOMAIN_JOB_DATA_REMAINING, info.dataRemaining);
    params_add_u64(params, VIR_DOMAIN_JOB_MEMORY_TOTAL, info.memTotal);
    params_add_u64(params, VIR_DOMAIN_JOB_MEMORY_PROCESSED, info.memProcessed);
    params_add_u64(params, VIR_DOMAIN_JOB_MEMORY_REMAINING, info.memRemaining);
    params_add_u64(params, VIR_DOMAIN_JOB_DISK_TOTAL, info.fileTotal);
    params_add_u64(params, VIR_DOMAIN_JOB_DISK_PROCESSED, info.fileProcessed);
    params_add_u64(params, VIR_DOMAIN_JOB_DISK_REMAINING, info.fileRemaining);
    return 0;
}

static void show_job(struct cmd *cmd, const struct params *params, int type)
{
    const char *operation =
        enum_name(job_operations, (int)stat_number(cmd, params, VIR_DOMAIN_JOB_OPERATION));
    bool ended = type == VIR_DOMAIN_JOB_COMPLETED;
    print(cmd, "%-17s %-12s\n", "Operation:", *operation ? operation : "Unknown");
    field(cmd, "operation", NULL, *operation ? operation : "Unknown");
    for (size_t i = 0; i < ARRAY_SIZE(job_stats); i++) {
        const struct job_stat *row = &job_stats[i];
        const virTypedParameter *param = stat_find(params, row->field);
        if (!param || !is_told(cmd, params, row, type))
            continue;
        field_param(cmd, NULL, param);
        print_stat(cmd, row,
                   row->label ? row->label
                   : ended    ? "Total downtime:"
                              : "Expected downtime:",
                   param_text(cmd, param));
    }
}

static int run_domjobinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned flags = cmd_flags(cmd);
    bool raw = cmd_has(cmd, "rawstats");
    struct params *params = params_new(cmd, 0);
    int type = 0;
    if (!domain)
        return -1;
    if (virDomainGetJobStats(domain, &type, &params->all, &params->count, flags) < 0) {
        if (last_error_code() != VIR_ERR_NO_SUPPORT)
            return -1;
        if (flags || raw)
            return say_error(cmd, "Optional flags or --rawstats are not supported by the daemon");
        forget_error();
        if (old_info(domain, &type, params) < 0)
            return -1;
    }
    layout(cmd, LAYOUT_NONE);
    if (raw) {
        field_number(cmd, "type", NULL, type, NULL);
        print(cmd, "Job type: %d\n\n", type);
        for (int i = 0; i < params->count; i++) {
            field_param(cmd, NULL, &params->all[i]);
            print(cmd, "%s: %s\n", params->all[i].field, param_text(cmd, &params->all[i]));
        }
        return 0;
    }
    const char *word = enum_name(job_types, type);
    field(cmd, "type", NULL, *word ? word : "unknown");
    print(cmd, "%-17s %-12s\n", "Job type:", *word ? word : "unknown");
    bool shown = type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED ||
                 type == VIR_DOMAIN_JOB_COMPLETED ||
                 (cmd_has(cmd, "anystats") && type != VIR_DOMAIN_JOB_NONE);
    if (shown)
        show_job(cmd, params, type);
    return 0;
}

const struct command cmd_domjobinfo = {
    "domjobinfo",
    "domain job information",
    "Returns information about jobs running on a domain.",
    OPTIONS(
        DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
        FLAG("completed", VIR_DOMAIN_JOB_STATS_COMPLETED, "return statistics of a recently completed job"),
        FLAG("keep-completed", VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED,
             "don't destroy statistics of a recently completed job when reading"),
        FLAG("anystats", 0, "print statistics for any kind of job (even failed ones)"),
        FLAG("rawstats", 0, "print the raw data returned by libvirt")),
    .run = run_domjobinfo,
    .requires = "keep-completed completed",
    .json = "{type: any, operation: string?, *: any}",
};
