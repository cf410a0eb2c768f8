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

static const struct schema {
    const char *name, *root; /* as the user says it; the document's element */
    check *check;
} schemas[] = {
    {"domain", "domain", check_domain},
    {"domainsnapshot", "domainsnapshot", check_snapshot},
    {"domaincheckpoint", "domaincheckpoint", check_checkpoint},
    {"interface", "interface", check_interface},
    {"network", "network", check_network},
    {"secret", "secret", check_secret},
    {"storagepool", "pool", check_pool},
    {"storagevol", "volume", check_volume},
};

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

static void usage(FILE *out)
{
    fputs("Usage:\n"
          "  virt-xml-validate XML-FILE [SCHEMA-NAME]\n"
          "  virt-xml-validate OPTION\n"
          "\n"
          "Options:\n"
          "  -h | --help        Display program help\n"
          "  -V | --version     Display program version\n"
          "\n"
          "Schemas:\n ",
          out);
    for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
        fprintf(out, " %s", schemas[i].name);
    fputc('\n', out);
}

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
    const char *first = argc > 1 ? argv[1] : "";

    if (str_eq(first, "-h") || str_eq(first, "--help")) {
        usage(stdout);
        return VALID;
    }
    if (str_eq(first, "-V") || str_eq(first, "--version")) {
        puts("virt-xml-validate (" PACKAGE_NAME ") " PACKAGE_VERSION);
        return VALID;
    }
    if (argc < 2 || argc > 3 || (first[0] == '-' && first[1])) {
        usage(stderr);
        return WRONG_USE;
    }
    return validate(argv[1], argv[2]);
}
