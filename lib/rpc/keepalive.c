/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keepalive: a ping is answered at once, whoever asks, also before authentication and over all limits. */
#include "protocol/keepalive.h"

#include "rpc/core.h"

static void keepalive_send(struct conn *conn, int procedure)
{
    struct frame_header header = {.program = keepalive_program.number,
                                  .version = keepalive_program.version,
                                  .procedure = procedure,
                                  .type = FRAME_MESSAGE};

    if (conn_queued(conn) < QUEUE_HIGH)
        conn_send(conn, &header, NULL, 0);
}

bool keepalive_frame(struct conn *conn, const struct frame_header *header)
{
    if (header->program != keepalive_program.number)
        return false;
    if (header->type == FRAME_MESSAGE && header->procedure == KEEPALIVE_PING)
        keepalive_send(conn, KEEPALIVE_PONG);
    return true;
}

void keepalive_ping(struct conn *conn)
{
    keepalive_send(conn, KEEPALIVE_PING);
}
