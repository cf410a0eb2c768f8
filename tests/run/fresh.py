#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fresh: what a newcomer does. A Debian 12 on which nothing of ours was ever installed, with git and sudo; a clone; tools/quickstart as
README says it, as root and as an ordinary user. (tools/check, the other command, runs this.)"""

import os
import shutil
import subprocess
import tempfile

import labhost
from hostinstall import borrow
from lab import TOP, Skip, Suite

USER = "newcomer"
CLONE = f"/home/{USER}/vireo"
PICTURE = CLONE + "/build/quickstart.png"
ENTER = r"""
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
folder=$2
shift 2
exec systemd-nspawn -q --register=no --keep-unit --as-pid2 --pipe --machine=fresh --hostname=localhost --resolv-conf=copy-host --timezone=off \
    --bind-ro="$folder/vireo.git:/srv/vireo.git" -D "$folder/root" "$@"
"""


class Fresh:
    """A root directory of its own over debootstrap's, which is only read; each command runs in a container with the machine's network."""

    def __init__(self, folder):
        self.folder = folder
        self.ready = False
        for name in ("upper", "work", "root"):
            os.mkdir(os.path.join(folder, name), 0o755)
        self.base = subprocess.run([labhost.HOSTS, "layer", "base"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        # what is committed, as everybody gets it
        subprocess.run(["git", "-c", "safe.directory=*", "clone", "-q", "--bare", "--no-local", TOP, os.path.join(folder, "vireo.git")], check=True)

    def run(self, command, user="root", timeout=1100):
        """(exit status, all output)"""
        command = "exec 2>&1; " + command
        inside = ["/bin/bash", "-c", command] if user == "root" else ["/bin/su", "-", user, "-c", command]
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "bash", "-euc", ENTER, "-", self.base, self.folder, *inside],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout + (done.stderr if done.returncode else "")  # the container has words of its own

    def sh(self, command, user="root"):
        code, said = self.run(command, user)
        assert code == 0, f"'{command}' ended with {code}: {said[-1500:]}"
        return said

    def path(self, inside):
        return self.folder + "/upper" + inside


def prepare(fresh):
    """What Debian's installer leaves: a user who may use sudo."""
    code, said = fresh.run("apt-get update")
    if code or "Failed to fetch" in said:
        raise Skip("Debian's archive can't be reached")
    fresh.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends git sudo && "
             f"useradd -m -s /bin/bash -G sudo {USER} && echo '%sudo ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sudo")
    fresh.sh(f"git config --global safe.directory '*' && git clone -q file:///srv/vireo.git {CLONE}", USER)
    fresh.ready = True


def without_packages(fresh):
    """As a user, before root did his part: it says what to do, and does nothing."""
    code, said = fresh.run(f"cd {CLONE} && tools/quickstart", USER)
    assert code == 1 and "Run 'sudo tools/quickstart' once, or: sudo apt-get install autoconf" in said, said
    assert not os.path.exists(fresh.path(CLONE + "/build"))


def quickstart(fresh, command, user, picture):
    """It shows everything that README promises, and leaves nothing but its build behind."""
    said = fresh.sh(f"cd {CLONE} && {command} && find /tmp /run -name 'vireo-*' | sed 's/^/left: /'", user)
    for words in ("vireo-guest login:", " quickstart   running", "OS Type:        hvm", "Shutdown", "Done. The guest is gone"):
        assert words in said, f"'{words}' is missing: {said[-1500:]}"
    assert "left: " not in said, said[-500:]
    with open(fresh.path(picture), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n", "the screenshot is no PNG"
    os.unlink(fresh.path(picture))


def by_sudo(fresh):
    """The first command of README; what it builds is the user's."""
    quickstart(fresh, "sudo tools/quickstart", USER, PICTURE)
    foreign = fresh.sh(f"find {CLONE} ! -user {USER} | head -n 3").split()
    assert not foreign, f"not the user's: {foreign}"


def by_user(fresh):
    """Once the packages are in, without root."""
    quickstart(fresh, "tools/quickstart", USER, PICTURE)


def by_root(fresh):
    """Root himself, who owns nothing of it."""
    quickstart(fresh, "SCREENSHOT=/root/picture.png tools/quickstart", "root", "/root/picture.png")


MACHINE = """<domain type='qemu'><name>first</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><console type='pty'/></devices></domain>
"""


def on_a_host(fresh):
    """README's other commands, on the same Debian when it runs: nothing of libvirt was ever there. Then a client library that is libvirt's."""
    host = labhost.Host(fresh.path(""), layer="base")
    try:
        assert host.sh("id libvirt-qemu", check=False)[0] != 0
        host.sh(f"make -C {CLONE}/build install", timeout=300)
        host.sh("systemctl enable --now virtqemud.socket 2>&1")
        host.write("/tmp/first.xml", MACHINE)
        host.virsh("create /tmp/first.xml")
        assert host.sh("stat -c %U /proc/$(cat /run/libvirt/qemu/first.pid)").strip() == "libvirt-qemu", "QEMU isn't unprivileged"
        assert "root" not in host.sh("journalctl -q -u virtqemud.service -p warning"), "there is a warning"
        host.virsh("destroy first")
        host.sh(f"make -C {CLONE}/build install")  # again: nothing is in its own way
        # no systemd of the user's, no socket: the client library is Debian's, and knows no name but libvirtd
        host.sh(f"chown -R {USER}: /home/{USER}")  # what laid the tree there made all of it root's
        host.sh("rm -rf /usr/bin/virsh /usr/lib/libvirt* /usr/lib/*/libvirt*")
        borrow(host, "libvirt-clients")
        virsh = "env -u XDG_RUNTIME_DIR virsh -q -c qemu:///session "
        for _ in range(2):  # the second time its socket's name is there and leads nowhere
            said = host.sh(f"su - {USER} -c '{virsh} version --daemon && {virsh} create /tmp/first.xml && {virsh} destroy first'")
            assert "Running against daemon: 12." in said, said
            host.sh(f"kill $(cat /home/{USER}/.cache/libvirt/virtqemud.pid); while test -e /home/{USER}/.cache/libvirt/virtqemud-sock; do sleep 0.05; done")
        host.sh(f"make -C {CLONE}/build uninstall && test ! -e /usr/sbin/libvirtd -a ! -L /usr/sbin/libvirtd")
    finally:
        host.down()


def main():
    suite = Suite()
    why = labhost.missing() or (None if shutil.which("git") and os.path.exists(TOP + "/.git") else "this is no clone")
    if why:
        print(f"skip fresh - {why}")
        return
    folder = tempfile.mkdtemp(prefix="vireo-fresh-", dir="/var/tmp")  # an overlay's upper directory can't be one itself, as /tmp may
    try:
        fresh = Fresh(folder)
        for test in (prepare, without_packages, by_sudo, by_user, by_root, on_a_host):
            if fresh.ready or test is prepare:
                suite.run("fresh: " + test.__name__.replace("_", " "), test, fresh)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    suite.done()


if __name__ == "__main__":
    main()
