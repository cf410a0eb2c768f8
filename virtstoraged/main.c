/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtstoraged manages storage pools and the volumes in them. This file says what it is; method-*.c what it
 * answers; pool*.c hold its pools and their rules; backend.h is the seam to what pools are made of, volumes
 * as files being the most of it; image.c knows what image files say about themselves.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/file.h"
#include "virtstoraged/pool.h"
#include "virtstoraged/storaged.h"
#include "virtstoraged/volume.h"

struct storaged storaged = {.state_fd = -1};

int check_exclusive(struct req *rq, unsigned flags, unsigned a, const char *a_name, unsigned b,
                    const char *b_name)
{
    if (!(flags & a) || !(flags & b))
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "Flags '%s' and '%s' are mutually exclusive", a_name, b_name);
}

static int start(struct serve *serve, struct err *err)
{
    struct arena *arena = &serve->daemon->arena;
    const struct paths *paths = &serve->daemon->paths;
    struct store_spec spec = {
        .dir = arena_printf(arena, "%s/storage", paths->etc),
        .autostart_dir = arena_printf(arena, "%s/storage/autostart", paths->etc),
        .kind = "storage pool",
        .edit_command = "pool-edit",
    };
    int r;

    storaged.daemon = serve->daemon;
    storaged.server = serve->server;
    storaged.state_dir =
        arena_printf(arena, serve->daemon->privileged ? "%s/storage" : "%s/storage/run", paths->run);
    r = file_make_dirs(storaged.state_dir, 0700);
    if (r >= 0)
        r = storaged.state_fd = open(storaged.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r < 0)
        return err_system(err, r == -1 ? errno : r, "cannot make directory '%s'", storaged.state_dir);
    if (store_open(&spec, &storaged.store, err) < 0)
        return -1;
    pools_load();
    return 0;
}

static void stop(struct serve *serve)
{
    pools_done();
    store_close(storaged.store);
    fd_close(&storaged.state_fd);
}

static const struct method *const methods[] = {list_methods, pool_methods, volume_methods, NULL};

static const struct serve_spec virtstoraged = {
    .daemon = {.name = "virtstoraged", .purpose = "manages storage pools and volumes", .objects = "storage"},
    .server = {.driver = "storage",
               .scheme = "storage",
               .owners = 1 << OWNER_STORAGE,
               .methods = methods,
               .objects = {[OBJECT_STORAGE_POOL] = &pool_type, [OBJECT_STORAGE_VOL] = &volume_type}},
    .start = start,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return serve_main(argc, argv, &virtstoraged);
}
