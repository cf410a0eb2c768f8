/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtsecretd keeps secrets: passphrases and keys that disks, pools and machines refer to by UUID. The
 * smallest daemon, and the one to read before writing another: this file says what it is, method-secret.c
 * what it answers, secret.c holds its objects and their rules, value-file.c the bytes that must not leak,
 * base/vault.h where they stay.
 */
#define ERR_FROM ERR_FROM_SECRET
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "virtsecretd/secret.h"
#include "virtsecretd/secretd.h"

struct secretd secretd = {.dir = -1};

/* A file is named by its secret's UUID; what is in it is read when all are loaded, see secret.c. */
static int scan(const char *name, const char *text, size_t length, struct store_facts *ret, struct err *err)
{
    if (uuid_parse(name, ret->uuid) < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "'%s' is not a UUID", name);
    return 0;
}

static int start(struct serve *serve, struct err *err)
{
    struct store_spec spec = {
        .dir = arena_printf(&serve->daemon->arena, "%s/secrets", serve->daemon->paths.etc),
        .kind = "secret",
        .scan = scan,
    };

    secretd.conf = (const struct secretd_conf *)serve->daemon->conf;
    secretd.server = serve->server;
    /* also what passes through buffers stays out of the swap space; a user's limit is too small for that */
    if (serve->daemon->privileged)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    if (store_open(&spec, &secretd.store, err) < 0)
        return -1;
    secretd.dir = open(spec.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (secretd.dir < 0)
        return err_system(err, errno, "cannot open directory '%s'", spec.dir);
    secrets_load();
    return 0;
}

static void stop(struct serve *serve)
{
    secrets_done();
    store_close(secretd.store);
    fd_close(&secretd.dir);
}

static const struct conf_key keys[] = {
    CONF_ROW(
        struct secretd_conf, encrypt_values, CONF_BOOL, "0",
        .help =
            "1: values are stored as systemd credentials (UUID.cred), which only this host can read, instead "
            "of base64 text (UUID.base64). libvirt's own daemon can't read them."),
    {0},
};

static const struct method *const methods[] = {secret_methods, NULL};

static const struct serve_spec virtsecretd = {
    .daemon = {.name = "virtsecretd",
               .purpose = "keeps secrets that disks, pools and machines use",
               .objects = "secrets",
               .secretive = true,
               .keys = keys,
               .conf_size = sizeof(struct secretd_conf)},
    .server = {.driver = "secret",
               .scheme = "secret",
               .owners = 1 << OWNER_SECRET,
               .methods = methods,
               .objects = {[OBJECT_SECRET] = &secret_type}},
    .start = start,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return serve_main(argc, argv, &virtsecretd);
}
