/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshot: taking them, from a document or from options, and editing what is known about them. */
#include "virsh/snapshot.h"

/* ---- documents ------------------------------------------------------------------------------------------
 */

static int add_memory(struct cmd *cmd, struct buf *xml)
{
    const char *spec = NULL, *file = NULL, *snapshot = NULL;
    const struct moment_key keys[] = {{"file=", &file}, {"snapshot=", &snapshot}, {"/", &file}};

    if (cmd_string(cmd, "memspec", &spec) < 0)
        return -1;
    if (!spec)
        return 0;
    if (moment_parse(cmd, spec, NULL, keys, ARRAY_SIZE(keys)) < 0)
        return say_error(cmd, "unable to parse memspec: %s", spec);
    buf_add_string(xml, "  <memory");
    if (snapshot)
        xml_attribute(xml, "snapshot", snapshot);
    if (file)
        xml_attribute(xml, "file", file);
    buf_add_string(xml, "/>\n");
    return 0;
}

static int add_disk(struct cmd *cmd, struct buf *xml, const char *spec)
{
    const char *name = NULL, *snapshot = NULL, *driver = NULL, *type = NULL, *file = NULL;
    const struct moment_key keys[] = {
        {"snapshot=", &snapshot}, {"driver=", &driver}, {"stype=", &type}, {"file=", &file}};
    int result = moment_parse(cmd, spec, &name, keys, ARRAY_SIZE(keys));

    if (result == 0 && type && !str_eq(type, "file") && !str_eq(type, "block"))
        result = say_error(cmd, "Unknown storage type: '%s'", type);
    if (result < 0)
        return say_error(cmd, "unable to parse diskspec: %s", spec);
    buf_add_string(xml, "    <disk");
    xml_attribute(xml, "name", name);
    if (snapshot)
        xml_attribute(xml, "snapshot", snapshot);
    if (type)
        xml_attribute(xml, "type", type);
    if (!driver && !file) {
        buf_add_string(xml, "/>\n");
        return 0;
    }
    buf_add_string(xml, ">\n");
    if (driver) {
        buf_add_string(xml, "      <driver");
        xml_attribute(xml, "type", driver);
        buf_add_string(xml, "/>\n");
    }
    if (file) {
        buf_add_string(xml, "      <source");
        xml_attribute(xml, str_eq(type, "block") ? "dev" : "file", file);
        buf_add_string(xml, "/>\n");
    }
    buf_add_string(xml, "    </disk>\n");
    return 0;
}

/* ---- taking ---------------------------------------------------------------------------------------------
 */

/* `from`: the file that it was read from, or NULL. */
static int create(struct cmd *cmd, virDomainPtr domain, const char *document, const char *from)
{
    unsigned flags = cmd_flags(cmd);

    if ((flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT) && virDomainIsPersistent(domain) == 0)
        return say_error(cmd, "cannot halt after snapshot of transient domain");
    virDomainSnapshotPtr snapshot = own_snapshot(cmd, virDomainSnapshotCreateXML(domain, document, flags));

    if (!snapshot)
        return -1;
    const char *name = virDomainSnapshotGetName(snapshot);

    if (!name)
        return say_error(cmd, "Could not get snapshot name");
    if (from)
        say(cmd, "Domain snapshot %s created from '%s'", name, from);
    else
        say(cmd, "Domain snapshot %s created", name);
    return 0;
}

static int run_create(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *document = domain ? moment_file(cmd, "<domainsnapshot/>") : NULL;

    return document ? create(cmd, domain, document, cmd_raw(cmd, "xmlfile")) : -1;
}

/* clang-format off */
#define TAKING                                                                                               \
    FLAG("no-metadata", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA, "take snapshot but create no metadata"),     \
    FLAG("halt", VIR_DOMAIN_SNAPSHOT_CREATE_HALT, "halt domain after snapshot is created"),                  \
    FLAG("disk-only", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY, "capture disk state but not vm state"),          \
    FLAG("reuse-external", VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT, "reuse any existing external files"),       \
    FLAG("quiesce", VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE, "quiesce guest's file systems"),                     \
    FLAG("atomic", VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC, "require atomic operation"),                           \
    FLAG("live", VIR_DOMAIN_SNAPSHOT_CREATE_LIVE, "take a live snapshot"),                                   \
    VALIDATE(VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE)
/* clang-format on */

const struct command cmd_snapshot_create = {
    "snapshot-create",
    "Create a snapshot from XML",
    "Create a snapshot (disk and RAM) from XML",
    OPTIONS(DOMAIN(0), STRING("xmlfile", "domain snapshot XML", .complete = complete_file),
            FLAG("redefine", VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE, "redefine metadata for existing snapshot"),
            FLAG("current", VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT, "with redefine, set current snapshot"),
            TAKING),
    .run = run_create,
};

static int run_create_as(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *document = domain ? moment_document(cmd, "domainsnapshot", add_memory, add_disk) : NULL;

    if (!document)
        return -1;
    if (!cmd_has(cmd, "print-xml"))
        return create(cmd, domain, document, NULL);
    field_document(cmd, "xml", document);
    return 0;
}

const struct command cmd_snapshot_create_as = {
    "snapshot-create-as",
    "Create a snapshot from a set of args",
    "Create a snapshot (disk and RAM) from arguments",
    OPTIONS(
        DOMAIN(0), STRING("name", "name of snapshot"), STRING("description", "description of snapshot"),
        FLAG("print-xml", 0, "print XML document rather than create"), TAKING,
        STRING_NAMED("memspec", "memory attributes: [file=]name[,snapshot=type]"),
        STRINGS("diskspec", "disk attributes: disk[,snapshot=type][,driver=type][,stype=type][,file=name]")),
    .run = run_create_as,
    .json = "{message: string?, xml: string?}",
};

/* ---- editing --------------------------------------------------------------------------------------------
 */

struct edited {
    virDomainPtr domain;
    virDomainSnapshotPtr snapshot;
    struct edit work;
};

/* Define it again. Under another name it is a new one, which has to be wanted: the old one stays or goes. */
static int store(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    struct edited *edited = data;
    const char *old_name = virDomainSnapshotGetName(edited->snapshot);
    virDomainSnapshotPtr made =
        own_snapshot(cmd, virDomainSnapshotCreateXML(edited->domain, document, flags));

    if (!made)
        return -1;
    const char *name = virDomainSnapshotGetName(made);

    if (str_eq(name, old_name))
        return 0;
    bool rename = cmd_has(cmd, "rename"), clone = cmd_has(cmd, "clone");

    if (!rename && !clone) {
        say_error(cmd, "Must use --rename or --clone to change %s to %s", old_name, name);
        virDomainSnapshotDelete(made, VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
        return -1;
    }
    if (rename && virDomainSnapshotDelete(edited->snapshot, VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY) < 0)
        return say_error(cmd, "Failed to clean up %s", old_name);
    if (clone)
        edited->work.done = cmd_printf(cmd, "Snapshot %s cloned to %s.\n", old_name, name);
    else
        edited->work.edited = cmd_printf(cmd, "Snapshot %s", name);
    return 0;
}

static int run_edit_snapshot(struct cmd *cmd)
{
    struct edited edited = {.domain = cmd_domain(cmd)};
    bool named = edited.domain && cmd_has(cmd, "snapshotname");
    unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;

    if (!edited.domain)
        return -1;
    /* beside a name, --current says what the snapshot shall become */
    edited.snapshot =
        named
            ? own_snapshot(cmd, virDomainSnapshotLookupByName(edited.domain, cmd_raw(cmd, "snapshotname"), 0))
            : cmd_snapshot(cmd, edited.domain);
    if (!edited.snapshot)
        return -1;
    if (named && cmd_has(cmd, "current"))
        flags |= VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
    char *document =
        cmd_own_text(cmd, virDomainSnapshotGetXMLDesc(edited.snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE));

    if (!document)
        return -1;
    const char *name = virDomainSnapshotGetName(edited.snapshot);

    edited.work = (struct edit){
        .document = document,
        .what = cmd_printf(cmd, "Snapshot %s XML configuration", name),
        .edited = cmd_printf(cmd, "Snapshot %s", name),
        .store = store,
        .data = &edited,
        .flags = flags,
        .always = flags & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT,
    };
    return edit(cmd, &edited.work);
}

const struct command cmd_snapshot_edit = {
    "snapshot-edit",
    "edit XML for a snapshot",
    "Edit the domain snapshot XML for a named snapshot",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT), SNAPSHOT("snapshot name"),
            FLAG("current", 0, "also set edited snapshot as current"),
            FLAG("rename", 0, "allow renaming an existing snapshot"),
            FLAG("clone", 0, "allow cloning to new name")),
    .run = run_edit_snapshot,
    .conflicts = "rename clone",
};
