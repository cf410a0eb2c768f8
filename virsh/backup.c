/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backup: copies of a running machine's disks. */
#include "virsh/virsh.h"

static int backup_begin(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *backup = NULL, *checkpoint = NULL;

    if (!domain || cmd_string(cmd, "backupxml", &backup) < 0)
        return -1;
    backup = backup ? cmd_file(cmd, "backupxml") : "<domainbackup/>";
    if (!backup || cmd_string(cmd, "checkpointxml", &checkpoint) < 0)
        return -1;
    if (checkpoint && !(checkpoint = cmd_file(cmd, "checkpointxml")))
        return -1;
    if (virDomainBackupBegin(domain, backup, checkpoint, cmd_flags(cmd)) < 0)
        return -1;
    say(cmd, "Backup started\n");
    return 0;
}

const struct command cmd_backup_begin = {
    "backup-begin",
    "Start a disk backup of a live domain",
    "Use XML to start a full or incremental disk backup of a live domain, optionally creating a checkpoint",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING("backupxml", "domain backup XML", .complete = complete_file),
            STRING("checkpointxml", "domain checkpoint XML", .complete = complete_file),
            FLAG("reuse-external", VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL, "reuse files provided by caller"),
            FLAG_NEW("preserve-domain-on-shutdown", VIR_DOMAIN_BACKUP_BEGIN_PRESERVE_SHUTDOWN_DOMAIN,
                     "avoid shutdown of the domain while the backup is running")),
    .run = backup_begin,
};

static int backup_dumpxml(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);

    return domain ? print_xml(cmd, virDomainBackupGetXMLDesc(domain, 0)) : -1;
}

const struct command cmd_backup_dumpxml = {
    "backup-dumpxml",      "Dump XML for an ongoing domain block backup job",
    "Backup Dump XML",     OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), XPATH),
    .run = backup_dumpxml, .json = "{xml: string?, nodes: [string]?}",
};
