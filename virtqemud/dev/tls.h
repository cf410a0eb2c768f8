/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tls: the credentials object of an encrypted connection of QEMU's, as qemu.conf has it for that kind. */
#pragma once

#include "virtqemud/dev/secret.h"
#include "virtqemud/qemud.h"

/* The password of its key, when it has one, for `owner` (any address that names the use). Waits; rq->err. */
int tls_prepare(struct req *rq, struct build *build, const void *owner, const struct qemu_tls *tls);
/* The -objects; the id of the credentials. name: of the secret ("NAME-secret0"). */
const char *tls_object(struct build *build, const void *owner, const struct qemu_tls *tls, const char *id,
                       const char *name, bool server);
