/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: rows of <input>; a USB tablet is what a machine gets when the bus isn't said. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/input.h"

const char *const input_type_names[] = {"", "mouse", "tablet", "keyboard", "passthrough", "evdev", NULL};
const char *const input_bus_names[] = {"", "ps2", "usb", "xen", "virtio", "none", NULL};

static int input_finish(struct xt_parse *parse, void *object)
{
    struct input *input = object;

    if (!input->type)
        return err_set(parse->err, ERR_XML_ERROR, "missing type attribute of <input>");
    if (input->bus == INPUT_BUS_PS2 && input->type != INPUT_MOUSE && input->type != INPUT_KEYBOARD)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "ps2 bus does not support %s input device",
                       input_type_names[input->type]);
    if (input->bus)
        return 0;
    switch (input->type) {
    case INPUT_MOUSE:
    case INPUT_KEYBOARD:
        input->bus = INPUT_BUS_PS2;
        break;
    case INPUT_TABLET:
        input->bus = INPUT_BUS_USB;
        break;
    case INPUT_PASSTHROUGH:
        input->bus = INPUT_BUS_VIRTIO;
        break;
    default:
        break;
    }
    return 0;
}

/* clang-format off */
#define T struct input
XT_DEFINE(input_table, "input", input_finish,
    XT_ENUM(T, type, "type", input_type_names, XT_ABI),
    XT_ENUM(T, bus, "bus", input_bus_names, XT_ABI),
    XT_ENUM(T, model, "model", virtio_model_names, XT_ABI),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_UNION(T, type, 0,
        XT_ARM(INPUT_PASSTHROUGH,
            XT_GROUP("source", 0, XT_ATTR(T, evdev, "evdev", str, 0))),
        XT_ARM(INPUT_EVDEV,
            XT_GROUP("source", 0,
                XT_ATTR(T, evdev, "dev", str, 0),
                XT_ATTR(T, grab, "grab", str, 0),
                XT_ATTR(T, grab_toggle, "grabToggle", str, 0),
                XT_ATTR(T, repeat, "repeat", onoff, 0)))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T
