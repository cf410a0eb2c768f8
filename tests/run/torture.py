#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""torture: what is left when the daemon is killed at the n-th system call of a change, and what a client hears when the n-th
system call fails; for every n (`make torture`), or for every EVERY-th one (the default is a sample).

tests/fake/strike counts the calls and strikes. Whatever happens: the daemon (the old or the next one) answers, a definition is the
old or the new one, whole, a machine runs and is known or is gone, nothing is left behind, and the change works the next time."""

import collections
import errno
import os
import re
import signal
import struct
import subprocess
import sys
import time

from lab import LIB_VERSION, Private, Skip, Suite, Wire, as_user, build_dir, error_of, xdr_string

STRIKE = os.path.join(build_dir(), "tests", "fake", "strike")
EVERY = int(os.environ.get("EVERY", "3"))
FIRST = int(os.environ.get("FIRST", "1"))
LIST, DEFINE, XML, AUTOSTART, UNDEFINE, CREATE, DESTROY, STATE = 273, 11, 14, 29, 35, 9, 12, 212
INACTIVE, RUNNING, PAUSED, SHUTDOWN, SHUTOFF = 2, 1, 3, 4, 5
STARTING_UP = 11
NO_DOMAIN = 42
# calls whose failure may cost a connection its life
OF_CONNECTION = {"sendmsg", "recvmsg", "epoll_ctl", "accept4", "read", "fcntl"}

MACHINE = """<domain type='qemu'>
  <name>t</name>
  <uuid>70000000-0000-4000-8000-000000000001</uuid>
  <title>{title}</title>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{home}/disk'/><target dev='vda' bus='virtio'/></disk>
    <console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' socket='{home}/vnc'/>
    <video><model type='vga'/></video>
    <memballoon model='virtio'/>
  </devices>
</domain>"""


class Bed:
    """A private daemon, the machine 't', and its three states."""

    def __init__(self, private):
        self.private = private
        self.old, self.new = (MACHINE.format(title=title, home=private.home) for title in ("old", "new"))
        with open(os.path.join(private.home, "disk"), "wb") as disk:
            disk.truncate(1 << 20)
        self.open()
        reply = self.must(DEFINE, xdr_string(self.old))
        self.domain = reply[6]
        self.old_xml = self.xml()
        self.must(CREATE, self.domain)
        self.must(DESTROY, self.domain)
        self.must(DEFINE, xdr_string(self.new))
        self.new_xml = self.xml()
        self.must(AUTOSTART, self.domain + struct.pack(">i", 1))
        self.must(AUTOSTART, self.domain + struct.pack(">i", 0))
        self.must(DEFINE, xdr_string(self.old))
        self.trees = {"defined": self.tree()}
        self.must(UNDEFINE, self.domain)
        self.trees["none"] = self.tree()

    def open(self):
        private = self.private
        if "virtqemud" not in private.daemons:
            private.start("virtqemud")
        self.wire = Wire(private.socket("virtqemud"), 30).open()

    def call(self, procedure, payload=b""):
        return self.wire.call(procedure, payload)

    def must(self, procedure, payload=b""):
        reply = self.call(procedure, payload)
        assert reply is not None, f"the connection is closed instead of answering call {procedure}"
        assert reply[5] == 0, f"call {procedure}: {error_of(reply)}"
        return reply

    def xml(self):
        payload = self.must(XML, self.domain + struct.pack(">I", INACTIVE))[6]
        return payload[4:4 + struct.unpack(">I", payload[:4])[0]].decode()

    def state(self):
        """(state, reason), or None when there is no such machine."""
        reply = self.call(STATE, self.domain + struct.pack(">I", 0))
        if reply[5] and error_of(reply)[0] == NO_DOMAIN:
            return None
        assert reply[5] == 0, error_of(reply)
        return struct.unpack(">ii", reply[6])

    def settled(self):
        """The state, once nothing is on its way any more."""
        passing = ((PAUSED, STARTING_UP), (SHUTDOWN, 0), (SHUTDOWN, 1))
        self.until(lambda: self.state() not in passing, "a half started machine stays")
        return self.state()

    @staticmethod
    def until(done, otherwise, seconds=15):
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, otherwise() if callable(otherwise) else otherwise
            time.sleep(0.005)

    def machines(self):
        """Processes of QEMU, ours or not known to anybody."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as command:
                    words = command.read().split(b"\0")
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    ours = b"HOME=" + self.private.home.encode() in environ.read() or \
                        self.private.home.encode() in b" ".join(words)
            except OSError:
                continue
            if ours and any(word.startswith(b"guest=t") for word in words):
                found.append(int(entry))
        return found

    def tree(self):
        """Every file there is, but what is a log, a cache, or known to come and go."""
        found = set()
        for path, folders, files in os.walk(self.private.home):
            folders[:] = [name for name in folders if name not in ("cache", "log")]
            found |= {os.path.relpath(os.path.join(path, name), self.private.home) for name in files + folders}
        return {path for path in found if not path.endswith((".log", "autostarted"))}

    def left(self, state):
        """What is there and was not, when the machine last was in this state; or the other way round. A kill may leave a
        temporary file, which the next daemon removes when it is old; a daemon that can't open a directory to empty it says so."""
        said = re.findall(r"cannot remove '([^']*)'", self.private.log("virtqemud"))
        return {path for path in self.tree() ^ self.trees[state] if not (path.endswith(".new") and "/." in path)
                and not any(os.path.join(self.private.home, path).startswith(told) for told in said)}

    def clean(self, state):
        self.until(lambda: not self.left(state), lambda: f"left behind, or lost: {sorted(self.left(state))}", 5)

    def descriptors(self):
        folder = f"/proc/{self.private.daemons['virtqemud'].pid}/fd"
        found = collections.Counter()
        for number in os.listdir(folder):
            try:
                found[os.readlink(f"{folder}/{number}").split(":")[0]] += 1
            except OSError:
                pass
        return found

    # ---- states to begin with, from any ----

    def none(self):
        if self.state() is not None:
            self.stopped()
            self.must(UNDEFINE, self.domain)
        self.clean("none")

    def stopped(self):
        if self.state() and self.settled()[0] != SHUTOFF:
            self.must(DESTROY, self.domain)
        self.until(lambda: not self.machines(), lambda: f"QEMU {self.machines()} runs and nobody knows it")

    def defined(self):
        self.stopped()
        self.must(DEFINE, xdr_string(self.old))
        self.must(AUTOSTART, self.domain + struct.pack(">i", 0))
        self.clean("defined")

    def autostarted(self):
        self.defined()
        self.must(AUTOSTART, self.domain + struct.pack(">i", 1))

    def running(self):
        if not self.state() or self.state()[0] != RUNNING:
            self.defined()
            self.must(CREATE, self.domain)

    # ---- what may be found after a change that was killed, and after one that failed ----

    def whole(self, *texts):
        """The definition is one of these; None: there may be none."""
        found = self.xml() if self.state() is not None else None
        assert found in texts, f"a definition that nobody wrote: {found}"
        return found

    def after_define(self):
        self.whole(None, self.old_xml)

    def after_redefine(self):
        self.whole(self.old_xml, self.new_xml)

    after_undefine = after_define

    def after_life(self):
        """Known and running once, or gone without a trace."""
        known = {RUNNING: 1, SHUTOFF: 0}
        self.until(lambda: known.get(self.settled()[0]) == len(self.machines()),
                   lambda: f"state {self.state()}, QEMU {self.machines()}")
        if self.state()[0] == SHUTOFF:
            self.clean("defined")
        self.whole(self.old_xml)


Change = collections.namedtuple("Change", "before procedure argument after")


CHANGES = {
    "define": lambda bed: Change(bed.none, DEFINE, xdr_string(bed.old), bed.after_define),
    "redefine": lambda bed: Change(bed.defined, DEFINE, xdr_string(bed.new), bed.after_redefine),
    "undefine": lambda bed: Change(bed.autostarted, UNDEFINE, bed.domain, bed.after_undefine),
    "start": lambda bed: Change(bed.defined, CREATE, bed.domain, bed.after_life),
    "destroy": lambda bed: Change(bed.running, DESTROY, bed.domain, bed.after_life),
    "open": lambda bed: Change(bed.none, None, b"", bed.none),
}


class Strike:
    def __init__(self, bed, how, number):
        pid = bed.private.daemons["virtqemud"].pid
        self.process = subprocess.Popen([STRIKE, str(pid), how, str(number)],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            code = self.process.wait()
            raise Skip("no process can be traced here") if code == 77 else AssertionError(f"strike ended with {code}")

    def done(self):
        """What was struck, ["write", "ENOSPC"]; None when it came to no strike."""
        if self.process.poll() is None:
            self.process.terminate()
        said = self.process.stdout.read().split()
        self.process.wait(10)
        return said[1:] if said[0] == "struck" else None


def opened(bed):
    """Another client comes, asks and goes."""
    wire = Wire(bed.private.socket("virtqemud"), 30)
    try:
        return wire.open().call(LIB_VERSION)
    except (AssertionError, OSError):
        return None
    finally:
        wire.close()


def trivial(bed):
    """The change's last movements are over when the next call is answered."""
    try:
        return bed.call(LIB_VERSION)
    except OSError:
        return None


def send(bed, change):
    try:
        reply = bed.call(change.procedure, change.argument) if change.procedure else opened(bed)
    except OSError:
        return None
    return reply and trivial(bed) and reply


def killed(bed, change):
    number, struck = FIRST, [""]
    while struck:
        bed.open()
        change.before()
        strike = Strike(bed, "kill", number)
        send(bed, change)
        struck = strike.done()
        if struck:
            bed.wire.close()
            bed.private.stop("virtqemud", signal.SIGKILL)
            try:
                bed.open()
                change.after()
                bed.private.alive("virtqemud")
            except AssertionError as why:
                raise AssertionError(f"killed at call {number} ({struck[0]}): {why}") from None
        number += EVERY
    print(f"# struck {number // EVERY} of about {number} calls")
    # what the kills left of files goes when it is old
    bed.stopped()
    for path in bed.tree():
        if path.endswith(".new"):
            os.utime(os.path.join(bed.private.home, path), (0, 0))
    bed.private.stop("virtqemud")
    bed.open()
    bed.until(lambda: not [path for path in bed.tree() if path.endswith(".new")],
              lambda: f"old temporary files stay: {[path for path in bed.tree() if path.endswith('.new')]}", 5)


def failing(bed, change):
    number = FIRST
    while True:
        change.before()
        before = bed.descriptors()
        strike = Strike(bed, "fail", number)
        begin = time.monotonic()
        reply = send(bed, change)
        struck = strike.done()
        if not struck:
            break
        try:
            bed.private.alive("virtqemud")
            says = told(reply, *struck)
            if not reply or not trivial(bed):
                bed.wire.close()
                bed.open()
            change.after()
            if os.environ.get("TORTURE_VERBOSE"):
                print(f"# {number} {' '.join(struck)} ({time.monotonic() - begin:.2f} s): {says}", flush=True)
            if change.before != bed.running:
                change.before()
                bed.until(lambda: bed.descriptors() == before,
                          lambda: f"descriptors leak: {bed.descriptors() - before}, gone {before - bed.descriptors()}", 5)
        except AssertionError as why:
            raise AssertionError(f"chance {number} ({' '.join(struck)}): {why}") from None
        number += EVERY
    print(f"# struck {number // EVERY} of about {number} chances")


def told(reply, call, error):
    """A client hears of success, or of a failure in words that name its cause."""
    if not reply:
        assert call in OF_CONNECTION, "the connection was closed without an answer"
        return "closed"
    if reply[5] == 0:
        return "done"
    code, _, text = error_of(reply)
    assert text and os.strerror(getattr(errno, error)) in text, f"error {code} without the cause: {text}"
    return text


def torture(how, name):
    with Private() as private:
        bed = Bed(private)
        how(bed, CHANGES[name](bed))


def main():
    as_user()
    if not os.path.exists(STRIKE):
        print(f"skip torture - no {STRIKE} (make check builds it)")
        return
    suite = Suite()
    for how in (killed, failing):
        for name in CHANGES:
            title = f"{name} {how.__name__}"
            if len(sys.argv) < 2 or title in sys.argv[1:] or name in sys.argv[1:] or how.__name__ in sys.argv[1:]:
                suite.run("torture: " + title, torture, how, name)
    suite.done()


main()
