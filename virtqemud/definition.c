/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/definition.h"

#include "base/enum.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "loop/work.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/firmware.h"
#include "virtqemud/qemud.h"
#include "virtqemud/vms.h"

/* The capabilities of the emulator that the document names, or of the host's default for its architecture. */
static int find_caps(struct req *rq, struct arena *arena, const struct domain *domain,
                     const struct qemu_caps **ret)
{
    const char *arch = domain->os.arch ? domain->os.arch : qemu_host_arch();
    const char *binary = domain->devices.emulator ? domain->devices.emulator : qemu_binary_find(arena, arch);

    if (!binary)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "No emulator found for arch '%s'; install its qemu-system package", arch);
    return qemu_caps_get(rq, binary, ret);
}

/* Judged before anything is filled in: machines of another kind aren't for us. */
static int check_kind(struct req *rq, const struct domain *domain, const struct qemu_caps *caps)
{
    if (domain->os.type && domain->os.type != OS_HVM)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "Emulator '%s' does not support os type '%s'",
                       caps->binary, enum_name(os_type_names, domain->os.type));
    if (domain->virt != VIRT_QEMU && domain->virt != VIRT_KVM)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "Emulator '%s' does not support virt type '%s'",
                       caps->binary, enum_name(domain_virt_names, domain->virt));
    return 0;
}

/* A new definition must be one that its emulator can run. */
static int check_caps(struct req *rq, const struct domain *domain, const struct qemu_caps *caps)
{
    const struct qemu_machine *machine = qemu_caps_machine(caps, domain->os.machine);

    if (domain->os.arch && !qemu_caps_runs(caps, domain->os.arch))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "Emulator '%s' does not support arch '%s'",
                       domain->devices.emulator, domain->os.arch);
    if (machine && domain->vcpus.max > machine->max_cpus)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "Maximum CPUs greater than specified machine type limit %u", machine->max_cpus);
    if (domain->os.machine && !machine)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "Emulator '%s' does not support machine type '%s'",
                       domain->devices.emulator, domain->os.machine);
    return 0;
}

/* A document so long takes its time to be read: not on the loop. */
enum { LONG_DOCUMENT = 64 * 1024 };

struct reading {
    struct arena *arena;
    const char *xml;
    unsigned flags;
    struct domain *domain;
    struct err err;
};

static int read_document(void *arg)
{
    struct reading *reading = arg;

    reading->domain = domain_parse(reading->arena, reading->xml, reading->flags, NULL, &reading->err);
    return 0;
}

static struct domain *read_long_document(struct req *rq, struct arena *arena, const char *xml, unsigned flags)
{
    struct reading reading = {.arena = arena, .xml = xml, .flags = flags};

    /* it only computes, so it ends by itself; until then its memory is the worker's */
    fiber_shield(rq, true);
    if (work_run(rq, read_document, NULL, &reading, UINT64_MAX, "a long definition to be read") < 0)
        read_document(&reading); /* no thread to be had: others have to wait */
    fiber_shield(rq, false);
    err_move(&rq->err, &reading.err);
    return reading.domain;
}

/* What qemu.conf doesn't allow. */
static int check_conf(const struct domain *domain, struct err *err)
{
    const struct devices *devices = &domain->devices;

    for (size_t i = 0; i < devices->n_graphics && !qemud.conf.spice_tls.on; i++)
        if (devices->graphics[i]->type == GRAPHICS_SPICE && devices->graphics[i]->tls_port.value > 0)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "spice TLS port set in XML configuration, but TLS is disabled in qemu.conf");
    return 0;
}

struct domain *definition_parse(struct req *rq, struct arena *arena, const char *xml, unsigned flags)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct domain_policy policy;
    struct domain *domain;
    unsigned parse = 0;

    if (!(flags & DEFINITION_LIVE))
        parse |= DOMAIN_PARSE_INACTIVE;
    if (flags & DEFINITION_STORED)
        parse |= DOMAIN_PARSE_STORED;
    if (flags & DEFINITION_VALIDATE)
        parse |= DOMAIN_PARSE_VALIDATE;
    parse |= DOMAIN_PARSE_RAW;
    if (!(flags & DEFINITION_STORED) && strlen(xml) > LONG_DOCUMENT)
        domain = read_long_document(rq, arena, xml, parse);
    else
        domain = domain_parse(arena, xml, parse, NULL, &rq->err);
    parse &= ~(unsigned)DOMAIN_PARSE_RAW;
    if (!domain)
        return NULL;
    if (!(flags & DEFINITION_STORED)) {
        parse |= DOMAIN_PARSE_ABI_UPDATE;
        if (find_caps(rq, arena, domain, &caps) < 0 || check_kind(rq, domain, caps) < 0)
            return NULL;
    }
    policy = defaults_policy(caps);
    if (domain_post_parse(domain, arena, parse, &policy, &rq->err) < 0)
        return NULL;
    if (caps && check_conf(domain, &rq->err) < 0)
        return NULL;
    if (caps) /* not for what we stored ourselves */
        firmware_nvram_path(arena, domain, qemud.dirs.nvram);
    return caps && check_caps(rq, domain, caps) < 0 ? NULL : domain;
}

struct domain *definition_load(struct req *rq, struct vm *vm, struct arena *arena)
{
    char *text = store_read(qemud.store, vm->entry, &rq->arena, NULL, &rq->err);

    return text ? definition_parse(rq, arena, text, DEFINITION_STORED) : NULL;
}

static int run_op(void *op)
{
    store_op_run(op);
    return 0;
}

/*
 * The fsyncs happen on a worker; nobody else may change the same name or UUID until it is over, so this is
 * not cut short: the store frees op only in store_op_finish.
 */
int definition_op(struct req *rq, struct store_op *op, struct store_entry **ret)
{
    int r;

    if (!op)
        return -1;
    fiber_shield(rq, true);
    r = work_run(rq, run_op, NULL, op, SECONDS(600), "the disk that definitions are on");
    fiber_shield(rq, false);
    if (r < 0)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT,
                       "the definition could not be written: the disk of '%s' hangs", qemud.dirs.config);
    return store_op_finish(qemud.store, op, ret, &rq->err);
}

int definition_save(struct req *rq, struct vm *vm, const struct domain *domain)
{
    auto_buf struct buf text = {0};
    struct store_facts facts = {0};
    struct store_entry *entry = NULL;
    struct store_op *op;

    memcpy(facts.uuid, domain->uuid, UUID_SIZE);
    domain_format(&text, domain, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    op = store_op_save(qemud.store, domain->name, &facts, buf_text(&text), &rq->err);
    if (definition_op(rq, op, &entry) < 0)
        return -1;
    vm->entry = entry;
    entry->object = vm;
    return 0;
}
