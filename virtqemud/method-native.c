/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Method that shows what a definition becomes: QEMU's command line. Nothing is made on the host. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/command.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"

static int m_to_native(struct req *rq, struct client *client,
                       const struct remote_connect_domain_xml_to_native_in *in,
                       struct remote_connect_domain_xml_to_native_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    auto_buf struct buf text = {0};
    struct domain *domain;
    struct build *build;
    int r;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (!str_eq(in->native_format, "qemu-argv"))
        return err_set(&rq->err, ERR_INVALID_ARG, "unsupported config type %s", in->native_format);
    domain = definition_parse(rq, &rq->arena, in->domain_xml, DEFINITION_NEW);
    if (!domain || qemu_caps_get(rq, domain->devices.emulator, &caps) < 0)
        return -1;
    build = build_new(&rq->arena, domain, caps);
    build->id = -1;
    build->lib_dir = arena_printf(&rq->arena, "%s/domain--1-%.20s", qemud.dirs.lib, domain->name);
    build->channel_dir = arena_printf(&rq->arena, "%s/domain--1-%.20s", qemud.dirs.channel, domain->name);
    build->sandbox = qemud.conf.seccomp_sandbox;
    build->privileged = qemud.privileged;
    build->validate_only = true;
    r = build_prepare(rq, build);
    if (r == 0)
        r = build_command(rq, build);
    if (r == 0) {
        command_format(&text, command_env(&rq->arena, build->lib_dir, build->env), build->argv, " ");
        out->native_config =
            arena_strndup(&rq->arena, text.data, text.length - 1); /* virsh adds the newline */
    }
    build_undo(build);
    return r;
}

const struct method native_methods[] = {
    METHOD(remote, CONNECT_DOMAIN_XML_TO_NATIVE, m_to_native),
    {0},
};
