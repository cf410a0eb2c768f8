#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""clients: stock python3-libvirt, virsh and virt-install on a private virtqemud, with real QEMU and a real guest."""

import os
import shutil
import subprocess
import sys
import threading
import time

from lab import TOP, Private, Skip, Suite, build_dir

try:
    import libvirt
except ImportError:
    libvirt = None


def guest():
    folder = os.environ.get("GUEST_DIR") or os.path.join(build_dir(), "guest")
    subprocess.run([os.path.join(TOP, "tools", "make-guest"), folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def machine(name, more="", folder=None, memory=128):
    boot = ""
    if folder:
        boot = (f"<kernel>{folder}/vmlinuz</kernel><initrd>{folder}/initrd.img</initrd>"
                "<cmdline>console=tty0 console=ttyS0 quiet</cmdline>")
    return f"""<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>{boot}</os>
  <features><acpi/></features>
  <devices>{more}</devices>
</domain>"""


class Python:
    """Tests on one connection of python3-libvirt."""

    def __init__(self, private):
        self.private = private
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self.loop, daemon=True).start()
        self.connection = libvirt.open(private.uri())
        self.events = []
        self.connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.note, None)

    @staticmethod
    def loop():
        while True:
            libvirt.virEventRunDefaultImpl()

    def note(self, _connection, domain, event, detail, _opaque):
        self.events.append((domain.name(), event, detail))

    def expect(self, *wanted, seconds=10):
        deadline = time.monotonic() + seconds
        while self.events[-len(wanted):] != list(wanted):
            assert time.monotonic() < deadline, f"events {self.events}, not {list(wanted)} at the end"
            time.sleep(0.01)

    def host(self):
        connection = self.connection
        assert connection.getType() == "QEMU"
        assert connection.getLibVersion() == 12008000, connection.getLibVersion()
        assert connection.getVersion() > 7000000
        assert connection.isAlive() == 1 and connection.getHostname()
        assert connection.getInfo()[0] == "x86_64"
        assert "<capabilities>" in connection.getCapabilities()
        assert "<domainCapabilities>" in connection.getDomainCapabilities(None, "x86_64", "q35", "qemu")
        assert connection.getMaxVcpus("qemu") > 1
        assert connection.getCPUMap()[0] == os.cpu_count()
        assert connection.getMemoryStats(-1)["total"] > 0

    def lifecycle(self):
        connection, name = self.connection, "life"
        domain = connection.defineXML(machine(name))
        self.expect((name, libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED))
        assert connection.lookupByUUIDString(domain.UUIDString()).name() == name
        assert domain.isPersistent() and not domain.isActive() and domain.ID() == -1
        assert domain.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN]
        domain.create()
        self.expect((name, libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED))
        assert domain.state() == [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
        assert connection.lookupByID(domain.ID()).name() == name
        self.refused(libvirt.VIR_ERR_OPERATION_INVALID, domain.create)
        domain.suspend()
        self.expect((name, libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED))
        assert domain.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
        domain.resume()
        self.expect((name, libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED))
        domain.reset()
        assert domain.info()[0] == libvirt.VIR_DOMAIN_RUNNING
        domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
        self.expect((name, libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED))
        assert domain.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED]
        domain.rename("other")
        assert domain.name() == "other" or connection.lookupByName("other")
        connection.lookupByName("other").undefine()
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, connection.lookupByName, "other")

    @staticmethod
    def refused(code, call, *arguments):
        try:
            call(*arguments)
        except libvirt.libvirtError as error:
            assert error.get_error_code() == code, f"{error.get_error_code()}: {error}"
        else:
            raise AssertionError(f"{call} was not refused")

    def transient(self):
        domain = self.connection.createXML(machine("passing"), libvirt.VIR_DOMAIN_START_PAUSED)
        assert domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED and not domain.isPersistent()
        domain.destroy()
        self.refused(libvirt.VIR_ERR_NO_DOMAIN, self.connection.lookupByName, "passing")

    def autodestroy(self):
        other = libvirt.open(self.private.uri())
        other.createXML(machine("bound"), libvirt.VIR_DOMAIN_START_AUTODESTROY)
        other.close()
        self.expect(("bound", libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED))

    def settings(self):
        domain = self.connection.defineXML(machine("set"))
        config = libvirt.VIR_DOMAIN_AFFECT_CONFIG
        domain.setMaxMemory(262144)
        domain.setMemoryFlags(131072, config)
        assert domain.info()[1:3] == [262144, 131072], domain.info()
        domain.setVcpusFlags(4, config | libvirt.VIR_DOMAIN_VCPU_MAXIMUM)
        domain.setVcpusFlags(2, config)
        assert domain.vcpusFlags(config) == 2 and domain.vcpusFlags(config | libvirt.VIR_DOMAIN_VCPU_MAXIMUM) == 4
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "A title", None, None, config)
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<n:x xmlns:n='urn:n'><n:y/></n:x>", "n", "urn:n", config)
        assert domain.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, config) == "A title"
        assert "y" in domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:n", config)
        domain.setAutostart(1)
        assert domain.autostart() == 1
        domain.setAutostart(0)
        domain.undefine()

    def lists(self):
        names = {f"many-{number}" for number in range(20)}
        domains = [self.connection.defineXML(machine(name)) for name in names]
        listed = self.connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE)
        assert names <= {domain.name() for domain in listed}
        assert names <= set(self.connection.listDefinedDomains())
        assert self.connection.numOfDefinedDomains() == len(listed)
        for domain in domains:
            domain.undefine()

    def running(self):
        """Statistics, channels of the monitor, memory: what only a running machine has."""
        disk = os.path.join(self.private.home, "disk.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
        more = (f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>"
                "<interface type='user'><model type='virtio'/></interface><graphics type='vnc' autoport='yes'/><video><model type='vga'/></video>")
        domain = self.connection.createXML(machine("running", more))
        try:
            assert domain.blockInfo("vda")[0] == 64 << 20
            assert len(domain.blockStats("vda")) == 5
            assert domain.memoryStats()["actual"] == 131072
            assert domain.getCPUStats(True)[0]["cpu_time"] > 0
            assert domain.vcpus()[0][0][0] == 0
            record = self.connection.getAllDomainStats()[0][1]
            for key in ("state.state", "cpu.time", "balloon.current", "vcpu.current", "block.count", "net.count"):
                assert key in record, f"{key} is not in {sorted(record)}"
            import libvirt_qemu  # pylint: disable=import-outside-toplevel
            assert "running" in libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0)
            stream = self.connection.newStream()
            assert domain.screenshot(stream, 0).startswith("image/")
            picture = b""
            while piece := stream.recv(65536):
                picture += piece
            stream.finish()
            assert picture[:2] in (b"P6", b"\x89P"), picture[:8]
            assert "vnet" not in domain.XMLDesc() and "port='59" in domain.XMLDesc()
        finally:
            domain.destroy()


def console(private):
    """The serial console of a guest over the wire, and back: log in, ask, shut down by the power button."""
    if not shutil.which("expect"):
        raise Skip("no expect here")
    private.virsh("create", private.file("guest.xml", machine("guest", "<console type='pty'/>", guest(), 192)))
    script = private.file("talk.exp", """set timeout 60
spawn -noecho virsh -q -c [lindex $argv 0] console guest
expect "login:" {} timeout {exit 1} eof {exit 2}
send "root\\r"
expect "# " {} timeout {exit 3}
send "echo sum \\$((6*7))\\r"
expect "sum 42" {} timeout {exit 4}
send "\\x1d"
expect eof
""")
    done = subprocess.run(["expect", script, private.uri()], env=private.env, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-400:]}"
    private.virsh("shutdown", "guest")
    deadline = time.monotonic() + 30
    while private.virsh("list", "--all", "--name").strip():
        assert time.monotonic() < deadline, "the guest did not shut down"
        time.sleep(0.1)


def virt_install(private, name, *arguments):
    if not shutil.which("virt-install"):
        raise Skip("no virt-install here (virtinst)")
    done = subprocess.run(["virt-install", "--connect", private.uri(), "--name", name, "--memory", "192", "--vcpus", "1", "--virt-type", "qemu",
                           "--osinfo", "detect=on,require=off", "--network", "user", "--noautoconsole", "--wait", "0", *arguments],
                          env=private.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"virt-install: {done.stdout} {done.stderr}"
    try:
        assert private.virsh("domstate", name).strip() == "running"
    finally:
        private.virsh("destroy", name, check=False)
        private.virsh("undefine", "--nvram", name)


def install_import(private):
    """virt-install makes a pool of the disk's folder; virtqemud starts the session's virtstoraged for that."""
    folder = os.path.join(private.home, "disks")
    os.mkdir(folder)
    disk = os.path.join(folder, "import.qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
    virt_install(private, "import", "--import", "--disk", disk)
    assert private.virsh("vol-list", "disks").split() == ["import.qcow2", disk]


def install_new_disk(private):
    folder = os.path.join(private.home, "new-disks")
    os.mkdir(folder)
    disk = os.path.join(folder, "new.qcow2")
    virt_install(private, "new", "--import", "--disk", f"path={disk},size=0.1,format=qcow2")
    assert "qcow2" in subprocess.run(["qemu-img", "info", disk], capture_output=True, text=True, check=True).stdout


def install_kernel(private):
    folder = guest()
    virt_install(private, "kernel", "--import", "--disk", "none", "--boot", f"kernel={folder}/vmlinuz,initrd={folder}/initrd.img,kernel_args=console=ttyS0")


def install_uefi(private):
    if not os.path.exists("/usr/share/OVMF"):
        raise Skip("no UEFI firmware here (ovmf)")
    virt_install(private, "uefi", "--import", "--disk", "none", "--boot", "uefi")


def virtinst(private, program, *arguments):
    if not shutil.which(program):
        raise Skip(f"no {program} here (virtinst)")
    done = subprocess.run([program, "--connect", private.uri(), *arguments], env=private.env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, f"{program}: {done.stdout} {done.stderr}"
    return done.stdout


def clone(private):
    """virt-clone copies a machine with its disk: another name, UUID and MAC, the same contents."""
    folder = os.path.join(private.home, "clones")
    os.mkdir(folder)
    disk, copy = os.path.join(folder, "original.img"), os.path.join(folder, "copy.img")
    with open(disk, "wb") as file:
        file.write(os.urandom(1 << 20))
    more = (f"<disk type='file' device='disk'><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>"
            "<interface type='user'><mac address='52:54:00:01:02:03'/></interface>")
    private.virsh("define", private.file("original.xml", machine("original", more)))
    virtinst(private, "virt-clone", "--original", "original", "--name", "copy", "--file", copy)
    with open(disk, "rb") as one, open(copy, "rb") as other:
        assert one.read() == other.read(), "the copy of the disk differs"
    text = private.virsh("dumpxml", "copy")
    assert copy in text and "52:54:00:01:02:03" not in text, text
    assert private.virsh("domuuid", "copy") != private.virsh("domuuid", "original")
    for name in ("copy", "original"):
        private.virsh("undefine", name)


def edit(private):
    """virt-xml: devices added, changed and removed in a definition, and settings of the machine."""
    private.virsh("define", private.file("edited.xml", machine("edited")))
    for arguments in (("--add-device", "--disk", "device=cdrom,bus=sata"), ("--add-device", "--rng", "/dev/urandom"),
                      ("--add-device", "--network", "user,model=virtio"), ("--edit", "--memory", "256,maxmemory=256"),
                      ("--edit", "--vcpus", "3"), ("--edit", "--events", "on_crash=preserve"), ("--remove-device", "--rng", "all")):
        virtinst(private, "virt-xml", "edited", *arguments, "--define")
    text = private.virsh("dumpxml", "edited")
    for there in ("device='cdrom'", "<model type='virtio'/>", "<memory unit='KiB'>262144</memory>", ">3</vcpu>", "<on_crash>preserve</on_crash>"):
        assert there in text, f"{there} is not in {text}"
    assert "<rng" not in text
    private.virsh("undefine", "edited")


def main():
    suite = Suite()
    if libvirt is None:
        print("skip clients: python - no python3-libvirt here")
    with Private() as private:
        private.start("virtqemud")
        if libvirt is not None:
            os.environ.update({name: value for name, value in private.env.items() if name.startswith("XDG_")})
            python = Python(private)
            for test in ("host", "lifecycle", "transient", "autodestroy", "settings", "lists", "running"):
                suite.run("clients: python: " + test, getattr(python, test))
        for test in (console, install_import, install_new_disk, install_kernel, install_uefi, clone, edit):
            suite.run("clients: " + test.__name__.replace("_", " "), test, private)
        private.alive("virtqemud")
    suite.done()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
