#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""viewers: programs of Debian that have windows, on our client library: virt-viewer and virt-manager, on a screen that nobody sees."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

from lab import Private, Skip, Suite, as_user
from library import TEST, Library

MACHINE = """<domain type='qemu'><name>seen</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><graphics type='vnc' autoport='yes' listen='127.0.0.1'/><video><model type='vga'/></video></devices></domain>"""

VNC = """import libvirt, libvirt_qemu, sys
d = libvirt.open(sys.argv[1]).lookupByName("seen")
print(libvirt_qemu.qemuMonitorCommand(d, '{"execute":"query-vnc"}', 0))"""
START = "import libvirt, sys; libvirt.open(sys.argv[1]).createXML(sys.argv[2])"
STOP = "import libvirt, sys; libvirt.open(sys.argv[1]).lookupByName('seen').destroy()"


@contextlib.contextmanager
def screen():
    out, into = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(into), "-screen", "0", "800x600x24", "-nolisten", "tcp"], pass_fds=[into],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(into)
    with os.fdopen(out) as pipe:
        number = pipe.readline().strip()
    try:
        assert number, "Xvfb does not start"
        yield ":" + number
    finally:
        server.terminate()
        server.wait(10)


class Viewers(Library):
    def program(self, *argv):
        if not shutil.which(argv[0]):
            raise Skip(f"{argv[0]} is not installed")
        # a bus of its own: neither finds another instance of itself
        return subprocess.Popen(["dbus-run-session", "--", *argv], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                start_new_session=True)

    @staticmethod
    def until(process, what, seen):
        deadline = time.monotonic() + 60
        while not seen():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"{what}: not seen; {process.communicate()[0][-600:]}")
            time.sleep(0.1)
        os.killpg(process.pid, 15)
        process.communicate(timeout=20)

    def window(self, name):
        return subprocess.run(["xdotool", "search", "--name", name], env=self.env, capture_output=True, check=False).stdout != b""

    def viewer(self, *options):
        """It shows the machine's screen: QEMU's VNC server has a client."""
        process = self.program("virt-viewer", "-c", self.private.uri(), *options, "seen")
        self.until(process, "a client of VNC", lambda: '"clients":[{' in self.run(sys.executable, "-c", VNC, self.private.uri()))

    def manager(self, uri, name):
        process = self.program("virt-manager", "--no-fork", "-c", uri, "--show-domain-editor", name)
        self.until(process, "a window with the machine's name", lambda: self.window(f"^{name} on "))


def main():
    suite = Suite()
    for program in ("Xvfb", "xdotool", "dbus-run-session"):
        if not shutil.which(program):
            print(f"skip viewers - {program} is not installed")
            return
    with Private() as private, screen() as display:
        private.start("virtqemud")
        viewers = Viewers(private)
        viewers.env.update(DISPLAY=display, NO_AT_BRIDGE="1", GSETTINGS_BACKEND="memory", XDG_SESSION_TYPE="x11")
        viewers.run(sys.executable, "-c", START, private.uri(), MACHINE)
        suite.run("virt-viewer by network", viewers.viewer)
        suite.run("virt-viewer by descriptor", viewers.viewer, "--attach")
        suite.run("virt-manager on qemu", viewers.manager, private.uri(), "seen")
        suite.run("virt-manager on test", viewers.manager, TEST, "test")
        viewers.run(sys.executable, "-c", STOP, private.uri())
    suite.done()


as_user()
main()
