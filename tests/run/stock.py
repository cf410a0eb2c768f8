#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stock: our client library with libvirt's own daemon: what stock's library gets from it, ours gets too, call by call; and a machine
moves from one such daemon to another, led by our library."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time

from lab import Private, Skip, Suite, as_user, build_dir

DISK = """<disk type='file'><driver name='qemu' type='qcow2'/><source file='{home}/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>"""
MACHINE = """<domain type='qemu'><name>one</name><uuid>5f4b1f0e-37f6-4d4f-9a53-2f2b3f7a0001</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{disk}<console type='pty'/><graphics type='vnc' port='-1'/>
<video><model type='vga'/></video></devices></domain>"""
POOL = "<pool type='dir'><name>pool</name><uuid>5f4b1f0e-37f6-4d4f-9a53-2f2b3f7a0002</uuid><target><path>{home}/pool</path></target></pool>"
VOLUME = "<volume><name>volume</name><capacity>1048576</capacity></volume>"
NETWORK = "<network><name>net</name><uuid>5f4b1f0e-37f6-4d4f-9a53-2f2b3f7a0003</uuid><forward mode='bridge'/><bridge name='br99'/></network>"
SECRET = "<secret ephemeral='no' private='no'><uuid>5f4b1f0e-37f6-4d4f-9a53-2f2b3f7a0004</uuid><usage type='volume'><volume>/nowhere</volume></usage></secret>"
# What says something else each time, waits, or changes what the others say.
LEFT_OUT = re.compile(r"(?i)^(c_|_|connect$|get_connect|close|free|ref|.*[Ee]vent|suspend|resume|destroy|undefine|create|delete|shutdown|reboot|reset|save|"
                      r"managedSave|restore|.*Stats|getTime|migrate|abort|det+ach|reattach|wipe|refresh|build|pMWakeup|pmWakeup|injectNMI|"
                      r"getCPUTime|freePages|interface|.*FreeMemory|getFreePages|listDevices|getSysinfo|getAllDomainStats|setTime|fs|guestInfo|ID$|vcpus$|getInfo$|.*Interfaces|getMemoryParameters|listAllDevices|numOfDevices|info$|.*[Aa]gent|hostname)")


class Teller:
    """Calls in order, with what came of each."""

    def __init__(self, home):
        self.home, self.told = home, []

    def plain(self, value):
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        if isinstance(value, (list, tuple)):
            made = [self.plain(v) for v in value]
            return sorted(made, key=str) if value and hasattr(value[0], "_o") else made
        if isinstance(value, dict):
            return {str(k): self.plain(v) for k, v in value.items()}
        if hasattr(value, "_o"):
            return type(value).__name__
        text = str(value) if not isinstance(value, (int, float, str, type(None))) else value
        return re.sub(r"(?:libvirt-|domain-)\d+-|tray='\w+'|id='\d+'|port='\d+'|/dev/pts/\d+|<(?:allocation|available|physical|mtime|ctime|atime|btime)[^<]*</\w+>|"
                      r"<creationTime>\d+", "?", text.replace(self.home, "HOME")) if isinstance(text, str) else text

    def say(self, name, call, *arguments):
        import libvirt  # pylint: disable=import-outside-toplevel
        try:
            result = call(*arguments)
            self.told.append([name, self.plain(result)])
            return result
        except libvirt.libvirtError as e:
            self.told.append([name, [e.get_error_code(), e.get_error_domain(), self.plain(e.get_error_message())]])
        return None

    def everything(self, object_):
        """Each method that can be called with no more than flags."""
        for name, method in inspect.getmembers(object_, inspect.ismethod):
            needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            if not needed and not LEFT_OUT.match(name):
                self.say(f"{type(object_).__name__}.{name}", method)


def stream_through(teller, conn, volume):
    """Up in pieces, down whole, and sparse both ways."""
    content = b"begin" + bytes(300000) + b"end"
    stream = conn.newStream()
    teller.say("upload", volume.upload, stream, 0, len(content))
    rest = [content]

    def source(_stream, count, _opaque):
        piece, rest[0] = rest[0][:count], rest[0][count:]
        return piece
    teller.say("sendAll", stream.sendAll, source, None)
    teller.say("finish", stream.finish)
    for sparse in (0, 1):
        stream, got = conn.newStream(), []
        teller.say("download", volume.download, stream, 0, len(content), sparse)
        if sparse:
            teller.say("sparseRecvAll", stream.sparseRecvAll, lambda _s, data, _o: got.append(data), lambda _s, length, _o: got.append(bytes(length)), None)
        else:
            teller.say("recvAll", stream.recvAll, lambda _s, data, _o: got.append(data), None)
        teller.say("finish", stream.finish)
        teller.told.append(["content", b"".join(got) == content])
    stream = conn.newStream()
    teller.say("download", volume.download, stream, 0, 0)
    teller.say("abort", stream.abort)


def life(teller, libvirt, conn, home):
    machine = teller.say("defineXML", conn.defineXML, MACHINE.format(disk=DISK.format(home=home)))
    teller.say("wrong XML", conn.defineXML, "<domain>")
    teller.everything(machine)
    teller.say("create", machine.create)
    machine.suspend()
    teller.everything(machine)
    for name, arguments in {"blockInfo": ("vda",), "blockStats": ("vda",), "XMLDesc": (1,), "schedulerParameters": (), "blkioParameters": (1,),
                            "memoryParameters": (1,), "numaParameters": (1,), "blockIoTune": ("vda",), "blockJobInfo": ("vda",), "pinVcpu": (0, (True,)),
                            "emulatorPinInfo": (1,), "setMetadata": (1, "a title", None, None), "metadata": (1, None), "setMemoryStatsPeriod": (2,), "vcpusFlags": (2,),
                            "setVcpusFlags": (1, 2), "openConsole": (None, conn.newStream()), "attachDeviceFlags": ("<disk/>", 1), "blockResize": ("vda", 4096),
                            "blockPeek": ("vda", 0, 16), "memoryPeek": (0, 16), "jobStats": (), "jobInfo": (), "sendKey": (0, 0, [30], 1),
                            "snapshotCreateXML": ("<domainsnapshot><name>s</name></domainsnapshot>",), "snapshotListNames": (), "snapshotNum": (),
                            "hasCurrentSnapshot": (), "guestVcpus": (), "setPerfEvents": ({"cmt": True},), "perfEvents": (), "blockThreshold": (), "iothreadInfo": (2,),
                            "setBlockThreshold": ("vda", 4096), "blockCommit": ("vda", None, None), "updateDeviceFlags": ("<graphics type='vnc' passwd='x'/>", 1)}.items():
        if hasattr(machine, name):
            teller.say(name, getattr(machine, name), *arguments)
    snapshot = teller.say("snapshotLookupByName", machine.snapshotLookupByName, "s")
    if snapshot:
        teller.everything(snapshot)
        teller.say("revert", machine.revertToSnapshot, snapshot)
        teller.say("delete", snapshot.delete)
    fd = teller.say("openGraphicsFD", lambda: os.close(machine.openGraphicsFD(0)))
    stream = conn.newStream()
    teller.told.append(["fd", fd, teller.say("screenshot", machine.screenshot, stream, 0)])
    size = []
    stream.recvAll(lambda _s, data, _o: size.append(len(data)), None)
    stream.finish()
    teller.told.append(["screen", sum(size) > 1000])
    os.chdir(home)
    teller.say("save", machine.save, "saved")  # a path of this process
    teller.say("saveImageGetXMLDesc", conn.saveImageGetXMLDesc, home + "/saved")
    teller.say("restore", conn.restore, "saved")
    teller.say("allDomainStats", lambda: [sorted(s) for _, s in conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BALLOON)])
    teller.say("destroy", machine.destroy)
    teller.say("destroy again", machine.destroy)
    teller.say("undefine", machine.undefine)


def work(uri, home):
    """All of it on one library; the daemon is left as it was found."""
    import libvirt  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda *_: None, None)
    teller = Teller(home)
    conn = libvirt.open(uri)
    teller.everything(conn)
    teller.say("getCPUModelNames", conn.getCPUModelNames, "x86_64")
    teller.say("compareCPU", conn.compareCPU, "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>")
    teller.say("baselineCPU", conn.baselineCPU, ["<cpu><arch>x86_64</arch><model>qemu64</model></cpu>"])
    teller.say("domainXMLToNative", conn.domainXMLToNative, "qemu-argv", MACHINE.format(disk=""))
    teller.say("findStoragePoolSources", conn.findStoragePoolSources, "dir", None, 0)
    for name in ("lookupByName", "networkLookupByName", "storagePoolLookupByName", "nodeDeviceLookupByName", "interfaceLookupByName", "nwfilterLookupByName",
                 "secretLookupByUUIDString", "lookupByUUIDString", "storageVolLookupByPath"):
        teller.say(name, getattr(conn, name), "nobody")
    os.makedirs(home + "/pool", exist_ok=True)
    pool = teller.say("storagePoolDefineXML", conn.storagePoolDefineXML, POOL.format(home=home))
    teller.say("create pool", pool.create)
    volume = teller.say("createXML", pool.createXML, VOLUME)
    for object_ in (pool, volume):
        teller.everything(object_)
    stream_through(teller, conn, volume)
    teller.say("resize", volume.resize, 2097152)
    teller.say("delete", volume.delete)
    teller.say("destroy pool", pool.destroy)
    teller.say("undefine pool", pool.undefine)
    network = teller.say("networkDefineXML", conn.networkDefineXML, NETWORK)
    teller.everything(network)
    teller.say("undefine network", network.undefine)
    secret = teller.say("secretDefineXML", conn.secretDefineXML, SECRET)
    teller.say("setValue", secret.setValue, b"value")
    teller.say("value", secret.value)
    teller.everything(secret)
    teller.say("undefine secret", secret.undefine)
    life(teller, libvirt, conn, home)
    print(json.dumps(teller.told))


def work_local():
    """Every method without arguments of everything that the test driver has at first."""
    import libvirt  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda *_: None, None)
    conn = libvirt.open("test:///default")
    teller = Teller("/nowhere")
    teller.everything(conn)
    for list_ in (conn.listAllDomains, conn.listAllNetworks, conn.listAllStoragePools, conn.listAllDevices, conn.listAllInterfaces):
        for object_ in sorted(list_(), key=lambda o: o.name()):
            teller.everything(object_)
    print(json.dumps([told for told in teller.told if told[0] != "virConnect.getLibVersion"]))


MOVE = r"""
import libvirt, sys
source, target = libvirt.open(sys.argv[1]), libvirt.open(sys.argv[2])
machine = source.createXML(sys.argv[3])
how = {"migrate": lambda: machine.migrate(target, libvirt.VIR_MIGRATE_LIVE, None, "tcp:127.0.0.1", 0),
       "migrate3": lambda: machine.migrate3(target, {"migrate_uri": "tcp:127.0.0.1", "destination_name": "moved"}, libvirt.VIR_MIGRATE_LIVE),
       "peer": lambda: machine.migrate2(target, None, libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_LIVE, None, "tcp:127.0.0.1", 0),
       "tunnel": lambda: machine.migrate2(target, None, libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_TUNNELLED, None, None, 0)}
how[sys.argv[4]]()
print(source.numOfDomains(), [d.name() for d in target.listAllDomains()], [d.isActive() for d in target.listAllDomains()])
for d in target.listAllDomains(): d.destroy()
"""


class Stock(Private):
    """A session in which libvirt's own daemon serves; host: its UUID."""

    def libvirtd(self, host):
        os.makedirs(self.env["XDG_CONFIG_HOME"] + "/libvirt", exist_ok=True)
        self.file("config/libvirt/libvirtd.conf", f'host_uuid = "{host}"\nauth_unix_rw = "none"\n')
        log = open(self.home + "/libvirtd.log", "w", encoding="utf-8")
        self.daemons["libvirtd"] = subprocess.Popen(["/usr/sbin/libvirtd"], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.run + "/libvirt-sock"):
            assert self.daemons["libvirtd"].poll() is None and time.monotonic() < deadline, f"libvirtd does not start: {self.log('libvirtd')[-500:]}"
            time.sleep(0.05)

    def stock_uri(self):
        return f"qemu+unix:///session?socket={self.run}/libvirt-sock"


def on_library(library, env, *argv):
    env = {k: v for k, v in env.items() if k != "LD_LIBRARY_PATH"}
    if library:
        env["LD_LIBRARY_PATH"] = library
    done = subprocess.run([sys.executable, *argv], env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout


def compare(stock, ours):
    different = [(a, b) for a, b in zip(stock, ours) if a != b]
    for theirs, mine in different:
        print(f"{theirs[0]}: stock {json.dumps(theirs[1:])[:600]}, ours {mine[0]} {json.dumps(mine[1:])[:600]}")
    assert not different and len(stock) == len(ours), f"{len(different)} of {len(stock)} calls differ"


def call_by_call(session, ours):
    told = {}
    for library in (None, ours):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", session.home + "/disk.qcow2", "16M"], check=True)
        told[library] = json.loads(on_library(library, session.env, os.path.abspath(__file__), "--worker", session.stock_uri(), session.home))
    compare(told[None], told[ours])


def test_driver(ours):
    compare(*(json.loads(on_library(library, os.environ, os.path.abspath(__file__), "--local")) for library in (None, ours)))


def move(source, target, ours, how, name):
    told = on_library(ours, source.env, "-c", MOVE, source.stock_uri(), target.stock_uri(), MACHINE.format(disk=""), how)
    assert told == f"0 ['{name}'] [1]\n", told


def main():
    if sys.argv[1:2] == ["--worker"]:
        work(*sys.argv[2:4])
        return
    if sys.argv[1:2] == ["--local"]:
        work_local()
        return
    suite = Suite()
    if not os.path.exists("/usr/sbin/libvirtd") or not shutil.which("qemu-img"):
        print("skip stock - libvirtd or qemu-img is not installed")
        return
    ours = os.path.join(build_dir(), "libvirt", ".libs")
    suite.run("test driver", test_driver, ours)
    with Stock() as source, Stock() as target:
        source.libvirtd("11111111-37f6-4d4f-9a53-2f2b3f7a0001")
        suite.run("call by call", call_by_call, source, ours)
        target.libvirtd("22222222-37f6-4d4f-9a53-2f2b3f7a0002")
        for how, name in (("migrate", "one"), ("migrate3", "moved"), ("peer", "one"), ("tunnel", "one")):
            suite.run("a machine moves: " + how, move, source, target, ours, how, name)
    suite.done()


if __name__ == "__main__":
    as_user()
    main()
