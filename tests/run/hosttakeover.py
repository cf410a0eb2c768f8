# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts that change from libvirt to ours and back: what is defined, what runs, what ended meanwhile, what is saved."""

import re

from hostmachine import at_login, define, define_text, rich


def same(name, what, before, after):
    changed = [f"{a!r} became {b!r}" for a, b in zip(before.splitlines(), after.splitlines()) if a != b]
    assert before == after, f"{name}: {what}: {changed[:3] or 'other length'}"


def describe(host):
    """What a client sees of every domain."""
    return {name: host.ask(f"dumpxml --inactive --security-info {name}", f"dominfo {name}") for name in host.virsh("list --all --name").split()}


def taken_over(host):
    """Domains that libvirt defined, unchanged when our daemon takes its place, and the other way round."""
    host.to_stock()
    define(host, "stock-one", 1, "stock")
    define(host, "stock-two", 2, "stock")
    host.virsh("autostart stock-two")
    before = describe(host)
    host.to_ours()
    define(host, "ours-one", 3, "ours")
    mine = describe(host)
    host.to_stock()
    theirs = describe(host)
    assert before.keys() <= mine.keys() == theirs.keys(), f"{list(before)} became {list(mine)}, then {list(theirs)}"
    for first, then in ((before, mine), (mine, theirs)):
        for name in first:
            for what, text in first[name].items():
                same(name, what, text, then[name][what])
    host.to_ours()
    host.virsh("autostart --disable stock-two")


def monitored(host, name, state="running"):
    """Whoever has taken the machine over talks with its QEMU."""
    host.until(f"the monitor of '{name}' is used", lambda: state in host.virsh(
        f"qemu-monitor-command {name} --hmp 'info status'", check=False)[1], 20)


SHOWN = ("domid", "domuuid", "domstate --reason", "dumpxml --security-info", "domblklist --details", "domiflist", "domdisplay")


def seen(host, name):
    """What shows that it is the same run of the machine, and that nothing of it was lost."""
    return host.ask(*(f"{what} {name}" for what in SHOWN))


def handed(host, name, there, before, state="running"):
    """Another daemon takes its place, and everything is as it was."""
    there()
    monitored(host, name, state)
    for what, text in seen(host, name).items():
        # stock forgets, at its own restart, too, which terminal a second console is on
        same(name, what, *(re.sub(r"(<console .*) tty='.*'", r"\1", side) for side in (before[what], text)))


def nothing_left(host, name):
    assert host.sh(f"stat -c %U /var/lib/libvirt/images/{name}.qcow2").strip() == "root", "the image kept QEMU's owner"
    left = host.sh(f"find /run/libvirt/qemu /var/lib/libvirt/qemu -name '*{name}*' -not -path '*/nvram/*' -not -path '*/save/*'").strip()
    assert not left, f"left behind: {left}"
    assert name not in host.sh("machinectl list --no-legend"), "machined still has it"


def handed_over(host):
    """A machine that runs goes from one daemon to the other and back, and any of them can do everything with it."""
    for name, mine, other in (("ours-one", host.to_ours, host.to_stock), ("stock-one", host.to_stock, host.to_ours)):
        mine()
        host.virsh(f"start {name}")
        pid = host.sh(f"pgrep -f gues[t]={name},").split()
        at_login(host, name)
        before = seen(host, name)
        for there in (other, mine, other):
            handed(host, name, there, before)
            keys = host.virsh(f"domstats {name}")
            assert all(key in keys for key in ("cpu.time", "balloon.rss", "vcpu.0.time", "block.0.rd.reqs", "net.count")), keys
            at_login(host, name)
            host.virsh(f"suspend {name}")
            host.virsh(f"resume {name}")
            before = seen(host, name)
        assert host.sh(f"pgrep -f gues[t]={name},").split() == pid
        host.virsh(f"shutdown {name} --mode acpi")
        host.until("the guest goes down", lambda name=name: host.virsh(f"domstate {name}").strip() == "shut off")
        assert host.virsh(f"domstate {name} --reason").strip() == "shut off (shutdown)"
        nothing_left(host, name)
    host.to_ours()


DISK = "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/more.img'/><target dev='vdb' bus='virtio'/></disk>"
CARD = "<interface type='user'><mac address='52:54:00:00:00:77'/><model type='virtio'/></interface>"


def rich_one_handed_over(host):
    """One with devices of many kinds: the other daemon knows them all, plugs into and unplugs from what the first one built, and leaves nothing
    when it ends it."""
    host.sh("truncate -s 1M /var/lib/libvirt/images/more.img")
    host.write("/tmp/disk.xml", DISK)
    host.write("/tmp/card.xml", CARD)
    for name, mine, other in (("rich-ours", host.to_ours, host.to_stock), ("rich-stock", host.to_stock, host.to_ours)):
        mine()
        define_text(host, name, rich(name))
        host.virsh(f"start {name}")
        host.virsh(f"attach-device {name} /tmp/disk.xml")
        at_login(host, name)  # it must answer when something is unplugged
        handed(host, name, other, seen(host, name))
        host.virsh(f"detach-disk {name} vdb")
        host.until("the disk is unplugged", lambda name=name: "vdb" not in host.virsh(f"domblklist {name}"), 20)
        host.virsh(f"attach-device {name} /tmp/card.xml")
        host.virsh(f"attach-device {name} /tmp/disk.xml")
        handed(host, name, mine, seen(host, name))
        host.virsh(f"detach-interface {name} user --mac 52:54:00:00:00:77")
        host.until("the card is unplugged", lambda name=name: "00:77" not in host.virsh(f"domiflist {name}"), 20)
        host.virsh(f"setvcpus {name} 2 --live")
        host.virsh(f"setmem {name} 128M --live")
        host.virsh(f"change-media {name} sda --eject --live")
        handed(host, name, other, seen(host, name))
        host.virsh(f"destroy {name}")
        nothing_left(host, name)
        host.virsh(f"undefine {name} --nvram")
    host.to_ours()


def firmware_handed_over(host):
    """With UEFI, and before it ran: firmware that was chosen, variables that were made, and the state it waits in stay."""
    for name, mine, other in (("efi-ours", host.to_ours, host.to_stock), ("efi-stock", host.to_stock, host.to_ours)):
        mine()
        define_text(host, name, rich(name, " firmware='efi'"))
        host.virsh(f"start {name} --paused")
        handed(host, name, other, seen(host, name), "paused")
        host.virsh(f"destroy {name}")
        host.virsh(f"undefine {name} --nvram")
        nothing_left(host, name)
    host.to_ours()


def ended_meanwhile(host):
    """It was paused, killed or switched off while nobody looked, or when the other daemon's place was taken: each says so, in libvirt's words."""
    powerdown = ("python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{monitor}'); f = s.makefile('rw'); f.readline()\n"
                 "for c in ('qmp_capabilities', 'system_powerdown'): print('{{\\\"execute\\\":\\\"' + c + '\\\"}}', file=f, flush=True); f.readline()\n"
                 "while 'SHUTDOWN' not in f.readline(): pass\"")
    for mine, other in ((host.to_ours, host.to_stock), (host.to_stock, host.to_ours), (host.to_ours, host.to_ours)):
        mine()
        host.virsh("start ours-one --paused")
        host.virsh("start stock-two")
        host.virsh("suspend stock-two")
        host.virsh("start stock-one")
        at_login(host, "stock-one")
        monitor = host.sh("ls /var/lib/libvirt/qemu/domain-*-stock-one/monitor.sock").strip()
        host.sh("systemctl stop virtqemud.service libvirtd.service virtqemud.socket libvirtd.socket 2>&1")
        host.sh("kill -9 $(pgrep -f gues[t]=ours-one,)")
        host.sh(powerdown.format(monitor=monitor))
        other()
        for name, state in (("ours-one", "shut off (crashed)"), ("stock-one", "shut off (shutdown)"), ("stock-two", "paused (user)")):
            host.until(f"{name} is {state}", lambda name=name, state=state: host.virsh(f"domstate --reason {name}").strip() == state, 10)
        host.virsh("destroy stock-two")
        for name in ("ours-one", "stock-one", "stock-two"):
            nothing_left(host, name)
    host.to_ours()


def saved(host):
    """A machine that one of the two saved is restored by the other."""
    for mine, other in ((host.to_ours, host.to_stock), (host.to_stock, host.to_ours)):
        mine()
        host.virsh("start ours-one")
        at_login(host, "ours-one")
        host.virsh("managedsave ours-one")
        other()
        host.virsh("start ours-one")
        assert host.virsh("domstate ours-one --reason").strip() == "running (restored)"
        at_login(host, "ours-one")
        host.virsh("destroy ours-one")
        nothing_left(host, "ours-one")
    host.to_ours()


def transient(host):
    """One that is defined nowhere but in its status file lives on under the other daemon, and is nowhere when it ends."""
    for mine, other in ((host.to_ours, host.to_stock), (host.to_stock, host.to_ours)):
        mine()
        define(host, "passing", 8, "anybody", "create")
        host.until("it is up", lambda: host.virsh("domstate passing").strip() == "running")
        handed(host, "passing", other, seen(host, "passing"))
        assert "Persistent:     no" in host.virsh("dominfo passing")
        host.virsh("destroy passing")
        assert "passing" not in host.virsh("list --all --name")
        nothing_left(host, "passing")
    host.to_ours()
