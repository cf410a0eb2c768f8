/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/channel.h"

#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/run.h"

static const struct chardev *agent_channel(const struct vm *vm)
{
    const struct devices *devices = &vm->run->domain->devices;

    for (size_t i = 0; i < devices->n_channels; i++)
        if (str_eq(devices->channels[i]->target_name, "org.qemu.guest_agent.0"))
            return devices->channels[i];
    return NULL;
}

bool channel_agent_connected(const struct vm *vm)
{
    const struct chardev *channel = agent_channel(vm);

    return channel && str_eq(channel->state, "connected");
}

static const char *agent_socket(struct req *rq, const struct vm *vm)
{
    const struct chardev *channel;

    if (vm_check_running(rq, vm) < 0)
        return NULL;
    channel = agent_channel(vm);
    if (!channel)
        err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
    else if (!str_eq(channel->state, "connected"))
        err_set(&rq->err, ERR_AGENT_UNRESPONSIVE, "QEMU guest agent is not connected");
    else if (channel->source.type != CHARDEV_UNIX || !channel->source.path)
        err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "the guest agent's channel is not a unix socket");
    else
        return channel->source.path;
    return NULL;
}

int channel_agent_run(struct req *rq, struct vm *vm, struct agent_command *command, struct json_object **ret)
{
    char *whose = arena_printf(&rq->arena, "the guest agent of domain '%s'", vm->name);
    const char *socket;
    int r = -1;

    if (!agent_socket(rq, vm) || job_take(rq, &vm->agent, whose, command->name, SECONDS(30)) < 0)
        return -1;
    socket = agent_socket(rq, vm); /* the world may have moved while we waited */
    if (socket) {
        command->socket = arena_strdup(&rq->arena, socket);
        command->whose = arena_printf(&rq->arena, "domain '%s'", vm->name);
        r = agent_run(rq, command, ret);
    }
    job_give(rq, &vm->agent);
    return r;
}

uint64_t channel_agent_usec(int32_t seconds)
{
    return seconds > 0 ? SECONDS((uint64_t)seconds) : seconds == -2 ? SECONDS(3600) : AGENT_SYNC_TIMEOUT;
}

int channel_agent_ask(struct req *rq, struct vm *vm, const char *name, const char *text, uint64_t usec,
                      struct json_object **ret)
{
    struct agent_command command = {.name = name, .text = text, .usec = usec};
    auto_json struct json_object *answer = NULL;

    if (vm->run && vm->run->agent_patience.set)
        command.usec = channel_agent_usec(vm->run->agent_patience.value);
    if (channel_agent_run(rq, vm, &command, &answer) < 0)
        return -1;
    if (ret)
        *ret = json_object_get(json_get(answer, "return"));
    return 0;
}
