/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/dev/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "loop/work.h"
#include "virtqemud/dev/image-header.h"
#include "virtqemud/volume.h"

#define READ_USEC SECONDS(60)
enum { HEADER_MAX = 128 << 10, DEPTH_MAX = 200 };

/* ---- files, on a worker ---- */

/* One layer of one disk on its way; what lies beneath hangs on `below`. */
struct layer {
    char *path;
    enum storage_format format;
    bool block;
    bool known; /* what lies beneath is in the definition: only look whether the file is there */
    struct layer *below, *data;
};

struct job {
    unsigned refs; /* the worker's and ours: who ends last gives it back */
    struct arena arena;
    struct layer **layers; /* by disk; NULL: nothing to look at */
    size_t count;
    size_t failed; /* the disk that an error is about */
    int errnum;    /* of a file that isn't there */
    const char *missing;
    struct err err;
};

static const char *next_path(struct arena *arena, const char *above, const char *name)
{
    const char *slash = strrchr(above, '/');

    if (*name == '/' || !slash)
        return name;
    return arena_printf(arena, "%.*s/%s", (int)(slash - above), above, name);
}

static int look(struct job *job, struct layer *layer, unsigned depth);

static struct layer *layer_below(struct job *job, const struct layer *above, const char *name,
                                 enum storage_format format)
{
    struct layer *layer = ARENA_NEW(&job->arena, struct layer);

    layer->path = (char *)next_path(&job->arena, above->path,
                                    str_after(name, "file:") ? str_after(name, "file:") : name);
    layer->format = format;
    return layer;
}

static int look_at_header(struct job *job, struct layer *layer, const struct image_header *header,
                          unsigned depth)
{
    const char *colon = header->backing ? strchr(header->backing, ':') : NULL;
    const char *slash = header->backing ? strchr(header->backing, '/') : NULL;

    if (header->data_file) {
        layer->data = layer_below(job, layer, header->data_file, FORMAT_RAW);
        if (look(job, layer->data, depth + 1) < 0)
            return -1;
    }
    if (!header->backing)
        return 0;
    if (colon && (!slash || colon < slash) && !str_after(header->backing, "file:"))
        return err_set(&job->err, ERR_NO_SUPPORT,
                       "backing image '%s' of image '%s' isn't a file or block device: describe it by "
                       "<backingStore> in the definition",
                       header->backing, layer->path);
    if (!header->backing_format)
        return err_set(&job->err, ERR_OPERATION_INVALID,
                       "format of backing image '%s' of image '%s' was not specified in the image metadata "
                       "(See https://libvirt.org/kbase/backing_chains.html for troubleshooting)",
                       header->backing, layer->path);
    layer->below = layer_below(job, layer, header->backing, header->backing_format);
    return look(job, layer->below, depth + 1);
}

static int look(struct job *job, struct layer *layer, unsigned depth)
{
    auto_buf struct buf head = {0};
    auto_fd int fd = -1;
    struct image_header header;
    struct stat st;
    ssize_t n;

    if (depth > DEPTH_MAX)
        return err_set(&job->err, ERR_INTERNAL_ERROR, "backing chain of '%s' is too deep or goes in circles",
                       layer->path);
    if (stat(layer->path, &st) < 0) {
        job->errnum = errno;
        job->missing = layer->path;
        return -1;
    }
    layer->block = S_ISBLK(st.st_mode);
    if (layer->known || (layer->format != FORMAT_QCOW2 && layer->format != FORMAT_QED))
        return 0;
    fd = open(layer->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        job->errnum = errno;
        job->missing = layer->path;
        return -1;
    }
    n = pread(fd, buf_reserve(&head, HEADER_MAX), HEADER_MAX, 0);
    /* a broken image is QEMU's to complain about */
    if (n < 0 || image_header_parse(&job->arena, layer->format, head.data, (size_t)n, &header) < 0)
        return 0;
    return look_at_header(job, layer, &header, depth);
}

static int look_at_all(void *arg)
{
    struct job *job = arg;

    for (job->failed = 0; job->failed < job->count; job->failed++)
        for (struct layer *layer = job->layers[job->failed]; layer;
             layer = layer->known ? layer->below : NULL)
            if (look(job, layer, 0) < 0)
                return 0; /* errors are in the job */
    return 0;
}

static void job_unref(void *arg)
{
    struct job *job = arg;

    if (--job->refs)
        return;
    err_clear(&job->err);
    arena_done(&job->arena);
    free(job);
}

/* ---- disks ---- */

static bool is_local(const struct storage *storage)
{
    return (storage->type == STORAGE_FILE || storage->type == STORAGE_BLOCK) && storage->path &&
           !storage->fdgroup;
}

/* The layers that the definition names, down to the first whose header must say what comes next. */
static struct layer *layers_of(struct job *job, const struct storage *storage)
{
    struct layer *first = NULL, **end = &first;

    for (; storage && storage->type; storage = storage->backing) {
        struct layer *layer;

        if (!is_local(storage))
            continue;
        layer = ARENA_NEW(&job->arena, struct layer);
        layer->path = arena_strdup(&job->arena, storage->path);
        layer->format = storage->format;
        layer->known = storage->backing;
        *end = layer;
        end = &layer->below;
    }
    return first;
}

static struct storage *storage_of(struct arena *arena, const struct layer *layer)
{
    struct storage *storage = ARENA_NEW(arena, struct storage);

    storage->type = layer->block ? STORAGE_BLOCK : STORAGE_FILE;
    storage->path = arena_strdup(arena, layer->path);
    storage->format = layer->format;
    if (layer->data)
        storage->data_store = storage_of(arena, layer->data);
    return storage;
}

/* The definition's last layer gets what was found beneath it, and an end. */
static void extend(struct arena *arena, struct storage *storage, const struct layer *layer)
{
    for (; storage->backing && storage->backing->type; storage = storage->backing)
        if (is_local(storage) && layer && layer->known)
            layer = layer->below;
    if (storage->backing)
        return;
    if (is_local(storage) && layer && layer->data && !storage->data_store)
        storage->data_store = storage_of(arena, layer->data);
    for (layer = is_local(storage) && layer ? layer->below : NULL; layer; layer = layer->below) {
        storage->backing = storage_of(arena, layer);
        storage = storage->backing;
    }
    storage->backing = ARENA_NEW(arena, struct storage);
}

static bool may_be_missing(const struct disk *disk)
{
    return str_eq(disk->src.startup_policy, "optional") &&
           (disk->device == DISK_CDROM || disk->device == DISK_FLOPPY);
}

static int finish(struct req *rq, struct build *build, struct disk *const *disks, struct job *job)
{
    if (err_is_set(&job->err)) {
        err_move(&rq->err, &job->err);
        return -1;
    }
    if (job->missing)
        return err_system(&rq->err, job->errnum, "Cannot access storage file '%s'", job->missing);
    for (size_t i = 0; i < job->count; i++)
        if (!storage_is_empty(&disks[i]->src) && disks[i]->src.type != STORAGE_VHOSTUSER)
            extend(build->arena, &disks[i]->src, job->layers[i]);
    return 0;
}

/* A medium that may be missing, and is: the drive starts empty. */
static bool forgive(struct disk *disk, const struct job *job)
{
    if (!job->missing || !may_be_missing(disk) || !str_eq(job->missing, disk->src.path))
        return false;
    disk->src = (struct storage){.type = STORAGE_FILE, .format = disk->src.format};
    return true;
}

int chain_complete(struct req *rq, struct build *build, struct disk *only)
{
    struct disk **disks = only ? &only : build->domain->devices.disks;
    size_t count = only ? 1 : build->domain->devices.n_disks;

    if (!count || build->validate_only)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (volume_resolve(rq, build->arena, &disks[i]->src) < 0)
            return -1;
    for (;;) {
        struct job *job = NEW(struct job);
        bool again;
        int r;

        job->refs = 2;
        job->count = count;
        job->layers = ARENA_ARRAY(&job->arena, struct layer *, count);
        for (size_t i = 0; i < count; i++)
            if (!storage_is_empty(&disks[i]->src))
                job->layers[i] = layers_of(job, &disks[i]->src);
        r = work_run(rq, look_at_all, job_unref, job, READ_USEC, "the headers of disk images");
        again = r == 0 && job->failed < count && forgive(disks[job->failed], job);
        if (r == 0 && !again)
            r = finish(rq, build, disks, job);
        job_unref(job);
        if (!again)
            return r;
    }
}
