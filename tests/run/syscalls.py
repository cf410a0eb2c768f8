#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""syscalls: what calls cost the daemon and the client, counted in system calls: the same on any machine under any load. tests/bench
says what that is in time. The bounds are what is needed and a little more; who needs more here made every client slower."""

import collections
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from lab import CONNECT_CLOSE, LIB_VERSION, Private, Skip, Suite, Wire, build_dir, frame, xdr_string

CALLS, CONNECTIONS, DOMAINS = 200, 50, 60
DEFINE_XML, LIST_ALL, LOOKUP_BY_NAME = 11, 273, 23
# what a daemon does by itself now and then: a timer is set anew, memory is given back
BESIDE = 8

DOMAIN = """<domain type='qemu'><name>counted-{0}</name><uuid>c0de0000-0000-4000-8000-{0:012d}</uuid><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""


class Traced:
    """Everything that a process calls while this is open; afterwards `lines`, and `count`: how often by name."""

    def __init__(self, process, path):
        self.process, self.path = process, path
        self.lines, self.count = [], collections.Counter()

    def __enter__(self):
        self.strace = subprocess.Popen(["strace", "-f", "-qq", "-o", self.path, "-p", str(self.process.pid)],
                                       stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self.attached():
            if self.strace.poll() is not None or time.monotonic() > deadline:
                raise Skip("strace can't attach here")
            time.sleep(0.01)
        return self

    def attached(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return f"TracerPid:\t{self.strace.pid}\n" in status.read()

    def __exit__(self, *_):
        time.sleep(0.1)  # what follows the last answer
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait(30)
        self.lines = read_trace(self.path)
        self.count = count(self.lines)

    def total(self):
        return sum(self.count.values())


def read_trace(path):
    with open(path, errors="replace") as trace:
        return [line for line in trace if "resumed>" not in line]


def count(lines):
    names = (re.match(r"\d+ +(\w+)\(", line) for line in lines)
    return collections.Counter(name[1] for name in names if name)


def at_most(traced, limit, what):
    assert traced.total() <= limit, f"{what}: {traced.total()} system calls, at most {limit} were expected: {dict(traced.count)}"


def define(wire, number):
    reply = wire.call(DEFINE_XML, xdr_string(DOMAIN.format(number)))
    assert reply[5] == 0, reply
    return reply[6]


def list_all(wire):
    reply = wire.call(LIST_ALL, struct.pack(">iI", 1, 0))
    assert reply[5] == 0, reply
    return struct.unpack(">I", reply[6][-4:])[0]


def trace(private):
    return Traced(private.daemons["virtqemud"], os.path.join(private.home, "trace"))


def trivial_call(private):
    wire = Wire(private.socket("virtqemud")).open()
    with trace(private) as traced:
        for _ in range(CALLS):
            assert wire.call(LIB_VERSION)[5] == 0
    wire.close()
    at_most(traced, 3 * CALLS + BESIDE, f"{CALLS} trivial calls, each a wait, a receive and a send")


def calls_together(private):
    """What comes in one piece is received, answered and sent in one piece."""
    wire = Wire(private.socket("virtqemud")).open()
    with trace(private) as traced:
        for _ in range(20):
            wire.send(frame(LIB_VERSION) * 5)
            for _ in range(5):
                assert wire.receive()[5] == 0
    wire.close()
    at_most(traced, 3 * 20 + BESIDE, "20 times 5 calls in one piece")


def open_and_close(private):
    with trace(private) as traced:
        for _ in range(CONNECTIONS):
            wire = Wire(private.socket("virtqemud")).open()
            assert wire.call(CONNECT_CLOSE)[5] == 0
            assert wire.receive() is None
            wire.close()
    # wait and accept, who is it (2), watch; three calls; don't watch, close
    at_most(traced, (5 + 3 * 3 + 2) * CONNECTIONS + BESIDE, f"{CONNECTIONS} connections with three calls each")


def lists(private):
    wire = Wire(private.socket("virtqemud")).open()
    assert list_all(wire) == DOMAINS
    with trace(private) as traced:
        for _ in range(20):
            assert list_all(wire) == DOMAINS
    wire.close()
    at_most(traced, 3 * 20 + BESIDE, f"20 lists of {DOMAINS} domains")


def lookups(private):
    """Finding a domain costs no look at the disk."""
    wire = Wire(private.socket("virtqemud")).open()
    with trace(private) as traced:
        for number in range(DOMAINS):
            reply = wire.call(LOOKUP_BY_NAME, xdr_string(f"counted-{number}"))
            assert reply[5] == 0, reply
    wire.close()
    at_most(traced, 3 * DOMAINS + BESIDE, f"{DOMAINS} lookups")


def defining(private):
    """Safe on disk with two fsyncs: the file's and its directory's."""
    wire = Wire(private.socket("virtqemud")).open()
    with trace(private) as traced:
        for number in range(20):
            define(wire, number)
    wire.close()
    assert traced.count["fsync"] == 2 * 20, f"{traced.count['fsync']} fsyncs for 20 definitions"
    at_most(traced, 32 * 20 + BESIDE, "20 definitions")


def restart(private):
    """The index spares the files and the directory; that each file is as it was is looked at after the first list."""
    config = os.path.join(private.home, "config", "libvirt", "qemu")
    path = os.path.join(private.home, "start-trace")
    time.sleep(0.3)  # the directory is older than the index trusts
    assert private.stop("virtqemud") == 0
    private.start("virtqemud")  # writes the index
    wire = Wire(private.socket("virtqemud")).open()
    assert list_all(wire) == DOMAINS
    wire.close()
    assert private.stop("virtqemud") == 0
    program = os.path.join(build_dir(), "virtqemud", "virtqemud")
    process = subprocess.Popen(["strace", "-f", "-qq", "-y", "-o", path, program, "--session"], env=private.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                wire = Wire(private.socket("virtqemud")).open()
                break
            except OSError:
                assert time.monotonic() < deadline, "the daemon does not answer"
                time.sleep(0.01)
        assert list_all(wire) == DOMAINS
        wire.close()
    finally:
        with open(os.path.join(private.run, "virtqemud.pid")) as pid:
            os.kill(int(pid.read()), signal.SIGTERM)
        process.wait(30)
    lines = read_trace(path)
    opened = [line for line in lines if re.search(r' open\w*\(.*counted-\d+\.xml"', line)]
    listed = [line for line in lines if re.search(r" getdents64\(\d+<" + re.escape(config) + ">", line)]
    assert not opened, f"{len(opened)} files were opened: {opened[0]}"
    assert not listed, f"the directory was read: {listed[0]}"
    answered = next(i for i, line in enumerate(lines) if re.search(r" sendto\(.* = \d{4,}$", line))
    looked = [line for line in lines[:answered] if re.search(r' newfstatat\(.*"counted-\d+\.xml"', line)]
    assert not looked, f"{len(looked)} files were looked at before the list: {looked[0]}"


CLIENT = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.virConnectOpen.restype = ctypes.c_void_p
connection = ctypes.c_void_p(library.virConnectOpen(sys.argv[2].encode()))
assert connection
version = ctypes.c_ulong()
for _ in range(int(sys.argv[3])):
    assert library.virConnectGetLibVersion(connection, ctypes.byref(version)) == 0
"""


def client_library():
    return os.path.join(build_dir(), "libvirt", ".libs", "libvirt.so.0")


def client_calls(private):
    """Our library: a send and a receive for a call of a program with one thread; three may be."""
    path = os.path.join(private.home, "client-trace")
    totals = []
    for calls in (CALLS, 3 * CALLS):
        subprocess.run(["strace", "-f", "-qq", "-o", path, sys.executable, "-c", CLIENT, client_library(), private.uri(), str(calls)],
                       env=private.env, check=True)
        totals.append(sum(count(read_trace(path)).values()))
    assert totals[1] - totals[0] <= 3 * 2 * CALLS, f"{(totals[1] - totals[0]) / (2 * CALLS)} system calls a call"


def client_loads(_):
    """What the library needs at once is the C library; everything else is opened by whoever needs it first."""
    said = subprocess.run(["readelf", "-d", client_library()], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", said)
    assert needed == ["libc.so.6"], f"the library pulls in {needed}"


def main():
    suite = Suite()
    if not shutil.which("strace"):
        print("skip syscalls - no strace here")
        return 0
    with Private() as private:
        private.start("virtqemud")
        wire = Wire(private.socket("virtqemud")).open()
        for number in range(DOMAINS):
            define(wire, number)
        wire.close()
        for name, test in (("trivial call", trivial_call), ("calls in one piece", calls_together),
                           ("open and close", open_and_close), ("lists", lists), ("lookups", lookups), ("definitions", defining),
                           ("client", client_calls), ("loading the library", client_loads), ("restart", restart)):
            suite.run("syscalls: " + name, test, private)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
