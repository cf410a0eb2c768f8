/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definition to command line: each tests/data/qemu-args/NAME.xml becomes what NAME.args says, one argument a
 * line. No host is touched: sockets and devices that a start would open are left out.
 *
 *     test-command FILE.xml     print what it becomes
 */
#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "loop/req.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/qemud.h"

struct qemud qemud = {
    .dirs = {.lib = "/var/lib/libvirt/qemu",
             .nvram = "/var/lib/libvirt/qemu/nvram",
             .log = "/var/log/libvirt/qemu",
             .config = "/etc/libvirt/qemu"},
    .conf = {.vnc_listen = "127.0.0.1", .spice_listen = "127.0.0.1", .port_min = 5900, .port_max = 65535},
};

/* QEMU 7.2 with everything that Debian builds in. */
static const struct qemu_caps *caps_of_test(void)
{
    static struct qemu_machine machines[] = {
        {.name = "pc-i440fx-7.2",
         .alias = "pc",
         .default_cpu = "qemu64-x86_64-cpu",
         .default_ram = "pc.ram",
         .max_cpus = 255,
         .is_default = true,
         .acpi = true},
        {.name = "pc-q35-7.2",
         .alias = "q35",
         .default_cpu = "qemu64-x86_64-cpu",
         .default_ram = "pc.ram",
         .max_cpus = 288,
         .acpi = true},
    };
    static struct qemu_caps caps = {.binary = "/usr/bin/qemu-system-x86_64",
                                    .arch = "x86_64",
                                    .package = "",
                                    .version = 7002000,
                                    .machines = machines,
                                    .machine_count = ARRAY_SIZE(machines)};

    memset(caps.flags, 0xff, sizeof(caps.flags));
    return &caps;
}

static int make(const char *text, struct buf *ret)
{
    struct req rq = {0};
    struct domain_policy policy = defaults_policy(caps_of_test());
    struct domain *domain =
        domain_parse(&rq.arena, text, DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE, &policy, &rq.err);
    int r = -1;

    if (domain) {
        struct build *build = build_new(&rq.arena, domain, caps_of_test());
        build->id = 1;
        build->lib_dir = arena_printf(&rq.arena, "%s/domain-1-%s", qemud.dirs.lib, domain->name);
        build->channel_dir =
            arena_printf(&rq.arena, "%s/channel/target/domain-1-%s", qemud.dirs.lib, domain->name);
        build->sandbox = true;
        build->validate_only = true;
        r = build_prepare(&rq, build) < 0 ? -1 : build_command(&rq, build);
        for (const char *const *env = build->env; r == 0 && *env; env++)
            buf_printf(ret, "%s\n", *env);
        for (size_t i = 0; r == 0 && i < build->count_argv; i++)
            buf_printf(ret, "%s\n", build->argv[i]);
    }
    if (r < 0)
        buf_printf(ret, "error: %s\n", rq.err.message);
    err_clear(&rq.err);
    arena_done(&rq.arena);
    return r;
}

static int read_text(const char *path, struct buf *ret)
{
    return file_read(AT_FDCWD, path, 1 << 20, ret);
}

static int show(const char *path)
{
    auto_buf struct buf in = {0}, out = {0};

    if (read_text(path, &in) < 0)
        return 1;
    int r = make(buf_text(&in), &out);
    fputs(buf_text(&out), stdout);
    return r < 0;
}

int main(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
    auto_free char *folder = mem_printf("%s/tests/data/qemu-args", srcdir);
    unsigned cases = 0, failed = 0;
    DIR *dir;

    if (argc > 1)
        return show(argv[1]);
    dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        auto_buf struct buf in = {0}, want = {0}, out = {0};

        if (!str_ends(entry->d_name, ".xml"))
            continue;
        auto_free char *stem = mem_strndup(entry->d_name, strlen(entry->d_name) - strlen(".xml"));
        auto_free char *xml = mem_printf("%s/%s.xml", folder, stem),
                       *args = mem_printf("%s/%s.args", folder, stem);
        cases++;
        if (read_text(xml, &in) < 0 || read_text(args, &want) < 0) {
            printf("%s: can't be read, or has no .args\n", stem);
            failed++;
            continue;
        }
        make(buf_text(&in), &out);
        if (!str_eq(buf_text(&out), buf_text(&want))) {
            printf("%s: becomes something else: %s %s\n", stem, argv[0], xml);
            failed++;
        }
    }
    if (dir)
        closedir(dir);
    printf("%u of %u definitions become their command lines\n", cases - failed, cases);
    return failed || !cases;
}
