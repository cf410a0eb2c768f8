/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-xml-validate: would the daemons take this document? It is read by the tables that they read it with;
 * elements and attributes that those don't know, wrong values and what doesn't go together are told with
 * their line. What only a host can say (is there such a disk?) isn't asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "config.h"
#include "model/domain/domain.h"
#include "model/interface.h"
#include "model/moment.h"
#include "model/network.h"
#include "model/secret.h"
#include "model/storage/pool.h"
#include "model/storage/volume.h"
#include "tool.h"
#include "xml/node.h"

enum { DOCUMENT_SIZE_MAX = 64 * 1024 * 1024 };
/* As callers know them. */
enum exit_code { VALID = 0, WRONG_USE = 1, NO_DOCUMENT = 2, NOT_VALID = 3, NO_SCHEMA = 4 };

typedef bool check(struct arena *arena, const char *text, struct err *err);

static bool check_domain(struct arena *arena, const char *text, struct err *err)
{
    return domain_parse(arena, text, DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_VALIDATE, NULL, err);
}

static bool check_snapshot(struct arena *arena, const char *text, struct err *err)
{
    return moment_parse(arena, text, /* checkpoint= */ false, /* with_domain= */ true, XT_PARSE_VALIDATE,
                        NULL, err);
}

static bool check_checkpoint(struct arena *arena, const char *text, struct err *err)
{
    return moment_parse(arena, text, /* checkpoint= */ true, /* with_domain= */ true, XT_PARSE_VALIDATE, NULL,
                        err);
}

static bool check_network(struct arena *arena, const char *text, struct err *err)
{
    return network_parse(arena, text, XT_PARSE_VALIDATE, err);
}

static bool check_interface(struct arena *arena, const char *text, struct err *err)
{
    return interface_parse(arena, text, XT_PARSE_VALIDATE, err);
}

static bool check_secret(struct arena *arena, const char *text, struct err *err)
{
    return secret_parse(arena, text, XT_PARSE_VALIDATE, err);
}

static bool check_pool(struct arena *arena, const char *text, struct err *err)
{
    return pool_parse(arena, text, XT_PARSE_VALIDATE, err);
}

/* The formats of a volume are those of its pool's kind, which the document doesn't tell: files, mostly. */
static bool check_volume(struct arena *arena, const char *text, struct err *err)
{
    return volume_parse(arena, text, &pool_kinds[POOL_DIR], VOLUME_PARSE_VALIDATE | VOLUME_PARSE_NO_CAPACITY,
                        err);
}

/* As the user says it; the document's element; who reads it. */
#define SCHEMA_ROWS(ROW)                                                                                     \
    ROW("domain", "domain", check_domain)                                                                    \
    ROW("domainsnapshot", "domainsnapshot", check_snapshot)                                                  \
    ROW("domaincheckpoint", "domaincheckpoint", check_checkpoint)                                            \
    ROW("interface", "interface", check_interface)                                                           \
    ROW("network", "network", check_network)                                                                 \
    ROW("secret", "secret", check_secret)                                                                    \
    ROW("storagepool", "pool", check_pool)                                                                   \
    ROW("storagevol", "volume", check_volume)
#define SCHEMA_NAME(name, root, check) " " name
#define SCHEMA_ROW(name, root, check) {name, root, check},

static const struct schema {
    const char *name, *root;
    check *check;
} schemas[] = {SCHEMA_ROWS(SCHEMA_ROW)};

static int complain(enum exit_code code, const char *format, ...) PRINTF(2, 3);
static int complain(enum exit_code code, const char *format, ...)
{
    va_list args;

    fputs("virt-xml-validate: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

static const struct tool_option options[] = {
    TOOL_VERSION('V'),
    {0},
};

static const char *const paragraphs[] = {
    "Reads the document (-: standard input) with the tables that the daemons read it with. Elements and "
    "attributes that they don't know, wrong values, missing parts and what can't go together are refused, "
    "with the line. This is stricter than a definition, which ignores unknown elements, and the same as a "
    "definition with --validate. What only a host can tell (files, devices, addresses in use) is not looked "
    "at.",
    "The kind of document follows from its root element; a name chooses it:" SCHEMA_ROWS(SCHEMA_NAME) ".",
    NULL,
};

static const struct tool tool = {
    .name = "virt-xml-validate",
    .purpose = "check a document of machines, networks, storage and others",
    .arguments = "XML-FILE [SCHEMA-NAME]",
    .text = paragraphs,
    .options = options,
    .status = "0: valid. 1: wrong arguments. 2: the document can't be read. 3: not valid, or of an unknown "
              "kind. 4: no such schema.",
    .see_also = "virsh(1)",
    .usage = "Usage:\n"
             "  virt-xml-validate XML-FILE [SCHEMA-NAME]\n"
             "  virt-xml-validate OPTION\n"
             "\n"
             "Options:\n"
             "  -h | --help        Display program help\n"
             "  -V | --version     Display program version\n"
             "\n"
             "Schemas:\n " SCHEMA_ROWS(SCHEMA_NAME) "\n",
    .version = "virt-xml-validate (" PACKAGE_NAME ") " PACKAGE_VERSION,
};

static const struct schema *schema_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
        if (str_eq(schemas[i].name, name))
            return &schemas[i];
    return NULL;
}

static const struct schema *schema_of(const char *root)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
        if (str_eq(schemas[i].root, root))
            return &schemas[i];
    return NULL;
}

static int validate(const char *path, const char *name)
{
    const struct schema *schema = name ? schema_named(name) : NULL;
    bool standard_input = str_eq(path, "-");
    auto_arena struct arena arena = {0};
    auto_buf struct buf text = {0};
    auto_err struct err err = {0};
    struct xml_node *root;
    int r = standard_input ? file_read_fd(STDIN_FILENO, DOCUMENT_SIZE_MAX, &text)
                           : file_read(AT_FDCWD, path, DOCUMENT_SIZE_MAX, &text);

    if (r == -ENOENT)
        return complain(NO_DOCUMENT, "document %s does not exist", path);
    if (r < 0)
        return complain(NO_DOCUMENT, "document %s cannot be read: %s", path, strerror(-r));
    if (name && !schema)
        return complain(NO_SCHEMA, "there is no schema '%s'; --help lists them", name);
    root = xml_parse(&arena, buf_text(&text), text.length, path, NULL, &err);
    if (root && !schema && !(schema = schema_of(root->name)))
        return complain(NOT_VALID, "cannot determine schema type for %s: its element is <%s>", path,
                        root->name);
    if (root && schema->check(&arena, buf_text(&text), &err)) {
        printf("%s validates\n", path);
        return VALID;
    }
    fprintf(stderr, "%s: %s\n%s fails to validate\n", path, err.message, path);
    return NOT_VALID;
}

int main(int argc, char **argv)
{
    while (tool_next(&tool, argc, argv, WRONG_USE) != -1)
        ; /* all its options end the program */
    if (argc - optind < 1 || argc - optind > 2)
        tool_misused(&tool, WRONG_USE);
    return validate(argv[optind], argv[optind + 1]);
}
