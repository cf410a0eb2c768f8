#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""machines: what virt-install writes for guests of many kinds, defined and started by stock's libvirtd and by our virtqemud.

    BUILD_DIR=... tests/run/machines.py [-v] [NAME...]

The inactive and the live XML have to be the same byte by byte (but for what Names evens out), and QEMU has to be given the same
devices with the same properties. `KNOWN` names what differs and why."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

from beside import Both, Names, difference
from lab import NOBODY, build_dir

# Options of virt-install by name; {home} is a directory with disk.qcow2, cd.iso and vmlinuz.
VARIANTS = {
    "debian11": "--osinfo debian11 --disk {home}/disk.qcow2",
    "debian11-pc": "--osinfo debian11 --machine pc --disk {home}/disk.qcow2",
    "debian11-uefi": "--osinfo debian11 --boot uefi --disk {home}/disk.qcow2",
    "debian11-secure": "--osinfo debian11 --boot firmware=efi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=yes --disk {home}/disk.qcow2",
    "debian11-kernel": "--osinfo debian11 --boot kernel={home}/vmlinuz,kernel_args=console=ttyS0 --disk none --graphics none",
    "debian-cdrom": "--osinfo debian11 --cdrom {home}/cd.iso --disk {home}/disk.qcow2,cache=none,io=native,discard=unmap,detect_zeroes=unmap",
    "ubuntu22.04": "--osinfo ubuntu22.04 --disk {home}/disk.qcow2 --tpm none --sound none",
    "fedora37": "--osinfo fedora37 --disk {home}/disk.qcow2,bus=scsi,serial=abc --controller scsi,model=virtio-scsi",
    "centos7": "--osinfo centos7.0 --disk {home}/disk.qcow2 --graphics vnc,listen=127.0.0.1,password=secret",
    "rhel9": "--osinfo rhel9.0 --disk {home}/disk.qcow2 --vcpus 4,sockets=1,cores=2,threads=2 --iothreads 2",
    "alpine": "--osinfo alpinelinux3.17 --disk {home}/disk.qcow2,bus=sata --memballoon none --rng none",
    "opensuse": "--osinfo opensuse15.4 --disk {home}/disk.qcow2 --graphics spice --sound ich9 --redirdev usb,type=spicevmc --redirdev usb,type=spicevmc",
    "freebsd": "--osinfo freebsd13.1 --disk {home}/disk.qcow2",
    "generic": "--osinfo generic --disk {home}/disk.qcow2",
    "generic-pc": "--osinfo generic --machine pc --disk {home}/disk.qcow2 --disk {home}/cd.iso,device=cdrom --disk device=floppy",
    "linux2020": "--osinfo linux2020 --disk {home}/disk.qcow2 --network none --video virtio --input tablet,bus=virtio --input keyboard,bus=virtio",
    "win11": "--osinfo win11 --disk {home}/disk.qcow2",
    "win11-plain": "--osinfo win11 --disk {home}/disk.qcow2 --tpm none --boot uefi --network none",
    "win10": "--osinfo win10 --disk {home}/disk.qcow2 --cdrom {home}/cd.iso",
    "win10-virtio": "--osinfo win10 --disk {home}/disk.qcow2,bus=virtio --network user,model=virtio --video qxl --sound ich9",
    "win2k22": "--osinfo win2k22 --disk {home}/disk.qcow2,bus=scsi,discard=unmap --controller scsi,model=virtio-scsi",
    "win7": "--osinfo win7 --disk {home}/disk.qcow2 --machine pc",
    "winxp": "--osinfo winxp --disk {home}/disk.qcow2",
    "win2k8": "--osinfo win2k8 --disk {home}/disk.qcow2,bus=sata --network user,model=e1000",
    "channels": "--osinfo debian11 --disk none --channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0 --channel spicevmc"
                " --channel spiceport,source.channel=org.spice-space.webdav.0,target.type=virtio,target.name=org.spice-space.webdav.0"
                " --graphics spice --serial pty --serial file,source.path={home}/serial --console pty,target.type=virtio",
    "chardevs": "--osinfo debian11 --disk none --graphics none --serial tcp,source.host=127.0.0.1,source.service=0,source.mode=bind"
                " --serial unix,source.path={home}/serial.sock,source.mode=bind --serial null --channel pty,target.type=virtio,target.name=x",
    "sound": "--osinfo debian11 --disk none --sound ich6 --sound ac97 --sound hda,codec0.type=micro --audio id=1,type=none",
    "usb": "--osinfo debian11 --disk {home}/disk.qcow2,bus=usb,removable=on --controller usb,model=ich9-ehci1 --input mouse,bus=usb --input keyboard,bus=usb"
           " --network none",
    "net": "--osinfo debian11 --disk none --network user,model=e1000e --network user,model=rtl8139,mac=52:54:00:11:22:33 --network user,model=virtio,driver.queues=1,mtu.size=1400"
           " --network user,link.state=down,boot.order=3",
    "video": "--osinfo debian11 --disk none --graphics vnc --video vga --video virtio,heads=2 --network none",
    "video-qxl": "--osinfo debian11 --disk none --graphics spice --video qxl,ram=65536,vgamem=16384 --video qxl --network none",
    "memory": "--osinfo debian11 --disk none --memory memory=128,currentMemory=96 --memorybacking source.type=memfd,access.mode=shared --network none",
    "hotmemory": "--osinfo debian11 --disk none --memory 128,maxMemory=1024,maxMemory.slots=8 --cpu cell0.cpus=0,cell0.memory=131072 --vcpus 1 --memdev dimm,target.size=128,target.node=0",
    "numa": "--osinfo debian11 --disk none --vcpus 4 --memory 256 --cpu qemu64,cell0.cpus=0-1,cell0.memory=131072,cell1.cpus=2-3,cell1.memory=131072",
    "cpu-named": "--osinfo debian11 --disk none --cpu Nehalem,+aes,-x2apic --network none",
    "cpu-host-model": "--osinfo debian11 --disk none --cpu host-model --network none",
    "cpu-maximum": "--osinfo debian11 --disk none --cpu mode=maximum --network none",
    "watchdog": "--osinfo debian11 --disk none --watchdog i6300esb,action=poweroff --panic isa --vsock cid=77 --network none",
    "tpm": "--osinfo debian11 --disk none --tpm model=tpm-crb,backend.type=emulator,backend.version=2.0 --network none",
    "virtiofs": "--osinfo debian11 --disk none --memorybacking source.type=memfd,access.mode=shared --filesystem {home},tag9,driver.type=path --network none",
    "iommu": "--osinfo debian11 --disk {home}/disk.qcow2 --iommu model=intel,driver.intremap=on --features ioapic.driver=qemu --network none",
    "shmem": "--osinfo debian11 --disk none --shmem name=x,model.type=ivshmem-plain,size=1,size.unit=M --network none",
    "clock": "--osinfo win10 --disk none --clock offset=localtime --network none",
    "events": "--osinfo debian11 --disk none --events on_poweroff=destroy,on_reboot=restart,on_crash=preserve --pm suspend_to_mem.enabled=yes --network none",
    "multidisk": "--osinfo debian11 --disk {home}/disk.qcow2,boot.order=2 --disk {home}/cd.iso,device=cdrom,boot.order=1 --disk {home}/raw.img,bus=scsi,driver.iothread=1 --iothreads 1"
                 " --controller scsi,model=virtio-scsi,driver.iothread=1 --network none",
    "transitional": "--osinfo debian9 --disk {home}/disk.qcow2 --rng /dev/urandom,model=virtio-non-transitional --network user,model=virtio-transitional",
    "smartcard": "--osinfo debian11 --disk none --smartcard passthrough,type=spicevmc --graphics spice --network none",
    "qemu": "--osinfo debian11 --disk none --network none --qemu-commandline=-device --qemu-commandline=virtio-balloon-pci,id=another",
    "sysinfo": "--osinfo debian11 --disk none --network none --sysinfo bios.vendor=Seller,system.serial=42",
}

AT_ONCE = 6

# What is different on purpose, by variant ("*": all): (part, line or property, why).
KNOWN = {
    "*": (("given", r"^-global kvm-pit\.lost_tick_policy", "KVM's timer; these run on TCG"),),
    "channels": (("live", r"^ *<console type='pty'", "the old attribute tty also of a second console"),),
    # stock has it behind a bridge, we where its chipset has it
    "usb": tuple((part, r"", "the place of an ich9-ehci1 without companions") for part in ("inactive", "live", "given")),
}


# ---- one side ----

def arguments(pid):
    """What QEMU was started with: [option, value] pairs; values that are JSON read."""
    with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
        words = file.read().split("\0")[1:-1]
    found, at = [], 0
    while at < len(words):
        option = words[at]
        value = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("-") else None
        at += 2 if value is not None else 1
        found.append((option, value))
    return found


def given(pid):
    """Devices, drives and machine options as lines that can be compared."""
    lines = []
    everything = arguments(pid)
    no_hpet = ("-no-hpet", None) in everything  # the same as hpet=off of -machine
    for option, value in everything:
        if option not in ("-device", "-machine", "-cpu", "-m", "-smp", "-numa", "-rtc", "-global", "-boot", "-object"):
            continue
        if option == "-m":
            value = re.sub(r"^(size=)?(\d+)k", lambda m: f"size={int(m[2]) // 1024}", re.sub(r"^(\d)", r"size=\1", value))
        if value and value.startswith("{"):
            members = json.loads(value)
            head = f"{members.pop('driver', members.pop('qom-type', ''))} {members.pop('id', '')}"
        else:
            head, *rest = (value or "").split(",")
            members = dict((part.split("=", 1) + [""])[:2] for part in rest)
            if option == "-machine" and no_hpet:
                members["hpet"] = "off"
        lines.append(" ".join([option, head, *(f"{key}={json.dumps(member)}" for key, member in sorted(members.items()))]))
    return "\n".join(sorted(lines))


def uncounted(text):
    """Without numbers that depend on what ran before, and the moment of QEMU's last words."""
    for pattern, word in ((r"/dev/pts/\d+", "/dev/pts/N"), (r"<domain type='qemu' id='\d+'", "<domain type='qemu' id='N'"),
                          (r"domain-\d+-", "domain-N-"), (r"\b59\d\d\b", "59NN"), (r"(127\.0\.0\.1):\d+\b", r"\1:N"),
                          (r"(?s)(qemu unexpectedly closed the monitor|process exited while connecting to monitor): .*?-device",
                                                          "QEMU ended: -device"), (r"for virtio-vga.*", "for virtio-vga"), (r"( in element '[^']*')? \(line \d+\)$", ""),
                          (r'"id":"video0","max_outputs":1', '"max_outputs":1,"id":"video0"'), (r"unable to open vhost-vsock device: .*", "unable to open vhost-vsock device")):
        text = re.sub(pattern, word, text)
    return text


def run_side(uri, home, path):
    import libvirt
    libvirt.registerErrorHandler(lambda *_: None, None)
    conn = libvirt.open(uri)
    with open(path, encoding="utf-8") as file:
        documents = json.load(file)
    answers = {}
    for name, xml in documents.items():
        names = Names(home)
        got = answers[name] = {}
        domain = None
        try:
            domain = conn.defineXML(xml.replace("{home}", home))
            domain = conn.defineXML(domain.XMLDesc(3))  # stock brings controllers that it added into their order when it reads them again
            got["inactive"] = names(domain.XMLDesc(3))
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            got["live"] = names(uncounted(domain.XMLDesc(1)))
            with open(f"{home}/runtime/libvirt/qemu/run/{domain.name()}.pid", encoding="ascii") as file:
                got["given"] = names(uncounted(given(int(file.read()))))
        except libvirt.libvirtError as error:
            got["error"] = names(uncounted(error.get_error_message()))
        if domain:
            for work in (domain.destroy, lambda domain=domain: domain.undefineFlags(1 | 4)):
                try:
                    work()
                except libvirt.libvirtError:
                    pass
    json.dump(answers, sys.stdout)


# ---- both sides ----

def documents(both, names):
    """virt-install's XML of each variant, with {home} for the place of its disks."""
    home = both.stock.home
    for private in (both.stock, both.ours):
        for name, kind in (("disk.qcow2", "qcow2"), ("raw.img", "raw"), ("cd.iso", "raw"), ("vmlinuz", "raw")):
            subprocess.run(["qemu-img", "create", "-q", "-f", kind, os.path.join(private.home, name), "1M"], check=True)
    found = {}
    for name in names:
        options = shlex.split(VARIANTS[name].format(home=home))
        memory = [] if "--memory" in options else ["--memory", "128"]
        network = [] if "--network" in options else ["--network", "user"]
        boot = [] if "--cdrom" in options else ["--import"]
        done = subprocess.run(["virt-install", "--connect", both.uri(both.stock), "--name", name, "--virt-type", "qemu", "--noautoconsole", "--print-xml", "1",
                               "--check", "all=off", *options, *memory, *network, *boot], env=both.stock.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode or "<domain" not in done.stdout:
            print(f"not ok machines-{name} - virt-install: {done.stderr.strip()[-300:]}")
            continue
        found[name] = done.stdout[:done.stdout.index("</domain>") + 9].replace(home, "{home}")
    return found


def known(name, part, lines):
    """Without the lines that may differ."""
    rules = KNOWN.get(name, ()) + KNOWN.get("*", ())
    return "\n".join(line for line in lines.split("\n") if not any(where == part and re.search(pattern, line) for where, pattern, _ in rules))


def compare(name, stock, ours):
    wrong = []
    for part in ("error", "inactive", "live", "given"):
        theirs, mine = known(name, part, stock.get(part, "")), known(name, part, ours.get(part, ""))
        if theirs != mine:
            wrong.append(f"{part}:\n    {difference(theirs, mine)}")
    return wrong


def compare_some(both, names, verbose):
    """How many of these differ."""
    texts, failed = documents(both, names), 0
    path = os.path.join(both.stock.home, "documents")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(texts, file)
    stock, ours = both.ask_both(path)
    for name in texts:
        wrong = compare(name, stock[name], ours[name])
        failed += bool(wrong)
        if verbose:
            print(json.dumps(stock[name], indent=1).replace("\\n", "\n"))
        print("\n".join(wrong) + "\n" if wrong else "", end="")
        print(f"{'not ok' if wrong else 'ok'} machines-{name} - {stock[name].get('error', 'started')[:100]}", flush=True)
    return failed + len(names) - len(texts)


def main():
    if sys.argv[1:2] == ["--side"]:
        run_side(*sys.argv[2:])
        return
    build_dir()
    if os.geteuid() == 0:  # a session daemon is a user's
        os.execvp("setpriv", ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "/usr/bin/python3", os.path.realpath(sys.argv[0]),
                              *sys.argv[1:]])
    if not shutil.which("virt-install") or not os.path.exists("/usr/sbin/libvirtd") or not shutil.which("qemu-system-x86_64"):
        print("skip machines - needs Debian's virtinst, libvirtd and QEMU")
        return
    names = [word for word in sys.argv[1:] if word != "-v"] or list(VARIANTS)
    failed = 0
    with Both() as both:
        for at in range(0, len(names), AT_ONCE):
            failed += compare_some(both, names[at:at + AT_ONCE], "-v" in sys.argv[1:])
        both.alive()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
