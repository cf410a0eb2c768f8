/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: to define, to start, to stop, to halt and to go on. */
#include <libvirt/libvirt-qemu.h>

#include "virsh/domain.h"

const struct command cmd_suspend = {
    "suspend",
    "suspend a domain",
    "Suspend a running domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING)),
    ACTION(domain, virDomainSuspend),
    .done = "Domain '%s' suspended\n",
    .failed = "Failed to suspend domain '%s'",
};

const struct command cmd_resume = {
    "resume",
    "resume a domain",
    "Resume a previously suspended domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_PAUSED)),
    ACTION(domain, virDomainResume),
    .done = "Domain '%s' resumed\n",
    .failed = "Failed to resume domain '%s'",
};

const struct command cmd_destroy = {
    "destroy",
    "destroy (stop) a domain",
    "Forcefully stop a given domain, but leave its resources intact.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("graceful", VIR_DOMAIN_DESTROY_GRACEFUL, "terminate gracefully"),
            FLAG("remove-logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS, "remove domain logs")),
    ACTION_EITHER(domain, virDomainDestroy, virDomainDestroyFlags),
    .done = "Domain '%s' destroyed\n",
    .failed = "Failed to destroy domain '%s'",
};

const struct command cmd_reset = {
    "reset",
    "reset a domain",
    "Reset the target domain as if by power button",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    ACTION_FLAGS(domain, virDomainReset),
    .done = "Domain '%s' was reset\n",
    .failed = "Failed to reset domain '%s'",
};

const struct command cmd_inject_nmi = {
    "inject-nmi",
    "Inject NMI to the guest",
    "Inject NMI to the guest domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    ACTION_FLAGS(domain, virDomainInjectNMI),
    .done = "",
    .json = "",
};

const struct command cmd_dompmwakeup = {
    "dompmwakeup",
    "wakeup a domain from pmsuspended state",
    "Wakeup a domain that was previously suspended by power management.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_OTHER)),
    ACTION_FLAGS(domain, virDomainPMWakeup),
    .done = "Domain '%s' successfully woken up\n",
    .failed = "Domain '%s' could not be woken up",
};

/* --mode: words of a list -> bits; the number of words and the bits differ between shutdown and reboot. */
struct mode {
    const char *name;
    unsigned bit;
};

static int take_modes(struct cmd *cmd, const struct mode *modes, const char *expected, unsigned *ret)
{
    const char *list = NULL;
    if (cmd_string(cmd, "mode", &list) < 0)
        return -1;
    auto_strv char **words = list ? str_split(list, ",") : NULL;
    for (char **word = words; word && *word; word++) {
        const struct mode *mode = modes;
        while (mode->name && !str_eq(mode->name, *word))
            mode++;
        if (!mode->name)
            return say_error(cmd, "Unknown mode %s value, expecting %s", *word, expected);
        *ret |= mode->bit;
    }
    return 0;
}

static int run_shutdown(struct cmd *cmd)
{
    static const struct mode modes[] = {
        {"acpi", VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN}, {"agent", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT},
        {"initctl", VIR_DOMAIN_SHUTDOWN_INITCTL},     {"signal", VIR_DOMAIN_SHUTDOWN_SIGNAL},
        {"paravirt", VIR_DOMAIN_SHUTDOWN_PARAVIRT},   {NULL, 0},
    };
    unsigned flags = 0;
    if (take_modes(cmd, modes, "'acpi', 'agent', 'initctl', 'signal', or 'paravirt'", &flags) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *name = virDomainGetName(domain);
    if ((flags ? virDomainShutdownFlags(domain, flags) : virDomainShutdown(domain)) < 0)
        return say_error(cmd, "Failed to shutdown domain '%s'", name);
    say(cmd, "Domain '%s' is being shutdown\n", name);
    return 0;
}

const struct command cmd_shutdown = {
    "shutdown",
    "gracefully shutdown a domain",
    "Run shutdown in the target domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING("mode", "shutdown mode: acpi|agent|initctl|signal|paravirt",
                   .words = "acpi,agent,initctl,signal,paravirt")),
    .run = run_shutdown,
};

static int run_reboot(struct cmd *cmd)
{
    static const struct mode modes[] = {
        {"acpi", VIR_DOMAIN_REBOOT_ACPI_POWER_BTN}, {"agent", VIR_DOMAIN_REBOOT_GUEST_AGENT},
        {"initctl", VIR_DOMAIN_REBOOT_INITCTL},     {"signal", VIR_DOMAIN_REBOOT_SIGNAL},
        {"paravirt", VIR_DOMAIN_REBOOT_PARAVIRT},   {NULL, 0},
    };
    unsigned flags = 0;
    if (take_modes(cmd, modes, "'acpi', 'agent', 'initctl', 'signal' or 'paravirt'", &flags) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (virDomainReboot(domain, flags) < 0)
        return say_error(cmd, "Failed to reboot domain '%s'", virDomainGetName(domain));
    say(cmd, "Domain '%s' is being rebooted\n", virDomainGetName(domain));
    return 0;
}

const struct command cmd_reboot = {
    "reboot",
    "reboot a domain",
    "Run a reboot command in the target domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING("mode", "shutdown mode: acpi|agent|initctl|signal|paravirt",
                   .words = "acpi,agent,initctl,signal,paravirt")),
    .run = run_reboot,
};

static int run_dompmsuspend(struct cmd *cmd)
{
    static const char *const targets[] = {"mem", "disk", "hybrid", NULL};
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long long duration = 0;
    const char *target = NULL;
    if (!domain || cmd_u64(cmd, "duration", &duration) < 0 || cmd_string(cmd, "target", &target) < 0)
        return -1;
    int which = enum_find(targets, target);
    if (which < 0)
        return say_error(cmd, "Invalid target");
    const char *name = virDomainGetName(domain);
    if (virDomainPMSuspendForDuration(domain, (unsigned)which, duration, 0) < 0)
        return say_error(cmd, "Domain '%s' could not be suspended", name);
    say(cmd, "Domain '%s' successfully suspended", name);
    return 0;
}

const struct command cmd_dompmsuspend = {
    "dompmsuspend",
    "suspend a domain gracefully using power management functions",
    "Suspends a running domain using guest OS's power management. (Note: This requires a guest agent "
    "configured and running in the guest OS).",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING),
            ARG("target", "mem(Suspend-to-RAM), disk(Suspend-to-Disk), hybrid(Hybrid-Suspend)",
                .words = "mem,disk,hybrid"),
            NUMBER_NAMED("duration", "duration in seconds")),
    .run = run_dompmsuspend,
};

static int run_domrename(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *name = NULL;
    if (!domain || cmd_string(cmd, "new-name", &name) < 0 || virDomainRename(domain, name, 0) < 0)
        return -1;
    say(cmd, "Domain successfully renamed\n");
    return 0;
}

const struct command cmd_domrename = {
    "domrename",
    "rename a domain",
    "Rename an inactive domain.",
    OPTIONS(ARG("domain", "domain name or uuid"), ARG("new-name", "new domain name")),
    .run = run_domrename,
};

int cmd_fds(struct cmd *cmd, int **ret_fds, unsigned *ret_count)
{
    const char *list = cmd_raw(cmd, "pass-fds");
    *ret_fds = NULL;
    *ret_count = 0;
    auto_strv char **words = str_empty(list) ? NULL : str_split(list, ",");
    size_t count = strv_length(words);
    if (!str_empty(list) && !count)
        return say_error(cmd, "Unable to split FD list '%s'", list);
    int *fds = cmd_own(cmd, NEW_ARRAY(int, count + 1), free);
    for (size_t i = 0; i < count; i++)
        if (str_to_i32(words[i], &fds[i]) < 0)
            return say_error(cmd, "Unable to parse FD number '%s'", words[i]);
    *ret_fds = fds;
    *ret_count = (unsigned)count;
    return 0;
}

static int run_create(struct cmd *cmd)
{
    const char *file = cmd_raw(cmd, "file"), *document = cmd_file(cmd, "file");
    unsigned flags = cmd_flags(cmd), count;
    int *fds;
    if (!document || cmd_fds(cmd, &fds, &count) < 0)
        return -1;
    virDomainPtr domain = count ? virDomainCreateXMLWithFiles(cmd_conn(cmd), document, count, fds, flags)
                                : virDomainCreateXML(cmd_conn(cmd), document, flags);
    if (!own_domain(cmd, domain))
        return say_error(cmd, "Failed to create domain from %s", file);
    say(cmd, "Domain '%s' created from %s\n", virDomainGetName(domain), file);
    return cmd_has(cmd, "console") ? console_attach(cmd, domain, NULL, 0, false) : 0;
}

const struct command cmd_create = {
    "create",
    "create a domain from an XML file",
    "Create a domain.",
    OPTIONS(
        FILE_ARG("file containing an XML domain description"),
        FLAG("console", 0, "attach to console after creation"),
        FLAG("paused", VIR_DOMAIN_START_PAUSED, "leave the guest paused after creation"),
        FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY,
             "automatically destroy the guest when virsh disconnects"),
        STRING("pass-fds", "pass file descriptors N,M,... to the guest"),
        FLAG("validate", VIR_DOMAIN_START_VALIDATE, "validate the XML against the schema"),
        FLAG("reset-nvram", VIR_DOMAIN_START_RESET_NVRAM, "re-initialize NVRAM from its pristine template")),
    .run = run_create,
};

static int run_start(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *name = virDomainGetName(domain);
    if (virDomainGetID(domain) != (unsigned)-1)
        return say_error(cmd, "Domain is already active");
    unsigned flags = cmd_flags(cmd), count;
    int *fds;
    if (cmd_fds(cmd, &fds, &count) < 0)
        return -1;
    int result = count   ? virDomainCreateWithFiles(domain, count, fds, flags)
                 : flags ? virDomainCreateWithFlags(domain, flags)
                         : virDomainCreate(domain);
    if (result < 0)
        return say_error(cmd, "Failed to start domain '%s'", name);
    say(cmd, "Domain '%s' started\n", name);
    return cmd_has(cmd, "console") ? console_attach(cmd, domain, NULL, 0, false) : 0;
}

const struct command cmd_start = {
    "start",
    "start a (previously defined) inactive domain",
    "Start a domain, either from the last managedsave\n    state, or via a fresh boot if no managedsave "
    "state\n    is present.",
    OPTIONS(
        ARG("domain", "name of the inactive domain"), FLAG("console", 0, "attach to console after creation"),
        FLAG("paused", VIR_DOMAIN_START_PAUSED, "leave the guest paused after creation"),
        FLAG("autodestroy", VIR_DOMAIN_START_AUTODESTROY,
             "automatically destroy the guest when virsh disconnects"),
        FLAG("bypass-cache", VIR_DOMAIN_START_BYPASS_CACHE, "avoid file system cache when loading"),
        FLAG("force-boot", VIR_DOMAIN_START_FORCE_BOOT, "force fresh boot by discarding any managed save"),
        STRING("pass-fds", "pass file descriptors N,M,... to the guest"),
        FLAG("reset-nvram", VIR_DOMAIN_START_RESET_NVRAM, "re-initialize NVRAM from its pristine template")),
    .run = run_start,
};

const struct command cmd_define = {
    "define",
    "define (but don't start) a domain from an XML file",
    "Define a domain.",
    OPTIONS(FILE_ARG("file containing an XML domain description"),
            FLAG("validate", VIR_DOMAIN_DEFINE_VALIDATE, "validate the XML against the schema")),
    DEFINES(domain, virDomainDefineXML),
    .make_flagged.domain = virDomainDefineXMLFlags,
    .done = "Domain '%s' defined from %s\n",
    .failed = "Failed to define domain from %s",
};

static int run_autostart_domain(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    bool on = !cmd_has(cmd, "disable");
    const char *name = virDomainGetName(domain), *mark = on ? "mark" : "unmark";
    int result = cmd_has(cmd, "once") ? NEWER(virDomainSetAutostartOnce)(domain, on)
                                      : virDomainSetAutostart(domain, on);
    if (result < 0)
        return say_error(cmd, "Failed to %s domain '%s' as autostarted", mark, name);
    say(cmd, "Domain '%s' %sed as autostarted\n", name, mark);
    return 0;
}

const struct command cmd_autostart = {
    "autostart",
    "autostart a domain",
    "Configure a domain to be automatically started at boot.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_PERSISTENT), FLAG("disable", 0, "disable autostarting"),
            FLAG_NEW("once", 0, "")),
    .run = run_autostart_domain,
};

static int run_managedsave_remove(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *name = virDomainGetName(domain);
    int has = virDomainHasManagedSaveImage(domain, 0);
    if (has < 0)
        return say_error(cmd, "Failed to check for domain managed save image");
    if (!has) {
        say(cmd, "Domain '%s' has no manage save image; removal skipped", name);
        return 0;
    }
    if (virDomainManagedSaveRemove(domain, 0) < 0)
        return say_error(cmd, "Failed to remove managed save image for domain '%s'", name);
    say(cmd, "Removed managedsave image for domain '%s'", name);
    return 0;
}

const struct command cmd_managedsave_remove = {
    "managedsave-remove",
    "Remove managed save of a domain",
    "Remove an existing managed save state file from a domain",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)),
    .run = run_managedsave_remove,
};

static int run_qemu_attach(struct cmd *cmd)
{
    unsigned pid = 0;
    if (cmd_uint(cmd, "pid", &pid) <= 0)
        return -1;
    virDomainPtr domain = own_domain(cmd, virDomainQemuAttach(cmd_conn(cmd), pid, 0));
    if (!domain)
        return say_error(cmd, "Failed to attach to pid %u", pid);
    say(cmd, "Domain '%s' attached to pid %u\n", virDomainGetName(domain), pid);
    return 0;
}

const struct command cmd_qemu_attach = {
    "qemu-attach", "QEMU Attach", "QEMU Attach", OPTIONS(ARG("pid", "pid")), .run = run_qemu_attach,
};

/* ---- what else a life needs ------------------------------------------------------------------------- */

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
