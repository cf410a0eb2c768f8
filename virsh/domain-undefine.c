/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undefine: the definition of a domain, with what belongs to it and with its disks if that is wanted. */
#include "virsh/domain.h"

/* A disk of the domain that is a volume to remove. */
struct doomed {
    virStorageVolPtr volume;
    const char *target, *source;
};

/* The volume behind a disk; NULL after telling that nobody manages it. */
static virStorageVolPtr volume_of(struct cmd *cmd, const char *disk, const char *target,
                                  const char **ret_source)
{
    const char *pool_name = xml_value(cmd, disk, "string(/disk/source/@pool)"),
               *volume = xml_value(cmd, disk, "string(/disk/source/@volume)");
    *ret_source = xml_value(
        cmd, disk, "string(/disk/source/@file|/disk/source/@dev|/disk/source/@dir|/disk/source/@name)");
    if (!str_empty(pool_name)) {
        *ret_source = volume;
        virStoragePoolPtr pool = own_pool(cmd, virStoragePoolLookupByName(cmd_conn(cmd), pool_name));
        if (!pool) {
            say_error(cmd, "Storage pool '%s' for volume '%s' not found.", pool_name, target);
            forget_error();
            return NULL;
        }
        return own_volume(cmd, virStorageVolLookupByName(pool, volume));
    }
    virStorageVolPtr found = str_empty(*ret_source)
                                 ? NULL
                                 : own_volume(cmd, virStorageVolLookupByPath(cmd_conn(cmd), *ret_source));
    if (!found && !str_empty(*ret_source)) {
        say_error(cmd, "Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.\n", target,
                  *ret_source);
        forget_error();
    }
    return found;
}

/* Take target or source out of the words that are left to find. */
static bool take_word(char **words, const char *target, const char *source)
{
    for (char **word = words; word && *word; word++)
        if (**word && (str_eq(*word, target) || str_eq(*word, source))) {
            **word = 0;
            return true;
        }
    return false;
}

/* Which disks go: those that --storage names, or all. */
static int choose(struct cmd *cmd, virDomainPtr domain, struct doomed **ret, size_t *ret_count)
{
    const char *list = NULL, *xml = domain_xml(cmd, domain, VIR_DOMAIN_XML_INACTIVE);
    if (!xml || cmd_string(cmd, "storage", &list) < 0)
        return -1;
    auto_strv char **words = list ? str_split(list, ",") : NULL;
    char **disks = xml_nodes(cmd, xml, "/domain/devices/disk");
    *ret = cmd_own(cmd, NEW_ARRAY(struct doomed, strv_length(disks) + 1), free);
    *ret_count = 0;
    for (; *disks; disks++) {
        const char *target = xml_value(cmd, *disks, "string(/disk/target/@dev)");
        const char *source = xml_value(
            cmd, *disks, "string(/disk/source/@file|/disk/source/@dev|/disk/source/@dir|/disk/source/@name)");
        if (list && !take_word(words, target, source))
            continue;
        struct doomed *doomed = &(*ret)[*ret_count];
        doomed->target = target;
        doomed->volume = volume_of(cmd, *disks, target, &doomed->source);
        *ret_count += doomed->volume != NULL;
    }
    for (char **word = words; word && *word; word++)
        if (**word)
            return say_error(cmd, "Volume '%s' was not found in domain's definition.\n", *word);
    return 0;
}

static int remove_volume(struct cmd *cmd, const struct doomed *doomed)
{
    if (cmd_has(cmd, "wipe-storage")) {
        say(cmd, "Wiping volume '%s'(%s) ... ", doomed->target, doomed->source);
        if (virStorageVolWipe(doomed->volume, 0) < 0) {
            say_error(cmd, "Failed! Volume not removed.");
            return -1;
        }
        say(cmd, "Done.\n");
    }
    unsigned flags =
        cmd_has(cmd, "delete-storage-volume-snapshots") ? VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS : 0;
    if (virStorageVolDelete(doomed->volume, flags) < 0)
        return say_error(cmd, "Failed to remove storage volume '%s'(%s)", doomed->target, doomed->source);
    say(cmd, "Volume '%s'(%s) removed.\n", doomed->target, doomed->source);
    return 0;
}

/* What stock refuses before it asks the library. */
static int check(struct cmd *cmd, virDomainPtr domain, bool storage)
{
    if (cmd_has(cmd, "wipe-storage") && !storage)
        return say_error(cmd, "'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'");
    int active = storage ? virDomainIsActive(domain) : 0;
    if (active < 0)
        return -1;
    if (active)
        return say_error(cmd, "Storage volume deletion is supported only on stopped domains");
    if (cmd_has(cmd, "storage") && cmd_has(cmd, "remove-all-storage"))
        return say_error(cmd, "Specified both --storage and --remove-all-storage");
    return 0;
}

/* What a server that doesn't know the flags needs instead: its own calls, and nothing lost. */
static int undefine_plainly(struct cmd *cmd, virDomainPtr domain)
{
    if (virDomainHasManagedSaveImage(domain, 0) > 0) {
        if (!cmd_has(cmd, "managed-save"))
            return say_error(cmd, "Refusing to undefine while domain managed save image exists");
        if (virDomainManagedSaveRemove(domain, 0) < 0)
            return -1;
    }
    int snapshots = virDomainSnapshotNum(domain, VIR_DOMAIN_SNAPSHOT_LIST_METADATA);
    if (snapshots > 0)
        return cmd_has(cmd, "snapshots-metadata")
                   ? say_error(cmd, "Unable to remove metadata of %d snapshots", snapshots)
                   : say_error(cmd, "Refusing to undefine while %d snapshots exist", snapshots);
    forget_error();
    return virDomainUndefine(domain);
}

static int undefine(struct cmd *cmd, virDomainPtr domain, unsigned flags)
{
    if (!flags)
        return virDomainUndefine(domain);
    if (virDomainUndefineFlags(domain, flags) == 0)
        return 0;
    int code = cmd_has(cmd, "nvram") ? VIR_ERR_OK : last_error_code(); /* for that there was no other way */
    return code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_INVALID_ARG ? undefine_plainly(cmd, domain) : -1;
}

static int run_undefine(struct cmd *cmd)
{
    bool storage = !str_empty(cmd_raw(cmd, "storage")) || cmd_has(cmd, "remove-all-storage");
    struct doomed *doomed = NULL;
    size_t count = 0;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || check(cmd, domain, storage) < 0 || (storage && choose(cmd, domain, &doomed, &count) < 0))
        return -1;
    const char *name = virDomainGetName(domain);
    unsigned flags = cmd_flags(cmd);
    if (undefine(cmd, domain, flags) < 0)
        return say_error(cmd, "Failed to undefine domain '%s'", name);
    say(cmd, "Domain '%s' has been undefined\n", name);
    int result = 0;
    for (size_t i = 0; i < count; i++)
        if (remove_volume(cmd, &doomed[i]) < 0)
            result = -1;
    return result;
}

const struct command cmd_undefine = {
    "undefine",
    "undefine a domain",
    "Undefine an inactive domain, or convert persistent to transient.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_PERSISTENT),
            FLAG("managed-save", VIR_DOMAIN_UNDEFINE_MANAGED_SAVE, "remove domain managed state file"),
            STRING("storage", "remove associated storage volumes (comma separated list of targets or source "
                              "paths) (see domblklist)"),
            FLAG("remove-all-storage", 0, "remove all associated storage volumes (use with caution)"),
            FLAG("delete-storage-volume-snapshots", 0,
                 "delete snapshots associated with volume(s), requires --remove-all-storage (must be "
                 "supported by storage driver)"),
            FLAG("wipe-storage", 0, "wipe data on the removed volumes"),
            FLAG("snapshots-metadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
                 "remove all domain snapshot metadata (vm must be inactive)"),
            FLAG("checkpoints-metadata", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
                 "remove all domain checkpoint metadata (vm must be inactive)"),
            FLAG("nvram", VIR_DOMAIN_UNDEFINE_NVRAM, "remove nvram file"),
            FLAG("keep-nvram", VIR_DOMAIN_UNDEFINE_KEEP_NVRAM, "keep nvram file"),
            FLAG("tpm", VIR_DOMAIN_UNDEFINE_TPM, "remove TPM state"),
            FLAG("keep-tpm", VIR_DOMAIN_UNDEFINE_KEEP_TPM, "keep TPM state"),
            ALIAS("delete-snapshots", "delete-storage-volume-snapshots")),
    .run = run_undefine,
    .conflicts = "nvram keep-nvram, tpm keep-tpm",
    .requires = "delete-storage-volume-snapshots remove-all-storage",
};
