/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/dev/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/vault.h"
#include "protocol/remote.h"
#include "rpc/peer.h"
#include "virtqemud/qemud.h"

#define ASK_USEC SECONDS(30)

/* A value that waits for its -object. */
struct build_secret {
    struct build_secret *next;
    const void *owner;
    int fd;           /* the pipe's end that QEMU inherits; -1: nothing was fetched (nothing is touched) */
    const char *text; /* of a device that is plugged: base64, until the object is made */
};

static int find(struct req *rq, struct peer *peer, const struct secret_ref *ref, enum secret_usage usage,
                struct wire_secret *ret)
{
    if (ref->uuid) {
        struct remote_secret_lookup_by_uuid_in in = {0};
        struct remote_secret_lookup_by_uuid_out out = {0};

        if (uuid_parse(ref->uuid, in.uuid) < 0)
            return err_set(&rq->err, ERR_XML_ERROR, "malformed secret uuid '%s'", ref->uuid);
        if (peer_call(rq, peer, REMOTE_SECRET_LOOKUP_BY_UUID, &in, &out, ASK_USEC) < 0)
            return -1;
        *ret = out.secret;
        return 0;
    }
    struct remote_secret_lookup_by_usage_in in = {.usage_type = (int)usage, .usage_id = ref->usage};
    struct remote_secret_lookup_by_usage_out out = {0};

    if (!ref->usage)
        return err_set(&rq->err, ERR_XML_ERROR, "a secret needs a uuid or a usage");
    if (peer_call(rq, peer, REMOTE_SECRET_LOOKUP_BY_USAGE, &in, &out, ASK_USEC) < 0)
        return -1;
    *ret = out.secret;
    return 0;
}

static int fetch(struct req *rq, const struct secret_ref *ref, enum secret_usage usage, struct vault *ret)
{
    struct remote_secret_get_value_in in = {0};
    struct remote_secret_get_value_out out = {0};
    struct peer *peer;

    if (peer_of_owner(rq, OWNER_SECRET, qemud.privileged, &peer) < 0 ||
        find(rq, peer, ref, usage, &in.secret) < 0 ||
        peer_call(rq, peer, REMOTE_SECRET_GET_VALUE, &in, &out, ASK_USEC) < 0)
        return -1;
    vault_set(ret, out.value.v, out.value.n);
    explicit_bzero(out.value.v, out.value.n);
    return 0;
}

/* QEMU reads it once, and then it is gone. */
static int put_in_pipe(struct build *build, const struct vault *value, int *ret_fd, struct err *err)
{
    auto_fd int reader = -1, writer = -1;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_system(err, errno, "cannot make a pipe for a secret");
    reader = ends[0];
    writer = ends[1];
    if (write(writer, value->data, value->length) != (ssize_t)value->length)
        return err_set(err, ERR_INTERNAL_ERROR, "a secret of %zu bytes is too long", value->length);
    /* it is opened again by its name under /proc, as QEMU's user */
    if ((build->privileged && fchown(reader, qemud.conf.user, qemud.conf.group) < 0) ||
        fcntl(reader, F_SETFL, 0) < 0)
        return err_system(err, errno, "cannot hand a secret over");
    *ret_fd = build_pass_fd(build, FD_TAKE(reader));
    return 0;
}

static void encode_in(struct vault *value)
{
    auto_vault struct vault text = {0};

    vault_reserve(&text, BASE64_TEXT_ROOM(value->length));
    text.length = base64_encode(value->data, value->length, text.data);
    vault_move(value, &text);
}

int secret_prepare(struct req *rq, struct build *build, const void *owner, const struct secret_ref *ref,
                   enum secret_usage usage, bool encode)
{
    struct build_secret *secret = ARENA_NEW(build->arena, struct build_secret);
    auto_vault struct vault value = {0};

    *secret = (struct build_secret){.next = build->secrets, .owner = owner, .fd = -1};
    build->secrets = secret;
    if (build->validate_only)
        return 0;
    if (fetch(rq, ref, usage, &value) < 0)
        return -1;
    if (encode)
        encode_in(&value);
    if (!build->plug)
        return put_in_pipe(build, &value, &secret->fd, &rq->err);
    encode_in(&value);
    secret->text = arena_strndup(build->arena, value.data, value.length);
    return 0;
}

const char *secret_object(struct build *build, const void *owner, const char *id)
{
    struct build_secret *secret = build->secrets;
    auto_props struct props props = {0};

    while (secret && secret->owner != owner)
        secret = secret->next;
    if (!secret)
        return NULL;
    props_string(&props, "qom-type", "secret");
    props_string(&props, "id", id);
    if (secret->text) {
        props_string(&props, "data", secret->text);
        props_string(&props, "format", "base64");
    } else {
        props_format(&props, "file", "/proc/self/fd/%d", secret->fd);
    }
    build_json(build, "-object", &props);
    return id;
}
