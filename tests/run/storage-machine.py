#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""storage-machine: pools of every kind in a virtual machine with a kernel of its own (../shared/lab/machine.sh), and pools that change from
libvirt to ours and back. Takes minutes; with RUN=NAME a machine that runs already is used, and left."""

import re
import sys

import labhost
from lab import Suite

TARGET = "iqn.2026-01.example:t1"


def restart(machine):
    machine.sh("systemctl kill -s KILL virtstoraged.service; systemctl reset-failed virtstoraged.service; systemctl restart virtstoraged.service")


def names(machine, pool):
    return [line.split()[0] for line in machine.virsh(f"vol-list {pool}").splitlines() if line.strip()]


def seen(machine):
    """What a client sees of all pools and volumes; the space that others use as well is left out."""
    found = {"list": machine.virsh("pool-list --all")}
    for pool in machine.virsh("pool-list --name").split():
        text = machine.virsh(f"pool-dumpxml {pool}")
        found[pool] = re.sub(r"<(allocation|available) .*", "", text)
        for volume in names(machine, pool):
            text = machine.virsh(f"vol-dumpxml {volume} {pool}")
            found[pool, volume] = re.sub(r"<[acm]time>.*", "", text)
    return found


def taken_over(machine):
    """Pools that libvirt defined and started, unchanged when our daemon takes its place, and the other way round."""
    machine.to_stock()
    machine.sh("rm -rf /srv/one /srv/two; mkdir -p /srv/one /srv/two; vgcreate -q vgt /dev/vdb")
    for command in ("pool-define-as one dir --target /srv/one", "pool-start one", "pool-autostart one", "pool-create-as two dir --target /srv/two",
                    "vol-create-as one a 1M", "vol-create-as one b 8M --format qcow2", "pool-define-as vgt logical --source-name vgt",
                    "pool-start vgt", "vol-create-as vgt lv 16M", "pool-refresh one", "pool-refresh vgt"):
        machine.virsh(command)
    stock = seen(machine)
    machine.to_ours()
    ours = seen(machine)
    assert stock.keys() == ours.keys(), f"{stock.keys()} became {ours.keys()}"
    for what, before in stock.items():
        lines = [pair for pair in zip(before.splitlines(), ours[what].splitlines()) if pair[0] != pair[1]]
        assert before == ours[what], f"{what}: {lines[:3] or ours[what]}"
    machine.virsh("vol-create-as two ours 1M")
    machine.to_stock()
    back = seen(machine)
    assert back.pop(("two", "ours")) and back.keys() == ours.keys()
    machine.to_ours()
    for pool in ("one", "two", "vgt"):
        machine.virsh(f"pool-destroy {pool}")
        machine.virsh(f"pool-undefine {pool}", check=False)
    machine.sh("vgremove -qf vgt; pvremove -q /dev/vdb")


def logical(machine):
    machine.virsh("pool-define-as vg logical --source-dev /dev/vdb --source-name vg0")
    machine.refused("pool-start vg", "cannot find logical volume group name 'vg0'")
    machine.virsh("pool-build vg")
    machine.refused("pool-build vg", "Device '/dev/vdb' already formatted using 'LVM2_member'")
    machine.virsh("pool-start vg")
    machine.virsh("vol-create-as vg lv 100M")
    machine.sh("echo hello >/tmp/hello")
    machine.virsh("vol-upload lv /tmp/hello --pool vg")
    machine.virsh("vol-clone lv copy vg")
    machine.virsh("vol-create-as vg snap 52M --backing-vol lv")
    assert machine.sh("head -c 5 /dev/vg0/copy; head -c 5 /dev/vg0/snap") == "hellohello"
    text = machine.virsh("vol-dumpxml snap vg")
    assert "<path>/dev/vg0/lv</path>" in text and "<extent start='209715200' end='264241152'/>" in text, text
    assert "<name>vg0</name>" in machine.virsh("find-storage-pool-sources logical")
    restart(machine)
    assert names(machine, "vg") == ["copy", "lv", "snap"]
    for volume in ("snap", "copy", "lv"):
        machine.virsh(f"vol-delete {volume} vg")
    assert "Allocation:     0.00 B" in machine.virsh("pool-info vg")
    machine.virsh("pool-destroy vg")
    machine.virsh("pool-delete vg")
    machine.virsh("pool-undefine vg")


def disk(machine):
    machine.virsh("pool-define-as d disk --source-dev /dev/vdc --source-format gpt --target /dev")
    machine.refused("pool-start d", "Device '/dev/vdc' is unrecognized, requires build")
    machine.virsh("pool-build d")
    machine.virsh("pool-start d")
    machine.refused("vol-create-as d any 10M", "invalid partition name 'any', expected 'vdc1'")
    machine.virsh("vol-create-as d vdc1 100M")
    machine.virsh("vol-create-as d vdc2 50M --format linux-swap")
    text = machine.virsh("pool-dumpxml d")
    for line in ("<capacity unit='bytes'>1073724928</capacity>", "<allocation unit='bytes'>157286400</allocation>",
                 "<freeExtent start='158334976' end='1073724928'/>"):
        assert line in text, text
    assert "<format type='linux-swap'/>" in machine.virsh("vol-dumpxml vdc2 d")
    machine.refused("vol-create-as d vdc3 2G", "no large enough free extent")
    machine.virsh("vol-delete vdc1 d")
    restart(machine)
    assert names(machine, "d") == ["vdc2"]
    machine.virsh("pool-destroy d")
    machine.virsh("pool-undefine d")
    machine.sh("wipefs -qa /dev/vdc")


def file_system(machine):
    machine.virsh("pool-define-as f fs --source-dev /dev/nvme0n1 --source-format ext4 --target /mnt/f")
    machine.virsh("pool-build f --no-overwrite")
    machine.virsh("pool-start f")
    machine.virsh("vol-create-as f a 8M --format qcow2")
    assert machine.sh("findmnt -no SOURCE /mnt/f").strip() == "/dev/nvme0n1", "what is mounted is not seen on the host"
    restart(machine)
    assert names(machine, "f") == ["a", "lost+found"]
    machine.virsh("pool-destroy f")
    assert machine.sh("findmnt -no SOURCE /mnt/f", check=False)[1] == ""
    machine.virsh("pool-undefine f")
    machine.sh("wipefs -qa /dev/nvme0n1")


def netfs(machine):
    machine.sh("mkdir -p /srv/nfs; chmod 777 /srv/nfs; echo '/srv/nfs *(rw,no_root_squash,insecure,no_subtree_check,fsid=1)' >/etc/exports;"
               "systemctl start nfs-server; exportfs -ra")
    assert "<dir path='/srv/nfs'/>" in machine.virsh("find-storage-pool-sources-as netfs localhost")
    machine.virsh("pool-define-as n netfs --source-host localhost --source-path /srv/nfs --target /mnt/n")
    machine.virsh("pool-build n")
    machine.virsh("pool-start n")
    machine.virsh("vol-create-as n a 1M")
    assert machine.sh("ls /srv/nfs").split() == ["a"] and "noexec" in machine.sh("findmnt -no OPTIONS /mnt/n")
    machine.virsh("pool-destroy n")
    machine.virsh("pool-undefine n")


def iscsi(machine):
    machine.sh("truncate -s 64M /var/lun.img; systemctl start tgt; sleep 1; "
               f"tgtadm --lld iscsi --op new --mode target --tid 1 -T {TARGET}; "
               "tgtadm --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b /var/lun.img; tgtadm --lld iscsi --op bind --mode target --tid 1 -I ALL",
               check=False)
    assert f"<device path='{TARGET}'/>" in machine.virsh("find-storage-pool-sources-as iscsi 127.0.0.1")
    machine.virsh(f"pool-define-as i iscsi --source-host 127.0.0.1 --source-dev {TARGET} --target /dev/disk/by-path")
    machine.virsh("pool-start i")
    assert names(machine, "i") == ["unit:0:0:1"] and f"iscsi-{TARGET}-lun-1" in machine.virsh("vol-path unit:0:0:1 i")
    machine.refused("vol-create-as i x 1M", "storage pool does not support volume creation")
    restart(machine)
    assert names(machine, "i") == ["unit:0:0:1"]
    machine.virsh("pool-destroy i")
    assert TARGET not in machine.sh("iscsiadm -m session", check=False)[1]
    machine.virsh("pool-undefine i")


def scsi(machine):
    machine.virsh("pool-create-as s scsi --target /dev/disk/by-path --adapter-name host0")
    assert names(machine, "s") == ["unit:0:0:0"] and "/dev/disk/by-path/" in machine.virsh("vol-path unit:0:0:0 s")
    machine.virsh("pool-destroy s")
    machine.refused("pool-create-as s scsi --target /dev/disk/by-path --adapter-name host77", "Could not open '/sys/class/scsi_host/host77/scan' to trigger host scan")


def mpath(machine):
    machine.sh("printf 'defaults {\\n find_multipaths no\\n user_friendly_names yes\\n}\\nblacklist {\\n devnode \"nvme\"\\n}\\n' >/etc/multipath.conf;"
               "systemctl restart multipathd; for i in $(seq 30); do multipath -ll | grep -q QEMU && break; sleep 1; done")
    machine.virsh("pool-create-as m mpath --target /dev/mapper")
    assert len(names(machine, "m")) == 1 and names(machine, "m")[0].startswith("dm-"), names(machine, "m")
    machine.virsh("pool-destroy m")
    machine.sh("systemctl stop multipathd; multipath -F")


def main():
    suite = Suite()
    if labhost.missing():
        print(f"skip storage-machine - {labhost.missing()}")
        return
    with labhost.installed() as tree:
        machine = labhost.Machine(tree)
    try:
        machine.sh("systemd-sysusers; systemd-tmpfiles --create", check=False)
        wanted = sys.argv[1:]
        for test in (taken_over, logical, disk, file_system, netfs, iscsi, scsi, mpath):
            if wanted and test.__name__ not in wanted:
                continue
            machine.to_ours()
            suite.run("storage-machine: " + test.__name__.replace("_", " "), test, machine)
    finally:
        machine.down()
    suite.done()


main()
