/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Autostart: machines that start with the host. Those of every boot are links that the store keeps
 * (autostart/NAME.xml); those of the next boot alone are links beside them (NAME.xml.once).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* Once per boot: the mark is on a file system that ends with it. */
void autostart_begin(void);

bool autostart_is_once(struct arena *arena, const char *name);
int autostart_set_once(struct arena *arena, const char *name, bool on, struct err *err);
