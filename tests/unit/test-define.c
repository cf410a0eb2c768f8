/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a definition becomes: each document of the corpus (real documents, and what libvirt 9.0 makes of them)
 * is read with our defaults and printed again, and must come out the same, but for the few whose expected
 * text was made for another host or another QEMU: they stand in a table with the reason. Without the corpus
 * (../shared/corpus, or $VIREO_CORPUS) the test is skipped.
 *
 *     test-define -v        say for each document whether it is the same
 *     test-define NAME      print what NAME.xml becomes
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"

enum { SKIP = 77 };

/* clang-format off */
static const struct {
    const char *name, *why;
} exceptions[] = {
    {"audio-default-nographics", "made with nographics_allow_host_audio in qemu.conf"},
    {"audio-default-sdl", "made with QEMU_AUDIO_DRV in the daemon's environment"},
    {"audio-default-vnc", "made with vnc_allow_host_audio in qemu.conf"},
    {"cpu-host-passthrough-features", "made for a QEMU whose CPUs don't say whether they migrate"},
    {"default-video-type-x86_64-caps-test-0", "made for a QEMU without cirrus-vga"},
    {"disk-scsi", "has a controller of pSeries machines, for which we give no addresses"},
    {"pcie-root-port-model-ioh3420", "made for a QEMU without pcie-root-port"},
    {"pcie-switch-downstream-port", "made for a QEMU without pcie-root-port"},
    {"pcie-switch-upstream-port", "made for a QEMU without pcie-root-port"},
    {"q35-pci-force-address", "made for a QEMU without pcie-root-port"},
    {"usb-controller-default-q35", "made for a QEMU without any USB controller but piix3"},
};
/* clang-format on */

static bool excepted(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
        if (str_eq(exceptions[i].name, name))
            return true;
    return false;
}

/* Where the documents are; beside the sources when nothing is said. */
static const char *corpus(void)
{
    const char *from_env = getenv("VIREO_CORPUS"), *top = getenv("top_srcdir");
    static char path[PATH_MAX];

    if (from_env)
        return from_env;
    snprintf(path, sizeof(path), "%s/../shared/corpus/tests", top ? top : ".");
    return path;
}

/* A binary that can do everything, with the machine type that the document uses. */
static const struct qemu_caps *able(struct arena *arena, const char *text)
{
    struct qemu_machine *machine = ARENA_NEW(arena, struct qemu_machine);
    struct qemu_caps *caps = ARENA_NEW(arena, struct qemu_caps);
    const char *name = strstr(text, "machine='");

    name = name ? name + strlen("machine='") : "pc'";
    *machine = (struct qemu_machine){.name = arena_strndup(arena, name, strcspn(name, "'")),
                                     .default_cpu = "qemu64-x86_64-cpu",
                                     .is_default = true,
                                     .acpi = true};
    *caps = (struct qemu_caps){
        .binary = "/usr/bin/qemu-system-x86_64", .arch = "x86_64", .machines = machine, .machine_count = 1};
    memset(caps->flags, 0xff, sizeof(caps->flags));
    return caps;
}

static char *read_text(const char *folder, const char *name, const char *suffix)
{
    auto_free char *path = mem_printf("%s/%s/%s%s", corpus(), folder, name, suffix);
    FILE *file = fopen(path, "r");
    auto_buf struct buf text = {0};
    size_t got;

    if (!file)
        return NULL;
    do {
        got = fread(buf_reserve(&text, 65536), 1, 65536, file);
        text.length += got;
    } while (got);
    fclose(file);
    buf_add_char(&text, '\0');
    return buf_steal(&text);
}

/* What the document becomes, or the error that it is refused with. */
static bool define(const char *text, bool latest, struct buf *ret)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct domain_policy policy = defaults_policy(latest ? able(&arena, text) : NULL);
    const struct domain *domain = domain_parse(&arena, text, DOMAIN_PARSE_INACTIVE, &policy, &err);

    if (!domain) {
        buf_printf(ret, "error: %s\n", err.message);
        return false;
    }
    domain_format(ret, domain, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    return true;
}

static bool is_x86(const char *text)
{
    return strstr(text, "arch='x86_64'") || strstr(text, "arch='i686'") || !strstr(text, "arch=");
}

/* The expected document; *ret_latest says which QEMU it was made for. */
static char *expected(const char *name, bool *ret_latest)
{
    char *text = read_text("qemuxml2xmloutdata", name, ".x86_64-latest.xml");

    *ret_latest = text;
    return text ? text : read_text("qemuxml2xmloutdata", name, ".xml");
}

static int show(const char *name)
{
    auto_free char *in = read_text("qemuxml2argvdata", name, ".xml");
    bool latest = false;
    auto_buf struct buf text = {0};

    free(expected(name, &latest));

    if (!in)
        return 1;
    define(in, latest, &text);
    fputs(buf_text(&text), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    bool verbose = argc > 1 && str_eq(argv[1], "-v");
    auto_free char *folder = mem_printf("%s/qemuxml2argvdata", corpus());
    unsigned same = 0, all = 0, failed = 0;
    DIR *dir;

    if (argc > 1 && !verbose)
        return show(argv[1]);
    dir = opendir(folder);
    if (!dir) {
        printf("skipped: no documents at %s (VIREO_CORPUS)\n", folder);
        return SKIP;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!str_ends(entry->d_name, ".xml"))
            continue;
        auto_free char *name = mem_strndup(entry->d_name, strlen(entry->d_name) - strlen(".xml"));
        bool latest;
        auto_free char *in = read_text("qemuxml2argvdata", name, ".xml");
        auto_free char *want = expected(name, &latest);
        auto_buf struct buf text = {0};

        if (!want || !is_x86(in))
            continue;
        define(in, latest, &text);
        all++;
        same += str_eq(buf_text(&text), want);
        if (str_eq(buf_text(&text), want) == excepted(name)) {
            printf("%s: %s\n", name,
                   excepted(name) ? "is the same now: no exception any more" : "becomes something else");
            failed++;
        }
        if (verbose)
            printf("%s %s\n", str_eq(buf_text(&text), want) ? "same" : "other", name);
    }
    closedir(dir);
    printf("%u of %u documents come out as from libvirt; %zu have reasons not to\n", same, all,
           ARRAY_SIZE(exceptions));
    return failed || !all;
}
