#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""replaced: a systemd host on which our libraries, virsh and daemons stand in place of Debian's: what was linked with libvirt0 goes on."""

import glob
import os
import shutil
import subprocess
import tempfile

import labhost
from lab import Suite, build_dir

MACHINE = """<domain type='qemu'><name>one</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><console type='pty'/></devices></domain>"""

PYTHON = r"""
import libvirt
c = libvirt.open("qemu:///system")
d = c.defineXML(open("/tmp/one.xml").read())
d.create()
print(c.getType(), libvirt.getVersion(), d.state()[0], [x.name() for x in c.listAllDomains()])
d.destroy(); d.undefine()
print(libvirt.open("test:///default").listDomainsID())
"""


def install(tree):
    """Everything, and the libraries also where Debian has its own."""
    subprocess.run(["make", "-s", "-C", build_dir(), "install", "DESTDIR=" + tree], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    debian = tree + "/usr/lib/x86_64-linux-gnu"
    os.makedirs(debian, exist_ok=True)
    for path in glob.glob(tree + "/usr/lib/libvirt*.so*"):
        shutil.copy2(path, debian, follow_symlinks=False)
    shutil.copytree(tree + "/usr/lib/libvirt", debian + "/libvirt", dirs_exist_ok=True)
    os.chmod(tree, 0o755)


def python(host):
    """Debian's module, unchanged, on our library, daemon and test driver."""
    host.write("/tmp/one.xml", MACHINE)
    host.write("/tmp/one.py", PYTHON)
    assert host.sh("python3 /tmp/one.py").splitlines() == ["QEMU 12008000 1 ['one']", "[1]"]
    mapped = host.sh("python3 -c 'import libvirt; print(open(\"/proc/self/maps\").read())' | grep -o '/[^ ]*libvirt.so[^ ]*' | sort -u")
    assert mapped.strip().endswith("libvirt.so.0.12008.0"), mapped


def virsh(host):
    """Ours, by its usual name, in the system and in a user's session that it starts by itself."""
    assert "Vireo" in host.sh("virsh --version=long") or host.sh("virsh --version").startswith("12."), host.sh("virsh --version")
    host.virsh("define /tmp/one.xml")
    host.virsh("start one")
    assert host.virsh("list --name").split() == ["one"]
    assert host.sh("virsh -q -c qemu:///system list --json").count('"one"') == 1
    host.virsh("destroy one")
    host.virsh("undefine one")
    assert host.virsh("list --all --name").split() == []
    host.sh("loginctl enable-linger alice")
    host.until("alice's systemd runs", lambda: host.sh("test -S /run/user/$(id -u alice)/bus", check=False)[0] == 0)
    host.sh("virsh -q -c qemu:///session define /tmp/one.xml && virsh -q -c qemu:///session undefine one", "alice")


def admin(host):
    assert host.sh("virt-admin -q -c virtqemud:///system srv-list").split() == ["0", "virtqemud", "1", "admin"]


def main():
    suite = Suite()
    if labhost.missing():
        print(f"skip replaced - {labhost.missing()}")
        return
    with tempfile.TemporaryDirectory(prefix="vireo-replaced-") as tree:
        install(tree)
        host = labhost.Host(tree)
    try:
        host.sh("ldconfig; systemd-sysusers; systemd-tmpfiles --create; mkdir -p /var/lib/libvirt/images")
        host.to_ours()
        for test in (python, virsh, admin):
            suite.run("replaced: " + test.__name__, test, host)
    finally:
        host.down()
    suite.done()


if __name__ == "__main__":
    main()
