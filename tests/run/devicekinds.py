# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of device as it is started: one row a device."""

import os
import re
import socket
import struct
import subprocess
import threading
import time

import lab
import libvirt
from devicelab import *  # pylint: disable=wildcard-import,unused-wildcard-import


# ---- interfaces ----

def bridge(machine):
    run("ip", "link", "add", "brt0", "type", "bridge")
    machine.ending.append(lambda: run("ip", "link", "del", "brt0"))


def vlan_bridge(machine):
    bridge(machine)
    try:
        run("ip", "link", "set", "brt0", "type", "bridge", "vlan_filtering", "1")
    except AssertionError:
        raise lab.Skip("this kernel's bridges know no VLANs") from None


def veth(machine):
    run("ip", "link", "add", "vet0", "type", "veth", "peer", "name", "vet1")
    machine.ending.append(lambda: run("ip", "link", "del", "vet0"))


def outside(machine):
    """A way out, which passt wants to see."""
    veth(machine)
    run("ip", "link", "set", "vet0", "up")
    run("ip", "link", "set", "vet1", "up")
    run("ip", "addr", "add", "192.0.2.2/24", "dev", "vet0")
    run("ip", "route", "add", "default", "via", "192.0.2.1")


def link_is(name, *words):
    def check(_machine):
        text = run("ip", "-d", "link", "show", "dev", name)
        for word in words:
            assert word in text, f"'{word}' isn't in: {text}"
    return check


def gone(name):
    assert not os.path.exists("/sys/class/net/" + name), f"{name} is still there"


def nic(kind, inside="", model="virtio", attributes=""):
    return (f"<interface type='{kind}' {attributes}><mac address='52:54:00:12:34:56'/>{inside}<model type='{model}'/></interface>")


VNIC = {"net0": {"type": "virtio-net-pci", "mac": "52:54:00:12:34:56"}}


def script(machine):
    path = machine.path("ifup")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\necho up $1 $0 > {machine.path('script.said')}\n")
    os.chmod(path, 0o755)
    with open(machine.path("ifdown"), "w") as file:
        file.write(f"#!/bin/sh\necho down $1 > {machine.path('script.down')}\n")
    os.chmod(machine.path("ifdown"), 0o755)
    machine.ending.append(lambda: script_down(machine))


def script_said(machine):
    with open(machine.path("script.said")) as file:
        assert file.read().startswith("up vnt7 "), "another word"


def script_down(machine):
    deadline = time.monotonic() + 20
    while not os.path.exists(machine.path("script.down")) or not os.path.getsize(machine.path("script.down")):
        assert time.monotonic() < deadline, "no downscript"
        time.sleep(0.01)
    with open(machine.path("script.down")) as file:
        assert file.read() == "down vnt7\n", "another word"
    gone("vnt7")


def bandwidth(_machine):
    text = run("tc", "class", "show", "dev", "vnt7")
    assert "rate 8Mbit" in text and "ceil 16Mbit" in text, text


def policed(_machine):
    text = run("tc", "filter", "show", "dev", "vnt7", "parent", "ffff:")
    assert "rate 4Mbit" in text, text


def filters_of(name, **wanted):
    def check(machine):
        answer = machine.qmp("query-rx-filter", name=name)[0]
        for key, value in wanted.items():
            assert answer[key.replace("_", "-")] == value, answer
    return check


def down(machine):
    text = machine.qmp("human-monitor-command", **{"command-line": "info network"})
    assert "net0" in text, text
    # a device whose link is down says so through its status in QEMU's tree alone; the live XML keeps it
    assert "<link state='down'/>" in machine.live()


def vhost_user_backend(machine):
    """Answers what QEMU asks at the start of a card: features (none), and nothing else."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(machine.path("vu.sock"))
    server.listen(1)

    def serve():
        peer, _ = server.accept()
        with peer:
            while True:
                head = peer.recv(12, socket.MSG_WAITALL)
                if len(head) < 12:
                    return
                request, _flags, size = struct.unpack("<III", head)
                if size:
                    peer.recv(size, socket.MSG_WAITALL)
                if request == 1:  # get features
                    peer.sendall(struct.pack("<IIIQ", request, 5, 8, 1 << 32))
    threading.Thread(target=serve, daemon=True).start()
    machine.ending.append(server.close)


INTERFACES = [
    Row("interface-user", nic("user"), qom=VNIC, live=["<alias name='net0'/>"]),
    Row("interface-user-e1000", nic("user", model="e1000"), qom={"net0": {"type": "e1000"}}),
    Row("interface-user-e1000e", nic("user", model="e1000e"), qom={"net0": {"type": "e1000e"}}),
    Row("interface-user-rtl8139", nic("user", model="rtl8139"), qom={"net0": {"type": "rtl8139"}}),
    Row("interface-user-transitional", nic("user", model="virtio-transitional"), qom={"net0": {"type": "virtio-net-pci-transitional"}}),
    Row("interface-user-usb", nic("user", model="usb-net"), qom={"net0": {"type": "usb-net"}}),
    Row("interface-user-address", nic("user", "<ip family='ipv4' address='172.17.2.0' prefix='24'/>"
                                      "<ip family='ipv6' address='2001:db8:ac10:fd01::' prefix='64'/>"), qom=VNIC,
        args=['"net":"172.17.2.0/24"', '"ipv6-prefix":"2001:db8:ac10:fd01::"']),
    Row("interface-passt-forward", nic("user", "<backend type='passt' logFile='@HOME@/passt.log'/><portForward proto='tcp' address='127.0.0.1'>"
                                       "<range start='25022' to='22'/></portForward>"), needs=["passt", "root"], qom=VNIC, before=outside,
        check=lambda m: socket.create_connection(("127.0.0.1", 25022), 5).close()),
    Row("interface-mcast", nic("mcast", "<source address='230.0.0.1' port='25558'/>"), qom=VNIC, needs=["root"]),
    Row("interface-udp", nic("udp", "<source address='127.0.0.1' port='25115'><local address='127.0.0.1' port='25116'/></source>"), qom=VNIC),
    Row("interface-server", nic("server", "<source address='127.0.0.1' port='25558'/>"), qom=VNIC,
        check=lambda m: socket.create_connection(("127.0.0.1", 25558), 5).close()),
    Row("interface-client", nic("client", "<source address='127.0.0.1' port='25559'/>"), qom=VNIC, before=lambda m: listen(m, 25559)),
    Row("interface-vhostuser", nic("vhostuser", "<source type='unix' path='@HOME@/vu.sock' mode='client'/>"), before=vhost_user_backend,
        head="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", qom={"net0": {"type": "virtio-net-pci"}},
        chardev={"charnet0": "unix:"}),
    Row("interface-null", nic("null"), qom=VNIC),
    Row("interface-bridge", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/>"), needs=["tun"], before=bridge, qom=VNIC,
        check=link_is("vnt7", "master brt0", "fe:54:00:12:34:56", "UP"), live=["<target dev='vnt7'/>"]),
    Row("interface-bridge-names", nic("bridge", "<source bridge='brt0'/>"), needs=["tun"], before=bridge, live=[r"<target dev='vnet\d+'/>"]),
    Row("interface-bridge-mtu", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><mtu size='9000'/>"), needs=["tun"], before=bridge,
        check=link_is("vnt7", "mtu 9000"), qom={"net0": {"host_mtu": 9000}}),
    Row("interface-bridge-isolated", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><port isolated='yes'/>"), needs=["tun"],
        before=bridge, check=link_is("vnt7", "isolated on")),
    Row("interface-bridge-down", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><link state='down'/>"), needs=["tun"],
        before=bridge, check=several(down, lambda m: ("state UP" in run("ip", "link", "show", "vnt7")) and 1 / 0)),
    Row("interface-bridge-missing", nic("bridge", "<source bridge='nobridge'/>"), needs=["tun"], error="nobridge"),
    Row("interface-bridge-multiqueue", nic("bridge", "<source bridge='brt0'/><driver name='qemu' queues='4'/>"), needs=["tun"], before=bridge,
        vcpus=4, qom={"net0": {"mq": True, "vectors": 10}}),
    Row("interface-bridge-bandwidth", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><bandwidth><inbound average='1000' "
                                          "peak='2000' burst='512'/></bandwidth>"), needs=["tun"], before=bridge, check=bandwidth),
    Row("interface-bridge-outbound", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><bandwidth><outbound average='500' "
                                         "burst='256'/></bandwidth>"), needs=["tun", "tc-police"], before=bridge, check=policed),
    Row("interface-bridge-coalesce", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><coalesce><rx><frames max='7'/></rx>"
                                         "</coalesce>"), needs=["tun"], before=bridge, live=["<frames max='7'/>"]),
    Row("interface-bridge-vlan", nic("bridge", "<source bridge='brt0'/><target dev='vnt7'/><vlan><tag id='42'/></vlan>"), needs=["tun"],
        before=vlan_bridge, check=lambda m: "42 PVID Egress Untagged" in run("bridge", "vlan", "show", "dev", "vnt7") or 1 / 0),
    Row("interface-bridge-ovs", nic("bridge", "<source bridge='brt0'/><virtualport type='openvswitch'/>"), needs=["tun"], before=bridge,
        error="ovs-vsctl|Open vSwitch|openvswitch"),
    Row("interface-ethernet", nic("ethernet", "<target dev='vnt7'/>"), needs=["tun"], qom=VNIC, check=link_is("vnt7", "UP")),
    Row("interface-ethernet-script", nic("ethernet", "<target dev='vnt7'/><script path='@HOME@/ifup'/><downscript path='@HOME@/ifdown'/>"),
        needs=["tun"], before=script, check=script_said),
    Row("interface-ethernet-script-fails", nic("ethernet", "<target dev='vnt7'/><script path='/bin/false'/>"), needs=["tun"],
        error="/bin/false", check=None),
    Row("interface-ethernet-addresses", nic("ethernet", "<source><ip address='192.0.2.1' prefix='24'/><route family='ipv4' "
                                            "address='198.51.100.0' prefix='24' gateway='192.0.2.7'/></source><target dev='vnt7'/>"),
        needs=["tun"], check=lambda m: "192.0.2.1/24" in run("ip", "addr", "show", "vnt7") and "198.51.100.0/24" in run("ip", "route") or 1 / 0),
    Row("interface-direct", nic("direct", "<source dev='vet0' mode='bridge'/><target dev='mvt7'/>"), needs=["tun"], before=veth, qom=VNIC,
        check=link_is("mvt7", "macvtap mode bridge", "52:54:00:12:34:56")),
    Row("interface-direct-private", nic("direct", "<source dev='vet0' mode='private'/>"), needs=["tun"], before=veth,
        live=[r"<target dev='macvtap\d+'/>"]),
    Row("interface-direct-passthrough", nic("direct", "<source dev='vet0' mode='passthrough'/>"), needs=["tun"], before=veth, qom=VNIC),
    Row("interface-direct-vepa", nic("direct", "<source dev='vet0' mode='vepa'/>"), needs=["tun"], before=veth, qom=VNIC),
    Row("interface-direct-missing", nic("direct", "<source dev='nodevice' mode='vepa'/>"), needs=["tun"], error="nodevice"),
    Row("interface-vhost-net", nic("bridge", "<source bridge='brt0'/><driver name='vhost'/>"), needs=["tun", "vhost-net"], before=bridge,
        args=['"vhost":true']),
    Row("interface-network", nic("network", "<source network='default'/>"), error="default"),
    Row("interface-options", nic("user", "<driver txmode='iothread' ioeventfd='on' event_idx='off' rx_queue_size='512' tx_queue_size='256' "
                                 "packed='on'><host csum='off' gso='off'/><guest tso4='off'/></driver><rom bar='off'/><boot order='1'/>"),
        qom={"net0": {"tx": "bh", "event_idx": False, "rx_queue_size": 512, "csum": False, "guest_tso4": False, "packed": True,
                      "bootindex": 1, "rombar": 0}}),
]


def listen(machine, port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(1)
    machine.ending.append(server.close)


# ---- character devices ----

def unix_listener(machine):
    server = socket.socket(socket.AF_UNIX)
    server.bind(machine.path("peer.sock"))
    server.listen(1)
    machine.ending.append(server.close)


def connects(path):
    def check(machine):
        client = socket.socket(socket.AF_UNIX)
        client.connect(path.replace("@HOME@", machine.home))
        client.close()
    return check


def fifo(machine):
    os.mkfifo(machine.path("pipe.in"))
    os.mkfifo(machine.path("pipe.out"))


def serial(kind, source="", more=""):
    return f"<serial type='{kind}' {more}>{source}<target type='isa-serial' port='0'/></serial>"


SERIAL = {"serial0": {"type": "isa-serial"}}
THROTTLED = "<disk type='file'><driver name='qemu' type='raw'/><source file='@HOME@/d.img'/><target dev='vda' bus='virtio'/><throttlefilters>%s</throttlefilters></disk>"


def throttled_live(machine):
    """A group that is made, changed and taken away while the machine runs; stock's client library knows no such calls."""
    def virsh(*words, code=0):
        done = subprocess.run([os.path.join(lab.build_dir(), "virsh", "virsh"), "-c", machine.session.uri(), *words], env=machine.session.env,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == code, f"{words}: {done.stdout} {done.stderr}"
        return done.stderr
    virsh("domthrottlegroupset", "t", "g", "--total-bytes-sec", "4096000", "--live")
    virsh("domthrottlegroupset", "t", "g", "--total-iops-sec", "77", "--live")
    limits = machine.qom("throttle-g", "limits")
    assert (limits["bps-total"], limits["iops-total"]) == (4096000, 77), limits
    assert "<group_name>g</group_name>" in machine.live()
    virsh("domthrottlegroupdel", "t", "g", "--live")
    assert "<group_name>g</group_name>" not in machine.live()
    assert "was not found" in virsh("domthrottlegroupdel", "t", "g", "--live", code=1)
    assert "still being used by disk vda" in virsh("domthrottlegroupdel", "t", "slow", "--live", code=1)


THROTTLES = [
    Row("throttle-live", THROTTLED % "<throttlefilter group='slow'/>", before=image("d.img"), check=throttled_live,
        head="<throttlegroups><throttlegroup><total_bytes_sec>4096000</total_bytes_sec><group_name>slow</group_name></throttlegroup></throttlegroups>"),
    Row("throttle-groups", THROTTLED % "<throttlefilter group='slow'/><throttlefilter group='few'/>", before=image("d.img"),
        head="<throttlegroups><throttlegroup><total_bytes_sec>4096000</total_bytes_sec><group_name>slow</group_name></throttlegroup>"
             "<throttlegroup><read_iops_sec>100</read_iops_sec><group_name>few</group_name></throttlegroup></throttlegroups>",
        node={"libvirt-1-filter0": "throttle", "libvirt-1-filter1": "throttle"},
        check=lambda m: [m.qom("throttle-slow", "limits")["bps-total"], m.qom("throttle-few", "limits")["iops-read"]] == [4096000, 100] or 1 / 0),
    Row("throttle-no-group", THROTTLED % "<throttlefilter group='none'/>", before=image("d.img"), error="throttle group 'none' of disk 'vda' doesn't exist"),
]


CHARDEVS = [
    Row("serial-pty", serial("pty"), qom=SERIAL, chardev={"charserial0": "pty:/dev/pts/"},
        live=[r"<serial type='pty'>\s*<source path='/dev/pts/\d+'/>", r"<console type='pty' tty='/dev/pts/\d+'>"]),
    Row("serial-file", serial("file", "<source path='@HOME@/out.txt'/>"), qom=SERIAL, chardev={"charserial0": "file"},
        check=lambda m: os.stat(m.path("out.txt"))),
    Row("serial-file-append", serial("file", "<source path='@HOME@/out2.txt' append='on'/>"), chardev={"charserial0": "file"}),
    Row("serial-pipe", serial("pipe", "<source path='@HOME@/pipe'/>"), before=fifo, chardev={"charserial0": "pipe"}),
    Row("serial-unix-bind", serial("unix", "<source mode='bind' path='@HOME@/s.sock'/>"), chardev={"charserial0": "unix:.*server"},
        check=connects("@HOME@/s.sock")),
    Row("serial-unix-connect", serial("unix", "<source mode='connect' path='@HOME@/peer.sock'/>"), before=unix_listener,
        chardev={"charserial0": "unix:"}),
    Row("serial-unix-reconnect", serial("unix", "<source mode='connect' path='@HOME@/nobody.sock'><reconnect enabled='yes' timeout='5'/></source>"),
        chardev={"charserial0": "disconnected:unix:"}),
    Row("serial-tcp-bind", serial("tcp", "<source mode='bind' host='127.0.0.1' service='25445'/><protocol type='raw'/>"),
        chardev={"charserial0": "tcp:127.0.0.1:25445,server"}, check=lambda m: socket.create_connection(("127.0.0.1", 25445), 5).close()),
    Row("serial-telnet", serial("tcp", "<source mode='bind' host='127.0.0.1' service='25446'/><protocol type='telnet'/>"),
        chardev={"charserial0": "telnet:127.0.0.1:25446"}),
    Row("serial-tcp-connect", serial("tcp", "<source mode='connect' host='127.0.0.1' service='25447'/><protocol type='raw'/>"),
        before=lambda m: listen(m, 25447), chardev={"charserial0": "tcp:"}),
    Row("serial-udp", serial("udp", "<source mode='bind' host='127.0.0.1' service='25448'/><source mode='connect' host='127.0.0.1' service='25449'/>"),
        chardev={"charserial0": "udp"}),
    Row("serial-stdio", serial("stdio"), chardev={"charserial0": "stdio|null|file"}),
    Row("serial-null", serial("null"), chardev={"charserial0": "null"}),
    Row("serial-vc", serial("vc"), chardev={"charserial0": "vc"}),
    Row("serial-dev", serial("dev", "<source path='/dev/tty'/>"), before=lambda m: pty_for(m), chardev={"charserial0": "serial|pts|/dev"}),
    Row("serial-spiceport", serial("spiceport", "<source channel='org.example.port'/>") + "<graphics type='spice' autoport='yes'/>",
        chardev={"charserial0": "spiceport"}),
    Row("serial-dbus", serial("dbus", "<source channel='org.example.port'/>") + "<graphics type='dbus' p2p='yes'/>",
        args=["dbus,id=charserial0,name=org.example.port"]),
    Row("serial-log", serial("pty", "<log file='@HOME@/serial.log' append='on'/>"), chardev={"charserial0": "pty"},
        check=lambda m: os.stat(m.path("serial.log"))),
    Row("serial-usb", "<serial type='null'><target type='usb-serial'/></serial>", qom={"serial0": {"type": "usb-serial"}}),
    Row("serial-pci", "<serial type='null'><target type='pci-serial'/></serial>", qom={"serial0": {"type": "pci-serial"}}),
    Row("serial-isa-debug", "<serial type='file'><source path='@HOME@/debug.txt'/><target type='isa-debug'/><address type='isa' iobase='0x402'/>"
        "</serial>", qom={"serial0": {"type": "isa-debugcon"}}),
    Row("serial-four", "".join(f"<serial type='null'><target type='isa-serial' port='{port}'/></serial>" for port in range(4)),
        qom={f"serial{port}": {"type": "isa-serial", "index": port} for port in range(4)}),
    Row("parallel-file", "<parallel type='file'><source path='@HOME@/parallel.txt'/><target port='0'/></parallel>",
        qom={"parallel0": {"type": "isa-parallel"}}),
    Row("parallel-null", "<parallel type='null'><target port='0'/></parallel>", qom={"parallel0": {"type": "isa-parallel"}}),
    Row("console-virtio", "<console type='pty'><target type='virtio'/></console>", chardev={"charconsole0": "pty:"},
        qom={"console0": {"type": "virtconsole"}}, live=[r"<console type='pty' tty='/dev/pts/\d+'>"]),
    Row("console-two", "<console type='pty'><target type='serial'/></console><console type='pty'><target type='virtio'/></console>",
        qom={"serial0": {"type": "isa-serial"}, "console1": {"type": "virtconsole"}}),
    Row("console-sclp", "<console type='pty'><target type='sclp'/></console>", error="sclp"),
    Row("channel-agent", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        qom={"channel0": {"type": "virtserialport", "name": "org.qemu.guest_agent.0"}},
        live=[r"<source mode='bind' path='[^']*org.qemu.guest_agent.0'/>", "<target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/>"]),
    Row("channel-spicevmc", "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel><graphics type='spice' autoport='yes'/>",
        qom={"channel0": {"name": "com.redhat.spice.0"}}, chardev={"charchannel0": "spicevmc"}),
    Row("channel-vdagent", "<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source>"
        "<target type='virtio' name='com.redhat.spice.0'/></channel><graphics type='vnc' autoport='yes'/>",
        qom={"channel0": {"name": "com.redhat.spice.0"}}, chardev={"charchannel0": "qemu-vdagent"}),
    Row("channel-pty", "<channel type='pty'><target type='virtio' name='arbitrary'/></channel>", chardev={"charchannel0": "pty:"}),
    Row("channel-guestfwd", "<channel type='null'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>" + nic("user"),
        chardev={"charchannel0": "null"}),
    Row("channel-dbus", "<channel type='dbus'><source channel='org.qemu.vdagent'/><target type='virtio' name='com.redhat.spice.0'/></channel>"
        "<graphics type='dbus' p2p='yes'/>", args=["dbus,id=charchannel0,name=org.qemu.vdagent"]),
    Row("redirdev-spicevmc", "<redirdev bus='usb' type='spicevmc'/><graphics type='spice' autoport='yes'/>", qom={"redir0": {"type": "usb-redir"}}),
    Row("redirdev-tcp", "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='25460'/></redirdev>"
        "<redirfilter><usbdev class='0x08' vendor='0x1234' product='0xbeef' version='2.56' allow='yes'/><usbdev allow='no'/></redirfilter>",
        qom={"redir0": {"type": "usb-redir", "filter": "0x08:0x1234:0xBEEF:0x0256:1|-1:-1:-1:-1:0"}}),
    Row("smartcard-passthrough", "<smartcard mode='passthrough' type='spicevmc'/><graphics type='spice' autoport='yes'/>",
        qom={"smartcard0": {"type": "ccid-card-passthru"}}),
    Row("smartcard-tcp", "<smartcard mode='passthrough' type='tcp'><source mode='bind' host='127.0.0.1' service='25461'/></smartcard>",
        qom={"smartcard0": {"type": "ccid-card-passthru"}}),
]


def pty_for(machine):
    master, slave = os.openpty()
    machine.row.xml = machine.row.xml.replace("/dev/tty", os.ttyname(slave))
    machine.ending.append(lambda: (os.close(master), os.close(slave)))


# ---- disks ----

def disk(source, target="<target dev='vda' bus='virtio'/>", driver="<driver name='qemu' type='raw'/>", kind="file", more="", device="disk"):
    return f"<disk type='{kind}' device='{device}'>{driver}{source}{target}{more}</disk>"


RAW = "<source file='@HOME@/a.img'/>"
QCOW2 = "<driver name='qemu' type='qcow2'/>"
raw_image = image("a.img")


def chain(machine):
    run("qemu-img", "create", "-q", "-f", "raw", machine.path("base.img"), "1M")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", machine.path("base.img"), "-F", "raw", machine.path("mid.qcow2"))
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", machine.path("mid.qcow2"), "-F", "qcow2", machine.path("top.qcow2"))


def nbd_server(machine):
    image("nbd.img")(machine)
    machine.spawn("qemu-nbd", "-f", "raw", "-t", "-x", "disk1", "-k", machine.path("nbd.sock"), machine.path("nbd.img"),
                  wait_for=machine.path("nbd.sock"))


def nbd_tcp(machine):
    image("nbd.img")(machine)
    machine.spawn("qemu-nbd", "-f", "raw", "-t", "-b", "127.0.0.1", "-p", "25809", "-x", "disk1", machine.path("nbd.img"))
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", 25809), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "qemu-nbd doesn't listen"
            time.sleep(0.05)


def vhost_user_blk(machine):
    image("vu.img", "raw", "4M")(machine)
    machine.spawn("qemu-storage-daemon", "--blockdev", f"driver=file,node-name=f,filename={machine.path('vu.img')}", "--export",
                  f"vhost-user-blk,id=e,node-name=f,writable=on,addr.type=unix,addr.path={machine.path('vub.sock')}",
                  wait_for=machine.path("vub.sock"))


def loop_device(machine):
    image("loop.img")(machine)
    path = run("losetup", "--show", "-f", machine.path("loop.img")).strip()
    machine.ending.append(lambda: run("losetup", "-d", path))
    machine.row.xml = machine.row.xml.replace("@LOOP@", path)


def directory(machine):
    os.makedirs(machine.path("dir"), exist_ok=True)
    with open(machine.path("dir/file.txt"), "w") as file:
        file.write("hello\n")


SECRET_UUID = "8c1b0a42-6c9e-4a38-9d62-1f2f3a4b5c6d"


def secret_of(machine, usage="<usage type='volume'><volume>@HOME@/luks</volume></usage>", value=b"open sesame"):
    connection = libvirt.open(machine.session.uri("virtsecretd", "secret"))
    secret = connection.secretDefineXML(f"<secret ephemeral='no' private='yes'><uuid>{SECRET_UUID}</uuid>{usage}</secret>")
    secret.setValue(value)
    machine.ending.append(lambda: (secret.undefine(), connection.close()))


def luks(kind, value=b"open sesame"):
    def make(machine):
        secret_of(machine, value=value)
        # QEMU measures how quick the processor is, and fails when its clock has no tick in between
        options = {"raw": ["-f", "luks", "-o", "key-secret=s,iter-time=200"],
                   "qcow2": ["-f", "qcow2", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=200"]}[kind]
        for last in range(49, -1, -1):
            try:
                run("qemu-img", "create", "-q", "--object", "secret,id=s,data=open sesame", *options, machine.path("luks." + kind), "1M")
                return
            except AssertionError as why:
                if not last or "CPU usage" not in str(why):
                    raise
    return make


def encryption(kind):
    return (f"<source file='@HOME@/luks.{kind}'><encryption format='luks'><secret type='passphrase' uuid='{SECRET_UUID}'/></encryption></source>")


def throttled(**wanted):
    def check(machine):
        entry = [e for e in machine.qmp("query-block") if "virtio-disk0" in e.get("qdev", "")][0]
        for name, value in wanted.items():
            assert entry["inserted"][name] == value, entry["inserted"]
    return check


def media(machine):
    domain = machine.domain
    cdrom = disk("<source file='@HOME@/b.iso'/>", "<target dev='sda' bus='sata'/>", device="cdrom", more="<readonly/>")
    domain.updateDeviceFlags(cdrom.replace("@HOME@", machine.home), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    entry = [e for e in machine.qmp("query-block") if "sata0-0-0" in e.get("qdev", "")][0]
    assert entry["inserted"]["image"]["filename"].endswith("b.iso"), entry
    assert "b.iso" in machine.live() and "a.iso" not in machine.live()
    domain.updateDeviceFlags(re.sub("<source[^>]*>", "", cdrom), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    entry = [e for e in machine.qmp("query-block") if "sata0-0-0" in e.get("qdev", "")][0]
    assert "inserted" not in entry, entry
    assert "b.iso" not in machine.live()


DISKS = [
    Row("disk-file-raw", disk(RAW), before=raw_image, qom={"virtio-disk0": {"type": "virtio-blk-pci"}},
        node={"libvirt-1-format": "raw", "libvirt-1-storage": "file"}, live=["<source file='@HOME@/a.img' index='1'/>\\s*<backingStore/>|index='1'"]),
    Row("disk-file-qcow2", disk("<source file='@HOME@/a.qcow2'/>", driver=QCOW2), before=image("a.qcow2", "qcow2"), node={"libvirt-1-format": "qcow2"}),
    Row("disk-chain", disk("<source file='@HOME@/top.qcow2'/>", driver=QCOW2), before=chain,
        node={"libvirt-1-format": "qcow2", "libvirt-2-format": "qcow2", "libvirt-3-format": "raw"},
        live=["<backingStore type='file' index='2'>\\s*<format type='qcow2'/>\\s*<source file='@HOME@/mid.qcow2'/>\\s*"
              "<backingStore type='file' index='3'>\\s*<format type='raw'/>\\s*<source file='@HOME@/base.img'/>\\s*<backingStore/>"]),
    Row("disk-chain-given", disk("<source file='@HOME@/mid.qcow2'/><backingStore type='file'><format type='raw'/><source file='@HOME@/base.img'/>"
                                 "<backingStore/></backingStore>", driver=QCOW2), before=chain, node={"libvirt-2-format": "raw"}),
    Row("disk-sata", disk(RAW, "<target dev='sda' bus='sata'/>", more="<serial>ABC 1</serial><wwn>5000c50015ea71aa</wwn>"), before=raw_image,
        qom={"sata0-0-0": {"type": "ide-hd", "serial": "ABC 1", "wwn": 0x5000c50015ea71aa}}),
    Row("disk-rotation", disk(RAW, "<target dev='sda' bus='sata' rotation_rate='7200'/>"), before=raw_image, qom={"sata0-0-0": {"rotation_rate": 7200}}),
    Row("disk-ide", disk(RAW, "<target dev='hda' bus='ide'/>", more="<geometry cyls='16383' heads='16' secs='63' trans='lba'/>"), before=raw_image,
        machine="pc", qom={"ide0-0-0": {"type": "ide-hd", "cyls": 16383, "bios-chs-trans": "lba"}}),
    Row("disk-usb", disk(RAW, "<target dev='sda' bus='usb' removable='on'/>"), before=raw_image, qom={"usb-disk0": {"type": "usb-storage", "removable": True}}),
    Row("disk-scsi", disk(RAW, "<target dev='sda' bus='scsi'/>", more="<vendor>ACME</vendor><product>Big</product>"), before=raw_image,
        qom={"scsi0-0-0-0": {"type": "scsi-hd", "vendor": "ACME", "product": "Big"}}),
    Row("disk-scsi-virtio", disk(RAW, "<target dev='sda' bus='scsi'/>") + "<controller type='scsi' model='virtio-scsi'><driver queues='3' "
        "iothread='1'/></controller>", head="<iothreads>1</iothreads>", before=raw_image, qom={"scsi0": {"type": "virtio-scsi-pci", "num_queues": 3}}),
    Row("disk-scsi-lsilogic", disk(RAW, "<target dev='sda' bus='scsi'/>") + "<controller type='scsi' model='lsilogic'/>", machine="pc",
        before=raw_image, qom={"scsi0": {"type": "lsi53c895a"}}),
    Row("disk-scsi-lsisas1078", disk(RAW, "<target dev='sda' bus='scsi'/>") + "<controller type='scsi' model='lsisas1078'/>",
        before=raw_image, qom={"scsi0": {"type": "megasas"}}),
    Row("disk-fdc", disk(RAW, "<target dev='fda' bus='fdc'/>", device="floppy"), machine="pc", before=image("a.img", "raw", "1440K"),
        qom={"fdc0-0-0": {"type": "floppy"}}),
    Row("disk-fdc-q35", disk(RAW, "<target dev='fda' bus='fdc'/>", device="floppy"), before=image("a.img", "raw", "1440K"),
        qom={"fdc0-0-0": {"type": "floppy"}}),
    Row("disk-cdrom-empty", disk("", "<target dev='sda' bus='sata'/>", driver="<driver name='qemu' type='raw'/>", device="cdrom", more="<readonly/>"),
        qom={"sata0-0-0": {"type": "ide-cd"}}),
    Row("disk-cdrom-media", disk("<source file='@HOME@/a.iso'/>", "<target dev='sda' bus='sata'/>", device="cdrom", more="<readonly/>"),
        before=several(image("a.iso"), image("b.iso")), check=media),
    Row("disk-block", disk("<source dev='@LOOP@'/>", kind="block"), needs=["loop"], before=loop_device, node={"libvirt-1-storage": "host_device"}),
    Row("disk-lun", disk("<source dev='@LOOP@'/>", "<target dev='sda' bus='scsi'/>", kind="block", device="lun"), needs=["loop"], before=loop_device,
        error="scsi-block|SG_IO|SCSI"),
    Row("disk-dir", disk("<source dir='@HOME@/dir'/>", kind="dir", driver="<driver name='qemu' type='fat'/>", more="<readonly/>"), before=directory,
        node={"libvirt-1-storage": "vvfat"}),
    Row("disk-nbd-unix", disk("<source protocol='nbd' name='disk1'><host transport='unix' socket='@HOME@/nbd.sock'/></source>", kind="network"),
        needs=["qemu-nbd"], before=nbd_server, node={"libvirt-1-storage": "nbd"}),
    Row("disk-nbd-tcp", disk("<source protocol='nbd' name='disk1'><host name='127.0.0.1' port='25809'/><reconnect delay='10'/></source>", kind="network"),
        needs=["qemu-nbd"], before=nbd_tcp, node={"libvirt-1-storage": "nbd"}),
    Row("disk-nbd-missing", disk("<source protocol='nbd' name='disk1'><host name='127.0.0.1' port='25810'/></source>", kind="network"), error="refused"),
    Row("disk-http-missing", disk("<source protocol='http' name='a.iso'><host name='127.0.0.1' port='25811'/></source>",
                                  "<target dev='sda' bus='sata'/>", kind="network", device="cdrom", more="<readonly/>"), error="curl|CURL|connect"),
    Row("disk-nvme-missing", disk("<source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x7f' slot='0x1f' function='0x7'/></source>",
                                  kind="nvme"), error="0000:7f:1f.7|vfio"),
    Row("disk-vhostuser", disk("<source type='unix' path='@HOME@/vub.sock'/>", kind="vhostuser"), needs=["storage-daemon"], before=vhost_user_blk,
        head="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", qom={"virtio-disk0": {"type": "vhost-user-blk-pci"}}),
    Row("disk-luks", disk(encryption("raw")), before=luks("raw"), node={"libvirt-1-format": "luks"}),
    Row("disk-luks-qcow2", disk(encryption("qcow2"), driver=QCOW2), before=luks("qcow2"), node={"libvirt-1-format": "qcow2"}),
    Row("disk-luks-wrong", disk(encryption("raw")), error="password|key|secret",
        before=luks("raw", b"wrong")),
    Row("disk-luks-no-secret", disk(encryption("raw")), error=SECRET_UUID, before=image("luks.raw")),
    Row("disk-transient", disk("<source file='@HOME@/a.qcow2'/>", driver=QCOW2, more="<transient/>"), before=image("a.qcow2", "qcow2"),
        qom={"virtio-disk0": {"type": "virtio-blk-pci"}}, live=["<transient/>"], check=lambda m: transient_overlay(m)),
    Row("disk-iotune", disk(RAW, more="<iotune><total_bytes_sec>1000000</total_bytes_sec><read_iops_sec>50</read_iops_sec></iotune>"),
        before=raw_image, check=throttled(bps=1000000, iops_rd=50)),
    Row("disk-iothread", disk(RAW, driver="<driver name='qemu' type='raw' iothread='1'/>"), head="<iothreads>2</iothreads>", before=raw_image,
        args=['"iothread":"iothread1"'], check=lambda m: len(m.qmp("query-iothreads")) == 2 or 1 / 0),
    Row("disk-iothreads-map", disk(RAW, driver="<driver name='qemu' type='raw' queues='2'><iothreads><iothread id='1'/><iothread id='2'/></iothreads></driver>"),
        head="<iothreads>2</iothreads>", before=raw_image, error="iothread"),
    Row("disk-shareable", disk(RAW, more="<shareable/>"), before=raw_image, qom={"virtio-disk0": {"share-rw": True}}),
    Row("disk-readonly", disk(RAW, more="<readonly/>"), before=raw_image, args=['"read-only":true']),
    Row("disk-copy-on-read", disk("<source file='@HOME@/top.qcow2'/>", driver="<driver name='qemu' type='qcow2' copy_on_read='on'/>"), before=chain,
        node={"libvirt-CoR-vda": "copy-on-read"}),
    Row("disk-blockio", disk(RAW, more="<blockio logical_block_size='512' physical_block_size='4096'/>"), before=raw_image,
        qom={"virtio-disk0": {"physical_block_size": 4096}}),
    Row("disk-policy", disk(RAW, driver="<driver name='qemu' type='raw' error_policy='enospace' rerror_policy='report' discard='unmap' "
                            "detect_zeroes='unmap'/>"), before=raw_image, args=['"werror":"enospc"', '"rerror":"report"', '"detect-zeroes":"unmap"']),
    Row("disk-slice", disk("<source file='@HOME@/a.img'><slices><slice type='storage' offset='4096' size='65536'/></slices></source>"),
        before=raw_image, node={"libvirt-1-slice-sto": "raw"}),
    Row("disk-reservations", disk("<source dev='@LOOP@'><reservations managed='no'><source type='unix' path='@HOME@/pr.sock' mode='client'/></reservations>"
                                  "</source>", kind="block", target="<target dev='sda' bus='scsi'/>", device="lun"), needs=["loop"],
        before=loop_device, error="pr.sock|scsi-block|reservation|SCSI"),
    Row("disk-boot-order", disk(RAW, more="<boot order='2'/>"), before=raw_image, qom={"virtio-disk0": {"bootindex": 2}}),
    Row("disk-missing", disk("<source file='@HOME@/none.img'/>"), error="Cannot access storage file|none.img"),
    Row("disk-optional", disk("<source file='@HOME@/none.iso' startupPolicy='optional'/>", "<target dev='sda' bus='sata'/>", device="cdrom",
                              more="<readonly/>"), qom={"sata0-0-0": {"type": "ide-cd"}}),
] + [
    Row(f"disk-cache-{cache}", disk(RAW, driver=f"<driver name='qemu' type='raw' cache='{cache}' io='{io}'/>"), before=raw_image,
        args=[f'"cache":{{"direct":{direct},"no-flush":{unsafe}}}'], qom={"virtio-disk0": {"write-cache": write}})
    for cache, io, direct, unsafe, write in (("none", "native", "true", "false", "on"), ("writethrough", "threads", "false", "false", "off"),
                                             ("writeback", "io_uring", "false", "false", "on"), ("directsync", "native", "true", "false", "off"),
                                             ("unsafe", "threads", "false", "true", "on"))
]


def transient_overlay(machine):
    nodes = {entry["node-name"]: entry for entry in machine.qmp("query-named-block-nodes")}
    names = [entry["file"] for entry in nodes.values()]
    assert any("TRANSIENT" in name for name in names), names


# ---- the rest ----

def swtpm(machine):
    os.makedirs(machine.path("tpm"), exist_ok=True)
    machine.spawn("swtpm", "socket", "--tpm2", "--ctrl", f"type=unixio,path={machine.path('tpm.sock')}", "--tpmstate", f"dir={machine.path('tpm')}",
                  wait_for=machine.path("tpm.sock"))


def egd(machine):
    listen(machine, 25700)


def port_of(machine, kind):
    found = re.search(rf"<graphics type='{kind}' port='(\d+)'", machine.live())
    assert found, machine.live()
    return int(found.group(1))


def banner(kind, text):
    def check(machine):
        client = socket.create_connection(("127.0.0.1", port_of(machine, kind)), 5)
        client.settimeout(5)
        if text:
            assert client.recv(3) == text
        client.close()
    return check


def virtiofs_running(machine):
    assert os.path.exists(f"/proc/{machine.pid()}")
    with open("/proc/net/unix") as file:
        assert "fs0-fs.sock" in file.read()


def vnc_password(machine):
    assert machine.qmp("query-vnc")["auth"] == "vnc"


def evdev(machine):
    path = "/dev/input/event0"
    if not os.path.exists(path):
        raise lab.Skip("no event device here")
    machine.row.xml = machine.row.xml.replace("@EVDEV@", path)


def memory_devices(count, **wanted):
    def check(machine):
        there = machine.qmp("query-memory-devices")
        assert len(there) == count, there
        for name, value in wanted.items():
            assert there[0]["data"][name.replace("_", "-")] == value, there
    return check


def pflash(machine):
    nodes = {entry["node-name"] for entry in machine.qmp("query-named-block-nodes")}
    assert "libvirt-pflash0-format" in nodes and "libvirt-pflash1-format" in nodes, nodes


NUMA = "<maxMemory slots='4' unit='MiB'>1024</maxMemory><cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
OTHERS = [
    Row("filesystem-9p", "<filesystem type='mount' accessmode='mapped' multidevs='remap'><source dir='@HOME@/dir'/><target dir='tag'/><readonly/>"
        "</filesystem>", before=directory, qom={"fs0": {"type": "virtio-9p-pci"}}),
    Row("filesystem-virtiofs", "<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs' queue='512'/><source dir='@HOME@/dir'/>"
        "<target dir='tag'/></filesystem>", head=SHARED, needs=["virtiofsd", "root"], before=directory, check=virtiofs_running,
        qom={"fs0": {"type": "vhost-user-fs-pci", "tag": "tag", "queue-size": 512}}),
    Row("filesystem-virtiofs-memory", "<filesystem type='mount'><driver type='virtiofs'/><source dir='@HOME@/dir'/><target dir='tag'/></filesystem>",
        before=directory, error="shared memory"),
    Row("vsock-auto", "<vsock><cid auto='yes'/></vsock>", needs=["vhost-vsock"], qom={"vsock0": {"type": "vhost-vsock-pci"}}),
    Row("tpm-emulator", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", needs=["swtpm"],
        check=lambda m: m.qmp("query-tpm")[0]["options"]["type"] == "emulator" or 1 / 0),
    Row("tpm-tis", "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>", needs=["swtpm"],
        check=lambda m: m.qmp("query-tpm")[0]["model"] == "tpm-tis" or 1 / 0),
    Row("tpm-external", "<tpm model='tpm-crb'><backend type='external'><source type='unix' mode='connect' path='@HOME@/tpm.sock'/></backend></tpm>",
        needs=["swtpm"], before=swtpm, check=lambda m: len(m.qmp("query-tpm")) == 1 or 1 / 0),
    Row("tpm-passthrough-missing", "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm99'/></backend></tpm>", error="tpm99"),
    Row("shmem-plain", "<shmem name='vireo-test0'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>", qom={"shmem0": {"type": "ivshmem-plain"}}),
    Row("memory-dimm", "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>",
        head="<memory unit='MiB'>192</memory>" + NUMA, check=memory_devices(1, size=128 << 20), qom={"dimm0": {"type": "pc-dimm"}}),
    Row("memory-dimm-address", "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target><address type='dimm' slot='2'/></memory>",
        head="<memory unit='MiB'>192</memory>" + NUMA, check=memory_devices(1, slot=2),
        live=["<address type='dimm' slot='2' base='0x[0-9a-f]+'/>"]),
    Row("memory-nvdimm", "<memory model='nvdimm' access='shared'><source><path>@HOME@/nv.img</path></source><target><size unit='MiB'>128</size>"
        "<node>0</node><label><size unit='KiB'>128</size></label></target></memory>", head="<memory unit='MiB'>192</memory>" + NUMA,
        before=image("nv.img", "raw", "128M"), check=memory_devices(1), qom={"nvdimm0": {"type": "nvdimm", "label-size": 131072}}),
    Row("memory-virtio-mem", "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block>"
        "<requested unit='MiB'>64</requested></target></memory>", head="<memory unit='MiB'>192</memory>" + NUMA,
        qom={"virtiomem0": {"type": "virtio-mem-pci", "requested-size": 64 << 20}},
        live=["<requested unit='KiB'>65536</requested>\\s*<current unit='KiB'>0</current>"]),
    Row("memory-virtio-pmem", "<memory model='virtio-pmem' access='shared'><source><path>@HOME@/pm.img</path></source><target><size unit='MiB'>128</size>"
        "</target></memory>", head="<memory unit='MiB'>192</memory>" + NUMA, before=image("pm.img", "raw", "128M"),
        qom={"virtiopmem0": {"type": "virtio-pmem-pci"}}),
    Row("panic-isa", "<panic model='isa'/>", args=["pvpanic"]),
    Row("panic-pci", "<panic model='pvpanic'/>", args=["pvpanic-pci"]),
    Row("watchdog-i6300esb", "<watchdog model='i6300esb' action='pause'/>", qom={"watchdog0": {"type": "i6300esb"}},
        args=["-action watchdog=pause|watchdog-action pause"]),
    Row("watchdog-itco", "<watchdog model='itco' action='reset'/>", args=["ICH9-LPC.noreboot=off"]),
    Row("watchdog-ib700", "<watchdog model='ib700' action='poweroff'/>", machine="pc", qom={"watchdog0": {"type": "ib700"}}),
    Row("watchdog-dump", "<watchdog model='i6300esb' action='dump'/>", qom={"watchdog0": {"type": "i6300esb"}}),
    Row("rng-random", "<rng model='virtio'><rate bytes='1234' period='2000'/><backend model='random'>/dev/urandom</backend></rng>",
        qom={"rng0": {"type": "virtio-rng-pci", "max-bytes": 1234}, "objrng0": {"filename": "/dev/urandom"}}),
    Row("rng-builtin", "<rng model='virtio'><backend model='builtin'/></rng>", qom={"objrng0": {"type": "rng-builtin"}}),
    Row("rng-egd-tcp", "<rng model='virtio'><backend model='egd' type='tcp'><source mode='connect' host='127.0.0.1' service='25700'/></backend></rng>",
        before=egd, qom={"objrng0": {"type": "rng-egd"}}),
    Row("rng-egd-unix", "<rng model='virtio'><backend model='egd' type='unix'><source mode='bind' path='@HOME@/egd.sock'/></backend></rng>",
        qom={"objrng0": {"type": "rng-egd"}}, check=connects("@HOME@/egd.sock")),
    Row("crypto-builtin", "<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>", qom={"crypto0": {"type": "virtio-crypto-pci"}}),
    Row("hub", "<hub type='usb'><address type='usb' bus='0' port='1'/></hub><input type='tablet' bus='usb'><address type='usb' bus='0' port='1.2'/></input>",
        qom={"hub0": {"type": "usb-hub"}, "input0": {"type": "usb-tablet"}}),
    Row("input-tablet", "<input type='tablet' bus='usb'/>", qom={"input0": {"type": "usb-tablet"}}),
    Row("input-mouse-usb", "<input type='mouse' bus='usb'/>", qom={"input0": {"type": "usb-mouse"}}),
    Row("input-keyboard-usb", "<input type='keyboard' bus='usb'/>", qom={"input0": {"type": "usb-kbd"}}),
    Row("input-virtio", "<input type='mouse' bus='virtio'/><input type='keyboard' bus='virtio'/><input type='tablet' bus='virtio'/>",
        qom={"input0": {"type": "virtio-mouse-pci"}, "input1": {"type": "virtio-keyboard-pci"}, "input2": {"type": "virtio-tablet-pci"}}),
    Row("input-passthrough", "<input type='passthrough' bus='virtio'><source evdev='@EVDEV@'/></input>", before=evdev,
        qom={"input0": {"type": "virtio-input-host-pci"}}),
    Row("input-evdev", "<input type='evdev'><source dev='@EVDEV@' grab='all' repeat='on'/></input>", before=evdev, qom={"input0": {"type": "input-linux"}}),
    Row("input-passthrough-missing", "<input type='passthrough' bus='virtio'><source evdev='/dev/input/event99'/></input>", error="event99"),
    Row("iommu-intel", "<iommu model='intel'><driver intremap='on' caching_mode='on' eim='off' iotlb='on' aw_bits='48'/></iommu>",
        head="<features><acpi/><ioapic driver='qemu'/></features>", args=['"driver":"intel-iommu"']),
    Row("iommu-virtio", "<iommu model='virtio'/>", args=['"driver":"virtio-iommu']),
    Row("numa-hostnodes", "", head="<numatune><memory mode='strict' nodeset='0'/><memnode cellid='0' mode='strict' nodeset='0'/></numatune>"
        "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>", args=['"host-nodes":\\[0\\],"policy":"bind"']),
    Row("numa-preferred", "", head="<numatune><memnode cellid='0' mode='preferred' nodeset='0'/></numatune>"
        "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>", args=['"host-nodes":\\[0\\],"policy":"preferred"']),
    Row("memory-hugepages", "", head="<memoryBacking><hugepages/></memoryBacking>", needs=["hugepages"], args=["hugetlb|hugepages"]),
    Row("memory-memfd", "", head=SHARED, args=["memory-backend-memfd"]),
    Row("memory-file", "", head="<memoryBacking><source type='file'/><access mode='shared'/><allocation mode='immediate'/></memoryBacking>",
        args=["memory-backend-file", '"prealloc":true']),
    Row("memory-locked", "", head="<memoryBacking><locked/></memoryBacking>", needs=["root"], args=["mem-lock=on"]),
    Row("memory-discard", "", head="<memoryBacking><source type='file'/><discard/></memoryBacking>", args=['"discard-data":true']),
    Row("native-commandline", "", tail="<qemu:commandline><qemu:arg value='-object'/><qemu:arg value='rng-builtin,id=mine'/>"
        "<qemu:env name='VIREO_TEST' value='yes'/></qemu:commandline>", qom={"mine": {"type": "rng-builtin"}},
        check=lambda m: b"VIREO_TEST=yes" in open(f"/proc/{m.pid()}/environ", "rb").read() or 1 / 0),
    Row("native-override", nic("user"), tail="<qemu:override><qemu:device alias='net0'><qemu:frontend><qemu:property name='x-txtimer' type='unsigned' value='99'/>"
        "<qemu:property name='rx_queue_size' type='remove'/></qemu:frontend></qemu:device></qemu:override>", qom={"net0": {"x-txtimer": 99}}),
    Row("native-deprecation", "", tail="<qemu:deprecation behavior='reject'/>", args=["-compat"]),
    Row("launch-sev", "", head="<launchSecurity type='sev'><policy>0x0001</policy><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits></launchSecurity>",
        error="SEV|launch security|sev"),
    Row("hostdev-usb-missing", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>",
        error="1234:beef|1234:BEEF|Did not find USB device"),
    Row("hostdev-usb", "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='1'/></source></hostdev>", needs=["usb"]),
    Row("hostdev-pci-missing", "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x7f' slot='0x1f' function='0x7'/></source>"
        "</hostdev>", error="0000:7f:1f.7"),
    Row("hostdev-mdev-missing", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='83c32df7-d52e-4ec1-9668-1f3c7e4df107'/></source>"
        "</hostdev>", error="83c32df7"),
    Row("hostdev-usb-optional", "<hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0x1234'/><product id='0xbeef'/></source>"
        "</hostdev>"),
    Row("hostdev-scsi-missing", "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host77'/><address bus='0' target='0' unit='0'/></source>"
        "</hostdev>", error="scsi_host77|77:0:0:0"),
]

GRAPHICS = [
    Row("graphics-vnc", "<graphics type='vnc' autoport='yes'/>", check=banner("vnc", b"RFB"), live=["<listen type='address' address='127.0.0.1'/>"]),
    Row("graphics-vnc-port", "<graphics type='vnc' port='25950'/>", check=lambda m: port_of(m, "vnc") == 25950 or 1 / 0),
    Row("graphics-vnc-all", "<graphics type='vnc' autoport='yes' listen='0.0.0.0' sharePolicy='force-shared' keymap='de'/>", check=banner("vnc", b"RFB")),
    Row("graphics-vnc-v6", "<graphics type='vnc' autoport='yes' listen='::1'/>"),
    Row("graphics-vnc-socket", "<graphics type='vnc'><listen type='socket' socket='@HOME@/vnc.sock'/></graphics>", check=connects("@HOME@/vnc.sock")),
    Row("graphics-vnc-socket-auto", "<graphics type='vnc'><listen type='socket'/></graphics>", live=["<listen type='socket' socket='[^']*vnc.sock'/>"]),
    Row("graphics-vnc-none", "<graphics type='vnc'><listen type='none'/></graphics>", live=["<listen type='none'/>"]),
    Row("graphics-vnc-password", "<graphics type='vnc' autoport='yes' passwd='tiger' passwdValidTo='2038-04-04T15:51:00'/>", check=vnc_password),
    Row("graphics-vnc-websocket", "<graphics type='vnc' autoport='yes' websocket='-1'/>", live=[r"websocket='57\d\d'"]),
    Row("graphics-spice", "<graphics type='spice' autoport='yes'/>", check=banner("spice", b"")),
    Row("graphics-spice-password", "<graphics type='spice' autoport='yes' passwd='tiger' connected='disconnect'/>",
        check=lambda m: m.qmp("query-spice")["auth"] == "spice" or 1 / 0),
    Row("graphics-spice-socket", "<graphics type='spice'><listen type='socket' socket='@HOME@/spice.sock'/></graphics>",
        check=connects("@HOME@/spice.sock")),
    Row("graphics-spice-none", "<graphics type='spice'><listen type='none'/></graphics>"),
    Row("graphics-spice-options", "<graphics type='spice' autoport='yes' defaultMode='insecure'><channel name='main' mode='insecure'/>"
        "<image compression='auto_glz'/><jpeg compression='auto'/><zlib compression='never'/><playback compression='on'/><streaming mode='filter'/>"
        "<clipboard copypaste='no'/><mouse mode='server'/><filetransfer enable='no'/></graphics>",
        args=["plaintext-channel=main", "image-compression=auto_glz", "agent-mouse=off", "disable-copy-paste=on"]),
    Row("graphics-two", "<graphics type='vnc' autoport='yes'/><graphics type='spice' autoport='yes'/>",
        check=lambda m: port_of(m, "vnc") != port_of(m, "spice") or 1 / 0),
    Row("graphics-egl-headless", "<graphics type='egl-headless'/>", needs=["render"]),
    Row("graphics-dbus-p2p", "<graphics type='dbus' p2p='yes'/>"),
    Row("graphics-none", "<video><model type='vga'/></video>", qom={"video0": {"type": "VGA"}}),
    Row("video-virtio-3d", "<graphics type='egl-headless'/><video><model type='virtio' heads='1'><acceleration accel3d='yes'/></model></video>",
        needs=["render"], qom={"video0": {"type": "virtio-vga-gl"}}),
    Row("video-vhostuser", "<graphics type='vnc' autoport='yes'/><video><driver name='vhostuser'/><model type='virtio'/></video>", head=SHARED,
        needs=["gpu", "root"], error="requires kvm"),  # the helper answered by then
    Row("video-resolution", "<graphics type='vnc' autoport='yes'/><video><model type='virtio'><resolution x='1280' y='720'/></model></video>",
        qom={"video0": {"xres": 1280, "yres": 720}}),
    Row("video-second", "<graphics type='spice' autoport='yes'/><video><model type='qxl' primary='yes'/></video><video><model type='qxl'/></video>",
        qom={"video0": {"type": "qxl-vga"}, "video1": {"type": "qxl"}}),
    Row("video-ramfb", "<graphics type='vnc' autoport='yes'/><video><model type='ramfb'/></video>", qom={"video0": {"type": "ramfb"}}),
    Row("video-none", "<graphics type='vnc' autoport='yes'/><video><model type='none'/></video>"),
] + [
    Row(f"video-{model}", f"<graphics type='vnc' autoport='yes'/><video><model type='{model}'/></video>", qom={"video0": {"type": kind}})
    for model, kind in (("vga", "VGA"), ("cirrus", "cirrus-vga"), ("virtio", "virtio-vga"), ("qxl", "qxl-vga"), ("bochs", "bochs-display"),
                        ("vmvga", "vmware-svga"))
] + [
    Row(f"sound-{model}", f"<sound model='{model}'/>", machine=machine, qom=qom) for model, machine, qom in (
        ("ich6", "q35", {"sound0": {"type": "intel-hda"}, "sound0-codec0": {"type": "hda-duplex"}}), ("ich9", "q35", {"sound0": {"type": "ich9-intel-hda"}}),
        ("ac97", "q35", {"sound0": {"type": "AC97"}}), ("es1370", "q35", {"sound0": {"type": "ES1370"}}), ("sb16", "pc", {"sound0": {"type": "sb16"}}),
        ("usb", "q35", {"sound0": {"type": "usb-audio"}}), ("pcspk", "pc", {}))
] + [
    Row(f"audio-{kind}", f"<sound model='ich9'/><audio id='1' type='{kind}'/>{more}", qom={"sound0-codec0": {"audiodev": "audio1"}})
    for kind, more in (("none", ""), ("spice", "<graphics type='spice' autoport='yes'/>"))
] + [
    Row("audio-file", "<sound model='ich9'><codec type='output'/></sound><audio id='1' type='file' path='@HOME@/out.wav'/>",
        qom={"sound0-codec0": {"type": "hda-output"}}),
    Row("audio-dbus", "<sound model='ich9'/><audio id='1' type='dbus'/><graphics type='dbus' p2p='yes'/>"),
    Row("audio-two", "<sound model='ich9'><audio id='2'/></sound><audio id='1' type='none'/><audio id='2' type='none' timerPeriod='40'><input mixingEngine='yes' "
        "fixedSettings='yes' voices='1' bufferLength='100'><settings frequency='44100' channels='2' format='s16'/></input></audio>",
        qom={"sound0-codec0": {"audiodev": "audio2"}}),
]


def firmware(features="", attributes="firmware='efi'", inside="", machine="q35"):
    listed = f"<firmware>{features}</firmware>" if features else ""
    return f"<os {attributes}><type arch='x86_64' machine='{machine}'>hvm</type>{listed}{inside}</os>"


UEFI = [
    Row("uefi-auto", head=firmware(), needs=["ovmf"], check=pflash, memory=128),
    Row("uefi-secure", head=firmware("<feature enabled='yes' name='secure-boot'/>") + "<features><acpi/><smm state='on'/></features>", needs=["ovmf"],
        check=pflash, memory=128, args=["smm=on", "cfi.pflash01"]),
    Row("uefi-no-keys", head=firmware("<feature enabled='no' name='enrolled-keys'/>"), needs=["ovmf"], check=pflash, memory=128),
    Row("uefi-manual", head=firmware("", "", "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
                                     "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>@HOME@/vars.fd</nvram>"), needs=["ovmf"], check=pflash, memory=128),
    Row("uefi-stateless", head=firmware("", "", "<loader readonly='yes' type='rom'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"), needs=["ovmf"], memory=128,
        error="bios|firmware|rom|could not load"),
    Row("bios-serial", head="<os><type arch='x86_64' machine='q35'>hvm</type><bios useserial='yes' rebootTimeout='0'/><bootmenu enable='yes' timeout='3000'/></os>",
        xml=serial("null"), args=["reboot-timeout=0", "splash-time=3000"]),
]
