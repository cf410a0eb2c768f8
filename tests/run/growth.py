#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""growth: the cost of a call does not grow with the number of domains. Calls about one domain, or about those that run, are made to
a daemon with few domains and to one with many, both on valgrind's processor, which counts instructions: the same on any machine
under any load."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time

from lab import LIB_VERSION, Private, Suite, Wire, xdr_string

FEW, MANY, ROUNDS = 20, 4000, 60
ACTIVE = 1  # VIR_CONNECT_LIST_DOMAINS_ACTIVE
NUM_OF_DOMAINS, DEFINE_XML, GET_XML, GET_INFO, LOOKUP_BY_NAME, LOOKUP_BY_UUID = 51, 11, 14, 16, 23, 24
NUM_OF_DEFINED, GET_STATE, LIST_ALL, BULK_STATS = 25, 212, 273, 344

DOMAIN = """<domain type='qemu'><name>d{0}</name><uuid>c0de0000-0000-4000-8000-{0:012d}</uuid><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""


def uuid(number):
    return bytes.fromhex(f"c0de000000004000800{number:013d}")


def calls(number):
    """What one round asks about one domain."""
    name = f"d{number}"
    domain = xdr_string(name) + uuid(number) + struct.pack(">i", -1)
    flags = struct.pack(">I", 0)
    return {
        "library version": (LIB_VERSION, b""),
        "lookup by name": (LOOKUP_BY_NAME, xdr_string(name)),
        "lookup by UUID": (LOOKUP_BY_UUID, uuid(number)),
        "state": (GET_STATE, domain + flags),
        "info": (GET_INFO, domain),
        "description": (GET_XML, domain + flags),
        "define": (DEFINE_XML, xdr_string(DOMAIN.format(number))),
        "statistics of one": (BULK_STATS, struct.pack(">I", 1) + domain + struct.pack(">II", 0, 0)),
        "number of running ones": (NUM_OF_DOMAINS, b""),
        "number of others": (NUM_OF_DEFINED, b""),
        "list of running ones": (LIST_ALL, struct.pack(">iI", 1, ACTIVE)),
    }


class Counted:
    """A daemon on valgrind with so many domains; `instructions` are those of its whole life."""

    def __init__(self, domains):
        self.private = Private()
        config = os.path.join(self.private.home, "config", "libvirt", "qemu")
        os.makedirs(config)
        for number in range(domains):
            with open(os.path.join(config, f"d{number}.xml"), "w") as file:
                file.write(DOMAIN.format(number))
        self.out = os.path.join(self.private.home, "instructions")

    def instructions(self, asked):
        """asked: names of calls that are made ROUNDS times each."""
        self.private.start("virtqemud", under=["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + self.out])
        wire = Wire(self.private.socket("virtqemud"), timeout=60).open()
        reply = wire.call(LIST_ALL, struct.pack(">iI", 0, 0))
        assert reply and reply[5] == 0, reply
        time.sleep(1)  # what it looks at by itself after the start
        for number in range(ROUNDS):
            table = calls(number % FEW)
            for name in asked:
                reply = wire.call(*table[name])
                assert reply and reply[5] == 0, (name, reply)
        wire.close()
        assert self.private.stop("virtqemud") == 0, self.private.log("virtqemud")
        with open(self.out) as out:
            return int(re.search(r"^(?:summary|totals): (\d+)", out.read(), re.MULTILINE)[1])

    def cost(self, asked):
        return (self.instructions(asked) - self.nothing) / ROUNDS

    def __enter__(self):
        self.instructions([])  # writes the index
        self.nothing = self.instructions([])
        return self

    def __exit__(self, *_):
        self.private.close()


def main():
    suite = Suite()
    if not shutil.which("valgrind"):
        print("skip growth - no valgrind here")
        return 0
    with Counted(FEW) as few, Counted(MANY) as many:
        def compare(*asked):
            small, large = few.cost(asked), many.cost(asked)
            assert large < small * 1.2 + 500, f"{small:.0f} instructions beside {FEW} domains, {large:.0f} beside {MANY}"

        # small calls first: what grows among them must not hide behind the others
        heavy = ("description", "define", "statistics of one")
        suite.run("growth: small calls", compare, *(name for name in calls(0) if name not in heavy))
        suite.run("growth: definitions", compare, *heavy)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
