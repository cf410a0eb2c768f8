#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""embed: qemu:///embed?root=DIR on our client library: a daemon of the program's own, that leaves when the connection ends."""

import os
import shutil
import sys
import tempfile
import time

from lab import Skip, Suite, as_user, build_dir

MACHINE = """<domain type='qemu'><name>held</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


def own_library():
    """The stock module on our library: the loader looks once, when the program begins."""
    library = os.path.join(build_dir(), "libvirt", ".libs")
    if os.environ.get("LD_LIBRARY_PATH") != library:
        os.environ["LD_LIBRARY_PATH"] = library
        os.environ["VIRTD_PATH"] = os.path.join(build_dir(), "virtqemud", "virtqemud")
        os.execv(sys.executable, [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])


def daemons(root):
    """Processes that serve this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if f"--root={root}".encode() in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_gone(root):
    deadline = time.monotonic() + 30
    while daemons(root):
        assert time.monotonic() < deadline, f"{daemons(root)} still serve {root}"
        time.sleep(0.01)


def refused(uri, text):
    try:
        libvirt.open(uri)
    except libvirt.libvirtError as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"{uri} was opened")


def wrong_uris(_root):
    refused("qemu:///embed", "'root'")
    refused("qemu:///embed?root=here", "absolute")


def life(root):
    connection = libvirt.open(f"qemu:///embed?root={root}")
    assert connection.getURI() == f"qemu:///embed?root={root}" and connection.getType() == "QEMU"
    assert len(daemons(root)) == 1
    for folder in ("cache", "etc", "lib", "log", "run"):
        assert os.path.isdir(f"{root}/{folder}/qemu"), folder
    connection.defineXML(MACHINE).create()
    assert os.path.exists(f"{root}/etc/qemu/held.xml") and os.path.exists(f"{root}/log/qemu/held.log")
    connection.close()
    wait_gone(root)

    connection = libvirt.open(f"qemu:///embed?root={root}")
    domain = connection.lookupByName("held")
    assert domain.isActive(), "the machine ended with the connection"
    domain.destroy()
    domain.undefine()
    del domain  # holds the connection
    assert not connection.listAllDomains()
    connection.close()
    wait_gone(root)


def shared(root):
    """A second connection to the same folder joins the first; the daemon stays for whoever is left."""
    one, other = (libvirt.open(f"qemu:///embed?root={root}/joint") for _ in "12")
    one.defineXML(MACHINE)
    assert len(daemons(f"{root}/joint")) == 1
    assert [d.name() for d in other.listAllDomains()] == ["held"]
    one.close()
    assert other.getHostname()
    other.close()
    wait_gone(f"{root}/joint")


def apart(root):
    """Two folders are two worlds."""
    one, other = (libvirt.open(f"qemu:///embed?root={root}/{name}") for name in ("one", "other"))
    one.defineXML(MACHINE)
    assert [d.name() for d in one.listAllDomains()] == ["held"] and not other.listAllDomains()
    one.close()
    other.close()
    wait_gone(f"{root}/one")
    wait_gone(f"{root}/other")


def main():
    suite = Suite()
    root = tempfile.mkdtemp(prefix="embed-")
    try:
        for name, test in (("wrong_uris", wrong_uris), ("life", life), ("apart", apart), ("shared", shared)):
            if not libvirt:
                suite.run(name, lambda _: (_ for _ in ()).throw(Skip("python3-libvirt is not installed")), root)
            else:
                suite.run(name, test, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    suite.done()


as_user()
own_library()
try:
    import libvirt
    libvirt.registerErrorHandler(lambda *_: None, None)
except ImportError:
    libvirt = None
main()
