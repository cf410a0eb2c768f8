# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change while their machine runs, and in definitions: one row a device."""

import re

import libvirt
from devicelab import *  # pylint: disable=wildcard-import,unused-wildcard-import
from devicekinds import *  # pylint: disable=wildcard-import,unused-wildcard-import


# ---- plugged into a machine that runs ----

def plug(xml, qom=None, before=None, unplug=True, live=(), error=None, head="", base="", check=None, node=(), qmp_gone=None, machine="q35", needs=()):
    """Attach, look, detach, look again. The guest's processors stand still, and device_del of PCI needs a guest: what a reset
    lets go is gone, too."""
    def test(vm):
        text = xml.replace("@HOME@", vm.home)
        added, removed = [], []
        for number, kind, where in ((libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, "added", added),
                                    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, "removed", removed)):
            vm.listen(number, where)
        try:
            vm.domain.attachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        except libvirt.libvirtError as why:
            assert error and re.search(error, str(why)), f"{why}"
            return
        assert not error, "it was plugged"
        vm.events(lambda: added)
        alias = added[0]
        assert f"<alias name='{alias}'/>" in vm.live(), f"no {alias} in the live XML"
        row = Row("", qom={alias: qom} if qom else None, live=live)
        vm.row, kept = row, vm.row
        verify(vm)
        vm.row = kept
        if check:
            check(vm)
        nodes = {entry["node-name"] for entry in vm.qmp("query-named-block-nodes")}
        for name in node:
            assert name in nodes, f"no node {name}: {nodes}"
        if not unplug:
            return
        vm.domain.detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE) if unplug == "alias" else vm.detach(text, unplug == "reset")
        vm.events(lambda: removed)
        assert removed == [alias], removed
        assert f"<alias name='{alias}'/>" not in vm.live(), f"{alias} is still in the live XML"
        nodes = {entry["node-name"] for entry in vm.qmp("query-named-block-nodes")}
        for name in node:
            assert name not in nodes, f"node {name} is still there"
        objects = {entry["name"] for entry in vm.qmp("qom-list", path="/objects")}
        assert not any(alias in name for name in objects), f"of {alias} there is still {objects}"
        chardevs = {entry["label"] for entry in vm.qmp("query-chardev")}
        assert not any(alias in name for name in chardevs), f"of {alias} there is still {chardevs}"
        if qmp_gone:
            qmp_gone(vm)
    return dict(check=test, before=before, head=head, xml=base, machine=machine, needs=needs)


SCSI = "<controller type='scsi' index='0' model='virtio-scsi'/>"
VIRTIO_SERIAL = "<controller type='virtio-serial' index='0'/>"
BIG = "<memory unit='MiB'>64</memory>" + NUMA


def updates(*steps):
    """(XML, check of the machine) one after the other."""
    def test(vm):
        for xml, check in steps:
            vm.domain.updateDeviceFlags(xml.replace("@HOME@", vm.home), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            check(vm)
    return test


def config(machine):
    """Attach, update and detach in a definition, every kind; what comes back is what stock writes."""
    domain = machine.connection.defineXML(machine.text().replace("<name>t</name>", "<name>c</name>"))
    try:
        for xml in CONFIG:
            before = domain.XMLDesc(0)
            domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            after = domain.XMLDesc(0)
            assert len(after) > len(before), f"nothing was added: {xml}"
            domain.detachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            again = domain.XMLDesc(0)
            element = re.match("<([a-z]+)", xml).group(1)
            assert again.count("<" + element) == before.count("<" + element), f"something else is left: {xml}"
        disk_xml = disk("<source file='/a.img'/>")
        domain.attachDeviceFlags(disk_xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        try:
            domain.attachDeviceFlags(disk_xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            raise AssertionError("the same disk twice")
        except libvirt.libvirtError as why:
            assert "target vda already exists" in str(why), why
        domain.updateDeviceFlags(disk_xml.replace("a.img", "b.img"), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        assert "b.img" in domain.XMLDesc(0) and "a.img" not in domain.XMLDesc(0)
        try:
            domain.detachDeviceFlags(disk_xml.replace("vda", "vdz"), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            raise AssertionError("a disk that isn't there")
        except libvirt.libvirtError as why:
            assert "no target device vdz" in str(why) and why.get_error_code() == libvirt.VIR_ERR_DEVICE_MISSING, why
        try:
            domain.attachDevice(disk_xml.replace("vda", "vdb"))
            raise AssertionError("plugged into a machine that doesn't run")
        except libvirt.libvirtError as why:
            assert "domain is not running" in str(why), why
    finally:
        domain.undefine()


CONFIG = [
    disk("<source file='/a.img'/>"), nic("user"), "<controller type='scsi' index='3' model='virtio-scsi'/>",
    "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>",
    "<serial type='pty'><target port='2'/></serial>", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<filesystem type='mount'><source dir='/tmp'/><target dir='tag'/></filesystem>", "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<redirdev bus='usb' type='spicevmc'/>", "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
    "<input type='tablet' bus='usb'/>", "<watchdog model='i6300esb' action='reset'/>", "<vsock model='virtio'><cid auto='yes'/></vsock>",
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", "<sound model='ich9'/>",
]

HOTPLUG = [
    Row("plug-disk-virtio", **plug(disk(RAW), {"type": "virtio-blk-pci"}, raw_image, unplug=False, node=["libvirt-1-format"])),
    Row("plug-disk-slow-guest", **plug(disk(RAW), {"type": "virtio-blk-pci"}, raw_image, unplug="reset", node=["libvirt-1-format"])),
    Row("plug-disk-scsi", **plug(disk(RAW, "<target dev='sdb' bus='scsi'/>"), {"type": "scsi-hd"}, raw_image, base=SCSI, node=["libvirt-1-format", "libvirt-1-storage"])),
    Row("plug-disk-scsi-alias", **plug(disk("<source file='@HOME@/a.qcow2'/>", "<target dev='sdb' bus='scsi'/>", driver=QCOW2), {"type": "scsi-hd"},
                                       image("a.qcow2", "qcow2"), base=SCSI, unplug="alias")),
    Row("plug-disk-controller", **plug(disk(RAW, "<target dev='sda' bus='scsi'/>"), {"type": "scsi-hd"}, raw_image, machine="pc", unplug=False)),
    Row("plug-disk-chain", **plug(disk("<source file='@HOME@/top.qcow2'/>", "<target dev='sda' bus='scsi'/>", driver=QCOW2), {"type": "scsi-hd"}, chain, base=SCSI,
                                  node=["libvirt-1-format", "libvirt-2-format", "libvirt-3-format"])),
    Row("plug-disk-luks", **plug(disk(encryption("raw"), "<target dev='sda' bus='scsi'/>"), {"type": "scsi-hd"}, luks("raw"), base=SCSI)),
    Row("plug-disk-iotune", **plug(disk(RAW, more="<iotune><read_iops_sec>50</read_iops_sec></iotune>"), {"type": "virtio-blk-pci"}, raw_image, unplug=False,
                                   check=throttled(iops_rd=50))),
    Row("plug-disk-usb", **plug(disk(RAW, "<target dev='sda' bus='usb'/>"), {"type": "usb-storage"}, raw_image)),
    Row("plug-disk-missing", **plug(disk("<source file='@HOME@/none.img'/>"), error="Cannot access storage file")),
    Row("plug-disk-taken", **plug(disk(RAW), before=raw_image, base=disk(RAW), error="target vda already exists")),
    Row("plug-disk-sata", **plug(disk(RAW, "<target dev='sda' bus='sata'/>"), before=raw_image, error="hotplug|disk bus 'sata'")),
    Row("plug-interface-user", **plug(nic("user"), {"type": "virtio-net-pci"}, unplug=False)),
    Row("plug-interface-usb", **plug(nic("user", model="usb-net"), {"type": "usb-net"})),
    Row("plug-interface-bridge", **plug(nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>"), {"type": "virtio-net-pci"}, bridge, unplug=False,
                                        check=link_is("vnt7", "master brt0"), needs=["tun"])),
    Row("plug-interface-bridge-gone", **plug(nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>", model="usb-net"), {"type": "usb-net"}, bridge,
                                             qmp_gone=lambda m: gone("vnt7"), needs=["tun"])),
    Row("plug-interface-macvtap", **plug(nic("direct", "<source dev='vet0' mode='bridge'/><target dev='mvt7'/>", model="usb-net"), {"type": "usb-net"}, veth,
                                         qmp_gone=lambda m: gone("mvt7"), needs=["tun"])),
    Row("plug-serial-usb", **plug("<serial type='pty'><target type='usb-serial'/></serial>", {"type": "usb-serial"}, live=["<source path='/dev/pts/"])),
    Row("plug-serial-usb-unix", **plug("<serial type='unix'><source mode='bind' path='@HOME@/plug.sock'/><target type='usb-serial'/></serial>",
                                       {"type": "usb-serial"}, check=connects("@HOME@/plug.sock"))),
    Row("plug-serial-usb-file", **plug("<serial type='file'><source path='@HOME@/plug.txt'/><target type='usb-serial'/></serial>", {"type": "usb-serial"})),
    Row("plug-channel", **plug("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>", {"type": "virtserialport"},
                               base=VIRTIO_SERIAL, live=["state='disconnected'"])),
    Row("plug-rng", **plug("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", {"type": "virtio-rng-pci"}, unplug=False)),
    Row("plug-memory", **plug("<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>", {"type": "pc-dimm"}, head=BIG,
                              unplug=False, live=["<address type='dimm' slot='0' base='0x", "<memory unit='KiB'>196608</memory>"])),
    Row("plug-memory-no-slots", **plug("<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>", error="maxMemory|NUMA|numa")),
    Row("plug-input", **plug("<input type='tablet' bus='usb'/>", {"type": "usb-tablet"})),
    Row("plug-redirdev", **plug("<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='25470'/></redirdev>", {"type": "usb-redir"})),
    Row("plug-watchdog", **plug("<watchdog model='i6300esb' action='pause'/>", {"type": "i6300esb"}, unplug=False, machine="pc")),
    Row("plug-shmem", **plug("<shmem name='vireo-plug'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>", {"type": "ivshmem-plain"}, unplug=False, machine="pc")),
    Row("plug-crypto", **plug("<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>", {"type": "virtio-crypto-pci"}, unplug=False)),
    Row("plug-graphics", **plug("<graphics type='vnc'/>", error="live attach of device 'graphics' is not supported")),
    Row("plug-nonsense", **plug("<nonsense/>", error="unknown device type 'nonsense'")),
    Row("update-interface-link", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>"), needs=["tun"], before=bridge,
        check=updates((nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><link state='down'/>"), lambda m: "<link state='down'/>" in m.live() or 1 / 0),
                      (nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>"), lambda m: "state='down'" not in m.live() or 1 / 0))),
    Row("update-interface-bandwidth", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>"), needs=["tun"], before=bridge,
        check=updates((nic("bridge", "<source bridge='brt0'/><bandwidth><inbound average='1000' peak='2000' burst='512'/></bandwidth>"), bandwidth))),
    Row("update-graphics-password", "<graphics type='vnc' autoport='yes' passwd='old'/>",
        check=updates(("<graphics type='vnc' autoport='yes' passwd='new'/>", lambda m: "passwd='new'" in m.live() or 1 / 0))),
    Row("update-virtio-mem", "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block>"
        "<requested unit='MiB'>64</requested></target></memory>", head="<memory unit='MiB'>192</memory>" + NUMA,
        check=updates(("<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>32</requested>"
                       "</target></memory>", lambda m: m.qom("virtiomem0", "requested-size") == 32 << 20 or 1 / 0))),
    Row("config-all", check=config),
]
