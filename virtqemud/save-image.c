/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/save-image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum { VERSION = 2, ROOM = 64 << 10, LENGTH_MAX = 64 << 20, BLOCK = 4096 };

static const char magic_whole[] = "LibvirtQemudSave", magic_part[] = "LibvirtQemudPart";
const char *const save_format_names[] = {"raw", "gzip", "bzip2", "xz", "lzop", "zstd", NULL};

struct header {
    char magic[16];
    uint32_t version, length, running, format, cookie;
    uint32_t unused[14];
};

void save_image_done(struct save_image *image)
{
    fd_close(&image->fd);
    free(TAKE(image->xml));
}

void save_image_discard(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
        unlink(path);
}

static int write_front(int fd, const char *path, const struct header *header, const char *xml,
                       const char *cookie, size_t cookie_length, struct err *err)
{
    auto_free char *front = mem_zalloc(sizeof(*header) + header->length);
    int r;

    memcpy(front, header, sizeof(*header));
    memcpy(front + sizeof(*header), xml, strlen(xml));
    if (cookie_length)
        memcpy(front + sizeof(*header) + header->cookie, cookie, cookie_length);
    r = fd_write_all(fd, front, sizeof(*header) + header->length);
    return r < 0 ? err_system(err, r, "failed to write header to domain save file '%s'", path) : 0;
}

int save_image_create(const char *path, const char *xml, bool running, enum save_format format,
                      struct save_image *ret, struct err *err)
{
    struct header header = {
        .version = VERSION, .length = (uint32_t)strlen(xml) + 1 + ROOM, .running = running, .format = format};
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    memcpy(header.magic, magic_part, sizeof(header.magic));
    /* the state begins with a block, for whoever reads past the page cache */
    header.length += -(sizeof(header) + header.length) % BLOCK;
    if (fd < 0)
        return err_system(err, errno, "Failed to create file '%s'", path);
    if (write_front(fd, path, &header, xml, NULL, 0, err) < 0) {
        save_image_discard(path);
        return -1;
    }
    *ret =
        (struct save_image){.fd = FD_TAKE(fd), .running = running, .format = format, .length = header.length};
    return 0;
}

int save_image_finish(const char *path, struct save_image *image, struct err *err)
{
    if (fsync(image->fd) < 0 || pwrite(image->fd, magic_whole, sizeof(magic_whole) - 1, 0) < 0 ||
        fsync(image->fd) < 0)
        return err_system(err, errno, "unable to write '%s'", path);
    return 0;
}

/* The header of an image that can be read, within bounds. */
static int read_header(int fd, const char *path, bool partial, struct header *ret, struct err *err)
{
    ssize_t n = fd_read_all(fd, ret, sizeof(*ret));
    bool part = n == sizeof(*ret) && !memcmp(ret->magic, magic_part, sizeof(ret->magic));

    if (n != sizeof(*ret) || (!part && memcmp(ret->magic, magic_whole, sizeof(ret->magic)) != 0))
        return err_set(err, ERR_OPERATION_FAILED, "'%s': image magic is incorrect", path);
    if (part && !partial)
        return err_set(err, ERR_OPERATION_FAILED, "'%s': save image is incomplete", path);
    if (ret->version > VERSION)
        return err_set(err, ERR_OPERATION_FAILED, "'%s': image version is not supported (%u > %d)", path,
                       ret->version, VERSION);
    if (!ret->length || ret->length > LENGTH_MAX || ret->cookie > ret->length)
        return err_set(err, ERR_OPERATION_FAILED, "'%s': invalid header data length: %u", path, ret->length);
    return 0;
}

static int open_image(const char *path, int flags, bool partial, struct header *header,
                      struct save_image *ret, struct err *err)
{
    auto_fd int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    auto_free char *xml = NULL;
    struct stat status;

    if (fd < 0)
        return err_system(err, errno, "Failed to open file '%s'", path);
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return err_set(err, ERR_OPERATION_FAILED, "'%s' is no regular file", path);
    if (read_header(fd, path, partial, header, err) < 0)
        return -1;
    xml = mem_zalloc((size_t)header->length + 1);
    if (fd_read_all(fd, xml, header->length) != (ssize_t)header->length)
        return err_set(err, ERR_OPERATION_FAILED, "'%s': failed to read domain XML", path);
    *ret = (struct save_image){.fd = FD_TAKE(fd),
                               .running = header->running,
                               .format = header->format,
                               .partial = memcmp(header->magic, magic_whole, sizeof(header->magic)) != 0,
                               .length = header->length,
                               .cookie = header->cookie,
                               .xml = TAKE(xml)};
    return 0;
}

int save_image_open(const char *path, bool partial, struct save_image *ret, struct err *err)
{
    struct header header;

    if (open_image(path, O_RDONLY, partial, &header, ret, err) < 0)
        return -1;
    if (header.format < SAVE_FORMAT_MAX)
        return 0;
    save_image_done(ret);
    return err_set(err, ERR_OPERATION_FAILED, "'%s': invalid compressed save format %u", path, header.format);
}

int save_image_define(const char *path, const char *xml, int running, struct err *err)
{
    struct save_image image = {.fd = -1};
    struct header header;
    size_t cookie_length, needed;
    int r;

    if (open_image(path, O_RDWR, false, &header, &image, err) < 0)
        return -1;
    /* a cookie is a text of its own, behind the XML's 0 byte */
    cookie_length = header.cookie ? strnlen(image.xml + header.cookie, header.length - header.cookie) + 1 : 0;
    needed = strlen(xml) + 1 + cookie_length;
    if (needed > header.length) {
        r = err_set(err, ERR_OPERATION_FAILED, "'%s': new xml too large to fit in file", path);
    } else {
        auto_free char *cookie = cookie_length ? mem_zalloc(cookie_length) : NULL;

        if (cookie_length)
            memcpy(cookie, image.xml + header.cookie, cookie_length - 1);
        header.cookie = cookie_length ? (uint32_t)strlen(xml) + 1 : 0;
        if (running >= 0)
            header.running = (uint32_t)running;
        r = lseek(image.fd, 0, SEEK_SET) < 0
                ? -1
                : write_front(image.fd, path, &header, xml, cookie, cookie_length, err);
        if (r == 0 && fsync(image.fd) < 0)
            r = err_system(err, errno, "unable to write '%s'", path);
    }
    save_image_done(&image);
    return r;
}
