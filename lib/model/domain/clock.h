/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clock: what time a machine starts with, and its timers. */
#pragma once

#include "xml/xt.h"

enum clock_offset {
    CLOCK_UNSET,
    CLOCK_UTC,
    CLOCK_LOCALTIME,
    CLOCK_VARIABLE,
    CLOCK_TIMEZONE,
    CLOCK_ABSOLUTE,
    CLOCK_OFFSET_MAX
};
extern const char *const clock_offset_names[];

enum clock_basis { CLOCK_BASIS_UNSET, CLOCK_BASIS_UTC, CLOCK_BASIS_LOCALTIME, CLOCK_BASIS_MAX };
extern const char *const clock_basis_names[];

enum timer_name {
    TIMER_UNSET,
    TIMER_PLATFORM,
    TIMER_PIT,
    TIMER_RTC,
    TIMER_HPET,
    TIMER_TSC,
    TIMER_KVMCLOCK,
    TIMER_HYPERVCLOCK,
    TIMER_ARMVTIMER,
    TIMER_NAME_MAX
};
extern const char *const timer_name_names[];

enum timer_tick { TICK_UNSET, TICK_DELAY, TICK_CATCHUP, TICK_MERGE, TICK_DISCARD, TIMER_TICK_MAX };
extern const char *const timer_tick_names[];

enum timer_track { TRACK_UNSET, TRACK_BOOT, TRACK_GUEST, TRACK_WALL, TRACK_REALTIME, TIMER_TRACK_MAX };
extern const char *const timer_track_names[];

enum timer_mode {
    TIMER_MODE_UNSET,
    TIMER_AUTO,
    TIMER_NATIVE,
    TIMER_EMULATE,
    TIMER_PARAVIRT,
    TIMER_SMPSAFE,
    TIMER_MODE_MAX
};
extern const char *const timer_mode_names[];

struct timer {
    enum timer_name name;
    enum tristate present; /* yes, no */
    enum timer_tick tick;
    enum timer_track track;
    uint64_t frequency; /* Hz */
    enum timer_mode mode;
    struct opt_u64 catchup_threshold, catchup_slew, catchup_limit;
};

/* adjustment: seconds, or "reset" (set the offset back at each start; for utc and localtime). */
struct clock_adjustment {
    bool set, reset;
    int64_t seconds;
};
XT_TYPE(adjustment, struct clock_adjustment);

struct clock {
    enum clock_offset offset;
    struct clock_adjustment adjustment;
    enum clock_basis basis;
    char *timezone;
    struct opt_u64 start; /* Unix time */
    struct timer **timers;
    size_t n_timers;
};
XT_DECLARE_ROWS(clock_table, struct clock);

int clock_settle(struct clock *clock, struct err *err);
/* The timer of that name, or NULL. */
const struct timer *clock_timer(const struct clock *clock, enum timer_name name);
