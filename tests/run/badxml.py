#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""badxml: machines that nobody should send: broken, deep, huge, with names that are paths and numbers that don't fit. Each is refused
with an error that names the element and the line, quickly, and nothing is changed. Files broken by hand are skipped."""

import os
import struct
import time

from lab import LIB_VERSION, Private, Suite, Wire, error_of, frame, xdr_string

DEFINE, UNDEFINE = 11, 35
STRING_MAX = 4194304


def machine(name="bad", head="", devices="", memory="64", vcpu="<vcpu>1</vcpu>"):
    return f"""<domain type='qemu'>
  <name>{name}</name>{head}
  <memory unit='MiB'>{memory}</memory>
  {vcpu}
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><controller type='usb' model='none'/>{devices}</devices>
</domain>"""


def disk(inside="", target="<target dev='vda'/>", attributes="type='file'"):
    return f"\n<disk {attributes}><source file='/x'/>{target}{inside}</disk>"


# Row: what is wrong; the document; what the error says.
ROWS = {
    "not closed": ("<domain>", "(domain_definition):1:"),
    "text": ("hello", "(domain_definition):1:"),
    "empty": ("", "(domain_definition):1:"),
    "something behind": ("<domain/>\nmore", "(domain_definition):2:"),
    "two": (machine() + machine(), "(domain_definition):7:"),
    "attribute twice": (machine(vcpu="<vcpu a='1' a='2'>1</vcpu>"), "(domain_definition):4: Attribute a redefined"),
    "control character": (machine("a\1b"), "(domain_definition):2:"),
    "character 0": (machine("a&#0;b"), "(domain_definition):2:"),
    "document type": ("<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>" + machine("&b;"), ":1: a document type (DTD) is not allowed"),
    "file entity": ("<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + machine("&a;"), ":1: a document type (DTD) is not allowed"),
    "unknown entity": (machine("&a;"), ":2: Entity 'a' not defined"),
    "other encoding": ("<?xml version='1.0' encoding='UTF-7'?>" + machine(), ":1: encoding 'UTF-7' is not supported"),
    "deep": ("<domain>\n" + "<a>" * 10000 + "</a>" * 10000 + "</domain>", ":2: element 'a' is nested deeper than 64 levels"),
    "other root": ("<network><name>n</name></network>", "network"),
    "no name": (machine().replace("<name>bad</name>", ""), "name"),
    "empty name": (machine(""), "element 'name' (line 2)"),
    "path in name": (machine("../../etc/evil"), "name ../../etc/evil cannot contain '/' in element 'name' (line 2)"),
    "dot": (machine("."), "name '.' is not allowed in element 'name' (line 2)"),
    "dots": (machine(".."), "name '..' is not allowed"),
    "line in name": (machine("a&#10;b"), "contains control characters"),
    "long name": (machine("n" * 252), "longer than 251 bytes"),
    "no UUID": (machine(head="<uuid>xyz</uuid>"), "element 'uuid': 'xyz'. Expected a UUID (line 2)"),
    "memory": (machine(memory="99999999999999999999"), "element 'memory': '99999999999999999999'."),
    "negative memory": (machine(memory="-1"), "element 'memory': '-1'. Expected non-negative integer value (line 3)"),
    "scaled memory": (machine(memory="18446744073709551615"), "value too large: 18446744073709551615MiB in element 'memory' (line 3)"),
    "unit": (machine().replace("MiB", "parsec"), "unknown suffix 'parsec' in element 'memory' (line 3)"),
    "no memory": (machine(memory="0"), "element 'memory' (line 3)"),
    "processors": (machine(vcpu="<vcpu>99999999999</vcpu>"), "element 'vcpu': '99999999999'. Expected non-negative integer value (line 4)"),
    "no processors": (machine(vcpu="<vcpu>0</vcpu>"), "element 'vcpu': Zero is not permitted (line 4)"),
    "many processors": (machine(vcpu="<vcpu>4294967295</vcpu>"), "element 'vcpu' (line 4)"),
    "processor set": (machine(vcpu="<vcpu cpuset='0-99999999'>1</vcpu>"), "'0-99999999' of cpuset in element 'vcpu' (line 4)"),
    "iothreads": (machine(head="<iothreads>99999999</iothreads>"), "iothreads count '99999999' in element 'iothreads' (line 2)"),
    "shares": (machine(head="<cputune><shares>99999999999999999999999</shares></cputune>"), "element 'shares': '99999999999999999999999'"),
    "slots": (machine(head="<maxMemory slots='1' unit='EiB'>16</maxMemory>"), "value too large: 16EiB in element 'maxMemory' (line 2)"),
    "port": (machine(devices="\n<graphics type='vnc' port='99999999999'/>"), "attribute 'port' in element 'graphics': '99999999999'. Expected integer value (line 7)"),
    "MAC": (machine(devices="\n<interface type='user'><mac address='zz'/></interface>"), "attribute 'address' in element 'mac': 'zz'. Expected a MAC address (line 7)"),
    "multicast": (machine(devices="<interface type='user'><mac address='ff:ff:ff:ff:ff:ff'/></interface>"), "expected unicast mac address"),
    "PCI bus": (machine(devices=disk("<address type='pci' bus='0xfff'/>")), "Invalid PCI address bus='0xfff', must be <= 0xFF in element 'address' (line 7)"),
    "limit": (machine(devices=disk("<iotune><total_bytes_sec>99999999999999999999</total_bytes_sec></iotune>")), "element 'total_bytes_sec': '99999999999999999999'. Expected non-negative integer value (line 7)"),
    "boot order": (machine(devices=disk("<boot order='0'/>")), "attribute 'order' in element 'boot': Zero is not permitted (line 7)"),
    "boot order twice": (machine(devices=disk("<boot order='1'/>") + disk("<boot order='1'/>", "<target dev='vdb'/>")), "boot order '1' used for more than one device in element 'disk' (line 8)"),
    "disk's type": (machine(devices=disk(attributes="type='floating'")), "attribute 'type' in element 'disk': 'floating'. (line 7)"),
    "no target": (machine(devices=disk(target="")), "missing target information for device /x in element 'disk' (line 7)"),
    "target twice": (machine(devices=disk() + disk()), "duplicated for disk sources '/x' and '/x' in element 'disk' (line 8)"),
    "no address type": (machine(devices=disk("\n<address/>")), "No type specified for device address in element 'address' (line 8)"),
    "PCI address twice": (machine(devices="\n<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='pci' slot='5'/></rng>" * 2),
                          "Attempted double use of PCI Address 0000:00:05.0 in element 'rng' (line 8)"),
    "USB bus": (machine(devices="\n<input type='tablet' bus='usb'/>"), "in element 'input' (line 7)"),
    "controller twice": (machine(devices="\n<controller type='scsi' index='0'/>" * 2), "Multiple 'scsi' controllers with index '0' in element 'controller' (line 8)"),
    "limits of both kinds": (machine(devices=disk("\n<iotune><total_iops_sec>1</total_iops_sec><read_iops_sec>1</read_iops_sec></iotune>")),
                             "cannot be set at the same time in element 'iotune' (line 8)"),
    "WWN": (machine(devices=disk("<wwn>zz</wwn>")), "Malformed wwn: zz in element 'disk' (line 7)"),
    "no socket": (machine(devices="\n<serial type='dev'/>"), "Missing source path attribute for char device in element 'serial' (line 7)"),
    "cells": (machine(head="\n<cpu><numa><cell id='0' cpus='0-7' memory='65536'/></numa></cpu>"), "in element 'cpu' (line 3)"),
    "topology": (machine(head="\n<cpu><topology sockets='1' cores='3' threads='1'/></cpu>"), "CPU topology doesn't match maximum vcpu count in element 'cpu' (line 3)"),
    "machine type": (machine().replace("machine='pc'", "machine='nonsense'"), "machine type 'nonsense'"),
    "emulator": (machine(devices="<emulator>/nowhere</emulator>"), "/nowhere"),
}


def refused(private, text, words):
    before = private.virsh("list", "--all", "--name")
    with open(os.path.join(private.home, "bad.xml"), "w", encoding="latin-1") as file:
        file.write(text)
    code, _, error = private.virsh("define", file.name, check=False)
    assert code != 0, "it was accepted"
    assert words in error, f"'{words}' is not in: {error}"
    assert private.virsh("list", "--all", "--name") == before
    private.alive("virtqemud")


def repeated(piece, before="", behind=""):
    """As many pieces as a string of the wire may hold."""
    head, tail = f"<domain type='qemu'>\n<name>bad</name>\n<memory>65536</memory>{before}", behind + "</domain>"
    texts, size, count = [head], len(head) + len(tail), 0
    while True:
        text = piece(count)
        size += len(text)
        if size > STRING_MAX:
            return "".join(texts) + tail
        texts.append(text)
        count += 1


OS = "<os><type arch='x86_64'>hvm</type></os>"
# Row: what there is so much of; the document; what the error says, None: it may be accepted.
LARGE = {
    "attributes": (lambda: "<domain" + "".join(f" a{n}=''" for n in range(300000)) + "/>", ":1: an element has more than 256 attributes"),
    "name spaces": (lambda: "<domain" + "".join(f" xmlns:a{n}='u{n}'" for n in range(150000)) + "/>", "more than 256 attributes"),
    "disks": (lambda: repeated(lambda n: f"\n<disk><source file='/x'/><target dev='sd{chr(97 + n // 676 % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}'/></disk>",
                               OS + "<devices>", "</devices>"), "more than"),
    "interfaces": (lambda: repeated(lambda n: "<interface type='user'/>", OS + "<devices>", "</devices>"), "more than 16384 elements 'interface' (line 3)"),
    "processors": (lambda: repeated(lambda n: f"<vcpu id='{n}' enabled='yes'/>", OS + "<vcpu>1</vcpu><vcpus>", "</vcpus>"), "more than 16384 elements 'vcpu'"),
    "unknown elements": (lambda: repeated(lambda n: "<a/>", OS), None),
    "comments": (lambda: repeated(lambda n: "x<!---->", OS + "<description>", "</description>"), None),
    "metadata": (lambda: repeated(lambda n: f"<a xmlns='u{n}'/>", OS + "<metadata>", "</metadata>"), None),
}


def large(private, make, words):
    """The largest document of its kind: others wait no longer than for any other call, and its memory comes back."""
    text = make()
    wire, other = (Wire(private.socket("virtqemud"), 60).open() for _ in range(2))
    start = time.monotonic()
    wire.send(frame(DEFINE, xdr_string(text)))
    assert other.call(LIB_VERSION)[5] == 0
    stalled = time.monotonic() - start
    reply = wire.receive()
    assert reply, "the connection was closed"
    if reply[5]:
        assert words and words in error_of(reply)[2], error_of(reply)
    else:
        assert words is None, "it was accepted"
        assert wire.call(UNDEFINE, reply[6])[5] == 0
    assert stalled < 5, f"another client's call took {stalled:.1f} s"
    wire.close()
    other.close()
    private.alive("virtqemud")


def too_large(private):
    """One byte more than a string may have, and 32 MiB."""
    for length in (STRING_MAX + 1, 33554408 - 4):
        wire = Wire(private.socket("virtqemud"), 60).open()
        wire.send(frame(DEFINE, struct.pack(">I", length) + b"<" * length + b"\0" * (-length % 4)))
        assert error_of(wire.receive())[0] == 39
        wire.close()
    private.alive("virtqemud")


def duplicates(private):
    """A name or a UUID that another machine has; the same of both is a new definition of it."""
    one, two = "70000000-0000-4000-8000-000000000001", "70000000-0000-4000-8000-000000000002"
    private.virsh("define", private.file("a.xml", machine("a", f"<uuid>{one}</uuid>")))
    before = private.virsh("dumpxml", "a")
    for name, uuid, words in (("a", two, f"domain 'a' already exists with uuid {one}"), ("b", one, f"domain 'a' is already defined with uuid {one}")):
        for command in ("define", "create"):
            code, _, error = private.virsh(command, private.file("b.xml", machine(name, f"<uuid>{uuid}</uuid>")), check=False)
            assert code != 0 and words in error, f"{command} {name} {uuid}: {error}"
    twice = machine("c", f"<uuid>{two}</uuid><uuid>{one}</uuid><name>d</name>")
    code, _, error = private.virsh("define", private.file("c.xml", twice), check=False)
    assert code != 0 or private.virsh("domuuid", "c").strip() == two, "the second of two elements counts"
    if code == 0:
        private.virsh("undefine", "c")
    assert private.virsh("dumpxml", "a") == before
    private.virsh("undefine", "a")


def broken_files(private):
    """Files broken by hand are skipped, said in the log, never overwritten; the others load."""
    private.virsh("define", private.file("whole.xml", machine("whole")))
    folder = os.path.join(private.home, "config", "libvirt", "qemu")
    contents = {"torn.xml": "<domain type='qemu'><name>torn</na", "empty.xml": "", "binary.xml": "\0\1\2" * 100,
                "other.xml": "<network><name>other</name></network>", "liar.xml": machine("somebody-else"),
                "deep.xml": "<domain>" + "<a>" * 10000 + "</a>" * 10000 + "</domain>", "huge.xml": "<domain>" + " " * (64 << 20) + "</domain>",
                "entity.xml": "<!DOCTYPE d [<!ENTITY a 'aaaa'>]>" + machine("entity")}
    for name, content in contents.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(content)
    os.mkdir(os.path.join(folder, "folder.xml"))
    os.symlink("/etc/passwd", os.path.join(folder, "link.xml"))
    os.mkfifo(os.path.join(folder, "pipe.xml"))
    private.stop("virtqemud")
    private.start("virtqemud")
    names = private.virsh("list", "--all", "--name").split()
    assert names == ["whole"], names
    for name, content in contents.items():
        with open(os.path.join(folder, name)) as file:
            assert file.read() == content, f"{name} was changed"
        assert name[:-4] in private.log("virtqemud"), f"no word about {name} in the log"
    # a new machine of such a name: the old file is kept aside
    private.virsh("define", private.file("new.xml", machine("torn")))
    kept = [name for name in os.listdir(folder) if name.startswith("torn.xml") and name != "torn.xml"]
    assert kept, os.listdir(folder)
    with open(os.path.join(folder, kept[0])) as file:
        assert file.read() == contents["torn.xml"]
    for name in ("torn", "whole"):
        private.virsh("undefine", name)


def main():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        for name, (text, words) in ROWS.items():
            suite.run("badxml: " + name, refused, private, text, words)
        for name, (make, words) in LARGE.items():
            suite.run("badxml: many " + name, large, private, make, words)
        for test in (too_large, duplicates, broken_files):
            suite.run("badxml: " + test.__name__.replace("_", " "), test, private)
    suite.done()


if __name__ == "__main__":
    main()
