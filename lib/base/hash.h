/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hash: SipHash-1-3, for hash tables whose keys come from outside and for checksums of our own cache files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t length, const uint64_t key[2]);
/* With a key that differs in each process. */
uint64_t hash_keyed(const void *data, size_t length);
