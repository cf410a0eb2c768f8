/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines of a world's document, and what its elements of the namespace test say about their state. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/snapshot.h"
#include "testdriver/world.h"

struct extension {
    uint32_t runstate;
    bool transient, managed_save;
};

static int read_extension(const struct xml_node *node, struct arena *arena, struct extension *ret,
                          struct err *err)
{
    struct xml_node *runstate = xml_child(node, "test:runstate");
    const char *text = runstate ? xml_text(runstate, arena) : NULL;

    *ret = (struct extension){.runstate = VIR_DOMAIN_RUNNING,
                              .transient = xml_child(node, "test:transient"),
                              .managed_save = xml_child(node, "test:hasmanagedsave")};
    if (text && str_to_u32(text, &ret->runstate) < 0)
        return err_set(err, ERR_XML_ERROR, "invalid runstate '%s'", text);
    if (ret->runstate > VIR_DOMAIN_PMSUSPENDED)
        return err_set(err, ERR_XML_ERROR, "runstate '%u' out of range'", ret->runstate);
    if (ret->transient && ret->runstate == VIR_DOMAIN_SHUTOFF)
        return err_set(err, ERR_XML_ERROR, "transient domain cannot have runstate 'shutoff'");
    if (ret->managed_save && ret->runstate != VIR_DOMAIN_SHUTOFF)
        return err_set(err, ERR_XML_ERROR, "domain with managedsave data can only have runstate 'shutoff'");
    return 0;
}

/* The element of our namespace as a document: only its name is different. */
static void write_moment(const struct xml_node *node, const char *name, struct buf *text)
{
    struct xml_node root = *node;

    root.name = root.tag = name;
    root.uri = NULL;
    root.attrs = NULL;
    xml_format(&root, 0, text);
}

/* <test:domainsnapshot file='s.xml'/>, or with the content in it. */
static int load_moments(const struct world_load *load, struct vm *vm, bool checkpoint)
{
    const char *name = checkpoint ? "test:domaincheckpoint" : "test:domainsnapshot";

    for (struct xml_node *node = xml_child(load->node, name); node; node = xml_next(node, name)) {
        const char *file = xml_attr(node, "file");
        auto_buf struct buf text = {0};

        if (file && world_read(load, file, &text) < 0)
            return -1;
        if (!file)
            write_moment(node, str_after(name, "test:"), &text);
        if (moment_load(load->world, vm, buf_text(&text), checkpoint, load->err) < 0)
            return -1;
    }
    return 0;
}

int load_vm(const struct world_load *load)
{
    auto_arena struct arena arena = {0};
    struct extension extension;
    struct doc *doc = doc_parse(load->text, DOMAIN_PARSE_INACTIVE, load->err);
    struct vm *vm;

    if (!doc)
        return -1;
    if (read_extension(load->node, &arena, &extension, load->err) < 0) {
        doc_free(doc);
        return -1;
    }
    vm = vm_add(load->world, doc, 0, load->err);
    if (!vm)
        return -1;
    vm->thing.persistent = !extension.transient;
    vm->managed_save = extension.managed_save;
    if (load_moments(load, vm, false) < 0 || load_moments(load, vm, true) < 0)
        return -1;
    if (extension.runstate != VIR_DOMAIN_SHUTOFF) {
        vm_start(load->world, vm, VIR_DOMAIN_RUNNING_BOOTED);
        vm->state = (int)extension.runstate;
        vm->reason = 0;
    }
    return 0;
}

void vms_free(struct world *world)
{
    struct vm *vm;

    LIST_FOREACH(&world->vms, vm, thing.link)
        vm_remove(vm);
}
