/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what the agent in the guest does and tells: file systems, names, passwords and keys. */
#include <fcntl.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <stdio.h>

#include "virsh/domain.h"

/* ---- file systems ----------------------------------------------------------------------------------- */

/* The file systems at the mount points that are given, or all. */
static int at_mountpoints(struct cmd *cmd,
                          int (*call)(virDomainPtr, const char **, unsigned int, unsigned int),
                          const char *verb, const char *done)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *const *points = cmd_strings(cmd, "mountpoint");
    int count = call(domain, (const char **)points, (unsigned)strv_length((char *const *)points), 0);
    if (count < 0)
        return say_error(cmd, "Unable to %s filesystems", verb);
    say(cmd, "%s %d filesystem(s)\n", done, count);
    return 0;
}

static int run_domfsfreeze(struct cmd *cmd)
{
    return at_mountpoints(cmd, virDomainFSFreeze, "freeze", "Froze");
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
    return at_mountpoints(cmd, virDomainFSThaw, "thaw", "Thawed");
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
