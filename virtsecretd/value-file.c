/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_SECRET
#include "virtsecretd/value-file.h"

#include <errno.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/uuid.h"
#include "loop/work.h"
#include "virtsecretd/secretd.h"

enum {
    FILE_MAX = 256 * 1024
}; /* the protocol allows 64 KiB values; a credential is some hundred bytes more */
/* systemd-creds may ask the TPM. */
#define CREDS_TIMEOUT SECONDS(30)

static const char plain_suffix[] = ".base64", sealed_suffix[] = ".cred";

struct file_name {
    char text[UUID_TEXT + sizeof(plain_suffix)];
};

static struct file_name name_of(const char *uuid, const char *suffix)
{
    struct file_name name;

    snprintf(name.text, sizeof(name.text), "%s%s", uuid, suffix);
    return name;
}

/* The content with a NUL behind it; -ENOENT when there is no such file. */
static int read_file(const char *uuid, const char *suffix, struct vault *ret)
{
    struct file_name name = name_of(uuid, suffix);
    auto_fd int fd = file_open_beneath(secretd.dir, name.text, O_RDONLY | O_CLOEXEC, 0);
    ssize_t length;

    if (fd < 0)
        return fd;
    vault_reserve(ret, FILE_MAX);
    length = fd_read_all(fd, ret->data, FILE_MAX);
    if (length < 0)
        return (int)length;
    ret->length = (size_t)length;
    return length == FILE_MAX ? -EFBIG : 0;
}

static int write_file(const char *uuid, const char *suffix, const void *data, size_t length, struct err *err)
{
    struct file_name name = name_of(uuid, suffix);
    int r = file_replace(secretd.dir, name.text, 0600, data, length, /* ret_stat= */ NULL);

    return r < 0 ? err_system(err, r, "cannot write the value of secret '%s'", uuid) : 0;
}

static int remove_file(const char *uuid, const char *suffix, struct err *err)
{
    struct file_name name = name_of(uuid, suffix);
    int r = file_remove(secretd.dir, name.text);

    return r < 0 && r != -ENOENT ? err_system(err, r, "cannot remove the value of secret '%s'", uuid) : 0;
}

/* The credential's name binds it to its secret: it can't be put in another one's place. */
static int creds(struct req *rq, const char *verb, const char *uuid, const char *text, struct vault *ret)
{
    char name[sizeof("--name=libvirt-secret-") + UUID_TEXT];
    const char *const argv[] = {"systemd-creds", verb, name, "-", "-", NULL};
    struct child_spec spec = {.argv = argv, .input = text, .output_max = FILE_MAX};
    struct buf out = {0};
    int r;

    snprintf(name, sizeof(name), "--name=libvirt-secret-%s", uuid);
    r = child_check(rq, &spec, CREDS_TIMEOUT, &out);
    if (r < 0)
        return r;
    vault_set(ret, out.data, out.length);
    mem_wipe(out.data, out.room);
    buf_done(&out);
    return 0;
}

int value_file_read(struct req *rq, const char *uuid, struct vault *ret)
{
    auto_vault struct vault text = {0};
    ssize_t length;
    int r = read_file(uuid, sealed_suffix, &text);

    if (r == 0 && creds(rq, "decrypt", uuid, text.data, &text) < 0) {
        err_prefix(&rq->err, "cannot read the value of secret '%s': ", uuid);
        return -1;
    }
    if (r == -ENOENT)
        r = read_file(uuid, plain_suffix, &text);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_system(&rq->err, r, "cannot read the value of secret '%s'", uuid);
    length = base64_decode(text.data, text.length, text.data);
    if (length < 0)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "the value file of secret '%s' is not base64 text",
                       uuid);
    vault_set(ret, text.data, (size_t)length);
    return 0;
}

int value_file_write(struct req *rq, const char *uuid, const struct vault *value)
{
    auto_vault struct vault text = {0};

    vault_reserve(&text, BASE64_TEXT_ROOM(value->length));
    text.length = base64_encode(value->data, value->length, text.data);
    if (!secretd.conf->encrypt_values) {
        if (write_file(uuid, plain_suffix, text.data, text.length, &rq->err) < 0)
            return -1;
        return remove_file(uuid, sealed_suffix, &rq->err);
    }
    if (creds(rq, "encrypt", uuid, text.data, &text) < 0) {
        err_prefix(&rq->err, "cannot write the value of secret '%s': ", uuid);
        return -1;
    }
    if (write_file(uuid, sealed_suffix, text.data, text.length, &rq->err) < 0)
        return -1;
    return remove_file(uuid, plain_suffix, &rq->err);
}

int value_file_remove(const char *uuid, struct err *err)
{
    int sealed = remove_file(uuid, sealed_suffix, err), plain = remove_file(uuid, plain_suffix, err);

    return sealed < 0 ? sealed : plain;
}
