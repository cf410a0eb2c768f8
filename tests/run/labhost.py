# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole hosts for suites, from ../shared/lab: systemd in a container (Host) or a virtual machine with a kernel of its own (Machine), each with
Debian's libvirt and our daemons installed; one of the two is at work at a time."""

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import time

from lab import TOP, build_dir

HOSTS = os.path.join(TOP, "..", "shared", "lab", "hosts.sh")
MACHINES = os.path.join(TOP, "..", "shared", "lab", "machine.sh")

RUNS = os.environ.get("LAB_RUNS") or os.path.join(os.environ.get("LAB_CACHE", f"/var/tmp/lab-cache-{os.geteuid()}"), "runs")
USERS = {"alice": 1000, "bob": 1001}  # that every host has

STOCK_UNITS = "libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket"
with open(os.path.join(TOP, "units", "daemons.tsv")) as table:
    DAEMONS = [line.split("\t")[0] for line in table if not line.startswith("#")]
OUR_SERVICES = " ".join(name + ".service" for name in DAEMONS)
OUR_UNITS = " ".join(f"{name}{kind}.socket" for name in DAEMONS for kind in ("", "-ro", "-admin"))


# hosts.sh asks apt for it at every call
os.environ.setdefault("MIRROR", subprocess.run("apt-get indextargets --format '$(SITE)' 'Component: main' 'Codename: bookworm' | sed -n 1p", shell=True,
                                               stdout=subprocess.PIPE, text=True, check=False).stdout.strip())


def missing():
    """Why there are no hosts here; None when there are."""
    if os.geteuid() != 0 or not os.path.exists(HOSTS):
        return "needs root and ../shared/lab"
    return None if shutil.which("systemd-nspawn") else "no systemd-nspawn here (systemd-container)"


@contextlib.contextmanager
def installed(guest=False):
    """A folder with what `make install` installs, for hosts whose clients are stock's: our libraries and programs for users stay out. With
    guest, a small guest in /guest, too."""
    with tempfile.TemporaryDirectory(prefix="vireo-tree-") as tree:
        subprocess.run(["make", "-s", "-C", build_dir(), "install", "DESTDIR=" + tree], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        for path in glob.glob(tree + "/usr/bin/*") + glob.glob(tree + "/usr/lib*/libvirt*") + glob.glob(tree + "/usr/lib/*/libvirt*"):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        if guest:
            os.makedirs(tree + "/guest")
            subprocess.run([os.path.join(TOP, "tools", "make-guest"), tree + "/guest"], check=True)
        os.chmod(tree, 0o755)
        yield tree


def copy_program(path, folder):
    """One of the build's programs, which may be a script of libtool's until it is installed."""
    real = os.path.join(os.path.dirname(path), ".libs", os.path.basename(path))
    shutil.copy2(real if os.path.exists(real) else path, folder)


class Host:
    """A container. HOST names one that runs already: it gets the tree and is left."""

    def __init__(self, tree, unified=False, layer="libvirt"):
        if os.environ.get("HOST"):
            self.run = os.environ["HOST"]
            subprocess.run([HOSTS, "put", self.run, "h1", tree], check=True)
            self.to_stock()
            self.to_ours()
            for name in self.virsh("list --all --name").split():
                self.virsh(f"destroy {name}", check=False)
                self.virsh(f"undefine {name} --nvram --managed-save --remove-all-storage", check=False)
            return
        env = dict(os.environ, **({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if unified else {}))
        up = subprocess.run([HOSTS, "up", "-n", "1", "-l", layer, "-t", tree], stdout=subprocess.PIPE, text=True, env=env, check=False)
        if up.returncode:
            raise RuntimeError("no lab host came up")
        self.run = up.stdout.strip()

    def leader(self):
        """The process that is the host's first, as it is seen from outside."""
        with open(os.path.join(RUNS, self.run, "h1", "nspawn.pid")) as file:
            nspawn = file.read().strip()
        with open(f"/proc/{nspawn}/task/{nspawn}/children") as children:
            return children.read().split()[0]

    def enter(self, *command):
        """The arguments that run a command in the host, as `hosts.sh exec` does, without its ten processes."""
        return ["nsenter", "-t", self.leader(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", "env", "-i", "HOME=/root", "LANG=C.UTF-8",
                "TERM=dumb", "container=systemd-nspawn", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *command]

    def sh(self, command, user=None, login=False, check=True, timeout=120):
        """A command line in the host, of root or of a user; login: in a session of logind's. (status, stdout, stderr), or stdout of a success with
        check."""
        runtime = user and f"XDG_RUNTIME_DIR=/run/user/{USERS[user]}"
        way = ["sh", "-c", command]
        if login:
            way = ["systemd-run", "-q", "--pipe", "--wait", "--collect", "--uid=" + user, "-p", "PAMName=login", "-E", runtime, "--", *way]
        elif user:
            way = ["runuser", "-u", user, "--", "env", f"HOME=/home/{user}", f"USER={user}", runtime, *way]
        done = subprocess.run(self.enter(*way), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
        if not check:
            return done.returncode, done.stdout, done.stderr
        assert done.returncode == 0, f"'{command}': {done.stderr.strip()} {done.stdout.strip()}"
        return done.stdout

    def virsh(self, command, user=None, login=False, check=True):
        return self.sh("virsh -q -c qemu:///system " + command, user, login, check)

    def ask(self, *commands):
        """What virsh prints for each of them, by one process."""
        return dict(zip(commands, self.virsh("'" + "; echo @@@; ".join(commands) + "'").split("@@@")))

    def refused(self, command, text, user=None, login=False):
        code, _, error = self.virsh(command, user, login, check=False)
        assert code != 0 and text in error, f"{command}: {code} {error}"

    def write(self, path, text):
        subprocess.run(self.enter("sh", "-c", f"mkdir -p $(dirname {path}); cat >{path}"), input=text, text=True, check=True)

    def active(self, unit):
        return self.sh(f"systemctl is-active {unit}", check=False)[1].strip()

    def until(self, what, test, seconds=30):
        deadline = time.monotonic() + seconds
        while not test():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.2)

    def pid(self, daemon="virtqemud"):
        return int(self.sh(f"systemctl show -P MainPID {daemon}.service"))

    def to_ours(self):
        self.sh(f"systemctl stop {STOCK_UNITS} 2>&1; systemctl start {OUR_UNITS}")

    def to_stock(self):
        # it is started often here: systemd must not think that it fails
        self.sh(f"systemctl stop {OUR_SERVICES} {OUR_UNITS} 2>&1; systemctl reset-failed {STOCK_UNITS} 2>&1; systemctl start libvirtd.socket")

    def power_cut(self):
        """The power goes, and comes again."""
        subprocess.run([HOSTS, "kill", self.run, "h1"], check=True)
        subprocess.run([HOSTS, "boot", self.run, "h1"], check=True)

    def down(self):
        if os.environ.get("KEEP") or os.environ.get("HOST"):
            print(f"# kept: {HOSTS} exec {self.run} h1 bash")
            return
        logs = os.environ.get("LOGS")
        if logs:
            subprocess.run([HOSTS, "logs", self.run, logs], check=False)
        subprocess.run([HOSTS, "down", self.run], check=False)


class Machine:
    """A virtual machine; it takes a minute to come up. RUN names one that runs already: it gets the tree and is left."""

    def __init__(self, tree):
        self.run = os.environ.get("RUN")
        self.ours = not self.run
        if self.run:
            subprocess.run([MACHINES, "put", self.run, tree], check=True, stdout=subprocess.DEVNULL)
        else:
            self.run = subprocess.run([MACHINES, "up", "-l", "libvirt", "-t", tree], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def sh(self, command, check=True):
        """A command line in the machine: (status, output), or the output of a success with check."""
        done = subprocess.run([MACHINES, "exec", self.run, "bash", "-s"], input=command + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=300, check=False)
        if not check:
            return done.returncode, done.stdout
        assert done.returncode == 0, f"'{command}': {done.stdout.strip()}"
        return done.stdout

    def virsh(self, command, check=True):
        return self.sh("virsh -q -c qemu:///system " + command, check)

    def refused(self, command, text):
        code, said = self.virsh(command, check=False)
        assert code != 0 and text in said, f"{command}: {code} {said}"

    def to_ours(self):
        self.sh(f"systemctl stop {STOCK_UNITS} 2>/dev/null; systemctl daemon-reload; systemctl start {OUR_UNITS}")

    def to_stock(self):
        self.sh(f"systemctl stop {OUR_SERVICES} {OUR_UNITS} 2>/dev/null; systemctl start libvirtd.socket")

    def down(self):
        if self.ours:
            subprocess.run([MACHINES, "down", self.run], check=False)
