# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the rows of devices.py are made of: a machine with one device, and questions to QEMU, to the live XML and to the host."""

import glob
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import lab
import libvirt
import libvirt_qemu

ROOT = os.geteuid() == 0


class Row:
    """xml: below <devices>; head: before it; tail: behind it. error: it must not start, and say that.
    qom: {alias: {property: value}}; chardev: {label: filename}; node: {node-name: driver}; live: patterns in the live XML;
    args: patterns in the command line; needs: conditions (see NEEDS); before, check: functions of the machine."""

    def __init__(self, name, xml="", head="", tail="", machine="q35", qom=None, chardev=None, node=None, live=(), args=(),
                 error=None, needs=(), before=None, check=None, cpu="", memory=64, vcpus=1, inactive=()):
        self.__dict__.update(locals())


class Machine:
    def __init__(self, session, connection, row):
        self.session, self.connection, self.row = session, connection, row
        self.home, self.domain, self.ending = session.home, None, []

    def path(self, name):
        return os.path.join(self.home, name)

    def text(self):
        row = self.row
        memory = "" if "<memory unit" in row.head else f"<memory unit='MiB'>{row.memory}</memory>"
        vcpus = "" if "<vcpu" in row.head else f"<vcpu>{row.vcpus}</vcpu>"
        system = "" if "<os" in row.head else f"<os><type arch='x86_64' machine='{row.machine}'>hvm</type></os>"
        features = "" if "<features" in row.head else "<features><acpi/></features>"
        xml = (f"<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>t</name>{memory}{vcpus}{system}"
               f"{features}{row.head}<devices>{row.xml}</devices>{row.tail}</domain>")
        return xml.replace("@HOME@", self.home)

    def start(self):
        self.domain = self.connection.createXML(self.text(), libvirt.VIR_DOMAIN_START_PAUSED)

    def stop(self):
        if self.domain:
            self.domain.destroy()
        for end in reversed(self.ending):
            end()
        self.ending = []

    def qmp(self, command, **arguments):
        line = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
        answer = json.loads(libvirt_qemu.qemuMonitorCommand(self.domain, line, 0))
        assert "return" in answer, f"{command}: {answer}"
        return answer["return"]

    def qom(self, alias, name):
        for place in ("/machine/peripheral/", "/objects/"):
            try:
                return self.qmp("qom-get", path=place + alias, property=name)
            except AssertionError as why:
                last = why
        raise last

    def pid(self):
        with open(os.path.join(self.session.run, "qemu/run/t.pid")) as file:
            return int(file.read())

    def arguments(self):
        with open(f"/proc/{self.pid()}/cmdline") as file:
            return file.read().rstrip("\0").replace("\0", " ")

    def live(self):
        return self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)

    def listen(self, number, where):
        def happened(_connection, _domain, alias, _data):
            where.append(alias)
        handle = self.connection.domainEventRegisterAny(self.domain, number, happened, None)
        self.ending.append(lambda: self.connection.domainEventDeregisterAny(handle))

    @staticmethod
    def events(until):
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline, "an event didn't come"
            libvirt.virEventRunDefaultImpl()

    def detach(self, text, reset=False):
        self.domain.detachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        if reset:  # the guest never answered, and QEMU lets the device go at the next reset
            self.qmp("system_reset")

    def spawn(self, *argv, wait_for=None):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.ending.append(lambda: (process.terminate(), process.wait(10)))
        deadline = time.monotonic() + 20
        while wait_for and not os.path.exists(wait_for):
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline, f"{argv[0]} doesn't make '{wait_for}'"
            time.sleep(0.01)
        return process


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def image(name, kind="raw", size="1M", *options):
    def make(machine):
        run("qemu-img", "create", "-q", "-f", kind, *options, machine.path(name), size)
    return make


def several(*steps):
    def make(machine):
        for step in steps:
            step(machine)
    return make


def verify(machine):
    row = machine.row
    for alias, wanted in (row.qom or {}).items():
        for name, value in wanted.items():
            is_now = machine.qom(alias, name)
            assert is_now == value, f"{alias}.{name} is {is_now!r}, not {value!r}"
    if row.chardev:
        there = {entry["label"]: entry["filename"] for entry in machine.qmp("query-chardev")}
        for label, pattern in row.chardev.items():
            assert label in there, f"no chardev {label}: {there}"
            assert re.search(pattern.replace("@HOME@", machine.home), there[label]), f"{label} is {there[label]}"
    if row.node:
        there = {entry["node-name"]: entry["drv"] for entry in machine.qmp("query-named-block-nodes")}
        for name, driver in row.node.items():
            assert there.get(name) == driver, f"node {name} is {there.get(name)}: {there}"
    if row.args:
        line = machine.arguments()
        for pattern in row.args:
            assert re.search(pattern.replace("@HOME@", machine.home), line), f"not in the command line: {pattern}: {line}"
    if row.live:
        live = machine.live()
        for pattern in row.live:
            assert re.search(pattern.replace("@HOME@", machine.home), live, re.S), f"not in the live XML: {pattern}"
    if row.check:
        row.check(machine)


def try_row(session, row):
    for need in row.needs:
        why = NEEDS[need]()
        if why:
            raise lab.Skip(why)
    connection = libvirt.open(session.uri())
    machine = Machine(session, connection, row)
    try:
        if row.before:
            row.before(machine)
        try:
            machine.start()
        except libvirt.libvirtError as why:
            assert row.error, f"{why}"
            assert re.search(row.error, str(why)), f"another error: {why}"
            return
        assert not row.error, "it starts"
        verify(machine)
    finally:
        machine.stop()
        connection.close()


def missing(program, *places):
    found = shutil.which(program) or any(os.path.exists(place) for place in (program, *places))
    return None if found else f"no {program} here"


def no_hugepages():
    with open("/proc/meminfo") as file:
        free = re.search(r"HugePages_Free:\s+(\d+)", file.read())
    return None if free and int(free.group(1)) >= 40 else "no free huge pages here"


NEEDS = {
    "root": lambda: None if ROOT else "needs root",
    "vhost-net": lambda: missing("/dev/vhost-net"),
    "vhost-vsock": lambda: missing("/dev/vhost-vsock"),
    "vfio": lambda: missing("/dev/vfio/vfio"),
    "swtpm": lambda: missing("swtpm"),
    "passt": lambda: missing("passt"),
    "virtiofsd": lambda: missing("virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"),
    "qemu-nbd": lambda: missing("qemu-nbd"),
    "storage-daemon": lambda: missing("qemu-storage-daemon"),
    "gpu": lambda: missing("vhost-user-gpu", "/usr/lib/qemu/vhost-user-gpu"),
    "render": lambda: missing("/dev/dri/renderD128"),
    "uinput": lambda: missing("/dev/uinput"),
    "usb": lambda: None if glob.glob("/dev/bus/usb/*/*") else "no USB device here",
    "sg": lambda: None if glob.glob("/dev/sg*") else "no SCSI generic device here",
    "loop": lambda: missing("/dev/loop-control") if ROOT else "needs root",
    "hugepages": no_hugepages,
    "ovs": lambda: missing("ovs-vsctl"),
    "ovmf": lambda: missing("/usr/share/OVMF/OVMF_CODE_4M.fd"),
    "tun": lambda: missing("/dev/net/tun") if ROOT else "needs root",
    "tc-police": lambda: None if police_works() else "this kernel can't police (act_police)",
}


def police_works():
    run("ip", "link", "add", "tcprobe", "type", "veth", "peer", "name", "tcprobe2")
    try:
        run("tc", "qdisc", "add", "dev", "tcprobe", "ingress")
        done = subprocess.run(["tc", "filter", "add", "dev", "tcprobe", "parent", "ffff:", "protocol", "all", "u32", "match", "u32", "0",
                               "0", "police", "rate", "100kbps", "burst", "10kb", "drop", "flowid", ":1"], capture_output=True)
        return done.returncode == 0
    finally:
        run("ip", "link", "del", "tcprobe")
