/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Methods that the guest's agent answers. The guest is not trusted: what it says is taken by type and
 * bounded, and it may take its time, so these calls hold no job of the machine.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "base/base64.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/channel.h"
#include "virtqemud/method.h"
#include "virtqemud/run.h"

/* ---- name ---- */

static bool has_network(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (devices->ifaces[i]->type == IFACE_NETWORK)
            return true;
    return false;
}

static int m_get_hostname(struct req *rq, struct vm *vm, const struct remote_domain_get_hostname_in *in,
                          struct remote_domain_get_hostname_out *out)
{
    auto_json struct json_object *answer = NULL;
    const char *name;

    if (method_flags(rq, in->flags, API_DOMAIN_GET_HOSTNAME_LEASE | API_DOMAIN_GET_HOSTNAME_AGENT) < 0 ||
        method_flags_exclude(rq, in->flags, API_DOMAIN_GET_HOSTNAME_LEASE, "GET_HOSTNAME_LEASE",
                             API_DOMAIN_GET_HOSTNAME_AGENT, "GET_HOSTNAME_AGENT") < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    if (in->flags == API_DOMAIN_GET_HOSTNAME_LEASE && !has_network(&vm->run->domain->devices))
        return err_set(&rq->err, ERR_NO_HOSTNAME, "no hostname found for domain %s", vm->name);
    if (in->flags == API_DOMAIN_GET_HOSTNAME_LEASE)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "host names from DHCP leases need virtnetworkd, which isn't there yet");
    if (channel_agent_ask(rq, vm, "guest-get-host-name", "{\"execute\":\"guest-get-host-name\"}", SECONDS(10),
                          &answer) < 0)
        return -1;
    name = json_string(answer, "host-name");
    if (str_empty(name))
        return err_set(&rq->err, ERR_NO_HOSTNAME, "no hostname found for domain %s", vm->name);
    out->hostname = arena_strdup(&rq->arena, name);
    return 0;
}

/* ---- clock ---- */

static int m_get_time(struct req *rq, struct vm *vm, const struct remote_domain_get_time_in *in,
                      struct remote_domain_get_time_out *out)
{
    auto_json struct json_object *answer = NULL;
    int64_t time;

    if (method_flags(rq, in->flags, 0) < 0 ||
        channel_agent_ask(rq, vm, "guest-get-time", "{\"execute\":\"guest-get-time\"}", SECONDS(10),
                          &answer) < 0)
        return -1;
    if (!json_object_is_type(answer, json_type_int))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "malformed return value of guest-get-time");
    time = json_object_get_int64(answer);
    out->seconds = time / 1000000000;
    out->nseconds = (uint32_t)(time % 1000000000);
    return 0;
}

static int m_set_time(struct req *rq, struct vm *vm, const struct remote_domain_set_time_in *in,
                      struct remote_domain_set_time_out *out)
{
    const char *text = "{\"execute\":\"guest-set-time\"}";

    if (method_flags(rq, in->flags, API_DOMAIN_TIME_SYNC) < 0)
        return -1;
    if (!(in->flags & API_DOMAIN_TIME_SYNC)) {
        if (in->seconds < 0 || in->seconds > INT64_MAX / 1000000000 - 1 || in->nseconds >= 1000000000)
            return err_set(&rq->err, ERR_INVALID_ARG, "Time '%lld' is too big for guest agent",
                           (long long)in->seconds);
        text = json_text(&rq->arena, "{'execute':'guest-set-time','arguments':{'time':%lld}}",
                         (long long)in->seconds * 1000000000 + in->nseconds);
    }
    return channel_agent_ask(rq, vm, "guest-set-time", text, SECONDS(10), NULL);
}

/* ---- file systems ---- */

static int count_of(struct req *rq, struct json_object *answer, int32_t *ret)
{
    if (!json_object_is_type(answer, json_type_int))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "malformed return value of the guest agent");
    *ret = (int32_t)json_object_get_int64(answer);
    return 0;
}

static int m_freeze(struct req *rq, struct vm *vm, const struct remote_domain_fsfreeze_in *in,
                    struct remote_domain_fsfreeze_out *out)
{
    auto_json struct json_object *answer = NULL;
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (!in->mountpoints.n) {
        buf_add_string(&text, "{\"execute\":\"guest-fsfreeze-freeze\"}");
    } else {
        buf_add_string(&text, "{\"execute\":\"guest-fsfreeze-freeze-list\",\"arguments\":{\"mountpoints\":[");
        for (uint32_t i = 0; i < in->mountpoints.n; i++) {
            buf_add_string(&text, i ? "," : "");
            json_add_string(&text, in->mountpoints.v[i]);
        }
        buf_add_string(&text, "]}}");
    }
    if (channel_agent_ask(rq, vm, "guest-fsfreeze-freeze", buf_text(&text), SECONDS(60), &answer) < 0)
        return -1;
    return count_of(rq, answer, &out->filesystems);
}

static int m_thaw(struct req *rq, struct vm *vm, const struct remote_domain_fsthaw_in *in,
                  struct remote_domain_fsthaw_out *out)
{
    auto_json struct json_object *answer = NULL;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->mountpoints.n)
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "specifying mountpoints is not supported");
    if (channel_agent_ask(rq, vm, "guest-fsfreeze-thaw", "{\"execute\":\"guest-fsfreeze-thaw\"}", SECONDS(60),
                          &answer) < 0)
        return -1;
    return count_of(rq, answer, &out->filesystems);
}

static int m_trim(struct req *rq, struct vm *vm, const struct remote_domain_fstrim_in *in,
                  struct remote_domain_fstrim_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->mount_point)
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "Specifying mount point is not supported for now");
    return channel_agent_ask(rq, vm, "guest-fstrim",
                             json_text(&rq->arena, "{'execute':'guest-fstrim','arguments':{'minimum':%llu}}",
                                       (unsigned long long)in->minimum),
                             SECONDS(600), NULL);
}

/* ---- password ---- */

static int m_set_user_password(struct req *rq, struct vm *vm,
                               const struct remote_domain_set_user_password_in *in,
                               struct remote_domain_set_user_password_out *out)
{
    size_t length = in->password ? strlen(in->password) : 0;
    char *encoded, *text;
    int r;

    if (method_flags(rq, in->flags, API_DOMAIN_PASSWORD_ENCRYPTED) < 0)
        return -1;
    if (str_empty(in->user) || !in->password)
        return err_set(&rq->err, ERR_INVALID_ARG, "a user and a password are needed");
    encoded = arena_alloc(&rq->arena, BASE64_TEXT_ROOM(length));
    base64_encode(in->password, length, encoded);
    text = json_text(
        &rq->arena,
        in->flags & API_DOMAIN_PASSWORD_ENCRYPTED
            ? "{'execute':'guest-set-user-password','arguments':{'crypted':true,'username':%s,'password':%s}}"
            : "{'execute':'guest-set-user-password','arguments':{'crypted':false,'username':%s,'password':%s}"
              "}",
        in->user, encoded);
    r = channel_agent_ask(rq, vm, "guest-set-user-password", text, SECONDS(10), NULL);
    mem_wipe(encoded, strlen(encoded));
    mem_wipe(text, strlen(text));
    return r;
}

const struct method agent_methods[] = {
    METHOD(remote, DOMAIN_GET_HOSTNAME, m_get_hostname),
    METHOD(remote, DOMAIN_GET_TIME, m_get_time),
    METHOD(remote, DOMAIN_SET_TIME, m_set_time),
    METHOD(remote, DOMAIN_FSFREEZE, m_freeze),
    METHOD(remote, DOMAIN_FSTHAW, m_thaw),
    METHOD(remote, DOMAIN_FSTRIM, m_trim),
    METHOD(remote, DOMAIN_SET_USER_PASSWORD, m_set_user_password),
    {0},
};
