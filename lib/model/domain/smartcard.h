/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Smartcard: a card reader in the guest. */
#pragma once

#include "model/domain/chardev.h"

enum smartcard_mode {
    SMARTCARD_UNSET,
    SMARTCARD_HOST,
    SMARTCARD_HOST_CERTIFICATES,
    SMARTCARD_PASSTHROUGH,
    SMARTCARD_MODE_MAX
};
extern const char *const smartcard_mode_names[];

struct smartcard_certificate {
    char *file;
};
struct smartcard {
    enum smartcard_mode mode;
    struct smartcard_certificate **certificates; /* three of them */
    size_t n_certificates;
    char *database;
    struct chardev_source source; /* passthrough */
    struct device_info info;
};
XT_DECLARE(smartcard_table, struct smartcard);
