/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bus: the system's D-Bus on the loop. */
#pragma once

#include <systemd/sd-bus.h>

/*
 * The system bus, connected when first asked for, and again when the connection was lost. Ask before each
 * use: the loop then looks at it before it sleeps. It stays the bus of this process. 0 or -errno.
 */
int bus_system(sd_bus **ret);
