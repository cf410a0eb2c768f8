#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""handover: connections that go on when the daemon is restarted. This suite is the service manager: it owns the sockets, keeps descriptors as
systemd's store does (sd_notify: FDSTORE=1, FDSTOREREMOVE=1, BARRIER=1), and starts the next run with them."""

import array
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from lab import LIB_VERSION, MESSAGE, QEMU, Private, Suite, Wire, as_user, build_dir, error_of, frame, xdr_string

CAPABILITIES, CREATE_XML, DEFINE_XML, NUM_OF_SECRETS, SECRET_DEFINE_XML = 7, 10, 350, 139, 142
DOMAIN_EVENTS, NO_DOMAIN_EVENTS, SECRET_EVENTS, MONITOR_EVENTS = 316, 317, 380, 4  # register and deregister
AUTODESTROY = 2
MACHINE = "<domain type='qemu'><name>{}</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>{}</devices></domain>"


class Manager:
    """One daemon as a service."""

    def __init__(self, private, daemon):
        self.private, self.daemon = private, daemon
        self.kept, self.process = {}, None
        os.makedirs(private.run, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(private.socket(daemon))
        self.listener.listen(100)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = os.path.join(private.home, daemon + ".notify")
        self.notify.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            data, control, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(4 * 64), socket.MSG_CMSG_CLOEXEC)
            fds = array.array("i")
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(content[:len(content) - len(content) % 4])
            said = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            if "FDSTORE" in said:
                self.kept[said["FDNAME"]] = fds.pop()
            elif "FDSTOREREMOVE" in said:
                os.close(self.kept.pop(said["FDNAME"]))
            for fd in fds:  # a barrier, above all
                os.close(fd)

    def start(self):
        """Kept descriptors whose other end is gone aren't handed over."""
        poll = select.poll()
        for fd in self.kept.values():
            poll.register(fd, 0)
        gone = {fd for fd, events in poll.poll(0) if events & (select.POLLHUP | select.POLLERR)}
        for name in [name for name, fd in self.kept.items() if fd in gone]:
            os.close(self.kept.pop(name))
        names = [self.daemon + ".socket", *self.kept]
        fds = [self.listener.fileno(), *self.kept.values()]

        def arrange():
            high = [os.dup2(fd, 1000 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.close(fd)
        log = open(os.path.join(self.private.home, self.daemon + ".log"), "a", encoding="utf-8")
        env = dict(self.private.env, LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(names), NOTIFY_SOCKET=self.path)
        self.process = subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", os.path.join(build_dir(), self.daemon, self.daemon), "--session"],
                                        env=env, close_fds=False, preexec_fn=arrange, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.private.daemons[self.daemon] = self.process

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        assert code == 0, f"{self.daemon} ended with {code}: {self.private.log(self.daemon)[-1500:]}"

    def restart(self):
        self.stop()
        self.start()

    def give_up(self):
        """The service was stopped for good."""
        for name in list(self.kept):
            os.close(self.kept.pop(name))


def version(wire, serial=1):
    reply = wire.call(LIB_VERSION, serial=serial)
    assert reply and reply[5] == 0, reply and error_of(reply)
    return reply[4]


def reply_to(wire, serial):
    """The reply, and the events that came before it."""
    events = []
    while True:
        got = wire.receive()
        assert got, "the connection was closed"
        if got[3] != MESSAGE:
            assert got[4] == serial, got
            return got, events
        events.append(got)


class Handover:
    def __init__(self, private):
        self.private = private
        self.manager = Manager(private, "virtqemud")
        self.manager.start()

    def connect(self, **more):
        return Wire(self.private.socket("virtqemud"), **more).open()

    def idle(self):
        """A connection is the same before and after, again and again; a new one is no other's."""
        wire, pid = self.connect(), self.manager.process.pid
        version(wire)
        for serial in range(2, 5):
            self.manager.restart()
            assert version(wire, serial) == serial
        assert self.manager.process.pid != pid
        version(self.connect())
        assert not self.manager.kept, f"the manager still keeps {self.manager.kept}"
        wire.close()

    def events(self):
        """Who registered for events before hears of them after, under the same number, and can give them up."""
        wire, other = self.connect(), self.connect()
        reply = wire.call(DOMAIN_EVENTS, struct.pack(">iI", 0, 0), serial=7)
        assert reply[5] == 0, error_of(reply)
        number = struct.unpack(">i", reply[6])[0]
        reply = wire.call(MONITOR_EVENTS, struct.pack(">II", 0, 1) + xdr_string("ST.P") + struct.pack(">I", 1), program=QEMU, serial=8)
        assert reply[5] == 0, error_of(reply)
        pattern = struct.unpack(">i", reply[6])[0]
        self.manager.restart()
        xml = MACHINE.format("told", "")
        reply = other.call(DEFINE_XML, xdr_string(xml) + struct.pack(">I", 0))
        assert reply[5] == 0, error_of(reply)
        event = wire.receive()
        assert event[3] == MESSAGE and struct.unpack(">i", event[6][:4])[0] == number, event
        self.private.virsh("start", "told")
        self.private.virsh("suspend", "told")
        self.private.virsh("destroy", "told")
        reply = wire.call(NO_DOMAIN_EVENTS, struct.pack(">i", number), serial=9)
        events = []
        while reply[3] == MESSAGE:
            events.append((reply[0], struct.unpack(">i", reply[6][:4])[0]))
            reply = wire.receive()
        assert reply[4:6] == (9, 0), error_of(reply)
        assert (QEMU, pattern) in events, events
        self.private.virsh("undefine", "told")
        version(wire, 10)

    def half_a_call(self):
        """What was sent of a call when the daemon stopped counts."""
        wire = self.connect()
        call = frame(LIB_VERSION, serial=21)
        for cut in (1, 4, 27):
            wire.send(call[:cut])
            time.sleep(0.1)
            self.manager.restart()
            wire.send(call[cut:])
            assert reply_to(wire, 21)[0][5] == 0

    def many_calls(self):
        """Calls that were under way: each is answered, and once."""
        wire = self.connect()
        wire.send(b"".join(frame(LIB_VERSION, serial=i) for i in range(100, 160)) + b"".join(
            frame(CAPABILITIES, serial=i) for i in range(160, 260)))
        self.manager.restart()
        wire.send(frame(LIB_VERSION, serial=260))
        replies = [wire.receive() for _ in range(100, 261)]
        assert all(reply and reply[5] == 0 for reply in replies), [error_of(reply) for reply in replies if reply and reply[5]]
        assert sorted(reply[4] for reply in replies) == list(range(100, 261))

    def unread_answers(self):
        """Answers that the client didn't read yet come whole, whichever run sent them."""
        wire = self.connect()
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(b"".join(frame(CAPABILITIES, serial=i) for i in range(300, 400)))
        time.sleep(0.3)
        self.manager.restart()
        replies = [wire.receive() for _ in range(300, 400)]
        assert sorted(reply[4] for reply in replies) == list(range(300, 400)) and len({reply[6] for reply in replies}) == 1

    def many_clients(self):
        wires = [self.connect() for _ in range(200)]
        self.manager.restart()
        for serial, wire in enumerate(wires, 1):
            version(wire, serial)
        for wire in wires[::2]:
            wire.close()
        self.manager.restart()
        for serial, wire in enumerate(wires[1::2], 1):
            version(wire, serial)
            wire.close()

    def other_daemons(self):
        """Connections to virtsecretd that belong to a client go on with it, through restarts of both."""
        secrets = Manager(self.private, "virtsecretd")
        secrets.start()
        wire = self.connect()
        reply = wire.call(SECRET_EVENTS, struct.pack(">iI", 0, 0), serial=5)
        assert reply[5] == 0, error_of(reply)
        xml = "<secret ephemeral='yes'><description>{}</description></secret>"
        for number, managers in enumerate(((self.manager,), (secrets,), (self.manager, secrets), (secrets, self.manager))):
            for manager in managers:
                manager.stop()
            for manager in managers:
                manager.start()
            other = self.connect()
            reply = other.call(SECRET_DEFINE_XML, xdr_string(xml.format(number)) + struct.pack(">I", 0))
            assert reply[5] == 0, error_of(reply)
            event = wire.receive()
            assert event[3] == MESSAGE, event
            wire.send(frame(NUM_OF_SECRETS, serial=30 + number))
            assert reply_to(wire, 30 + number)[0][5] == 0
        wire.close()
        secrets.stop()
        secrets.give_up()

    def ends(self):
        """A service that isn't started again closes its connections; so does one that was killed, and what another version left."""
        wire = self.connect()
        self.manager.stop()
        assert self.manager.kept
        self.manager.give_up()
        assert wire.receive() is None
        self.manager.start()
        wire = self.connect()
        self.manager.process.kill()
        self.manager.process.wait()
        assert not self.manager.kept and wire.receive() is None
        self.manager.start()
        wire = self.connect()
        self.manager.stop()
        for name, fd in self.manager.kept.items():
            if name.endswith("-state"):
                os.pwrite(fd, struct.pack(">I", 999), 0)
        self.manager.start()
        assert wire.receive() is None
        version(self.connect())
        assert "it was left by another version" in self.private.log("virtqemud")

    def not_kept(self):
        """A machine that is destroyed when its client leaves, and with it the connection, doesn't outlive the daemon."""
        wire = self.connect()
        reply = wire.call(CREATE_XML, xdr_string(MACHINE.format("passing", "")) + struct.pack(">I", AUTODESTROY), serial=3)
        assert reply[5] == 0, error_of(reply)
        self.manager.restart()
        assert wire.receive() is None
        deadline = time.monotonic() + 20
        while "passing" in self.private.virsh("list", "--name"):
            assert time.monotonic() < deadline, "the machine outlived its client"
            time.sleep(0.05)


def main():
    suite = Suite()
    with Private() as private:
        handover = Handover(private)
        for name in ("idle", "events", "half_a_call", "many_calls", "unread_answers", "many_clients", "other_daemons", "ends", "not_kept"):
            if not sys.argv[1:] or name in sys.argv[1:]:
                suite.run("handover: " + name.replace("_", " "), getattr(handover, name))
    suite.done()


if __name__ == "__main__":
    as_user()
    main()
