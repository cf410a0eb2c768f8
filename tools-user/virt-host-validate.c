/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-host-validate: tell whether this host is fit for virtual machines or containers (see validate.h). */
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/str.h"
#include "config.h"
#include "tool.h"
#include "validate.h"

static const struct tool_option options[] = {
    {'q', "quiet", NULL, "Print nothing; the exit status tells."},
    TOOL_VERSION('v'),
    {0},
};

static const char *const paragraphs[] = {
    "Looks at what the kernel and the firmware offer (processor features, devices, control groups, "
    "namespaces, IOMMU, encrypted guests) and prints a line for each check. Nothing is changed. Without an "
    "argument the checks of all kinds run.",
    "A line ends with PASS when the check holds, WARN when something useful is missing and FAIL when such "
    "guests can't run well; advice stands in brackets behind it.",
    NULL,
};

static const struct tool tool = {
    .name = "virt-host-validate",
    .purpose = "check whether a host is fit for virtual machines or containers",
    .arguments = "[OPTION...] [qemu | lxc]",
    .text = paragraphs,
    .options = options,
    .status = "0 when no check ended with FAIL, else 1.",
    .see_also = "virsh(1), virt-xml-validate(1)",
    .usage = "\n"
             "syntax: virt-host-validate [OPTIONS] [HVTYPE]\n"
             "\n"
             " Hypervisor types:\n"
             "\n"
             "   - qemu\n"
             "   - lxc\n"
             "   - bhyve\n"
             "   - ch\n"
             "\n"
             " Options:\n"
             "   -h, --help     Display command line help\n"
             "   -v, --version  Display command version\n"
             "   -q, --quiet    Don't display progress information\n"
             "\n",
    .version = "version: virt-host-validate " PACKAGE_VERSION,
};

int main(int argc, char **argv)
{
    struct utsname machine;
    struct validate validate = {"", uname(&machine) < 0 ? "" : machine.machine, stdout, false,
                                isatty(STDOUT_FILENO) == 1};
    bool fit = true;
    int option;

    while ((option = tool_next(&tool, argc, argv, EXIT_FAILURE)) != -1)
        switch (option) {
        case 'q':
            validate.quiet = true;
            break;
        }
    if (argc - optind > 2) { /* stock takes two, and looks at the first */
        fprintf(stderr, "virt-host-validate: too many command line arguments\n");
        tool_misused(&tool, EXIT_FAILURE);
    }
    const char *only = argv[optind];

    if (only && enum_find(validate_kinds, only) < 0) {
        fprintf(stderr, "virt-host-validate: unsupported hypervisor name %s\n", only);
        return EXIT_FAILURE;
    }
    for (const char *const *kind = validate_kinds; *kind; kind++)
        if (!only || str_eq(only, *kind))
            fit = validate_run(&validate, *kind) && fit;
    return fit ? EXIT_SUCCESS : EXIT_FAILURE;
}
