/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel: the guest agent's channel of a running machine. */
#pragma once

#include "virtqemud/vm.h"

/* Path of the agent's socket; NULL with rq->err set when the machine has none, or nobody listens in the guest. */
const char *channel_agent_socket(struct req *rq, const struct vm *vm);
bool channel_agent_connected(const struct vm *vm);
