#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every device kind for real: one row a device. Each row's machine starts (its processors stopped) in the real QEMU of this
host under a private virtqemud, and is then asked through its monitor, its command line, its live XML or the host whether
the device is there as the definition says.

    devices.py [NAME...]    only the rows whose names contain one of these words

As root it runs in a network namespace of its own: bridges, taps and macvtaps are the host's, and gone afterwards."""

import os
import sys

import lab

try:
    import libvirt
    import libvirt_qemu  # noqa: F401
except ImportError:
    print("skip devices - no python3-libvirt here")
    sys.exit(0)

from devicekinds import INTERFACES, CHARDEVS, THROTTLES, DISKS, OTHERS, GRAPHICS, UEFI
from devicelab import ROOT, run, try_row
from deviceplug import HOTPLUG
from devicetls import CONFIGURED, TLS, configure, prepare

ROWS = HOTPLUG + INTERFACES + CHARDEVS + THROTTLES + DISKS + OTHERS + GRAPHICS + UEFI


def main():
    if ROOT and not os.environ.get("VIREO_OWN_NET"):
        os.environ["VIREO_OWN_NET"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", "sh", "-c", "mount -t sysfs sysfs /sys && exec \"$@\"", "sh", sys.executable,
                              os.path.abspath(__file__), *sys.argv[1:]])
    if ROOT:
        run("ip", "link", "set", "lo", "up")
        run("ip", "route", "add", "224.0.0.0/4", "dev", "lo")
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    beat = libvirt.virEventAddTimeout(200, lambda *_: None, None)  # so that waiting for events ends
    assert beat >= 0
    words = sys.argv[1:]
    suite = lab.Suite()
    for rows, before in ((ROWS, None), (TLS, prepare), (CONFIGURED, configure)):
        rows = [row for row in rows if not words or any(word in row.name for word in words)]
        if not rows:
            continue
        with lab.Private() as session:
            if before:
                before(session)
            session.start("virtsecretd")
            session.start("virtqemud")
            for row in rows:
                suite.run(row.name, try_row, session, row)
                session.alive("virtqemud")
    suite.done()


main()
