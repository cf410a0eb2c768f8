/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines of qemu-img. A passphrase goes through its stdin, as base64; it is in no argument, no
 * environment and no file.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/file-image.h"

#include <errno.h>
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/str.h"
#include "protocol/remote.h"
#include "rpc/peer.h"
#include "virtstoraged/tool.h"
#include "virtstoraged/storaged.h"

#define SECRET_USEC SECONDS(30)

static bool is_luks(const struct volume_def *def)
{
    return def->target.encryption && str_eq(def->target.format, "raw");
}

/* The name that qemu-img has for it. */
static const char *driver_of(const struct volume_def *def)
{
    if (is_luks(def))
        return "luks";
    /* an ISO image is plain bytes */
    return str_eq(def->target.format, "iso") ? "raw" : def->target.format;
}

static bool is_plain(const struct volume_def *def)
{
    return str_eq(def->target.format, "raw") && !is_luks(def);
}

bool image_needs_tool(const struct volume_def *def, const struct volume_def *from)
{
    return !is_plain(def) || def->backing || (from && !is_plain(from));
}

/* ---- secrets ---- */

/* The passphrase as base64 text; NULL with rq->err set. */
static const char *passphrase(struct req *rq, const struct volume_def *def)
{
    const struct storage_encryption *encryption = def->target.encryption;
    const struct secret_ref *ref = encryption->n_secrets ? encryption->secrets[0] : NULL;
    struct remote_secret_get_value_in in = {0};
    struct remote_secret_get_value_out out = {0};
    struct peer *peer;
    char *text;

    if (!ref) {
        err_set(&rq->err, ERR_XML_ERROR, "no secret provided for encryption of volume '%s'", def->name);
        return NULL;
    }
    if (peer_of_owner(rq, OWNER_SECRET, storaged.daemon->privileged, &peer) < 0)
        return NULL;
    if (ref->uuid) {
        if (uuid_parse(ref->uuid, in.secret.uuid) < 0) {
            err_set(&rq->err, ERR_XML_ERROR, "invalid secret uuid '%s'", ref->uuid);
            return NULL;
        }
        in.secret.usage_id = arena_strdup(&rq->arena, "");
    } else {
        struct remote_secret_lookup_by_usage_in by = {VIR_SECRET_USAGE_TYPE_VOLUME, ref->usage};
        struct remote_secret_lookup_by_usage_out found = {0};

        if (peer_call(rq, peer, REMOTE_SECRET_LOOKUP_BY_USAGE, &by, &found, SECRET_USEC) < 0)
            return NULL;
        in.secret = found.secret;
    }
    if (peer_call(rq, peer, REMOTE_SECRET_GET_VALUE, &in, &out, SECRET_USEC) < 0)
        return NULL;
    text = arena_alloc(&rq->arena, BASE64_TEXT_ROOM(out.value.n));
    base64_encode(out.value.v, out.value.n, text);
    mem_wipe(out.value.v, out.value.n);
    return text;
}

/* A key object for qemu-img that reads the passphrase from stdin; there is room for one. */
static int add_secret(struct req *rq, struct tool *tool, const struct volume_def *def)
{
    if (tool->input)
        return err_set(&rq->err, ERR_NO_SUPPORT, "copying between two encrypted volumes is not supported");
    tool->input = passphrase(rq, def);
    if (!tool->input)
        return -1;
    tool_add(rq, tool, "--object", "secret,id=key,file=/dev/stdin,format=base64", NULL);
    return 0;
}

/* ---- options ---- */

static void add_option(struct buf *options, const char *format, ...) PRINTF(2, 3);
static void add_option(struct buf *options, const char *format, ...)
{
    va_list args;

    if (options->length)
        buf_add_char(options, ',');
    va_start(args, format);
    buf_vprintf(options, format, args);
    va_end(args);
}

static void add_cipher(struct buf *options, const struct storage_encryption *encryption, const char *prefix)
{
    if (encryption->cipher_name)
        add_option(options, "%scipher-alg=%s-%u", prefix, encryption->cipher_name, encryption->cipher_size);
    if (encryption->cipher_mode)
        add_option(options, "%scipher-mode=%s", prefix, encryption->cipher_mode);
    if (encryption->cipher_hash)
        add_option(options, "%shash-alg=%s", prefix, encryption->cipher_hash);
    if (encryption->ivgen_name)
        add_option(options, "%sivgen-alg=%s", prefix, encryption->ivgen_name);
    if (encryption->ivgen_hash)
        add_option(options, "%sivgen-hash-alg=%s", prefix, encryption->ivgen_hash);
}

static void add_qcow2_options(struct buf *options, const struct volume_def *def, unsigned flags)
{
    const struct volume_target *target = &def->target;

    if (target->encryption) {
        add_option(options, "encrypt.format=luks,encrypt.key-secret=key");
        add_cipher(options, target->encryption, "encrypt.");
    }
    if (flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA)
        add_option(options, "preallocation=%s",
                   def->allocation.value >= def->capacity.value ? "falloc" : "metadata");
    add_option(options, "compat=%s", target->compat ? target->compat : "0.10");
    if (target->cluster_size)
        add_option(options, "cluster_size=%" PRIu64, target->cluster_size);
    if (target->lazy_refcounts)
        add_option(options, "lazy_refcounts=on");
    if (target->extended_l2)
        add_option(options, "extended_l2=on");
}

/* All of -o; what came from XML words can't hold a comma, see image_check(). */
static void add_options(struct req *rq, struct tool *tool, const struct volume_def *def, unsigned flags)
{
    auto_buf struct buf options = {0};

    if (def->backing)
        add_option(&options, "backing_fmt=%s", def->backing->format);
    if (is_luks(def)) {
        add_option(&options, "key-secret=key");
        add_cipher(&options, def->target.encryption, "");
    }
    if (str_eq(def->target.format, "qcow2"))
        add_qcow2_options(&options, def, flags);
    if (def->target.nocow)
        add_option(&options, "nocow=on");
    if (options.length)
        tool_add(rq, tool, "-o", buf_text(&options), NULL);
}

static int check_words(struct req *rq, const struct storage_encryption *encryption)
{
    const char *const words[] = {encryption->cipher_name, encryption->cipher_mode, encryption->cipher_hash,
                                 encryption->ivgen_name, encryption->ivgen_hash};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (words[i] &&
            !str_only(words[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
            return err_set(&rq->err, ERR_XML_ERROR, "'%s' is no word of an encryption", words[i]);
    return 0;
}

static int check_encryption(struct req *rq, const struct volume_def *def)
{
    const struct storage_encryption *encryption = def->target.encryption;

    if (!encryption)
        return 0;
    if (!str_eq(def->target.format, "raw") && !str_eq(def->target.format, "qcow2"))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "volume encryption unsupported with format %s",
                       def->target.format);
    if (!str_eq(encryption->format, "luks"))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "encryption format '%s' of volume '%s' can't be made by QEMU: use 'luks'",
                       encryption->format, def->name);
    return check_words(rq, encryption);
}

int image_check(struct req *rq, const struct volume_def *def, unsigned flags)
{
    bool qcow2 = str_eq(def->target.format, "qcow2");

    if (check_encryption(rq, def) < 0)
        return -1;
    if ((flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA) && !qcow2)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "metadata preallocation only available with qcow2");
    if ((flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA) && def->backing)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "metadata preallocation conflicts with backing store");
    if ((def->target.compat || def->target.has_features) && !qcow2)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "compat and features are for format qcow2, not %s",
                       def->target.format);
    if (def->target.has_features && str_eq(def->target.compat, "0.10"))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "format features only available with qcow2 compat 1.1 or newer");
    if (def->backing && str_eq(def->target.format, "raw"))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "a volume of format raw can't have a backing store");
    return 0;
}

/* ---- commands ---- */

static uint64_t kib(uint64_t bytes)
{
    return bytes / 1024 + (bytes % 1024 != 0);
}

/* A place in a list of QEMU options, where a comma is written twice. */
static const char *quoted(struct req *rq, const char *path)
{
    auto_buf struct buf text = {0};

    for (; *path; path++) {
        buf_add_char(&text, *path);
        if (*path == ',')
            buf_add_char(&text, ',');
    }
    return arena_strdup(&rq->arena, buf_text(&text));
}

static int create(struct req *rq, const struct volume_def *def, unsigned flags)
{
    struct tool tool = {0};

    if (def->backing && def->backing->path[0] == '/' && access(def->backing->path, R_OK) < 0)
        return err_system(&rq->err, errno, "inaccessible backing store volume %s", def->backing->path);
    tool_add(rq, &tool, "qemu-img", "create", "-f", driver_of(def), NULL);
    if (def->target.encryption && add_secret(rq, &tool, def) < 0)
        return -1;
    if (def->backing)
        tool_add(rq, &tool, "-b", def->backing->path, NULL);
    add_options(rq, &tool, def, flags);
    tool_add(rq, &tool, def->target.path, NULL);
    if (def->capacity.set)
        tool_addf(rq, &tool, "%" PRIu64 "K", kib(def->capacity.value));
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

int image_resize(struct req *rq, const struct volume_def *def, uint64_t capacity, bool shrink)
{
    struct tool tool = {0};

    tool_add(rq, &tool, "qemu-img", "resize", NULL);
    if (shrink)
        tool_add(rq, &tool, "--shrink", NULL);
    if (def->target.encryption) {
        if (add_secret(rq, &tool, def) < 0)
            return -1;
        tool_add(rq, &tool, "--image-opts", NULL);
        tool_addf(rq, &tool, "driver=%s,%s=key,file.filename=%s", driver_of(def),
                  is_luks(def) ? "key-secret" : "encrypt.key-secret", quoted(rq, def->target.path));
    } else {
        tool_add(rq, &tool, "-f", driver_of(def), def->target.path, NULL);
    }
    tool_addf(rq, &tool, "%" PRIu64 "K", kib(capacity));
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

/* With a key on one side both are described by options; the target is there already then. */
static int convert_encrypted(struct req *rq, const struct volume_def *def, const struct volume_def *from)
{
    struct tool tool = {0};
    const struct volume_def *const sides[] = {from, def};

    tool_add(rq, &tool, "qemu-img", "convert", "--image-opts", "-n", "--target-image-opts", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
        if (sides[i]->target.encryption && add_secret(rq, &tool, sides[i]) < 0)
            return -1;
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
        tool_addf(rq, &tool, "driver=%s,file.filename=%s%s", driver_of(sides[i]),
                  quoted(rq, sides[i]->target.path),
                  !sides[i]->target.encryption ? ""
                  : is_luks(sides[i])          ? ",key-secret=key"
                                               : ",encrypt.key-secret=key");
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

static int convert(struct req *rq, const struct volume_def *def, const struct volume_def *from,
                   unsigned flags)
{
    struct tool tool = {0};

    if (def->target.encryption || from->target.encryption) {
        if (create(rq, def, flags) < 0)
            return -1;
        return convert_encrypted(rq, def, from);
    }
    tool_add(rq, &tool, "qemu-img", "convert", "-f", driver_of(from), "-O", driver_of(def), NULL);
    if (def->backing)
        tool_add(rq, &tool, "-B", def->backing->path, NULL);
    add_options(rq, &tool, def, flags);
    tool_add(rq, &tool, from->target.path, def->target.path, NULL);
    if (tool_run(rq, &tool, TOOL_LONG, NULL) < 0)
        return -1;
    return def->capacity.value > from->capacity.value
               ? image_resize(rq, def, def->capacity.value, /* shrink= */ false)
               : 0;
}

int image_make(struct req *rq, const struct volume_def *def, const struct volume_def *from, unsigned flags)
{
    return from ? convert(rq, def, from, flags) : create(rq, def, flags);
}
