/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Methods that put machines to files. Such a file has the driver's mark, and (a saved machine) the length of
 * the definition as a 32 bit number of this host and the definition: as stock writes it.
 */
#define ERR_FROM ERR_FROM_TEST
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "testdriver/event.h"
#include "testdriver/life.h"

static const char mark[] = "TestGuestMagic"; /* with its NUL */
enum { IMAGE_MAX = 64 * 1024 * 1024 };

/* ---- files ---- */

static int write_image(const char *name, const char *path, const char *xml, struct err *err)
{
    auto_fd int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    int32_t length = (int32_t)strlen(xml);
    int r;

    if (fd < 0)
        return err_system(err, errno, "saving domain '%s' to '%s': open failed", name, path);
    r = fd_write_all(fd, mark, sizeof(mark));
    if (r == 0)
        r = fd_write_all(fd, &length, sizeof(length));
    if (r == 0)
        r = fd_write_all(fd, xml, strlen(xml));
    return r < 0 ? err_system(err, r, "saving domain '%s' to '%s': write failed", name, path) : 0;
}

static int read_image(const char *path, struct doc **ret, struct err *err)
{
    auto_buf struct buf image = {0};
    auto_free char *xml = NULL;
    int32_t length;
    int r = file_read(AT_FDCWD, path, IMAGE_MAX, &image);

    if (r < 0)
        return err_system(err, r, "cannot read domain image '%s'", path);
    if (image.length < sizeof(mark) || memcmp(image.data, mark, sizeof(mark)) != 0)
        return err_set(err, ERR_INTERNAL_ERROR, "mismatched header magic");
    if (image.length < sizeof(mark) + sizeof(length))
        return err_set(err, ERR_INTERNAL_ERROR, "failed to read metadata length in '%s'", path);
    memcpy(&length, image.data + sizeof(mark), sizeof(length));
    if (length < 1 || (size_t)length > image.length - sizeof(mark) - sizeof(length))
        return err_set(err, ERR_INTERNAL_ERROR, "length of metadata out of range");
    xml = mem_strndup(image.data + sizeof(mark) + sizeof(length), (size_t)length);
    *ret = doc_parse(xml, DOMAIN_PARSE_INACTIVE, err);
    return *ret ? 0 : -1;
}

/* ---- save and restore ---- */

static int save(struct req *rq, struct vm *vm, const char *path, const char *dxml)
{
    auto_buf struct buf text = {0};

    if (dxml)
        return err_set(rq->err, ERR_ARGUMENT_UNSUPPORTED, "xml modification unsupported");
    if (vm_need_active(rq, vm) < 0)
        return -1;
    domain_format(&text, vm->def->domain, DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_INACTIVE);
    if (write_image(vm->thing.name, path, buf_text(&text), rq->err) < 0)
        return -1;
    life_end(rq, vm, VIR_DOMAIN_SHUTOFF_SAVED, VIR_DOMAIN_EVENT_STOPPED_SAVED);
    return 0;
}

static int m_save(struct req *rq, struct vm *vm, const struct remote_domain_save_in *in,
                  struct remote_domain_save_out *out)
{
    return save(rq, vm, in->to, NULL);
}

static int m_save_flags(struct req *rq, struct vm *vm, const struct remote_domain_save_flags_in *in,
                        struct remote_domain_save_flags_out *out)
{
    return save(rq, vm, in->to, in->dxml);
}

static int restore(struct req *rq, const char *path, const char *dxml)
{
    struct doc *doc;
    struct vm *vm;

    if (dxml)
        return err_set(rq->err, ERR_ARGUMENT_UNSUPPORTED, "xml modification unsupported");
    if (read_image(path, &doc, rq->err) < 0)
        return -1;
    vm = vm_add(rq->world, doc, VM_ADD_NEW | VM_ADD_LIVE, rq->err);
    if (!vm)
        return -1;
    vm_start(rq->world, vm, VIR_DOMAIN_RUNNING_RESTORED);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_RESTORED);
    return 0;
}

static int m_restore(struct req *rq, struct client *client, const struct remote_domain_restore_in *in,
                     struct remote_domain_restore_out *out)
{
    return restore(rq, in->from, NULL);
}

static int m_restore_flags(struct req *rq, struct client *client,
                           const struct remote_domain_restore_flags_in *in,
                           struct remote_domain_restore_flags_out *out)
{
    return restore(rq, in->from, in->dxml);
}

static int m_image_xml(struct req *rq, struct client *client,
                       const struct remote_domain_save_image_get_xml_desc_in *in,
                       struct remote_domain_save_image_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};
    auto_doc struct doc *doc = NULL;

    if (read_image(in->file, &doc, rq->err) < 0)
        return -1;
    domain_format(&text, doc->domain,
                  DOMAIN_FORMAT_INACTIVE |
                      (in->flags & VIR_DOMAIN_SAVE_IMAGE_XML_SECURE ? DOMAIN_FORMAT_SECURE : 0));
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_image_define(struct req *rq, struct client *client,
                          const struct remote_domain_save_image_define_xml_in *in,
                          struct remote_domain_save_image_define_xml_out *out)
{
    auto_buf struct buf text = {0};
    auto_doc struct doc *old = NULL;
    auto_doc struct doc *doc = NULL;

    if (read_image(in->file, &old, rq->err) < 0)
        return -1;
    doc = doc_parse(in->dxml, DOMAIN_PARSE_INACTIVE, rq->err);
    if (!doc)
        return -1;
    domain_format(&text, doc->domain, DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_INACTIVE);
    return write_image(doc->domain->name, in->file, buf_text(&text), rq->err);
}

/* ---- managed save: nothing is kept but that there is one ---- */

static int m_managed_save(struct req *rq, struct vm *vm, const struct remote_domain_managed_save_in *in,
                          struct remote_domain_managed_save_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (!vm->thing.persistent)
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot do managed save for transient domain");
    vm->managed_save = true;
    life_end(rq, vm, VIR_DOMAIN_SHUTOFF_SAVED, VIR_DOMAIN_EVENT_STOPPED_SAVED);
    return 0;
}

static int m_has_managed_save(struct req *rq, struct vm *vm,
                              const struct remote_domain_has_managed_save_image_in *in,
                              struct remote_domain_has_managed_save_image_out *out)
{
    out->result = vm->managed_save;
    return 0;
}

static int m_managed_save_remove(struct req *rq, struct vm *vm,
                                 const struct remote_domain_managed_save_remove_in *in,
                                 struct remote_domain_managed_save_remove_out *out)
{
    vm->managed_save = false;
    return 0;
}

/* ---- dump ---- */

static int dump(struct req *rq, struct vm *vm, const char *path, unsigned format, unsigned flags)
{
    auto_fd int fd = -1;
    int r;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW)
        return err_set(rq->err, ERR_OPERATION_UNSUPPORTED, "kdump-compressed format is not supported here");
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return err_system(rq->err, errno, "domain '%s' coredump: failed to open %s", vm->thing.name, path);
    r = fd_write_all(fd, mark, sizeof(mark));
    if (r < 0)
        return err_system(rq->err, r, "domain '%s' coredump: failed to write header to %s", vm->thing.name,
                          path);
    if (flags & VIR_DUMP_CRASH)
        life_end(rq, vm, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_CRASHED);
    return 0;
}

static int m_core_dump(struct req *rq, struct vm *vm, const struct remote_domain_core_dump_in *in,
                       struct remote_domain_core_dump_out *out)
{
    return dump(rq, vm, in->to, VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, in->flags);
}

static int m_core_dump_format(struct req *rq, struct vm *vm,
                              const struct remote_domain_core_dump_with_format_in *in,
                              struct remote_domain_core_dump_with_format_out *out)
{
    return dump(rq, vm, in->to, in->dumpformat, in->flags);
}

const struct method save_methods[] = {
    METHOD(remote, DOMAIN_SAVE, m_save),
    METHOD(remote, DOMAIN_SAVE_FLAGS, m_save_flags),
    METHOD(remote, DOMAIN_RESTORE, m_restore),
    METHOD(remote, DOMAIN_RESTORE_FLAGS, m_restore_flags),
    METHOD(remote, DOMAIN_SAVE_IMAGE_GET_XML_DESC, m_image_xml, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE),
    METHOD(remote, DOMAIN_SAVE_IMAGE_DEFINE_XML, m_image_define,
           VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED),
    METHOD(remote, DOMAIN_MANAGED_SAVE, m_managed_save,
           VIR_DOMAIN_SAVE_BYPASS_CACHE | VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED),
    METHOD(remote, DOMAIN_HAS_MANAGED_SAVE_IMAGE, m_has_managed_save),
    METHOD(remote, DOMAIN_MANAGED_SAVE_REMOVE, m_managed_save_remove),
    METHOD(remote, DOMAIN_CORE_DUMP, m_core_dump, VIR_DUMP_CRASH),
    METHOD(remote, DOMAIN_CORE_DUMP_WITH_FORMAT, m_core_dump_format, VIR_DUMP_CRASH),
    {0},
};
