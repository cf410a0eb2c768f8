#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""frames: whatever bytes come in, the daemon answers with an error or closes; others never notice."""

import os
import random
import resource
import socket
import struct
import time

from lab import (AUTH_LIST, CALL_WITH_FDS, CONNECT_CLOSE, CONNECT_OPEN, KEEPALIVE, LIB_VERSION, MESSAGE, QEMU, REMOTE,
                 REPLY, STREAM, Private, Skip, Suite, Wire, error_of, frame, xdr_string)

LOOKUP_BY_NAME, LIST_ALL_DOMAINS, SET_MEMORY_PARAMETERS = 23, 273, 197
NOBODY = xdr_string("nobody") + bytes(16) + struct.pack(">i", -1)


def descriptors(private):
    return len(os.listdir(f"/proc/{private.daemons['virtqemud'].pid}/fd"))


def memory(private):
    with open(f"/proc/{private.daemons['virtqemud'].pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def connect(private):
    return Wire(private.socket("virtqemud"))


def closed(wire):
    """The daemon hangs up, at once."""
    wire.socket.settimeout(5)
    return wire.receive() is None


def answers(private):
    """A well-behaved client is served, quickly."""
    private.alive("virtqemud")
    wire = connect(private).open()
    start = time.monotonic()
    assert wire.call(LIB_VERSION)[5] == 0
    took = time.monotonic() - start
    wire.close()
    assert took < 0.5, f"a trivial call took {took:.3f} s"


def lengths(private):
    for length in (0, 1, 3, 4, 27, 33554437, 0x7FFFFFFF, 0xFFFFFFFF):
        wire = connect(private)
        wire.send(struct.pack(">I", length) + b"\0" * 24)
        assert closed(wire), f"length word {length} was accepted"
        wire.close()
    answers(private)


def truncations(private):
    whole = frame(CONNECT_OPEN, struct.pack(">I", 1) + xdr_string("qemu:///session") + struct.pack(">I", 0))
    for length in range(len(whole)):
        wire = connect(private)
        wire.send(whole[:length])
        wire.close()
    answers(private)


def one_by_one(private):
    wire = connect(private)
    for byte in frame(AUTH_LIST):
        wire.send(bytes([byte]))
    assert wire.receive()[5] == 0
    wire.close()


def unknown(private):
    wire = connect(private).open()
    code, domain, text = error_of(wire.call(9999))
    assert (code, domain, text) == (39, 7, "unknown procedure: 9999"), (code, domain, text)
    code, domain, text = error_of(wire.call(-1))
    assert code == 39, (code, text)
    code, domain, text = error_of(wire.call(1, program=0x12345678))
    assert (code, domain) == (39, 7) and text.startswith("Cannot find program"), (code, domain, text)
    code, domain, text = error_of(wire.call(1, version=7))
    assert (code, domain) == (39, 7) and text.startswith("Cannot find program"), (code, domain, text)
    # no answer to frames that are no calls; the connection lives
    for kind, status in ((REPLY, 0), (MESSAGE, 0), (9, 0), (0x7FFFFFFF, 0), (STREAM, 2), (STREAM, 0), (STREAM, 1), (STREAM, 77)):
        wire.send(frame(LIB_VERSION, kind=kind, status=status))
    assert wire.call(LIB_VERSION, serial=99)[4] == 99
    wire.close()


def statuses(private):
    """A call with any status is a call; one of any type that is none is no answer's cause."""
    wire = connect(private).open()
    for status in (1, 2, 3, 77, 0xFFFFFFFF):
        assert wire.call(LIB_VERSION, status=status)[5] in (0, 1), f"status {status}"
    for kind in range(6, 64):
        wire.send(frame(LIB_VERSION, kind=kind))
    assert wire.call(LIB_VERSION, serial=7)[4] == 7
    wire.close()


def arrays(private):
    """Counts over the limit, or larger than what follows, cost nothing and are refused; a pointer that is neither there nor NULL is there, as for stock."""
    wire = connect(private).open()
    before = memory(private)
    for count in (17, 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        assert error_of(wire.call(SET_MEMORY_PARAMETERS, NOBODY + struct.pack(">I", count)))[:1] == (39,), f"{count} parameters"
    param = xdr_string("hard_limit")
    for kind in (0, 8, 0x7FFFFFFF, 0xFFFFFFFF):
        reply = wire.call(SET_MEMORY_PARAMETERS, NOBODY + struct.pack(">I", 1) + param + struct.pack(">I", kind) + bytes(12))
        assert error_of(reply)[0] == 39, f"a value of type {kind}: {error_of(reply)}"
    for there in (2, 0xFFFFFFFF):
        other = connect(private)
        assert other.call(CONNECT_OPEN, struct.pack(">I", there) + xdr_string("qemu:///session") + bytes(4)), "no answer"
        other.close()
    assert memory(private) < before + 4096
    wire.close()


def every_cut(private):
    """Arguments that end at any byte, behind a length that is right."""
    wire = connect(private).open()
    whole = NOBODY + struct.pack(">I", 1) + xdr_string("hard_limit") + struct.pack(">IQI", 4, 1 << 20, 0)
    assert error_of(wire.call(SET_MEMORY_PARAMETERS, whole))[0] == 42
    for length in range(len(whole)):
        assert error_of(wire.call(SET_MEMORY_PARAMETERS, whole[:length]))[0] == 39, f"{length} of {len(whole)} bytes were enough"
    wire.close()


def before_open(private):
    wire = connect(private)
    reply = wire.call(LIB_VERSION)
    assert reply[5] == 1
    assert error_of(reply)[0] in (1, 39), error_of(reply)
    wire.close()
    wire = connect(private).open()
    reply = wire.call(CONNECT_OPEN, struct.pack(">II", 0, 0))
    assert error_of(reply)[0] == 1, error_of(reply)
    wire.close()


def payloads(private):
    wire = connect(private).open()
    bad = [b"", b"\0", struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 4194305), struct.pack(">I", 100) + b"short",
           struct.pack(">I", 4) + b"a\0bc", struct.pack(">I", 3) + b"\xff\xfe\xfd\0"]
    for payload in bad:
        reply = wire.call(LOOKUP_BY_NAME, payload)
        assert reply[5] == 1, f"{payload!r} was accepted"
        assert error_of(reply)[0] in (39, 42), error_of(reply)
    # what follows the arguments is ignored, as stock does
    assert error_of(wire.call(LOOKUP_BY_NAME, xdr_string("nobody") + b"trailing"))[0] == 42
    assert wire.call(LIST_ALL_DOMAINS, struct.pack(">iI", 1, 0) + b"\0\0\0\0")[5] == 0
    wire.close()


def large(private):
    """The largest frame is read and refused by its content, and its memory is given back."""
    before = memory(private)
    wire = connect(private).open()
    wire.send(frame(LOOKUP_BY_NAME, struct.pack(">I", 33554408 - 4) + b"x" * (33554408 - 4)))
    assert error_of(wire.receive())[0] == 39
    wire.close()
    answers(private)
    time.sleep(0.2)
    after = memory(private)
    assert after < before + 4096, f"{before} KiB before, {after} KiB after"


def passed_fds(private):
    wire = connect(private).open()
    for count in (33, 0xFFFFFFFF):
        other = connect(private).open()
        other.send(frame(LIB_VERSION, struct.pack(">I", count), kind=CALL_WITH_FDS))
        assert closed(other), f"{count} descriptors were accepted"
        other.close()
    before = descriptors(private)
    with open("/dev/null", "rb") as null:
        wire.send(frame(LIB_VERSION, struct.pack(">I", 2), kind=CALL_WITH_FDS))
        for _ in range(2):
            socket.send_fds(wire.socket, [b"\0"], [null.fileno()])
    assert wire.receive() is not None
    assert wire.call(LIB_VERSION)[5] == 0
    assert descriptors(private) == before, "a descriptor that came with a call was kept"
    # promised, never sent
    other = connect(private).open()
    other.send(frame(LIB_VERSION, struct.pack(">I", 3), kind=CALL_WITH_FDS))
    other.close()
    wire.close()
    answers(private)


def keepalive(private):
    wire = connect(private)
    wire.send(frame(1, program=KEEPALIVE, kind=MESSAGE, serial=0))
    program, _, procedure, kind, *_ = wire.receive()
    assert (program, procedure, kind) == (KEEPALIVE, 2, MESSAGE)
    wire.close()


def never_reads(private):
    """A client that asks and never reads the answers costs bounded memory and nobody else's time."""
    before = memory(private)
    wire = connect(private).open()
    wire.socket.setblocking(False)
    call = frame(LIST_ALL_DOMAINS, struct.pack(">iI", 1, 0)) * 50
    sent, deadline = 0, time.monotonic() + 3
    while time.monotonic() < deadline and sent < 64 << 20:
        try:
            sent += wire.socket.send(call)
        except BlockingIOError:
            answers(private)
            time.sleep(0.05)
        except OSError:
            break
    answers(private)
    after = memory(private)
    assert after < before + 32768, f"{before} KiB before, {after} KiB after {sent} bytes"
    wire.close()


def crowd(private):
    """Connections that come and go leave nothing behind."""
    before = descriptors(private)
    for _ in range(200):
        connect(private).close()
    wires = [connect(private).open() for _ in range(50)]
    for wire in wires:
        wire.send(frame(LIB_VERSION))
    for wire in wires:
        assert wire.receive()[5] == 0
        wire.close()
    answers(private)
    time.sleep(0.1)
    after = descriptors(private)
    assert after <= before, f"{before} descriptors before, {after} after"


def leaves(private):
    """A client that asked for something and is gone before the answer."""
    for payload in (b"", struct.pack(">iI", 1, 0)):
        for _ in range(20):
            wire = connect(private).open()
            wire.send(frame(LIST_ALL_DOMAINS, payload) * 10)
            wire.close()
    answers(private)


def leaves_while_told(private):
    """A client that leaves after any byte of its answers."""
    call = frame(LIB_VERSION) + frame(LOOKUP_BY_NAME, xdr_string("nobody"))
    for length in range(0, 220, 3):
        wire = connect(private).open()
        wire.send(call)
        wire.exactly(length)
        wire.close()
    answers(private)


def idle_thousand(private):
    """A thousand connections that do nothing cost little, and others nothing; nothing is left of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        raise Skip(f"{hard} descriptors are too few here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    before, fds = memory(private), descriptors(private)
    wires = [connect(private).open() for _ in range(1000)]
    each = (memory(private) - before) / 1000
    answers(private)
    for wire in wires[::100]:
        assert wire.call(LIB_VERSION)[5] == 0
    for wire in wires:
        wire.close()
    answers(private)
    assert each < 8, f"{each:.1f} KiB a connection"
    deadline = time.monotonic() + 5
    while descriptors(private) > fds and time.monotonic() < deadline:
        time.sleep(0.05)
    assert descriptors(private) <= fds, f"{descriptors(private)} descriptors, before it were {fds}"


def every_procedure(private):
    """All numbers of all programs with rubbish behind: an answer each, never silence."""
    dice = random.Random(1)
    wire = connect(private).open()
    for program, last in ((REMOTE, 460), (QEMU, 9)):
        for procedure in range(1, last):
            if program == REMOTE and procedure in (CONNECT_CLOSE, CONNECT_OPEN):
                continue
            wire.send(frame(procedure, dice.randbytes(dice.choice((0, 3, 4, 8, 40, 400))), program=program, serial=procedure))
            while True:
                reply = wire.receive()
                assert reply is not None, f"procedure {procedure} of program {program:#x} ended the connection"
                if reply[3] == REPLY and reply[4] == procedure:
                    break
            if reply[5] == 0:
                # a stream may have opened: end it
                wire.send(frame(procedure, program=program, kind=STREAM, serial=procedure, status=1))
    wire.close()
    answers(private)


def noise(private):
    dice = random.Random(2)
    for _ in range(300):
        wire = connect(private)
        if dice.random() < 0.7:
            wire.send(frame(AUTH_LIST))
        try:
            body = dice.randbytes(dice.randrange(0, 200))
            wire.send(struct.pack(">I", dice.choice((28, 28 + len(body), len(body) + 4, 60))) + body)
        except OSError:
            pass
        wire.close()
    answers(private)


def settled(private, kib, fds):
    """Idle for some seconds, the daemon is about as small as it was. (Capabilities that it learned meanwhile stay.)"""
    deadline = time.monotonic() + 10
    while (memory(private) > kib + 3072 or descriptors(private) > fds) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert descriptors(private) <= fds, f"{descriptors(private)} descriptors, before it were {fds}"
    assert memory(private) <= kib + 3072, f"{memory(private)} KiB, before it were {kib}"


def main():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        answers(private)
        before = memory(private), descriptors(private)
        for test in (lengths, truncations, one_by_one, unknown, statuses, arrays, every_cut, before_open, payloads, large, passed_fds,
                     keepalive, never_reads, crowd, leaves, leaves_while_told, idle_thousand, every_procedure, noise):
            suite.run("frames: " + test.__name__.replace("_", " "), test, private)
        suite.run("frames: nothing is left of all that", settled, private, *before)
    suite.done()


if __name__ == "__main__":
    main()
