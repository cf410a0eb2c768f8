/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which firmware a machine gets, and its variables. The first descriptor, in the order that the administrator
 * gave them, that has all that the machine asks for and nothing that it refuses.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/firmware.h"
#include "virtqemud/qemud.h"

enum { NVRAM_MAX = 64 << 20 };

static bool has(const struct firmware *firmware, enum fw_feature feature)
{
    return firmware->features >> feature & 1;
}

/* Does a wish (yes, no, none) agree with what the firmware has? */
static bool agrees(enum tristate wish, bool has_it)
{
    return wish == TRI_NONE || (wish == TRI_YES) == has_it;
}

static enum storage_format wanted_format(const struct os_loader *loader)
{
    return loader && loader->format ? loader->format : FORMAT_RAW;
}

/* Why this firmware is not for this machine; NULL when it is. */
static const char *unfit(const struct firmware *firmware, const struct domain *domain)
{
    const struct os *os = &domain->os;
    const struct os_loader *loader = os->loader;
    bool stateless = loader && loader->stateless == TRI_YES;

    if (!(firmware->interfaces >> (os->firmware == FIRMWARE_BIOS ? FW_BIOS : FW_UEFI) & 1))
        return "another kind of firmware";
    if (!firmware_fits(firmware, os->arch, os->machine))
        return "for other machines";
    if (firmware->device == FW_KERNEL)
        return "for direct boot only";
    if (firmware->device == FW_FLASH && firmware->mode != (stateless ? FW_STATELESS : FW_SPLIT))
        return "its variables are kept in another way";
    if (firmware->device == FW_MEMORY && loader && loader->type == LOADER_PFLASH)
        return "not for pflash";
    if (firmware->device == FW_FLASH && loader && loader->type == LOADER_ROM)
        return "for pflash only";
    if (!str_eq(firmware->format, enum_name(storage_format_names, wanted_format(loader))))
        return "another format";
    if (!agrees(os_wants_feature(os, FW_SECURE_BOOT), has(firmware, FW_SECURE)) ||
        !agrees(os_wants_feature(os, FW_ENROLLED_KEYS), has(firmware, FW_ENROLLED)))
        return "a feature is wished otherwise";
    if (loader && loader->secure &&
        !agrees(loader->secure, has(firmware, FW_SECURE) && has(firmware, FW_REQUIRES_SMM)))
        return "secure is wished otherwise";
    if (domain->features.smm == TRI_OFF && has(firmware, FW_REQUIRES_SMM))
        return "needs SMM";
    if ((domain->suspend_to_mem == TRI_YES && !has(firmware, FW_ACPI_S3)) ||
        (domain->suspend_to_disk == TRI_YES && !has(firmware, FW_ACPI_S4)))
        return "can't sleep";
    if (domain->launch && !has(firmware, FW_AMD_SEV))
        return "no launch security";
    return NULL;
}

static char *default_path(struct arena *arena, const struct domain *domain, const char *nvram_dir)
{
    const struct os_nvram *nvram = domain->os.nvram;

    return arena_printf(arena, "%s/%s_VARS.%s", nvram_dir, domain->name,
                        nvram && nvram->format == FORMAT_QCOW2 ? "qcow2" : "fd");
}

const char *firmware_nvram_of(struct arena *arena, const struct domain *domain, const char *nvram_dir)
{
    const struct os *os = &domain->os;

    if (os->nvram && os->nvram->source.path)
        return os->nvram->source.path;
    if (os->firmware != FIRMWARE_EFI || (os->loader && os->loader->stateless == TRI_YES))
        return NULL;
    return default_path(arena, domain, nvram_dir);
}

void firmware_nvram_path(struct arena *arena, struct domain *domain, const char *nvram_dir)
{
    struct os *os = &domain->os;

    if (!os->loader || os->loader->type != LOADER_PFLASH || os->loader->readonly != TRI_YES ||
        os->loader->stateless == TRI_YES)
        return;
    if (!os->nvram)
        os->nvram = ARENA_NEW(arena, struct os_nvram);
    if (os->nvram->source.path || os->nvram->source.type)
        return;
    os->nvram->source.path = default_path(arena, domain, nvram_dir);
}

static void take(struct arena *arena, struct domain *domain, const struct firmware *firmware,
                 const char *nvram_dir)
{
    struct os *os = &domain->os;

    if (!os->loader)
        os->loader = ARENA_NEW(arena, struct os_loader);
    os->firmware = FIRMWARE_UNSET; /* the choice is made; what is printed now is the result */
    os->loader->path = arena_strdup(arena, firmware->path);
    os->loader->type = firmware->device == FW_FLASH ? LOADER_PFLASH : LOADER_ROM;
    if (firmware->device == FW_FLASH)
        os->loader->readonly = TRI_YES;
    if (has(firmware, FW_REQUIRES_SMM)) {
        domain->features.smm = TRI_ON;
        os->loader->secure = TRI_YES;
    }
    firmware_nvram_path(arena, domain, nvram_dir);
    if (os->nvram && !os->nvram->template)
        os->nvram->template = arena_strdup(arena, firmware->vars);
}

/* A pflash image that the user chose: the template that belongs to it, from its descriptor. */
static void find_template(struct arena *arena, struct domain *domain, const struct firmwares *firmwares)
{
    struct os *os = &domain->os;

    for (size_t i = 0; i < firmwares->count && !os->nvram->template; i++) {
        const struct firmware *firmware = &firmwares->list[i];

        if (firmware->device == FW_FLASH && firmware->mode == FW_SPLIT &&
            str_eq(firmware->path, os->loader->path) && firmware_fits(firmware, os->arch, os->machine))
            os->nvram->template = arena_strdup(arena, firmware->vars);
    }
}

int firmware_choose(struct req *rq, struct arena *arena, struct domain *domain, const char *nvram_dir)
{
    struct os *os = &domain->os;
    struct firmwares firmwares = {0};

    if (!os->firmware || (os->loader && os->loader->path)) {
        firmware_nvram_path(arena, domain, nvram_dir);
        if (os->nvram && os->loader && !os->nvram->template) {
            firmwares_read(&rq->arena, firmware_dirs(&rq->arena, qemud.privileged), &firmwares);
            find_template(arena, domain, &firmwares);
        }
        return 0;
    }
    firmwares_read(&rq->arena, firmware_dirs(&rq->arena, qemud.privileged), &firmwares);
    for (size_t i = 0; i < firmwares.count; i++) {
        const char *why = unfit(&firmwares.list[i], domain);

        if (!why) {
            take(arena, domain, &firmwares.list[i], nvram_dir);
            return 0;
        }
        log_debug("firmware '%s' is not for domain '%s': %s", firmwares.list[i].file, domain->name, why);
    }
    return err_set(&rq->err, ERR_OPERATION_FAILED, "Unable to find any firmware to satisfy '%s'",
                   enum_name(os_firmware_names, os->firmware));
}

/* What a worker needs to copy a template; it owns all of it. */
struct nvram_copy {
    char *from, *to;
    uid_t uid;
    gid_t gid;
};

static void nvram_copy_free(void *arg)
{
    struct nvram_copy *copy = arg;

    free(copy->from);
    free(copy->to);
    free(copy);
}

static int make_dirs_above(const char *path)
{
    auto_free char *dir = mem_strdup(path);
    char *slash = strrchr(dir, '/');

    if (!slash || slash == dir)
        return 0;
    *slash = '\0';
    return file_make_dirs(dir, 0755);
}

/* On a worker: copy beside the target, then rename, so that a machine never sees half of its variables. */
static int nvram_copy_run(void *arg)
{
    struct nvram_copy *copy = arg;
    auto_buf struct buf content = {0};
    int r = file_read(AT_FDCWD, copy->from, NVRAM_MAX, &content);

    if (r == 0)
        r = make_dirs_above(copy->to);
    if (r < 0)
        return r;
    auto_free char *temporary = mem_printf("%s.new", copy->to);

    (void)unlink(temporary);
    auto_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, content.data, content.length);
    if (r == 0 && geteuid() == 0 && fchown(fd, copy->uid, copy->gid) < 0)
        r = -errno;
    if (r == 0 && (fsync(fd) < 0 || rename(temporary, copy->to) < 0))
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}

int firmware_make_nvram(struct req *rq, const struct domain *domain, unsigned uid, unsigned gid, bool reset)
{
    const struct os_nvram *nvram = domain->os.nvram;

    if (!nvram || !nvram->source.path || (nvram->source.type && nvram->source.type != STORAGE_FILE))
        return 0;
    if (!reset && file_exists(nvram->source.path))
        return 0;
    if (!nvram->template)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "unable to find any master var store for loader: %s",
                       domain->os.loader && domain->os.loader->path ? domain->os.loader->path : "(none)");
    struct nvram_copy *copy = NEW(struct nvram_copy);

    *copy = (struct nvram_copy){
        .from = mem_strdup(nvram->template), .to = mem_strdup(nvram->source.path), .uid = uid, .gid = gid};
    int r = work_run(rq, nvram_copy_run, nvram_copy_free, copy, SECONDS(30),
                     "the copy of the firmware's variables");

    if (r < 0)
        return err_system(&rq->err, r, "Failed to make '%s' from '%s'", nvram->source.path, nvram->template);
    return 0;
}
