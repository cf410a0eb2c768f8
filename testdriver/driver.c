/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way into the test driver: opening and closing worlds, and from a call to its method. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/driver.h"

#include "rpc/xdr.h"
#include "testdriver/event.h"
#include "testdriver/find.h"

/* The world of test:///default, while anybody is connected to it. */
static struct world *shared;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- methods by number ---- */

static const struct method *const tables[] = {
    host_methods,     event_methods,      list_methods,    define_methods,    life_methods,
    save_methods,     metadata_methods,   vcpu_methods,    memory_methods,    tune_methods,
    tune_io_methods,  stats_methods,      agent_methods,   iothread_methods,  screen_methods,
    snapshot_methods, checkpoint_methods, network_methods, interface_methods, pool_methods,
    volume_methods,   device_methods,
};
static const struct method *by_number[REMOTE_PROCEDURE_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void index_methods(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct method *method = tables[i]; method->procedure; method++)
            by_number[method->procedure->number] = method;
}

/* ---- worlds ---- */

static struct world *world_new(void)
{
    struct world *world = NEW(struct world);

    pthread_mutex_init(&world->lock, NULL);
    world->connections = 1;
    list_init(&world->clients);
    list_init(&world->vms);
    list_init(&world->networks);
    list_init(&world->interfaces);
    list_init(&world->pools);
    list_init(&world->devices);
    list_init(&world->saved_interfaces);
    return world;
}

/* The users in the file, if there are any, are the only ones let in. */
static int authenticate(const struct local_open *open, const struct world *world, struct err *err)
{
    auto_arena struct arena arena = {0};
    auto_free char *name = NULL, *password = NULL;
    const struct user *user = NULL;

    if (!world->n_users)
        return 0;
    if (open->uri->user && *open->uri->user)
        name = mem_strdup(open->uri->user);
    else if (open->ask(open, /* secret= */ false, "Enter username for localhost", &name, err) < 0)
        return -1;
    for (size_t i = 0; i < world->n_users && !user; i++)
        if (str_eq(world->users[i].name, name))
            user = &world->users[i];
    if (user && !user->password)
        return 0;
    if (open->ask(open, /* secret= */ true, arena_printf(&arena, "Enter %s's password for localhost", name),
                  &password, err) < 0)
        return -1;
    if (user && str_eq(user->password, password))
        return 0;
    return err_set(err, ERR_AUTH_FAILED,
                   "authentication failed, see test XML for the correct username/password");
}

static int open_shared(struct world **ret, struct err *err)
{
    struct world *world;
    int r = 0;

    pthread_mutex_lock(&shared_lock);
    if (shared) {
        shared->connections++;
    } else {
        world = world_new();
        r = world_fill_default(world, err);
        if (r < 0)
            world_free(world);
        else
            shared = world;
    }
    *ret = shared;
    pthread_mutex_unlock(&shared_lock);
    return r;
}

static int open_file(const struct local_open *open, struct world **ret, struct err *err)
{
    struct world *world = world_new();

    if (world_fill_file(world, open->uri->path, err) < 0 || authenticate(open, world, err) < 0) {
        world_free(world);
        return -1;
    }
    *ret = world;
    return 0;
}

static int driver_open(const struct local_open *open, void **ret_state, struct err *err)
{
    const char *path = open->uri->path;
    struct world *world = NULL;
    struct client *client;

    pthread_once(&once, index_methods);
    if (str_empty(path) || str_eq(path, "/"))
        return err_set(err, ERR_INVALID_ARG, "testOpen: supply a path or use test:///default");
    if ((str_eq(path, "/default") ? open_shared(&world, err) : open_file(open, &world, err)) < 0)
        return -1;
    client = NEW(struct client);
    client->world = world;
    client->host = open->host;
    pthread_mutex_lock(&world->lock);
    list_append(&world->clients, &client->link);
    pthread_mutex_unlock(&world->lock);
    *ret_state = client;
    return 0;
}

static void driver_close(void *state)
{
    struct client *client = state;
    struct world *world = client->world;
    bool last;

    pthread_mutex_lock(&shared_lock);
    pthread_mutex_lock(&world->lock);
    list_remove(&client->link);
    event_forget_all(client);
    last = --world->connections == 0;
    pthread_mutex_unlock(&world->lock);
    if (last && world == shared)
        shared = NULL;
    pthread_mutex_unlock(&shared_lock);
    if (last)
        world_free(world);
    free(client);
}

int fail_plain(struct req *rq, enum err_code code)
{
    return err_set(rq->err, code, NULL);
}

void *thing_by_name(const struct list *things, const char *name)
{
    struct thing *thing;

    LIST_FOREACH(things, thing, link)
        if (str_eq(thing->name, name))
            return thing;
    return NULL;
}

void *thing_by_uuid(const struct list *things, const uint8_t *uuid)
{
    struct thing *thing;

    LIST_FOREACH(things, thing, link)
        if (uuid_eq(thing->uuid, uuid))
            return thing;
    return NULL;
}

int thing_same(const struct list *things, const struct thing_kind *kind, const char *name,
               const uint8_t *uuid, bool inactive, struct thing **ret, struct err *err)
{
    struct thing *thing = thing_by_uuid(things, uuid), *other;
    char text[UUID_TEXT];

    if (thing && !str_eq(thing->name, name))
        return err_set_from(err, kind->from, ERR_OPERATION_FAILED, "%s '%s' is already defined with uuid %s",
                            kind->word, thing->name, uuid_format(uuid, text));
    if (thing && inactive && thing->active)
        return err_set_from(err, kind->from, ERR_OPERATION_INVALID,
                            kind->from == ERR_FROM_DOMAIN ? "%s '%s' is already active"
                                                          : "%s is already active as '%s'",
                            kind->word, name);
    other = thing ? NULL : thing_by_name(things, name);
    if (other)
        return err_set_from(err, kind->from, ERR_OPERATION_FAILED, "%s '%s' already exists with uuid %s",
                            kind->word, name, uuid_format(other->uuid, text));
    *ret = thing;
    return 0;
}

bool list_passes(unsigned is, unsigned filter, const unsigned *groups, size_t n_groups)
{
    for (size_t i = 0; i < n_groups; i++)
        if ((filter & groups[i]) && !(filter & groups[i] & is))
            return false;
    return true;
}

/* ---- calls ---- */

/* Calls that are another one with fixed arguments say its name. */
static const struct {
    const struct procedure *procedure;
    const char *api;
} by_another[] = {
    {PROCEDURE(remote, DOMAIN_CORE_DUMP), "virDomainCoreDumpWithFormat"},
    {PROCEDURE(remote, DOMAIN_CREATE_WITH_FILES), "virDomainCreateWithFlags"},
    {PROCEDURE(remote, DOMAIN_CREATE_XML_WITH_FILES), "virDomainCreateXML"},
};

int fail_flags(struct req *rq, unsigned unknown)
{
    const char *api = procedure_api(rq->call->procedure);

    for (size_t i = 0; i < ARRAY_SIZE(by_another); i++)
        if (by_another[i].procedure->program == rq->call->procedure->program &&
            by_another[i].procedure->number == rq->call->procedure->number)
            api = by_another[i].api;
    return err_set_bare(rq->err, ERR_INVALID_ARG, "unsupported flags (0x%x) in function test%s", unknown,
                        str_after(api, "vir") ? str_after(api, "vir") : api);
}

static int check_flags(struct req *rq, const struct method *method, const void *in)
{
    const struct procedure *procedure = method->procedure;
    uint32_t unknown;

    if (procedure->flags_at == PROCEDURE_NOWHERE)
        return 0;
    unknown = *(const uint32_t *)((const char *)in + procedure->flags_at) & ~method->flags;
    return unknown ? fail_flags(rq, unknown) : 0;
}

/*
 * Results may point into the world, which other threads change as soon as the lock is free: the caller gets
 * all of them anew, in its own memory. The codec knows how to walk them.
 */
static int own_results(struct req *rq, const struct procedure *procedure, void *out)
{
    auto_buf struct buf bytes = {0};

    if (xdr_encode(procedure->out, out, &bytes, rq->err) < 0)
        return -1;
    return xdr_decode(procedure->out, buf_text(&bytes), bytes.length, out, rq->arena, rq->err) < 0 ? -1 : 0;
}

static int driver_run(void *state, struct local_call *call, const void *in, void *out)
{
    struct client *client = state;
    struct req rq = {
        .arena = call->arena, .err = call->err, .client = client, .world = client->world, .call = call};
    const struct method *method =
        call->procedure->program == remote_program.number ? by_number[call->procedure->number] : NULL;
    void *object = client;
    int r;

    if (!method)
        return LOCAL_NO_METHOD;
    pthread_mutex_lock(&client->world->lock);
    r = check_flags(&rq, method, in);
    if (r == 0)
        r = find_object(&rq, method->procedure, in, &object);
    if (r == 0)
        r = method->function(&rq, object, in, out) < 0 ? -1 : 0;
    if (r == 0)
        r = own_results(&rq, method->procedure, out);
    pthread_mutex_unlock(&client->world->lock);
    return r;
}

extern const struct local_driver local_driver;
__attribute__((visibility("default"))) const struct local_driver local_driver = {
    .version = LOCAL_VERSION, .open = driver_open, .close = driver_close, .run = driver_run};
