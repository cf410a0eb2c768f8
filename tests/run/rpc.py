#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rpc: the RPC layer driven from outside, with a toy daemon behind it: events, streams, descriptors, limits, the end."""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from lab import CALL_WITH_FDS, CONNECT_CLOSE, FEATURE, KEEPALIVE, LIB_VERSION, MESSAGE, QEMU, REPLY, STREAM, Suite, Wire, error_of, frame, xdr_string

REPLY_WITH_FDS, HOLE = 5, 6
OK, ERROR, CONTINUE = 0, 1, 2
GET_INFO, GET_XML, RESUME, SUSPEND, CORE_DUMP = 16, 14, 28, 34, 53
EVENT_REGISTER, EVENT_DEREGISTER, REGISTER_ANY, CALLBACK_REGISTER, CALLBACK_DEREGISTER = 105, 106, 167, 316, 317
EVENT_LIFECYCLE, CALLBACK_LIFECYCLE = 107, 318
OPEN_CONSOLE, SCREENSHOT, OPEN_GRAPHICS_FD, SECRET_LIST, SET_IDENTITY = 201, 211, 343, 287, 419
MONITOR_WITH_FILES = 7
TOY = xdr_string("toy") + bytes((1, 2, 3, 4, 5, 6, 7, 8, 9)) + bytes(7) + struct.pack(">i", 7)
DUMP = TOY + xdr_string("/nowhere") + struct.pack(">I", 0)
NOBODY = xdr_string("nobody") + bytes(16) + struct.pack(">i", -1)


class Toy:
    def __init__(self, *arguments, **env):
        self.directory = tempfile.mkdtemp(prefix="vireo-rpc-")
        program = os.environ.get("TOY_DAEMON") or os.path.join(os.environ.get("BUILD_DIR", "."), "tests", "run", "toy-daemon")
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.process = subprocess.Popen([program, self.directory, *arguments], stdout=self.log, stderr=self.log, env=dict(os.environ, **env))
        deadline = time.monotonic() + 10
        while not os.path.exists(self.path("admin-sock")):
            assert self.process.poll() is None and time.monotonic() < deadline, "the toy daemon doesn't start"
            time.sleep(0.01)

    def path(self, name="sock"):
        return os.path.join(self.directory, name)

    def wire(self, name="sock"):
        return Wire(self.path(name)).open("toy:///system")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.log.seek(0)
        text = self.log.read()
        subprocess.run(["rm", "-rf", self.directory], check=True)
        assert code == 0, f"the toy daemon ended with {code}: {text[-3000:]}"


def data(wire, procedure, serial, payload=b"", status=CONTINUE, kind=STREAM):
    wire.send(frame(procedure, payload, kind=kind, serial=serial, status=status))


def readable(wire, seconds):
    return bool(select.select([wire.socket], [], [], seconds)[0])


def objects(toy):
    wire = toy.wire()
    assert wire.call(GET_INFO, TOY)[5] == OK
    code, domain, text = error_of(wire.call(GET_INFO, NOBODY))
    assert (code, domain) == (42, 10) and "nobody" in text, (code, domain, text)
    assert error_of(wire.call(GET_INFO, TOY[:-1]))[:3] == (39, 7, "Unable to decode message payload")
    assert error_of(wire.call(33, TOY))[0] == 3
    wire.close()


def read_only(toy):
    wire = toy.wire("sock-ro")
    assert wire.call(GET_INFO, TOY)[5] == OK
    code, domain, text = error_of(wire.call(SUSPEND, TOY))
    assert (code, domain, text) == (29, 6, "operation forbidden: read only access prevents virDomainSuspend"), (code, domain, text)
    assert wire.call(GET_XML, TOY + struct.pack(">I", 0))[5] == OK
    assert error_of(wire.call(GET_XML, TOY + struct.pack(">I", 1)))[0] == 29, "secret parts on a read-only connection"
    wire.close()


def overtaking(toy):
    """A call that waits delays no other one; answers carry their call's serial."""
    wire, other = toy.wire(), toy.wire()
    wire.send(frame(RESUME, TOY, serial=5))
    start = time.monotonic()
    assert wire.call(LIB_VERSION, serial=6)[4] == 6
    assert other.call(GET_INFO, TOY)[5] == OK
    assert time.monotonic() - start < 0.08
    assert wire.receive()[4:6] == (5, OK)
    wire.close()
    other.close()


def limit(toy):
    """Calls over max_client_requests wait for their turn, all are answered, keepalive meanwhile too."""
    wire = toy.wire()
    for serial in range(40):
        wire.send(frame(RESUME if serial < 3 else LIB_VERSION, TOY if serial < 3 else b"", serial=serial))
    wire.send(frame(CORE_DUMP, DUMP, serial=100))
    got = {wire.receive()[4] for _ in range(40)}
    assert got == set(range(40)), got
    for serial in range(200, 210):
        wire.send(frame(RESUME, TOY, serial=serial))
    wire.send(frame(1, program=KEEPALIVE, kind=MESSAGE, serial=0))
    assert wire.receive()[2] == 2, "no pong while calls wait"
    wire.close()


def pipelined(toy):
    """Thousands of calls in one go."""
    wire = toy.wire()
    wire.send(b"".join(frame(LIB_VERSION, serial=serial) for serial in range(3000)))
    assert [wire.receive()[4] for _ in range(3000)] == list(range(3000))
    wire.close()


def job(toy):
    """Calls that change the same object run one after the other."""
    wires = [toy.wire() for _ in range(3)]
    start = time.monotonic()
    for wire in wires:
        wire.send(frame(RESUME, TOY))
    for wire in wires:
        assert wire.receive()[5] == OK
        wire.close()
    took = time.monotonic() - start
    assert 0.29 < took < 0.6, took


def leaving(toy):
    """A client that goes ends its calls, so that others get the job."""
    wire, other = toy.wire(), toy.wire()
    wire.send(frame(CORE_DUMP, DUMP) + frame(RESUME, TOY))
    time.sleep(0.05)
    wire.close()
    start = time.monotonic()
    assert other.call(RESUME, TOY)[5] == OK
    assert time.monotonic() - start < 2
    other.close()


def events(toy):
    legacy, styled, quiet, actor = (toy.wire() for _ in range(4))
    assert legacy.call(EVENT_REGISTER)[6] == struct.pack(">i", 1)
    assert error_of(legacy.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 0)))[0] == 8
    one = struct.unpack(">i", styled.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 1) + TOY)[6])[0]
    everything = struct.unpack(">i", styled.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 0))[6])[0]
    assert quiet.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 1) + NOBODY)[5] == OK
    assert error_of(quiet.call(CALLBACK_REGISTER, struct.pack(">iI", 1000, 0)))[0] == 1
    assert error_of(quiet.call(REGISTER_ANY, struct.pack(">i", 16)))[0] == 1, "event 16 has no legacy form"
    assert actor.call(SUSPEND, TOY)[5] == OK
    _, _, procedure, kind, serial, status, payload = legacy.receive()
    assert (procedure, kind, serial, status, payload) == (EVENT_LIFECYCLE, MESSAGE, 1, OK, TOY + struct.pack(">ii", 3, 0))
    ids = set()
    for _ in range(2):
        _, _, procedure, kind, serial, status, payload = styled.receive()
        assert (procedure, kind) == (CALLBACK_LIFECYCLE, MESSAGE) and payload[4:] == TOY + struct.pack(">ii", 3, 0)
        ids.add(struct.unpack(">i", payload[:4])[0])
    assert ids == {one, everything}
    assert not readable(quiet, 0.05)
    assert styled.call(CALLBACK_DEREGISTER, struct.pack(">i", one))[5] == OK
    assert error_of(styled.call(CALLBACK_DEREGISTER, struct.pack(">i", one)))[0] == 1
    assert legacy.call(EVENT_DEREGISTER)[5] == OK
    actor.call(SUSPEND, TOY)
    assert styled.receive()[6][:4] == struct.pack(">i", everything)
    assert not readable(legacy, 0.05)
    for wire in (legacy, styled, quiet, actor):
        wire.close()


def deaf(toy):
    """Whoever asked for events and never reads them is closed, others get theirs."""
    wire, other, actor = toy.wire(), toy.wire(), toy.wire()
    for listener in (wire, other):
        assert listener.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 0))[5] == OK
    count = 0
    while count < 400000:
        actor.send(frame(SUSPEND, TOY) * 500)
        for _ in range(500):
            assert actor.receive()[5] == OK
            assert other.receive()[2] == CALLBACK_LIFECYCLE
        count += 500
        hung_up = select.poll()
        hung_up.register(wire.socket, 0)
        if hung_up.poll(0):
            break
    assert count < 400000, "a deaf client is kept for ever"
    for each in (wire, other, actor):
        each.close()


def console(toy):
    before = toy.descriptors()
    wire = toy.wire()
    call = TOY + struct.pack(">II", 0, 0)
    wire.send(frame(OPEN_CONSOLE, call, serial=9))
    data(wire, OPEN_CONSOLE, 9, b"early ")  # before the answer is read
    assert wire.receive()[3:6] == (REPLY, 9, OK)
    data(wire, OPEN_CONSOLE, 9, b"bird")
    got = b""
    while len(got) < 10:
        _, _, procedure, kind, serial, status, payload = wire.receive()
        assert (procedure, kind, serial, status) == (OPEN_CONSOLE, STREAM, 9, CONTINUE)
        got += payload
    assert got == b"early bird"
    assert wire.call(LIB_VERSION, serial=10)[4] == 10, "calls run beside a stream"
    data(wire, OPEN_CONSOLE, 9, status=OK)
    assert wire.receive()[3:] == (STREAM, 9, OK, b"")
    data(wire, OPEN_CONSOLE, 9, b"late")  # ignored
    assert wire.call(LIB_VERSION, serial=11)[4] == 11
    # abort
    assert wire.call(OPEN_CONSOLE, call, serial=12)[5] == OK
    data(wire, OPEN_CONSOLE, 12, status=ERROR)
    assert wire.receive()[3:] == (STREAM, 12, OK, b"")
    # refused
    assert error_of(wire.call(OPEN_CONSOLE, TOY + struct.pack(">II", 0, 99), serial=13))[0] == 9
    # gone in the middle
    assert wire.call(OPEN_CONSOLE, call, serial=14)[5] == OK
    wire.close()
    time.sleep(0.1)
    assert toy.descriptors() <= before, "a console's descriptor was kept"


def echo(toy):
    """Much data both ways at once, with flow control in both directions."""
    wire = toy.wire()
    assert wire.call(OPEN_CONSOLE, TOY + struct.pack(">II", 0, 0), serial=9)[5] == OK
    total, sent, got = 24 << 20, 0, 0
    piece = frame(OPEN_CONSOLE, bytes(range(256)) * 256, kind=STREAM, serial=9, status=CONTINUE)
    pending, buffer = b"", b""
    wire.socket.setblocking(False)
    deadline = time.monotonic() + 60
    while got < total:
        assert time.monotonic() < deadline, f"stuck after {sent} sent, {got} received"
        if not pending and sent < total:
            pending, sent = piece, sent + 65536
        reads, writes, _ = select.select([wire.socket], [wire.socket] if pending else [], [], 5)
        if writes:
            pending = pending[wire.socket.send(pending):]
        if reads:
            buffer += wire.socket.recv(1 << 20)
            while len(buffer) >= 28 and len(buffer) >= (length := struct.unpack(">I", buffer[:4])[0]):
                got += length - 28
                buffer = buffer[length:]
    assert got == total and not buffer
    wire.close()


def slow_reader(toy):
    """A console whose far end fills up holds its client's data back, and nobody else's."""
    wire, other = toy.wire(), toy.wire()
    assert wire.call(OPEN_CONSOLE, TOY + struct.pack(">II", 0, 0), serial=9)[5] == OK
    piece = frame(OPEN_CONSOLE, bytes(65536), kind=STREAM, serial=9, status=CONTINUE)
    wire.socket.setblocking(False)
    sent, quiet = 0, 0
    while quiet < 5:  # we never read what comes back
        try:
            sent += wire.socket.send(piece[sent % len(piece):])
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.05)
    assert sent < 32 << 20, f"{sent} bytes were taken"
    assert other.call(LIB_VERSION)[5] == OK
    wire.close()
    other.close()


def screenshot(toy):
    wire = toy.wire()
    assert wire.call(SCREENSHOT, TOY + struct.pack(">II", 0, 0), serial=3)[5] == OK
    got = b""
    while True:
        _, _, _, kind, serial, status, payload = wire.receive()
        assert (kind, serial, status) == (STREAM, 3, CONTINUE)
        if not payload:
            break
        got += payload
    assert got == b"0123456789" * 1000
    data(wire, SCREENSHOT, 3, status=OK)
    assert wire.receive()[3:] == (STREAM, 3, OK, b"")
    # data towards a stream that only sends is an error of the stream
    assert wire.call(SCREENSHOT, TOY + struct.pack(">II", 0, 0), serial=4)[5] == OK
    data(wire, SCREENSHOT, 4, b"no")
    while (reply := wire.receive())[5] == CONTINUE:
        pass
    assert reply[3:6] == (STREAM, 4, ERROR) and error_of(reply)[0] == 39
    # a hole that nobody announced
    assert wire.call(SCREENSHOT, TOY + struct.pack(">II", 0, 0), serial=5)[5] == OK
    data(wire, SCREENSHOT, 5, struct.pack(">qI", 5, 0), kind=HOLE)
    while (reply := wire.receive()) is not None:
        assert reply[5] == CONTINUE
    wire.close()


def descriptors(toy):
    wire = toy.wire()
    reply = wire.call(OPEN_GRAPHICS_FD, TOY + struct.pack(">II", 0, 0))
    assert reply[3:6] == (REPLY_WITH_FDS, 1, OK) and reply[6] == struct.pack(">I", 1)
    byte, (fd,), _, _ = socket.recv_fds(wire.socket, 1, 1)
    assert byte == b"\0" and os.read(fd, 100) == b"hello"
    os.close(fd)
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.seek(0)
        file.flush()
        call = struct.pack(">I", 2) + TOY + xdr_string("x") + struct.pack(">I", 0)
        wire.send(frame(MONITOR_WITH_FILES, call, program=QEMU, kind=CALL_WITH_FDS))
        for _ in range(2):
            time.sleep(0.01)
            socket.send_fds(wire.socket, [b"\0"], [os.dup(file.fileno())])
    assert wire.receive()[6] == xdr_string("2 content")
    # descriptors that no frame announced
    before = toy.descriptors()
    with open("/dev/null", "rb") as null:
        socket.send_fds(wire.socket, [frame(LIB_VERSION)], [null.fileno()])
    assert wire.receive() is None
    wire.close()
    assert toy.descriptors() <= before


def large_answers(toy):
    """Answers that are larger than any socket's buffer, several at once, to a client that takes its time."""
    wire, other = toy.wire(), toy.wire()
    wire.send(frame(GET_XML, TOY + struct.pack(">I", 2)) * 10)
    time.sleep(0.2)
    assert other.call(LIB_VERSION)[5] == OK
    for _ in range(10):
        reply = wire.receive()
        assert reply[5] == OK and len(reply[6]) == 4000004
    wire.close()
    other.close()


def closing(toy):
    wire = toy.wire()
    assert wire.call(CONNECT_CLOSE)[5] == OK
    assert wire.receive() is None
    wire.close()


def forwarding(toy):
    """A call of another subsystem without its daemon: a clear error, and again at the next try."""
    if os.path.exists("/run/libvirt/virtsecretd-sock"):
        return
    wire = toy.wire()
    for _ in range(2):
        code, domain, text = error_of(wire.call(SECRET_LIST, struct.pack(">iI", 1, 0)))
        assert (code, domain) == (38, 7) and "virtsecretd-sock" in text and "virtsecretd.socket" in text, text
    wire.close()


def identity(toy):
    wire = toy.wire()
    good = struct.pack(">I", 1) + xdr_string("unix-user-id") + struct.pack(">iQ", 4, 1000) + struct.pack(">I", 0)
    bad = struct.pack(">I", 1) + xdr_string("unix-user-name") + struct.pack(">iQ", 4, 1000) + struct.pack(">I", 0)
    assert error_of(wire.call(SET_IDENTITY, bad))[0] == 8
    assert wire.call(SET_IDENTITY, good)[5] == OK
    wire.close()


def features(toy):
    wire = toy.wire()
    for feature, supported in ((8, 1), (9, 1), (10, 1), (14, 1), (15, 1), (16, 1), (1, 0), (99, 0)):
        assert wire.call(FEATURE, struct.pack(">i", feature))[6] == struct.pack(">i", supported), feature
    wire.close()


def draining():
    """SIGTERM: calls that run are ended, their clients told, the daemon leaves with nothing left."""
    toy = Toy()
    wire = toy.wire()
    wire.send(frame(CORE_DUMP, DUMP))
    console_wire = toy.wire()
    assert console_wire.call(OPEN_CONSOLE, TOY + struct.pack(">II", 0, 0))[5] == OK
    time.sleep(0.05)
    start = time.monotonic()
    toy.process.send_signal(signal.SIGTERM)
    assert error_of(wire.receive())[0] == 78, "the call wasn't ended"
    assert wire.receive() is None
    toy.stop()
    assert time.monotonic() - start < 4


def main():
    suite = Suite()
    toy = Toy()
    for test in (objects, read_only, overtaking, limit, pipelined, job, leaving, events, console, echo, slow_reader, screenshot,
                 descriptors, large_answers, closing, forwarding, identity, features, deaf):
        suite.run("rpc: " + test.__name__.replace("_", " "), test, toy)
        if toy.process.poll() is not None:
            break
    suite.run("rpc: stop", toy.stop)
    suite.run("rpc: draining", draining)
    suite.done()


if __name__ == "__main__":
    sys.exit(main())
