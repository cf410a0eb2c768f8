#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stopped: fifty machines, and the QEMU of one of them stops answering (SIGSTOP). What others are asked costs what it did before,
counted in system calls; what is known of the stopped one is answered; what only its QEMU could do ends by a deadline, with an error
that says what is waited for, since when and by whom; and when QEMU goes on, everything is as it was."""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from lab import Private, Suite, Wire, xdr_string
from syscalls import BESIDE, list_all, trace

MACHINES, CALLS = 50, 20
CREATE_XML, GET_XML, GET_INFO, BULK_STATS, GET_STATE, DESTROY = 10, 14, 16, 344, 212, 12
PAUSED = 1  # VIR_DOMAIN_START_PAUSED
STATS_BLOCK = 1 << 5

MACHINE = """<domain type='qemu'><name>m{0}</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><controller type='usb' model='none'/><memballoon model='none'/>
<disk type='file'><driver type='raw'/><source file='{1}'/><target dev='vda' bus='virtio'/></disk></devices></domain>"""


class Fifty:
    def __init__(self, private):
        self.private = private
        self.wire = Wire(private.socket("virtqemud"), timeout=60).open()
        self.domains = [self.create(number) for number in range(MACHINES)]
        self.good, self.stuck = self.domains[0], self.domains[-1]
        self.before = self.costs()
        with open(os.path.join(private.run, "qemu", "run", f"m{MACHINES - 1}.pid")) as pid:
            self.qemu = int(pid.read())
        os.kill(self.qemu, signal.SIGSTOP)

    def call(self, procedure, payload):
        reply = self.wire.call(procedure, payload)
        assert reply and reply[5] == 0, reply
        return reply[6]

    def create(self, number):
        disk = self.private.file(f"disk{number}", "\0" * 65536)
        return self.call(CREATE_XML, xdr_string(MACHINE.format(number, disk)) + struct.pack(">I", PAUSED))

    def bulk(self):
        """How many records, and how many of them know of a disk's requests, which only QEMU counts."""
        answer = self.call(BULK_STATS, struct.pack(">III", 0, STATS_BLOCK, 0))
        return struct.unpack(">I", answer[:4])[0], answer.count(b"block.0.rd.reqs")

    def cost(self, call, *arguments):
        with trace(self.private) as traced:
            for _ in range(CALLS):
                call(*arguments)
        return traced.total()

    def costs(self):
        flags = struct.pack(">I", 0)
        return {
            "info of another": self.cost(self.call, GET_INFO, self.domains[0]),
            "description of another": self.cost(self.call, GET_XML, self.domains[0] + flags),
            "list": self.cost(list_all, self.wire),
            "info": self.cost(self.call, GET_INFO, self.domains[-1]),
            "state": self.cost(self.call, GET_STATE, self.domains[-1] + flags),
            "description": self.cost(self.call, GET_XML, self.domains[-1] + flags),
        }

    def calls_keep_their_cost(self):
        for name, now in self.costs().items():
            assert now <= self.before[name] + BESIDE, f"{name}: {now} system calls for {CALLS} calls, {self.before[name]} before"

    def bulk_leaves_it_out(self):
        """It is neither asked nor waited for; what the daemon knows of it is told."""
        with trace(self.private) as traced:
            assert self.bulk() == (MACHINES, MACHINES - 1)
        asked = sum('"query-block' in line or 'query-blockstats' in line for line in traced.lines)
        assert asked == MACHINES - 1, f"{asked} QEMUs were asked"

    def deadlines(self):
        """The first waits for QEMU, the second for the first, the third for the second."""
        def start(command):
            process = subprocess.Popen(["virsh", "-q", "-c", self.private.uri(), command, f"m{MACHINES - 1}"], env=self.private.env,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.3)
            return process

        first, second, third = start("resume"), start("reset"), start("suspend")
        said = first.communicate(timeout=60)[1]
        assert re.search(rf"no answer to 'cont' from the monitor of domain 'm{MACHINES - 1}' within 30\.0 s", said), said
        said = third.communicate(timeout=60)[1]
        assert re.search(rf"held by monitor=domain_reset\): domain 'm{MACHINES - 1}' is busy with 'domain_reset' since \d+\.\d s"
                         r" \(request \d+\), 'domain_suspend' waited 30\.0 s", said), said
        os.kill(self.qemu, signal.SIGCONT)
        assert second.wait(30) == 0, second.communicate()[1]
        assert self.bulk() == (MACHINES, MACHINES)

    def end(self):
        for domain in self.domains:
            self.call(DESTROY, domain)
        self.wire.close()


def main():
    suite = Suite()
    for program in ("strace", "qemu-system-x86_64"):
        if not shutil.which(program):
            print(f"skip stopped - no {program} here")
            return 0
    with Private() as private:
        private.start("virtqemud")
        fifty = Fifty(private)
        for name, test in (("calls keep their cost", fifty.calls_keep_their_cost), ("bulk statistics", fifty.bulk_leaves_it_out),
                           ("deadlines", fifty.deadlines), ("end", fifty.end)):
            suite.run("stopped: " + name, test)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
