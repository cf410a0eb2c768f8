#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""domain-life: the life of a machine as a user of virsh sees it: words, states, reasons, exit statuses and events in their order, as
stock libvirt 9.0 gives them; and what is left after each kind of end, of the machine's and of the daemon's."""

import os
import shutil
import signal
import subprocess
import sys
import time

from lab import Private, Skip, Suite, as_user, build_dir

MACHINE = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu current='1'>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>{boot}</os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices><controller type='usb' model='none'/><serial type='file'><source path='{home}/{name}.console'/></serial>
    <memballoon model='virtio'/></devices>
</domain>"""


class Watch:
    """virsh event, and the lines that it prints."""

    def __init__(self, private):
        self.path = os.path.join(private.home, "events")
        self.seen = 0
        with open(self.path, "w") as out:
            self.process = subprocess.Popen(
                ["stdbuf", "-oL", "virsh", "-c", private.uri(), "event", "--all", "--loop"], env=private.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        time.sleep(0.3)

    def take(self, *wanted, seconds=10, without="\0"):
        """The next lines are these, in this order; lines with the text `without` don't count."""
        deadline = time.monotonic() + seconds
        while True:
            with open(self.path) as lines:
                found = [line.strip().removeprefix("event ") for line in lines 
                         if line.startswith("event ") and without not in line][self.seen:]
            if len(found) >= len(wanted) or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        assert found == list(wanted), f"events {found}, not {list(wanted)}"
        self.seen += len(found)

    def close(self):
        self.process.terminate()
        self.process.wait()


def lifecycle(name, what):
    return f"'lifecycle' for domain '{name}': {what}"


class Life:
    def __init__(self, private):
        self.private = private
        self.virsh = private.virsh
        self.folder = os.environ.get("GUEST_DIR")

    def xml(self, name):
        boot = ""
        if self.folder:
            boot = (f"<kernel>{self.folder}/vmlinuz</kernel><initrd>{self.folder}/initrd.img</initrd>"
                    "<cmdline>console=ttyS0 quiet</cmdline>")
        return self.private.file(name + ".xml", MACHINE.format(name=name, boot=boot, home=self.private.home))

    def state(self, name, wanted):
        found = self.virsh("domstate", "--reason", name).strip()
        assert found == wanted, f"'{name}' is {found}, not {wanted}"

    def refused(self, *command, says):
        code, _, error = self.virsh(*command, check=False)
        assert code == 1 and says in error, f"virsh {' '.join(command)}: {code} {error}"

    def pid(self, name):
        with open(os.path.join(self.private.run, "qemu", "run", name + ".pid")) as file:
            return int(file.read())

    def quiet(self):
        """Nothing of a machine is left in the directories of running ones."""
        kept = {"autostarted", "kvm-verdict", "driver.pid"}
        left = set(os.listdir(os.path.join(self.private.run, "qemu", "run"))) - kept
        left |= set(os.listdir(os.path.join(self.private.home, "config", "libvirt", "qemu", "lib")))
        assert not left, f"left behind: {left}"

    def clear(self):
        """After a test that failed half way: the next one begins with nothing."""
        if self.private.daemons["virtqemud"].poll() is not None:
            self.private.start("virtqemud")
        for command in ("destroy", "undefine"):
            for name in self.virsh("list", "--all", "--name").split():
                self.virsh(command, name, check=False)

    # ---- the tests ----

    def define_to_undefine(self):
        events = Watch(self.private)
        try:
            self.virsh("define", self.xml("t"))
            events.take(lifecycle("t", "Defined Added"))
            self.refused("define", self.xml("t"), says="operation failed: domain 't' already exists with uuid")
            self.state("t", "shut off (unknown)")
            self.virsh("start", "--paused", "t")
            events.take(lifecycle("t", "Started Booted"), lifecycle("t", "Suspended Paused"))
            self.state("t", "paused (user)")
            self.virsh("resume", "t")
            events.take(lifecycle("t", "Resumed Unpaused"))
            self.state("t", "running (unpaused)")
            self.refused("resume", "t", says="Requested operation is not valid: domain is already running")
            self.refused("start", "t", says="Domain is already active")
            self.virsh("suspend", "t")
            self.virsh("suspend", "t")
            events.take(lifecycle("t", "Suspended Paused"))
            self.virsh("destroy", "t")
            events.take(lifecycle("t", "Shutdown Finished after host request"), lifecycle("t", "Stopped Destroyed"))
            self.state("t", "shut off (destroyed)")
            for command in ("destroy", "suspend", "resume", "shutdown", "reboot", "reset"):
                self.refused(command, "t", says="Requested operation is not valid: domain is not running")
            self.virsh("start", "t")
            events.take(lifecycle("t", "Resumed Unpaused"), lifecycle("t", "Started Booted"))
            self.state("t", "running (booted)")
            self.virsh("undefine", "t")
            events.take(lifecycle("t", "Undefined Removed"))
            assert self.virsh("dominfo", "t").count("Persistent:     no") == 1
            self.refused("undefine", "t", says="cannot undefine transient domain")
            self.refused("autostart", "t", says="cannot set autostart for transient domain")
            os.kill(self.pid("t"), signal.SIGKILL)
            events.take(lifecycle("t", "Stopped Failed"))
            self.refused("domstate", "t", says="failed to get domain 't'")
        finally:
            events.close()
        self.quiet()

    def rename_and_words(self):
        self.virsh("define", self.xml("t"))
        events = Watch(self.private)
        try:
            self.virsh("desc", "t", "--title", "foo")
            self.virsh("desc", "t", "bar")
            self.virsh("metadata", "t", "urn:x", "--key", "x", "--set", "<a/>")
            assert self.virsh("metadata", "t", "urn:x").strip() == "<a/>"
            self.refused("metadata", "t", "urn:y", says="metadata not found: Requested metadata element is not present")
            self.virsh("domrename", "t", "u")
            events.take("'metadata-change' for domain 't': type title, uri <null>",
                        "'metadata-change' for domain 't': type description, uri <null>",
                        "'metadata-change' for domain 't': type element, uri urn:x",
                        lifecycle("t", "Undefined Renamed"), lifecycle("u", "Defined Renamed"))
        finally:
            events.close()
        text = self.virsh("dumpxml", "u")
        assert "<title>foo</title>" in text and "<description>bar</description>" in text, text
        self.refused("domrename", "u", "u", says="Can't rename domain to itself")
        self.virsh("undefine", "u")

    def memory_and_vcpus(self):
        self.virsh("define", self.xml("t"))
        self.virsh("start", "t")
        self.refused("setvcpus", "t", "9", says="requested vcpus is greater than max allowable vcpus for the live domain: 9 > 2")
        self.refused("setmaxmem", "t", "262144", "--live", says="cannot resize the maximum memory on an active domain")
        self.virsh("setmaxmem", "t", "262144", "--config")
        self.virsh("setvcpus", "t", "2", "--config")
        assert self.virsh("vcpucount", "t", "--current", "--live").strip() == "1"
        assert self.virsh("vcpucount", "t", "--current", "--config").strip() == "2"
        self.virsh("setvcpus", "t", "2", "--live")
        assert self.virsh("vcpucount", "t", "--current", "--live").strip() == "2"
        assert "<memory unit='KiB'>262144</memory>" in self.virsh("dumpxml", "--inactive", "t")
        self.virsh("vcpupin", "t", "0", "0", "--live")
        self.virsh("vcpupin", "t", "1", "0", "--config")
        self.refused("vcpupin", "t", "5", "0", says="vcpu 5 is out of range of live cpu count 2")
        assert "<vcpupin vcpu='0' cpuset='0'/>" in self.virsh("dumpxml", "t")
        assert "<vcpupin vcpu='1' cpuset='0'/>" in self.virsh("dumpxml", "--inactive", "t")
        self.virsh("send-key", "t", "KEY_A")
        assert "VM status: running" in self.virsh("qemu-monitor-command", "t", "--hmp", "info status")
        assert '"CommandNotFound"' in self.virsh("qemu-monitor-command", "t", '{"execute":"foo"}')
        self.refused("qemu-agent-command", "t", "{}", says="argument unsupported: QEMU guest agent is not configured")
        self.virsh("destroy", "t")
        self.virsh("undefine", "t")

    def outlives_the_daemon(self):
        self.virsh("define", self.xml("kept"))
        self.virsh("define", self.xml("lost"))
        for name in ("kept", "lost"):
            self.virsh("start", name)
        self.virsh("suspend", "kept")
        kept, lost = self.pid("kept"), self.pid("lost")
        self.private.stop("virtqemud", signal.SIGKILL)
        os.kill(lost, signal.SIGKILL)
        self.private.start("virtqemud")
        self.state("kept", "paused (user)")
        self.state("lost", "shut off (crashed)")
        assert self.pid("kept") == kept
        self.virsh("resume", "kept")
        self.state("kept", "running (unpaused)")
        self.private.stop("virtqemud", signal.SIGTERM)
        os.kill(kept, 0)
        self.private.start("virtqemud")
        self.state("kept", "running (unpaused)")
        self.virsh("destroy", "kept")
        for name in ("kept", "lost"):
            self.virsh("undefine", name)
        self.quiet()

    def autodestroy(self):
        """A machine that goes with its client, also when the daemon goes in between."""
        shell = subprocess.Popen(["virsh", "-q", "-c", self.private.uri()], env=self.private.env, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for name in ("gone", "orphan"):
                shell.stdin.write(f"create --autodestroy {self.xml(name)}\n")
                shell.stdin.flush()
                self.wait(lambda name=name: name in self.virsh("list", "--name").split(), f"'{name}' does not run")
                if name == "gone":
                    shell.stdin.close()
                    shell.wait(10)
                    self.wait(lambda: not self.virsh("list", "--name").split(), "'gone' outlives its client")
                    shell = subprocess.Popen(["virsh", "-q", "-c", self.private.uri()], env=self.private.env, text=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.private.stop("virtqemud", signal.SIGKILL)
            self.private.start("virtqemud")
            self.wait(lambda: not self.virsh("list", "--name").split(), "'orphan' outlives the daemon that its client talked to")
        finally:
            shell.kill()
            shell.wait()
        self.quiet()

    @staticmethod
    def wait(done, otherwise, seconds=10):
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.02)

    def killed_while_starting(self):
        """The daemon dies at some moment of a start: no QEMU stays that nobody knows."""
        self.virsh("define", self.xml("t"))
        for wait in range(0, 100, 9):
            start = subprocess.Popen(["virsh", "-q", "-c", self.private.uri(), "start", "t"], env=self.private.env,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait / 1000)
            self.private.stop("virtqemud", signal.SIGKILL)
            start.wait()
            self.private.start("virtqemud")
            deadline = time.monotonic() + 10
            while "paused (starting up)" in self.virsh("domstate", "--reason", "t"):
                assert time.monotonic() < deadline, "a half started machine stays"
                time.sleep(0.01)
            found = subprocess.run(["pgrep", "-u", str(os.geteuid()), "-f", "guest=t[ ,]"], capture_output=True, text=True).stdout.split()
            if self.virsh("domstate", "t").strip() == "running":
                assert len(found) == 1, f"{wait} ms: one machine, QEMU {found}"
                self.virsh("destroy", "t")
            else:
                deadline = time.monotonic() + 5
                while subprocess.run(["pgrep", "-u", str(os.geteuid()), "-f", "guest=t[ ,]"], capture_output=True).stdout:
                    assert time.monotonic() < deadline, f"{wait} ms: a QEMU that nobody knows"
                    time.sleep(0.05)
        self.virsh("undefine", "t")
        self.quiet()

    def one_is_stopped(self):
        """With one QEMU stopped by SIGSTOP every other call keeps its latency, and destroy still ends it."""
        for name in ("good", "stuck"):
            self.virsh("create", self.xml(name))
        os.kill(self.pid("stuck"), signal.SIGSTOP)
        hanging = subprocess.Popen(["virsh", "-q", "-c", self.private.uri(), "suspend", "stuck"], env=self.private.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.1)
        for command in (("list",), ("suspend", "good"), ("resume", "good"), ("dominfo", "stuck"), ("dumpxml", "stuck"),
                        ("domstate", "stuck"), ("vcpucount", "stuck")):
            begin = time.monotonic()
            self.virsh(*command)
            took = time.monotonic() - begin
            assert took < 1, f"virsh {' '.join(command)} took {took:.1f} s"
        assert "occupied" in self.virsh("domcontrol", "stuck")
        begin = time.monotonic()
        self.virsh("destroy", "stuck")
        assert time.monotonic() - begin < 2, "destroy waited for a QEMU that can't hear"
        assert hanging.wait(5) == 1
        self.virsh("destroy", "good")
        self.quiet()

    def autostart(self):
        self.virsh("define", self.xml("t"))
        self.virsh("autostart", "t")
        self.private.stop("virtqemud")
        os.unlink(os.path.join(self.private.run, "qemu", "run", "autostarted"))  # as after a boot
        self.private.start("virtqemud")
        deadline = time.monotonic() + 10
        while self.virsh("domstate", "t").strip() != "running":
            assert time.monotonic() < deadline, "it did not start by itself"
            time.sleep(0.02)
        self.virsh("destroy", "t")
        self.private.stop("virtqemud")
        self.private.start("virtqemud")
        time.sleep(0.3)
        self.state("t", "shut off (unknown)")  # once per boot
        self.virsh("undefine", "t")

    def tpm_state(self):
        """What an emulated TPM keeps goes with its machine, unless it shall persist, or the flags say otherwise."""
        if not shutil.which("swtpm"):
            raise Skip("no swtpm here")
        with open(self.xml("t")) as file:
            plain = file.read()
        uuid = "70000000-0000-4000-8000-00000000007e"
        kept = os.path.join(self.private.home, "config", "libvirt", "qemu", "swtpm", uuid)

        def machine(persistent):
            backend = "<backend type='emulator' version='2.0'" + (" persistent_state='yes'/>" if persistent else "/>")
            text = plain.replace("<memory ", f"<uuid>{uuid}</uuid><memory ").replace("</devices>", f"<tpm model='tpm-crb'>{backend}</tpm></devices>")
            return self.private.file("tpm.xml", text)

        for persistent, flags, stays in ((False, (), False), (False, ("--keep-tpm",), True), (False, ("--tpm",), False), (True, (), True),
                                         (True, ("--tpm",), False)):
            self.virsh("define", machine(persistent))
            self.virsh("start", "t")
            self.virsh("destroy", "t")
            assert os.path.isdir(kept), f"no state in {kept}"
            self.virsh("undefine", "t", *flags)
            assert os.path.exists(kept) == stays, f"persistent {persistent}, undefine {flags}: {'gone' if stays else 'still there'}"
        self.refused("undefine", "t", "--tpm", "--keep-tpm", says="")
        self.virsh("create", machine(False))
        assert os.path.isdir(kept)
        self.virsh("destroy", "t")
        assert not os.path.exists(kept), "a transient machine's state stays"
        os.rmdir(os.path.join(self.private.run, "qemu", "run", "swtpm"))  # empty: sockets and logs are gone
        self.quiet()

    def guest_powers_off(self):
        if not self.folder:
            raise Skip("no guest: set GUEST_DIR (tools/make-guest makes one)")
        self.virsh("define", self.xml("t"))
        self.virsh("start", "t")
        self.console("t", "login:")
        events = Watch(self.private)
        try:
            self.virsh("reboot", "t")
            # QEMU says RESET once or more while the firmware begins anew
            events.take(lifecycle("t", "Shutdown Finished after guest request"), lifecycle("t", "Resumed Unpaused"),
                        seconds=20, without="'reboot'")
            os.truncate(os.path.join(self.private.home, "t.console"), 0)
            self.console("t", "login:")
            self.virsh("shutdown", "t")
            events.take(lifecycle("t", "Shutdown Finished after guest request"), lifecycle("t", "Stopped Shutdown"),
                        seconds=20, without="'reboot'")
        finally:
            events.close()
        self.state("t", "shut off (shutdown)")
        self.virsh("undefine", "t")
        self.quiet()

    def console(self, name, text, seconds=40):
        deadline = time.monotonic() + seconds
        while True:
            with open(os.path.join(self.private.home, name + ".console"), errors="replace") as file:
                if text in file.read():
                    return
            assert time.monotonic() < deadline, f"'{text}' does not come from the guest"
            time.sleep(0.05)


def main():
    build_dir()
    as_user()
    if not shutil.which("qemu-system-x86_64"):
        print("skip domain-life - no qemu-system-x86_64")
        return
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        life = Life(private)
        for test in (life.define_to_undefine, life.rename_and_words, life.memory_and_vcpus, life.outlives_the_daemon, life.autodestroy,
                     life.killed_while_starting, life.one_is_stopped, life.autostart, life.tpm_state, life.guest_powers_off):
            if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
                suite.run(test.__name__, test)
                life.clear()
    suite.done()


main()
