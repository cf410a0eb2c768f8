/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Agent: the program inside a guest that does what QEMU can't (qemu-ga, on the channel
 * org.qemu.guest_agent.0). The guest is not trusted and may be gone at any moment, so there is a connection
 * only while a command runs: what a guest sends at other times reaches nobody. QEMU serves one connection at
 * a time; calls for one guest must not overlap (its owner keeps a job for them).
 */
#pragma once

#include "loop/fiber.h"
#include "virtqemud/json.h"

/* How long an agent may take to show that it is there, when the caller has no opinion. */
#define AGENT_SYNC_TIMEOUT SECONDS(5)

struct agent_command {
    const char *socket; /* path of the channel's socket on the host */
    const char *whose;  /* "domain 'a'", for messages */
    const char *name;   /* "guest-ping", for messages; lives as long as the call */
    const char *text; /* the whole command, one JSON object: json_text(arena, "{'execute': 'guest-ping'}") */
    uint64_t usec;    /* for the answer, after the agent was found alive */
    bool ends_guest;  /* the guest going away is an answer too (shutdown, suspend) */
};

/*
 * Run one command. *ret (may be NULL) becomes the agent's whole answer {"return": ...}, to be put. Negative
 * with rq->err: ERR_AGENT_UNRESPONSIVE (not there, or too slow), ERR_AGENT_UNSYNCED, or ERR_INTERNAL_ERROR
 * with the agent's own words.
 */
int agent_run(struct req *rq, const struct agent_command *command, struct json_object **ret);
