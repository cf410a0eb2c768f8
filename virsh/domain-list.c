/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* List: domains that are there, in stock's order: the active ones by id, then the others by name. */
#include <stdio.h>
#include <unistd.h>

#include "virsh/domain.h"

/* virConnectListAllDomains(), owned by the command. */
struct domains {
    virDomainPtr *all;
    int count;
};

static void domains_free(void *object)
{
    struct domains *domains = object;
    for (int i = 0; i < domains->count; i++)
        virDomainFree(domains->all[i]);
    free(domains->all);
    free(domains);
}

static int by_id_and_name(const void *a, const void *b)
{
    virDomainPtr first = *(virDomainPtr const *)a, second = *(virDomainPtr const *)b;
    unsigned id = virDomainGetID(first), other = virDomainGetID(second);
    if (id == other)
        return str_cmp(virDomainGetName(first), virDomainGetName(second));
    return id < other ? -1 : 1; /* inactive: the highest number of all */
}

static struct domains *domains_list(struct cmd *cmd, unsigned flags)
{
    struct domains *domains = cmd_own(cmd, NEW(struct domains), domains_free);
    domains->count = virConnectListAllDomains(cmd_conn(cmd), &domains->all, flags);
    if (domains->count < 0) {
        say_error(cmd, "Failed to list domains");
        return NULL;
    }
    qsort(domains->all, (size_t)domains->count, sizeof(virDomainPtr), by_id_and_name);
    return domains;
}

/* Nothing here: is there something on the other side of system and session? Told on a terminal only, and
 * nothing is started for it. */
static void hint(struct cmd *cmd)
{
    auto_free char *uri = virConnectGetURI(cmd_conn(cmd));
    bool session = str_eq(uri, "qemu:///session");
    if (!isatty(STDERR_FILENO) || is_quiet(cmd) || (!session && !str_eq(uri, "qemu:///system")))
        return;
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *other = session ? "qemu:///system" : "qemu:///session";
    auto_free char *socket = session ? mem_strdup("/run/libvirt/virtqemud-sock-ro")
                                     : mem_printf("%s/libvirt/virtqemud-sock", runtime ? runtime : "");
    if (access(socket, R_OK | W_OK) < 0)
        return;
    virConnectPtr conn = virConnectOpenReadOnly(other);
    int count = conn ? virConnectListAllDomains(conn, NULL, 0) : -1;
    if (conn)
        virConnectClose(conn);
    forget_error();
    if (count > 0)
        fprintf(stderr, "note: %s has %d domain%s: virsh -c %s list --all\n", other, count,
                count == 1 ? "" : "s", other);
}

static const char *state_of(struct cmd *cmd, virDomainPtr domain)
{
    int state = -1;
    if (cmd_has(cmd, "managed-save") && virDomainHasManagedSaveImage(domain, 0) > 0)
        return "saved";
    return virDomainGetState(domain, &state, NULL, 0) < 0 ? "no state" : domain_state_word(state);
}

static const char *title_of(struct cmd *cmd, virDomainPtr domain)
{
    char *title = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, NULL, 0);
    forget_error();
    return title ? cmd_own_text(cmd, title) : "";
}

static void print_table(struct cmd *cmd, const struct domains *domains)
{
    bool title = cmd_has(cmd, "title");
    struct table *table =
        table_new(cmd, "id#:Id", "name:Name", "state:State", title ? "title:Title" : "!title:", "!uuid:");
    for (int i = 0; i < domains->count; i++) {
        virDomainPtr domain = domains->all[i];
        unsigned id = virDomainGetID(domain);
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        virDomainGetUUIDString(domain, uuid);
        table_row(table, id == (unsigned)-1 ? "-" : cmd_printf(cmd, "%u", id), virDomainGetName(domain),
                  state_of(cmd, domain), title ? title_of(cmd, domain) : NULL, uuid);
    }
    table_print(table, NULL);
}

/* --id, --uuid, --name: what was asked for in one line each. */
static void print_lines(struct cmd *cmd, const struct domains *domains)
{
    bool ids = cmd_has(cmd, "id"), uuids = cmd_has(cmd, "uuid"), names = cmd_has(cmd, "name");
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, NULL);
    for (int i = 0; i < domains->count; i++) {
        virDomainPtr domain = domains->all[i];
        unsigned id = virDomainGetID(domain);
        const char *text = id == (unsigned)-1 ? "-" : cmd_printf(cmd, "%u", id), *gap = "";
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        if (id == (unsigned)-1 && !uuids && !names)
            continue; /* nothing to say about it */
        open_object(cmd, NULL);
        if (uuids && virDomainGetUUIDString(domain, uuid) == 0) {
            field(cmd, "uuid", NULL, uuid);
            print(cmd, "%s", uuid);
            gap = " ";
        }
        if (ids) {
            field_as(cmd, "id", NULL, *text == '-' ? "null" : text, text);
            print(cmd, "%s%s", gap, text);
            gap = " ";
        }
        if (names) {
            field(cmd, "name", NULL, virDomainGetName(domain));
            print(cmd, "%s%s", gap, virDomainGetName(domain));
        }
        print(cmd, "\n");
        close_one(cmd);
    }
    close_one(cmd);
}

static int run_list(struct cmd *cmd)
{
    unsigned flags = cmd_flags(cmd);
    if (!cmd_has(cmd, "inactive") && !cmd_has(cmd, "all"))
        flags |= VIR_CONNECT_LIST_DOMAINS_ACTIVE;
    struct domains *domains = domains_list(cmd, flags);
    if (!domains)
        return -1;
    if (cmd_has(cmd, "id") || cmd_has(cmd, "uuid") || cmd_has(cmd, "name"))
        print_lines(cmd, domains);
    else
        print_table(cmd, domains);
    if (!domains->count)
        hint(cmd);
    return 0;
}

const struct command cmd_list = {
    "list",
    "list domains",
    "Returns list of domains.",
    OPTIONS(
        FLAG("inactive", VIR_CONNECT_LIST_DOMAINS_INACTIVE, "list inactive domains"),
        FLAG("all", VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE,
             "list inactive & active domains"),
        FLAG("transient", VIR_CONNECT_LIST_DOMAINS_TRANSIENT, "list transient domains"),
        FLAG("persistent", VIR_CONNECT_LIST_DOMAINS_PERSISTENT, "list persistent domains"),
        FLAG("with-snapshot", VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, "list domains with existing snapshot"),
        FLAG("without-snapshot", VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, "list domains without a snapshot"),
        FLAG("with-checkpoint", VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
             "list domains with existing checkpoint"),
        FLAG("without-checkpoint", VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
             "list domains without a checkpoint"),
        FLAG("state-running", VIR_CONNECT_LIST_DOMAINS_RUNNING, "list domains in running state"),
        FLAG("state-paused", VIR_CONNECT_LIST_DOMAINS_PAUSED, "list domains in paused state"),
        FLAG("state-shutoff", VIR_CONNECT_LIST_DOMAINS_SHUTOFF, "list domains in shutoff state"),
        FLAG("state-other", VIR_CONNECT_LIST_DOMAINS_OTHER, "list domains in other states"),
        FLAG("autostart", VIR_CONNECT_LIST_DOMAINS_AUTOSTART, "list domains with autostart enabled"),
        FLAG("no-autostart", VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, "list domains with autostart disabled"),
        FLAG("with-managed-save", VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
             "list domains with managed save state"),
        FLAG("without-managed-save", VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
             "list domains without managed save"),
        FLAG("uuid", 0, "list uuid's only"), FLAG("name", 0, "list domain names only"),
        FLAG("id", 0, "list domain IDs only"), FLAG("table", 0, "list table (default)"),
        FLAG("managed-save", 0, "mark inactive domains with managed save state"),
        FLAG("title", 0, "show domain title")),
    .run = run_list,
    .conflicts = "table name, table uuid, table id",
    .json = "[{id: number?, name: string?, state: string?, title: string?, uuid: string?}]",
};

/* ---- domstats --------------------------------------------------------------------------------------- */

static void stats_free(void *object)
{
    virDomainStatsRecordListFree(object);
}

static void print_stats(struct cmd *cmd, virDomainStatsRecordPtr record)
{
    open_object(cmd, NULL);
    layout(cmd, LAYOUT_NONE);
    field(cmd, "name", NULL, virDomainGetName(record->dom));
    print(cmd, "Domain: '%s'\n", virDomainGetName(record->dom));
    open_object(cmd, "stats");
    for (int i = 0; i < record->nparams; i++) {
        virTypedParameterPtr param = &record->params[i];
        field_param(cmd, NULL, param);
        print(cmd, "  %s=%s\n", param->field, param_text(cmd, param));
    }
    close_one(cmd);
    close_one(cmd);
}

static int run_domstats(struct cmd *cmd)
{
    const char *const *names = cmd_strings(cmd, "domain");
    unsigned stats = cmd_more_flags(cmd), flags = cmd_flags(cmd);
    virDomainStatsRecordPtr *records = NULL;
    int count;
    if (*names) {
        size_t asked = 0;
        while (names[asked])
            asked++;
        virDomainPtr *domains = cmd_own(cmd, NEW_ARRAY(virDomainPtr, asked + 1), free);
        for (size_t i = 0; i < asked; i++)
            if (!(domains[i] = domain_by_name(cmd, names[i])))
                return -1;
        count = virDomainListGetStats(domains, stats, &records, flags);
    } else {
        count = virConnectGetAllDomainStats(cmd_conn(cmd), stats, &records, flags);
    }
    if (count < 0)
        return -1;
    cmd_own(cmd, records, stats_free);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        if (i)
            print(cmd, "\n");
        print_stats(cmd, records[i]);
    }
    return 0;
}

const struct command cmd_domstats = {
    "domstats",
    "get statistics about one or multiple domains",
    "Gets statistics about one or more (or all) domains",
    OPTIONS(
        FLAG_MORE("state", VIR_DOMAIN_STATS_STATE, "report domain state"),
        FLAG_MORE("cpu-total", VIR_DOMAIN_STATS_CPU_TOTAL, "report domain physical cpu usage"),
        FLAG_MORE("balloon", VIR_DOMAIN_STATS_BALLOON, "report domain balloon statistics"),
        FLAG_MORE("vcpu", VIR_DOMAIN_STATS_VCPU, "report domain virtual cpu information"),
        FLAG_MORE("interface", VIR_DOMAIN_STATS_INTERFACE, "report domain network interface information"),
        FLAG_MORE("block", VIR_DOMAIN_STATS_BLOCK, "report domain block device statistics"),
        FLAG_MORE("perf", VIR_DOMAIN_STATS_PERF, "report domain perf event statistics"),
        FLAG_MORE("iothread", VIR_DOMAIN_STATS_IOTHREAD, "report domain IOThread information"),
        FLAG_MORE("memory", VIR_DOMAIN_STATS_MEMORY, "report domain memory usage"),
        FLAG_MORE("dirtyrate", VIR_DOMAIN_STATS_DIRTYRATE, "report domain dirty rate information"),
        FLAG_MORE("vm", VIR_DOMAIN_STATS_VM, "report hypervisor-specific statistics"),
        FLAG("list-active", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, "list only active domains"),
        FLAG("list-inactive", VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, "list only inactive domains"),
        FLAG("list-persistent", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, "list only persistent domains"),
        FLAG("list-transient", VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT, "list only transient domains"),
        FLAG("list-running", VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING, "list only running domains"),
        FLAG("list-paused", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED, "list only paused domains"),
        FLAG("list-shutoff", VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF, "list only shutoff domains"),
        FLAG("list-other", VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER, "list only domains in other states"),
        FLAG("raw", 0, "do not pretty-print the fields"),
        FLAG("enforce", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS,
             "enforce requested stats parameters"),
        FLAG("backing", VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING,
             "add backing chain information to block stats"),
        FLAG("nowait", VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
             "report only stats that are accessible instantly"),
        {"domain", OPTION_STRING, IS_REPEATED | IS_UNNAMED, "list of domains to get stats for", 0,
         complete_domain}),
    .run = run_domstats,
    .json = "[{name: string, stats: {*: any}}]",
};
