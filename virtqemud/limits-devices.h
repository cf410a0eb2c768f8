/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that a machine's QEMU may open: those of qemu.conf, and those that its definition names. */
#pragma once

struct domain;

/* Paths, each behind a letter: "r" read only, "w" both; NULL at the end. The caller frees each and the list.
 */
char **limits_devices(const struct domain *domain);
