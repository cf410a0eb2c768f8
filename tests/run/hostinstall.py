# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock virt-install and python3-libvirt on a host, for the system and for a user."""

import re
import shutil
import subprocess

from hostmachine import at_login
from lab import Skip


def packages(wanted):
    """The packages of this machine that one of Debian's needs, with itself; of alternatives those that are there."""
    rows = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Abbrev}\t${Pre-Depends}, ${Depends}\t${Provides}\n"],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    needs, provided = {}, {}
    for name, status, depends, provides in (row.split("\t") for row in rows):
        if not status.startswith("ii"):
            continue
        needs[name] = re.findall(r"(?:^|[,|])\s*([^\s,|(:]+)", depends)
        for other in re.findall(r"(?:^|,)\s*([^\s,(:]+)", provides):
            provided.setdefault(other, set()).add(name)
    found, todo = set(), [wanted]
    while todo:
        name = todo.pop()
        if name in needs and name not in found:
            found.add(name)
            todo += needs[name]
        elif name not in needs:
            todo += [other for other in provided.get(name, ()) if other not in found]
    return found


def borrow(host, package):
    """A package and what it needs, from this machine, which is of the same release: the host reaches no archive."""
    if not shutil.which("dpkg-query") or package not in packages(package):
        raise Skip(f"{package} is not installed here")
    there = set(host.sh("dpkg-query -W -f '${Package}\\n'").split())
    files = subprocess.run(["dpkg", "-L", *sorted(packages(package) - there)], capture_output=True, text=True, check=True).stdout
    # a link's own name, and no folder's content
    with subprocess.Popen(["tar", "-C", "/", "--no-recursion", "--ignore-failed-read", "-cf", "-", "-T", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pack:
        unpack = subprocess.Popen(host.enter("tar", "-C", "/", "--keep-directory-symlink", "-xf", "-"), stdin=pack.stdout)
        pack.stdin.write("\n".join(sorted({path for path in files.splitlines() if path.startswith("/") and path != "/."})).encode())
        pack.stdin.close()
        assert unpack.wait(120) == 0
    host.sh("ldconfig")


WAYS = (  # name: how it boots and what it has besides
    ("imported", "--import --disk path={images}/imported.qcow2,size=1,format=qcow2"),
    ("kernel", "--import --disk none --boot kernel=/guest/vmlinuz,initrd=/guest/initrd.img,kernel_args=console=ttyS0"),
    ("uefi", "--import --disk path={images}/uefi.raw,size=1,format=raw --boot uefi"),
)
INSTALL = ("virt-install --connect {uri} --name {name} --memory 192 --vcpus 1 --virt-type qemu --osinfo detect=on,require=off --network user"
           " --noautoconsole {how}")


def installs(host, uri, images, *options):
    for name, how in WAYS:
        virsh = f"virsh -q -c {uri} "
        host.sh(INSTALL.format(uri=uri, name=name, how=how.format(images=images)), *options)
        assert host.sh(virsh + f"domstate {name}", *options).strip() == "running"
        if name == "kernel" and not options:
            at_login(host, name)
        if name == "uefi":
            assert "<os firmware='efi'>" in host.sh(virsh + f"dumpxml --inactive {name}", *options)
        host.sh(virsh + f"destroy {name}; " + virsh + f"undefine {name} --nvram --remove-all-storage", *options)
        left = host.sh(f"find /run/libvirt /var/lib/libvirt /run/user /home -name '*{name}*' -not -name '*.log'").strip()
        assert not left, left


def virt_install(host):
    """A disk that a pool makes, a kernel, UEFI: by the system's daemons, and by the user's own."""
    borrow(host, "virtinst")
    installs(host, "qemu:///system", "/var/lib/libvirt/images")
    host.sh("mkdir -p /home/alice/images", "alice")
    installs(host, "qemu:///session", "/home/alice/images", "alice", True)


PYTHON = r"""
import libvirt, threading, time
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()
connection = libvirt.open(URI)
happened = []
connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, event, detail, o: happened.append(event), None)
domain = connection.defineXML(open("/tmp/python.xml").read())
domain.create()
stream, text = connection.newStream(), b""
domain.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
while b"login:" not in text:
    text += stream.recv(1024)
stream.abort()
domain.suspend(), domain.resume()
assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING and domain.info()[3] == 1
assert "python" in [d.name() for d in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)]
domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
limit = time.monotonic() + 60
while domain.isActive():
    assert time.monotonic() < limit, "it does not shut down"
    time.sleep(0.1)
domain.undefine()
time.sleep(0.2)
print(connection.getType(), *happened)
"""


def python(host):
    """Debian's python3-libvirt: a machine's whole life, its events and its console."""
    machine = """<domain type='qemu'><name>python</name><memory unit='MiB'>192</memory><os><type arch='x86_64' machine='q35'>hvm</type>
<kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd.img</initrd><cmdline>console=ttyS0 quiet no_timer_check</cmdline></os><features><acpi/></features>
<devices><console type='pty'/></devices></domain>"""
    for uri, options in (("qemu:///system", ()), ("qemu:///session", ("alice", True))):
        host.write("/tmp/python.xml", machine)
        host.write("/tmp/python.py", f'URI = "{uri}"' + PYTHON)
        said = host.sh("python3 /tmp/python.py", *options)
        # defined, resumed (unpaused), started, suspended, resumed, shut down, stopped, undefined
        assert said.split() == ["QEMU", "0", "4", "2", "3", "4", "6", "5", "1"], said
