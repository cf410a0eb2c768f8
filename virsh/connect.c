/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connect: the one connection of the shell, opened when the first command needs it and again after it was
 * lost. */
#include <stdio.h>

#include "virsh/frame.h"

static void on_close(virConnectPtr conn, int reason, void *data)
{
    static const char *const why[] = {
        [VIR_CONNECT_CLOSE_REASON_ERROR] = "Disconnected from %s due to I/O error",
        [VIR_CONNECT_CLOSE_REASON_EOF] = "Disconnected from %s due to end of file",
        [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "Disconnected from %s due to keepalive timeout",
    };
    struct shell *shell = data;
    shell->disconnected = 1;
    if (reason == VIR_CONNECT_CLOSE_REASON_CLIENT || reason >= (int)ARRAY_SIZE(why))
        return;
    auto_free char *uri = virConnectGetURI(conn);
    const char *sentence = why[reason], *hole = strstr(sentence, "%s");
    shell_error(shell, "%.*s%s%s", (int)(hole - sentence), sentence, uri ? uri : "", hole + 2);
}

static int set_up(struct shell *shell, virConnectPtr conn)
{
    if (virConnectRegisterCloseCallback(conn, on_close, shell, NULL) < 0)
        shell_error(shell, "Unable to register disconnect callback");
    if (shell->keepalive_interval < 0)
        return 0;
    int count = shell->keepalive_count >= 0 ? shell->keepalive_count : 5;
    if (shell->keepalive_interval &&
        virConnectSetKeepAlive(conn, shell->keepalive_interval, (unsigned)count)) {
        shell_error(shell, "Cannot setup keepalive on connection as requested, disconnecting");
        keep_error(NULL);
        return -1;
    }
    return 0;
}

void shell_disconnect(struct shell *shell)
{
    if (!shell->conn)
        return;
    virConnectUnregisterCloseCallback(shell->conn, on_close);
    if (virConnectClose(shell->conn) > 0)
        shell_error(shell, "One or more references were leaked after disconnect from the hypervisor");
    shell->conn = NULL;
}

int shell_connect(struct shell *shell, const char *uri, bool readonly)
{
    bool again = shell->conn && shell->disconnected;
    shell_disconnect(shell);
    if (shell->interactive || shell->keepalive_interval > 0)
        shell_start_loop(shell);
    virConnectPtr conn = virConnectOpenAuth(uri, virConnectAuthPtrDefault, readonly ? VIR_CONNECT_RO : 0);
    if (conn && set_up(shell, conn) < 0) {
        virConnectClose(conn);
        conn = NULL;
    }
    if (!conn) {
        shell_error(shell,
                    again ? "Failed to reconnect to the hypervisor" : "failed to connect to the hypervisor");
        return -1;
    }
    shell->conn = conn;
    shell->readonly = readonly;
    shell->disconnected = 0;
    if (again)
        shell_error(shell, "Reconnected to the hypervisor");
    return 0;
}

bool shell_connect_quietly(struct shell *shell)
{
    if (shell->conn)
        return !shell->disconnected;
    const char *uri = shell->uri ? shell->uri : getenv("LIBVIRT_DEFAULT_URI");
    const char *host = uri ? strstr(uri, "://") : NULL;
    /* an interactive shell connects when a command needs it; an alias of libvirt.conf may be any host */
    if (shell->interactive || (uri && *uri && (!host || host[3] != '/' || strchr(uri, '+'))))
        return false;
    shell->conn = virConnectOpenAuth(shell->uri, NULL, shell->readonly ? VIR_CONNECT_RO : 0);
    return shell->conn;
}

static int run_connect(struct cmd *cmd)
{
    const char *uri = NULL;
    if (cmd_string(cmd, "name", &uri) < 0)
        return -1;
    if (uri) {
        free(cmd->shell->uri);
        cmd->shell->uri = mem_strdup(uri);
    }
    cmd->shell->readonly = cmd_has(cmd, "readonly");
    return shell_connect(cmd->shell, cmd->shell->uri, cmd->shell->readonly);
}

const struct command cmd_connect = {
    "connect",
    "(re)connect to hypervisor",
    "Connect to local hypervisor. This is built-in command after shell start up.",
    OPTIONS({"name", OPTION_STRING, IS_EMPTY_OK, "hypervisor connection URI"},
            FLAG("readonly", 0, "read-only connection")),
    .run = run_connect,
    .is = NEEDS_NO_CONNECTION,
    .json = "",
};
