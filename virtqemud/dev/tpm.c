/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tpm: a host's module, somebody's socket, or a swtpm of its own that keeps its state beside the machine's
 * files. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "loop/work.h"
#include "virtqemud/qemud.h"

/* Making keys takes a while on a slow machine. */
#define SETUP_USEC SECONDS(60)

/* Where libvirt keeps it, so that a machine finds its keys again whichever daemon starts it. */
static char *state_dir(struct arena *arena, const struct domain *domain, const struct tpm *tpm)
{
    const char *version = str_eq(tpm->version, "1.2") ? "1.2" : "2";
    char uuid[UUID_TEXT];

    if (tpm->source_path)
        return arena_strdup(arena, tpm->source_path);
    uuid_format(domain->uuid, uuid);
    if (qemud.privileged)
        return arena_printf(arena, "%.*s/swtpm/%s/tpm%s",
                            (int)(strrchr(qemud.dirs.lib, '/') - qemud.dirs.lib), qemud.dirs.lib, uuid,
                            version);
    return arena_printf(arena, "%s/swtpm/%s/tpm%s", qemud.dirs.config, uuid, version);
}

void tpm_forget(const struct domain *domain, bool always)
{
    auto_arena struct arena arena = {0};

    for (size_t i = 0; i < domain->devices.n_tpms; i++) {
        const struct tpm *tpm = domain->devices.tpms[i];
        char *dir;
        int r;

        /* what the administrator chose a place for is his */
        if (tpm->backend != TPM_EMULATOR || tpm->source_path || (tpm->persistent_state == TRI_YES && !always))
            continue;
        dir = state_dir(&arena, domain, tpm);
        r = file_remove_dir(dir);
        if (r < 0 && r != -ENOENT)
            log_warning("cannot remove '%s': %s", dir, strerror(-r));
        *strrchr(dir, '/') = '\0';
        rmdir(dir); /* unless another version's state is there */
    }
}

/* swtpm is a user of its own where its package made one: a broken emulator then harms no machine. */
static const struct passwd *emulator_user(const struct build *build)
{
    static const char *const names[] = {"swtpm", "tss"};
    const struct passwd *user = NULL;

    for (size_t i = 0; build->privileged && !user && i < ARRAY_SIZE(names); i++)
        user = getpwnam(names[i]);
    return user ? user : build->privileged ? getpwuid(qemud.conf.user) : NULL;
}

/* Not in lib_dir, which belongs to QEMU's user alone. */
static const char *work_dir(const struct build *build)
{
    return arena_printf(build->arena, "%s/swtpm", qemud.dirs.state);
}

/* "sock", "pid": with libvirt's names, so that whoever ends the machine finds and removes them. */
static char *work_file(const struct build *build, const char *what)
{
    return arena_printf(build->arena, "%s/%s-swtpm.%s", work_dir(build),
                        strrchr(build->lib_dir, '/') + strlen("/domain-"), what);
}

/* Beside QEMU's logs; those of the system in a folder of the emulator's user. */
static char *log_dir(const struct build *build)
{
    static const char ours[] = "/libvirt/qemu";
    const char *logs = qemud.dirs.log;

    if (!build->privileged)
        return arena_strdup(build->arena, logs);
    if (!str_ends(logs, ours))
        return arena_printf(build->arena, "%s/swtpm", logs);
    return arena_printf(build->arena, "%.*s/swtpm%s", (int)(strlen(logs) - strlen(ours)), logs, ours);
}

void tpm_found(struct build *build, const struct tpm *tpm)
{
    if (tpm->backend != TPM_EMULATOR)
        return;
    build_remember(build, UNDO_FILE, work_file(build, "sock"), -1);
    build_remember(build, UNDO_FILE, work_file(build, "pid"), -1);
}

static int make_dir(struct build *build, const char *path, mode_t mode, const struct passwd *user,
                    struct err *err)
{
    char *parent = arena_strndup(build->arena, path, (size_t)(strrchr(path, '/') - path));
    int r = file_make_dirs(parent, build->privileged ? 0711 : 0700);

    if (r == 0)
        r = file_make_dir_given(path, mode, user ? user->pw_uid : (uid_t)-1, user ? user->pw_gid : (gid_t)-1);
    return r < 0 ? err_system(err, r, "cannot create directory '%s'", path) : 0;
}

/* swtpm's tools read the user's configuration, so they must know whose. */
static const char *const *make_env(struct build *build)
{
    const char **env = ARENA_ARRAY(build->arena, const char *, 5);
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    size_t n = 0;

    env[n++] = "LC_ALL=C";
    env[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (home)
        env[n++] = arena_printf(build->arena, "HOME=%s", home);
    if (config)
        env[n++] = arena_printf(build->arena, "XDG_CONFIG_HOME=%s", config);
    return env;
}

static int run_tool(struct req *rq, struct build *build, const char *const *argv)
{
    const struct child_spec spec = {.argv = argv, .env = make_env(build)};
    struct buf said = {0};
    int r = child_check(rq, &spec, SETUP_USEC, &said);

    buf_done(&said);
    return r;
}

static int run_as(struct req *rq, struct build *build, const struct passwd *user, const char *const *words)
{
    const char **argv = ARENA_ARRAY(build->arena, const char *, 40);
    size_t n = 0;

    while (words[n]) {
        argv[n] = words[n];
        n++;
    }
    if (user) {
        argv[n++] = "--runas";
        argv[n++] = arena_strdup(build->arena, user->pw_name);
    }
    return run_tool(rq, build, argv);
}

/* A new module gets its keys and certificates once. */
static int make_state(struct req *rq, struct build *build, const struct tpm *tpm, const char *dir,
                      const struct passwd *user)
{
    /* a user has a certificate authority of their own; root's is the host's */
    static const char *const configure[] = {"swtpm_setup", "--create-config-files", "skip-if-exist", NULL};
    char uuid[UUID_TEXT];
    const char *setup[] = {
        "swtpm_setup",
        "--tpm-state",
        dir,
        "--vmid",
        arena_printf(build->arena, "%s:%s", build->domain->name, uuid_format(build->domain->uuid, uuid)),
        "--createek",
        "--create-ek-cert",
        "--create-platform-cert",
        "--lock-nvram",
        "--not-overwrite",
        str_eq(tpm->version, "1.2") ? NULL : "--tpm2",
        NULL};

    if (!build->privileged && geteuid() != 0 && run_tool(rq, build, configure) < 0)
        return -1;
    return run_as(rq, build, user, setup);
}

static int start_emulator(struct req *rq, struct build *build, struct tpm *tpm)
{
    const struct passwd *user;
    const char *state, *logs = log_dir(build);

    tpm->socket = work_file(build, "sock");
    if (build->validate_only)
        return 0;
    if (tpm->encryption_secret)
        return err_set(&rq->err, ERR_NO_SUPPORT, "TPMs with an encrypted state");
    user = emulator_user(build);
    state = state_dir(build->arena, build->domain, tpm);
    if (make_dir(build, state, 0700, user, &rq->err) < 0 ||
        make_dir(build, work_dir(build), build->privileged ? 0711 : 0700, user, &rq->err) < 0 ||
        (build->privileged && make_dir(build, logs, 0711, user, &rq->err) < 0) ||
        make_state(rq, build, tpm, state, user) < 0)
        return -1;
    const char *serve[] = {"swtpm",
                           "socket",
                           "--daemon",
                           "--ctrl",
                           arena_printf(build->arena, "type=unixio,path=%s,mode=0600", tpm->socket),
                           "--tpmstate",
                           arena_printf(build->arena, "dir=%s,mode=0600", state),
                           "--log",
                           arena_printf(build->arena, "file=%s/%s-swtpm.log", logs, build->domain->name),
                           "--pid",
                           arena_printf(build->arena, "file=%s", work_file(build, "pid")),
                           "--terminate",
                           str_eq(tpm->version, "1.2") ? NULL : "--tpm2",
                           NULL};
    /* it ends by itself when QEMU hangs up */
    int r = run_as(rq, build, user, serve);

    tpm_found(build, tpm);
    /* QEMU connects as its own user */
    if (r == 0 && build->privileged && lchown(tpm->socket, qemud.conf.user, qemud.conf.group) < 0)
        return err_system(&rq->err, errno, "Unable to set the owner of '%s'", tpm->socket);
    return r;
}

static int tpm_prepare(struct req *rq, struct build *build, void *device)
{
    struct tpm *tpm = device;

    if (tpm->backend == TPM_EMULATOR)
        return start_emulator(rq, build, tpm);
    if (tpm->backend == TPM_EXTERNAL)
        tpm->socket = tpm->source_path;
    return 0;
}

static int tpm_command(struct build *build, void *device, struct err *err)
{
    const struct tpm *tpm = device;
    auto_buf struct buf option = {0};
    auto_props struct props props = {0};

    if (tpm->backend == TPM_PASSTHROUGH) {
        buf_printf(&option, "passthrough,id=tpm-%s", tpm->info.alias);
        option_add(&option, "path", tpm->device_path);
    } else {
        auto_buf struct buf chardev = {0};

        buf_add_string(&chardev, "socket,id=chrtpm");
        option_add(&chardev, "path", tpm->socket);
        build_arg(build, "-chardev", buf_text(&chardev));
        buf_printf(&option, "emulator,id=tpm-%s,chardev=chrtpm", tpm->info.alias);
    }
    build_arg(build, "-tpmdev", buf_text(&option));
    if (tpm->model != TPM_TIS && tpm->model != TPM_CRB)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "TPM model '%s' is not supported by this machine",
                       tpm_model_names[tpm->model]);
    props_string(&props, "driver", tpm_model_names[tpm->model]);
    props_format(&props, "tpmdev", "tpm-%s", tpm->info.alias);
    props_string(&props, "id", tpm->info.alias);
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_tpm = {
    .name = "tpm", DEV_LIST(tpms), .prepare = tpm_prepare, .command = tpm_command};
