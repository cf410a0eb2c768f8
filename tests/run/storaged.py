#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""storaged: a private virtstoraged driven by stock virsh. What it prints and refuses was noted down from libvirt 9.0."""

import os
import re
import shutil
import signal
import stat
import subprocess
import time
import xml.etree.ElementTree as xml

from lab import Private, Skip, Suite

UUIDS = [f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123456"]
MIB = 1 << 20


class Storaged(Private):
    def __init__(self):
        super().__init__()
        self.start("virtstoraged")
        self.folder = os.path.join(self.home, "config", "libvirt", "storage")
        self.state = os.path.join(self.run, "storage", "run")
        self.path = os.path.join(self.home, "pool")
        os.mkdir(self.path)

    def tell(self, *command, **options):
        return self.virsh(*command, daemon="virtstoraged", driver="storage", **options)

    def refused(self, *command, text):
        code, _, error = self.tell(*command, check=False)
        assert code == 1 and text in error, f"{command}: {code} {error}"

    def again(self, how=signal.SIGTERM):
        code = self.stop("virtstoraged", how)
        assert code == (0 if how == signal.SIGTERM else -how), f"it ended with {code}: {self.log('virtstoraged')[-2000:]}"
        self.start("virtstoraged")

    def xml(self, *command):
        return xml.fromstring(self.tell(*command))

    def volume(self, name, pool="p"):
        return self.xml("vol-dumpxml", name, "--pool", pool)

    def names(self, pool="p"):
        return [line.split()[0] for line in self.tell("vol-list", pool).splitlines() if line.strip()]

    def size(self, name, what="capacity", pool="p"):
        return int(self.volume(name, pool).findtext(what))

    def fresh(self, kind=None):
        """A pool p that runs and has nothing in it."""
        for name in self.tell("pool-list", "--all", "--name").split():
            self.tell("pool-destroy", name, check=False)
            self.tell("pool-undefine", name, check=False)
        shutil.rmtree(self.path, ignore_errors=True)
        os.mkdir(self.path)
        self.tell("pool-define", self.file("p.xml", kind or pool("p", self.path, UUIDS[0])))
        self.tell("pool-start", "p")


def pool(name, path, uuid=None, more="", kind="dir"):
    return (f"<pool type='{kind}'><name>{name}</name>" + (f"<uuid>{uuid}</uuid>" if uuid else "") +
            f"{more}<target><path>{path}</path></target></pool>")


def volume(name, capacity=MIB, kind="raw", more="", target=""):
    size = "" if capacity is None else f"<capacity>{capacity}</capacity>"
    return f"<volume><name>{name}</name>{size}{more}<target><format type='{kind}'/>{target}</target></volume>"


# ---- pools ----

def definition(daemon):
    """The file is as stock writes it, apart from the words at its top, so that either daemon can follow the other."""
    daemon.tell("pool-define", daemon.file("p.xml", pool("p", daemon.path + "//", UUIDS[0])))
    wanted = f"""<pool type='dir'>
  <name>p</name>
  <uuid>{UUIDS[0]}</uuid>
  <capacity unit='bytes'>0</capacity>
  <allocation unit='bytes'>0</allocation>
  <available unit='bytes'>0</available>
  <source>
  </source>
  <target>
    <path>{daemon.path}</path>
  </target>
</pool>
"""
    assert daemon.tell("pool-dumpxml", "p").strip() == wanted.strip()
    path = os.path.join(daemon.folder, "p.xml")
    with open(path) as file:
        text = file.read()
    assert text.startswith("<!--") and text.endswith(wanted), text
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    daemon.again()
    assert daemon.tell("pool-dumpxml", "p").strip() == wanted.strip()
    assert daemon.tell("pool-list", "--all").split() == ["p", "inactive", "no"]
    daemon.tell("pool-undefine", "p")
    assert not os.path.exists(path) and daemon.tell("pool-list", "--all").strip() == ""


def life(daemon):
    daemon.fresh()
    info = daemon.tell("pool-info", "p")
    assert re.search(r"State: +running\nPersistent: +yes\nAutostart: +no\nCapacity: ", info), info
    space = os.statvfs(daemon.path)
    found = daemon.xml("pool-dumpxml", "p")
    assert int(found.findtext("capacity")) == space.f_frsize * space.f_blocks
    assert int(found.findtext("capacity")) == int(found.findtext("allocation")) + int(found.findtext("available"))
    assert found.findtext("target/permissions/mode") == f"0{stat.S_IMODE(os.stat(daemon.path).st_mode):o}"
    for command, text in (("pool-start", "storage pool 'p' is already active"), ("pool-build", "storage pool 'p' is already active"),
                          ("pool-delete", "storage pool 'p' is still active"), ("pool-undefine", "storage pool 'p' is still active")):
        daemon.refused(command, "p", text="Requested operation is not valid: " + text)
    daemon.tell("pool-destroy", "p")
    for command in ("pool-destroy", "pool-refresh", "vol-list"):
        daemon.refused(command, "p", text="Requested operation is not valid: storage pool 'p' is not active")
    daemon.refused("pool-info", "q", text="Storage pool not found: no storage pool with matching name 'q'")
    daemon.tell("pool-start", "p")


def build(daemon):
    path = os.path.join(daemon.home, "made", "here")
    permissions = "<permissions><mode>0711</mode></permissions>"
    daemon.tell("pool-define", daemon.file("b.xml", pool("b", path).replace("</path>", "</path>" + permissions)))
    daemon.refused("pool-start", "b", text=f"cannot open directory '{path}': No such file or directory")
    daemon.tell("pool-build", "b")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o711
    daemon.refused("pool-build", "b", "--overwrite", text="No source device specified when formatting pool 'b'")
    daemon.refused("pool-build", "b", "--overwrite", "--no-overwrite", text="are mutually exclusive")
    open(os.path.join(path, "x"), "w").close()
    daemon.refused("pool-delete", "b", text=f"failed to remove pool '{path}': Directory not empty")
    os.unlink(os.path.join(path, "x"))
    daemon.tell("pool-delete", "b")
    assert not os.path.exists(path)
    daemon.tell("pool-start", "b", "--build")
    daemon.tell("pool-destroy", "b")
    daemon.tell("pool-undefine", "b")


def transient(daemon):
    daemon.fresh()
    other = os.path.join(daemon.home, "other")
    os.makedirs(other, exist_ok=True)
    daemon.tell("pool-create", daemon.file("t.xml", pool("t", other, UUIDS[1])))
    assert "Persistent:     no" in daemon.tell("pool-info", "t")
    daemon.refused("pool-autostart", "t", text="internal error: pool has no config file")
    daemon.refused("pool-undefine", "t", text="storage pool 't' is still active")
    daemon.refused("pool-create", daemon.file("t.xml", pool("t", other, UUIDS[1])), text="pool is already active as 't'")
    daemon.again(signal.SIGKILL)
    assert "Persistent:     no" in daemon.tell("pool-info", "t"), "a restart lost it"
    daemon.tell("pool-define", daemon.file("t.xml", pool("t", other, UUIDS[1])))
    assert "Persistent:     yes" in daemon.tell("pool-info", "t")
    daemon.tell("pool-destroy", "t")
    daemon.tell("pool-undefine", "t")
    daemon.tell("pool-create", daemon.file("t.xml", pool("t", other, UUIDS[1])))
    daemon.tell("pool-destroy", "t")
    daemon.refused("pool-info", "t", text="no storage pool with matching name 't'")


def conflicts(daemon):
    daemon.fresh()
    for text, why in (
            (pool("q", daemon.path, UUIDS[1]), "operation failed: Storage source conflict with pool: 'p'"),
            (pool("p", daemon.path, UUIDS[1]), f"operation failed: pool 'p' already exists with uuid {UUIDS[0]}"),
            (pool("q", "/tmp", UUIDS[0]), f"operation failed: pool 'p' is already defined with uuid {UUIDS[0]}"),
            (pool("a/b", "/tmp"), "XML error: name a/b cannot contain '/'"),
            (pool("z", "/tmp", kind="nothing"), "type"),
            ("<pool type='dir'><name>n</name></pool>", "XML error: missing storage pool target path"),
            ("<pool type='dir'><target><path>/x</path></target></pool>", "XML error: missing pool source name element"),
            (pool("z", "/tmp", kind="zfs", more="<source><name>a</name></source>"), "internal error: missing backend for pool type 12 (zfs)"),
            ("<pool><name>", "(storage_pool_definition):1: ")):
        daemon.refused("pool-define", daemon.file("c.xml", text), text=why)
    daemon.refused("pool-define", "--validate", daemon.file("c.xml", pool("v", "/v", more="<bar/>")), text="bar")


def redefine_running(daemon):
    """A new definition of a running pool counts from the next start on."""
    daemon.fresh()
    other = os.path.join(daemon.home, "elsewhere")
    os.makedirs(other, exist_ok=True)
    daemon.tell("pool-define", daemon.file("p.xml", pool("p", other, UUIDS[0])))
    for _ in range(2):
        assert daemon.xml("pool-dumpxml", "p").findtext("target/path") == daemon.path
        assert daemon.xml("pool-dumpxml", "p", "--inactive").findtext("target/path") == other
        daemon.again(signal.SIGKILL)
    daemon.tell("pool-destroy", "p")
    assert daemon.xml("pool-dumpxml", "p").findtext("target/path") == other


def filters(daemon):
    daemon.fresh()
    daemon.tell("pool-define", daemon.file("q.xml", pool("q", "/q", UUIDS[1])))
    daemon.tell("pool-autostart", "q")
    daemon.tell("pool-create", daemon.file("t.xml", pool("t", daemon.home, UUIDS[2])))

    def named(*options):
        return daemon.tell("pool-list", "--name", *options).split()
    assert named() == ["p", "t"] and named("--all") == ["p", "q", "t"] and named("--inactive") == ["q"]
    assert named("--transient") == ["t"] and named("--all", "--persistent") == ["p", "q"]
    assert named("--all", "--autostart") == ["q"] and named("--all", "--no-autostart") == ["p", "t"]
    assert named("--all", "--type", "fs") == [] and named("--all", "--type", "dir,fs") == ["p", "q", "t"]
    daemon.tell("pool-destroy", "t")


def autostart(daemon):
    """Once after the host's start; the link is as stock makes it."""
    daemon.fresh()
    link = os.path.join(daemon.folder, "autostart", "p.xml")
    daemon.tell("pool-autostart", "p")
    assert os.readlink(link) == os.path.join(daemon.folder, "p.xml")
    daemon.tell("pool-destroy", "p")
    daemon.again()
    assert daemon.tell("pool-list", "--all").split() == ["p", "inactive", "yes"], "a restart of the daemon is no start of the host"
    daemon.stop("virtstoraged")
    os.unlink(os.path.join(daemon.state, "autostarted"))
    daemon.start("virtstoraged")
    deadline = time.monotonic() + 20
    while daemon.tell("pool-list", "--all").split() != ["p", "active", "yes"]:
        assert time.monotonic() < deadline, daemon.log("virtstoraged")
        time.sleep(0.05)
    daemon.tell("pool-autostart", "p", "--disable")
    assert not os.path.lexists(link)


def restart(daemon):
    """Active pools stay active, with their volumes; a pool that vanished meanwhile is not."""
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M")
    for how in (signal.SIGTERM, signal.SIGKILL):
        daemon.again(how)
        assert daemon.names() == ["a"] and daemon.size("a") == MIB
    with open(os.path.join(daemon.state, "p.xml")) as file:
        assert file.read().startswith("<poolstate>\n  <pool type='dir'>\n"), "stock could not read it"
    daemon.stop("virtstoraged")
    shutil.rmtree(daemon.path)
    daemon.start("virtstoraged")
    daemon.refused("vol-list", "p", text="storage pool 'p' is not active")
    assert not os.path.exists(os.path.join(daemon.state, "p.xml"))


def broken_files(daemon):
    daemon.fresh()
    spoiled = {"x.xml": "<pool type='dir'><name>", "y.xml": pool("z", "/z"), "notes": "y", "e.xml": ""}
    for name, text in spoiled.items():
        with open(os.path.join(daemon.folder, name), "w") as file:
            file.write(text)
    with open(os.path.join(daemon.state, "ghost.xml"), "w") as file:
        file.write("<poolstate><pool type='dir'>")
    daemon.again()
    assert daemon.tell("pool-list", "--all", "--name").split() == ["p"]
    for name, text in spoiled.items():
        path = os.path.join(daemon.folder, name)
        with open(path) as file:
            assert file.read() == text, f"{name} was changed"
        os.unlink(path)
    os.unlink(os.path.join(daemon.state, "ghost.xml"))


def events(daemon):
    daemon.fresh()
    daemon.tell("pool-destroy", "p")
    watch = [subprocess.Popen(["virsh", "-q", "-c", daemon.uri("virtstoraged", "storage"), "pool-event", "--event", event, "--loop",
                               "--timeout", "5"], env=daemon.env, stdout=subprocess.PIPE, text=True) for event in ("lifecycle", "refresh")]
    time.sleep(1)
    daemon.tell("pool-start", "p")
    daemon.tell("pool-refresh", "p")
    daemon.tell("pool-destroy", "p")
    daemon.tell("pool-undefine", "p")
    daemon.tell("pool-define", daemon.file("p.xml", pool("p", daemon.path, UUIDS[0])))
    life_text, refresh_text = (process.communicate(timeout=30)[0] for process in watch)
    words = re.findall(r"event 'lifecycle' for storage pool p: (\w+)", life_text)
    assert words == ["Started", "Stopped", "Undefined", "Defined"], life_text
    assert refresh_text.count("event 'refresh' for storage pool p") == 1, refresh_text


def file_system(daemon):
    """A pool of type fs on a loop device: made, mounted, found again after a restart, taken down."""
    if os.geteuid():
        raise Skip("only root can mount")
    image, path = os.path.join(daemon.home, "fs.img"), os.path.join(daemon.home, "fs")
    with open(image, "wb") as file:
        file.truncate(32 * MIB)
    loop = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
    if loop.returncode:
        raise Skip("no loop devices here: " + loop.stderr.strip())
    device = loop.stdout.strip()
    try:
        source = f"<source><device path='{device}'/><format type='ext4'/></source>"
        daemon.tell("pool-define", daemon.file("f.xml", pool("f", path, UUIDS[4], source, "fs")))
        daemon.refused("pool-start", "f", text="'mount' failed with exit status")
        daemon.tell("pool-build", "f", "--no-overwrite")
        daemon.refused("pool-build", "f", "--no-overwrite", text=f"Storage pool already built: Device '{device}' already formatted using 'ext4'")
        daemon.tell("pool-build", "f", "--overwrite")
        daemon.refused("pool-define", daemon.file("g.xml", pool("g", "/elsewhere", None, source, "fs")),
                       text="Storage source conflict with pool: 'f'")
        daemon.tell("pool-start", "f")
        daemon.tell("vol-create-as", "f", "v", "1M")
        assert os.path.ismount(path) and daemon.names("f") == ["lost+found", "v"]
        assert int(daemon.xml("pool-dumpxml", "f").findtext("capacity")) < 32 * MIB
        daemon.again(signal.SIGKILL)
        assert daemon.names("f") == ["lost+found", "v"]
        daemon.tell("pool-destroy", "f")
        assert not os.path.ismount(path)
        daemon.tell("pool-undefine", "f")
    finally:
        subprocess.run(["umount", path], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["losetup", "--detach", device], check=False)


def capabilities(daemon):
    found = daemon.xml("pool-capabilities")
    kinds = {kind.get("type"): kind.get("supported") for kind in found.findall("pool")}
    assert list(kinds)[:4] == ["dir", "fs", "netfs", "logical"] and len(kinds) == 14 and kinds["dir"] == "yes", kinds
    formats = [value.text for value in found.findall("pool[@type='dir']/volOptions/enum/value")]
    assert formats[:2] == ["none", "raw"] and "qcow2" in formats
    daemon.refused("find-storage-pool-sources", "dir", text="pool type 'dir' does not support source discovery")
    daemon.refused("find-storage-pool-sources", "nothing", text="internal error: unknown storage pool type nothing")


# ---- volumes ----

def create(daemon):
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "full", "1M")
    daemon.tell("vol-create-as", "p", "part", "2M", "--allocation", "1M")
    daemon.tell("vol-create-as", "p", "hole", "2M", "--allocation", "0")
    path = os.path.join(daemon.path, "full")
    status = os.stat(path)
    assert stat.S_IMODE(status.st_mode) == 0o600 and status.st_size == MIB and status.st_blocks * 512 == MIB
    assert (daemon.size("part", "allocation"), daemon.size("hole", "allocation")) == (MIB, 0)
    wanted = f"""<volume type='file'>
  <name>full</name>
  <key>{path}</key>
  <capacity unit='bytes'>{MIB}</capacity>
  <allocation unit='bytes'>{MIB}</allocation>
  <physical unit='bytes'>{MIB}</physical>
  <target>
    <path>{path}</path>
    <format type='raw'/>
    <permissions>
      <mode>0600</mode>
      <owner>{os.getuid()}</owner>
      <group>{os.getgid()}</group>
    </permissions>
    <timestamps>
      <atime>T</atime>
      <mtime>T</mtime>
      <ctime>T</ctime>
      <btime>0</btime>
    </timestamps>
  </target>
</volume>
"""
    text = re.sub(r"<([acm]time)>[0-9.]+<", r"<\1>T<", daemon.tell("vol-dumpxml", "full", "p"))
    assert text.strip() == wanted.strip(), text
    daemon.tell("vol-create", "p", daemon.file("v.xml", volume("mine", 1000, target="<permissions><mode>0640</mode></permissions>")))
    assert stat.S_IMODE(os.stat(os.path.join(daemon.path, "mine")).st_mode) == 0o640 and daemon.size("mine") == 1000
    daemon.tell("vol-create-as", "p", "folder", "0", "--format", "dir")
    assert os.path.isdir(os.path.join(daemon.path, "folder")) and daemon.volume("folder").get("type") == "dir"
    assert daemon.names() == ["folder", "full", "hole", "mine", "part"]


def refusals(daemon):
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M")
    open(os.path.join(daemon.path, "unseen"), "w").close()
    for text, why in (
            (volume("a"), "storage volume 'a' exists already"), (volume("unseen"), "already exists"), (volume("x/y"), "cannot contain '/'"),
            (volume(".."), "cannot be the name of a file"), (volume("b", None), "XML error: missing capacity element"),
            ("<volume/>", "XML error: missing volume name element"),
            (volume("b", kind="nothing"), "unsupported configuration: unknown volume format type nothing"),
            (volume("b", kind="none"), "unknown volume format type none"),
            (volume("b", kind="qcow2", target="<compat>1.x</compat>"), "forbidden characters in 'compat' attribute"),
            (volume("b", kind="qcow2", target="<encryption format='qcow'/>"), "encryption format 'qcow'"),
            (volume("b", kind="vdi", target="<encryption format='luks'/>"), "volume encryption unsupported with format vdi"),
            (volume("b", "9999999999999999999999"), "capacity"), (volume("b", kind="dmg"), "does not support image creation"),
            (volume("b", kind="qcow2", more="<backingStore><path>/nowhere</path></backingStore>"), "inaccessible backing store volume /nowhere")):
        daemon.refused("vol-create", "p", daemon.file("v.xml", text), text=why)
    assert daemon.names() == ["a"] and sorted(os.listdir(daemon.path)) == ["a", "unseen"], "something was left behind"
    assert os.stat(os.path.join(daemon.path, "unseen")).st_size == 0
    daemon.refused("vol-create-as", "p", "m", "1M", "--prealloc-metadata", text="metadata preallocation only available with qcow2")
    daemon.refused("vol-info", "b", "p", text="no storage vol with matching path 'b'")
    daemon.refused("vol-info", "b", "q", text="no storage pool with matching name 'q'")


def images(daemon):
    """What the images say is read from their first bytes; QEMU's tool is the judge."""
    daemon.fresh()
    for kind in ("qcow2", "qcow", "vmdk", "vdi", "qed"):
        daemon.tell("vol-create-as", "p", kind, "8M", "--format", kind)
    daemon.tell("vol-create-as", "p", "top", "16M", "--format", "qcow2", "--backing-vol", "qcow2", "--backing-vol-format", "qcow2")
    daemon.tell("vol-create", "p", daemon.file("v.xml", volume(
        "new", 8 * MIB, "qcow2", target="<compat>1.1</compat><clusterSize unit='KiB'>128</clusterSize><features><lazy_refcounts/></features>")))
    daemon.tell("pool-refresh", "p")
    for kind in ("qcow2", "qcow", "vmdk", "vdi", "qed"):
        found = daemon.volume(kind)
        assert (found.find("target/format").get("type"), found.findtext("capacity")) == (kind, str(8 * MIB)), xml.tostring(found)
    top, new = daemon.volume("top"), daemon.volume("new")
    assert top.findtext("backingStore/path") == os.path.join(daemon.path, "qcow2")
    assert top.find("backingStore/format").get("type") == "qcow2" and top.findtext("capacity") == str(16 * MIB)
    assert new.findtext("target/compat") == "1.1" and new.findtext("target/clusterSize") == "131072"
    assert new.find("target/features/lazy_refcounts") is not None and top.find("target/compat") is None
    info = subprocess.run(["qemu-img", "info", os.path.join(daemon.path, "new")], capture_output=True, text=True, check=True).stdout
    assert "lazy refcounts: true" in info and "cluster_size: 131072" in info, info
    daemon.tell("vol-create-as", "p", "pre", "8M", "--format", "qcow2", "--prealloc-metadata")
    assert daemon.size("pre", "physical") > 8 * MIB


def listing(daemon):
    """What is in a directory and is a volume, and what isn't."""
    daemon.fresh()
    for name in ("a", ".hidden", "ctl\x01", "é"):
        with open(os.path.join(daemon.path, name), "w") as file:
            file.write("x")
    os.mkdir(os.path.join(daemon.path, "sub"))
    os.symlink("a", os.path.join(daemon.path, "link"))
    os.symlink("/nonexistent", os.path.join(daemon.path, "dangling"))
    os.mkfifo(os.path.join(daemon.path, "fifo"))
    with open(os.path.join(daemon.path, "cd"), "wb") as file:
        file.write(b"\0" * 32769 + b"CD001" + b"\0" * 2048)
    daemon.tell("pool-refresh", "p")
    assert daemon.names() == [".hidden", "a", "cd", "link", "sub", "é"], daemon.names()
    assert daemon.volume("cd").find("target/format").get("type") == "iso"
    assert daemon.volume("sub").get("type") == "dir"
    path = os.path.join(daemon.path, "a")
    assert daemon.tell("vol-pool", path).strip() == "p" and daemon.tell("vol-key", "a", "p").strip() == path
    assert daemon.tell("vol-name", daemon.path + "//a").strip() == "a" and daemon.tell("vol-path", "a", "p").strip() == path
    os.unlink(path)
    daemon.refused("vol-info", "a", "p", text=f"'{path}'")
    daemon.tell("pool-refresh", "p")
    assert "a" not in daemon.names()


def many(daemon):
    """A thousand files are read while others get their answers."""
    daemon.fresh()
    for number in range(1000):
        with open(os.path.join(daemon.path, f"f{number}"), "w") as file:
            file.truncate(MIB)
    daemon.tell("pool-refresh", "p")
    assert len(daemon.names()) == 1000


def resize(daemon):
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "r", "1M", "--allocation", "0")
    daemon.tell("vol-create-as", "p", "q", "8M", "--format", "qcow2")
    daemon.tell("vol-resize", "r", "2M", "--pool", "p")
    daemon.tell("vol-resize", "r", "1M", "--pool", "p", "--delta")
    assert (daemon.size("r"), daemon.size("r", "allocation")) == (3 * MIB, 0)
    daemon.refused("vol-resize", "r", "1M", "--pool", "p",
                   text="invalid argument: Can't shrink capacity below current capacity unless shrink flag explicitly specified")
    daemon.tell("vol-resize", "r", "1M", "--pool", "p", "--shrink")
    daemon.tell("vol-resize", "r", "4M", "--pool", "p", "--allocate")
    assert daemon.size("r", "allocation") == 4 * MIB
    daemon.refused("vol-resize", "r", "1M", "--pool", "p", "--shrink", text="can't shrink capacity below existing allocation")
    daemon.tell("vol-resize", "q", "16M", "--pool", "p")
    assert daemon.size("q") == 16 * MIB
    daemon.tell("vol-resize", "q", "8M", "--pool", "p", "--shrink")
    assert daemon.size("q") == 8 * MIB
    daemon.refused("vol-resize", "q", "16M", "--pool", "p", "--allocate",
                   text="Operation not supported: preallocate is only supported for raw type volume")


def wipe(daemon):
    daemon.fresh()
    path = os.path.join(daemon.path, "w")
    with open(path, "wb") as file:
        file.write(b"secret" * 100000)
    daemon.tell("pool-refresh", "p")
    daemon.tell("vol-wipe", "w", "p")
    with open(path, "rb") as file:
        assert file.read() == b"\0" * 600000
    assert os.stat(path).st_blocks * 512 >= 600000, "zeros were to be written, not a hole made"
    daemon.refused("vol-wipe", "w", "p", "--algorithm", "trim", text="argument unsupported: 'trim' algorithm not supported")
    if not shutil.which("scrub"):
        daemon.refused("vol-wipe", "w", "p", "--algorithm", "nnsa", text="'scrub'")


def delete(daemon):
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M")
    os.makedirs(os.path.join(daemon.path, "full", "x"))
    daemon.tell("pool-refresh", "p")
    before = int(daemon.xml("pool-dumpxml", "p").findtext("allocation"))
    daemon.tell("vol-delete", "a", "p")
    assert before - int(daemon.xml("pool-dumpxml", "p").findtext("allocation")) == MIB
    daemon.refused("vol-delete", "full", "p", text="cannot remove directory")
    assert daemon.names() == ["full"]
    daemon.tell("vol-create-as", "p", "a", "1M")
    os.unlink(os.path.join(daemon.path, "a"))
    daemon.tell("vol-delete", "a", "p")


def clone(daemon):
    daemon.fresh()
    data = os.urandom(300000) + b"\0" * 5 * MIB + b"end"
    with open(os.path.join(daemon.path, "raw"), "wb") as file:
        file.write(data)
    daemon.tell("pool-refresh", "p")
    daemon.tell("vol-clone", "raw", "copy", "p")
    daemon.tell("vol-create-from", "p", daemon.file("v.xml", volume("image", None, "qcow2")), "raw", "--inputpool", "p")
    daemon.tell("vol-create-from", "p", daemon.file("v.xml", volume("back", len(data) + 1000, "raw", "<allocation>0</allocation>")), "image",
                "--inputpool", "p")
    for name in ("copy", "back"):
        with open(os.path.join(daemon.path, name), "rb") as file:
            assert file.read(len(data)) == data, name
    assert daemon.size("back") >= len(data) + 1000 and daemon.volume("image").find("target/format").get("type") == "qcow2"
    daemon.tell("vol-create-from", "p", daemon.file("v.xml", volume("thin", None, more="<allocation>0</allocation>")), "raw", "--inputpool", "p")
    assert os.stat(os.path.join(daemon.path, "thin")).st_blocks * 512 < 2 * MIB, "zeros were copied"
    daemon.refused("vol-clone", "raw", "copy", "p", text="internal error: storage volume name 'copy' already in use.")


def streams(daemon):
    daemon.fresh()
    data = os.urandom(3 * MIB + 17)
    source, target = os.path.join(daemon.home, "source"), os.path.join(daemon.home, "target")
    with open(source, "wb") as file:
        file.write(data)
    daemon.tell("vol-create-as", "p", "s", "4M", "--allocation", "0")
    daemon.tell("vol-upload", "s", source, "--pool", "p")

    def got(*options):
        daemon.tell("vol-download", "s", target, "--pool", "p", *options)
        with open(target, "rb") as file:
            return file.read()
    assert got() == data + b"\0" * (4 * MIB - len(data))
    assert got("--offset", "100", "--length", "5000") == data[100:5100]
    assert got("--offset", str(8 * MIB)) == b""
    daemon.tell("vol-upload", "s", daemon.file("small", "hello"), "--pool", "p", "--offset", "50")
    assert got("--offset", "49", "--length", "7") == data[49:50] + b"hello" + data[55:56]
    daemon.tell("vol-create-as", "p", "h", "64M", "--allocation", "0")
    daemon.tell("vol-download", "h", target, "--pool", "p", "--sparse")
    status = os.stat(target)
    assert status.st_size == 64 * MIB and status.st_blocks == 0, status
    daemon.tell("vol-upload", "h", target, "--pool", "p", "--sparse")
    assert daemon.size("h", "allocation") == 0
    os.mkdir(os.path.join(daemon.path, "sub"))
    daemon.tell("pool-refresh", "p")
    daemon.refused("vol-download", "sub", target, "--pool", "p", text="Is a directory")
    daemon.refused("vol-upload", "sub", source, "--pool", "p", text="Is a directory")


def in_use(daemon):
    """While somebody reads a volume it stays, and so does its pool."""
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "s", "64M")
    fifo = os.path.join(daemon.home, "slow")
    os.mkfifo(fifo)
    reader = subprocess.Popen(["virsh", "-q", "-c", daemon.uri("virtstoraged", "storage"), "vol-download", "s", fifo, "--pool", "p"],
                              env=daemon.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = os.open(fifo, os.O_RDONLY)
    os.read(end, 1)
    daemon.refused("vol-delete", "s", "p", text="volume 's' is still in use.")
    daemon.refused("pool-destroy", "p", text="pool 'p' has asynchronous jobs running.")
    reader.kill()
    reader.wait()
    os.close(end)
    os.unlink(fifo)
    deadline = time.monotonic() + 20
    while daemon.tell("vol-delete", "s", "p", check=False)[0] != 0:
        assert time.monotonic() < deadline, "it was never given back"
        time.sleep(0.05)


def encrypted(daemon):
    """A passphrase of virtsecretd opens what was made with it; it is in nobody's arguments."""
    daemon.fresh()
    if not os.path.exists(daemon.socket("virtsecretd")):
        daemon.start("virtsecretd")
    secret = f"<secret private='yes'><uuid>{UUIDS[3]}</uuid><usage type='volume'><volume>/x</volume></usage></secret>"
    daemon.virsh("secret-define", daemon.file("s.xml", secret), daemon="virtsecretd", driver="secret")
    daemon.virsh("secret-set-value", UUIDS[3], "--file", daemon.file("value", "cGFzcw=="), daemon="virtsecretd", driver="secret")
    key = f"<encryption format='luks'><secret type='passphrase' uuid='{UUIDS[3]}'/></encryption>"
    for _ in range(10):
        code, _, error = daemon.tell("vol-create", "p", daemon.file("v.xml", volume("l", 4 * MIB, target=key)), check=False)
        if "accurate CPU usage" not in error:  # QEMU measures the CPU to choose the work of the key, and gives up on a busy one
            break
    assert code == 0, error
    found = daemon.volume("l").find("target/encryption")
    assert found.get("format") == "luks" and found.find("secret").get("uuid") == UUIDS[3]
    opened = subprocess.run(["qemu-img", "info", "--object", "secret,id=k,data=pass", "--image-opts",
                             f"driver=luks,key-secret=k,file.filename={daemon.path}/l"], capture_output=True, text=True, check=False)
    assert "4 MiB" in opened.stdout, opened.stderr
    daemon.tell("pool-refresh", "p")
    assert daemon.volume("l").find("target/encryption").get("format") == "luks"
    daemon.refused("vol-create", "p", daemon.file("v.xml", volume("m", 4 * MIB, "raw", target=key.replace(UUIDS[3], UUIDS[4]))),
                   text="no secret with matching uuid")
    assert "m" not in daemon.names()


def read_only(daemon):
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M")
    uri = daemon.uri("virtstoraged", "storage")
    for command, name in ((("vol-delete", "a", "p"), "virStorageVolDelete"), (("pool-destroy", "p"), "virStoragePoolDestroy")):
        done = subprocess.run(["virsh", "-r", "-c", uri, *command], env=daemon.env, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and f"read only access prevents {name}" in done.stderr, done.stderr
    done = subprocess.run(["virsh", "-r", "-q", "-c", uri, "vol-info", "a", "p"], env=daemon.env, capture_output=True, text=True, check=True)
    assert "1.00 MiB" in done.stdout


def through_virtqemud(daemon):
    """As most clients come: to virtqemud, which hands the frames on."""
    if not os.path.exists(daemon.socket("virtqemud")):
        daemon.start("virtqemud")
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M")
    assert daemon.virsh("vol-list", "p").split()[0] == "a"
    target = os.path.join(daemon.home, "target")
    daemon.virsh("vol-download", "a", target, "--pool", "p")
    assert os.stat(target).st_size == MIB


def disk_of_pool(daemon):
    """A machine's disk that is a volume: virtqemud asks where it is."""
    if not shutil.which("qemu-system-x86_64"):
        raise Skip("no QEMU here (qemu-system-x86)")
    if not os.path.exists(daemon.socket("virtqemud")):
        daemon.start("virtqemud")
    daemon.fresh()
    daemon.tell("vol-create-as", "p", "a", "1M", "--format", "qcow2")
    machine = """<domain type='qemu'><name>m</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='p' volume='a'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>"""
    daemon.virsh("define", daemon.file("m.xml", machine))
    daemon.virsh("start", "m", "--paused")
    assert daemon.virsh("domblkinfo", "m", "vda").split()[:2] == ["Capacity:", str(MIB)]
    daemon.virsh("destroy", "m")
    source = xml.fromstring(daemon.virsh("dumpxml", "m")).find("devices/disk[@type='volume']/source")
    assert source.attrib == {"pool": "p", "volume": "a"}, source.attrib
    daemon.tell("pool-destroy", "p")
    code, _, error = daemon.virsh("start", "m", check=False)
    assert code == 1 and "storage pool 'p' containing volume 'a' is not active" in error, error
    daemon.virsh("undefine", "m")


def main():
    if not shutil.which("qemu-img"):
        raise SystemExit("skip storaged - no qemu-img here (qemu-utils)")
    suite = Suite()
    with Storaged() as daemon:
        for test in (definition, life, build, transient, conflicts, redefine_running, filters, autostart, restart, broken_files, events,
                     file_system, capabilities, create, refusals, images, listing, many, resize, wipe, delete, clone, streams, in_use, encrypted, read_only,
                     through_virtqemud, disk_of_pool):
            suite.run(test.__name__, test, daemon)
        suite.run("ends_well", daemon.again)
    suite.done()


main()
