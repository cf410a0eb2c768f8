/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migratable: a machine's text for another libvirt, which may be older. What each of them fills in by itself
 * is left out, as old ones refuse what they don't know.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct domain;

/* DOMAIN_FORMAT_* beside the migratable and the secure ones, which are implied. */
void migratable_format(struct buf *text, struct arena *arena, const struct domain *domain, unsigned flags);
