/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of the qemu program: straight to QEMU's monitor or to the guest's agent. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/log.h"
#include "protocol/qemu.h"
#include "virtqemud/channel.h"
#include "virtqemud/method.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"

#define COMMAND_USEC SECONDS(60)

static int human(struct req *rq, struct qmp *qmp, const char *line, int fd, char **ret)
{
    const char *name = "human-monitor-command", *args = json_text(&rq->arena, "{'command-line': %s}", line);
    auto_json struct json_object *answer = NULL;
    struct qmp_call call = {0};
    const char *text;

    if ((fd < 0 ? qmp_put(rq, qmp, &call, name, args) : qmp_put_fd(rq, qmp, &call, name, args, fd)) < 0 ||
        qmp_take(rq, &call, &answer, COMMAND_USEC) < 0)
        return -1;
    text = json_object_is_type(answer, json_type_string) ? json_object_get_string(answer) : "";
    *ret = arena_strdup(&rq->arena, text);
    return 0;
}

static int machine(struct req *rq, struct qmp *qmp, const char *line, int fd, char **ret)
{
    auto_json struct json_object *command = json_read(line, strlen(line)), *answer = NULL;

    if (!json_object_is_type(command, json_type_object))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "cannot parse json %s: it is not a JSON object", line);
    if (qmp_raw(rq, qmp, command, fd, &answer, COMMAND_USEC) < 0)
        return -1;
    *ret = arena_strdup(&rq->arena, json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    return 0;
}

static int command(struct req *rq, struct vm *vm, const char *text, unsigned flags, int fd, char **ret)
{
    struct qmp *qmp;

    if (method_flags(rq, flags, API_DOMAIN_QEMU_MONITOR_COMMAND_HMP) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    if (!vm->run->custom_monitor)
        log_warning("domain '%s' is tainted: custom-monitor", vm->name);
    vm->run->custom_monitor = true;
    return flags & API_DOMAIN_QEMU_MONITOR_COMMAND_HMP ? human(rq, qmp, text, fd, ret)
                                                       : machine(rq, qmp, text, fd, ret);
}

static int m_monitor_command(struct req *rq, struct vm *vm, const struct qemu_domain_monitor_command_in *in,
                             struct qemu_domain_monitor_command_out *out)
{
    return command(rq, vm, in->cmd, in->flags, -1, &out->result);
}

/* QEMU takes one descriptor with a command and gives none back. */
static int m_with_files(struct req *rq, struct vm *vm,
                        const struct qemu_domain_monitor_command_with_files_in *in,
                        struct qemu_domain_monitor_command_with_files_out *out)
{
    unsigned count;
    const int *fds = req_fds(rq, &count);

    if (count > 1)
        return err_set(&rq->err, ERR_INVALID_ARG, "at most 1 input file descriptor can be passed to qemu");
    return command(rq, vm, in->cmd, in->flags, count ? fds[0] : -1, &out->result);
}

/* timeout: seconds, or -2 wait, -1 the default, 0 don't wait for the answer. "Wait" still ends some day. */
static int m_agent_command(struct req *rq, struct vm *vm, const struct qemu_domain_agent_command_in *in,
                           struct qemu_domain_agent_command_out *out)
{
    struct agent_command command = {.text = in->cmd, .name = "guest agent command"};
    auto_json struct json_object *parsed = NULL, *answer = NULL;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->timeout < -2)
        return err_set(&rq->err, ERR_INVALID_ARG, "guest agent timeout '%d' is less than the minimum '-2'",
                       in->timeout);
    parsed = json_read(in->cmd, strlen(in->cmd));
    if (json_string(parsed, "execute"))
        command.name = json_string(parsed, "execute");
    command.usec = channel_agent_usec(in->timeout);
    if (channel_agent_run(rq, vm, &command, &answer) < 0)
        return -1;
    out->result = arena_strdup(&rq->arena, json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    return 0;
}

const struct method monitor_methods[] = {
    METHOD(qemu, DOMAIN_MONITOR_COMMAND, m_monitor_command),
    METHOD(qemu, DOMAIN_MONITOR_COMMAND_WITH_FILES, m_with_files),
    METHOD(qemu, DOMAIN_AGENT_COMMAND, m_agent_command),
    {0},
};
