/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Enum: the words of a closed set. `const char *const disk_bus_names[] = {"", "ide", "virtio", NULL};` stands
 * beside the enum; index 0 is "not given" (or a real word where the set has no such value).
 */
#pragma once

/* Index of name, or -1; NULL and "" are never found. */
int enum_find(const char *const *names, const char *name);
/* The word; "" for a value that is not in the table. */
const char *enum_name(const char *const *names, int value);
int enum_count(const char *const *names);
