/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run: one command after the other, with what belongs to every one of them: connection, conflicts between
 * options, time limit, time taken, the library's message, the empty line at the end. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/time.h"
#include "virsh/program.h"

/* The next two words of a list "a b, c d", and what stands between them; false at its end. */
static bool next_pair(const char **list, char first[64], char between[2], char second[64])
{
    if (!*list || sscanf(*list, " %63[^ ,>]%1[ >]%63[^ ,]", first, between, second) != 3)
        return false;
    const char *comma = strchr(*list, ',');
    *list = comma ? comma + 1 : NULL;
    return true;
}

static int check_pairs(struct cmd *cmd)
{
    const char *const lists[] = {cmd->def->conflicts, cmd->def->requires};
    char a[64], how[2], b[64];
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        for (const char *list = lists[i]; next_pair(&list, a, how, b);) {
            bool needs = i == 1 || *how == '>';
            if (!cmd_has(cmd, a) || cmd_has(cmd, b) == needs)
                continue;
            return needs ? say_error(cmd, "Option --%s is required by option --%s", b, a)
                         : say_error(cmd, "Options --%s and --%s are mutually exclusive", a, b);
        }
    return 0;
}

/* Connecting is part of it: that may take long too. */
static int run_body(struct cmd *cmd)
{
    struct shell *shell = cmd->shell;
    if (!(cmd->def->is & NEEDS_NO_CONNECTION) && (!shell->conn || shell->disconnected) &&
        shell_connect(shell, shell->uri, shell->readonly) < 0)
        return -1;
    if (check_pairs(cmd) < 0)
        return -1;
    return cmd->def->run ? cmd->def->run(cmd) : program.action(cmd);
}

/* A command with a time limit runs in a thread, so that it can be left behind. */
struct limited {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct cmd *cmd;
    int result;
    bool done;
};

static void *limited_thread(void *data)
{
    struct limited *limited = data;
    int result = run_body(limited->cmd);
    pthread_mutex_lock(&limited->lock);
    limited->result = result;
    if (result < 0 && !limited->cmd->abandoned)
        keep_error(limited->cmd);
    limited->done = true;
    pthread_cond_signal(&limited->ended);
    pthread_mutex_unlock(&limited->lock);
    return NULL;
}

/* When the limit passes, thread, command and connection are given up: nobody knows when they will be free. */
static int run_limited(struct cmd **cmd, unsigned seconds)
{
    struct limited *limited = NEW(struct limited);
    *limited = (struct limited){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .cmd = *cmd};
    struct shell *shell = (*cmd)->shell;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_t thread;
    if (pthread_create(&thread, NULL, limited_thread, limited))
        return say_error(*cmd, "Failed to start a thread");
    pthread_detach(thread);
    pthread_mutex_lock(&limited->lock);
    while (!limited->done)
        if (pthread_cond_timedwait(&limited->ended, &limited->lock, &until) == ETIMEDOUT && !limited->done)
            break;
    if (!limited->done) {
        (*cmd)->abandoned = true;
        shell->conn = NULL;
        shell_error(shell, "command '%s' took longer than %u seconds", (*cmd)->def->name, seconds);
        *cmd = NULL;
        pthread_mutex_unlock(&limited->lock);
        return -1;
    }
    int result = limited->result;
    pthread_mutex_unlock(&limited->lock);
    free(limited);
    return result;
}

static int run_one(struct cmd **cmd)
{
    unsigned seconds = 0;
    if (option_find((*cmd)->def, "timeout") == &common_options[1] && cmd_uint(*cmd, "timeout", &seconds) < 0)
        return -1;
    return seconds ? run_limited(cmd, seconds) : run_body(*cmd);
}

/* A command that has nothing to tell although it might prints an empty document. */
static void end_json(struct cmd *cmd, bool success)
{
    const char *form = cmd->def->json ? cmd->def->json : "{";
    bool streaming = cmd->def->is & IS_STREAMING;
    if (success && !streaming && !cmd->json.text.length && *form)
        json_open(&cmd->json, NULL, *form);
    json_end(&cmd->json, success ? stdout : NULL);
}

int run_all(struct shell *shell, struct cmd *cmds)
{
    int result = 0;
    while (cmds) {
        struct cmd *cmd = cmds;
        cmds = cmd->next;
        cmd->next = NULL;
        uint64_t start = time_monotonic();
        cmd->as_json |= cmd_has(cmd, "json");
        bool json = cmd->as_json;
        forget_error();
        result = run_one(&cmd);
        if (result < 0)
            report_error(shell);
        if (json && cmd)
            end_json(cmd, result >= 0);
        cmd_free(cmd);
        if (shell->leaving)
            break;
        if (shell->timing)
            printf("\n(Time: %.3f ms)\n\n", (double)(time_monotonic() - start) / 1000);
        else if (!json && !shell->quiet)
            printf("\n");
        fflush(stdout);
    }
    cmd_free(cmds);
    return result;
}

int run_line(struct shell *shell, const char *line)
{
    struct words words = {.line = line};
    struct cmd *cmds;
    if (!*line)
        return -1;
    if (parse(shell, &words, &cmds) < 0)
        return -1;
    return run_all(shell, cmds);
}
