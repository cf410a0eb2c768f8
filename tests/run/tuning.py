#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tuning: what machines may take from their host and what their guests tell: answers of stock virsh, word by word as stock libvirt 9.0
gives them. The first half runs in a session (real QEMU, and a scripted one whose guest has an agent); the second in a real systemd
host (../shared/lab), where machines stand in control groups."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lab import TOP, Private, Skip, Suite, build_dir
from labhost import HOSTS as LAB
from labhost import STOCK_UNITS

NOBODY = "65534"
FAKE = os.path.join(TOP, "tests", "fake", "qemu")

MACHINE = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu current='2'>3</vcpu>
  <iothreads>2</iothreads>
  {extra}
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    {emulator}
    <controller type='usb' model='none'/>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{home}/{name}.img'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio'/>
  </devices>
  {tail}
</domain>"""


class Machine:
    """One machine of a private session, through virsh."""

    def __init__(self, private, name, extra="", emulator="", tail=""):
        self.private, self.name = private, name
        with open(os.path.join(private.home, name + ".img"), "wb") as image:
            image.write(b"begin of the disk" + bytes(8 << 20))
        text = MACHINE.format(name=name, home=private.home, extra=extra, emulator=emulator, tail=tail)
        private.virsh("define", private.file(name + ".xml", text))

    def says(self, command, *arguments):
        return self.private.virsh(command, self.name, *arguments)

    def refused(self, command, *arguments, says):
        code, _, error = self.private.virsh(command, self.name, *arguments, check=False)
        assert code == 1 and says in error, f"virsh {command} {' '.join(arguments)}: {code}, {error}, not '{says}'"

    def xml(self, *flags):
        return self.says("dumpxml", *flags)

    def has(self, *texts, config=False):
        xml = self.xml(*(["--inactive"] if config else []))
        for text in texts:
            assert text in xml, f"no {text} in {xml}"

    def close(self):
        for command in ("destroy", "undefine"):
            self.private.virsh(command, self.name, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def python(private, code):
    """Lines for python3-libvirt, with `d` the machine t; what they print."""
    prelude = f"import libvirt, libvirt_qemu\nc = libvirt.open({private.uri()!r})\nd = c.lookupByName('t')\n"
    done = subprocess.run(["/usr/bin/python3", "-c", prelude + code], env=private.env, capture_output=True, text=True, timeout=60, check=False)
    if "No module named 'libvirt'" in done.stderr:
        raise Skip("no python3-libvirt")
    return done.stdout + "".join(done.stderr.strip().splitlines()[-1:])


# ---- in a session ----

def session_refuses(private):
    """A session's machines have no control groups: limits are refused by call and at start, in stock's words."""
    with Machine(private, "t") as t:
        t.refused("schedinfo", says="Operation not supported: CPU tuning is not available in session mode")
        t.refused("schedinfo", "--config", "--set", "cpu_shares=500", says="CPU tuning is not available in session mode")
        t.refused("memtune", says="Operation not supported: Memory tuning is not available in session mode")
        t.refused("blkiotune", says="unsupported configuration: Block I/O tuning is not available in session mode")
        assert "numa_nodeset   : 0" not in t.says("numatune")
        t.says("numatune", "--nodeset", "0", "--config")
        t.has("<memory mode='strict' nodeset='0'/>", config=True)
        t.says("start")
        t.refused("numatune", "--nodeset", "0", "--live", says="cgroup cpuset controller is not mounted")
    for xml, words in (("<cputune><shares>500</shares></cputune>", "CPU tuning"), ("<cputune><emulator_quota>50000</emulator_quota></cputune>", "CPU tuning"),
                       ("<memtune><hard_limit>900000</hard_limit></memtune>", "Memory tuning"), ("<blkiotune><weight>500</weight></blkiotune>", "Block I/O tuning")):
        with Machine(private, "t", extra=xml) as t:
            t.refused("start", says=f"unsupported configuration: {words} is not available in session mode")
    with Machine(private, "t", extra="<numatune><memory mode='strict' nodeset='3000'/></numatune>") as t:
        t.refused("start", says="unsupported configuration: NUMA node 3000 is unavailable")


def iothreads(private):
    with Machine(private, "t") as t:
        t.says("start", "--paused")
        assert sorted(t.says("iothreadinfo").split()[::2]) == ["1", "2"]
        t.says("iothreadadd", "5")
        t.refused("iothreadadd", "5", says="invalid argument: an IOThread is already using iothread_id '5'")
        t.says("iothreadadd", "6", "--config")
        assert t.says("iothreadinfo", "--config").split()[::2] == ["1", "2", "6"]
        t.says("iothreadset", "5", "--poll-max-ns", "1000", "--poll-grow", "4", "--poll-shrink", "2")
        stats = t.says("domstats", "--iothread")
        assert "iothread.count=3" in stats and "iothread.5.poll-max-ns=1000" in stats and "iothread.5.poll-grow=4" in stats, stats
        t.says("iothreadset", "5", "--thread-pool-min", "2", "--thread-pool-max", "7")
        t.says("iothreadset", "5", "--thread-pool-min", "8", "--thread-pool-max", "9")
        t.refused("iothreadset", "5", "--thread-pool-min", "10", "--thread-pool-max", "7",
                  says="thread_pool_min (10) can't be greater than thread_pool_max (7)")
        t.refused("iothreadset", "9", "--poll-max-ns", "1", says="invalid argument: cannot find IOThread '9' in iothreadids")
        t.says("iothreadpin", "5", "0")
        t.has("<iothreadpin iothread='5' cpuset='0'/>")
        t.refused("iothreadpin", "7", "0", says="invalid argument: iothread 7 not found")
        t.says("iothreaddel", "5")
        assert "iothreadpin" not in t.xml()
        t.refused("iothreaddel", "5", says="invalid argument: cannot find IOThread '5' in iothreadids list")
        t.says("iothreaddel", "6", "--config")
        t.has("<iothreads>2</iothreads>", config=True)


def vcpus_one_by_one(private):
    with Machine(private, "t") as t:
        t.says("start", "--paused")
        t.says("setvcpu", "2", "--enable")
        t.has("<vcpu placement='static'>3</vcpu>", "<vcpu id='1' enabled='yes' hotpluggable='no' order='2'/>",
              "<vcpu id='2' enabled='yes' hotpluggable='yes' order='3'/>")
        t.refused("setvcpu", "2", "--enable", says="invalid argument: vcpu '2' is already in requested state")
        t.refused("setvcpu", "1", "--disable", says="Operation not supported: vcpu '1' can't be unplugged")
        t.refused("setvcpu", "9", "--enable", says="invalid argument: vcpu 9 is not present in live config")
        t.refused("setvcpu", "0,1", "--disable", says="only one hotpluggable entity can be selected")
        t.says("setvcpu", "2", "--enable", "--config")
        t.says("setvcpu", "1", "--disable", "--config")
        t.has("<vcpu id='1' enabled='no' hotpluggable='yes'/>", "<vcpu id='2' enabled='yes' hotpluggable='yes'/>", config=True)
        t.refused("setvcpu", "0", "--disable", "--config", says="invalid argument: vCPU '0' can't be modified")
        t.says("setvcpus", "1", "--config")
        t.has("<vcpu placement='static' current='1'>3</vcpu>", config=True)
        assert "<vcpus>" not in t.xml("--inactive")


def disks(private):
    with Machine(private, "t") as t:
        t.says("start", "--paused")
        t.says("blkdeviotune", "vda", "--total-bytes-sec", "1000000", "--live")
        t.says("blkdeviotune", "vda", "--read-iops-sec", "500", "--read-iops-sec-max", "600", "--read-iops-sec-max-length", "2", "--config")
        t.refused("blkdeviotune", "vda", "--total-bytes-sec", "1000", "--read-bytes-sec", "5", says="total and read/write of bytes_sec cannot be set at the same time")
        t.refused("blkdeviotune", "vda", "--total-bytes-sec-max", "1000", "--total-bytes-sec", "2000",
                  says="unsupported configuration: value 'total_bytes_sec_max' cannot be smaller than 'total_bytes_sec'")
        t.refused("blkdeviotune", "vda", "--total-bytes-sec-max-length", "10", "--live", says="burst length set without burst rate")
        t.says("blkdeviotune", "vda", "--group-name", "grp", "--live")
        t.has("<total_bytes_sec>1000000</total_bytes_sec>", "<group_name>grp</group_name>")
        t.has("<read_iops_sec_max_length>2</read_iops_sec_max_length>", config=True)
        limits = dict(line.split(":") for line in t.says("blkdeviotune", "vda").splitlines())
        assert len(limits) == 20 and limits["total_bytes_sec"].strip() == "1000000" and limits["group_name     "].strip() == "grp", limits
        t.says("blkdeviotune", "vda", "--total-bytes-sec", "0", "--live")
        t.says("blockresize", "vda", "16M")
        assert os.path.getsize(os.path.join(private.home, "t.img")) == 16 << 20
        t.refused("blockresize", "sda", "16M", says="Operation not supported: can't resize empty or readonly disk 'sda'")
        t.refused("blockresize", "vdx", "16M", says="invalid argument: disk 'vdx' was not found in the domain config")
        assert "No errors found" in private.virsh("domblkerror", "t", quiet=False)
        t.says("domblkthreshold", "vda", "100000")
        t.refused("domblkthreshold", "vda[9]", "1", says="invalid argument: failed to find disk 'vda[9]'")
        assert "begin of the" in python(private, "print(d.blockPeek('vda', 0, 12))")
        assert "failed to seek or read" in python(private, "d.blockPeek('vda', 1 << 30, 12)")
        assert "with 'raw' format not 'none'" in python(private, "d.blockPeek('sda', 0, 12)")


def interfaces(private):
    with Machine(private, "t") as t:
        assert t.says("domiftune", "52:54:00:11:22:33").split()[::2][0] == "inbound.average:"
        t.refused("domiftune", "52:54:00:11:22:33", "--inbound", "100", "--config",
                  says="unsupported configuration: setting bandwidth on interfaces of type 'user' is not implemented yet")
        t.refused("domiftune", "vnet9", says="invalid argument: 'vnet9' is not a known interface")


def measures(private):
    with Machine(private, "t") as t:
        t.says("start", "--paused")
        t.says("dommemstat", "--period", "5", "--live")
        t.has("<stats period='5'/>")
        t.says("dommemstat", "--period", "7", "--config")
        t.has("<stats period='7'/>", config=True)
        t.says("dommemstat", "--period", "0", "--live")
        assert "stats period" not in t.xml()
        t.refused("domdirtyrate-calc", "--seconds", "61", says="seconds=61 is invalid, please choose value within [1, 60].")
        t.refused("domdirtyrate-calc", "--mode", "dirty-ring", says="dirty-ring calculation mode requires dirty-ring feature enabled.")
        assert "dirtyrate.calc_status=0" in t.says("domstats", "--dirtyrate")
        t.says("domdirtyrate-calc", "--seconds", "1")
        assert "dirtyrate.calc_status=0" not in t.says("domstats", "--dirtyrate")
        assert "64 16" in python(private, "a = d.memoryPeek(0xf0000, 64, libvirt.VIR_MEMORY_PHYSICAL); "
                                          "b = d.memoryPeek(0xf0000, 16, libvirt.VIR_MEMORY_VIRTUAL); print(len(a), len(b))")
        assert "must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL" in python(private, "d.memoryPeek(0, 16, 0)")
        events = python(private, "print(d.perfEvents())")
        assert "'cpu_cycles': False" in events and events.count(":") == 22, events
        t.refused("perf", "--enable", "cmt", "--live", says="argument unsupported: unable to enable host cpu perf event for cmt")
        t.refused("perf", "--enable", "foo", says="argument unsupported: parameter 'foo' not supported")
        t.says("perf", "--enable", "cpu_clock", "--config")
        t.has("<event name='cpu_clock' enabled='yes'/>", config=True)
        t.says("domstats", "--state", "--cpu-total", "--balloon", "--vcpu", "--interface", "--block", "--perf", "--iothread", "--memory",
               "--dirtyrate", "--vm", "--enforce")


def words(private):
    with Machine(private, "t") as t:
        t.says("start", "--paused")
        assert python(private, "print(d.messages(0))").strip() == "[]"
        assert python(private, "import os; f = os.open('/dev/null', 0); print(libvirt_qemu.qemuMonitorCommandWithFiles(d, "
                               "'{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}', [f], 0))").startswith("('{\"return\":{},\"id\":\"libvirt-")
        assert "custom monitor control commands issued" in python(private, "print(d.messages(0))")
        assert python(private, "print(d.launchSecurityInfo(0))").strip() == "{}"
        t.refused("domjobabort", "--postcopy", says="current job is not outgoing migration in post-copy mode")
        t.refused("domifaddr", "--source", "agent", says="domain is not running")  # it is paused: nobody would answer
        t.refused("dompmsuspend", "mem", "--duration", "5", says="argument unsupported: Duration not supported. Use 0 for now")
        t.refused("send-process-signal", "1", "kill", says="this function is not supported by the connection driver: virDomainSendProcessSignal")
        for config in ([], ["--config"]):
            t.says("metadata", "http://a", "--key", "a", "--set", "<x/>", *config)
            t.says("metadata", "http://a", "--remove", *config)
            t.has("<metadata/>", config=bool(config))


ANSWERS = {
    "guest-network-get-interfaces": [
        {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "127.0.0.1", "prefix": 8}]},
        {"name": "eth0", "hardware-address": "52:54:00:11:22:33", "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "10.0.2.15", "prefix": 24},
                                                                              {"ip-address-type": "ipv6", "ip-address": "fe80::1", "prefix": 64}]},
        {"name": "eth0:1", "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "10.0.2.16", "prefix": 24}]}],
    "guest-get-fsinfo": [{"name": "vda1", "mountpoint": "/", "type": "ext4", "total-bytes": 1000, "used-bytes": 10, "disk": [
        {"bus-type": "virtio", "bus": 0, "target": 0, "unit": 0, "serial": "s1", "dev": "/dev/vda1", "pci-controller": {"domain": 0, "bus": 3, "slot": 0, "function": 0}}]}],
    "guest-get-users": [{"user": "alice", "login-time": 1600000000.5}, {"user": "bob", "domain": "d", "login-time": 5}],
    "guest-get-osinfo": {"id": "debian", "name": "Debian", "pretty-name": "Debian 12", "version-id": "12", "machine": "x86_64", "kernel-release": "6.1"},
    "guest-get-timezone": {"zone": "CET", "offset": 3600},
    "guest-get-host-name": {"host-name": "box"},
    "guest-get-disks": [{"name": "/dev/vda", "partition": False, "address": {"bus-type": "virtio", "bus": 0, "target": 0, "unit": 0, "serial": "s1",
                         "pci-controller": {"domain": 0, "bus": 3, "slot": 0, "function": 0}}},
                        {"name": "/dev/vda1", "partition": True, "dependencies": ["/dev/vda"]}],
    "guest-get-vcpus": [{"logical-id": 0, "online": True, "can-offline": False}, {"logical-id": 1, "online": True, "can-offline": True},
                        {"logical-id": 2, "online": False, "can-offline": True}],
    "guest-set-vcpus": 1,
    "guest-ssh-get-authorized-keys": {"keys": ["ssh-rsa AAA one", "ssh-rsa BBB two"]},
    "guest-ssh-add-authorized-keys": {}, "guest-ssh-remove-authorized-keys": {}, "guest-set-user-password": {},
    "guest-fsfreeze-freeze": 2, "guest-fsfreeze-freeze-list": 1, "guest-fsfreeze-thaw": 2, "guest-fstrim": {"paths": []},
    "guest-get-time": 1600000000123456789, "guest-set-time": {}, "guest-suspend-disk": {"error": "no swap"},
}

GUEST_INFO = """user.count : 2
user.0.name : alice
user.0.login-time : 1600000000500
user.1.name : bob
user.1.domain : d
user.1.login-time : 5000
os.id : debian
os.name : Debian
os.pretty-name : Debian 12
os.version-id : 12
os.machine : x86_64
os.kernel-release : 6.1
timezone.name : CET
timezone.offset : 3600
hostname : box
fs.count : 1
fs.0.name : vda1
fs.0.mountpoint : /
fs.0.fstype : ext4
fs.0.total-bytes : 1000
fs.0.used-bytes : 10
fs.0.disk.count : 1
fs.0.disk.0.alias : vda
fs.0.disk.0.serial : s1
fs.0.disk.0.device : /dev/vda1
disk.count : 2
disk.0.name : /dev/vda
disk.0.partition : no
disk.0.serial : s1
disk.0.alias : vda
disk.0.guest_bus : virtio
disk.1.name : /dev/vda1
disk.1.partition : yes
disk.1.dependency.count : 1
disk.1.dependency.0.name : /dev/vda
if.count : 3"""


class Guest:
    """A machine whose QEMU is scripted and whose guest has an agent."""

    def __init__(self, private):
        self.script = private.file("agent.json", json.dumps(ANSWERS))
        self.machine = Machine(private, "t", emulator=f"<emulator>{FAKE}</emulator>",
                               tail=f"<qemu:commandline><qemu:env name='FAKE_QEMU' value='agent {self.script}'/></qemu:commandline>")
        self.machine.says("start")

    def change(self, **answers):
        with open(self.script, "w") as file:
            json.dump({**ANSWERS, **{name.replace("_", "-"): value for name, value in answers.items()}}, file)

    def asked(self):
        """The last command that the agent got."""
        with open(self.script + ".log") as log:
            return json.loads(log.read().splitlines()[-1])


def agent(private):
    guest = Guest(private)
    with guest.machine as t:
        lines = [line.split() for line in t.says("domifaddr", "--source", "agent").splitlines()]
        assert lines == [["lo", "00:00:00:00:00:00", "ipv4", "127.0.0.1/8"], ["eth0", "52:54:00:11:22:33", "ipv4", "10.0.2.15/24"],
                         ["-", "-", "ipv6", "fe80::1/64"], ["-", "-", "ipv4", "10.0.2.16/24"]], lines
        assert t.says("domfsinfo").split() == ["/", "vda1", "ext4", "vda"]
        info = [[part.strip() for part in line.split(":", 1)] for line in t.says("guestinfo").splitlines() if line]
        wanted = [line.split(" : ", 1) for line in GUEST_INFO.splitlines()]
        assert info[:len(wanted)] == wanted, [pair for pair in zip(info, wanted) if pair[0] != pair[1]][:3]
        assert [word.split() for word in t.says("guestvcpus").splitlines()] == [["vcpus", ":", "0-2"], ["online", ":", "0-1"], ["offlinable", ":", "1-2"]]
        t.says("guestvcpus", "--enable", "--cpulist", "2")
        assert guest.asked()["arguments"] == {"vcpus": [{"logical-id": 2, "online": True}]}
        t.refused("guestvcpus", "--disable", "--cpulist", "0", says="the guest can't take all of the vCPUs '0' offline")
        t.refused("guestvcpus", "--enable", "--cpulist", "7", says="guest does not have all of the vCPUs '7'")
        assert t.says("vcpucount", "--guest").strip() == "2"
        t.says("setvcpus", "1", "--guest")
        assert guest.asked()["arguments"] == {"vcpus": [{"logical-id": 1, "online": False}]}
        keys = t.says("get-user-sshkeys", "root")
        assert keys.strip() == "ssh-rsa AAA onessh-rsa BBB two", keys  # 9.0 puts nothing between them
        t.says("set-user-sshkeys", "root", "--file", private.file("keys", "ssh-rsa CCC three"))
        assert guest.asked() == {"execute": "guest-ssh-add-authorized-keys", "arguments": {"username": "root", "keys": ["ssh-rsa CCC three"], "reset": False}}
        t.says("set-user-sshkeys", "root", "--reset", "--file", private.file("keys", "ssh-rsa CCC three"))
        assert guest.asked()["arguments"]["reset"] is True
        t.says("set-user-sshkeys", "root", "--remove", "--file", private.file("keys", "ssh-rsa CCC three"))
        assert guest.asked() == {"execute": "guest-ssh-remove-authorized-keys", "arguments": {"username": "root", "keys": ["ssh-rsa CCC three"]}}
        assert "2 filesystem" in private.virsh("domfsfreeze", "t", quiet=False)
        assert "1 filesystem" in private.virsh("domfsfreeze", "t", "--mountpoint", "/", quiet=False)
        assert guest.asked()["arguments"] == {"mountpoints": ["/"]}
        assert "2 filesystem" in private.virsh("domfsthaw", "t", quiet=False)
        t.says("domfstrim", "--minimum", "512")
        assert guest.asked()["arguments"] == {"minimum": 512}
        t.says("set-user-password", "root", "secret")
        assert guest.asked()["arguments"] == {"crypted": False, "username": "root", "password": "c2VjcmV0"}
        assert t.says("domhostname").strip() == "box"
        assert "1600000000" in t.says("domtime")
        t.refused("dompmsuspend", "disk", says="unable to execute QEMU agent command 'guest-suspend-disk': no swap")
        t.refused("dompmsuspend", "mem", says="The command guest-suspend-ram has not been found")


def agent_that_is_strange(private):
    """A guest may say what it likes, or nothing: an error, and the daemon goes on."""
    guest = Guest(private)
    with guest.machine as t:
        guest.change(guest_get_vcpus=[{"logical-id": 99999999, "online": True}])
        t.refused("guestvcpus", says="malformed reply of guest-get-vcpus")
        guest.change(guest_get_vcpus="nonsense", guest_set_vcpus=0)
        t.refused("setvcpus", "1", "--guest", says="requested vcpu count is greater than the count of enabled vcpus")
        guest.change(guest_set_vcpus=0)
        t.refused("setvcpus", "3", "--guest", says="guest agent reports less cpu than requested")
        guest.change(guest_get_fsinfo=[{"name": 7}])
        t.refused("domfsinfo", says="'mountpoint' missing in reply of guest-get-fsinfo")
        guest.change(guest_network_get_interfaces=[{"ip-addresses": []}])
        t.refused("domifaddr", "--source", "agent", says="didn't provide 'name'")
        guest.change(guest_get_users={"error": "kaputt"})
        t.refused("guestinfo", "--user", says="unable to execute QEMU agent command 'guest-get-users': kaputt")
        guest.change(guest_get_host_name=None)
        t.says("guest-agent-timeout", "--timeout", "1")
        t.refused("domhostname", says="was not answered by the guest agent in time")
        t.refused("guest-agent-timeout", "--timeout", "-5", says="guest agent timeout '-5' is less than the minimum '-2'")
        guest.change()
        assert t.says("domhostname").strip() == "box"
    private.alive("virtqemud")


def session():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        for test in (session_refuses, iothreads, vcpus_one_by_one, disks, interfaces, measures, words, agent, agent_that_is_strange):
            if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]:
                suite.run(test.__name__, test, private)
    suite.done()


# ---- in a real host ----

OUR_UNITS = "virtqemud.socket virtqemud-ro.socket virtqemud-admin.socket"

HOST_MACHINE = """<domain type='qemu'>
  <name>t</name>
  <uuid>70000000-0000-4000-8000-000000000009</uuid>
  <memory unit='MiB'>64</memory>
  <memtune><hard_limit unit='KiB'>900000</hard_limit><soft_limit unit='KiB'>800000</soft_limit></memtune>
  <blkiotune><weight>500</weight></blkiotune>
  <vcpu current='1'>2</vcpu>
  <iothreads>1</iothreads>
  <cputune><shares>2048</shares><period>50000</period><quota>25000</quota><emulator_period>60000</emulator_period>
    <emulator_quota>30000</emulator_quota><vcpupin vcpu='0' cpuset='0'/><emulatorpin cpuset='0'/></cputune>
  <numatune><memory mode='restrictive' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices><controller type='usb' model='none'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices>
</domain>"""


class Host:
    """A host with our tree, from ../shared/lab; v1 controllers beside systemd's v2 tree, or v2 without any."""

    def __init__(self, tree, v2=False):
        env = dict(os.environ, **({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if v2 else {}))
        up = subprocess.run([LAB, "up", "-n", "1", "-l", "libvirt", "-t", tree], stdout=subprocess.PIPE, text=True, env=env, check=False)
        if up.returncode:
            raise RuntimeError("no lab host came up")
        self.run = up.stdout.strip()
        self.sh(f"systemctl stop {STOCK_UNITS} 2>&1; systemctl start {OUR_UNITS}")

    def sh(self, command, check=True, text=None):
        done = subprocess.run([LAB, "exec", self.run, "h1", "sh", "-c", command], capture_output=True, text=True, timeout=120, check=False,
                              **({"input": text} if text else {"stdin": subprocess.DEVNULL}))
        assert done.returncode == 0 or not check, f"'{command}': {done.stderr.strip()} {done.stdout.strip()}"
        return done.stdout if check else done.stdout + done.stderr

    def virsh(self, command, check=True):
        return self.sh("virsh -q -c qemu:///system " + command, check)

    def define(self, xml):
        self.sh("cat >/tmp/t.xml", text=xml)
        self.virsh("define /tmp/t.xml")

    def file(self, controller, name):
        """A file in the machine's group `libvirt`, or beneath."""
        return self.sh(f"cat /sys/fs/cgroup/{controller}/machine.slice/*t.scope/libvirt/{name}").strip()

    def down(self):
        subprocess.run([LAB, "down", self.run], check=False)


def groups_at_start(host):
    """What the definition says holds before the guest runs, each thread in its place, as stock lays it out."""
    host.define(HOST_MACHINE)
    host.virsh("start t")
    assert host.file("memory", "memory.limit_in_bytes") == str(900000 << 10)
    assert host.file("memory", "memory.soft_limit_in_bytes") == str(800000 << 10)
    assert host.file("cpu", "../cpu.shares") == "2048"
    assert host.file("cpu", "vcpu0/cpu.cfs_quota_us") == "25000" and host.file("cpu", "vcpu0/cpu.cfs_period_us") == "50000"
    assert host.file("cpu", "emulator/cpu.cfs_quota_us") == "30000" and host.file("cpu", "iothread1/cpu.cfs_quota_us") == "-1"
    assert host.file("cpuset", "vcpu0/cpuset.cpus") == "0" and host.file("cpuset", "emulator/cpuset.cpus") == "0"
    assert host.file("cpuset", "cpuset.mems") == "0"
    devices = host.file("devices", "devices.list").splitlines()
    assert "a *:* rwm" not in devices and "c 1:9 rw" in devices and "c 136:* rw" in devices, devices
    pid = host.sh("cat /run/libvirt/qemu/t.pid").strip()
    for line in host.sh(f"for t in /proc/{pid}/task/*; do echo $(cut -d: -f3 $t/cgroup | grep /libvirt/ | uniq | head -1) $(cat $t/comm); done").splitlines():
        where, _, name = line.partition(" ")
        wanted = "vcpu0" if name.startswith("CPU 0") else "iothread1" if name == "IO iothread1" else "emulator"
        assert where.endswith("/libvirt/" + wanted), line


def groups_live(host):
    """Changes while it runs reach the kernel, the live and the stored definition, each only where it was asked for; a daemon that
    comes later finds the groups; nothing of them is left afterwards."""
    host.virsh("schedinfo t --live vcpu_quota=40000 vcpu_period=80000")
    assert host.file("cpu", "vcpu0/cpu.cfs_quota_us") == "40000" and host.file("cpu", "vcpu0/cpu.cfs_period_us") == "80000"
    assert "<quota>40000</quota>" in host.virsh("dumpxml t") and "<quota>25000</quota>" in host.virsh("dumpxml t --inactive")
    host.virsh("schedinfo t --live global_quota=90000 global_period=60000")
    assert "global_quota   : 90000" in host.virsh("schedinfo t")
    error = host.virsh("schedinfo t --live vcpu_quota=1", check=False)
    assert "value of 'vcpu_quota' is out of range [1000, 17592186044415]" in error, error
    host.virsh("memtune t --hard-limit 1000000 --swap-hard-limit 1200000 --live")
    host.virsh("memtune t --hard-limit 1100000 --swap-hard-limit 1300000 --live")  # both grow: the sum first
    host.virsh("memtune t --hard-limit 950000 --swap-hard-limit 960000 --live")  # both shrink: the memory first
    assert host.file("memory", "memory.memsw.limit_in_bytes") == str(960000 << 10)
    error = host.virsh("memtune t --hard-limit 970000 --live", check=False)
    assert "memory hard_limit tunable value must be lower than or equal to swap_hard_limit" in error, error
    host.sh("systemctl restart virtqemud.service")
    host.virsh("iothreadadd t 7")
    assert host.file("cpu", "iothread7/tasks")
    host.virsh("iothreadpin t 7 1")
    assert host.file("cpuset", "iothread7/cpuset.cpus") == "1"
    host.virsh("iothreaddel t 7")
    assert "iothread7" not in host.sh("ls /sys/fs/cgroup/cpu/machine.slice/*t.scope/libvirt")
    host.virsh("setvcpu t 1 --enable")
    assert host.file("cpu", "vcpu1/cpu.cfs_quota_us") == "40000", "a vCPU that came later has the limits of all"
    total = host.virsh("cpu-stats t")
    assert total.count("vcpu_time") == total.count("CPU") == int(host.sh("nproc --all")), total
    host.virsh("destroy t")
    left = host.sh("sleep 0.5; find /sys/fs/cgroup -path '*machine*t.scope*' -type d")
    assert not left, left
    host.virsh("undefine t")


def groups_refuse(host):
    """A limit that the kernel doesn't take: the start fails with its words, and nothing is left."""
    host.define(HOST_MACHINE.replace("<vcpupin vcpu='0' cpuset='0'/>", "<vcpupin vcpu='0' cpuset='4000'/>"))
    error = host.virsh("start t", check=False)
    assert "libvirt/vcpu0/cpuset.cpus': " in error, error
    host.define(HOST_MACHINE.replace("<weight>500</weight>", "<device><path>/dev/null</path><read_iops_sec>5</read_iops_sec></device>"))
    error = host.virsh("start t", check=False)
    assert "Path '/dev/null' must be a block device" in error, error
    assert not host.sh("sleep 0.5; find /sys/fs/cgroup -path '*machine*t.scope*' -type d; pgrep -x qemu-system-x86 || true")
    host.virsh("undefine t")


def groups_missing(host):
    """A host without controllers: an explicit quota is refused, a call says what isn't mounted, no limit is no error."""
    host.define(HOST_MACHINE)
    error = host.virsh("start t", check=False)
    assert "unsupported configuration: cgroup cpu is required for scheduler tuning" in error, error
    host.define(re.sub(r"<(memtune|blkiotune|cputune)>.*</\1>", "", HOST_MACHINE, flags=re.S))
    host.virsh("start t")
    for command, words in (("schedinfo t", "cgroup CPU controller is not mounted"), ("memtune t", "cgroup memory controller is not mounted"),
                           ("blkiotune t", "blkio cgroup isn't mounted"), ("numatune t --nodeset 0 --live", "cgroup cpuset controller is not mounted"),
                           ("cpu-stats t --total", "cgroup CPUACCT controller is not mounted")):
        error = host.virsh(command, check=False)
        assert "Requested operation is not valid: " + words in error, error
    assert "<partition>" not in host.virsh("dumpxml t")
    host.virsh("destroy t")


def installed(tree):
    """Our daemons as they are installed; the clients are stock's. HOST_TREE names a tree that is there already."""
    if os.environ.get("HOST_TREE"):
        return os.environ["HOST_TREE"]
    subprocess.run(["make", "-s", "-C", build_dir(), "install", "DESTDIR=" + tree], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    for path in glob.glob(tree + "/usr/bin/*") + glob.glob(tree + "/usr/lib*/libvirt*") + glob.glob(tree + "/usr/lib/*/libvirt*"):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    os.chmod(tree, 0o755)
    return tree


def hosts():
    suite = Suite()
    with tempfile.TemporaryDirectory(prefix="vireo-tuning-") as directory:
        tree = installed(directory)
        for v2, tests in ((False, (groups_at_start, groups_live, groups_refuse)), (True, (groups_missing,))):
            host = Host(tree, v2)
            try:
                for test in tests:
                    suite.run(test.__name__, test, host)
            finally:
                host.down()
    return suite.failed


def main():
    build_dir()
    if not shutil.which("qemu-system-x86_64"):
        print("skip tuning - no qemu-system-x86_64")
        return
    if sys.argv[1:2] == ["--session"] or os.geteuid() != 0:
        session()
    failed = subprocess.run(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "/usr/bin/python3", os.path.abspath(__file__),
                             "--session", *sys.argv[1:]], check=False).returncode
    if not os.path.exists(LAB) or not shutil.which("systemd-nspawn"):
        print("skip tuning-hosts - no lab with systemd hosts here")
    elif len(sys.argv) < 2:
        failed = hosts() or failed
    sys.exit(1 if failed else 0)


main()
