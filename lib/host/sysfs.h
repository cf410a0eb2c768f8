/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sysfs: small files of sysfs and procfs, below a root ("" for the real ones). For lib/host only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/mem.h"

enum { SYSFS_PATH_MAX = 1024, SYSFS_TEXT_MAX = 4096 };

/* First line of root/path into text, cut at size; its length or -errno. */
ssize_t sysfs_read(char *text, size_t size, const char *root, const char *format, ...) PRINTF(4, 5);
/* The number that the file begins with ("32768K" gives 32768): 0 or -errno. */
int sysfs_number(int64_t *ret, const char *root, const char *format, ...) PRINTF(3, 4);
/* A list of numbers "0-3,7": 0 or -errno. */
int sysfs_list(struct bitmap *ret, const char *root, const char *format, ...) PRINTF(3, 4);
bool sysfs_exists(const char *root, const char *format, ...) PRINTF(2, 3);
/* A number into a file: 0 or -errno. */
int sysfs_write(uint64_t value, const char *root, const char *format, ...) PRINTF(3, 4);

/* No kernel knows more CPUs or nodes; bounds what a file can make us allocate. */
enum { SYSFS_ID_MAX = 32768 };
#define SYSFS_CPU "/sys/devices/system/cpu"
#define SYSFS_NODE "/sys/devices/system/node"
