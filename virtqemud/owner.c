/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_SECURITY
#include "virtqemud/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/qemud.h"

#define ATTR_OWNER "trusted.libvirt.security.dac"
#define ATTR_COUNT "trusted.libvirt.security.ref_dac"
#define ATTR_BOOT "trusted.libvirt.security.timestamp_dac"

/* A descriptor of a regular file or block device; -1 with errno 0 for what has no owner of interest. */
static int open_image(const char *path, struct stat *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, ret) < 0 || S_ISREG(ret->st_mode) || S_ISBLK(ret->st_mode))
        return fd;
    close(fd);
    errno = 0;
    return -1;
}

/* Seconds since the epoch of this boot: what was remembered before it means nothing any more. */
static unsigned long long boot_time(void)
{
    static unsigned long long time;
    auto_buf struct buf text = {0};
    const char *at;

    if (!time && file_read(AT_FDCWD, "/proc/stat", 1 << 20, &text) >= 0 &&
        (at = strstr(buf_text(&text), "\nbtime ")))
        sscanf(at, "\nbtime %llu", &time);
    return time;
}

static unsigned long long read_number(int fd, const char *name)
{
    char text[32] = "";
    uint64_t number;

    return fgetxattr(fd, name, text, sizeof(text) - 1) > 0 && str_to_u64(text, &number) >= 0 ? number : 0;
}

static void write_number(int fd, const char *name, unsigned long long number)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", number);
    fsetxattr(fd, name, text, strlen(text), 0);
}

static void remember(int fd, const struct stat *st)
{
    unsigned long long count = read_number(fd, ATTR_COUNT);
    unsigned long long boot = read_number(fd, ATTR_BOOT);
    char text[64];

    if (count && boot == boot_time()) {
        write_number(fd, ATTR_COUNT, count + 1);
        return;
    }
    snprintf(text, sizeof(text), "+%u:+%u", st->st_uid, st->st_gid);
    if (fsetxattr(fd, ATTR_OWNER, text, strlen(text), 0) == 0) { /* not every file system and user can */
        write_number(fd, ATTR_COUNT, 1);
        write_number(fd, ATTR_BOOT, boot_time());
    }
}

/* The owner to go back to; false while somebody else still uses the file. */
static bool recall(int fd, unsigned *ret_uid, unsigned *ret_gid)
{
    unsigned long long count = read_number(fd, ATTR_COUNT);
    char text[64] = "";

    *ret_uid = *ret_gid = 0; /* what libvirt gives back when nothing was remembered */
    if (!count)
        return true;
    if (count > 1) {
        write_number(fd, ATTR_COUNT, count - 1);
        return false;
    }
    if (fgetxattr(fd, ATTR_OWNER, text, sizeof(text) - 1) > 0)
        sscanf(text, "+%u:+%u", ret_uid, ret_gid);
    fremovexattr(fd, ATTR_OWNER);
    fremovexattr(fd, ATTR_COUNT);
    fremovexattr(fd, ATTR_BOOT);
    return true;
}

int owner_set_path(struct err *err, const char *path, bool shared)
{
    struct stat st;
    auto_fd int fd = open_image(path, &st);

    if (fd < 0 && !errno)
        return 0;
    if (fd < 0)
        return err_system(err, errno, "Cannot access storage file '%s'", path);
    if (!shared)
        remember(fd, &st);
    if (st.st_uid == qemud.conf.user && st.st_gid == qemud.conf.group)
        return 0;
    if (fchown(fd, qemud.conf.user, qemud.conf.group) < 0 && errno != EROFS && errno != EPERM &&
        errno != EOPNOTSUPP)
        return err_system(err, errno, "unable to set user and group to '%u:%u' on '%s'", qemud.conf.user,
                          qemud.conf.group, path);
    return 0;
}

void owner_restore_path(const char *path, bool shared)
{
    struct stat st;
    auto_fd int fd = open_image(path, &st);
    unsigned uid, gid;

    if (fd < 0 || shared || !recall(fd, &uid, &gid))
        return;
    if (fchown(fd, uid, gid) < 0 && errno != EROFS)
        log_warning("cannot give '%s' back to %u:%u: %s", path, uid, gid, strerror(errno));
}

/* Call work for each file of the model that QEMU opens itself. */
static int walk(struct run *run, int (*work)(struct run *run, struct err *err, const char *path, bool shared),
                struct err *err)
{
    const struct domain *domain = run->domain;
    const struct devices *devices = &domain->devices;
    const char *boot[] = {domain->os.kernel, domain->os.initrd, domain->os.dtb, domain->os.shim};
    int r = 0;

    for (size_t i = 0; r == 0 && i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];

        /* a chain's lower layers may serve several machines: the count on the file keeps track */
        for (const struct storage *layer = &disk->src; r == 0 && layer; layer = layer->backing)
            if ((layer->type == STORAGE_FILE || layer->type == STORAGE_BLOCK) && layer->path)
                r = work(run, err, layer->path, disk->shareable || disk->readonly);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(boot); i++)
        if (boot[i])
            r = work(run, err, boot[i], false);
    if (r == 0 && domain->os.nvram && domain->os.nvram->source.path)
        r = work(run, err, domain->os.nvram->source.path, false);
    return r;
}

static int set_one(struct run *run, struct err *err, const char *path, bool shared)
{
    if (owner_set_path(err, path, shared) < 0)
        return -1;
    run->owned++;
    return 0;
}

int owner_set(struct req *rq, struct run *run)
{
    if (!qemud.privileged || !qemud.conf.dynamic_ownership)
        return 0;
    return walk(run, set_one, &rq->err);
}

/* As many as were set, in the same order: a start that failed half way gives back half. */
static int restore_one(struct run *run, struct err *err, const char *path, bool shared)
{
    if (!run->owned)
        return 1;
    run->owned--;
    owner_restore_path(path, shared);
    return 0;
}

void owner_restore(struct run *run)
{
    if (!qemud.privileged || !qemud.conf.dynamic_ownership)
        return;
    walk(run, restore_one, NULL);
}
