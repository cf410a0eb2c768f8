/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admin: what the files of virt-admin share: the shell of virsh, and the connection to an admin socket. */
#pragma once

#include "libvirt/libvirt-admin.h"
#include "virsh/frame.h"

virAdmConnectPtr admin_conn(struct cmd *cmd);
/* The server of [server], its client of [client]; NULL after telling. Owned by cmd. */
virAdmServerPtr cmd_server(struct cmd *cmd);
virAdmClientPtr cmd_client(struct cmd *cmd, virAdmServerPtr server, unsigned long long *ret_id);
