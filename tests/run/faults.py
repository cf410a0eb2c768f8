#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""faults: QEMUs that refuse, die, rave or fall silent, files broken by hand, bad XML. Each failure is told to the user in words
that help, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import time

from lab import TOP, Private, Skip, Suite

FAKE = os.path.join(TOP, "tests", "fake", "qemu")


def machine(name, mode="", more="", memory="64"):
    env = f"<qemu:commandline><qemu:env name='FAKE_QEMU' value='{mode}'/></qemu:commandline>" if mode else ""
    return f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><emulator>{FAKE}</emulator><controller type='usb' model='none'/><memballoon model='none'/>{more}</devices>
  {env}
</domain>"""


def leftovers(private, name):
    """What a machine that failed to start left behind."""
    found = []
    for root in (private.run, os.path.join(private.home, "config", "libvirt", "qemu", "lib")):
        for path, _, files in os.walk(root):
            found += [os.path.join(path, file) for file in files if name in file or f"-{name}" in path]
    return found


def fails(private, mode, *words, seconds=30):
    """Creating such a machine fails within `seconds`, with these words, and everything is rolled back."""
    name = "bad-" + mode.split()[0]
    start = time.monotonic()
    code, _, error = private.virsh("create", private.file("bad.xml", machine(name, mode)), check=False, timeout=seconds + 30)
    took = time.monotonic() - start
    assert code != 0, f"a machine started on a QEMU that does '{mode}'"
    for word in words:
        assert word in error, f"'{word}' is not in: {error}"
    assert took < seconds, f"the failure took {took:.1f} s: {error}"
    assert private.virsh("list", "--all", "--name").strip() == "", "the failed machine is still listed"
    assert leftovers(private, name) == [], f"left behind: {leftovers(private, name)}"
    running = subprocess.run(["pgrep", "-f", f"guest={name}"], capture_output=True, text=True).stdout
    assert running.strip() == "", f"QEMU still runs: {running}"
    private.alive("virtqemud")


def others_go_on(private):
    """While one QEMU never answers, calls on another machine take their usual time."""
    private.virsh("create", private.file("good.xml", machine("good", "powerdown")))
    stuck = subprocess.Popen(["virsh", "-q", "-c", private.uri(), "create", private.file("stuck.xml", machine("stuck", "mute-cont"))],
                             env=private.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        time.sleep(0.5)
        for command in (("dominfo", "good"), ("list",), ("domstats",), ("suspend", "good"), ("resume", "good"), ("domstate", "stuck")):
            start = time.monotonic()
            private.virsh(*command)
            took = time.monotonic() - start
            assert took < 2, f"virsh {' '.join(command)} took {took:.1f} s beside a stuck start"
        private.virsh("destroy", "stuck", timeout=30)
        assert stuck.wait(30) != 0
    finally:
        stuck.kill()
        stuck.wait()
        stuck.stderr.close()
        private.virsh("destroy", "good")


def daemon_killed(private):
    """kill -9 of the daemon: the machine runs on, and the next daemon knows it."""
    private.virsh("create", private.file("kept.xml", machine("kept", "powerdown")))
    before = private.virsh("domid", "kept").strip()
    private.stop("virtqemud", signal.SIGKILL)
    private.start("virtqemud")
    assert private.virsh("domstate", "kept").strip() == "running"
    assert private.virsh("domid", "kept").strip() == before
    private.virsh("destroy", "kept")


def ended_meanwhile(private):
    """A machine that ended while no daemon was there."""
    private.virsh("define", private.file("gone.xml", machine("gone", "powerdown")))
    private.virsh("start", "gone")
    pid = int(subprocess.run(["pgrep", "-f", "guest=gone"], capture_output=True, text=True).stdout.split()[0])
    private.stop("virtqemud", signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    private.start("virtqemud")
    assert private.virsh("domstate", "gone", "--reason").strip().startswith("shut off"), private.virsh("domstate", "gone", "--reason")
    private.virsh("undefine", "gone")


def broken_files(private):
    """Files broken by hand are skipped, said in the log, never overwritten; the others load."""
    private.virsh("define", private.file("whole.xml", machine("whole")))
    folder = os.path.join(private.home, "config", "libvirt", "qemu")
    contents = {"torn.xml": "<domain type='qemu'><name>torn</na", "empty.xml": "", "binary.xml": "\0\1\2" * 100,
                "other.xml": "<network><name>other</name></network>", "liar.xml": machine("somebody-else")}
    for name, content in contents.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(content)
    private.stop("virtqemud")
    private.start("virtqemud")
    names = private.virsh("list", "--all", "--name").split()
    assert "whole" in names and "torn" not in names and "other" not in names, names
    for name, content in contents.items():
        with open(os.path.join(folder, name)) as file:
            assert file.read() == content, f"{name} was changed"
        os.unlink(os.path.join(folder, name))
    assert "torn" in private.log("virtqemud"), "no word about the broken file in the log"
    private.virsh("undefine", "whole")
    private.stop("virtqemud")
    private.start("virtqemud")


BAD_XML = {
    "not closed": ("<domain>", "rror"),
    "no name": ("<domain type='qemu'><memory>1</memory><os><type>hvm</type></os></domain>", "name"),
    "path in name": (machine("../../etc/evil"), "/"),
    "dots": (machine(".."), "name"),
    "control character": (machine("a&#10;b"), "name"),
    "entities": ("<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>" + machine("entity").replace("entity", "&b;"), ""),
    "overflow": (machine("large", memory="99999999999999999999"), "memory"),
    "negative": (machine("negative", memory="-1"), "memory"),
    "no such machine type": (machine("type").replace("machine='pc'", "machine='nonsense'"), "nonsense"),
    "bad uuid": (machine("uuid").replace("<memory", "<uuid>xyz</uuid><memory"), "uuid"),
    "disk without target": (machine("disk", more="<disk type='file'><source file='/x'/></disk>"), "target"),
    "unknown disk type": (machine("disk", more="<disk type='floating'><target dev='vda'/></disk>"), "floating"),
}


def bad_xml(private, text, word):
    code, _, error = private.virsh("define", private.file("bad.xml", text), check=False)
    assert code != 0, "it was accepted"
    assert word in error, f"'{word}' is not in: {error}"
    private.alive("virtqemud")


def deep_xml(private):
    bad_xml(private, "<domain>" + "<a>" * 10000 + "</a>" * 10000 + "</domain>", "")


def read_only_disk(private):
    """No room for the new definition: the old one stays."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skip("needs root for a small file system of its own")
    with Private() as other:
        # a file system of 256 KiB under the configuration, in a mount name space of the daemon's own
        folder = os.path.join(other.home, "config", "libvirt", "qemu")
        os.makedirs(folder)
        program = other.file("start", f"#!/bin/sh\nmount -t tmpfs -o size=256k,mode=700 none {folder}\nexec \"$@\"\n")
        os.chmod(program, 0o755)
        from lab import build_dir  # pylint: disable=import-outside-toplevel
        daemon = subprocess.Popen(["unshare", "-m", "--propagation", "private", program,
                                   os.path.join(build_dir(), "virtqemud", "virtqemud"), "--session"], env=other.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        other.daemons["virtqemud"] = daemon
        open(os.path.join(other.home, "virtqemud.log"), "w").close()
        for _ in range(200):
            if os.path.exists(other.socket("virtqemud")):
                break
            time.sleep(0.02)
        small = machine("tight").replace("<memory", "<uuid>7a000000-0000-4000-8000-000000000001</uuid><memory", 1)
        other.virsh("define", other.file("tight.xml", small))
        before = other.virsh("dumpxml", "tight")
        large = small.replace("<memory", f"<description>{'x' * 400000}</description><memory", 1)
        code, _, error = other.virsh("define", other.file("tight.xml", large), check=False)
        assert code != 0, "a definition larger than the file system was accepted"
        assert "No space left" in error, error
        assert other.virsh("dumpxml", "tight") == before, "the old definition is lost"


def main():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        for mode, *words in (("refuse", "nonsense"), ("die-early",), ("die-hello", "out of luck"), ("die-cont", "rather not"),
                             ("garbage", "bad-garbage"), ("deep", "bad-deep"), ("flood", "bad-flood"),
                             ("error cont", "fails on purpose"), ("error query-cpus-fast", "fails on purpose")):
            suite.run(f"faults: qemu: {mode}", fails, private, mode, *words)
        for test in (others_go_on, daemon_killed, ended_meanwhile, broken_files, deep_xml, read_only_disk):
            suite.run("faults: " + test.__name__.replace("_", " "), test, private)
        for name, (text, word) in BAD_XML.items():
            suite.run("faults: xml: " + name, bad_xml, private, text, word)
    suite.done()


if __name__ == "__main__":
    main()
