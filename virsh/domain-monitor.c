/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: QEMU's own words: commands of its monitor and of the agent as they stand, and its events. */
#include <libvirt/libvirt-qemu.h>

#include "base/time.h"
#include "virsh/domain.h"
#include "virsh/watch.h"

/* The words of a repeated option with blanks between. */
static char *joined(struct cmd *cmd, const char *option)
{
    return cmd_own_text(cmd, strv_join((char *const *)cmd_strings(cmd, option), " "));
}

/* What QEMU is told: words for people or JSON as they stand; else a command's name and the members of its
 * arguments, which become JSON here. */
static char *monitor_line(struct cmd *cmd)
{
    const char *const *words = cmd_strings(cmd, "cmd");
    if (cmd_has(cmd, "hmp") || **words == '{')
        return joined(cmd, "cmd");
    auto_free char *members = strv_join((char *const *)words + 1, ",");
    auto_buf struct buf line = {0};
    buf_add_string(&line, "{\"execute\":");
    json_quote(&line, *words);
    if (words[1])
        buf_printf(&line, ",\"arguments\":{%s}", members);
    buf_add_char(&line, '}');
    return cmd_printf(cmd, "%s", buf_text(&line));
}

static int run_qemu_monitor_command(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned count, flags = cmd_flags(cmd);
    int *fds;
    char *line = monitor_line(cmd), *answer = NULL;
    if (!domain || cmd_fds(cmd, &fds, &count) < 0)
        return -1;
    int result =
        count ? virDomainQemuMonitorCommandWithFiles(domain, line, count, fds, NULL, NULL, &answer, flags)
              : virDomainQemuMonitorCommand(domain, line, &answer, flags);
    if (result < 0)
        return -1;
    cmd_own_text(cmd, answer);
    bool human = cmd_has(cmd, "hmp");
    if (cmd_has(cmd, "return-value") || cmd_has(cmd, "pretty"))
        answer =
            json_view(cmd, answer, cmd_has(cmd, "return-value") ? "return" : NULL, cmd_has(cmd, "pretty"));
    if (!answer)
        return say_error(cmd, "'return' member missing");
    layout(cmd, LAYOUT_NONE);
    if (human)
        field(cmd, "text", NULL, answer);
    else
        field_as(cmd, "answer", NULL, answer, answer);
    print(cmd, cmd_has(cmd, "pretty") || cmd_has(cmd, "return-value") ? "%s" : "%s\n", answer);
    return 0;
}

const struct command cmd_qemu_monitor_command = {
    "qemu-monitor-command",
    "QEMU Monitor Command",
    "QEMU Monitor Command",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("hmp", VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, "command is in human monitor protocol"),
            FLAG("pretty", 0, "pretty-print any qemu monitor protocol output"),
            FLAG("return-value", 0, "extract the value of the 'return' key from the returned string"),
            STRING_NAMED("pass-fds", "pass file descriptors N,M,... along with the command"),
            ARGS("cmd", "command")),
    .run = run_qemu_monitor_command,
    .conflicts = "hmp pretty, hmp return-value",
    .json = "{answer: any?, text: string?}",
};

static int run_qemu_agent_command(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT;
    char *line = joined(cmd, "cmd");
    if (!domain)
        return -1;
    int given = cmd_int(cmd, "timeout", &timeout);
    if (given < 0)
        return -1;
    if (given && timeout < 1)
        return say_error(cmd, "timeout must be positive");
    bool now = cmd_has(cmd, "async"), block = cmd_has(cmd, "block");
    if (given + now + block > 1)
        return say_error(cmd, "timeout, async and block options are exclusive");
    if (now)
        timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT;
    if (block)
        timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK;
    char *answer = cmd_own_text(cmd, virDomainQemuAgentCommand(domain, line, timeout, 0));
    if (!answer)
        return -1;
    if (cmd_has(cmd, "pretty"))
        answer = json_view(cmd, answer, NULL, true);
    layout(cmd, LAYOUT_NONE);
    field_as(cmd, "answer", NULL, answer, answer);
    print(cmd, "%s\n", answer);
    return 0;
}

const struct command cmd_qemu_agent_command = {
    "qemu-agent-command",
    "QEMU Guest Agent Command",
    "Run an arbitrary qemu guest agent command; use at your own risk",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER_NAMED("timeout", "timeout seconds. must be positive."),
            FLAG("async", 0, "execute command without waiting for timeout"),
            FLAG("block", 0, "execute command without timeout"), FLAG("pretty", 0, "pretty-print the output"),
            ARGS("cmd", "command")),
    .run = run_qemu_agent_command,
    .json = "{answer: any}",
};

/* ---- qemu-monitor-event ----------------------------------------------------------------------------- */

static void on_monitor(virConnectPtr conn, virDomainPtr domain, const char *event, long long seconds,
                       unsigned micros, const char *details, void *data)
{
    struct watch *watch = data;
    struct cmd *cmd = watch->cmd;
    char stamp[TIME_TEXT];
    if (!watch_begin(watch))
        return;
    layout(cmd, LAYOUT_NONE);
    field(cmd, "event", NULL, event);
    field(cmd, "domain", NULL, virDomainGetName(domain));
    field_number(cmd, "seconds", NULL, seconds, NULL);
    field_u64(cmd, "microseconds", NULL, micros, NULL);
    if (details)
        field_as(cmd, "details", NULL, details, details);
    if (details && cmd_has(cmd, "pretty"))
        details = json_view(cmd, details, NULL, true);
    if (cmd_has(cmd, "timestamp")) {
        time_format(time_real(), stamp);
        print(cmd, "%s: event %s for domain '%s': %s\n", stamp, event, virDomainGetName(domain),
              details ? details : "<null>");
    } else {
        print(cmd, "event %s at %lld.%06u for domain '%s': %s\n", event, seconds, micros,
              virDomainGetName(domain), details ? details : "<null>");
    }
    watch_end(watch);
}

static int add_monitor(struct watch *watch, int id)
{
    return virConnectDomainQemuMonitorEventRegister(cmd_conn(watch->cmd), watch->object,
                                                    cmd_raw(watch->cmd, "event"), on_monitor, watch, NULL,
                                                    cmd_flags(watch->cmd));
}

static int run_qemu_monitor_event(struct cmd *cmd)
{
    static const char *const one[] = {"monitor", NULL};
    static const struct watch_spec spec = {one, "domain", NULL, add_monitor,
                                           virConnectDomainQemuMonitorEventDeregister};
    struct watch watch = {.cmd = cmd, .spec = &spec, .only = 0};
    const char *event = NULL;
    int timeout = 0;
    if (cmd_string(cmd, "event", &event) < 0 || cmd_timeout(cmd, "timeout", &timeout) < 0 ||
        (cmd_has(cmd, "domain") && !(watch.object = cmd_domain(cmd))))
        return -1;
    return watch_wait(&watch, timeout);
}

const struct command cmd_qemu_monitor_event = {
    "qemu-monitor-event",
    "QEMU Monitor Events",
    "Listen for QEMU Monitor Events",
    OPTIONS(STRING("domain", "filter by domain name, id or uuid", 0, complete_domain),
            STRING("event", "filter by event name"), FLAG("pretty", 0, "pretty-print any JSON output"),
            FLAG("loop", 0, "loop until timeout or interrupt, rather than one-shot"),
            NUMBER("timeout", "timeout seconds"),
            FLAG("regex", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX,
                 "treat event as a regex rather than literal filter"),
            FLAG("no-case", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE,
                 "treat event case-insensitively"),
            FLAG("timestamp", 0, "show timestamp for each printed event")),
    .run = run_qemu_monitor_event,
    .is = IS_STREAMING,
    .json = "{event: string, domain: string, seconds: number, microseconds: number, details: any?}",
};
