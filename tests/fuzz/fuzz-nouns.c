/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML of everything but machines: networks, pools, volumes, devices and interfaces of the host, secrets,
 * snapshots, checkpoints. The first byte chooses the kind, and whether the rest is the text or what it grows
 * from (grow.h). What is accepted must print, and what was printed must be accepted again and print the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "model/domain/domain.h"
#include "model/interface.h"
#include "model/moment.h"
#include "model/network.h"
#include "model/nodedev.h"
#include "model/secret.h"
#include "model/storage/pool.h"
#include "model/storage/volume.h"
#include "model/tables.h"
#include "tests/fuzz/grow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parse xml; when it is accepted, print it into text. */
typedef bool noun_function(struct arena *arena, const char *xml, struct buf *text, struct err *err);

#define NOUN(name, type, parse, format)                                                                      \
    static bool name(struct arena *arena, const char *xml, struct buf *text, struct err *err)                \
    {                                                                                                        \
        type *def = parse;                                                                                   \
                                                                                                             \
        if (def)                                                                                             \
            format;                                                                                          \
        return def;                                                                                          \
    }

NOUN(try_network, struct network_def, network_parse(arena, xml, 0, err), network_format(def, 0, text))
NOUN(try_pool, struct pool_def, pool_parse(arena, xml, 0, err), pool_format(def, text))
NOUN(try_volume, struct volume_def, volume_parse(arena, xml, &pool_kinds[POOL_DIR], 0, err),
     volume_format(def, text))
NOUN(try_nodedev, struct nodedev_def, nodedev_parse(arena, xml, false, 0, err), nodedev_format(def, text))
NOUN(try_interface, struct interface_def, interface_parse(arena, xml, 0, err), interface_format(def, text))
NOUN(try_secret, struct secret_def, secret_parse(arena, xml, 0, err), secret_format(def, text))
NOUN(try_snapshot, struct moment, moment_parse(arena, xml, false, false, 0, NULL, err),
     moment_format(text, def, false, false, 0))
NOUN(try_checkpoint, struct moment, moment_parse(arena, xml, true, false, 0, NULL, err),
     moment_format(text, def, true, false, 0))

static const struct noun {
    const char *root;
    noun_function *function;
} nouns[] = {
    {"network", try_network},         {"pool", try_pool},
    {"volume", try_volume},           {"device", try_nodedev},
    {"interface", try_interface},     {"secret", try_secret},
    {"domainsnapshot", try_snapshot}, {"domaincheckpoint", try_checkpoint},
};

/* NULL: documents of this kind aren't read by a table alone. */
static const struct xt_table *table_of(const struct noun *noun)
{
    const struct xt_table *const *table = model_tables;

    while (*table && !str_eq((*table)->name, noun->root))
        table++;
    return *table;
}

/* FUZZ_SHOW=1 shows what failed. */
static void check(bool holds, const struct buf *first, const struct buf *second, const struct err *err)
{
    if (holds)
        return;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "=== first\n%s=== second\n%s=== error: %s\n", buf_text(first), buf_text(second),
                err->message ? err->message : "none");
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct noun *noun = size ? &nouns[data[0] % ARRAY_SIZE(nouns)] : NULL;
    auto_arena struct arena arena = {0}, again = {0};
    auto_buf struct buf text = {0}, first = {0}, second = {0};
    auto_err struct err err = {0};
    bool accepted;

    if (!noun)
        return 0;
    if (data[0] & 0x80 && table_of(noun))
        grow_document(table_of(noun), data + 1, size - 1, &arena, &text);
    else
        buf_add(&text, data + 1, size - 1);
    if (getenv("FUZZ_SHOW"))
        fputs(buf_text(&text), stderr);
    accepted = noun->function(&arena, buf_text(&text), &first, &err);
    check(accepted != err_is_set(&err), &first, &second, &err);
    if (!accepted)
        return 0;
    accepted = noun->function(&again, buf_text(&first), &second, &err);
    check(accepted && str_eq(buf_text(&first), buf_text(&second)), &first, &second, &err);
    return 0;
}
