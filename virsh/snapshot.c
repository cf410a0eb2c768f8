/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshot: states of a machine that it can go back to. Making and editing them: snapshot-make.c. */
#include <strings.h>

#include "virsh/snapshot.h"

/* ---- finding --------------------------------------------------------------------------------------------
 */

static void snapshot_release(void *snapshot)
{
    virDomainSnapshotFree(snapshot);
}

virDomainSnapshotPtr own_snapshot(struct cmd *cmd, virDomainSnapshotPtr snapshot)
{
    return cmd_own(cmd, snapshot, snapshot_release);
}

virDomainSnapshotPtr cmd_snapshot(struct cmd *cmd, virDomainPtr domain)
{
    bool current = cmd_has(cmd, "current");
    const char *name = NULL;

    if (cmd_string(cmd, "snapshotname", &name) < 0)
        return NULL;
    if (current && name) {
        say_error(cmd, "--%s and --current are mutually exclusive", "snapshotname");
        return NULL;
    }
    if (!current && !name) {
        say_error(cmd, "--%s or --current is required", "snapshotname");
        return NULL;
    }
    return own_snapshot(cmd, name ? virDomainSnapshotLookupByName(domain, name, 0)
                                  : virDomainSnapshotCurrent(domain, 0));
}

int snapshot_parent(struct cmd *cmd, virDomainSnapshotPtr snapshot, const char **ret)
{
    virDomainSnapshotPtr parent = own_snapshot(cmd, virDomainSnapshotGetParent(snapshot, 0));

    *ret = parent ? virDomainSnapshotGetName(parent) : NULL;
    if (!parent && last_error_code() != VIR_ERR_NO_DOMAIN_SNAPSHOT)
        return say_error(cmd, "unable to determine if snapshot has parent");
    forget_error();
    return 0;
}

/* ---- one snapshot ---------------------------------------------------------------------------------------
 */

/* The snapshot, and the name for sentences; NULL after telling. */
static virDomainSnapshotPtr find(struct cmd *cmd, const char **ret_name)
{
    virDomainPtr domain = cmd_domain(cmd);
    virDomainSnapshotPtr snapshot = domain ? cmd_snapshot(cmd, domain) : NULL;

    if (snapshot)
        *ret_name = virDomainSnapshotGetName(snapshot);
    return snapshot;
}

static int run_delete(struct cmd *cmd)
{
    const char *name;
    virDomainSnapshotPtr snapshot = find(cmd, &name);

    if (!snapshot)
        return -1;
    if (virDomainSnapshotDelete(snapshot, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to delete snapshot %s", name);
    say(cmd, "Domain snapshot %s %sdeleted\n", name, cmd_has(cmd, "children-only") ? "children " : "");
    return 0;
}

const struct command cmd_snapshot_delete = {
    "snapshot-delete",
    "Delete a domain snapshot",
    "Snapshot Delete",
    OPTIONS(
        DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), SNAPSHOT("snapshot name"),
        FLAG("current", 0, "delete current snapshot"),
        FLAG("children", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN, "delete snapshot and all children"),
        FLAG("children-only", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY, "delete children but not snapshot"),
        FLAG("metadata", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY,
             "delete only libvirt metadata, leaving snapshot contents behind")),
    .run = run_delete,
};

static int run_revert(struct cmd *cmd)
{
    const char *name;
    virDomainSnapshotPtr snapshot = find(cmd, &name);
    unsigned flags = cmd_flags(cmd);

    if (!snapshot)
        return -1;
    if (virDomainRevertToSnapshot(snapshot, flags) < 0)
        return say_error(cmd, "Failed to revert snapshot %s", name);
    say(cmd, "Domain snapshot %s reverted\n", name);
    return 0;
}

const struct command cmd_snapshot_revert = {
    "snapshot-revert",
    "Revert a domain to a snapshot",
    "Revert domain to snapshot",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), SNAPSHOT("snapshot name"),
            FLAG("current", 0, "revert to current snapshot"),
            FLAG("running", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, "after reverting, change state to running"),
            FLAG("paused", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED, "after reverting, change state to paused"),
            FLAG("force", VIR_DOMAIN_SNAPSHOT_REVERT_FORCE, "try harder on risky reverts"),
            FLAG("reset-nvram", VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM,
                 "re-initialize NVRAM from its pristine template")),
    .run = run_revert,
};

static int run_dumpxml_snapshot(struct cmd *cmd)
{
    const char *name = NULL;
    virDomainPtr domain = cmd_string(cmd, "snapshotname", &name) < 0 ? NULL : cmd_domain(cmd);
    virDomainSnapshotPtr snapshot =
        domain ? own_snapshot(cmd, virDomainSnapshotLookupByName(domain, name, 0)) : NULL;

    return snapshot ? print_xml(cmd, virDomainSnapshotGetXMLDesc(snapshot, cmd_flags(cmd))) : -1;
}

#define SECURITY_INFO                                                                                        \
    FLAG("security-info", VIR_DOMAIN_SNAPSHOT_XML_SECURE,                                                    \
         "include security sensitive information in XML dump")

const struct command cmd_snapshot_dumpxml = {
    "snapshot-dumpxml",
    "Dump XML for a domain snapshot",
    "Snapshot Dump XML",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT),
            ARG("snapshotname", "snapshot name", 0, complete_snapshot), SECURITY_INFO, XPATH),
    .run = run_dumpxml_snapshot,
    .json = "{xml: string?, nodes: [string]?}",
};

static int run_current(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *name = NULL;

    if (!domain || cmd_string(cmd, "snapshotname", &name) < 0)
        return -1;
    if (name) {
        /* the document of the snapshot, defined again as the current one */
        virDomainSnapshotPtr snapshot = own_snapshot(cmd, virDomainSnapshotLookupByName(domain, name, 0));
        char *xml =
            snapshot
                ? cmd_own_text(cmd, virDomainSnapshotGetXMLDesc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE))
                : NULL;

        if (!xml || !own_snapshot(cmd, virDomainSnapshotCreateXML(domain, xml,
                                                                  VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE |
                                                                      VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT)))
            return -1;
        say(cmd, "Snapshot %s set as current", name);
        return 0;
    }
    int exists = virDomainHasCurrentSnapshot(domain, 0);

    if (exists < 0)
        return -1;
    if (!exists)
        return say_error(cmd, "domain '%s' has no current snapshot", cmd_raw(cmd, "domain"));
    virDomainSnapshotPtr snapshot = own_snapshot(cmd, virDomainSnapshotCurrent(domain, 0));

    if (!snapshot)
        return -1;
    if (cmd_has(cmd, "name")) {
        field_verbatim(cmd, "name", virDomainSnapshotGetName(snapshot));
        return 0;
    }
    char *xml = cmd_own_text(cmd, virDomainSnapshotGetXMLDesc(snapshot, cmd_flags(cmd)));

    if (xml)
        field_verbatim(cmd, "xml", xml);
    return xml ? 0 : -1;
}

const struct command cmd_snapshot_current = {
    "snapshot-current",
    "Get or set the current snapshot",
    "Get or set the current snapshot",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT),
            FLAG("name", 0, "list the name, rather than the full xml"), SECURITY_INFO,
            SNAPSHOT("name of existing snapshot to make current")),
    .run = run_current,
    .conflicts = "name snapshotname",
    .json = "{xml: string?, name: string?, message: string?}",
};

static int run_parent(struct cmd *cmd)
{
    const char *name, *parent;
    virDomainSnapshotPtr snapshot = find(cmd, &name);

    if (!snapshot || snapshot_parent(cmd, snapshot, &parent) < 0)
        return -1;
    if (!parent)
        return say_error(cmd, "snapshot '%s' has no parent", name);
    field_verbatim(cmd, "name", parent);
    return 0;
}

const struct command cmd_snapshot_parent = {
    "snapshot-parent",
    "Get the name of the parent of a snapshot",
    "Extract the snapshot's parent, if any",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), SNAPSHOT("find parent of snapshot name"),
            FLAG("current", 0, "find parent of current snapshot")),
    .run = run_parent,
    .json = "{name: string}",
};

/* Is a part of it in files of its own? Documents of old tell nothing of memory. */
static bool lies_outside(struct cmd *cmd, const char *xml, const char *state)
{
    if (!*xml_nodes(cmd, xml, "/domainsnapshot/memory"))
        return str_eq(state, "disk-snapshot");
    return *xml_nodes(cmd, xml,
                      "/domainsnapshot/memory[@snapshot='external'] | "
                      "/domainsnapshot/disks/disk[@snapshot='external']");
}

static int run_info(struct cmd *cmd)
{
    const char *name, *parent;
    virDomainSnapshotPtr snapshot = find(cmd, &name);

    if (!snapshot)
        return -1;
    field(cmd, "name", "Name:", name);
    field(cmd, "domain", "Domain:", virDomainGetName(virDomainSnapshotGetDomain(snapshot)));
    int current = virDomainSnapshotIsCurrent(snapshot, 0);

    if (current < 0)
        return say_error(cmd, "unexpected problem querying snapshot state");
    field_bool(cmd, "current", "Current:", current, "yes/no");
    char *xml = cmd_own_text(cmd, virDomainSnapshotGetXMLDesc(snapshot, 0));
    char *state = xml ? xml_value(cmd, xml, "/domainsnapshot/state") : NULL;

    if (!state)
        return say_error(cmd, "unexpected problem reading snapshot xml");
    bool external = lies_outside(cmd, xml, state);

    field(cmd, "state", "State:", state);
    field(cmd, "location", "Location:", external ? "external" : "internal");
    if (snapshot_parent(cmd, snapshot, &parent) < 0)
        return -1;
    if (parent)
        field(cmd, "parent", "Parent:", parent);
    else
        field_as(cmd, "parent", "Parent:", "null", "-");
    int children = virDomainSnapshotNumChildren(snapshot, 0);

    if (children < 0)
        return -1;
    field_number(cmd, "children", "Children:", children, NULL);
    int descendants = virDomainSnapshotNumChildren(snapshot, VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS);

    if (descendants < 0)
        return -1;
    field_number(cmd, "descendants", "Descendants:", descendants, NULL);
    int metadata = virDomainSnapshotHasMetadata(snapshot, 0);

    if (metadata >= 0)
        field_bool(cmd, "metadata", "Metadata:", metadata, "yes/no");
    return 0;
}

const struct command cmd_snapshot_info = {
    "snapshot-info",
    "snapshot information",
    "Returns basic information about a snapshot.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), SNAPSHOT("snapshot name"),
            FLAG("current", 0, "info on current snapshot")),
    .run = run_info,
    .json =
        "{name: string, domain: string, current: boolean, state: string, location: string, parent: string?, "
        "children: number, descendants: number, metadata: boolean?}",
};

/* ---- all of a machine -----------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(virDomainSnapshotGetName(*(const virDomainSnapshotPtr *)a),
                      virDomainSnapshotGetName(*(const virDomainSnapshotPtr *)b));
}

/* The snapshots that the options ask for; `start` (may be NULL): the one that the list begins at. -1: failed.
 */
static int list_get(struct cmd *cmd, virDomainPtr domain, virDomainSnapshotPtr start,
                    virDomainSnapshotPtr **ret)
{
    unsigned flags = cmd_flags(cmd);
    int count;

    if (!start)
        return virDomainListAllSnapshots(domain, ret, flags);
    if (cmd_has(cmd, "descendants"))
        flags |= VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS;
    count = virDomainSnapshotListAllChildren(start, ret, flags);
    if (count >= 0 && cmd_has(cmd, "tree")) {
        /* a tree has its root in it */
        *ret = mem_resize_array(*ret, (size_t)count + 1, sizeof(**ret));
        virDomainSnapshotRef(start);
        (*ret)[count++] = start;
    }
    return count;
}

static int run_list(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    virDomainSnapshotPtr start = NULL, *snapshots = NULL;
    const char *from = NULL;

    if (!domain || moment_check_tree(cmd) < 0 || cmd_string(cmd, "from", &from) < 0)
        return -1;
    if (from && cmd_has(cmd, "current"))
        return say_error(cmd, "--%s and --current are mutually exclusive", "from");
    if (from)
        start = virDomainSnapshotLookupByName(domain, from, 0);
    else if (cmd_has(cmd, "current"))
        start = virDomainSnapshotCurrent(domain, 0);
    else if (cmd_has(cmd, "descendants"))
        return say_error(cmd, "--descendants requires either --from or --current");
    if (!own_snapshot(cmd, start) && (from || cmd_has(cmd, "current")))
        return -1;
    int count = list_get(cmd, domain, start, &snapshots);

    if (count < 0) {
        if (last_error_code() == VIR_ERR_NO_SUPPORT)
            virDomainSnapshotNum(domain, 0); /* stock's way of listing is an older one then: its error */
        return -1;
    }
    own_list(cmd, snapshots, count, snapshot);
    if (!cmd_has(cmd, "topological"))
        qsort(snapshots, (size_t)count, sizeof(*snapshots), by_name);
    auto_free struct moment *moments = NEW_ARRAY(struct moment, (size_t)count);
    bool names = cmd_has(cmd, "name"), tree = cmd_has(cmd, "tree");
    size_t shown = 0;

    for (int i = 0; i < count; i++) {
        struct moment *moment = &moments[shown];

        moment->name = virDomainSnapshotGetName(snapshots[i]);
        if ((tree || cmd_has(cmd, "parent") || is_json(cmd)) &&
            snapshot_parent(cmd, snapshots[i], &moment->parent) < 0)
            return -1;
        if (!names && !tree) {
            char *xml = cmd_own_text(cmd, virDomainSnapshotGetXMLDesc(snapshots[i], 0));

            if (!xml)
                continue; /* it went meanwhile */
            const char *created = xml_value(cmd, xml, "/domainsnapshot/creationTime");

            moment->state = xml_value(cmd, xml, "/domainsnapshot/state");
            if (created)
                str_to_i64(created, (int64_t *)&moment->created);
        }
        shown++;
    }
    moment_list(cmd, moments, shown, true);
    return 0;
}

const struct command cmd_snapshot_list = {
    "snapshot-list",
    "List snapshots for a domain",
    "Snapshot List",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT),
            FLAG("parent", 0, "add a column showing parent snapshot"),
            FLAG("roots", VIR_DOMAIN_SNAPSHOT_LIST_ROOTS, "list only snapshots without parents"),
            FLAG("leaves", VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, "list only snapshots without children"),
            FLAG("no-leaves", VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
                 "list only snapshots that are not leaves (with children)"),
            FLAG("metadata", VIR_DOMAIN_SNAPSHOT_LIST_METADATA,
                 "list only snapshots that have metadata that would prevent undefine"),
            FLAG("no-metadata", VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA,
                 "list only snapshots that have no metadata managed by libvirt"),
            FLAG("inactive", VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE, "filter by snapshots taken while inactive"),
            FLAG("active", VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE,
                 "filter by snapshots taken while active (full system snapshots)"),
            FLAG("disk-only", VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY, "filter by disk-only snapshots"),
            FLAG("internal", VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, "filter by internal snapshots"),
            FLAG("external", VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL, "filter by external snapshots"),
            FLAG("tree", 0, "list snapshots in a tree"),
            STRING("from", "limit list to children of given snapshot", 0, complete_snapshot),
            FLAG("current", 0, "limit list to children of current snapshot"),
            FLAG("descendants", 0, "with --from, list all descendants"),
            FLAG("name", 0, "list snapshot names only"),
            FLAG("topological", VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL,
                 "sort list topologically rather than by name")),
    .run = run_list,
    .conflicts = "tree name, parent roots, parent tree, roots tree, roots from, roots current",
    .json = "[{name: string, created: string?, state: string?, parent: string?}]",
};
