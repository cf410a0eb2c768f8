/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vault: secret bytes, in pages of their own that are neither swapped out nor part of a core dump,
 * and overwritten before these are given back. The zero value is empty.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct vault {
    char *data;
    size_t length;
    size_t mapped; /* bytes of the pages; 0: none */
};

/* Room for that many bytes; length is 0. What was in it is gone. */
void vault_reserve(struct vault *vault, size_t room);
void vault_set(struct vault *vault, const void *data, size_t length);
/* Hand over; `from` is empty afterwards. */
void vault_move(struct vault *to, struct vault *from);
void vault_done(struct vault *vault);
#define auto_vault CLEANUP(vault_done)
