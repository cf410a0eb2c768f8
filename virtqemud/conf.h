/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conf: qemu.conf, the settings of QEMU itself; names, defaults and meaning are libvirt's. */
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "virtqemud/qemud.h"

extern const struct conf_key qemu_conf_keys[];

/* Fill *ret from FILE (which may be missing); as it was when it fails. Text lives in the arena. */
int qemu_conf_read(struct arena *arena, const char *path, bool privileged, struct qemu_conf *ret,
                   struct err *err);
