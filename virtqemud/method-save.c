/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that put a machine to disk and bring it back, and those that only look at its memory. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/caps.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/migratable.h"
#include "virtqemud/params.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/save-filter.h"
#include "virtqemud/save.h"
#include "virtqemud/vms.h"

/* virDomainSaveRestoreFlags */
enum { BYPASS_CACHE = 1, RUNNING = 2, PAUSED = 4, RESET_NVRAM = 8 };

static int check_flags(struct req *rq, unsigned flags, unsigned known)
{
    if (method_flags(rq, flags, known) < 0)
        return -1;
    return method_flags_exclude(rq, flags, RUNNING, "SAVE_RUNNING", PAUSED, "SAVE_PAUSED");
}

static int wanted_state(unsigned flags)
{
    return flags & RUNNING ? 1 : flags & PAUSED ? 0 : -1;
}

/* The caller's definition in place of another: the same machine to its guest. */
static struct domain *replacement(struct req *rq, struct arena *arena, const char *xml,
                                  const struct domain *old)
{
    struct domain *domain = definition_parse(rq, arena, xml, DEFINITION_NEW);

    return domain && domain_abi_compare(old, domain, &rq->err) == 0 ? domain : NULL;
}

static const char *image_xml(struct req *rq, const struct domain *domain)
{
    auto_buf struct buf text = {0};

    migratable_format(&text, &rq->arena, domain, DOMAIN_FORMAT_INACTIVE);
    return arena_strdup(&rq->arena, buf_text(&text));
}

/* ---- save ---- */

static int save(struct req *rq, struct vm *vm, const char *path, const char *dxml, unsigned flags)
{
    const struct domain *domain;

    if (check_flags(rq, flags, BYPASS_CACHE | RUNNING | PAUSED) < 0 || !vm_monitor(rq, vm))
        return -1;
    domain = vm->run->domain;
    if (dxml && !(domain = replacement(rq, &rq->arena, dxml, domain)))
        return -1;
    if (vm_check_active(rq, vm) < 0)
        return -1;
    return save_machine(rq, vm, path, image_xml(rq, domain), wanted_state(flags), flags & BYPASS_CACHE);
}

static int m_save(struct req *rq, struct vm *vm, const struct remote_domain_save_in *in,
                  struct remote_domain_save_out *out)
{
    return save(rq, vm, in->to, NULL, 0);
}

static int m_save_flags(struct req *rq, struct vm *vm, const struct remote_domain_save_flags_in *in,
                        struct remote_domain_save_flags_out *out)
{
    return save(rq, vm, in->to, in->dxml, in->flags);
}

static const struct param_rule rules[] = {{"file", PARAM_STRING}, {"dxml", PARAM_STRING}, {0}};

static int file_of(struct req *rq, const struct wire_typed_param *v, uint32_t n, const char **ret_file,
                   const char **ret_dxml)
{
    const struct wire_typed_value *file, *dxml;

    if (params_check(rq, v, n, rules) < 0)
        return -1;
    file = params_find(v, n, "file");
    dxml = params_find(v, n, "dxml");
    if (!file)
        return err_set(&rq->err, ERR_INVALID_ARG, "missing parameter 'file'");
    *ret_file = file->s;
    *ret_dxml = dxml ? dxml->s : NULL;
    return 0;
}

static int m_save_params(struct req *rq, struct vm *vm, const struct remote_domain_save_params_in *in,
                         struct remote_domain_save_params_out *out)
{
    const char *file, *dxml;

    return file_of(rq, in->params.v, in->params.n, &file, &dxml) < 0 ? -1
                                                                     : save(rq, vm, file, dxml, in->flags);
}

static const char *managed_path(struct req *rq, const struct vm *vm)
{
    return arena_printf(&rq->arena, "%s/%s.save", qemud.dirs.save, vm->name);
}

static int m_managed_save(struct req *rq, struct vm *vm, const struct remote_domain_managed_save_in *in,
                          struct remote_domain_managed_save_out *out)
{
    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (!vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot do managed save for transient domain");
    return save(rq, vm, managed_path(rq, vm), NULL, in->flags);
}

/* ---- restore ---- */

/* The machine of an open image; image->fd stays the caller's. */
static int restore_image(struct req *rq, struct save_image *image, const char *dxml, unsigned flags)
{
    struct arena arena = {0};
    CLEANUP(save_filter_done) struct save_filter filter = {0};
    struct start_how how = {.restored = true};
    struct domain *domain = definition_parse(rq, &rq->arena, image->xml, DEFINITION_STORED);

    how.paused = wanted_state(flags) < 0 ? !image->running : !wanted_state(flags);
    if (domain && dxml)
        domain = replacement(rq, &arena, dxml, domain);
    else if (domain)
        domain = definition_parse(rq, &arena, image->xml, DEFINITION_STORED);
    if (!domain) {
        arena_done(&arena);
        return -1;
    }
    if (save_filter_open(rq, image->format, flags & BYPASS_CACHE, image->fd, &filter) < 0) {
        arena_done(&arena);
        return -1;
    }
    how.stream = filter.stream;
    return life_start_as(rq, &arena, domain, "restore", &how, /* ret= */ NULL);
}

static int restore(struct req *rq, const char *path, const char *dxml, unsigned flags)
{
    CLEANUP(save_image_done) struct save_image image = {.fd = -1};

    if (check_flags(rq, flags, BYPASS_CACHE | RUNNING | PAUSED) < 0 || save_open(rq, path, false, &image) < 0)
        return -1;
    return restore_image(rq, &image, dxml, flags);
}

static int m_restore(struct req *rq, struct client *client, const struct remote_domain_restore_in *in,
                     struct remote_domain_restore_out *out)
{
    return restore(rq, in->from, NULL, 0);
}

static int m_restore_flags(struct req *rq, struct client *client,
                           const struct remote_domain_restore_flags_in *in,
                           struct remote_domain_restore_flags_out *out)
{
    return restore(rq, in->from, in->dxml, in->flags);
}

static int m_restore_params(struct req *rq, struct client *client,
                            const struct remote_domain_restore_params_in *in,
                            struct remote_domain_restore_params_out *out)
{
    const char *file, *dxml;

    return file_of(rq, in->params.v, in->params.n, &file, &dxml) < 0 ? -1
                                                                     : restore(rq, file, dxml, in->flags);
}

int save_start(struct req *rq, struct vm *vm, const struct start_how *how, bool *ret_done)
{
    CLEANUP(save_image_done) struct save_image image = {.fd = -1};
    CLEANUP(save_filter_done) struct save_filter filter = {0};
    const char *path = managed_path(rq, vm);
    struct start_how restored = *how;
    struct arena arena = {0};
    struct domain *domain;

    *ret_done = false;
    if (access(path, F_OK) < 0)
        return 0;
    if (save_open(rq, path, true, &image) < 0)
        return -1;
    if (image.partial) { /* whoever wrote it was killed: the machine had not ended, its disks are newer */
        unlink(path);
        return 0;
    }
    *ret_done = true;
    domain = definition_parse(rq, &arena, image.xml, DEFINITION_STORED);
    if (domain && (!str_eq(domain->name, vm->name) || memcmp(domain->uuid, vm->uuid, UUID_SIZE) != 0)) {
        err_set(&rq->err, ERR_OPERATION_FAILED, "'%s' holds another domain, '%s'", path, domain->name);
        domain = NULL;
    }
    if (!domain || save_filter_open(rq, image.format, how->bypass_cache, image.fd, &filter) < 0) {
        arena_done(&arena);
        return -1;
    }
    restored.restored = true;
    restored.stream = filter.stream;
    restored.paused |= !image.running;
    if (machine_start(rq, vm, &arena, domain, &restored) < 0)
        return -1;
    unlink(path);
    return 0;
}

/* ---- images ---- */

static int describe(struct req *rq, const char *path, unsigned flags, char **ret)
{
    enum { SECURE = 1 };
    CLEANUP(save_image_done) struct save_image image = {.fd = -1};
    auto_buf struct buf text = {0};
    const struct domain *domain;

    if (method_flags(rq, flags, SECURE) < 0 || save_open(rq, path, false, &image) < 0)
        return -1;
    domain = definition_parse(rq, &rq->arena, image.xml, DEFINITION_STORED);
    if (!domain || vms_check_access(rq, domain->name, domain->uuid) < 0)
        return -1;
    domain_format(&text, domain, DOMAIN_FORMAT_INACTIVE | (flags & SECURE ? DOMAIN_FORMAT_SECURE : 0));
    *ret = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_describe(struct req *rq, struct client *client,
                      const struct remote_domain_save_image_get_xml_desc_in *in,
                      struct remote_domain_save_image_get_xml_desc_out *out)
{
    return describe(rq, in->file, in->flags, &out->xml);
}

static int m_managed_describe(struct req *rq, struct vm *vm,
                              const struct remote_domain_managed_save_get_xml_desc_in *in,
                              struct remote_domain_managed_save_get_xml_desc_out *out)
{
    const char *path = managed_path(rq, vm);

    if (access(path, F_OK) < 0)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain does not have managed save image");
    return describe(rq, path, in->flags, &out->xml);
}

static int define(struct req *rq, const char *path, const char *dxml, unsigned flags)
{
    CLEANUP(save_image_done) struct save_image image = {.fd = -1};
    const struct domain *old, *domain;

    if (check_flags(rq, flags, RUNNING | PAUSED) < 0 || save_open(rq, path, false, &image) < 0)
        return -1;
    old = definition_parse(rq, &rq->arena, image.xml, DEFINITION_STORED);
    if (!old || vms_check_access(rq, old->name, old->uuid) < 0)
        return -1;
    domain = dxml ? replacement(rq, &rq->arena, dxml, old) : old;
    return domain ? save_define(rq, path, image_xml(rq, domain), wanted_state(flags)) : -1;
}

static int m_define(struct req *rq, struct client *client,
                    const struct remote_domain_save_image_define_xml_in *in,
                    struct remote_domain_save_image_define_xml_out *out)
{
    return define(rq, in->file, in->dxml, in->flags);
}

static int m_managed_define(struct req *rq, struct vm *vm,
                            const struct remote_domain_managed_save_define_xml_in *in,
                            struct remote_domain_managed_save_define_xml_out *out)
{
    const char *path = managed_path(rq, vm);

    if (access(path, F_OK) < 0)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain does not have managed save image");
    return define(rq, path, in->dxml, in->flags);
}

/* ---- dumps ---- */

/* virDomainCoreDumpFlags, and formats by their numbers, in QEMU's words */
enum { DUMP_CRASH = 1, DUMP_LIVE = 2, DUMP_BYPASS_CACHE = 4, DUMP_RESET = 8, DUMP_MEMORY_ONLY = 16 };
static const char *const dump_formats[] = {"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"};

static int dump_memory(struct req *rq, struct vm *vm, int fd, unsigned format)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    struct qmp_call call = {0};

    if (!qmp || qmp_put_fd(rq, qmp, &call, "getfd", "{\"fdname\":\"dump\"}", fd) < 0 ||
        qmp_take(rq, &call, NULL, SECONDS(30)) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    return qmp_call(
        rq, qmp, "dump-guest-memory",
        json_text(&rq->arena, "{'paging':false,'protocol':'fd:dump','format':%s}", dump_formats[format]),
        NULL, SECONDS(3600));
}

static int after_dump(struct req *rq, struct vm *vm, unsigned flags, bool stopped)
{
    struct qmp *qmp;

    if (flags & DUMP_CRASH)
        return machine_stop(rq, vm, false, API_DOMAIN_SHUTOFF_CRASHED, API_DOMAIN_EVENT_STOPPED_CRASHED);
    if (flags & DUMP_RESET &&
        (!(qmp = vm_monitor(rq, vm)) || qmp_call(rq, qmp, "system_reset", NULL, NULL, SECONDS(30)) < 0))
        return -1;
    return stopped && vm->run ? machine_resume(rq, vm, API_DOMAIN_RUNNING_UNPAUSED) : 0;
}

static int dump(struct req *rq, struct vm *vm, const char *path, unsigned format, unsigned flags)
{
    auto_fd int fd = -1;
    struct err why = {0};
    bool stopped;
    int r;

    if (method_flags(rq, flags, DUMP_CRASH | DUMP_LIVE | DUMP_BYPASS_CACHE | DUMP_RESET | DUMP_MEMORY_ONLY) <
        0)
        return -1;
    if ((flags & DUMP_CRASH) && (flags & DUMP_LIVE || flags & DUMP_RESET))
        return err_set(&rq->err, ERR_INVALID_ARG, "crash flag excludes live and reset flags");
    if (format >= ARRAY_SIZE(dump_formats))
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown dump format '%u'", format);
    if (format && !(flags & DUMP_MEMORY_ONLY))
        return err_set(&rq->err, ERR_INVALID_ARG,
                       "kdump-compressed format is only supported with memory-only dump");
    if (!vm_monitor(rq, vm))
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_system(&rq->err, errno, "Failed to create file '%s'", path);
    fiber_shield(rq, true);
    stopped = vm->state == API_DOMAIN_RUNNING && !(flags & DUMP_LIVE);
    r = stopped ? machine_pause(rq, vm, API_DOMAIN_PAUSED_DUMP) : 0;
    if (r == 0)
        r = flags & DUMP_MEMORY_ONLY
                ? dump_memory(rq, vm, fd, format)
                : save_stream(rq, vm, fd, qemud.conf.dump_format, flags & DUMP_BYPASS_CACHE);
    if (r < 0) {
        err_move(&why, &rq->err);
        save_image_discard(path);
        flags = 0; /* the machine goes on */
    }
    if (vm->run && after_dump(rq, vm, flags, stopped) < 0)
        r = -1;
    if (err_is_set(&why)) {
        err_clear(&rq->err);
        err_move(&rq->err, &why);
    }
    fiber_shield(rq, false);
    return r;
}

static int m_dump(struct req *rq, struct vm *vm, const struct remote_domain_core_dump_in *in,
                  struct remote_domain_core_dump_out *out)
{
    return dump(rq, vm, in->to, 0, in->flags);
}

static int m_dump_with_format(struct req *rq, struct vm *vm,
                              const struct remote_domain_core_dump_with_format_in *in,
                              struct remote_domain_core_dump_with_format_out *out)
{
    return dump(rq, vm, in->to, in->dumpformat, in->flags);
}

const struct method save_methods[] = {
    METHOD(remote, DOMAIN_SAVE, m_save),
    METHOD(remote, DOMAIN_SAVE_FLAGS, m_save_flags),
    METHOD(remote, DOMAIN_SAVE_PARAMS, m_save_params),
    METHOD(remote, DOMAIN_MANAGED_SAVE, m_managed_save),
    METHOD(remote, DOMAIN_RESTORE, m_restore),
    METHOD(remote, DOMAIN_RESTORE_FLAGS, m_restore_flags),
    METHOD(remote, DOMAIN_RESTORE_PARAMS, m_restore_params),
    METHOD(remote, DOMAIN_SAVE_IMAGE_GET_XML_DESC, m_describe),
    METHOD(remote, DOMAIN_SAVE_IMAGE_DEFINE_XML, m_define),
    METHOD(remote, DOMAIN_MANAGED_SAVE_GET_XML_DESC, m_managed_describe),
    METHOD(remote, DOMAIN_MANAGED_SAVE_DEFINE_XML, m_managed_define),
    METHOD(remote, DOMAIN_CORE_DUMP, m_dump),
    METHOD(remote, DOMAIN_CORE_DUMP_WITH_FORMAT, m_dump_with_format),
    {0},
};
