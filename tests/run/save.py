#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""save: machines to disk and back, dumps, images that are broken; in words, states and events as stock libvirt 9.0 has them."""

import os
import shutil
import struct
import subprocess
import sys
import time

from lab import Private, Skip, Suite, build_dir, wait_for

NOBODY = "65534"
HEADER = struct.Struct("=16s19I")

MACHINE = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices><controller type='usb' model='none'/>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{home}/{name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <memballoon model='virtio'/></devices>
</domain>"""


class Save:
    def __init__(self, private):
        self.private, self.virsh = private, private.virsh
        self.image = os.path.join(private.home, "image")
        self.managed = os.path.join(private.home, "config", "libvirt", "qemu", "save", "t.save")

    def begin(self):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", os.path.join(self.private.home, "t.qcow2"), "1M"], check=True)
        self.virsh("define", self.private.file("t.xml", MACHINE.format(name="t", home=self.private.home)))

    def clear(self):
        for command in (("destroy", "t"), ("undefine", "--managed-save", "t")):
            self.virsh(*command, check=False)
        if os.path.exists(self.image):
            os.unlink(self.image)

    def state(self, wanted):
        found = self.virsh("domstate", "--reason", "t").strip()
        assert found == wanted, f"{found}, not {wanted}"

    def refused(self, *command, says):
        code, _, error = self.virsh(*command, check=False)
        assert code == 1 and says in error, f"virsh {' '.join(command)}: {code} {error}, not '{says}'"

    # ---- the tests ----

    def save_and_restore(self):
        self.virsh("start", "t")
        before = self.virsh("dumpxml", "t")
        self.virsh("save", "t", self.image)
        self.state("shut off (saved)")
        with open(self.image, "rb") as file:
            magic, version, length, running, packed, *rest = HEADER.unpack(file.read(HEADER.size))
            text = file.read(length)
            assert (magic, version, running, packed, rest) == (b"LibvirtQemudSave", 2, 1, 0, [0] * 15), (magic, version, running, packed, rest)
            assert text.startswith(b"<domain type='qemu'>") and b"</domain>\n\0" in text
            assert file.read(4) == b"QEVM"
        assert os.stat(self.image).st_mode & 0o777 == 0o600
        assert "<name>t</name>" in self.virsh("save-image-dumpxml", self.image)
        self.virsh("restore", self.image)
        self.state("running (restored)")
        kept = [line for line in before.splitlines() if "<domain" not in line and "domain-" not in line]
        after = [line for line in self.virsh("dumpxml", "t").splitlines() if "<domain" not in line and "domain-" not in line]
        assert kept == after, [pair for pair in zip(kept, after) if pair[0] != pair[1]][:3]
        self.refused("restore", self.image, says="domain 't' is already active")

    def managed_save(self):
        self.virsh("start", "t")
        self.virsh("managedsave", "t")
        self.state("shut off (saved)")
        assert "Managed save:   yes" in self.virsh("dominfo", "t") and "<name>t</name>" in self.virsh("managedsave-dumpxml", "t")
        self.refused("undefine", "t", says="Refusing to undefine while domain managed save image exists")
        self.virsh("start", "t")
        self.state("running (restored)")
        assert not os.path.exists(self.managed)
        self.virsh("suspend", "t")
        self.virsh("managedsave", "t")
        self.virsh("start", "t")
        self.state("paused (migrating)")
        self.virsh("resume", "t")
        self.virsh("managedsave", "t", "--paused")
        self.virsh("start", "t", "--force-boot")
        self.state("running (booted)")
        assert not os.path.exists(self.managed)
        self.virsh("managedsave", "t")
        self.virsh("managedsave-remove", "t")
        assert not os.path.exists(self.managed)

    def other_definition(self):
        self.virsh("start", "t")
        self.virsh("save", "t", self.image)
        text = self.virsh("save-image-dumpxml", self.image)
        changed = self.private.file("changed.xml", text.replace("<name>t</name>", "<name>t</name>\n  <title>another</title>"))
        self.virsh("save-image-define", self.image, changed, "--paused")
        assert "<title>another</title>" in self.virsh("save-image-dumpxml", self.image)
        broken = self.private.file("broken.xml", text.replace("<vcpu placement='static'>1", "<vcpu placement='static'>2"))
        self.refused("save-image-define", self.image, broken, says="unsupported configuration: ")
        self.refused("restore", self.image, "--xml", broken, says="unsupported configuration: ")
        self.virsh("restore", self.image)
        self.state("paused (migrating)")
        assert "<title>another</title>" in self.virsh("dumpxml", "t")

    def broken_images(self):
        self.virsh("start", "t")
        self.virsh("save", "t", self.image)
        with open(self.image, "rb") as file:
            good = file.read()
        for change, words in ((b"LibvirtQemudPart" + good[16:], "save image is incomplete"), (b"x" * 200, "image magic is incorrect"), (b"", "image magic is incorrect"),
                              (good[:16] + struct.pack("=I", 3) + good[20:], "image version is not supported (3 > 2)"),
                              (good[:20] + struct.pack("=I", 0xFFFFFFFF) + good[24:], "invalid header data length: 4294967295"),
                              (good[:20] + struct.pack("=I", len(good) * 2) + good[24:], "failed to read domain XML"),
                              (good[:28] + struct.pack("=I", 1) + good[32:], "'gzip' failed with the saved state: gzip: stdin: not in gzip format"),
                              (good[:100] + b"<" + good[101:], "(domain_definition):1: "), (good[:len(good) // 2], "")):
            with open(self.image, "wb") as file:
                file.write(change)
            self.refused("restore", self.image, says=words)
            self.state("shut off (failed)" if not words else "shut off (saved)")
        self.refused("restore", self.image + "none", says="No such file or directory")
        with open(self.managed, "wb") as file:
            file.write(b"LibvirtQemudPart" + good[16:])
        self.virsh("start", "t")  # its writer was killed: the machine had gone on
        self.state("running (booted)")
        assert not os.path.exists(self.managed)

    def save_fails(self):
        self.virsh("start", "t")
        self.refused("save", "t", "/nonexistent/image", says="Failed to create file '/nonexistent/image': No such file or directory")
        self.state("running (save canceled)")
        os.symlink("/dev/full", self.image)  # what QEMU's user could have put there is not followed, and not removed
        self.refused("save", "t", self.image, says="Failed to create file")
        os.unlink(self.image)
        self.refused("save", "t", "/dev/full", says="No space left on device")
        assert os.path.exists("/dev/full")
        self.state("running (save canceled)")
        self.refused("managedsave-dumpxml", "t", says="domain does not have managed save image")

    def dumps(self):
        self.virsh("start", "t")
        self.virsh("dump", "t", self.image, "--memory-only")
        with open(self.image, "rb") as file:
            assert file.read(4) == b"\x7fELF"
        assert os.path.getsize(self.image) > 64 << 20
        self.state("running (unpaused)")
        self.virsh("dump", "t", self.image, "--memory-only", "--format", "kdump-zlib")
        with open(self.image, "rb") as file:
            assert file.read(16).startswith((b"makedumpfile", b"KDUMP"))
        self.virsh("dump", "t", self.image)
        with open(self.image, "rb") as file:
            assert file.read(4) == b"QEVM"
        self.virsh("dump", "t", self.image, "--memory-only", "--live")
        self.state("running (unpaused)")
        self.virsh("dump", "t", self.image, "--memory-only", "--crash")
        self.state("shut off (crashed)")

    def events(self):
        path = os.path.join(self.private.home, "events")
        with open(path, "w") as out:
            watch = subprocess.Popen(["stdbuf", "-oL", "virsh", "-c", self.private.uri(), "event", "--event", "lifecycle", "--loop"], env=self.private.env,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            time.sleep(0.3)
            self.virsh("start", "t")
            self.virsh("save", "t", self.image)
            self.virsh("restore", self.image)
            self.virsh("managedsave", "t", "--paused")
            self.virsh("start", "t")
            wanted = ["Resumed Unpaused", "Started Booted", "Suspended Paused", "Stopped Saved", "Started Restored", "Resumed Snapshot",
                      "Suspended Paused", "Stopped Saved", "Started Restored", "Suspended Restored"]
            deadline = time.monotonic() + 10
            while True:
                with open(path) as lines:
                    found = [line.strip().split(": ", 1)[1] for line in lines if line.startswith("event ")]
                if len(found) >= len(wanted) or time.monotonic() > deadline:
                    break
                time.sleep(0.01)
            assert found == wanted, found
        finally:
            watch.terminate()
            watch.wait()

    # ---- compressed, and past the page cache ----

    FIRST = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ", "lzop": b"\x89LZO", "zstd": b"\x28\xb5\x2f\xfd"}

    def configure(self, *lines):
        with open(os.path.join(self.private.home, "config", "libvirt", "qemu.conf"), "w") as file:
            file.write("\n".join(lines) + "\n")
        self.private.stop("virtqemud")
        self.private.start("virtqemud")

    def packed(self):
        dump = os.path.join(self.private.home, "dump")
        for number, (name, first) in enumerate(self.FIRST.items(), 1):
            if not shutil.which(name):
                print(f"# no {name} here")
                continue
            self.configure(f'save_image_format = "{name}"', f'dump_image_format = "{name}"')
            self.virsh("start", "t")
            self.virsh("dump", "t", dump)
            with open(dump, "rb") as file:
                assert file.read(len(first)) == first, name
            os.unlink(dump)
            self.virsh("save", "t", self.image)
            with open(self.image, "rb") as file:
                _, _, length, _, packed, *_ = HEADER.unpack(file.read(HEADER.size))
                file.seek(HEADER.size + length)
                assert packed == number and file.read(len(first)) == first, (name, packed)
            assert "<name>t</name>" in self.virsh("save-image-dumpxml", self.image)
            self.virsh("restore", self.image)
            self.state("running (restored)")
            self.virsh("managedsave", "t")
            self.virsh("start", "t")
            self.virsh("destroy", "t")
        with open(self.image, "r+b") as file:  # it ends too early
            file.truncate(os.stat(self.image).st_size // 2)
        self.refused("restore", self.image, says="'zstd' failed with the saved state")
        self.state("shut off (destroyed)")
        self.configure('save_image_format = "raw"')

    def past_cache(self):
        with open(self.image, "wb") as file:
            try:
                os.close(os.open(self.image, os.O_WRONLY | os.O_DIRECT))
            except OSError:
                print("# this file system has no O_DIRECT")
                return
        self.virsh("start", "t")
        self.virsh("save", "--bypass-cache", "t", self.image)
        with open(self.image, "rb") as file:
            header = HEADER.unpack(file.read(HEADER.size))
            assert (HEADER.size + header[2]) % 4096 == 0 and header[4] == 0, header
        self.virsh("restore", "--bypass-cache", self.image)
        self.state("running (restored)")
        self.virsh("managedsave", "--bypass-cache", "t")
        self.virsh("start", "--bypass-cache", "t")
        self.state("running (restored)")

    def of_stock(self):
        """What libvirt compressed starts with ours, and the other way round."""
        if not shutil.which("libvirtd"):
            raise Skip("no libvirtd here")
        home = os.path.join(self.private.home, "stock")
        env = dict(self.private.env, HOME=home, **{"XDG_" + name: os.path.join(home, name) for name in ("RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME")})
        os.makedirs(os.path.join(home, "CONFIG_HOME", "libvirt"))
        os.makedirs(os.path.join(home, "RUNTIME_DIR"), mode=0o700)
        with open(os.path.join(home, "CONFIG_HOME", "libvirt", "qemu.conf"), "w") as file:
            file.write('save_image_format = "xz"\nstdio_handler = "file"\n')
        with open(os.path.join(home, "log"), "w") as log:
            daemon = subprocess.Popen(["libvirtd"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        path = os.path.join(home, "RUNTIME_DIR", "libvirt", "libvirt-sock")
        wait_for(lambda: os.path.exists(path), lambda: "libvirtd doesn't listen", 20)

        def stock(*command):
            done = subprocess.run(["virsh", "-q", "-c", "qemu:///session", *command], env=env, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{command}: {done.stderr}"
        self.virsh("undefine", "t")
        with open(os.path.join(self.private.home, "t.xml")) as file:  # the same to both
            text = file.read().replace("<name>", "<uuid>70000000-0000-4000-8000-00000000000a</uuid><name>")
        self.private.file("t.xml", text)
        self.virsh("define", os.path.join(self.private.home, "t.xml"))
        try:
            stock("create", os.path.join(self.private.home, "t.xml"))
            stock("save", "t", self.image)
            self.virsh("restore", self.image)
            self.state("running (restored)")
            self.configure('save_image_format = "gzip"')
            self.virsh("save", "t", self.image)
            stock("restore", self.image)
            stock("destroy", "t")
        finally:
            daemon.terminate()
            daemon.wait()
        self.configure('save_image_format = "raw"')


def main():
    build_dir()
    if os.geteuid() == 0:
        os.execvp("setpriv", ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "/usr/bin/python3",
                              os.path.abspath(__file__), *sys.argv[1:]])
    if not shutil.which("qemu-system-x86_64"):
        print("skip save - no qemu-system-x86_64")
        return
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        save = Save(private)
        for test in (save.save_and_restore, save.managed_save, save.other_definition, save.broken_images, save.save_fails, save.dumps, save.events, save.packed,
                     save.past_cache, save.of_stock):
            if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
                save.begin()
                suite.run(test.__name__, test)
                save.clear()
        private.alive("virtqemud")
    suite.done()


main()
