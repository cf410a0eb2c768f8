/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/timer.h"

#include <time.h>

#include "loop/fiber.h"

/* A tenth of the duration, within these: many timers then share one wake-up of the machine. */
enum { ACCURACY_MIN = 1000, ACCURACY_MAX = 250000 };

static void arm(struct timer *timer, uint64_t usec)
{
    sd_event_source_set_time_relative(timer->source, usec);
    sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

static int timer_due(sd_event_source *source, uint64_t usec, void *arg)
{
    struct timer *timer = arg;

    if (timer->every)
        arm(timer, timer->every);
    timer->due(timer->arg);
    return 0;
}

static void start(struct timer *timer, uint64_t usec, uint64_t every, void (*due)(void *arg), void *arg)
{
    uint64_t accuracy = usec / 10;

    timer->due = due;
    timer->arg = arg;
    timer->every = every;
    accuracy = accuracy < ACCURACY_MIN ? ACCURACY_MIN : accuracy > ACCURACY_MAX ? ACCURACY_MAX : accuracy;
    /* fails without memory only */
    if (!timer->source && sd_event_add_time_relative(loop_event(), &timer->source, CLOCK_MONOTONIC, usec,
                                                     accuracy, timer_due, timer) < 0)
        abort();
    sd_event_source_set_time_accuracy(timer->source, accuracy);
    arm(timer, usec);
}

void timer_once(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg)
{
    start(timer, usec, 0, due, arg);
}

void timer_every(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg)
{
    start(timer, usec, usec, due, arg);
}

void timer_stop(struct timer *timer)
{
    if (timer->source)
        sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

bool timer_running(const struct timer *timer)
{
    int enabled = SD_EVENT_OFF;

    return timer->source && sd_event_source_get_enabled(timer->source, &enabled) >= 0 &&
           enabled != SD_EVENT_OFF;
}

void timer_done(struct timer *timer)
{
    timer->source = sd_event_source_disable_unref(timer->source);
}
