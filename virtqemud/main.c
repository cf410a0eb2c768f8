/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtqemud: virtual machines on QEMU. Here is what it consists of, and how it begins and ends. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/timer.h"
#include "rpc/serve.h"
#include "virtqemud/autostart.h"
#include "virtqemud/caps.h"
#include "virtqemud/conf.h"
#include "virtqemud/host.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"
#include "virtqemud/run.h"
#include "virtqemud/vms.h"

struct qemud qemud;

static const struct method *const methods[] = {
    life_methods,     define_methods, device_methods,     list_methods,   info_methods,     tune_methods,
    metadata_methods, input_methods,  monitor_methods,    stats_methods,  console_methods,  native_methods,
    agent_methods,    pin_methods,    sched_methods,      limits_methods, iothread_methods, block_methods,
    throttle_methods, guest_methods,  guest_info_methods, iface_methods,  measure_methods,  save_methods,
    node_methods,     memory_methods, caps_methods,       NULL,
};

static void fill_dirs(struct serve *serve)
{
    const struct paths *paths = &serve->daemon->paths;
    struct arena *arena = &serve->daemon->arena;
    struct qemud_dirs *dirs = &qemud.dirs;
    /* a user's daemon shares folders with other programs and keeps to one of its own in each */
    bool system = serve->daemon->privileged || serve->daemon->root;
    const char *lib = arena_printf(arena, "%s/qemu", paths->lib);

    dirs->config = arena_printf(arena, "%s/qemu", paths->etc);
    dirs->state = arena_printf(arena, system ? "%s/qemu" : "%s/qemu/run", paths->run);
    dirs->lib = system ? lib : arena_printf(arena, "%s/lib", lib);
    dirs->log = arena_printf(arena, system ? "%s/qemu" : "%s/qemu/log", paths->log);
    dirs->cache = arena_printf(arena, system ? "%s/qemu" : "%s/qemu/cache", paths->cache);
    dirs->nvram = arena_printf(arena, "%s/nvram", lib);
    dirs->save = arena_printf(arena, "%s/save", lib);
    dirs->channel = arena_printf(arena, "%s/channel/target", lib);
    dirs->hooks = arena_printf(arena, "%s/hooks", paths->etc);
}

/*
 * Directories that must be there, all of them ours: QEMU's user goes through some to what is its own in
 * there, and can't put anything else in the place of what we look for by its path. (libvirt gives them to
 * QEMU's user, and will again when it takes the host back.)
 */
static int make_dirs(struct err *err)
{
    const struct qemud_dirs *dirs = &qemud.dirs;
    auto_free char *channels =
        mem_strndup(dirs->channel, (size_t)(strrchr(dirs->channel, '/') - dirs->channel));
    const struct {
        const char *path;
        mode_t mode;
    } rows[] = {
        {dirs->state, 0755}, {dirs->log, 0700},  {dirs->cache, 0750}, {dirs->lib, 0751},
        {dirs->nvram, 0755}, {dirs->save, 0755}, {channels, 0755},    {dirs->channel, 0755},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int r = file_make_dir_owned(rows[i].path, rows[i].mode, geteuid(), getegid());

        if (r < 0)
            return err_system(err, r, "cannot create directory '%s'", rows[i].path);
    }
    return 0;
}

static int open_store(struct serve *serve, struct err *err)
{
    struct arena *arena = &serve->daemon->arena;
    struct store_spec spec = {
        .dir = qemud.dirs.config,
        .autostart_dir = arena_printf(arena, "%s/autostart", qemud.dirs.config),
        .index_path = arena_printf(arena, "%s/domains.index", qemud.dirs.cache),
        .kind = "domain",
        .edit_command = "edit",
    };

    return store_open(&spec, &qemud.store, err);
}

/* The files that nobody asked about yet are read in small steps, between the answers to clients. */
static struct timer load_timer;

static void on_load(void *arg)
{
    if (store_load(qemud.store, 64))
        timer_once(&load_timer, MILLISECONDS(2), on_load, NULL);
    else
        store_write_index(qemud.store);
}

static int on_start(struct serve *serve, struct err *err)
{
    struct daemon *daemon = serve->daemon;
    struct qemu_caps_config caps;

    qemud.privileged = daemon->privileged;
    qemud.daemon = daemon;
    qemud.server = serve->server;
    fill_dirs(serve);
    if (qemu_conf_read(&daemon->arena, arena_printf(&daemon->arena, "%s/qemu.conf", daemon->paths.etc),
                       qemud.privileged, &qemud.conf, err) < 0 ||
        make_dirs(err) < 0 || open_store(serve, err) < 0)
        return -1;
    caps = (struct qemu_caps_config){
        .cache_dir = arena_printf(&daemon->arena, "%s/capabilities", qemud.dirs.cache),
        .uid = qemud.privileged ? qemud.conf.user : (uid_t)-1,
        .gid = qemud.privileged ? qemud.conf.group : (gid_t)-1,
        .run_dir = qemud.dirs.state,
    };
    qemu_caps_init(&caps);
    qemud.vms = vms_new();
    reconnect_all();
    autostart_begin();
    timer_once(&load_timer, MILLISECONDS(100), on_load, NULL);
    return 0;
}

static int on_reload(struct serve *serve, struct err *err)
{
    store_rescan(qemud.store); /* files that somebody edited or copied there */
    timer_once(&load_timer, MILLISECONDS(100), on_load, NULL);
    return qemu_conf_read(&serve->daemon->arena,
                          arena_printf(&serve->daemon->arena, "%s/qemu.conf", serve->daemon->paths.etc),
                          qemud.privileged, &qemud.conf, err);
}

static void on_stop(struct serve *serve)
{
    timer_stop(&load_timer);
    if (qemud.vms)
        vms_free(qemud.vms);
    store_close(qemud.store);
    qemu_caps_fini();
}

int main(int argc, char **argv)
{
    static const struct daemon_file files[] = {{"qemu.conf", qemu_conf_keys}, {0}};
    static const struct serve_spec spec = {
        .daemon = {.name = "virtqemud",
                   .purpose = "manages virtual machines on QEMU",
                   .objects = "qemu",
                   .files = files},
        .server =
            {
                .driver = "QEMU",
                .scheme = "qemu",
                .forward = true,
                .owners = 1u << OWNER_QEMU,
                .methods = methods,
                .objects = {[OBJECT_DOMAIN] = &vms_object_type},
                .version = host_qemu_version,
            },
        .start = on_start,
        .reload = on_reload,
        .stop = on_stop,
    };

    return serve_main(argc, argv, &spec);
}
