/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Value files: UUID.base64 beside UUID.xml, as libvirt writes it; or, with the key encrypt_values, UUID.cred,
 * the same text as a systemd credential that only this host can read. One of them at a time; reading takes
 * what is there.
 */
#pragma once

#include "loop/req.h"
#include "base/vault.h"

/* The value; length 0 and mapped 0: there is none. May wait when it is encrypted. */
int value_file_read(struct req *rq, const char *uuid, struct vault *ret);
/* Replace what is there. May wait when it is to be encrypted. */
int value_file_write(struct req *rq, const char *uuid, const struct vault *value);
/* Fine when there is none. */
int value_file_remove(const char *uuid, struct err *err);
