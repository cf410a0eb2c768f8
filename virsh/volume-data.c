/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: its bytes from and to a file, with or without the holes in it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/volume.h"

/* ---- callbacks of streams: the number of bytes, 0, or -1 --------------------------------------------------
 */

static int from_file(virStreamPtr stream, char *data, size_t length, void *fd)
{
    return (int)fd_read_all(*(int *)fd, data, length);
}

static int to_file(virStreamPtr stream, const char *data, size_t length, void *fd)
{
    return fd_write_all(*(int *)fd, data, length) < 0 ? -1 : (int)length;
}

/* Is the file at data or in a hole, and for how long? At its end: data of length 0. */
static int hole_of_file(virStreamPtr stream, int *in_data, long long *length, void *opaque)
{
    int fd = *(int *)opaque;
    off_t here = lseek(fd, 0, SEEK_CUR), data = lseek(fd, here, SEEK_DATA);

    if (here < 0 || (data < 0 && errno != ENXIO))
        return -1;
    *in_data = data < 0 || data == here;
    off_t end = data < 0 ? lseek(fd, 0, SEEK_END) : *in_data ? lseek(fd, here, SEEK_HOLE) : data;

    /* without data behind it, what is left is a hole, or nothing */
    if (data < 0)
        *in_data = end == here;
    *length = end - here;
    return end < 0 || lseek(fd, here, SEEK_SET) < 0 ? -1 : 0;
}

static int skip_in_file(virStreamPtr stream, long long length, void *fd)
{
    return lseek(*(int *)fd, length, SEEK_CUR) < 0 ? -1 : 0;
}

static int hole_to_file(virStreamPtr stream, long long length, void *fd)
{
    off_t end = lseek(*(int *)fd, length, SEEK_CUR);

    return end < 0 || ftruncate(*(int *)fd, end) < 0 ? -1 : 0;
}

/* ---- commands -------------------------------------------------------------------------------------------
 */

/* What both directions need. */
struct transfer {
    virStorageVolPtr volume;
    const char *name, *file;
    unsigned long long offset, length;
    virStreamPtr stream;
};

static int transfer_read(struct cmd *cmd, struct transfer *transfer)
{
    if (cmd_u64(cmd, "offset", &transfer->offset) < 0 || cmd_u64_wrap(cmd, "length", &transfer->length) < 0)
        return -1;
    transfer->volume = cmd_volume(cmd);
    if (!transfer->volume || cmd_string(cmd, "file", &transfer->file) < 0)
        return -1;
    transfer->name = virStorageVolGetName(transfer->volume);
    return 0;
}

static int transfer_open(struct cmd *cmd, struct transfer *transfer)
{
    transfer->stream = own_stream(cmd, virStreamNew(cmd_conn(cmd), 0));
    return transfer->stream ? 0 : say_error(cmd, "cannot create a new stream");
}

static int vol_upload(struct cmd *cmd)
{
    struct transfer transfer = {0};
    bool sparse = cmd_has(cmd, "sparse");

    if (transfer_read(cmd, &transfer) < 0)
        return -1;
    auto_fd int fd = open(transfer.file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return say_error(cmd, "cannot read %s", transfer.file);
    if (transfer_open(cmd, &transfer) < 0)
        return -1;
    virStreamPtr stream = transfer.stream;

    if (virStorageVolUpload(transfer.volume, stream, transfer.offset, transfer.length, cmd_flags(cmd)) < 0)
        return say_error(cmd, "cannot upload to volume %s", transfer.name);
    if ((sparse ? virStreamSparseSendAll(stream, from_file, hole_of_file, skip_in_file, &fd)
                : virStreamSendAll(stream, from_file, &fd)) < 0)
        return say_error(cmd, "cannot send data to volume %s", transfer.name);
    if (virStreamFinish(stream) < 0)
        return say_error(cmd, "cannot close volume %s", transfer.name);
    return 0;
}

const struct command cmd_vol_upload = {
    "vol-upload",
    "upload file contents to a volume",
    "Upload file contents to a volume",
    OPTIONS(VOLUME, FILE_ARG("file"), IN_POOL, NUMBER("offset", "volume offset to upload to"),
            NUMBER("length", "amount of data to upload"),
            FLAG("sparse", VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, "preserve sparseness of volume")),
    .run = vol_upload,
    .json = "",
};

static int download(struct cmd *cmd, struct transfer *transfer, int *fd)
{
    virStreamPtr stream = transfer->stream;

    if (virStorageVolDownload(transfer->volume, stream, transfer->offset, transfer->length, cmd_flags(cmd)) <
        0)
        return say_error(cmd, "cannot download from volume %s", transfer->name);
    if ((cmd_has(cmd, "sparse") ? virStreamSparseRecvAll(stream, to_file, hole_to_file, fd)
                                : virStreamRecvAll(stream, to_file, fd)) < 0)
        return say_error(cmd, "cannot receive data from volume %s", transfer->name);
    if (close(FD_TAKE(*fd)) < 0)
        return say_error(cmd, "cannot close file %s", transfer->file);
    if (virStreamFinish(stream) < 0)
        return say_error(cmd, "cannot close volume %s", transfer->name);
    return 0;
}

static int vol_download(struct cmd *cmd)
{
    struct transfer transfer = {0};

    if (transfer_read(cmd, &transfer) < 0)
        return -1;
    /* a file that this command made goes again when the command fails */
    auto_fd int fd = open(transfer.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool made = fd >= 0;

    if (fd < 0 && errno == EEXIST)
        fd = open(transfer.file, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return say_error(cmd, "cannot create %s", transfer.file);
    int result = transfer_open(cmd, &transfer);

    if (result == 0)
        result = download(cmd, &transfer, &fd);
    if (result < 0 && made)
        unlink(transfer.file);
    return result;
}

const struct command cmd_vol_download = {
    "vol-download",
    "download volume contents to a file",
    "Download volume contents to a file",
    OPTIONS(VOLUME, FILE_ARG("file"), IN_POOL, NUMBER("offset", "volume offset to download from"),
            NUMBER("length", "amount of data to download"),
            FLAG("sparse", VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, "preserve sparseness of volume")),
    .run = vol_download,
    .json = "",
};
