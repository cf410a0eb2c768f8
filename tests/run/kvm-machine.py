#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kvm-machine: machines of type kvm, in a virtual machine whose emulated processor has SVM (../shared/lab/machine.sh): what is said of KVM and
what runs, beside stock's daemon on the same kernel. Takes minutes; with RUN=NAME a machine that runs already is used, and left. By hand,
`python3 tests/run/kvm-machine.py`, and not executable for that reason: docs/STATUS.md says what doesn't pass."""

import os
import re
import sys

import labhost
from hosttakeover import same
from lab import Suite, build_dir

CPUS = {
    "passthrough": "<cpu mode='host-passthrough' check='none' migratable='on'/>",
    "model": "<cpu mode='host-model' check='partial'/>",
    "custom": "<cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>qemu64</model></cpu>",
}
GUEST = """<domain type='kvm'>
  <name>{name}</name>
  <uuid>70000000-0000-4000-8000-00000000000{number}</uuid>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd.img</initrd><cmdline>console=ttyS0 quiet no_timer_check</cmdline></os>
  <features><acpi/><apic/><kvm><hidden state='on'/></kvm></features>
  {cpu}
  <clock offset='utc'><timer name='kvmclock' present='yes'/></clock>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><console type='pty'/></devices>
</domain>
"""
ASKED = ("domcapabilities --virttype kvm --machine q35", "domcapabilities --virttype kvm --machine pc", "domcapabilities", "capabilities",
         "maxvcpus kvm", "hypervisor-cpu-baseline --virttype kvm /tmp/host-cpu.xml", "hypervisor-cpu-compare --virttype kvm /tmp/host-cpu.xml")


def parts(text):
    """What of an answer is about machines; the host's own part changes by itself and is compared elsewhere."""
    return re.sub(r"<host>.*?</host>", "", text, flags=re.S)


def said(machine):
    """The same words as stock about what KVM can do here."""
    machine.to_stock()
    machine.sh("virsh -q -c qemu:///system domcapabilities --xpath '//cpu/mode[@name=\"host-model\"]/*' |"
               " sed '1i<cpu>' | sed '$a</cpu>' >/tmp/host-cpu.xml")
    stock = {ask: machine.virsh(ask, check=False) for ask in ASKED}
    assert "<domain type='kvm'" in stock["capabilities"][1], "no KVM for stock here"
    machine.to_ours()
    for ask, (code, text) in stock.items():
        mine = machine.virsh(ask, check=False)
        same(ask, "answer", f"{code}\n{parts(text)}", f"{mine[0]}\n{parts(mine[1])}")


def validated(machine):
    """virt-host-validate, ours and stock's: the same lines about QEMU."""
    stock, ours = (machine.sh(f"{program} qemu", check=False) for program in ("/usr/bin/virt-host-validate", "/opt/virt-host-validate"))
    same("virt-host-validate", "output", stock[1], ours[1])
    assert stock[0] == ours[0], f"stock ends with {stock[0]}, ours with {ours[0]}"


def runs(machine):
    """Each way to a processor: started by ours and by stock, the live XML is the same; the guest comes up on KVM."""
    for number, (name, cpu) in enumerate(CPUS.items()):
        machine.sh(f"cat >/tmp/{name}.xml <<'XML'\n{GUEST.format(name=name, number=number, cpu=cpu)}\nXML\n")
        live = {}
        for who, turn in (("stock", machine.to_stock), ("ours", machine.to_ours)):
            turn()
            machine.virsh(f"create /tmp/{name}.xml")
            live[who] = re.sub(r" id='\d+'|/dev/pts/\d+|domain-\d+-", "", machine.virsh(f"dumpxml {name}"))
            if who == "ours":
                line = machine.sh(f"tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/{name}.pid)/cmdline")
                assert "-accel kvm" in line and "kvm=off" in line, line
                assert "accelerated: enabled" not in line
                assert "kvm support: enabled" in machine.virsh(f"qemu-monitor-command {name} --hmp 'info kvm'")
                machine.sh("cat >/tmp/login.exp <<'EXP'\nset timeout 120\nspawn -noecho virsh -c qemu:///system console [lindex $argv 0] --force\n"
                           "expect \"Escape character\"\nsend \"\\r\"\nexpect login: {exit 0} timeout {exit 1} eof {exit 2}\nEXP\n"
                           f"expect /tmp/login.exp {name}")
            machine.virsh(f"destroy {name}")
        same(name, "live XML", live["stock"], live["ours"])


def handed_over(machine):
    """A machine on KVM that ours started goes to stock and back, its processor too."""
    machine.virsh("create /tmp/model.xml")
    before = machine.virsh("dumpxml model")
    for turn in (machine.to_stock, machine.to_ours):
        turn()
        same("model", "live XML", before, machine.virsh("dumpxml model"))
        assert "running" in machine.virsh("qemu-monitor-command model --hmp 'info status'")
    machine.virsh("destroy model")


def main():
    suite = Suite()
    if labhost.missing():
        print(f"skip kvm-machine - {labhost.missing()}")
        return
    with labhost.installed(guest=True) as tree:
        os.makedirs(tree + "/opt")
        labhost.copy_program(os.path.join(build_dir(), "tools-user", "virt-host-validate"), tree + "/opt")
        machine = labhost.Machine(tree)
    try:
        machine.sh("systemd-sysusers; systemd-tmpfiles --create", check=False)
        wanted = sys.argv[1:]
        for test in (said, validated, runs, handed_over):
            if not wanted or test.__name__ in wanted:
                suite.run("kvm-machine: " + test.__name__.replace("_", " "), test, machine)
    finally:
        machine.down()
    suite.done()


main()
