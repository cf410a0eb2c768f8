/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-pki-query-dn: the distinguished name of a certificate, as lists of allowed clients want it. */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "config.h"
#include "tool.h"

enum { CERTIFICATE_SIZE_MAX = 1024 * 1024 };

static const struct tool_option options[] = {
    TOOL_VERSION('v'),
    {0},
};

static const char *const paragraphs[] = {
    "Reads a certificate in PEM format and prints the name of its owner in the form that the key "
    "tls_allowed_dn_list of the daemons' configuration files wants.",
    NULL,
};

static const struct tool tool = {
    .name = "virt-pki-query-dn",
    .purpose = "print the distinguished name of a certificate",
    .arguments = "FILE",
    .text = paragraphs,
    .options = options,
    .status = "0, or 1 when the file can't be read or holds no certificate.",
    .see_also = "virt-pki-validate(1)",
    .usage = "Usage:\n"
             "  virt-pki-query-dn FILE\n"
             "  virt-pki-query-dn { -v | -h }\n"
             "\n"
             "Extract Distinguished Name from a PEM certificate.\n"
             "The output is meant to be used in the tls_allowed_dn_list\n"
             "configuration option in the libvirtd.conf file.\n"
             "\n"
             "  FILE            certificate file to extract the DN from\n"
             "\n"
             "options:\n"
             "  -h | --help     display this help and exit\n"
             "  -v | --version  output version information and exit\n",
    .version = PACKAGE_VERSION,
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return EXIT_FAILURE;
}

static int print_name(gnutls_x509_crt_t certificate)
{
    gnutls_datum_t name = {0};
    int r = gnutls_x509_crt_get_dn3(certificate, &name, GNUTLS_X509_DN_FLAG_COMPAT);

    if (r < 0)
        return complain("Failed to get distinguished name", gnutls_strerror(r));
    printf("%s\n", name.data);
    gnutls_free(name.data);
    return EXIT_SUCCESS;
}

static int query(const char *path)
{
    auto_buf struct buf text = {0};
    gnutls_x509_crt_t certificate;
    gnutls_datum_t pem;
    int r = file_read(AT_FDCWD, path, CERTIFICATE_SIZE_MAX, &text);

    if (r < 0) {
        fprintf(stderr, "virt-pki-query-dn: Failed to open file '%s': %s\n", path, strerror(-r));
        return EXIT_FAILURE;
    }
    pem = (gnutls_datum_t){(unsigned char *)text.data, (unsigned)text.length};
    r = gnutls_x509_crt_init(&certificate);
    if (r < 0)
        return complain("Unable to initialize certificate", gnutls_strerror(r));
    r = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM);
    r = r < 0 ? complain("Unable to load certificate, make sure it is in PEM format", gnutls_strerror(r))
              : print_name(certificate);
    gnutls_x509_crt_deinit(certificate);
    return r;
}

int main(int argc, char **argv)
{
    while (tool_next(&tool, argc, argv, EXIT_FAILURE) != -1)
        ; /* all its options end the program */
    if (optind + 1 != argc)
        tool_misused(&tool, EXIT_FAILURE);
    return query(argv[optind]);
}
