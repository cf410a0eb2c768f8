/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Redirdev: a USB device that a client hands over; redirfilter says which ones; and the USB hub. */
#pragma once

#include "model/domain/chardev.h"

struct redirdev {
    char *bus; /* usb */
    struct chardev_source source;
    struct device_info info;
};
XT_DECLARE(redirdev_table, struct redirdev);

struct redirfilter_rule {
    struct opt_u32 usb_class, vendor, product; /* not set: any */
    char *version;                             /* "2.00"; NULL: any */
    enum tristate allow;                       /* yes, no */
};
struct redirfilter {
    struct redirfilter_rule **rules;
    size_t n_rules;
};
XT_DECLARE(redirfilter_table, struct redirfilter);

struct hub {
    char *type; /* usb */
    struct device_info info;
};
XT_DECLARE(hub_table, struct hub);
