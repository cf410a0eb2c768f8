/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secret: values from virtsecretd on their way to QEMU. They are fetched while the machine is prepared and go
 * through a pipe that QEMU inherits (or its monitor, for a device that is plugged): never over a command
 * line, a file or a log.
 */
#pragma once

#include "virtqemud/dev/dev.h"

enum secret_usage { SECRET_VOLUME = 1, SECRET_CEPH = 2, SECRET_ISCSI = 3, SECRET_TLS = 4, SECRET_VTPM = 5 };

/*
 * Fetch the secret and keep it for `owner` (any address that names the use). encode: QEMU's driver wants the
 * value in base64. Waits. Negative with rq->err set.
 */
int secret_prepare(struct req *rq, struct build *build, const void *owner, const struct secret_ref *ref,
                   enum secret_usage usage, bool encode);
/* The -object for it; its id, or NULL when nothing was prepared for this owner. */
const char *secret_object(struct build *build, const void *owner, const char *id);
