#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rpc: the RPC layer driven from outside, with a toy daemon behind it: events, streams, descriptors, limits, the end."""

import atexit
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from lab import CALL_WITH_FDS, CONNECT_CLOSE, FEATURE, KEEPALIVE, LIB_VERSION, MESSAGE, QEMU, REPLY, STREAM, Skip, Suite, Wire, error_of, frame, xdr_string

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


def tool(variable, path):
    return os.environ.get(variable) or os.path.join(os.environ.get("BUILD_DIR", "."), path)


class Toy:
    def __init__(self, *arguments, **env):
        self.directory = tempfile.mkdtemp(prefix="vireo-rpc-")
        program = tool("TOY_DAEMON", "tests/run/toy-daemon")
        self.log = open(os.path.join(self.directory, "log"), "w+")
        # freed memory that a sanitizer keeps aside isn't the toy's
        env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1", **env)
        self.process = subprocess.Popen([program, self.directory, *arguments], stdout=self.log, stderr=self.log, env=env)
        atexit.register(self.process.kill)  # whatever becomes of the test
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


def many_streams(toy):
    """A thousand streams of one client that reads everything and finishes none: others don't notice, nothing is left."""
    before = toy.descriptors()
    wire, other = toy.wire(), toy.wire()
    for serial in range(100, 1100):
        assert wire.call(SCREENSHOT, TOY + struct.pack(">II", 0, 0), serial=serial)[3:6] == (REPLY, serial, OK)
        while wire.receive()[6]:
            pass
    start = time.monotonic()
    assert other.call(LIB_VERSION)[5] == OK
    assert time.monotonic() - start < 0.5
    for serial in (100, 600, 1099):  # each is still one of its own
        data(wire, SCREENSHOT, serial, status=OK)
        assert wire.receive()[3:] == (STREAM, serial, OK, b"")
    wire.close()
    other.close()
    deadline = time.monotonic() + 5
    while toy.descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert toy.descriptors() <= before, f"{toy.descriptors()} descriptors, before it were {before}"


def small_change(toy):
    """Holes, ends and single bytes that nobody takes fill no memory."""
    wire = toy.wire()
    assert wire.call(OPEN_CONSOLE, TOY + struct.pack(">II", 0, 0), serial=9)[5] == OK
    before = resident(toy)
    wire.socket.setblocking(False)
    piece = frame(OPEN_CONSOLE, b"x", kind=STREAM, serial=9, status=CONTINUE) * 2000
    sent, quiet = 0, 0
    while quiet < 5 and sent < 256 << 20:  # what comes back is never read
        try:
            sent += wire.socket.send(piece[sent % len(piece):])
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.05)
    grown = resident(toy) - before
    assert grown < 16384, f"{grown} KiB more after {sent >> 20} MiB of frames of one byte"
    wire.close()


def resident(toy):
    with open(f"/proc/{toy.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def closing(toy):
    wire = toy.wire()
    assert wire.call(CONNECT_CLOSE)[5] == OK
    assert wire.receive() is None
    wire.close()


def forwarding(toy):
    """A call of another subsystem without its daemon: a clear error, and again at the next try. A daemon that is installed
    has to be started; without it the call isn't supported on this host."""
    if os.path.exists("/run/libvirt/virtsecretd-sock"):
        return
    installed = os.path.exists("/usr/sbin/virtsecretd")
    wire = toy.wire()
    for _ in range(2):
        code, domain, text = error_of(wire.call(SECRET_LIST, struct.pack(">iI", 1, 0)))
        assert (code, domain) == (38 if installed else 3, 7) and "virtsecretd-sock" in text, text
        assert ("systemctl enable --now virtsecretd.socket" if installed else "not installed on this host") in text, text
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


# ---- forwarding ----

POOL_LIST, POOL_REFRESH, POOL_REGISTER, POOL_REFRESHED, DOWNLOAD = 281, 83, 368, 373, 209
POOL = xdr_string("toy-pool") + bytes((9,)) + bytes(15)


def forwarded():
    """Calls, errors, events and streams of another subsystem go through, with the caller's identity."""
    runtime = tempfile.mkdtemp(prefix="vireo-rpc-")
    os.mkdir(os.path.join(runtime, "libvirt"))
    env = {"XDG_RUNTIME_DIR": runtime, "TOY_SESSION": "1"}
    storage, toy = Toy(TOY_STORAGE="1", **env), Toy(**env)
    os.symlink(storage.path(), os.path.join(runtime, "libvirt", "virtstoraged-sock"))
    wire = Wire(toy.path()).open("toy:///session")
    for serial in range(20):
        wire.send(frame(POOL_LIST, struct.pack(">iI", 1, 0), serial=serial))
    for serial in range(20):
        reply = wire.receive()
        assert reply[4:6] == (serial, OK) and POOL in reply[6], reply
    assert wire.call(LIB_VERSION, serial=77)[4] == 77
    callback = wire.call(POOL_REGISTER, struct.pack(">iI", 1, 0))[6]
    code, domain, text = error_of(event_first(wire, frame(POOL_REFRESH, POOL + struct.pack(">I", 1), serial=5), callback))
    assert (code, domain) == (9, 18) and text == f"operation failed: pid {os.getpid()}, uid {os.getuid()}, forwarded", text
    # a stream, larger than any buffer, to a client that starts to read late
    length = 40 << 20
    volume = xdr_string("toy-pool") + xdr_string("vol") + xdr_string("key")
    assert wire.call(DOWNLOAD, volume + struct.pack(">QQI", 0, length, 0), serial=6)[3:6] == (REPLY, 6, OK)
    time.sleep(0.3)
    got = 0
    while True:
        _, _, procedure, kind, serial, status, payload = wire.receive()
        assert (procedure, kind, serial, status) == (DOWNLOAD, STREAM, 6, CONTINUE)
        got += len(payload)
        if not payload:
            break
    assert got == length
    data(wire, DOWNLOAD, 6, status=OK)
    assert wire.receive()[3:] == (STREAM, 6, OK, b"")
    # the other daemon goes: an error, and the next call finds the new one
    storage.stop()
    code, domain, text = error_of(wire.call(POOL_LIST, struct.pack(">iI", 1, 0)))
    assert code in (38, 39) or "virtstoraged" in text, (code, text)
    os.unlink(os.path.join(runtime, "libvirt", "virtstoraged-sock"))
    storage = Toy(TOY_STORAGE="1", **env)
    os.symlink(storage.path(), os.path.join(runtime, "libvirt", "virtstoraged-sock"))
    assert wire.call(POOL_LIST, struct.pack(">iI", 1, 0))[5] == OK
    wire.close()
    time.sleep(0.1)
    before = storage.descriptors()
    for _ in range(20):
        other = Wire(toy.path()).open("toy:///session")
        other.send(frame(POOL_LIST, struct.pack(">iI", 1, 0)) * 5)
        other.close()
    time.sleep(0.2)
    assert storage.descriptors() <= before, "connections to the other daemon outlive their client"
    toy.stop()
    storage.stop()
    subprocess.run(["rm", "-rf", runtime], check=True)


def event_first(wire, call, callback):
    """Send a call that emits a pool event; both come, the event with our callback's id."""
    wire.send(call)
    frames = [wire.receive(), wire.receive()]
    event = next(f for f in frames if f[3] == MESSAGE)
    assert event[2] == POOL_REFRESHED and event[6] == callback + POOL
    return next(f for f in frames if f[3] == REPLY)


# ---- keepalive, polkit ----

def silent_client():
    """After feature 10 a client that answers no ping is closed; one that does stays."""
    toy = Toy(TOY_KEEPALIVE="1")
    wires = [toy.wire(), toy.wire(), toy.wire()]
    for wire in wires[:2]:
        assert wire.call(FEATURE, struct.pack(">i", 10))[5] == OK
    deadline = time.monotonic() + 6
    gone = False
    while not gone and time.monotonic() < deadline:
        ready, _, _ = select.select([wire.socket for wire in wires[:2]], [], [], 1)
        if wires[0].socket in ready:
            ping = wires[0].receive()
            assert ping is not None and (ping[0], ping[2]) == (KEEPALIVE, 1), ping
            wires[0].send(frame(2, program=KEEPALIVE, kind=MESSAGE, serial=0))
        if wires[1].socket in ready:
            gone = wires[1].receive() is None
    assert gone, "a client without a pulse is kept"
    assert wires[0].call(LIB_VERSION)[2] in (1, LIB_VERSION)
    assert wires[2].call(LIB_VERSION)[5] == OK, "nobody asked for keepalive here"
    for wire in wires:
        wire.close()
    toy.stop()


class Policy:
    """A private system bus with a fake polkit on it."""

    def __init__(self, *verdicts):
        if os.getuid() != 0 or not shutil.which("dbus-daemon"):
            raise Skip("needs root and dbus-daemon")
        self.directory = tempfile.mkdtemp(prefix="vireo-bus-")
        os.chmod(self.directory, 0o755)
        conf = os.path.join(self.directory, "conf")
        with open(conf, "w") as file:
            file.write(f"<busconfig><type>system</type><listen>unix:path={self.directory}/bus</listen><policy context='default'>"
                       "<allow user='*'/><allow own='*'/><allow send_type='method_call'/><allow receive_type='method_call'/>"
                       "<allow send_requested_reply='true'/><allow receive_requested_reply='true'/></policy></busconfig>")
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.directory}/bus"}
        self.bus = subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={conf}"], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(os.path.join(self.directory, "bus"))
                break
            except OSError:
                time.sleep(0.01)
        self.polkit = subprocess.Popen([tool("FAKE_POLKITD", "tests/fake/polkitd"), *verdicts], env=dict(os.environ, **self.env),
                                       stdout=subprocess.PIPE, text=True)
        atexit.register(self.polkit.kill)
        atexit.register(self.bus.kill)
        assert self.polkit.stdout.readline() == "ready\n", "the fake polkit doesn't start"

    def question(self):
        return self.polkit.stdout.readline().split()

    def close(self):
        for process in (self.polkit, self.bus):
            process.terminate()
            process.wait(5)
        subprocess.run(["rm", "-rf", self.directory], check=True)


def as_nobody(toy, name, calls):
    """Run calls(wire) in a child as user 65534; what it returns comes back as a list of strings."""
    os.chmod(toy.directory, 0o755)
    for entry in os.listdir(toy.directory):
        os.chmod(toy.path(entry), 0o777)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            os.write(write, "\n".join(str(line) for line in calls(Wire(toy.path(name)))).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, "the child failed"
    return text.splitlines()


def polkit_login():
    policy = Policy("org.libvirt.unix.manage=yes")
    toy = Toy("polkit", **policy.env)

    def calls(wire):
        yield wire.call(66)[6] == struct.pack(">Ii", 1, 2)
        yield error_of(wire.call(LIB_VERSION))
        yield wire.call(70)[6] == struct.pack(">i", 1)
        yield wire.call(1, struct.pack(">II", 0, 0))[5]
        yield wire.call(LIB_VERSION)[5]
    assert as_nobody(toy, "sock", calls) == ["True", "(39, 7, 'authentication required')", "True", "0", "0"]
    question = policy.question()
    assert question[0] == "unix-process" and question[2] == "65534" and int(question[3]) > 0 and question[4:] == ["1", "org.libvirt.unix.manage"]
    wire = toy.wire()  # root needs none
    wire.close()
    # the read-only socket asks for another action, which is refused here
    lines = as_nobody(toy, "sock-ro", lambda wire: [error_of(wire.call(70)), error_of(wire.call(1, struct.pack(">II", 0, 0)))])
    assert lines[0] == "(45, 60, 'authentication failed: access denied by policy')", lines
    assert policy.question()[5] == "org.libvirt.unix.monitor"
    toy.stop()
    policy.close()


def no_descriptors():
    """Without a free descriptor new clients wait, quietly; those inside are served, and the next one when somebody has left."""
    toy = Toy()
    inside = toy.wire()
    limit = toy.descriptors() + 8
    resource.prlimit(toy.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    wires = [Wire(toy.path()) for _ in range(30)]
    for wire in wires:
        wire.send(frame(LIB_VERSION))
    time.sleep(0.3)
    before = cpu(toy)
    for _ in range(10):
        assert inside.call(LIB_VERSION)[5] == OK
        time.sleep(0.1)
    assert cpu(toy) - before < 0.3, "it spins"
    for wire in wires:
        wire.close()
    late = toy.wire()
    assert late.call(LIB_VERSION)[5] == OK
    for wire in (inside, late):
        wire.close()
    toy.stop()


def cpu(toy):
    """Seconds that it has used."""
    with open(f"/proc/{toy.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd_outside():
    """Clients that don't authenticate fill the room in front of the door, not the house."""
    if os.getuid() != 0:
        raise Skip("needs root")
    toy = Toy("polkit")
    inside = toy.wire()
    before = toy.descriptors()
    as_nobody(toy, "sock", lambda wire: crowd(toy, inside))
    assert toy.descriptors() <= before + 20, "more than max_anonymous_clients came in"
    late = toy.wire()  # when they are gone, it is let in
    assert late.call(LIB_VERSION)[5] == OK
    for wire in (inside, late):
        wire.close()
    toy.stop()


def crowd(toy, inside):
    wires = [Wire(toy.path()) for _ in range(40)]
    for wire in wires:
        wire.send(frame(LIB_VERSION))
    time.sleep(0.3)
    served = [wire for wire in wires if readable(wire, 0)]
    yield len(served)
    assert len(served) <= 20, f"{len(served)} strangers were served at once"
    assert all(error_of(wire.receive())[0] == 39 for wire in served)
    assert inside.call(LIB_VERSION)[5] == OK


def polkit_trouble():
    for verdict, code, words in (("challenge", 94, "no polkit agent available"), ("dismissed", 79, "user cancelled")):
        policy = Policy("org.libvirt.unix.manage=" + verdict)
        toy = Toy("polkit", **policy.env)
        line = as_nobody(toy, "sock", lambda wire: [error_of(wire.call(70))])[0]
        assert line.startswith(f"({code}, 60") and words in line, line
        toy.stop()
        policy.close()
    # a client that leaves while its user is asked: the question is taken back, others are served
    policy = Policy("org.libvirt.unix.manage=silence")
    toy = Toy("polkit", **policy.env)
    as_nobody(toy, "sock", lambda wire: [wire.send(frame(70)), time.sleep(0.2)])
    assert policy.question()[5] == "org.libvirt.unix.manage"
    assert policy.question() == ["cancel"]
    toy.wire().close()
    policy.close()
    # no bus at all
    line = as_nobody(toy, "sock", lambda wire: [error_of(wire.call(70))])[0]
    assert line.startswith("(94, 60"), line
    toy.stop()


def polkit_access():
    """The access driver: per call and object, list filters, events; details for rules."""
    policy = Policy("org.libvirt.unix.manage=yes", "org.libvirt.api.connect.getattr=yes", "org.libvirt.api.domain.read=yes",
                    "org.libvirt.api.connect.search-domains=yes", "org.libvirt.api.domain.getattr=yes")
    toy = Toy("polkit", TOY_ACL="polkit", **policy.env)

    def calls(wire):
        yield wire.call(70)[5], wire.call(1, struct.pack(">II", 0, 0))[5]
        yield wire.call(GET_INFO, TOY)[5]
        yield error_of(wire.call(SUSPEND, TOY))
        yield wire.call(23, xdr_string("toy"))[5]
        yield error_of(wire.call(OPEN_GRAPHICS_FD, TOY + struct.pack(">II", 0, 0)))[0]
        yield wire.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 0))[5]
    lines = as_nobody(toy, "sock", calls)
    assert lines[0] == "(0, 0)" and lines[1] == "0" and lines[3] == "0", lines
    assert lines[2].startswith("(88, 55, \"access denied: 'TOY' denied access") and "domain 'toy'" in lines[2], lines[2]
    assert lines[4] == "88" and lines[5] == "0", lines
    questions = [policy.question() for _ in range(4)]
    assert questions[0][5] == "org.libvirt.unix.manage" and questions[1][5] == "org.libvirt.api.connect.getattr"
    assert questions[2][4:] == ["0", "org.libvirt.api.domain.read", "connect_driver=TOY", "domain_name=toy"], questions[2]
    assert questions[3][5] == "org.libvirt.api.domain.suspend"
    # events: only for those who may see the domain
    listener = toy.wire()
    assert listener.call(CALLBACK_REGISTER, struct.pack(">iI", 0, 0))[5] in (OK, ERROR)
    listener.close()
    toy.stop()
    policy.close()


def main():
    suite = Suite()
    toy = Toy()
    for test in (objects, read_only, overtaking, limit, pipelined, job, leaving, events, console, echo, slow_reader, screenshot,
                 descriptors, large_answers, many_streams, small_change, closing, forwarding, identity, features, deaf):
        suite.run("rpc: " + test.__name__.replace("_", " "), test, toy)
        if toy.process.poll() is not None:
            break
    suite.run("rpc: stop", toy.stop)
    for test in (draining, forwarded, silent_client, no_descriptors, crowd_outside, polkit_login, polkit_trouble, polkit_access):
        suite.run("rpc: " + test.__name__.replace("_", " "), test)
    suite.done()


if __name__ == "__main__":
    sys.exit(main())
