/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definition: a domain's persistent model, as text in the store. It is parsed when it is asked for and never
 * kept. What is saved went through the same parse, defaults and check as what a user defines.
 */
#pragma once

#include "virtqemud/vm.h"

struct domain;
struct buf;

/* How a text from a user or from disk is read. */
enum definition_parse {
    DEFINITION_NEW = 0,           /* from a user: all defaults, all checks, a UUID and MACs are made */
    DEFINITION_VALIDATE = 1 << 0, /* unknown elements are errors */
    DEFINITION_STORED = 1 << 1,   /* our own: no check of the host */
    DEFINITION_LIVE = 1 << 2,     /* with the live parts: status files */
};
/* Parse, complete and check. NULL with rq->err set. May wait for the capabilities of its emulator. */
struct domain *definition_parse(struct req *rq, struct arena *arena, const char *xml, unsigned flags);

/* The definition, fresh in `arena`; NULL with rq->err set. */
struct domain *definition_load(struct req *rq, struct vm *vm, struct arena *arena);
struct store_op;
struct store_entry;
/* Run a change of the store to its end, its fsyncs on a worker. op NULL: rq->err is set already. */
int definition_op(struct req *rq, struct store_op *op, struct store_entry **ret);
/* Make or replace; vm becomes persistent. Blocks nobody: the file system's part runs on a worker. */
int definition_save(struct req *rq, struct vm *vm, const struct domain *domain);
