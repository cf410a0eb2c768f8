/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: mouse, tablet, keyboard or a host's event device. */
#pragma once

#include "model/domain/device.h"

enum input_type {
    INPUT_UNSET,
    INPUT_MOUSE,
    INPUT_TABLET,
    INPUT_KEYBOARD,
    INPUT_PASSTHROUGH,
    INPUT_EVDEV,
    INPUT_TYPE_MAX
};
extern const char *const input_type_names[];

enum input_bus {
    INPUT_BUS_UNSET,
    INPUT_BUS_PS2,
    INPUT_BUS_USB,
    INPUT_BUS_XEN,
    INPUT_BUS_VIRTIO,
    INPUT_BUS_NONE,
    INPUT_BUS_MAX
};
extern const char *const input_bus_names[];

struct input {
    enum input_type type;
    enum input_bus bus;
    enum virtio_model model;
    struct virtio_options virtio;
    char *evdev; /* passthrough: source/@evdev; evdev: source/@dev */
    char *grab, *grab_toggle;
    enum tristate repeat; /* on, off */
    struct device_info info;
};
XT_DECLARE(input_table, struct input);
