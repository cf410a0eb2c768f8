/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edit: a document in the user's editor, by way of a temporary file, until the library takes it or the user
 * gives up. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "virsh/frame.h"

enum { DOCUMENT_MAX = 10 << 20 };

static void remove_file(void *path)
{
    unlink(path);
    free(path);
}

/* A file with the document; the command removes it. */
static const char *write_file(struct cmd *cmd, const char *document)
{
    const char *dir = getenv("TMPDIR");
    char *path = mem_printf("%s/virshXXXXXX.xml", dir ? dir : "/tmp");
    auto_fd int fd = mkostemps(path, 4, O_CLOEXEC);
    if (fd < 0) {
        say_error(cmd, "g_mkstemp_full: failed to create temporary file: %s", strerror(errno));
        free(path);
        return NULL;
    }
    cmd_own(cmd, path, remove_file);
    int result = fd_write_all(fd, document, strlen(document));
    if (result < 0) {
        say_error(cmd, "write: %s: failed to write to temporary file: %s", path, strerror(-result));
        return NULL;
    }
    return path;
}

static char *read_file(struct cmd *cmd, const char *path)
{
    struct buf text = {0};
    int result = file_read(AT_FDCWD, path, DOCUMENT_MAX, &text);
    if (result < 0) {
        say_error(cmd, "%s: failed to read temporary file: %s", path, strerror(-result));
        buf_done(&text);
        return NULL;
    }
    buf_add_string(&text, "");
    return cmd_own_text(cmd, text.data ? buf_steal(&text) : mem_strdup(""));
}

/* $VISUAL or $EDITOR may hold arguments and whatever a shell understands; the file's name is nothing special
 * to it. */
static int run_editor(struct cmd *cmd, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_.:@";
    const char *editor = getenv("VISUAL");
    editor = str_empty(editor) ? getenv("EDITOR") : editor;
    editor = str_empty(editor) ? "sensible-editor" : editor;
    if (!str_only(path, plain))
        return say_error(
            cmd,
            "%s: temporary filename contains shell meta or other unacceptable characters (is $TMPDIR wrong?)",
            path);
    fflush(stdout);
    char *line = cmd_printf(cmd, "%s %s", editor, path);
    int status = system(line);
    if (status == 0)
        return 0;
    if (WIFSIGNALED(status))
        return say_error(cmd, "internal error: Child process (%s) unexpected fatal signal %d", line,
                         WTERMSIG(status));
    return say_error(cmd, "internal error: Child process (%s) unexpected exit status %d", line,
                     WEXITSTATUS(status));
}

/* One key, without waiting for the end of the line. EOF: -1. */
static int read_key(void)
{
    struct termios before, raw;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -1;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)ICANON;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    unsigned char key;
    ssize_t got = read(STDIN_FILENO, &key, 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    return got == 1 ? key : -1;
}

/* What now? One of "ynif"; without a terminal: n. */
static int ask(struct cmd *cmd, bool validating)
{
    if (!isatty(STDIN_FILENO)) {
        say_error(cmd, "Failed.");
        return 'n';
    }
    while (true) {
        printf("Failed. Try again? %s: ", validating ? "[y,n,i,f,?]" : "[y,n,f,?]");
        fflush(stdout);
        int key = read_key();
        printf("\n");
        if (key == '?')
            printf("y - yes, start editor again\nn - no, throw away my changes\n%sf - force, try to redefine "
                   "again\n"
                   "? - print this help\n",
                   validating ? "i - turn off validation and try to redefine again\n" : "");
        else if (key < 0)
            return 'n';
        else if (key == 'y' || key == 'n' || key == 'f' || (key == 'i' && validating))
            return key;
    }
}

int edit(struct cmd *cmd, const struct edit *edit)
{
    if (!edit->document)
        return -1;
    unsigned flags = edit->flags | edit->validate;
    const char *path = write_file(cmd, edit->document), *text = NULL;
    for (int key = 'y'; path;) {
        if (key == 'y' && (run_editor(cmd, path) < 0 || !(text = read_file(cmd, path))))
            return -1;
        if (key == 'n')
            return -1;
        if (key == 'i')
            flags &= ~edit->validate;
        if (!edit->always && str_eq(text, edit->document)) {
            say(cmd, "%s%s", edit->unchanged ? edit->unchanged : edit->what,
                edit->unchanged ? "" : " not changed.\n");
            return 0;
        }
        if (edit->store(cmd, edit->data, text, flags) == 0) {
            say(cmd, "%s%s",
                edit->done     ? edit->done
                : edit->edited ? edit->edited
                               : edit->what,
                edit->done ? "" : " edited.\n");
            return 0;
        }
        report_error(cmd->shell);
        key = ask(cmd, flags & edit->validate);
    }
    return -1;
}
