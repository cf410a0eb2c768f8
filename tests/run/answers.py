#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""answers: what stock virsh prints about a host and about processors, from our virtqemud and from Debian's libvirtd on the same lab
host. Every line must be the same; the few differences that are meant stand in `meant`, with their reason."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from lab import TOP, Suite, build_dir

LAB = os.path.join(TOP, "..", "shared", "lab", "hosts.sh")
CPUS = os.path.join(TOP, "..", "shared", "corpus", "tests", "cputestdata")
OURS = "qemu+unix:///system?socket=/run/libvirt/virtqemud-sock"
STOCK = "qemu:///system?mode=legacy"

COMMANDS = """
capabilities
domcapabilities --machine q35 --virttype qemu
domcapabilities --machine pc --virttype qemu
domcapabilities --machine isapc --virttype qemu
domcapabilities --machine microvm --virttype qemu
domcapabilities --arch aarch64
domcapabilities --arch foo
domcapabilities --virttype xen
domcapabilities --machine nope
domcapabilities --emulatorbin /usr/bin/qemu-system-i386 --arch x86_64
nodeinfo
nodecpumap
nodecpustats --cpu 7
nodememstats --cell 7
freecell 5
freepages --all
freepages 0 8
freepages 4 4
allocpages 3M 1
node-memory-tune
sysinfo
cpu-models x86_64
cpu-models i686
cpu-models aarch64
cpu-models foo
maxvcpus qemu
version
hostname
nodesevinfo
nodesuspend mem 60
nodesuspend disk 10
""".strip().splitlines()
CPU_COMMANDS = ("cpu-compare", "cpu-compare --error", "cpu-baseline", "cpu-baseline --features", "cpu-baseline --migratable",
                "hypervisor-cpu-compare --virttype qemu")
CPU_FILES = ("x86_64-host.xml", "x86_64-host-better.xml", "x86_64-host-worse.xml", "x86_64-host-invtsc.xml", "x86_64-exact.xml",
             "x86_64-exact-disable2.xml", "x86_64-strict-disable.xml", "x86_64-penryn-force.xml", "x86_64-Haswell.xml",
             "x86_64-cpuid-Core-i7-2600-host.xml", "x86_64-bogus-feature.xml")


def meant(text):
    """The answer without what may differ."""
    text = re.sub(r"<uuid>.*</uuid>", "<uuid/>", text)              # without DMI stock makes up a new one at each start
    text = re.sub(r"\n +<domain type='kvm'/>", "", text)            # stock believes in a /dev/kvm that opens
    text = re.sub(r"(Memory size: +|<memory unit='KiB'>|KiB: |size='4'>)\d+", r"\1N", text)  # grows and shrinks meanwhile
    return text


class Answers:
    def __init__(self):
        tree = tempfile.mkdtemp(prefix="vireo-answers-")
        os.chmod(tree, 0o755)  # it is laid over the root directory of the host
        os.makedirs(f"{tree}/usr/local/sbin")
        os.makedirs(f"{tree}/cpu")
        shutil.copy(f"{build_dir()}/virtqemud/virtqemud", f"{tree}/usr/local/sbin/virtqemud")
        for name in CPU_FILES:
            shutil.copy(f"{CPUS}/{name}", f"{tree}/cpu/")
        up = subprocess.run([LAB, "up", "-n", "1", "-l", "libvirt", "-t", tree], stdout=subprocess.PIPE, text=True, check=False)
        shutil.rmtree(tree)
        if up.returncode:
            raise RuntimeError("no lab host came up")
        self.run = up.stdout.strip()
        self.sh("systemd-run -q --unit ours /usr/local/sbin/virtqemud --timeout 600; for i in $(seq 100); do "
                "[ -S /run/libvirt/virtqemud-sock ] && break; sleep 0.1; done")

    def sh(self, command):
        return subprocess.run([LAB, "exec", self.run, "h1", "sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300, check=False)

    def ask(self, uri, command):
        done = self.sh(f"virsh -c '{uri}' {command}")
        return f"status {done.returncode}\n{done.stdout}{done.stderr}"

    def same(self, command):
        ours, stock = meant(self.ask(OURS, command)).splitlines(), meant(self.ask(STOCK, command)).splitlines()
        assert stock[0] == ours[0] and sorted(stock) == sorted(ours), \
            " | ".join([f"-{line}" for line in stock if line not in ours][:8] + [f"+{line}" for line in ours if line not in stock][:8])
        assert stock == ours, "the same lines in another order"

    def kvm_is_explained(self):
        text = self.ask(OURS, "domcapabilities --virttype kvm")
        assert "<domain>kvm</domain>" in text or "does not support virt type 'kvm': " in text, text

    def down(self):
        subprocess.run([LAB, "down", self.run], check=False)


def main():
    if os.geteuid() != 0 or not os.path.exists(LAB) or not os.path.isdir(CPUS):
        print("skip answers - needs root, ../shared/lab and ../shared/corpus")
        return
    suite, answers = Suite(), Answers()
    try:
        suite.run("answers: a KVM that can't be used is explained", answers.kvm_is_explained)
        for command in COMMANDS:
            suite.run(f"answers: {command}", answers.same, command)
        for name in CPU_FILES:
            for command in CPU_COMMANDS:
                suite.run(f"answers: {command} {name}", answers.same, f"{command} /cpu/{name}")
    finally:
        answers.down()
    suite.done()


if __name__ == "__main__":
    sys.exit(main())
