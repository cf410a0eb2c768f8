/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoint: points in time from which changes of disks are known, and backups, which use them. */
#include <strings.h>

#include "virsh/moment.h"

static void checkpoint_release(void *checkpoint)
{
    virDomainCheckpointFree(checkpoint);
}

static virDomainCheckpointPtr own_checkpoint(struct cmd *cmd, virDomainCheckpointPtr checkpoint)
{
    return cmd_own(cmd, checkpoint, checkpoint_release);
}

#define CHECKPOINT(help) STRING("checkpointname", help, 0, complete_checkpoint)
#define WITH_CHECKPOINTS DOMAIN(VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT)

/* The machine's checkpoint of [checkpointname]; NULL after telling. */
static virDomainCheckpointPtr find(struct cmd *cmd, virDomainPtr *ret_domain, const char **ret_name)
{
    const char *name = NULL;

    *ret_domain = cmd_domain(cmd);
    if (!*ret_domain || cmd_string(cmd, "checkpointname", &name) < 0)
        return NULL;
    if (!name) {
        say_error(cmd, "--%s is required", "checkpointname");
        return NULL;
    }
    *ret_name = name;
    return own_checkpoint(cmd, virDomainCheckpointLookupByName(*ret_domain, name, 0));
}

/* The parent's name, NULL: a root; -1 after telling. */
static int find_parent(struct cmd *cmd, virDomainCheckpointPtr checkpoint, const char **ret)
{
    virDomainCheckpointPtr parent = own_checkpoint(cmd, virDomainCheckpointGetParent(checkpoint, 0));

    *ret = parent ? virDomainCheckpointGetName(parent) : NULL;
    if (!parent && last_error_code() != VIR_ERR_NO_DOMAIN_CHECKPOINT)
        return say_error(cmd, "unable to determine if checkpoint has parent");
    forget_error();
    return 0;
}

/* ---- making ---------------------------------------------------------------------------------------------
 */

static int add_disk(struct cmd *cmd, struct buf *xml, const char *spec)
{
    const char *name = NULL, *checkpoint = NULL, *bitmap = NULL;
    const struct moment_key keys[] = {{"checkpoint=", &checkpoint}, {"bitmap=", &bitmap}};

    if (moment_parse(cmd, spec, &name, keys, ARRAY_SIZE(keys)) < 0)
        return say_error(cmd, "unable to parse diskspec: %s", spec);
    buf_add_string(xml, "    <disk");
    xml_attribute(xml, "name", name);
    if (checkpoint)
        xml_attribute(xml, "checkpoint", checkpoint);
    if (bitmap)
        xml_attribute(xml, "bitmap", bitmap);
    buf_add_string(xml, "/>\n");
    return 0;
}

/* `from`: the file that it was read from, or NULL. */
static int create(struct cmd *cmd, virDomainPtr domain, const char *document, const char *from)
{
    virDomainCheckpointPtr checkpoint =
        own_checkpoint(cmd, virDomainCheckpointCreateXML(domain, document, cmd_flags(cmd)));
    const char *name = checkpoint ? virDomainCheckpointGetName(checkpoint) : NULL;

    if (!checkpoint)
        return -1;
    if (!name)
        return say_error(cmd, "Could not get checkpoint name");
    if (from)
        say(cmd, "Domain checkpoint %s created from '%s'", name, from);
    else
        say(cmd, "Domain checkpoint %s created", name);
    return 0;
}

static int checkpoint_create(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *document = domain ? moment_file(cmd, "<domaincheckpoint/>") : NULL;

    return document ? create(cmd, domain, document, cmd_raw(cmd, "xmlfile")) : -1;
}

#define QUIESCE FLAG("quiesce", VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE, "quiesce guest's file systems")

const struct command cmd_checkpoint_create = {
    "checkpoint-create",
    "Create a checkpoint from XML",
    "Create a checkpoint from XML for use in future incremental backups",
    OPTIONS(
        DOMAIN(0), STRING("xmlfile", "domain checkpoint XML", .complete = complete_file),
        FLAG("redefine", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE, "redefine metadata for existing checkpoint"),
        FLAG("redefine-validate", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE,
             "validate the redefined checkpoint"),
        QUIESCE),
    .run = checkpoint_create,
    .requires = "redefine-validate redefine",
};

static int checkpoint_create_as(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *document = domain ? moment_document(cmd, "domaincheckpoint", NULL, add_disk) : NULL;

    if (!document)
        return -1;
    if (!cmd_has(cmd, "print-xml"))
        return create(cmd, domain, document, NULL);
    field_document(cmd, "xml", document);
    return 0;
}

const struct command cmd_checkpoint_create_as = {
    "checkpoint-create-as",
    "Create a checkpoint from a set of args",
    "Create a checkpoint from arguments for use in future incremental backups",
    OPTIONS(DOMAIN(0), STRING("name", "name of checkpoint"),
            STRING("description", "description of checkpoint"),
            FLAG("print-xml", 0, "print XML document rather than create"), QUIESCE,
            STRINGS("diskspec", "disk attributes: disk[,checkpoint=type][,bitmap=name]")),
    .run = checkpoint_create_as,
    .json = "{message: string?, xml: string?}",
};

/* ---- one checkpoint -------------------------------------------------------------------------------------
 */

static int checkpoint_delete(struct cmd *cmd)
{
    virDomainPtr domain;
    const char *name;
    virDomainCheckpointPtr checkpoint = find(cmd, &domain, &name);

    if (!checkpoint)
        return -1;
    if (virDomainCheckpointDelete(checkpoint, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to delete checkpoint %s", name);
    say(cmd, "Domain checkpoint %s %sdeleted\n", name, cmd_has(cmd, "children-only") ? "children " : "");
    return 0;
}

const struct command cmd_checkpoint_delete = {
    "checkpoint-delete",
    "Delete a domain checkpoint",
    "Checkpoint Delete",
    OPTIONS(WITH_CHECKPOINTS, CHECKPOINT("checkpoint name"),
            FLAG("children", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN, "delete checkpoint and all children"),
            FLAG("children-only", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY,
                 "delete children but not checkpoint"),
            FLAG("metadata", VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY,
                 "delete only libvirt metadata, leaving checkpoint contents behind")),
    .run = checkpoint_delete,
};

static int checkpoint_dumpxml(struct cmd *cmd)
{
    virDomainPtr domain;
    const char *name;
    virDomainCheckpointPtr checkpoint = find(cmd, &domain, &name);

    return checkpoint ? print_xml(cmd, virDomainCheckpointGetXMLDesc(checkpoint, cmd_flags(cmd))) : -1;
}

const struct command cmd_checkpoint_dumpxml = {
    "checkpoint-dumpxml",
    "Dump XML for a domain checkpoint",
    "Checkpoint Dump XML",
    OPTIONS(WITH_CHECKPOINTS, CHECKPOINT("checkpoint name"),
            FLAG("security-info", VIR_DOMAIN_CHECKPOINT_XML_SECURE,
                 "include security sensitive information in XML dump"),
            FLAG("no-domain", VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN, "exclude <domain> from XML"),
            FLAG("size", VIR_DOMAIN_CHECKPOINT_XML_SIZE, "include backup size estimate in XML dump"), XPATH),
    .run = checkpoint_dumpxml,
    .json = "{xml: string?, nodes: [string]?}",
};

static int store(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    virDomainCheckpointPtr checkpoint = data;
    const char *old_name = virDomainCheckpointGetName(checkpoint);
    virDomainCheckpointPtr made = own_checkpoint(
        cmd, virDomainCheckpointCreateXML(virDomainCheckpointGetDomain(checkpoint), document, flags));

    if (!made)
        return -1;
    const char *name = virDomainCheckpointGetName(made);

    return str_eq(name, old_name) ? 0 : say_error(cmd, "Cannot rename checkpoint %s to %s", old_name, name);
}

static int checkpoint_edit(struct cmd *cmd)
{
    virDomainPtr domain;
    const char *name;
    virDomainCheckpointPtr checkpoint = find(cmd, &domain, &name);
    char *document =
        checkpoint
            ? cmd_own_text(cmd, virDomainCheckpointGetXMLDesc(checkpoint, VIR_DOMAIN_CHECKPOINT_XML_SECURE))
            : NULL;

    if (!document)
        return -1;
    struct edit work = {
        .document = document,
        .what = cmd_printf(cmd, "Checkpoint %s XML configuration", name),
        .edited = cmd_printf(cmd, "Checkpoint %s", name),
        .store = store,
        .data = checkpoint,
        .flags = VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE,
    };

    return edit(cmd, &work);
}

const struct command cmd_checkpoint_edit = {
    "checkpoint-edit",
    "edit XML for a checkpoint",
    "Edit the domain checkpoint XML for a named checkpoint",
    OPTIONS(WITH_CHECKPOINTS, CHECKPOINT("checkpoint name")),
    .run = checkpoint_edit,
};

static int checkpoint_info(struct cmd *cmd)
{
    virDomainPtr domain;
    const char *name, *parent;
    virDomainCheckpointPtr checkpoint = find(cmd, &domain, &name);

    if (!checkpoint)
        return -1;
    field(cmd, "name", "Name:", name);
    field(cmd, "domain", "Domain:", virDomainGetName(domain));
    if (find_parent(cmd, checkpoint, &parent) < 0)
        return -1;
    if (parent)
        field(cmd, "parent", "Parent:", parent);
    else
        field_as(cmd, "parent", "Parent:", "null", "-");
    int children = virDomainCheckpointListAllChildren(checkpoint, NULL, 0);

    if (children < 0)
        return -1;
    field_number(cmd, "children", "Children:", children, NULL);
    int descendants =
        virDomainCheckpointListAllChildren(checkpoint, NULL, VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS);

    if (descendants < 0)
        return -1;
    field_number(cmd, "descendants", "Descendants:", descendants, NULL);
    return 0;
}

const struct command cmd_checkpoint_info = {
    "checkpoint-info",
    "checkpoint information",
    "Returns basic information about a checkpoint.",
    OPTIONS(WITH_CHECKPOINTS, CHECKPOINT("checkpoint name")),
    .run = checkpoint_info,
    .json = "{name: string, domain: string, parent: string?, children: number, descendants: number}",
};

static int checkpoint_parent(struct cmd *cmd)
{
    virDomainPtr domain;
    const char *name, *parent;
    virDomainCheckpointPtr checkpoint = find(cmd, &domain, &name);

    if (!checkpoint || find_parent(cmd, checkpoint, &parent) < 0)
        return -1;
    if (!parent)
        return say_error(cmd, "checkpoint '%s' has no parent", name);
    field_verbatim(cmd, "name", parent);
    return 0;
}

const struct command cmd_checkpoint_parent = {
    "checkpoint-parent",
    "Get the name of the parent of a checkpoint",
    "Extract the checkpoint's parent, if any",
    OPTIONS(WITH_CHECKPOINTS, CHECKPOINT("find parent of checkpoint name")),
    .run = checkpoint_parent,
    .json = "{name: string}",
};

/* ---- all of a machine -----------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(virDomainCheckpointGetName(*(const virDomainCheckpointPtr *)a),
                      virDomainCheckpointGetName(*(const virDomainCheckpointPtr *)b));
}

/* What the options ask for; `start` (may be NULL): the one that the list begins at. -1: failed. */
static int list_get(struct cmd *cmd, virDomainPtr domain, virDomainCheckpointPtr start,
                    virDomainCheckpointPtr **ret)
{
    unsigned flags = cmd_flags(cmd);

    if (!start)
        return virDomainListAllCheckpoints(domain, ret, flags);
    if (cmd_has(cmd, "descendants"))
        flags |= VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS;
    int count = virDomainCheckpointListAllChildren(start, ret, flags);

    if (count >= 0 && cmd_has(cmd, "tree")) {
        /* a tree has its root in it */
        *ret = mem_resize_array(*ret, (size_t)count + 1, sizeof(**ret));
        virDomainCheckpointRef(start);
        (*ret)[count++] = start;
    }
    return count;
}

static int checkpoint_list(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    virDomainCheckpointPtr start = NULL, *checkpoints = NULL;
    const char *from = NULL;

    if (!domain || moment_check_tree(cmd) < 0 || cmd_string(cmd, "from", &from) < 0)
        return -1;
    if (!from && cmd_has(cmd, "descendants"))
        return say_error(cmd, "--descendants requires --from");
    if (from && !(start = own_checkpoint(cmd, virDomainCheckpointLookupByName(domain, from, 0))))
        return -1;
    int count = list_get(cmd, domain, start, &checkpoints);

    if (count < 0)
        return say_error(cmd, "unexpected problem querying checkpoints");
    own_list(cmd, checkpoints, count, checkpoint);
    if (!cmd_has(cmd, "topological"))
        qsort(checkpoints, (size_t)count, sizeof(*checkpoints), by_name);
    auto_free struct moment *moments = NEW_ARRAY(struct moment, (size_t)count);
    bool names = cmd_has(cmd, "name"), tree = cmd_has(cmd, "tree");

    for (int i = 0; i < count; i++) {
        moments[i].name = virDomainCheckpointGetName(checkpoints[i]);
        if ((tree || cmd_has(cmd, "parent") || is_json(cmd)) &&
            find_parent(cmd, checkpoints[i], &moments[i].parent) < 0)
            return -1;
        if (names || tree)
            continue;
        char *xml = cmd_own_text(
            cmd, virDomainCheckpointGetXMLDesc(checkpoints[i], VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN));
        const char *created = xml ? xml_value(cmd, xml, "/domaincheckpoint/creationTime") : NULL;

        if (created)
            str_to_i64(created, (int64_t *)&moments[i].created);
    }
    moment_list(cmd, moments, (size_t)count, false);
    return 0;
}

const struct command cmd_checkpoint_list = {
    "checkpoint-list",
    "List checkpoints for a domain",
    "Checkpoint List",
    OPTIONS(WITH_CHECKPOINTS, FLAG("parent", 0, "add a column showing parent checkpoint"),
            FLAG("roots", VIR_DOMAIN_CHECKPOINT_LIST_ROOTS, "list only checkpoints without parents"),
            FLAG("leaves", VIR_DOMAIN_CHECKPOINT_LIST_LEAVES, "list only checkpoints without children"),
            FLAG("no-leaves", VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES,
                 "list only checkpoints that are not leaves (with children)"),
            FLAG("tree", 0, "list checkpoints in a tree"),
            STRING("from", "limit list to children of given checkpoint", 0, complete_checkpoint),
            FLAG("descendants", 0, "with --from, list all descendants"),
            FLAG("name", 0, "list checkpoint names only"),
            FLAG("topological", VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL,
                 "sort list topologically rather than by name")),
    .run = checkpoint_list,
    .conflicts = "tree name, parent roots, parent tree, roots tree, roots from",
    .json = "[{name: string, created: string?, state: string?, parent: string?}]",
};
