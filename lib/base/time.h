/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time, in microseconds. Durations and deadlines are CLOCK_MONOTONIC; what people and files see is realtime.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t time_monotonic(void);
uint64_t time_real(void);

/* "2026-11-20 12:00:00.123+0000", always UTC. text has room for TIME_TEXT bytes. */
enum { TIME_TEXT = 40 };
void time_format(uint64_t real, char text[TIME_TEXT]);
