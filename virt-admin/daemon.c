/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Daemon: settings of the daemon as a whole: its log, when it leaves. */
#include "virt-admin/admin.h"

typedef int (*get_text)(virAdmConnectPtr conn, char **ret, unsigned int flags);
typedef int (*set_text)(virAdmConnectPtr conn, const char *text, unsigned int flags);

/* Tell a setting of the log ("filters"), or change it when the option of that name is given. */
static int log_setting(struct cmd *cmd, const char *noun, get_text get, set_text set)
{
    const char *text = cmd_raw(cmd, noun);
    char *now = NULL;

    if (text)
        return set(admin_conn(cmd), text, 0) < 0 ? say_error(cmd, "Unable to change daemon logging settings")
                                                 : 0;
    if (get(admin_conn(cmd), &now, 0) < 0)
        return say_error(cmd, "Unable to get daemon logging %s information", noun);
    cmd_own_text(cmd, now);
    layout(cmd, LAYOUT_NONE);
    field(cmd, noun, NULL, now ? now : "");
    print(cmd, " Logging %s: %s\n", noun, now ? now : "");
    return 0;
}

static int daemon_log_filters(struct cmd *cmd)
{
    return log_setting(cmd, "filters", virAdmConnectGetLoggingFilters, virAdmConnectSetLoggingFilters);
}

const struct command cmd_daemon_log_filters = {
    "daemon-log-filters",
    "fetch or set the currently defined set of logging filters on daemon",
    "Depending on whether run with or without options, the command fetches or redefines the existing active "
    "set "
    "of filters on daemon.",
    OPTIONS({"filters", OPTION_STRING, IS_EMPTY_OK, "redefine the existing set of logging filters"}),
    .run = daemon_log_filters,
    .json = "{filters: string?}",
};

static int daemon_log_outputs(struct cmd *cmd)
{
    return log_setting(cmd, "outputs", virAdmConnectGetLoggingOutputs, virAdmConnectSetLoggingOutputs);
}

const struct command cmd_daemon_log_outputs = {
    "daemon-log-outputs",
    "fetch or set the currently defined set of logging outputs on daemon",
    "Depending on whether run with or without options, the command fetches or redefines the existing active "
    "set "
    "of outputs on daemon.",
    OPTIONS({"outputs", OPTION_STRING, IS_EMPTY_OK, "redefine the existing set of logging outputs"}),
    .run = daemon_log_outputs,
    .json = "{outputs: string?}",
};

static int daemon_timeout(struct cmd *cmd)
{
    unsigned seconds = 0;

    if (cmd_uint(cmd, "timeout", &seconds) < 0)
        return -1;
    return virAdmConnectSetDaemonTimeout(admin_conn(cmd), seconds, 0) < 0 ? -1 : 0;
}

const struct command cmd_daemon_timeout = {
    "daemon-timeout",
    "set the auto shutdown timeout of the daemon",
    "set the auto shutdown timeout of the daemon",
    OPTIONS({"timeout", OPTION_NUMBER, IS_REQUIRED | IS_POSITIONAL | IS_NAMED,
             "number of seconds the daemon will run without any active connection"}),
    .run = daemon_timeout,
};

static int daemon_shutdown(struct cmd *cmd)
{
    if (NEWER(virAdmConnectDaemonShutdown)(admin_conn(cmd), cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to shut the daemon down");
    say(cmd, "Daemon is shutting down\n");
    return 0;
}

const struct command cmd_daemon_shutdown = {
    "daemon-shutdown",
    "stop the daemon",
    "Stop the daemon; with --preserve, machines go on without it.",
    OPTIONS(FLAG("preserve", VIR_DAEMON_SHUTDOWN_PRESERVE, "leave what runs as it is")),
    .run = daemon_shutdown,
    .is = IS_NEW,
};
