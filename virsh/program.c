/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Program: virsh. */
#include "virsh/program.h"

#define COMMANDS "virsh/commands.def"
#include "virsh/entries.h"

const struct program program = {
    .name = "virsh",
    .title = "Virsh",
    .terminal = "virtualization",
    .variables = "VIRSH",
    .uri_variable = "VIRSH_DEFAULT_CONNECT_URI",
    .options = "+:c:d:e:hk:K:l:qrtvV",
    .usage = "    -c | --connect=URI      hypervisor connection URI\n"
             "    -d | --debug=NUM        debug level [0-4]\n"
             "    -e | --escape <char>    set escape sequence for console\n"
             "    -h | --help             this help\n"
             "    -k | --keepalive-interval=NUM\n"
             "                            keepalive interval in seconds, 0 for disable\n"
             "    -K | --keepalive-count=NUM\n"
             "                            number of possible missed keepalive messages\n"
             "    -l | --log=FILE         output logging to file\n"
             "    -q | --quiet            quiet mode\n"
             "    -r | --readonly         connect readonly\n"
             "    -t | --timing           print timing information\n"
             "    -v                      short version\n"
             "    -V                      long version\n"
             "         --version[=TYPE]   version, TYPE is short or long (default short)\n",
    .entries = entries,
    .entry_count = ARRAY_SIZE(entries),
    .action = action_run,
};
