/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_SECRET
#include "virtsecretd/secret.h"

#include <libvirt/libvirt.h>

#include "base/log.h"
#include "base/str.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "rpc/event.h"
#include "virtsecretd/secretd.h"
#include "virtsecretd/value-file.h"

/* Longer than encrypting may take. */
#define JOB_TIMEOUT SECONDS(60)

/* -- one secret -- */

/* arena and def are moved in. */
static struct secret *secret_new(struct arena *arena, struct secret_def *def)
{
    struct secret *secret = NEW(struct secret);

    secret->references = 1;
    secret->arena = *arena;
    secret->def = def;
    *arena = (struct arena){0};
    uuid_format(def->uuid, secret->uuid);
    return secret;
}

struct secret *secret_ref(struct secret *secret)
{
    secret->references++;
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (!secret || --secret->references)
        return;
    vault_done(&secret->value);
    arena_done(&secret->arena);
    free(secret);
}

static bool persistent(const struct secret *secret)
{
    return secret->def->ephemeral == TRI_NO;
}

static void *find(struct req *rq, const void *wire, struct err *err)
{
    const struct wire_secret *reference = wire;
    struct secret *secret = secrets_find(reference->uuid);
    char text[UUID_TEXT];

    if (secret)
        return secret_ref(secret);
    err_set(err, ERR_NO_SECRET, "no secret with matching uuid '%s'", uuid_format(reference->uuid, text));
    return NULL;
}

static void unref(void *object)
{
    secret_unref(object);
}

static void describe(struct arena *arena, const void *object, struct acl_object *ret)
{
    static const char *const usage_attributes[SECRET_USAGE_MAX] = {
        [SECRET_USAGE_VOLUME] = "secret_usage_volume", [SECRET_USAGE_CEPH] = "secret_usage_ceph",
        [SECRET_USAGE_ISCSI] = "secret_usage_target",  [SECRET_USAGE_TLS] = "secret_usage_name",
        [SECRET_USAGE_VTPM] = "secret_usage_name",
    };
    const struct secret *secret = object;
    const char *usage = usage_attributes[secret->def->usage];

    ret->title = arena_printf(arena, "secret '%s'", secret->uuid);
    ret->attributes[ret->count++] = (struct acl_attribute){"secret_uuid", arena_strdup(arena, secret->uuid)};
    if (usage)
        ret->attributes[ret->count++] =
            (struct acl_attribute){usage, arena_strdup(arena, secret->def->usage_id)};
}

const struct object_type secret_type = {.find = find, .unref = unref, .describe = describe};

/* -- the set -- */

struct secret *secrets_find(const uint8_t *uuid)
{
    return uuid_map_get(&secretd.secrets, uuid);
}

struct secret *secrets_find_usage(enum secret_usage usage, const char *usage_id)
{
    struct secret *secret;

    MAP_FOREACH(&secretd.secrets, secret)
        if (secret->def->usage == usage && str_eq(secret->def->usage_id, usage_id))
            return secret;
    return NULL;
}

static int load(struct store_entry *entry, struct err *err)
{
    auto_arena struct arena text_arena = {0};
    auto_arena struct arena arena = {0};
    struct secret_def *def;
    struct secret *secret;
    char uuid[UUID_TEXT];
    char *text = store_read(secretd.store, entry, &text_arena, /* ret_length= */ NULL, err);

    def = text ? secret_parse(&arena, text, /* flags= */ 0, err) : NULL;
    if (!def)
        return -1;
    if (!str_eq(uuid_format(def->uuid, uuid), entry->name))
        return err_set(err, ERR_INTERNAL_ERROR, "it holds the secret '%s'", uuid);
    /* what was made ephemeral must not come back to life */
    def->ephemeral = TRI_NO;
    secret = secret_new(&arena, def);
    secret->entry = entry;
    uuid_map_put(&secretd.secrets, secret->def->uuid, secret);
    return 0;
}

void secrets_load(void)
{
    struct store_entry *entry;

    (void)store_load(secretd.store, /* max= */ 0);
    STORE_FOREACH(secretd.store, entry) {
        auto_err struct err why = {0};

        if (load(entry, &why) < 0)
            log_warning("secret file '%s.xml' is skipped: %s", entry->name, why.message);
    }
}

void secrets_done(void)
{
    struct secret *secret;

    MAP_FOREACH(&secretd.secrets, secret)
        secret_unref(secret);
    uuid_map_done(&secretd.secrets);
}

/* -- changes -- */

static void tell(const struct secret *secret, int procedure, int event)
{
    struct event_object object = {.uuid = secret->def->uuid, .object = secret};
    struct wire_secret wire = {.usage_type = (int32_t)secret->def->usage,
                               .usage_id = (char *)secret->def->usage_id};

    memcpy(wire.uuid, secret->def->uuid, UUID_SIZE);
    if (procedure == REMOTE_SECRET_EVENT_LIFECYCLE) {
        struct remote_secret_event_lifecycle_msg message = {.secret = wire, .event = event};
        event_emit(secretd.server, remote_program.number, procedure, &object, &message);
    } else {
        struct remote_secret_event_value_changed_msg message = {.secret = wire};
        event_emit(secretd.server, remote_program.number, procedure, &object, &message);
    }
}

static int take(struct req *rq, struct secret *secret, const char *operation)
{
    if (job_take(rq, &secret->job, secret->uuid, operation, JOB_TIMEOUT) < 0)
        return -1;
    if (!secret->gone)
        return 0;
    job_give(rq, &secret->job);
    return err_set(&rq->err, ERR_NO_SECRET, "no secret with matching uuid '%s'", secret->uuid);
}

int secret_get_value(struct req *rq, struct secret *secret, const struct vault **ret)
{
    auto_vault struct vault value = {0};

    if (!secret->value_known && value_file_read(rq, secret->uuid, &value) < 0)
        return -1;
    /* somebody may have set another one meanwhile */
    if (!secret->value_known) {
        vault_move(&secret->value, &value);
        secret->value_known = true;
    }
    *ret = &secret->value;
    return 0;
}

int secret_set_value(struct req *rq, struct secret *secret, const void *data, size_t length)
{
    auto_vault struct vault value = {0};
    int r = 0;

    vault_set(&value, data, length);
    if (take(rq, secret, "set the value") < 0)
        return -1;
    if (persistent(secret))
        r = value_file_write(rq, secret->uuid, &value);
    if (r >= 0) {
        vault_move(&secret->value, &value);
        secret->value_known = true;
        tell(secret, REMOTE_SECRET_EVENT_VALUE_CHANGED, /* event= */ 0);
    }
    job_give(rq, &secret->job);
    return r;
}

/* May the set hold `fresh`, in place of `old` when that isn't NULL? */
static int check(const struct secret *fresh, const struct secret *old, struct err *err)
{
    const struct secret_def *def = fresh->def;
    const struct secret *other = secrets_find_usage(def->usage, def->usage_id);

    if (old && !str_eq(old->def->usage_id, def->usage_id))
        return err_set(err, ERR_INTERNAL_ERROR, "a secret with UUID %s is already defined for use with %s",
                       old->uuid, old->def->usage_id);
    if (old && old->def->private == TRI_YES && def->private == TRI_NO)
        return err_set(err, ERR_INTERNAL_ERROR, "cannot change private flag on existing secret");
    if (def->usage != SECRET_USAGE_NONE && other && other != old)
        return err_set(err, ERR_INTERNAL_ERROR, "a secret with UUID %s already defined for use with %s",
                       other->uuid, def->usage_id);
    return 0;
}

/* Bring the files to what def says; secret is still as it was. */
static int save(struct req *rq, struct secret *secret, const struct secret_def *def)
{
    struct store_facts facts = {0};
    const struct vault *value;
    auto_buf struct buf text = {0};
    bool moves;

    if (def->ephemeral == TRI_YES) {
        if (!secret->entry)
            return 0;
        /* the value moves from its file to memory */
        if (secret_get_value(rq, secret, &value) < 0 || value_file_remove(secret->uuid, &rq->err) < 0 ||
            store_remove(secretd.store, secret->entry, &rq->err) < 0)
            return -1;
        secret->entry = NULL;
        return 0;
    }
    memcpy(facts.uuid, def->uuid, UUID_SIZE);
    secret_format(def, &text);
    moves = !secret->entry && secret->value.length;
    if (moves && value_file_write(rq, secret->uuid, &secret->value) < 0)
        return -1;
    if (store_save(secretd.store, secret->uuid, &facts, buf_text(&text), &secret->entry, &rq->err) >= 0)
        return 0;
    if (moves)
        (void)value_file_remove(secret->uuid, /* err= */ NULL);
    return -1;
}

/* The definitions change places, with the arenas that they live in. */
static void swap_definition(struct secret *a, struct secret *b)
{
    struct arena arena = a->arena;
    struct secret_def *def = a->def;

    a->arena = b->arena;
    a->def = b->def;
    b->arena = arena;
    b->def = def;
}

static int redefine(struct req *rq, struct secret *secret, struct secret *fresh)
{
    int r;

    if (take(rq, secret, "define") < 0)
        return -1;
    r = check(fresh, secret, &rq->err);
    if (r >= 0)
        r = save(rq, secret, fresh->def);
    if (r >= 0) {
        /* the key of the set lives in the definition */
        uuid_map_remove(&secretd.secrets, secret->def->uuid);
        swap_definition(secret, fresh);
        uuid_map_put(&secretd.secrets, secret->def->uuid, secret);
        tell(secret, REMOTE_SECRET_EVENT_LIFECYCLE, VIR_SECRET_EVENT_DEFINED);
    }
    job_give(rq, &secret->job);
    return r;
}

static int add(struct req *rq, struct secret *fresh)
{
    /* no file can be its value: one that a killed daemon left belongs to nobody */
    fresh->value_known = true;
    if (check(fresh, /* old= */ NULL, &rq->err) < 0 || save(rq, fresh, fresh->def) < 0)
        return -1;
    uuid_map_put(&secretd.secrets, fresh->def->uuid, secret_ref(fresh));
    tell(fresh, REMOTE_SECRET_EVENT_LIFECYCLE, VIR_SECRET_EVENT_DEFINED);
    return 0;
}

int secret_define(struct req *rq, const char *xml, unsigned parse_flags, struct secret **ret)
{
    auto_arena struct arena arena = {0};
    auto_secret struct secret *fresh = NULL;
    auto_secret struct secret *old = NULL;
    struct secret_def *def = secret_parse(&arena, xml, parse_flags, &rq->err);

    if (!def)
        return -1;
    fresh = secret_new(&arena, def);
    if (req_check(rq, OBJECT_SECRET, fresh) < 0)
        return -1;
    old = secrets_find(fresh->def->uuid);
    if (old)
        secret_ref(old);
    if (old ? redefine(rq, old, fresh) < 0 : add(rq, fresh) < 0)
        return -1;
    *ret = secret_ref(old ? old : fresh);
    return 0;
}

int secret_undefine(struct req *rq, struct secret *secret)
{
    int r = 0;

    if (take(rq, secret, "undefine") < 0)
        return -1;
    /* the value first: a crash in between must not leave it behind */
    if (secret->entry)
        r = value_file_remove(secret->uuid, &rq->err) < 0
                ? -1
                : store_remove(secretd.store, secret->entry, &rq->err);
    if (r >= 0) {
        secret->entry = NULL;
        secret->gone = true;
        vault_done(&secret->value);
        uuid_map_remove(&secretd.secrets, secret->def->uuid);
        tell(secret, REMOTE_SECRET_EVENT_LIFECYCLE, VIR_SECRET_EVENT_UNDEFINED);
    }
    job_give(rq, &secret->job);
    if (r >= 0)
        secret_unref(secret); /* the set's */
    return r;
}
