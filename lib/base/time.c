/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec at;

    clock_gettime(clock, &at);
    return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

uint64_t time_monotonic(void)
{
    return now(CLOCK_MONOTONIC);
}

uint64_t time_real(void)
{
    return now(CLOCK_REALTIME);
}

void time_format(uint64_t real, char text[TIME_TEXT])
{
    time_t seconds = (time_t)(real / 1000000);
    struct tm parts;
    size_t length;

    gmtime_r(&seconds, &parts);
    length = strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(text + length, TIME_TEXT - length, ".%03u+0000", (unsigned)(real / 1000 % 1000));
}
