/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <clock>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/clock.h"

#include <inttypes.h>

#include "base/str.h"

const char *const clock_offset_names[] = {"", "utc", "localtime", "variable", "timezone", "absolute", NULL};
const char *const clock_basis_names[] = {"", "utc", "localtime", NULL};
const char *const timer_name_names[] = {"",    "platform", "pit",         "rtc",       "hpet",
                                        "tsc", "kvmclock", "hypervclock", "armvtimer", NULL};
const char *const timer_tick_names[] = {"", "delay", "catchup", "merge", "discard", NULL};
const char *const timer_track_names[] = {"", "boot", "guest", "wall", "realtime", NULL};
const char *const timer_mode_names[] = {"", "auto", "native", "emulate", "paravirt", "smpsafe", NULL};

/* ---- the adjustment ---- */

static int adjustment_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct clock_adjustment *adjustment = value;
    int r = 0;

    adjustment->reset = str_eq(text, "reset");
    if (!adjustment->reset)
        r = str_to_i64(text + (*text == '+'), &adjustment->seconds);
    adjustment->set = r == 0;
    return r;
}

static void adjustment_format(struct buf *text, const void *value, const void *aux)
{
    const struct clock_adjustment *adjustment = value;

    if (adjustment->reset)
        buf_add_string(text, "reset");
    else
        buf_printf(text, "%" PRId64, adjustment->seconds);
}

static bool adjustment_given(const void *value)
{
    return ((const struct clock_adjustment *)value)->set;
}

static bool adjustment_equal(const void *a, const void *b)
{
    const struct clock_adjustment *x = a, *y = b;

    return x->set == y->set && x->reset == y->reset && x->seconds == y->seconds;
}

const struct xt_type xt_adjustment = {.name = "seconds or 'reset'",
                                      .expect = "Expected seconds or 'reset'",
                                      .size = sizeof(struct clock_adjustment),
                                      .parse = adjustment_parse,
                                      .format = adjustment_format,
                                      .given = adjustment_given,
                                      .equal = adjustment_equal};

/* ---- the element ---- */

/* clang-format off */
#define M struct timer
XT_DECLARE(timer_table, M);
XT_DEFINE(timer_table, "timer", NULL,
    XT_ENUM(M, name, "name", timer_name_names, XT_REQUIRED | XT_ABI),
    XT_ATTR(M, present, "present", yesno, XT_ABI),
    XT_ENUM(M, tick, "tickpolicy", timer_tick_names, 0),
    XT_ENUM(M, track, "track", timer_track_names, 0),
    XT_ATTR(M, frequency, "frequency", u64, XT_ABI),
    XT_ENUM(M, mode, "mode", timer_mode_names, XT_ABI),
    XT_GROUP("catchup", 0,
        XT_ATTR(M, catchup_threshold, "threshold", opt_u64, 0),
        XT_ATTR(M, catchup_slew, "slew", opt_u64, 0),
        XT_ATTR(M, catchup_limit, "limit", opt_u64, 0)));

#define T struct clock
XT_DEFINE_ROWS(clock_table, "clock", NULL,
    XT_ENUM(T, offset, "offset", clock_offset_names, 0),
    XT_UNION(T, offset, 0,
        XT_ARM(CLOCK_UTC, XT_ATTR(T, adjustment, "adjustment", adjustment, 0)),
        XT_ARM(CLOCK_LOCALTIME, XT_ATTR(T, adjustment, "adjustment", adjustment, 0)),
        XT_ARM(CLOCK_VARIABLE,
            XT_ATTR(T, adjustment, "adjustment", adjustment, 0),
            XT_ENUM(T, basis, "basis", clock_basis_names, 0)),
        XT_ARM(CLOCK_TIMEZONE, XT_ATTR(T, timezone, "timezone", str, XT_REQUIRED)),
        XT_ARM(CLOCK_ABSOLUTE, XT_ATTR(T, start, "start", opt_u64, XT_REQUIRED))),
    XT_LIST(T, timers, n_timers, "timer", timer_table, XT_ABI));
/* clang-format on */

static int settle_timer(const struct timer *timer, struct err *err)
{
    bool catchup = timer->catchup_threshold.set || timer->catchup_slew.set || timer->catchup_limit.set;

    if (catchup && timer->tick != TICK_CATCHUP)
        return err_set(err, ERR_XML_ERROR,
                       "setting of timer catchup policies is only supported with tickpolicy='catchup'");
    return 0;
}

int clock_settle(struct clock *clock, struct err *err)
{
    if (!clock->offset)
        clock->offset = CLOCK_UTC;
    /* utc with a number of seconds is another way to write variable */
    if (clock->adjustment.set && !clock->adjustment.reset && clock->offset != CLOCK_VARIABLE) {
        clock->basis = clock->offset == CLOCK_LOCALTIME ? CLOCK_BASIS_LOCALTIME : CLOCK_BASIS_UTC;
        clock->offset = CLOCK_VARIABLE;
    }
    if (clock->offset == CLOCK_VARIABLE) {
        if (clock->adjustment.reset)
            return err_set(err, ERR_XML_ERROR, "clock adjustment 'reset' doesn't go with offset 'variable'");
        clock->adjustment.set = true;
        if (!clock->basis)
            clock->basis = CLOCK_BASIS_UTC;
    }
    for (size_t i = 0; i < clock->n_timers; i++)
        if (settle_timer(clock->timers[i], err) < 0)
            return -1;
    return 0;
}

const struct timer *clock_timer(const struct clock *clock, enum timer_name name)
{
    for (size_t i = 0; i < clock->n_timers; i++)
        if (clock->timers[i]->name == name)
            return clock->timers[i];
    return NULL;
}
