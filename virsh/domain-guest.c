/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what goes into the guest (keys, signals, commands of its agent, of QEMU's monitor) and what comes
 * back. */
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/domain.h"

/* ---- file systems ----------------------------------------------------------------------------------- */

static unsigned count_of(const char *const *words)
{
    unsigned count = 0;
    while (words[count])
        count++;
    return count;
}

static int run_domfsfreeze(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *const *points = cmd_strings(cmd, "mountpoint");
    int count = virDomainFSFreeze(domain, (const char **)points, count_of(points), 0);
    if (count < 0)
        return say_error(cmd, "Unable to freeze filesystems");
    say(cmd, "Froze %d filesystem(s)\n", count);
    return 0;
}

const struct command cmd_domfsfreeze = {
    "domfsfreeze",
    "Freeze domain's mounted filesystems.",
    "Freeze domain's mounted filesystems.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), STRINGS("mountpoint", "mountpoint path to be frozen")),
    .run = run_domfsfreeze,
};

static int run_domfsthaw(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *const *points = cmd_strings(cmd, "mountpoint");
    int count = virDomainFSThaw(domain, (const char **)points, count_of(points), 0);
    if (count < 0)
        return say_error(cmd, "Unable to thaw filesystems");
    say(cmd, "Thawed %d filesystem(s)\n", count);
    return 0;
}

const struct command cmd_domfsthaw = {
    "domfsthaw",
    "Thaw domain's mounted filesystems.",
    "Thaw domain's mounted filesystems.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), STRINGS("mountpoint", "mountpoint path to be thawed")),
    .run = run_domfsthaw,
};

static int run_domfsinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    virDomainFSInfoPtr *all = NULL;
    if (!domain)
        return -1;
    int count = virDomainGetFSInfo(domain, &all, 0);
    if (count < 0)
        return say_error(cmd, "Unable to get filesystem information");
    if (!count && !is_quiet(cmd))
        print(cmd, "No filesystems are mounted in the domain");
    struct table *table = table_new(cmd, "mountpoint:Mountpoint", "name:Name", "type:Type", "target:Target");
    for (int i = 0; i < count; i++) {
        auto_buf struct buf targets = {0};
        for (size_t n = 0; n < all[i]->ndevAlias; n++)
            buf_printf(&targets, "%s%s", n ? "," : "", all[i]->devAlias[n]);
        table_row(table, all[i]->mountpoint, all[i]->name, all[i]->fstype, buf_text(&targets));
        virDomainFSInfoFree(all[i]);
    }
    free(all);
    if (count || is_json(cmd))
        table_print(table, NULL);
    return 0;
}

const struct command cmd_domfsinfo = {
    "domfsinfo",
    "Get information of domain's mounted filesystems.",
    "Get information of domain's mounted filesystems.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_domfsinfo,
    .json = "[{mountpoint: string, name: string, type: string, target: string}]",
};

static int run_domfstrim(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long long minimum = 0;
    const char *point = NULL;
    if (!domain || cmd_u64(cmd, "minimum", &minimum) < 0 || cmd_string(cmd, "mountpoint", &point) < 0)
        return -1;
    if (virDomainFSTrim(domain, point, minimum, 0) < 0)
        return say_error(cmd, "Unable to invoke fstrim");
    return 0;
}

const struct command cmd_domfstrim = {
    "domfstrim",
    "Invoke fstrim on domain's mounted filesystems.",
    "Invoke fstrim on domain's mounted filesystems.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER("minimum", "Just a hint to ignore contiguous free ranges smaller than this (Bytes)"),
            STRING("mountpoint", "which mount point to trim")),
    .run = run_domfstrim,
    .json = "",
};

/* ---- the guest's own word --------------------------------------------------------------------------- */

static int run_domhostname(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *source = NULL;
    unsigned flags = 0;
    if (!domain || cmd_string(cmd, "source", &source) < 0)
        return -1;
    if (str_eq(source, "lease"))
        flags = VIR_DOMAIN_GET_HOSTNAME_LEASE;
    else if (str_eq(source, "agent"))
        flags = VIR_DOMAIN_GET_HOSTNAME_AGENT;
    else if (source)
        return say_error(cmd, "Unknown data source '%s'", source);
    char *name = cmd_own_text(cmd, virDomainGetHostname(domain, flags));
    if (!name)
        return say_error(cmd, "failed to get hostname");
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "hostname", NULL, name);
    return 0;
}

const struct command cmd_domhostname = {
    "domhostname",
    "print the domain's hostname",
    NULL,
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING("source", "address source: 'lease' or 'agent'", 0, NULL, "lease,agent")),
    .run = run_domhostname,
    .json = "{hostname: string}",
};

static int run_guestinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    struct params *params = params_new(cmd, 0);
    if (!domain || virDomainGetGuestInfo(domain, cmd_flags(cmd), &params->all, &params->count, 0) < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    for (int i = 0; i < params->count; i++) {
        field_param(cmd, NULL, &params->all[i]);
        print(cmd, "%-20s: %s\n", params->all[i].field, param_text(cmd, &params->all[i]));
    }
    return 0;
}

const struct command cmd_guestinfo = {
    "guestinfo",
    "query information about the guest (via agent)",
    "Use the guest agent to query various information from guest's point of view",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("user", VIR_DOMAIN_GUEST_INFO_USERS, "report active users"),
            FLAG("os", VIR_DOMAIN_GUEST_INFO_OS, "report operating system information"),
            FLAG("timezone", VIR_DOMAIN_GUEST_INFO_TIMEZONE, "report timezone information"),
            FLAG("hostname", VIR_DOMAIN_GUEST_INFO_HOSTNAME, "report hostname"),
            FLAG("filesystem", VIR_DOMAIN_GUEST_INFO_FILESYSTEM, "report filesystem information"),
            FLAG("disk", VIR_DOMAIN_GUEST_INFO_DISKS, "report disk information"),
            FLAG("interface", VIR_DOMAIN_GUEST_INFO_INTERFACES, "report interface information"),
            FLAG_NEW("load", VIR_DOMAIN_GUEST_INFO_LOAD, ""),
            FLAG_NEW("devices", VIR_DOMAIN_GUEST_INFO_DEVICES, "")),
    .run = run_guestinfo,
    .json = "{*: any}",
};

static int run_set_user_password(struct cmd *cmd)
{
    const char *user = NULL, *password = NULL;
    if (cmd_string(cmd, "user", &user) < 0 || cmd_string(cmd, "password", &password) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || virDomainSetUserPassword(domain, user, password, cmd_flags(cmd)) < 0)
        return -1;
    say(cmd, "Password set successfully for %s in %s", user, virDomainGetName(domain));
    return 0;
}

const struct command cmd_set_user_password = {
    "set-user-password",
    "set the user password inside the domain",
    "changes the password of the specified user inside the domain",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("user", "the username"),
            ARG("password", "the new password"),
            FLAG("encrypted", VIR_DOMAIN_PASSWORD_ENCRYPTED, "the password is already encrypted")),
    .run = run_set_user_password,
};

static int run_get_user_sshkeys(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *user = NULL;
    char **keys = NULL;
    if (!domain || cmd_string(cmd, "user", &user) < 0)
        return -1;
    int count = virDomainAuthorizedSSHKeysGet(domain, user, &keys, 0);
    if (count < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        field(cmd, NULL, NULL, keys[i]);
        print(cmd, "%s", keys[i]);
        free(keys[i]);
    }
    free(keys);
    return 0;
}

const struct command cmd_get_user_sshkeys = {
    "get-user-sshkeys",
    "list authorized SSH keys for given user (via agent)",
    "Use the guest agent to query authorized SSH keys for given user",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("user", "user to list authorized keys for")),
    .run = run_get_user_sshkeys,
    .json = "[string]",
};

static void free_keys(void *keys)
{
    strv_free(keys);
}

static int run_set_user_sshkeys(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *user = NULL;
    if (!domain || cmd_string(cmd, "user", &user) < 0)
        return -1;
    bool reset = cmd_has(cmd, "reset"), remove = cmd_has(cmd, "remove");
    if (!cmd_has(cmd, "file") && !reset)
        return say_error(cmd, "Option --file is required");
    const char *text = NULL;
    if (cmd_has(cmd, "file") && !(text = cmd_file(cmd, "file")))
        return -1;
    char **keys = text ? str_split(text, "\n") : NULL;
    cmd_own(cmd, keys, free_keys);
    if (text && !strv_length(keys))
        return say_error(cmd, "File %s contains no keys", cmd_raw(cmd, "file"));
    unsigned flags = text && !reset ? VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND : 0;
    if (remove)
        flags = VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE;
    return virDomainAuthorizedSSHKeysSet(domain, user, (const char **)keys, (unsigned)strv_length(keys),
                                         flags);
}

const struct command cmd_set_user_sshkeys = {
    "set-user-sshkeys",
    "manipulate authorized SSH keys file for given user (via agent)",
    "Append, reset or remove specified key from the authorized keys file for given user",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("user", "user to set authorized keys for"),
            STRING("file", "optional file to read keys from", 0, complete_file),
            FLAG("reset", 0, "clear out authorized keys file before adding new keys"),
            FLAG("remove", 0, "remove keys from the authorized keys file")),
    .run = run_set_user_sshkeys,
    .conflicts = "remove>file, reset remove",
    .json = "",
};

static int run_guest_agent_timeout(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int timeout = VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK;
    if (!domain || cmd_int(cmd, "timeout", &timeout) < 0)
        return -1;
    return virDomainAgentSetResponseTimeout(domain, timeout, 0);
}

const struct command cmd_guest_agent_timeout = {
    "guest-agent-timeout",
    "Set the guest agent timeout",
    "Set the number of seconds to wait for a response from the guest agent.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), NUMBER_NAMED("timeout", "timeout seconds.")),
    .run = run_guest_agent_timeout,
    .json = "",
};

/* ---- monitor and agent ------------------------------------------------------------------------------ */

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
    const char *set_name = "linux";
    unsigned hold = 0, codes[VIR_DOMAIN_SEND_KEY_MAX_KEYS], count = 0;
    if (!domain || cmd_string(cmd, "codeset", &set_name) < 0 || cmd_uint(cmd, "holdtime", &hold) < 0)
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

/* ---- the rest --------------------------------------------------------------------------------------- */

static int run_set_lifecycle_action(struct cmd *cmd)
{
    static const char *const types[] = {"poweroff", "reboot", "crash", NULL};
    static const char *const actions[] = {
        "destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart", NULL};
    const char *type_name = NULL, *action_name = NULL;
    if (cmd_string(cmd, "type", &type_name) < 0 || cmd_string(cmd, "action", &action_name) < 0)
        return -1;
    int type = enum_find(types, type_name), action = enum_find(actions, action_name);
    if (type < 0)
        return say_error(cmd, "Invalid lifecycle type '%s'.", type_name);
    if (action < 0)
        return say_error(cmd, "Invalid lifecycle action '%s'.", action_name);
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (virDomainSetLifecycleAction(domain, (unsigned)type, (unsigned)action, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Unable to change lifecycle action.");
    return 0;
}

const struct command cmd_set_lifecycle_action = {
    "set-lifecycle-action",
    "change lifecycle actions",
    "Change lifecycle actions for the guest domain.",
    OPTIONS(DOMAIN(0), ARG("type", "lifecycle type to modify", 0, NULL, "poweroff,reboot,crash"),
            ARG("action", "lifecycle action to set", 0, NULL,
                "destroy,restart,rename-restart,preserve,coredump-destroy,coredump-restart"),
            AFFECT),
    .run = run_set_lifecycle_action,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

static int run_dom_fd_associate(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *name = NULL;
    unsigned count;
    int *fds;
    if (!domain || cmd_string(cmd, "name", &name) < 0 || cmd_fds(cmd, &fds, &count) < 0)
        return -1;
    return virDomainFDAssociate(domain, name, count, fds, cmd_flags(cmd));
}

const struct command cmd_dom_fd_associate = {
    "dom-fd-associate",
    "associate a FD with a domain",
    "associate a FD with a domain",
    OPTIONS(
        DOMAIN(0), ARG("name", "name of the FD group"),
        ARG("pass-fds", "file descriptors N,M,... to associate"),
        FLAG("seclabel-writable", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE, "use seclabels allowing writes"),
        FLAG("seclabel-restore", VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE,
             "try to restore security label after use if possible")),
    .run = run_dom_fd_associate,
    .json = "",
};

static int run_domdirtyrate_calc(struct cmd *cmd)
{
    static const char *const modes[] = {"page-sampling", "dirty-bitmap", "dirty-ring", NULL};
    static const unsigned bits[] = {VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
                                    VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
                                    VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING};
    virDomainPtr domain = cmd_domain(cmd);
    int seconds = 1;
    const char *mode_name = NULL;
    if (!domain || cmd_int(cmd, "seconds", &seconds) < 0 || cmd_string(cmd, "mode", &mode_name) < 0)
        return -1;
    int mode = mode_name ? enum_find(modes, mode_name) : 0;
    if (mode < 0)
        return say_error(cmd, "Unknown calculation mode '%s'", mode_name);
    if (virDomainStartDirtyRateCalc(domain, seconds, mode_name ? bits[mode] : 0) < 0)
        return -1;
    say(cmd, "Start to calculate domain's memory dirty rate successfully.\n");
    return 0;
}

const struct command cmd_domdirtyrate_calc = {
    "domdirtyrate-calc",
    "Calculate a vm's memory dirty rate",
    "Calculate memory dirty rate of a domain in order to decide whether it's proper to be migrated out or "
    "not.\nThe calculated dirty rate information is available by calling 'domstats --dirtyrate'.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER("seconds", "calculate memory dirty rate within specified seconds, the supported value "
                              "range from 1 to 60, default to 1."),
            STRING("mode",
                   "dirty page rate calculation mode, either of these 3 options 'page-sampling, "
                   "dirty-bitmap, dirty-ring' can be specified.",
                   0, NULL, "page-sampling,dirty-bitmap,dirty-ring")),
    .run = run_domdirtyrate_calc,
};

static int run_domlaunchsecinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    struct params *params = params_new(cmd, 0);
    if (!domain)
        return -1;
    if (virDomainGetLaunchSecurityInfo(domain, &params->all, &params->count, 0) < 0)
        return say_error(cmd, "Unable to get launch security parameters");
    layout(cmd, LAYOUT_COLON);
    for (int i = 0; i < params->count; i++)
        field_param(cmd, NULL, &params->all[i]);
    return 0;
}

const struct command cmd_domlaunchsecinfo = {
    "domlaunchsecinfo",
    "Get domain launch security info",
    "Get the launch security parameters for a guest domain",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_domlaunchsecinfo,
    .json = "{*: any}",
};

static int run_domsetlaunchsecstate(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *header = NULL, *secret = NULL;
    unsigned long long address = 0;
    if (!domain || cmd_string(cmd, "secrethdr", &header) < 0 || cmd_string(cmd, "secret", &secret) < 0)
        return -1;
    if (!cmd_has(cmd, "secrethdr") || !cmd_has(cmd, "secret"))
        return say_error(cmd, "Both secret and the secret header are required");
    if (!(header = cmd_file(cmd, "secrethdr")) || !(secret = cmd_file(cmd, "secret")))
        return -1;
    struct params *params = params_new(cmd, 0);
    params_add_string(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER, header);
    params_add_string(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET, secret);
    int given = cmd_u64(cmd, "set-address", &address);
    if (given < 0)
        return -1;
    if (given)
        params_add_u64(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS, address);
    if (virDomainSetLaunchSecurityState(domain, params->all, params->count, 0) < 0)
        return say_error(cmd, "Unable to set launch security state");
    return 0;
}

const struct command cmd_domsetlaunchsecstate = {
    "domsetlaunchsecstate",
    "Set domain launch security state",
    "Set a secret in the guest domain's memory",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING_NAMED("secrethdr", "path to file containing the secret header", 0, complete_file),
            STRING_NAMED("secret", "path to file containing the secret", 0, complete_file),
            NUMBER("set-address", "physical address within the guest domain's memory to set the secret")),
    .run = run_domsetlaunchsecstate,
    .json = "",
};

/* A command in the namespaces of a container: a child of a child, since what enters a PID namespace is its
 * children. */
static int enter(virDomainPtr domain, int *fds, unsigned count, bool label, const char *const *argv)
{
    virSecurityModel model;
    virSecurityLabel guest = {0};
    virConnectPtr conn = virDomainGetConnect(domain);
    if (label && (virNodeGetSecurityModel(conn, &model) < 0 || virDomainGetSecurityLabel(domain, &guest) < 0))
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    int status;
    if (child == 0) {
        if ((label && virDomainLxcEnterSecurityLabel(&model, &guest, NULL, 0) < 0) ||
            virDomainLxcEnterNamespace(domain, count, fds, NULL, NULL, 0) < 0)
            _exit(255);
        pid_t inner = fork();
        if (inner == 0) {
            execv(argv[0], (char *const *)argv);
            _exit(255);
        }
        _exit(inner > 0 && waitpid(inner, &status, 0) == inner && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                                    : 255);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int run_lxc_enter_namespace(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int *fds = NULL;
    if (!domain)
        return -1;
    int count = virDomainLxcOpenNamespace(domain, &fds, 0);
    if (count < 0)
        return -1;
    fflush(stdout);
    int result = enter(domain, fds, (unsigned)count, !cmd_has(cmd, "noseclabel"), cmd_strings(cmd, "cmd"));
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    return result;
}

const struct command cmd_lxc_enter_namespace = {
    "lxc-enter-namespace",
    "LXC Guest Enter Namespace",
    "Run an arbitrary command in a lxc guest namespace; use at your own risk",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("noseclabel", 0, "Do not change process security label"), ARGS("cmd", "command to run")),
    .run = run_lxc_enter_namespace,
    .json = "",
};

static int run_domifannounce(struct cmd *cmd)
{
    static const char *const times[][2] = {
        {"initial", VIR_DOMAIN_ANNOUNCE_INTERFACE_INITIAL},
        {"max", VIR_DOMAIN_ANNOUNCE_INTERFACE_MAX},
        {"rounds", VIR_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS},
        {"step", VIR_DOMAIN_ANNOUNCE_INTERFACE_STEP},
    };
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    if (!domain || cmd_string(cmd, "interface", &device) < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        unsigned value = 0;
        int given = cmd_uint(cmd, times[i][0], &value);
        if (given < 0)
            return -1;
        if (given)
            params_add_uint(params, times[i][1], value);
    }
    if (NEWER(virDomainAnnounceInterface)(domain, device, params->all, params->count, 0) < 0)
        return say_error(cmd, "Failed to announce interfaces of domain '%s'", virDomainGetName(domain));
    say(cmd, "Interfaces of domain '%s' are announced\n", virDomainGetName(domain));
    return 0;
}

const struct command cmd_domifannounce = {
    "domifannounce",
    "let a domain announce its interfaces",
    "Send packets that teach switches where the domain is.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            POSITIONAL_STRING("interface", "alias of the interface (default: all)"),
            NUMBER_NAMED("initial", "milliseconds before the first packet"),
            NUMBER_NAMED("max", "longest pause in milliseconds"), NUMBER_NAMED("rounds", "number of packets"),
            NUMBER_NAMED("step", "milliseconds that a pause grows by")),
    .run = run_domifannounce,
    .is = IS_NEW,
};
