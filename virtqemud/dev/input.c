/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: mice, tablets, keyboards, and event devices of the host. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static const char *virtio_name(const struct input *input)
{
    switch (input->type) {
    case INPUT_MOUSE:
        return "virtio-mouse";
    case INPUT_TABLET:
        return "virtio-tablet";
    case INPUT_KEYBOARD:
        return "virtio-keyboard";
    default:
        return "virtio-input-host";
    }
}

static const char *usb_name(const struct input *input)
{
    static const char *const names[INPUT_TYPE_MAX] = {
        [INPUT_MOUSE] = "usb-mouse", [INPUT_TABLET] = "usb-tablet", [INPUT_KEYBOARD] = "usb-kbd"};
    return names[input->type];
}

static void evdev(struct build *build, const struct input *input)
{
    auto_props struct props props = {0};

    props_string(&props, "qom-type", "input-linux");
    props_string(&props, "id", input->info.alias);
    props_string(&props, "evdev", input->evdev);
    props_tristate(&props, "repeat", input->repeat);
    if (str_eq(input->grab, "all"))
        props_bool(&props, "grab_all", true);
    props_string(&props, "grab-toggle", input->grab_toggle);
    build_json(build, "-object", &props);
}

static int input_command(struct build *build, void *device, struct err *err)
{
    const struct input *input = device;
    auto_props struct props props = {0};

    if (input->type == INPUT_EVDEV) {
        evdev(build, input);
        return 0;
    }
    switch (input->bus) {
    case INPUT_BUS_USB:
        if (!usb_name(input))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "input type '%s' has no USB device",
                           input_type_names[input->type]);
        props_string(&props, "driver", usb_name(input));
        break;
    case INPUT_BUS_VIRTIO:
        props_string(&props, "driver", virtio_driver(build, virtio_name(input), input->model));
        if (input->type == INPUT_PASSTHROUGH)
            props_string(&props, "evdev", input->evdev);
        props_virtio(&props, &input->virtio);
        break;
    default:
        return 0; /* a PC has its ps2 ports anyhow */
    }
    if (props_info(build, &props, &input->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_input = {.name = "input", DEV_LIST(inputs), .command = input_command};
