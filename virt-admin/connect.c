/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connect: the connection to a daemon's admin socket, and commands about it. */
#include "virt-admin/admin.h"

virAdmConnectPtr admin_conn(struct cmd *cmd)
{
    return cmd->shell->conn;
}

static void on_close(virAdmConnectPtr conn, int reason, void *data)
{
    static const char *const why[] = {
        [VIR_CONNECT_CLOSE_REASON_ERROR] = "I/O error",
        [VIR_CONNECT_CLOSE_REASON_EOF] = "end of file",
        [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "keepalive timeout",
    };
    struct shell *shell = data;

    shell->disconnected = 1;
    if (reason == VIR_CONNECT_CLOSE_REASON_CLIENT || reason >= (int)ARRAY_SIZE(why))
        return;
    auto_free char *uri = virAdmConnectGetURI(conn);

    shell_error(shell, "Disconnected from %s due to %s", uri ? uri : "", why[reason]);
}

void shell_disconnect(struct shell *shell)
{
    if (!shell->conn)
        return;
    virAdmConnectUnregisterCloseCallback(shell->conn, on_close);
    if (virAdmConnectClose(shell->conn) > 0)
        shell_error(shell, "One or more references were leaked after disconnect from the hypervisor");
    shell->conn = NULL;
}

int shell_connect(struct shell *shell, const char *uri, bool readonly)
{
    bool again = shell->conn && shell->disconnected;

    shell_disconnect(shell);
    if (shell->interactive)
        shell_start_loop(shell);
    shell->conn = virAdmConnectOpen(uri, 0);
    if (!shell->conn) {
        shell_error(shell, again ? "Failed to reconnect to the admin server"
                                 : "Failed to connect to the admin server");
        if (!uri)
            shell_error(shell, "no valid connection");
        return -1;
    }
    if (virAdmConnectRegisterCloseCallback(shell->conn, on_close, shell, NULL) < 0)
        shell_error(shell, "Unable to register disconnect callback");
    shell->disconnected = 0;
    if (again)
        shell_error(shell, "Reconnected to the admin server");
    return 0;
}

bool shell_connect_quietly(struct shell *shell)
{
    if (!shell->conn)
        shell->conn = virAdmConnectOpen(shell->uri, 0); /* always a local socket */
    return shell->conn && !shell->disconnected;
}

/* ---- commands -------------------------------------------------------------------------------------------
 */

static int run_connect(struct cmd *cmd)
{
    struct shell *shell = cmd->shell;
    const char *uri = NULL;
    bool again = shell->conn;

    if (cmd_string(cmd, "name", &uri) < 0)
        return -1;
    if (uri) {
        free(shell->uri);
        shell->uri = mem_strdup(uri);
    }
    shell_disconnect(shell);
    if (shell_connect(shell, shell->uri, false) < 0)
        return -1;
    say(cmd, again ? "Reconnected to the admin server\n" : "Connected to the admin server\n");
    return 0;
}

const struct command cmd_connect = {
    "connect",
    "connect to daemon's admin server",
    "Connect to a daemon's administrating server.",
    OPTIONS({"name", OPTION_STRING, IS_EMPTY_OK, "daemon's admin server connection URI"}),
    .run = run_connect,
    .is = NEEDS_NO_CONNECTION,
};

static int uri(struct cmd *cmd)
{
    char *text = virAdmConnectGetURI(admin_conn(cmd));

    if (!text)
        return say_error(cmd, "failed to get URI");
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "uri", NULL, cmd_own_text(cmd, text));
    return 0;
}

const struct command cmd_uri = {
    "uri", "print the admin server URI", NULL, .run = uri, .json = "{uri: string}",
};

static void version_line(struct cmd *cmd, const char *key, const char *label, unsigned long long number)
{
    layout(cmd, LAYOUT_BARE);
    field(cmd, key, label,
          cmd_printf(cmd, "%llu.%llu.%llu", number / 1000000, number / 1000 % 1000, number % 1000));
}

static int version(struct cmd *cmd)
{
    unsigned long long library, daemon;

    version_line(cmd, "compiled", "Compiled against library: libvirt", LIBVIR_VERSION_NUMBER);
    if (virAdmGetVersion(&library) < 0)
        return say_error(cmd, "failed to get the library version");
    version_line(cmd, "library", "Using library: libvirt", library);
    if (virAdmConnectGetLibVersion(admin_conn(cmd), &daemon) < 0)
        return say_error(cmd, "failed to get the daemon version");
    version_line(cmd, "daemon", "Running against daemon:", daemon);
    return 0;
}

const struct command cmd_version = {
    "version",
    "show version",
    "Display the system and also the daemon version information.",
    .run = version,
    .json = "{compiled: string, library: string, daemon: string}",
};
