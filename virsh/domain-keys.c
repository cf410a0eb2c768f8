/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what somebody in front of the machine would do: keys, signals to processes, a look at the screen.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "virsh/domain.h"

/* ---- keys and signals ------------------------------------------------------------------------------- */

static const char *const codesets[] = {"linux",  "xt",  "atset1", "atset2", "atset3", "os_x",
                                       "xt_kbd", "usb", "win32",  "qnum",   NULL};

/* Number of a key that has a name in this set; -1: it has none. */
static int key_number(int set, const char *name)
{
    static const struct {
        const char *name;
        unsigned short code;
    } keys[] = {
#define KEY(key, code) {key, code},
#include "virsh/keycodes.def"
#undef KEY
    };
    const char *bare = set == VIR_KEYCODE_SET_LINUX ? str_after(name, "KEY_") : NULL;
    for (size_t i = 0; bare && i < ARRAY_SIZE(keys); i++)
        if (str_eq(keys[i].name, bare))
            return keys[i].code;
    return -1;
}

static int run_send_key(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *given = cmd_raw(cmd, "codeset"), *set_name = str_empty(given) ? "linux" : given;
    unsigned hold = 0, codes[VIR_DOMAIN_SEND_KEY_MAX_KEYS], count = 0;
    if (!domain || cmd_uint(cmd, "holdtime", &hold) < 0)
        return -1;
    int set = enum_find(codesets, set_name);
    if (set < 0)
        return say_error(cmd, "unknown codeset: '%s'", set_name);
    for (const char *const *key = cmd_strings(cmd, "keycode"); *key; key++) {
        if (count == ARRAY_SIZE(codes))
            return say_error(cmd, "too many keycodes");
        uint64_t code;
        int named = key_number(set, *key);
        if (named < 0 && (str_to_u64_base(*key, 0, &code) < 0 || code > UINT_MAX))
            return say_error(cmd, "invalid keycode: '%s'", *key);
        codes[count++] = named < 0 ? (unsigned)code : (unsigned)named;
    }
    return virDomainSendKey(domain, (unsigned)set, hold, codes, (int)count, 0);
}

const struct command cmd_send_key = {
    "send-key",
    "Send keycodes to the guest",
    "Send keycodes (integers or symbolic names) to the guest",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING_NAMED("codeset", "the codeset of keycodes, default:linux", 0, NULL,
                         "linux,xt,atset1,atset2,atset3,os_x,xt_kbd,usb,win32,qnum"),
            NUMBER_NAMED("holdtime", "the time (in milliseconds) how long the keys will be held"),
            ARGS("keycode", "the key code")),
    .run = run_send_key,
    .json = "",
};

/* By number; "sigkill", "kill" in any case, or a number. */
static const char *const signals[] = {
    "nop",  "hup",  "int",  "quit", "ill",    "trap",   "abrt",  "bus",  "fpe",  "kill", "usr1",
    "segv", "usr2", "pipe", "alrm", "term",   "stkflt", "chld",  "cont", "stop", "tstp", "ttin",
    "ttou", "urg",  "xcpu", "xfsz", "vtalrm", "prof",   "winch", "poll", "pwr",  "sys",  "rt0",
    "rt1",  "rt2",  "rt3",  "rt4",  "rt5",    "rt6",    "rt7",   "rt8",  "rt9",  "rt10", "rt11",
    "rt12", "rt13", "rt14", "rt15", "rt16",   "rt17",   "rt18",  "rt19", "rt20", "rt21", "rt22",
    "rt23", "rt24", "rt25", "rt26", "rt27",   "rt28",   "rt29",  "rt30", "rt31", "rt32", NULL,
};

static int signal_number(const char *text)
{
    int number;
    if (str_to_i32(text, &number) == 0 && number >= 0)
        return number;
    auto_free char *lower = mem_strdup(text);
    for (char *c = lower; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c == '_' ? '-' : *c;
    const char *bare = str_after(lower, "sig-") ? str_after(lower, "sig-") : str_after(lower, "sig");
    return enum_find(signals, bare ? bare : lower);
}

static int run_send_process_signal(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    long long pid = 0;
    const char *name = NULL;
    if (!domain || cmd_i64(cmd, "pid", &pid) < 0 || cmd_string(cmd, "signame", &name) < 0)
        return -1;
    int number = signal_number(name);
    if (number < 0)
        return say_error(cmd, "malformed signal name: %s", name);
    return virDomainSendProcessSignal(domain, pid, (unsigned)number, 0);
}

const struct command cmd_send_process_signal = {
    "send-process-signal",
    "Send signals to processes",
    "Send signals to processes in the guest",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("pid", "the process ID"),
            ARG("signame", "the signal number or name")),
    .run = run_send_process_signal,
    .json = "",
};

/* ---- screenshot ------------------------------------------------------------------------------------- */

static const char *screenshot_name(struct cmd *cmd, virDomainPtr domain, const char *mime)
{
    static const char *const suffixes[][2] = {{"image/x-portable-pixmap", ".ppm"}, {"image/png", ".png"}};
    const char *suffix = "";
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (str_eq(mime, suffixes[i][0]))
            suffix = suffixes[i][1];
    char stamp[64];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%d-%H:%M:%S", &tm);
    return cmd_printf(cmd, "%s-%s%s", virDomainGetName(domain), stamp, suffix);
}

static int to_file(virStreamPtr stream, const char *data, size_t length, void *fd)
{
    return fd_write_all(*(int *)fd, data, length) < 0 ? -1 : (int)length;
}

static int save_stream(struct cmd *cmd, virStreamPtr stream, const char *name, const char *path)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool created = fd >= 0;
    if (fd < 0 && (errno != EEXIST || (fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)) < 0))
        return say_error(cmd, "cannot create file %s", path);
    int result = 0;
    if (virStreamRecvAll(stream, to_file, &fd) < 0)
        result = say_error(cmd, "could not receive data from domain '%s'", name);
    else if (virStreamFinish(stream) < 0)
        result = say_error(cmd, "cannot close stream on domain '%s'", name);
    if (result < 0 && created)
        unlink(path);
    return result;
}

static int run_screenshot(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *path = NULL;
    unsigned screen = 0;
    if (!domain || cmd_string(cmd, "file", &path) < 0 || cmd_uint(cmd, "screen", &screen) < 0)
        return -1;
    const char *name = virDomainGetName(domain);
    virStreamPtr stream = own_stream(cmd, virStreamNew(cmd_conn(cmd), 0));
    char *mime = stream ? cmd_own_text(cmd, virDomainScreenshot(domain, stream, screen, 0)) : NULL;
    if (!mime)
        return say_error(cmd, "could not take a screenshot of %s", name);
    path = path ? path : screenshot_name(cmd, domain, mime);
    if (save_stream(cmd, stream, name, path) < 0)
        return -1;
    say(cmd, "Screenshot saved to %s, with type of %s", path, mime);
    return 0;
}

const struct command cmd_screenshot = {
    "screenshot",
    "take a screenshot of a current domain console and store it into a file",
    "screenshot of a current domain console",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING("file", "where to store the screenshot", 0, complete_file),
            NUMBER("screen", "ID of a screen to take screenshot of")),
    .run = run_screenshot,
};
