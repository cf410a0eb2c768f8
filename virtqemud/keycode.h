/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keycode: keys by the numbers of several worlds, in QEMU's own ("qnum": XT scan code, 0x80 added for
 * extended keys). */
#pragma once

/* set: API_KEYCODE_SET_*. Negative: no such key, or a set that isn't known. */
int keycode_to_qnum(unsigned set, unsigned code);
const char *keycode_set_name(unsigned set); /* "linux"; "unknown" */
