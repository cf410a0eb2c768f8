# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the suites of tests/run share: private daemons, stock virsh, raw frames, and the lines that tools/check counts.

A suite is an executable that prints `ok NAME`, `not ok NAME - WHY` or `skip NAME - WHY` per test, and exits with 1 when any failed.
BUILD_DIR says where the programs are (default: the current directory or build/)."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

NOBODY = "65534"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_dir():
    for path in (os.environ.get("BUILD_DIR"), os.getcwd(), os.path.join(TOP, "build")):
        if path and os.path.exists(os.path.join(path, "virtsecretd", "virtsecretd")):
            return path
    sys.exit("no built daemons found: set BUILD_DIR")


class Skip(Exception):
    """Raised by a test that can't run here; the message says why."""


class Suite:
    def __init__(self):
        self.failed = 0

    def run(self, name, test, *arguments):
        start = time.monotonic()
        try:
            test(*arguments)
        except Skip as why:
            print(f"skip {name} - {why}", flush=True)
        except Exception as why:  # pylint: disable=broad-except
            self.failed += 1
            text = " / ".join(str(why).strip().splitlines()) or type(why).__name__
            print(f"not ok {name} - {text}", flush=True)
            if not isinstance(why, AssertionError) or not str(why):
                traceback.print_exc()
        else:
            print(f"ok {name} ({time.monotonic() - start:.2f} s)", flush=True)

    def done(self):
        sys.exit(1 if self.failed else 0)


def as_user():
    """A session daemon is a user's: root runs the suite as nobody."""
    if os.geteuid() == 0:
        os.execvp("setpriv", ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups",
                              sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])


class Private:
    """A session of its own in a temporary directory: sockets, configuration, logs; gone afterwards."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="vireo-test-")
        self.env = dict(os.environ, HOME=self.home, LC_ALL="C.UTF-8")  # names are not all ASCII
        for name in ("RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "STATE_HOME"):
            path = os.path.join(self.home, name.split("_")[0].lower())
            os.mkdir(path, 0o700)
            self.env["XDG_" + name] = path
        for name in ("LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI"):
            self.env.pop(name, None)
        self.run = os.path.join(self.home, "runtime", "libvirt")
        self.daemons = {}

    def socket(self, daemon):
        return os.path.join(self.run, daemon + "-sock")

    def start(self, daemon, *arguments, under=(), **env):
        """`under`: the program and its options that runs it."""
        program = os.path.join(build_dir(), daemon, daemon)
        log = open(os.path.join(self.home, daemon + ".log"), "a")
        process = subprocess.Popen([*under, program, "--session", *arguments], env=dict(self.env, **env),
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.daemons[daemon] = process
        deadline = time.monotonic() + 20
        while True:
            probe = socket.socket(socket.AF_UNIX)
            try:
                probe.connect(self.socket(daemon))
                return process
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{daemon} does not answer: {self.log(daemon)[-600:]}") from None
                time.sleep(0.01)
            finally:
                probe.close()

    def log(self, daemon):
        with open(os.path.join(self.home, daemon + ".log"), errors="replace") as log:
            return log.read()

    def alive(self, daemon):
        code = self.daemons[daemon].poll()
        assert code is None, f"{daemon} ended with {code}: {self.log(daemon)[-1500:]}"

    def stop(self, daemon, how=signal.SIGTERM):
        process = self.daemons.pop(daemon)
        process.send_signal(how)
        return process.wait(30)

    def uri(self, daemon="virtqemud", driver="qemu"):
        return f"{driver}:///session?socket={self.socket(daemon)}"

    def virsh(self, *command, check=True, daemon="virtqemud", driver="qemu", timeout=60, quiet=True):
        """Stock virsh: (exit status, stdout, stderr); with check, stdout of a success."""
        if not shutil.which("virsh"):
            raise Skip("no virsh here (libvirt-clients)")
        done = subprocess.run(["virsh", *(["-q"] if quiet else []), "-c", self.uri(daemon, driver), *command],
                              env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if not check:
            return done.returncode, done.stdout, done.stderr
        assert done.returncode == 0, f"virsh {' '.join(command)}: {done.stderr}"
        return done.stdout

    def file(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def close(self):
        for daemon in list(self.daemons):
            if self.daemons[daemon].poll() is None:
                self.stop(daemon)
        # machines outlive their daemon: those that a failed test left behind end here
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if b"HOME=" + self.home.encode() in environ.read().split(b"\0"):
                        os.kill(int(entry), signal.SIGKILL)
            except (OSError, ValueError):
                continue
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_for(done, otherwise, seconds=5):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)


def apart(call, *arguments):
    """What call(*arguments) returns, made of what JSON has, from a process of its own: it may die there, and whatever it says to stderr is lost."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            told = call(*arguments)
        except BaseException:  # pylint: disable=broad-except
            told = {"broken": traceback.format_exc()}
        os.write(into, json.dumps(told).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    return json.loads(text) if text else {"died": status}


class Small:
    """A daemon with a file system of 256 KiB of its own at a folder of its session, in a mount name space of its own."""

    def __init__(self, daemon, *folder):
        if os.geteuid() != 0 or not shutil.which("unshare"):
            raise Skip("needs root for a small file system of its own")
        self.private = Private()
        self.folder = os.path.join(self.private.home, *folder)
        os.makedirs(self.folder)
        program = self.private.file("start", f'#!/bin/sh\nmount -t tmpfs -o size=256k,mode=700 none {self.folder}\nexec "$@"\n')
        os.chmod(program, 0o755)
        self.daemon = self.private.start(daemon, under=["unshare", "-m", "--propagation", "private", program])

    def inside(self, *command):
        subprocess.run(["nsenter", "-t", str(self.daemon.pid), "-m", *command], check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.private.close()


# ---- raw frames (interface: framing.md) ----

REMOTE, QEMU, KEEPALIVE = 0x20008086, 0x20008087, 0x6B656570
CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS = 0, 1, 2, 3, 4
CONNECT_OPEN, CONNECT_CLOSE, AUTH_LIST, FEATURE, LIB_VERSION = 1, 2, 66, 60, 157


def xdr_string(text):
    data = text.encode()
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def frame(procedure, payload=b"", program=REMOTE, version=1, kind=CALL, serial=1, status=0):
    return struct.pack(">IIIiIII", 28 + len(payload), program, version, procedure, kind, serial, status) + payload


class Wire:
    """One raw connection."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next frame as (program, version, procedure, kind, serial, status, payload); None at the end."""
        head = self.exactly(4)
        if head is None:
            return None
        body = self.exactly(struct.unpack(">I", head)[0] - 4)
        return None if body is None else (*struct.unpack(">IIiIII", body[:24]), body[24:])

    def exactly(self, length):
        data = b""
        while len(data) < length:
            try:
                piece = self.socket.recv(length - len(data))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            data += piece
        return data

    def call(self, procedure, payload=b"", **header):
        self.send(frame(procedure, payload, **header))
        return self.receive()

    def open(self, uri="qemu:///session"):
        for reply in (self.call(AUTH_LIST), self.call(CONNECT_OPEN, struct.pack(">I", 1) + xdr_string(uri) + struct.pack(">I", 0))):
            assert reply, "the connection was closed"
            assert reply[5] == 0, error_of(reply)
        return self

    def close(self):
        self.socket.close()


def error_of(reply):
    """(code, domain, message) of an error reply."""
    payload = reply[6]
    code, domain, there = struct.unpack(">iiI", payload[:12])
    if not there:
        return code, domain, None
    length = struct.unpack(">I", payload[12:16])[0]
    return code, domain, payload[16:16 + length].decode(errors="replace")
