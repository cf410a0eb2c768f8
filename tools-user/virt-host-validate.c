/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-host-validate: tell whether this host is fit for virtual machines or containers (see validate.h). */
#include <getopt.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/str.h"
#include "config.h"
#include "validate.h"

static void usage(FILE *out)
{
    fputs("\n"
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
          out);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {"quiet", no_argument, NULL, 'q'},
        {0},
    };
    struct utsname machine;
    struct validate validate = {"", uname(&machine) < 0 ? "" : machine.machine, stdout, false,
                                isatty(STDOUT_FILENO) == 1};
    bool fit = true;
    int option;

    while ((option = getopt_long(argc, argv, "hvq", options, NULL)) != -1)
        switch (option) {
        case 'h':
            usage(stdout);
            return EXIT_SUCCESS;
        case 'v':
            printf("version: virt-host-validate " PACKAGE_VERSION "\n");
            return EXIT_SUCCESS;
        case 'q':
            validate.quiet = true;
            break;
        default:
            usage(stderr);
            return EXIT_FAILURE;
        }
    if (argc - optind > 2) { /* stock takes two, and looks at the first */
        fprintf(stderr, "virt-host-validate: too many command line arguments\n");
        usage(stderr);
        return EXIT_FAILURE;
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
