#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""answers: what stock virsh prints about a host and about processors, from our virtqemud and from Debian's libvirtd on the same lab
host. Every line must be the same; the few differences that are meant stand in `meant`, with their reason."""

import os
import re
import shutil
import sys

import labhost
from lab import TOP, Suite

CPUS = os.path.join(TOP, "..", "shared", "corpus", "tests", "cputestdata")

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


def ask_all(host, commands):
    """What virsh says to each, and how it ends."""
    answers = {}
    for command in commands:
        code, out, error = host.sh("virsh -c qemu:///system " + command, check=False, timeout=300)
        answers[command] = f"status {code}\n{out}{error}"
    return answers


def same(ours, stock):
    ours, stock = meant(ours).splitlines(), meant(stock).splitlines()
    assert stock[0] == ours[0] and sorted(stock) == sorted(ours), \
        " | ".join([f"-{line}" for line in stock if line not in ours][:8] + [f"+{line}" for line in ours if line not in stock][:8])
    assert stock == ours, "the same lines in another order"


def kvm_is_explained(host):
    text = host.sh("virsh -c qemu:///system domcapabilities --virttype kvm 2>&1", check=False)[1]
    assert "<domain>kvm</domain>" in text or "does not support virt type 'kvm': " in text, text


def main():
    if labhost.missing() or not os.path.isdir(CPUS):
        print(f"skip answers - {labhost.missing() or 'needs ../shared/corpus'}")
        return
    suite = Suite()
    with labhost.installed() as tree:
        os.makedirs(f"{tree}/cpu")
        for name in CPU_FILES:
            shutil.copy(f"{CPUS}/{name}", f"{tree}/cpu/")
        host = labhost.Host(tree)
    try:
        commands = COMMANDS + [f"{command} /cpu/{name}" for name in CPU_FILES for command in CPU_COMMANDS]
        # one after the other: two daemons of the same machines don't run at a time
        host.to_stock()
        stock = ask_all(host, commands)
        host.to_ours()
        ours = ask_all(host, commands)
        suite.run("answers: a KVM that can't be used is explained", kvm_is_explained, host)
        for command in commands:
            suite.run(f"answers: {command}", same, ours[command], stock[command])
    finally:
        host.down()
    suite.done()


if __name__ == "__main__":
    sys.exit(main())
