#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""monitor: what becomes of a change when the n-th command to QEMU fails, is QEMU's last, finds no monitor any more, or is answered
with garbage; for every n. And QEMUs whose answers are nonsense. tests/fake/meddler sits between the daemon and a real QEMU.

Whatever happens: the user hears of it, the machine is whole (it runs, or it is gone), the next change works, nothing is left.
MONITOR_SEEDS says how many kinds of nonsense are tried (default 6)."""

import os
import subprocess
import sys
import time

from lab import TOP, Private, Skip, Suite, as_user

MEDDLER = os.path.join(TOP, "tests", "fake", "meddler")
SEEDS = int(os.environ.get("MONITOR_SEEDS", "6"))

MACHINE = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>t</name>
  <memory unit='MiB'>64</memory>
  <currentMemory unit='MiB'>48</currentMemory>
  <vcpu current='1'>2</vcpu>
  <iothreads>1</iothreads>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{home}/disk'/><target dev='vda' bus='virtio'/></disk>
    <console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' socket='{home}/vnc'/>
    <video><model type='vga'/></video>
    <memballoon model='virtio'><stats period='5'/></memballoon>
  </devices>
  <qemu:commandline><qemu:env name='MEDDLE' value='{home}/meddle'/></qemu:commandline>
</domain>"""

# Row: name; whether the machine runs before it; the command.
CHANGES = {
    "start": (False, ("start", "t")),
    "suspend": (True, ("suspend", "t")),
    "save": (True, ("managedsave", "t")),
    "dump": (True, ("dump", "t", "{home}/core", "--memory-only")),
    "attach a disk": (True, ("attach-disk", "t", "{home}/other", "vdb", "--targetbus", "virtio", "--subdriver", "raw")),
    "detach a disk": (True, ("detach-disk", "t", "vdb")),
    "plug a processor": (True, ("setvcpus", "t", "2", "--live")),
    "memory": (True, ("setmem", "t", "50M", "--live")),
    "limits": (True, ("blkdeviotune", "t", "vda", "--total-bytes-sec", "1000000")),
    "screenshot": (True, ("screenshot", "t", "{home}/shot")),
    "reset": (True, ("reset", "t")),
}
QUESTIONS = (("dominfo", "t"), ("domstats", "t"), ("vcpuinfo", "t"), ("domblkinfo", "t", "vda"), ("dommemstat", "t"),
             ("domblkstat", "t", "vda"), ("iothreadinfo", "t"), ("domjobinfo", "t"), ("dumpxml", "t"), ("domcontrol", "t"),
             ("qemu-monitor-command", "t", '{"execute":"query-status"}'), ("send-key", "t", "KEY_A"), ("suspend", "t"),
             ("resume", "t"), ("setvcpus", "t", "2", "--live"), ("screenshot", "t", "{home}/shot"), ("managedsave", "t"))
HOW = {"error": "fails on purpose", "die": "", "close": "", "garbage": ""}


class Bed:
    def __init__(self, private):
        self.private = private
        self.meddle = os.path.join(private.home, "meddle")
        for name in ("disk", "other"):
            with open(os.path.join(private.home, name), "wb") as disk:
                disk.truncate(1 << 20)
        private.start("virtqemud")
        private.virsh("define", private.file("t.xml", MACHINE.format(emulator=MEDDLER, home=private.home)))

    def words(self, words):
        return [word.replace("{home}", self.private.home) for word in words]

    def run(self, words):
        return self.private.virsh(*self.words(words), check=False, timeout=120)

    def begin(self, words):
        return subprocess.Popen(["virsh", "-q", "-c", self.private.uri(), *self.words(words)], env=self.private.env, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def state(self):
        return self.private.virsh("domstate", "t").strip()

    def until(self, done, otherwise, seconds=20):
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, otherwise() if callable(otherwise) else otherwise
            time.sleep(0.01)

    def machines(self):
        """Processes of QEMU, and of meddlers, of this machine."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as command:
                    if b"guest=t," in command.read() and self.ours(entry):
                        found.append(int(entry))
            except OSError:
                pass
        return found

    def ours(self, entry):
        with open(f"/proc/{entry}/environ", "rb") as environ:
            return self.private.home.encode() in environ.read()

    def off(self):
        """Without a machine, and without anything that one left."""
        if os.path.exists(self.meddle):
            os.unlink(self.meddle)
        if self.state() != "shut off":
            self.private.virsh("destroy", "t")
        self.until(lambda: not self.machines(), lambda: f"QEMU {self.machines()} runs and nobody knows it")
        self.run(("managedsave-remove", "t"))
        found = []
        for folder in (self.private.run, os.path.join(self.private.home, "config", "libvirt", "qemu", "lib"),
                       os.path.join(self.private.home, "config", "libvirt", "qemu", "save")):
            for path, folders, files in os.walk(folder):
                found += [os.path.join(path, name) for name in files + folders if "-t" in name or name in ("t.xml", "t.pid", "t.save")]
        assert not found, f"left behind: {found}"

    def on(self, name):
        self.off()
        self.private.virsh("start", "t")
        if name.startswith("detach"):
            self.private.virsh("attach-disk", "t", os.path.join(self.private.home, "other"), "vdb", "--targetbus", "virtio",
                               "--subdriver", "raw")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.private.daemons['virtqemud'].pid}/fd"))


def plan(bed, words):
    with open(bed.meddle, "w") as file:
        file.write(words)


def every_command(bed, name, how, words):
    """`how` happens at the first, the second, ... command, until the change needs no more of them."""
    runs, command = CHANGES[name]
    (bed.on if runs else lambda _: bed.off())(name)
    before, number = None, 1
    while True:
        plan(bed, f"at {number} {how}")
        code, _, error = bed.run(command)
        struck = not os.path.exists(bed.meddle)
        try:
            bed.private.alive("virtqemud")
            if not struck:
                assert code == 0, f"it fails although nobody meddled: {error}"
                break
            assert code == 0 or words in error, f"the cause ('{words}') is not in: {error}"
            assert code == 0 or "internal error: '" not in error, f"an error without a reason: {error}"
            if how == "close" and runs:
                bed.until(lambda: answers(bed) or bed.state() == "shut off", "the monitor is lost for good")
            elif how == "die":
                bed.until(lambda: bed.state() == "shut off", lambda: f"QEMU is dead, the state is {bed.state()}")
            elif how == "error" and runs:
                bed.until(lambda: bed.state() in ("running", "paused", "shut off"), lambda: f"it is {bed.state()}")
            bed.off()
            left = bed.descriptors()
            assert before is None or left <= before, f"{left} descriptors of the daemon are open, before it were {before}"
            before = left
            if runs:
                bed.on(name)
        except AssertionError as why:
            raise AssertionError(f"{how} at command {number}: {why}") from None
        number += 1
    print(f"# {number - 1} commands")
    assert number > 1, "nobody asked QEMU anything"
    bed.off()


def answers(bed):
    return bed.run(("qemu-monitor-command", "t", '{"execute":"query-status"}'))[0] == 0


def slow(bed):
    """A QEMU that takes its time for each command: everything works, and what needs no QEMU doesn't wait for it."""
    bed.off()
    plan(bed, "delay 0.3")
    bed.private.virsh("start", "t")
    for _, command in list(CHANGES.values())[1:]:
        if command[0] == "managedsave":
            continue
        child = bed.begin(command)
        start = time.monotonic()
        bed.private.virsh("list", "--all")
        bed.private.virsh("domstate", "t")
        took = time.monotonic() - start
        error = child.communicate(timeout=60)[1]
        assert child.returncode == 0, f"{' '.join(command)}: {error}"
        assert took < 5, f"list and domstate took {took:.1f} s beside '{' '.join(command)}'"
        if command[0] == "suspend":
            bed.private.virsh("resume", "t")
    bed.off()


def nonsense(bed, seed):
    """Answers of any form: the daemon lives, and gets rid of the machine."""
    bed.off()
    plan(bed, f"nonsense {seed}")
    bed.run(("start", "t"))
    for question in QUESTIONS:
        if bed.state() == "shut off":
            plan(bed, f"nonsense {seed}")
            bed.run(("start", "t"))
        bed.run(question)
        bed.private.alive("virtqemud")
    bed.off()


def main():
    as_user()
    if not os.path.exists("/usr/bin/qemu-system-x86_64"):
        raise Skip("no QEMU here")
    suite = Suite()
    wanted = sys.argv[1:]
    with Private() as private:
        bed = Bed(private)
        for how, words in HOW.items():
            for name in CHANGES:
                if not wanted or name in wanted or how in wanted:
                    suite.run(f"monitor: {how}: {name}", every_command, bed, name, how, words)
        if not wanted or "slow" in wanted:
            suite.run("monitor: slow", slow, bed)
        for seed in range(1, SEEDS + 1):
            if not wanted or "nonsense" in wanted:
                suite.run(f"monitor: nonsense {seed}", nonsense, bed, seed)
    suite.done()


main()
