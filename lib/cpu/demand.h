/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Demand: what a <cpu> document of a user means, as sets of features, and whether a processor meets it. x86
 * only: of other architectures, what the document says is known, and no more.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "host/x86.h"
#include "xml/node.h"

/* What the document says by itself; in the arena. */
struct cpu_document {
    const struct xml_node *root;
    const char *arch, *model, *vendor; /* NULL: not said */
    bool host;      /* a host's description (it names an architecture): features are what it has */
    bool strict;    /* match='strict' */
    bool host_mode; /* host-passthrough, host-model or maximum: nothing of its own to compare */
};
/* host_only: must be a host's description. ERR_XML_ERROR, ERR_CONFIG_UNSUPPORTED, ERR_INTERNAL_ERROR. */
int cpu_document_parse(struct arena *arena, const char *xml, bool host_only, struct cpu_document *ret,
                       struct err *err);

struct cpu_demand {
    struct cpu_document document;
    struct x86_set force, require, optional, disable, forbid; /* require: with the model's features */
    struct x86_set named;                                     /* features that the document names itself */
};
/* ERR_NO_SUPPORT for another architecture, ERR_INTERNAL_ERROR ("Unknown CPU model ...", "Unknown CPU feature
 * ..."). */
int cpu_demand_read(const struct cpu_document *document, struct cpu_demand *ret, struct err *err);

/* Results of the compare calls. */
enum cpu_compare { CPU_COMPARE_INCOMPATIBLE, CPU_COMPARE_IDENTICAL, CPU_COMPARE_SUPERSET };
/* Can `host` run it? *ret_why (static or in the arena) says why not. */
enum cpu_compare cpu_compare(struct arena *arena, const struct x86_cpu *host, const struct cpu_demand *demand,
                             const char **ret_why);

/* <feature policy='require' name=''/> lines of a choice, at this indentation; host: without policy. */
void cpu_format_features(const struct x86_choice *choice, bool host, int indent, struct buf *xml);
