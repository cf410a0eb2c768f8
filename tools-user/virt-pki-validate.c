/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-pki-validate: are the certificates for TLS connections there, readable by whom they should be, in
 * date, issued by the authority that is trusted, made for what they are used for, and do the keys belong to
 * them?
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "config.h"
#include "tool.h"

enum { PEM_SIZE_MAX = 1024 * 1024, DAY = 24 * 60 * 60, SOON = 7 * DAY };

/* Where the files are. */
struct places {
    const char *authority; /* folder of cacert.pem and cacrl.pem */
    const char *certificates,
        *keys; /* folders of clientcert.pem, servercert.pem; clientkey.pem, serverkey.pem */
};

struct role {
    const char *name;    /* "client" */
    const char *purpose; /* of the certificate: an object identifier */
    bool host_named;     /* its certificate names this host */
};
static const struct role roles[] = {
    {"client", GNUTLS_KP_TLS_WWW_CLIENT, false},
    {"server", GNUTLS_KP_TLS_WWW_SERVER, true},
};

static bool quiet;
static int failures;

static bool check(bool holds, const char *advice, const char *format, ...) PRINTF(3, 4);
static bool check(bool holds, const char *advice, const char *format, ...)
{
    auto_buf struct buf what = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&what, format, args);
    va_end(args);
    failures += !holds;
    if (!quiet)
        printf("%6s: %-60s : %s%s%s%s\n", "PKI", buf_text(&what), holds ? "PASS" : "FAIL", holds ? "" : " (",
               holds ? "" : advice, holds ? "" : ")");
    return holds;
}

/* A certificate that is worth looking at further; the caller frees. NULL: it isn't, and that is said. */
static gnutls_x509_crt_t load_certificate(const char *path)
{
    gnutls_x509_crt_t certificate = NULL;
    auto_buf struct buf text = {0};
    gnutls_datum_t pem;
    int r = file_read(AT_FDCWD, path, PEM_SIZE_MAX, &text);

    if (!check(r == 0, strerror(-r), "Checking if '%s' can be read", path))
        return NULL;
    pem = (gnutls_datum_t){(unsigned char *)text.data, (unsigned)text.length};
    gnutls_x509_crt_init(&certificate);
    r = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM);
    if (!check(r == 0, gnutls_strerror(r), "Checking if '%s' is a certificate", path)) {
        gnutls_x509_crt_deinit(certificate);
        return NULL;
    }
    return certificate;
}

static void check_dates(gnutls_x509_crt_t certificate, const char *path)
{
    time_t now = time(NULL), begin = gnutls_x509_crt_get_activation_time(certificate),
           end = gnutls_x509_crt_get_expiration_time(certificate);

    check(begin <= now, "it is not valid yet: look at this host's clock", "Checking if '%s' is valid already",
          path);
    if (check(end > now, "it has expired: issue a new one", "Checking if '%s' is valid still", path) &&
        end - now < SOON && !quiet)
        printf("%6s: it expires in %ld days\n", "PKI", (long)(end - now) / DAY);
}

static bool has_purpose(gnutls_x509_crt_t certificate, const char *wanted)
{
    char oid[128];
    unsigned i;

    for (i = 0;; i++) {
        size_t size = sizeof(oid);
        int r = gnutls_x509_crt_get_key_purpose_oid(certificate, (int)i, oid, &size, NULL);

        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return i == 0; /* none given: good for all */
        if (r < 0 || !strcmp(oid, wanted) || !strcmp(oid, GNUTLS_KP_ANY))
            return r >= 0;
    }
}

static gnutls_x509_crt_t check_authority(const struct places *places)
{
    auto_free char *path = mem_printf("%s/cacert.pem", places->authority);
    gnutls_x509_crt_t authority = load_certificate(path);
    struct stat stat_of;

    if (!authority)
        return NULL;
    check(stat(path, &stat_of) == 0 && !(stat_of.st_mode & 022), "chmod 0644",
          "Checking if '%s' is protected", path);
    check(gnutls_x509_crt_get_ca_status(authority, NULL) > 0, "its basic constraints don't say so",
          "Checking if '%s' is an authority", path);
    check_dates(authority, path);
    return authority;
}

/* Does the private key belong to the certificate? */
static void check_key(const struct places *places, const struct role *role, gnutls_x509_crt_t certificate)
{
    auto_free char *path = mem_printf("%s/%skey.pem", places->keys, role->name);
    unsigned char of_key[64], of_certificate[64];
    size_t key_size = sizeof(of_key), certificate_size = sizeof(of_certificate);
    auto_buf struct buf text = {0};
    gnutls_x509_privkey_t key;
    struct stat stat_of;
    gnutls_datum_t pem;
    int r = file_read(AT_FDCWD, path, PEM_SIZE_MAX, &text);

    if (!check(r == 0, strerror(-r), "Checking if '%s' can be read", path))
        return;
    check(stat(path, &stat_of) == 0 && !(stat_of.st_mode & 077), "chmod 0600", "Checking if '%s' is private",
          path);
    pem = (gnutls_datum_t){(unsigned char *)text.data, (unsigned)text.length};
    gnutls_x509_privkey_init(&key);
    r = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    mem_wipe(text.data, text.length);
    if (check(r == 0, gnutls_strerror(r), "Checking if '%s' is a key", path))
        check(gnutls_x509_privkey_get_key_id(key, 0, of_key, &key_size) == 0 &&
                  gnutls_x509_crt_get_key_id(certificate, 0, of_certificate, &certificate_size) == 0 &&
                  key_size == certificate_size && !memcmp(of_key, of_certificate, key_size),
              "it belongs to another certificate", "Checking if '%s' belongs to the certificate", path);
    gnutls_x509_privkey_deinit(key);
}

static void check_role(const struct places *places, const struct role *role, gnutls_x509_crt_t authority)
{
    auto_free char *path = mem_printf("%s/%scert.pem", places->certificates, role->name);
    char host[256] = "";
    gnutls_x509_crt_t certificate = load_certificate(path);
    unsigned status = 0;

    if (!certificate)
        return;
    check_dates(certificate, path);
    if (authority)
        check(gnutls_x509_crt_verify(certificate, &authority, 1, 0, &status) == 0 &&
                  !(status &
                    ~(unsigned)(GNUTLS_CERT_INVALID | GNUTLS_CERT_NOT_ACTIVATED | GNUTLS_CERT_EXPIRED)),
              "another authority issued it", "Checking if '%s' comes from the authority", path);
    check(has_purpose(certificate, role->purpose), "its key purposes don't include that",
          "Checking if '%s' is for a %s", path, role->name);
    if (role->host_named && gethostname(host, sizeof(host) - 1) == 0)
        check(gnutls_x509_crt_check_hostname(certificate, host),
              "clients that call it by this name will refuse", "Checking if '%s' names host '%s'", path,
              host);
    check_key(places, role, certificate);
    gnutls_x509_crt_deinit(certificate);
}

static const struct tool_option options[] = {
    {'s', "system", NULL, "Check /etc/pki/CA and /etc/pki/libvirt: what root does without an option."},
    {'u', "user", NULL, "Check ~/.pki/libvirt: what other users do without an option."},
    {'p', "path", "DIR", "Check all files in one directory."},
    {'q', "quiet", NULL, "Print nothing."},
    TOOL_VERSION('V'),
    {0},
};

static const char *const paragraphs[] = {
    "Looks at the authority's, the client's and the server's certificates and keys and prints a line for "
    "each check: the file is there and readable, protected from others, in date, issued by the authority, "
    "made for its purpose; the server's certificate names this host; the key belongs to the certificate. "
    "Nothing is changed.",
    "A host that is only a client or only a server lacks the other half; those lines fail then.",
    NULL,
};

static const struct tool tool = {
    .name = "virt-pki-validate",
    .purpose = "check the certificates for TLS connections",
    .arguments = "[OPTION]",
    .text = paragraphs,
    .options = options,
    .status = "0 when every check holds, else 1.",
    .see_also = "virt-pki-query-dn(1)",
    .usage = "Usage:\n"
             "  virt-pki-validate [OPTION]\n"
             "\n"
             "Options:\n"
             "  -h | --help        Display program help\n"
             "  -V | --version     Display program version\n"
             "  -q | --quiet       Print nothing, the exit status tells\n"
             "  -s | --system      Check the system's certificates (the default of root)\n"
             "  -u | --user        Check this user's own certificates\n"
             "  -p | --path DIR    Check the certificates in one directory\n",
    .version = "virt-pki-validate (" PACKAGE_NAME ") " PACKAGE_VERSION,
};

static struct places find_places(const char *path, bool user)
{
    const char *home = getenv("HOME");
    struct passwd *self = home ? NULL : getpwuid(geteuid());
    char *pki;

    if (path)
        return (struct places){path, path, path};
    if (!user)
        return (struct places){SYSCONFDIR "/pki/CA", SYSCONFDIR "/pki/libvirt",
                               SYSCONFDIR "/pki/libvirt/private"};
    pki = mem_printf("%s/.pki/libvirt", home ? home : self ? self->pw_dir : "");
    return (struct places){pki, pki, pki};
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool user = geteuid() != 0;
    gnutls_x509_crt_t authority;
    struct places places;
    int option;

    while ((option = tool_next(&tool, argc, argv, EXIT_FAILURE)) != -1)
        switch (option) {
        case 'q':
            quiet = true;
            break;
        case 's':
        case 'u':
            user = option == 'u';
            break;
        case 'p':
            path = optarg;
            break;
        }
    if (optind != argc) {
        fprintf(stderr, "virt-pki-validate: unrecognized argument '%s'\n", argv[optind]);
        return EXIT_FAILURE;
    }
    places = find_places(path, user);
    authority = check_authority(&places);
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
        check_role(&places, &roles[i], authority);
    if (authority)
        gnutls_x509_crt_deinit(authority);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
