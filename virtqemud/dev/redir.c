/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Redir: USB devices that clients hand over, and hubs. */
#define ERR_FROM ERR_FROM_QEMU

#include <stdio.h>

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int redirdev_prepare(struct req *rq, struct build *build, void *device)
{
    struct redirdev *redirdev = device;

    return prepare_chardev(rq, build, redirdev->info.alias, &redirdev->source, NULL);
}

/* "class:vendor:product:version:allow|...", -1 for any */
static void filter_props(const struct redirfilter *filter, struct props *props)
{
    auto_buf struct buf text = {0};

    for (size_t i = 0; filter && i < filter->n_rules; i++) {
        const struct redirfilter_rule *rule = filter->rules[i];
        unsigned major = 0, minor = 0;

        if (i)
            buf_add_char(&text, '|');
        buf_printf(&text, rule->usb_class.set ? "0x%02X:" : "-1:", rule->usb_class.value);
        buf_printf(&text, rule->vendor.set ? "0x%04X:" : "-1:", rule->vendor.value);
        buf_printf(&text, rule->product.set ? "0x%04X:" : "-1:", rule->product.value);
        if (rule->version && sscanf(rule->version, "%2x.%2x", &major, &minor) == 2)
            buf_printf(&text, "0x%04X:", major << 8 | minor);
        else
            buf_add_string(&text, "-1:");
        buf_add_char(&text, rule->allow == TRI_YES ? '1' : '0');
    }
    if (text.length)
        props_string(props, "filter", buf_text(&text));
}

static int redirdev_command(struct build *build, void *device, struct err *err)
{
    const struct redirdev *redirdev = device;
    auto_props struct props props = {0};
    const char *id = arena_printf(build->arena, "char%s", redirdev->info.alias);

    if (build_chardev(build, id, &redirdev->source, err) < 0)
        return -1;
    props_string(&props, "driver", "usb-redir");
    props_string(&props, "chardev", id);
    filter_props(build->domain->devices.redirfilter, &props);
    props_number(&props, "bootindex", redirdev->info.boot_order);
    if (props_info(build, &props, &redirdev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int hub_command(struct build *build, void *device, struct err *err)
{
    const struct hub *hub = device;
    auto_props struct props props = {0};

    if (!str_eq(hub->type, "usb"))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "hub type %s not supported", hub->type);
    props_string(&props, "driver", "usb-hub");
    if (props_info(build, &props, &hub->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_redirdev = {
    .name = "redirdev", DEV_LIST(redirdevs), .prepare = redirdev_prepare, .command = redirdev_command};
const struct dev_kind kind_hub = {.name = "hub", DEV_LIST(hubs), .command = hub_command};
