/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Peer: a connection to another daemon of ours (virtqemud asks virtnetworkd for a bridge), opened when first
 * needed. Calls are typed and run in the caller's fiber.
 */
#pragma once

#include "loop/fiber.h"
#include "rpc/dispatch.h"

struct peer;

/* For daemons that live below a folder of their own: whoever listens in `dir` comes before the system's or
 * the session's daemon. dir must stay. */
void peer_prefer_dir(const char *dir);

/*
 * The daemon's own connection to the daemon that owns a subsystem; made on first use, kept open, made anew
 * after it broke. Negative with rq->err set when it can't be reached (names the socket and the unit to
 * enable).
 */
int peer_of_owner(struct req *rq, enum owner owner, bool privileged, struct peer **ret);

/*
 * Call procedure (e.g. REMOTE_NETWORK_LOOKUP_BY_NAME) of the remote program; in and out are its structs
 * (struct remote_network_lookup_by_name_in/_out); what out points to lives in rq->arena. Returns 0, or
 * negative with rq->err set: the peer's own error, or that it didn't answer within usec.
 */
int peer_call(struct req *rq, struct peer *peer, int procedure, const void *in, void *out, uint64_t usec);
