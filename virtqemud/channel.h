/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel: the guest agent's channel of a running machine, and talking on it, one call at a time. */
#pragma once

#include "virtqemud/agent.h"
#include "virtqemud/vm.h"

bool channel_agent_connected(const struct vm *vm);
/*
 * Run one command of the guest's agent: command->name, text, usec and ends_guest are the caller's. *ret (may
 * be NULL) becomes its whole answer. Negative with rq->err set; ERR_ARGUMENT_UNSUPPORTED when the machine has
 * no agent's channel, ERR_AGENT_UNRESPONSIVE when nobody listens in the guest.
 */
int channel_agent_run(struct req *rq, struct vm *vm, struct agent_command *command, struct json_object **ret);
/*
 * The same for most calls: text is a static JSON text or one in the arena; *ret (may be NULL) becomes the
 * answer's "return". `usec` counts while nobody chose another time for this machine's agent.
 */
int channel_agent_ask(struct req *rq, struct vm *vm, const char *name, const char *text, uint64_t usec,
                      struct json_object **ret);
/* Seconds as users give them: -2 "wait", -1 and 0 the default. "Wait" still ends some day. */
uint64_t channel_agent_usec(int32_t seconds);
