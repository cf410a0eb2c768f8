/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: their memory in files: save, restore, managed save, dump. */
#include "virsh/domain.h"

/* What a call in the thread of a job needs: read before it starts, so that options are read by one thread. */
struct saving {
    virDomainPtr domain;
    const char *path, *xml;
    struct params *params;
    unsigned flags, format;
};

/* A file with a document that an option names, if it is given. */
static int optional_file(struct cmd *cmd, const char *option, const char **ret)
{
    *ret = NULL;
    return !cmd_has(cmd, option) || (*ret = cmd_file(cmd, option)) ? 0 : -1;
}

/* ---- save ------------------------------------------------------------------------------------------- */

static int save(struct cmd *cmd, void *data)
{
    struct saving *saving = data;
    if (saving->params->count) {
        params_add_string(saving->params, VIR_DOMAIN_SAVE_PARAM_FILE, saving->path);
        if (saving->xml)
            params_add_string(saving->params, VIR_DOMAIN_SAVE_PARAM_DXML, saving->xml);
        return virDomainSaveParams(saving->domain, saving->params->all, saving->params->count, saving->flags);
    }
    if (saving->flags || saving->xml)
        return virDomainSaveFlags(saving->domain, saving->path, saving->xml, saving->flags);
    return virDomainSave(saving->domain, saving->path);
}

static int run_save(struct cmd *cmd)
{
    struct saving saving = {.domain = cmd_domain(cmd), .params = params_new(cmd, 0), .flags = cmd_flags(cmd)};
    const char *format = NULL;
    int channels = 0;
    if (!saving.domain || cmd_string(cmd, "file", &saving.path) < 0 ||
        optional_file(cmd, "xml", &saving.xml) < 0 || cmd_string(cmd, "image-format", &format) < 0)
        return -1;
    int given = cmd_int(cmd, "parallel-channels", &channels);
    if (given < 0)
        return -1;
    if (given)
        params_add_int(saving.params, VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS, channels);
    if (format)
        params_add_string(saving.params, VIR_DOMAIN_SAVE_PARAM_IMAGE_FORMAT, format);
    const char *name = virDomainGetName(saving.domain);
    const struct job job = {.domain = saving.domain, .label = "Save", .call = save, .data = &saving};
    if (job_run(cmd, &job) < 0)
        return say_error(cmd, "Failed to save domain '%s' to %s", name, saving.path);
    say(cmd, "\nDomain '%s' saved to %s\n", name, saving.path);
    return 0;
}

const struct command cmd_save = {
    "save",
    "save a domain state to a file",
    "Save the RAM state of a running domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING), FILE_ARG("where to save the data"),
            FLAG("bypass-cache", VIR_DOMAIN_SAVE_BYPASS_CACHE, "avoid file system cache when saving"),
            STRING("xml", "filename containing updated XML for the target", 0, complete_file),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on restore"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on restore"),
            FLAG("verbose", 0, "display the progress of save"), NUMBER_NEW("parallel-channels", ""),
            STRING_NEW("image-format", "")),
    .run = run_save,
};

static int run_restore(struct cmd *cmd)
{
    const char *path = NULL, *xml;
    unsigned flags = cmd_flags(cmd);
    int channels = 0, result;
    if (cmd_string(cmd, "file", &path) < 0 || optional_file(cmd, "xml", &xml) < 0)
        return -1;
    int given = cmd_int(cmd, "parallel-channels", &channels);
    if (given < 0)
        return -1;
    if (given) {
        struct params *params = params_new(cmd, 0);
        params_add_string(params, VIR_DOMAIN_SAVE_PARAM_FILE, path);
        params_add_int(params, VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS, channels);
        if (xml)
            params_add_string(params, VIR_DOMAIN_SAVE_PARAM_DXML, xml);
        result = virDomainRestoreParams(cmd_conn(cmd), params->all, params->count, flags);
    } else {
        result = flags || xml ? virDomainRestoreFlags(cmd_conn(cmd), path, xml, flags)
                              : virDomainRestore(cmd_conn(cmd), path);
    }
    if (result < 0)
        return say_error(cmd, "Failed to restore domain from %s", path);
    say(cmd, "Domain restored from %s\n", path);
    return 0;
}

const struct command cmd_restore = {
    "restore",
    "restore a domain from a saved state in a file",
    "Restore a domain.",
    OPTIONS(
        FILE_ARG("the state to restore"),
        FLAG("bypass-cache", VIR_DOMAIN_SAVE_BYPASS_CACHE, "avoid file system cache when restoring"),
        STRING("xml", "filename containing updated XML for the target", 0, complete_file),
        FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "restore domain into running state"),
        FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "restore domain into paused state"),
        FLAG("reset-nvram", VIR_DOMAIN_SAVE_RESET_NVRAM, "re-initialize NVRAM from its pristine template"),
        NUMBER_NEW("parallel-channels", "")),
    .run = run_restore,
};

/* ---- the document in a saved state ------------------------------------------------------------------ */

static int run_save_image_dumpxml(struct cmd *cmd)
{
    const char *path = NULL, *xpath = cmd_raw(cmd, "xpath");
    if (cmd_string(cmd, "file", &path) < 0 || (xpath && !*xpath))
        return -1;
    return print_xml(cmd, virDomainSaveImageGetXMLDesc(cmd_conn(cmd), path, cmd_flags(cmd)));
}

const struct command cmd_save_image_dumpxml = {
    "save-image-dumpxml",
    "saved state domain information in XML",
    "Dump XML of domain information for a saved state file to stdout.",
    OPTIONS(FILE_ARG("saved state file to read"),
            FLAG("security-info", VIR_DOMAIN_SAVE_IMAGE_XML_SECURE,
                 "include security sensitive information in XML dump"),
            STRING_NAMED("xpath", "xpath expression to filter the XML document"),
            FLAG("wrap", 0, "wrap xpath results in an common root element")),
    .run = run_save_image_dumpxml,
    .json = XML_JSON,
};

static int run_save_image_define(struct cmd *cmd)
{
    const char *path = NULL, *xml;
    if (cmd_string(cmd, "file", &path) < 0 || !(xml = cmd_file(cmd, "xml")))
        return -1;
    if (virDomainSaveImageDefineXML(cmd_conn(cmd), path, xml, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to update %s", path);
    say(cmd, "State file %s updated.\n", path);
    return 0;
}

const struct command cmd_save_image_define = {
    "save-image-define",
    "redefine the XML for a domain's saved state file",
    "Replace the domain XML associated with a saved state file",
    OPTIONS(FILE_ARG("saved state file to modify"),
            ARG("xml", "filename containing updated XML for the target", 0, complete_file),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on restore"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on restore")),
    .run = run_save_image_define,
};

static int store_image(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    return virDomainSaveImageDefineXML(cmd_conn(cmd), data, document, flags);
}

static int run_save_image_edit(struct cmd *cmd)
{
    const char *path = NULL;
    if (cmd_string(cmd, "file", &path) < 0)
        return -1;
    char *xml = cmd_own_text(
        cmd, virDomainSaveImageGetXMLDesc(cmd_conn(cmd), path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE));
    const struct edit work = {
        .document = xml,
        .what = cmd_printf(cmd, "Saved image %s XML configuration", path),
        .edited = cmd_printf(cmd, "State file %s", path),
        .store = store_image,
        .data = (char *)path,
        .flags = cmd_flags(cmd),
    };
    return edit(cmd, &work);
}

const struct command cmd_save_image_edit = {
    "save-image-edit",
    "edit XML for a domain's saved state file",
    "Edit the domain XML associated with a saved state file",
    OPTIONS(FILE_ARG("saved state file to edit"),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on restore"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on restore")),
    .run = run_save_image_edit,
    .conflicts = "running paused",
};

/* ---- managed save ----------------------------------------------------------------------------------- */

static int managed_save(struct cmd *cmd, void *data)
{
    struct saving *saving = data;
    return virDomainManagedSave(saving->domain, saving->flags);
}

static int run_managedsave(struct cmd *cmd)
{
    struct saving saving = {.domain = cmd_domain(cmd), .flags = cmd_flags(cmd)};
    if (!saving.domain)
        return -1;
    const char *name = virDomainGetName(saving.domain);
    const struct job job = {
        .domain = saving.domain, .label = "Managedsave", .call = managed_save, .data = &saving};
    if (job_run(cmd, &job) < 0)
        return say_error(cmd, "Failed to save domain '%s' state", name);
    say(cmd, "\nDomain '%s' state saved by libvirt\n", name);
    return 0;
}

const struct command cmd_managedsave = {
    "managedsave",
    "managed save of a domain state",
    "Save and destroy a running domain, so it can be restarted from\n    the same state at a later time.  "
    "When the virsh 'start'\n    command is next run for the domain, it will automatically\n    be started "
    "from this saved state.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("bypass-cache", VIR_DOMAIN_SAVE_BYPASS_CACHE, "avoid file system cache when saving"),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on next start"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on next start"),
            FLAG("verbose", 0, "display the progress of save")),
    .run = run_managedsave,
};

const struct command cmd_managedsave_dumpxml = {
    "managedsave-dumpxml",
    "Domain information of managed save state file in XML",
    "Dump XML of domain information for a managed save state file to stdout.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
            FLAG("security-info", VIR_DOMAIN_SAVE_IMAGE_XML_SECURE,
                 "include security sensitive information in XML dump"),
            STRING_NAMED("xpath", "xpath expression to filter the XML document"),
            FLAG("wrap", 0, "wrap xpath results in an common root element")),
    DUMPXML(domain, virDomainManagedSaveGetXMLDesc),
};

static int run_managedsave_define(struct cmd *cmd)
{
    const char *path = NULL, *xml;
    if (cmd_string(cmd, "xml", &path) < 0)
        return -1;
    if (!(xml = cmd_file(cmd, "xml")))
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *name = virDomainGetName(domain);
    if (virDomainManagedSaveDefineXML(domain, xml, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to update %s XML configuration", name);
    say(cmd, "Managed save state file of domain '%s' updated.\n", name);
    return 0;
}

const struct command cmd_managedsave_define = {
    "managedsave-define",
    "redefine the XML for a domain's managed save state file",
    "Replace the domain XML associated with a managed save state file",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
            ARG("xml", "filename containing updated XML for the target", 0, complete_file),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on start"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on start")),
    .run = run_managedsave_define,
    .conflicts = "running paused",
};

static int store_managed(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    return virDomainManagedSaveDefineXML(data, document, flags);
}

static int run_managedsave_edit(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *name = virDomainGetName(domain);
    const struct edit work = {
        .document =
            cmd_own_text(cmd, virDomainManagedSaveGetXMLDesc(domain, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)),
        .what = cmd_printf(cmd, "Managed save image of domain '%s' XML configuration", name),
        .edited = cmd_printf(cmd, "Managed save image of Domain '%s' XML configuration", name),
        .store = store_managed,
        .data = domain,
        .flags = cmd_flags(cmd),
    };
    return edit(cmd, &work);
}

const struct command cmd_managedsave_edit = {
    "managedsave-edit",
    "edit XML for a domain's managed save state file",
    "Edit the domain XML associated with the managed save state file",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
            FLAG("running", VIR_DOMAIN_SAVE_RUNNING, "set domain to be running on start"),
            FLAG("paused", VIR_DOMAIN_SAVE_PAUSED, "set domain to be paused on start")),
    .run = run_managedsave_edit,
    .conflicts = "running paused",
};

/* ---- dump ------------------------------------------------------------------------------------------- */

static int dump(struct cmd *cmd, void *data)
{
    struct saving *saving = data;
    if (saving->format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW)
        return virDomainCoreDumpWithFormat(saving->domain, saving->path, saving->format, saving->flags);
    return virDomainCoreDump(saving->domain, saving->path, saving->flags);
}

static int run_dump(struct cmd *cmd)
{
    static const char *const formats[] = {"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp", NULL};
    struct saving saving = {.domain = cmd_domain(cmd), .flags = cmd_flags(cmd)};
    const char *format_name = NULL;
    if (!saving.domain || cmd_string(cmd, "file", &saving.path) < 0)
        return -1;
    if (cmd_has(cmd, "format") && !cmd_has(cmd, "memory-only"))
        return say_error(cmd, "--format only works with --memory-only");
    if (cmd_string(cmd, "format", &format_name) < 0)
        return -1;
    int format = format_name ? enum_find(formats, format_name) : VIR_DOMAIN_CORE_DUMP_FORMAT_RAW;
    if (format < 0)
        return say_error(cmd,
                         "format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', "
                         "'win-dmp' or 'elf'",
                         format_name);
    saving.format = (unsigned)format;
    const char *name = virDomainGetName(saving.domain);
    const struct job job = {.domain = saving.domain, .label = "Dump", .call = dump, .data = &saving};
    if (job_run(cmd, &job) < 0)
        return say_error(cmd, "Failed to core dump domain '%s' to %s", name, saving.path);
    say(cmd, "\nDomain '%s' dumped to %s\n", name, saving.path);
    return 0;
}

const struct command cmd_dump = {
    "dump",
    "dump the core of a domain to a file for analysis",
    "Core dump a domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), FILE_ARG("where to dump the core"),
            FLAG("live", VIR_DUMP_LIVE, "perform a live core dump if supported"),
            FLAG("crash", VIR_DUMP_CRASH, "crash the domain after core dump"),
            FLAG("bypass-cache", VIR_DUMP_BYPASS_CACHE, "avoid file system cache when dumping"),
            FLAG("reset", VIR_DUMP_RESET, "reset the domain after core dump"),
            FLAG("verbose", 0, "display the progress of dump"),
            FLAG("memory-only", VIR_DUMP_MEMORY_ONLY, "dump domain's memory only"),
            STRING("format", "specify the format of memory-only dump", 0, NULL,
                   "kdump-zlib,kdump-lzo,kdump-snappy,win-dmp,elf")),
    .run = run_dump,
};
