/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Program: virt-admin. */
#include "virsh/program.h"

#define COMMANDS "virt-admin/commands.def"
#include "virsh/entries.h"

const struct program program = {
    .name = "virt-admin",
    .title = "Virt-admin",
    .terminal = "administrating virtualization",
    .variables = "VIRT_ADMIN",
    .options = "+:c:d:hl:qvV",
    .usage = "    -c | --connect=URI      daemon admin connection URI\n"
             "    -d | --debug=NUM        debug level [0-4]\n"
             "    -h | --help             this help\n"
             "    -l | --log=FILE         output logging to file\n"
             "    -q | --quiet            quiet mode\n"
             "    -v                      short version\n"
             "    -V                      long version\n"
             "         --version[=TYPE]   version, TYPE is short or long (default short)\n",
    .entries = entries,
    .entry_count = ARRAY_SIZE(entries),
};
