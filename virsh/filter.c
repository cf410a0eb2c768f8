/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filter: network filters, and where they are in force (bindings). */
#include <strings.h>

#include "virsh/virsh.h"

#define NWFILTER ARG("nwfilter", "network filter name or uuid", 0, complete_nwfilter)

const struct command cmd_nwfilter_define = {
    "nwfilter-define",
    "define or update a network filter from an XML file",
    "Define a new network filter or update an existing one.",
    OPTIONS(FILE_ARG("file containing an XML network filter description"),
            VALIDATE(VIR_NWFILTER_DEFINE_VALIDATE)),
    DEFINES(nwfilter, virNWFilterDefineXML),
    .make_flagged.nwfilter = virNWFilterDefineXMLFlags,
    .done = "Network filter %s defined from %s\n",
    .failed = "Failed to define network filter from %s",
};

const struct command cmd_nwfilter_dumpxml = {
    "nwfilter-dumpxml",
    "network filter information in XML",
    "Output the network filter information as an XML dump to stdout.",
    OPTIONS(NWFILTER, XPATH),
    DUMPXML(nwfilter, virNWFilterGetXMLDesc),
};

const struct command cmd_nwfilter_edit = {
    "nwfilter-edit",
    "edit XML configuration for a network filter",
    "Edit the XML configuration for a network filter.",
    OPTIONS(NWFILTER),
    EDITS(nwfilter, virNWFilterGetXMLDesc, 0, "Network filter %s XML configuration"),
    .make.nwfilter = virNWFilterDefineXML,
};

const struct command cmd_nwfilter_undefine = {
    "nwfilter-undefine",
    "undefine a network filter",
    "Undefine a given network filter.",
    OPTIONS(NWFILTER),
    ACTION(nwfilter, virNWFilterUndefine),
    .done = "Network filter %s undefined\n",
    .failed = "Failed to undefine network filter %s",
};

static int by_name(const void *a, const void *b)
{
    return strcasecmp(virNWFilterGetName(*(const virNWFilterPtr *)a),
                      virNWFilterGetName(*(const virNWFilterPtr *)b));
}

static int nwfilter_list(struct cmd *cmd)
{
    virNWFilterPtr *filters = NULL;
    int count = virConnectListAllNWFilters(cmd_conn(cmd), &filters, 0);

    if (count < 0)
        return list_failed(cmd, "Failed to list network filters", virConnectNumOfNWFilters,
                           "Failed to count network filters");
    own_list(cmd, filters, count, nwfilter);
    qsort(filters, (size_t)count, sizeof(*filters), by_name);
    struct table *table = table_new(cmd, "uuid:UUID", "name:Name");

    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";

        virNWFilterGetUUIDString(filters[i], uuid);
        table_row(table, uuid, virNWFilterGetName(filters[i]));
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_nwfilter_list = {
    "nwfilter-list",
    "list network filters",
    "Returns list of network filters.",
    .run = nwfilter_list,
    .json = "[{uuid: string, name: string}]",
};

/* ---- bindings -------------------------------------------------------------------------------------------
 */

const struct command cmd_nwfilter_binding_create = {
    "nwfilter-binding-create",
    "create a network filter binding from an XML file",
    "Create a new network filter binding.",
    OPTIONS(FILE_ARG("file containing an XML network filter binding description"),
            VALIDATE(VIR_NWFILTER_BINDING_CREATE_VALIDATE)),
    DEFINES_FLAGGED(binding, virNWFilterBindingCreateXML),
    .done = "Network filter binding on %s created from %s\n",
    .failed = "Failed to create network filter from %s",
};

const struct command cmd_nwfilter_binding_delete = {
    "nwfilter-binding-delete",
    "delete a network filter binding",
    "Delete a given network filter binding.",
    OPTIONS(ARG("binding", "network filter binding port dev")),
    ACTION(binding, virNWFilterBindingDelete),
    .done = "Network filter binding on %s deleted\n",
    .failed = "Failed to delete network filter binding on %s",
};

const struct command cmd_nwfilter_binding_dumpxml = {
    "nwfilter-binding-dumpxml",
    "network filter information in XML",
    "Output the network filter information as an XML dump to stdout.",
    OPTIONS(ARG("binding", "network filter binding portdev"), XPATH),
    DUMPXML(binding, virNWFilterBindingGetXMLDesc),
};

static int by_port(const void *a, const void *b)
{
    return strcasecmp(virNWFilterBindingGetPortDev(*(const virNWFilterBindingPtr *)a),
                      virNWFilterBindingGetPortDev(*(const virNWFilterBindingPtr *)b));
}

static int nwfilter_binding_list(struct cmd *cmd)
{
    virNWFilterBindingPtr *bindings = NULL;
    int count = virConnectListAllNWFilterBindings(cmd_conn(cmd), &bindings, 0);

    if (count < 0)
        return say_error(cmd, "Failed to list network filter bindings");
    own_list(cmd, bindings, count, binding);
    qsort(bindings, (size_t)count, sizeof(*bindings), by_port);
    struct table *table = table_new(cmd, "port:Port Dev", "filter:Filter");

    for (int i = 0; i < count; i++)
        table_row(table, virNWFilterBindingGetPortDev(bindings[i]),
                  virNWFilterBindingGetFilterName(bindings[i]));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_nwfilter_binding_list = {
    "nwfilter-binding-list",
    "list network filter bindings",
    "Returns list of network filter bindings.",
    .run = nwfilter_binding_list,
    .json = "[{port: string, filter: string}]",
};
