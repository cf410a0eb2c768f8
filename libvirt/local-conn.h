/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to drivers in this process (local.c), for those who open connections and make calls. */
#pragma once

#include "libvirt/api.h"
#include "libvirt/local.h"

/* Does a driver in this process answer that URI? */
bool local_wanted(const struct uri *uri);
/* Make conn one of its connections: negative with err set. */
int local_open(virConnectPtr conn, const struct uri *uri, virConnectAuthPtr auth, struct err *err);
void local_close(virConnectPtr conn); /* fine on any connection */
/* As call_run(); LOCAL_NO_METHOD: the driver can't do that. */
int local_run(struct call *call, const void *in, void *out);
