/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document: commands that are no more than an object and its document (dumpxml, edit), an object made of a
 * document (define, create), or its autostart mark. Which calls they make stands in their rows.
 */
#include "virsh/frame.h"

/* Kinds, with the type of the object and how it is called in sentences. */
#define DUMPED(X)                                                                                            \
    X(domain, virDomainPtr, virDomainGetName)                                                                \
    X(network, virNetworkPtr, virNetworkGetName)                                                             \
    X(pool, virStoragePoolPtr, virStoragePoolGetName)                                                        \
    X(volume, virStorageVolPtr, virStorageVolGetName)                                                        \
    X(interface, virInterfacePtr, virInterfaceGetName)                                                       \
    X(nodedev, virNodeDevicePtr, virNodeDeviceGetName)                                                       \
    X(nwfilter, virNWFilterPtr, virNWFilterGetName)                                                          \
    X(binding, virNWFilterBindingPtr, virNWFilterBindingGetPortDev)                                          \
    X(secret, virSecretPtr, secret_name)
#define MADE(X)                                                                                              \
    X(domain, virDomainPtr, virDomainGetName, def->make.domain)                                              \
    X(network, virNetworkPtr, virNetworkGetName, def->make.network)                                          \
    X(nwfilter, virNWFilterPtr, virNWFilterGetName, def->make.nwfilter)                                      \
    X(pool, virStoragePoolPtr, virStoragePoolGetName, no_##pool)                                             \
    X(interface, virInterfacePtr, virInterfaceGetName, no_##interface)                                       \
    X(nodedev, virNodeDevicePtr, virNodeDeviceGetName, no_##nodedev)                                         \
    X(binding, virNWFilterBindingPtr, virNWFilterBindingGetPortDev, no_##binding)
#define AUTOSTARTED(X)                                                                                       \
    X(network, virNetworkPtr, virNetworkGetName)                                                             \
    X(pool, virStoragePoolPtr, virStoragePoolGetName)                                                        \
    X(nodedev, virNodeDevicePtr, virNodeDeviceGetName)

/* Secrets have no name; nothing is said about one here. */
static const char *secret_name(virSecretPtr secret)
{
    return "";
}

/* A sentence of the table with the texts for each %s. */
static char *sentence(struct cmd *cmd, const char *template, const char *first, const char *second)
{
    struct buf text = {0};
    const char *fill[] = {first, second};

    for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
        const char *hole = strstr(template, "%s");

        if (!hole)
            break;
        buf_add(&text, template, (size_t)(hole - template));
        buf_add_string(&text, fill[i]);
        template = hole + 2;
    }
    buf_add_string(&text, template);
    return cmd_own_text(cmd, buf_steal(&text));
}

/* Refused silently, as stock does, as soon as the object is found. */
static bool has_empty_xpath(struct cmd *cmd)
{
    const char *xpath = option_find(cmd->def, "xpath") ? cmd_raw(cmd, "xpath") : NULL;

    return xpath && !*xpath;
}

/* The object's document, and its name (owned by the object); NULL: there is none. */
static char *document_get(struct cmd *cmd, unsigned flags, const char **ret_name)
{
    switch (cmd->def->object) {
#define CASE(kind, type, get_name)                                                                           \
    case OBJECT_##kind: {                                                                                    \
        type kind = cmd_##kind(cmd);                                                                         \
                                                                                                             \
        if (!kind || has_empty_xpath(cmd))                                                                   \
            return NULL;                                                                                     \
        *ret_name = get_name(kind);                                                                          \
        return cmd->def->document.kind(kind, flags);                                                         \
    }
        DUMPED(CASE)
#undef CASE
    default:
        abort();
    }
}

/* An object of this document; its name, or NULL when the call failed. */
static const char *document_take(struct cmd *cmd, const char *document, unsigned flags)
{
    const struct command *def = cmd->def;
    virConnectPtr conn = cmd_conn(cmd);

    switch (def->object) {
#define no_pool NULL
#define no_interface NULL
#define no_nodedev NULL
#define no_binding NULL
#define CASE(kind, type, get_name, plain)                                                                    \
    case OBJECT_##kind: {                                                                                    \
        type (*call)(virConnectPtr, const char *) = plain;                                                   \
        type made = call && !flags ? call(conn, document) : def->make_flagged.kind(conn, document, flags);   \
                                                                                                             \
        return made ? get_name(own_##kind(cmd, made)) : NULL;                                                \
    }
        MADE(CASE)
#undef CASE
    default:
        abort();
    }
}

int run_dumpxml(struct cmd *cmd)
{
    const char *name;

    return print_xml(cmd, document_get(cmd, cmd_flags(cmd), &name));
}

int run_define(struct cmd *cmd)
{
    const char *file = cmd_raw(cmd, "file"), *document = cmd_file(cmd, "file");

    if (!document)
        return -1;
    const char *name = document_take(cmd, document, cmd_flags(cmd));

    if (!name)
        return say_error(cmd, "%s", sentence(cmd, cmd->def->failed, file, NULL));
    say(cmd, "%s", sentence(cmd, cmd->def->done, name, file));
    return 0;
}

static int store(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    return document_take(cmd, document, flags) ? 0 : -1;
}

int run_edit(struct cmd *cmd)
{
    const char *name = NULL;
    char *document = document_get(cmd, cmd->def->document_flags, &name);

    /* a driver that has one kind of document only doesn't know the flag for the other */
    if (!document && name && last_error_code() == VIR_ERR_INVALID_ARG)
        document = document_get(cmd, 0, &name);
    if (!document)
        return -1;
    struct edit work = {
        .document = cmd_own_text(cmd, document),
        .what = sentence(cmd, cmd->def->done, name, NULL),
        .store = store,
    };

    return edit(cmd, &work);
}

int run_autostart(struct cmd *cmd)
{
    const struct command *def = cmd->def;
    bool on = !cmd_has(cmd, "disable");
    const char *mark = on ? "mark" : "unmark", *name;
    int result;

    switch (def->object) {
#define CASE(kind, type, get_name)                                                                           \
    case OBJECT_##kind: {                                                                                    \
        type kind = cmd_##kind(cmd);                                                                         \
                                                                                                             \
        if (!kind)                                                                                           \
            return -1;                                                                                       \
        name = get_name(kind);                                                                               \
        result = def->autostart.kind(kind, on);                                                              \
        break;                                                                                               \
    }
        AUTOSTARTED(CASE)
#undef CASE
    default:
        abort();
    }
    if (result < 0)
        return say_error(cmd, "failed to %s %s %s as autostarted", mark, def->failed, name);
    say(cmd, "%s %s %sed as autostarted\n", def->done, name, mark);
    return 0;
}
