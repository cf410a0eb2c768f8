/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/bus.h"

#include "loop/loop.h"

int bus_system(sd_bus **ret)
{
    static sd_bus *bus;
    sd_event *event = loop_event();
    int r;

    if (!bus || sd_bus_is_open(bus) <= 0) {
        bus = sd_bus_close_unref(bus);
        r = sd_bus_open_system(&bus);
        if (r >= 0)
            r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0) {
            bus = sd_bus_close_unref(bus);
            return r;
        }
    }
    *ret = bus;
    return 0;
}
