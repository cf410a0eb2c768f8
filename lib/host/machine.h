/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machine: who this host is. Read once and remembered by the callers that need it often. Functions return 0
 * or -errno unless said.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * The name that libvirt reports: the kernel's, and when that one has no dot and isn't "localhost", the
 * canonical name that the resolver gives it (which may ask the network: run it on a worker). The caller
 * frees.
 */
char *host_name_full(void);
/* The kernel's name alone; the caller frees. */
char *host_name_short(void);
/*
 * The host's UUID: `configured` (host_uuid of the conf file) if valid, else DMI's product_uuid, else
 * machine-id. For source "machine-id" only the latter. -ENODATA: none of them is usable.
 */
int host_uuid(const char *root, const char *configured, const char *source, uint8_t ret[16]);
/* The id of this boot; static storage of the caller. */
int host_boot_id(const char *root, char ret[37]);
/* <sysinfo type='smbios'> of the host from sysfs's dmi/id. -ENOENT where there is none. */
int host_sysinfo(const char *root, struct buf *xml);
