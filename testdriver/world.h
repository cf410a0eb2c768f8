/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* World: reading a host and all that is on it. */
#pragma once

#include "testdriver/driver.h"
#include "xml/node.h"

/* Each reads one element of <node>, whose text is given as a document of its own, too. */
struct world_load {
    struct world *world;
    const char *folder;    /* of the document, for files that it names; NULL: the built-in one */
    struct xml_node *node; /* the element, or what its file= holds */
    const char *text;
    struct err *err;
};
/* Text of another file beside the document. */
int world_read(const struct world_load *load, const char *file, struct buf *ret);
int load_vm(const struct world_load *load);
int load_network(const struct world_load *load);
int load_interface(const struct world_load *load);
int load_pool(const struct world_load *load);
int load_device(const struct world_load *load);

void vms_free(struct world *world);
void networks_free(struct world *world);
void interfaces_free(struct list *interfaces);
void pools_free(struct world *world);
void devices_free(struct world *world);
