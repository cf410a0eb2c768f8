#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host: a real systemd host in a container (../shared/lab): socket activation, idle exit, polkit, sessions, restarts with machines
running, and hosts that change from libvirt to ours and back."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

from lab import TOP, Skip, Suite, build_dir

LAB = os.path.join(TOP, "..", "shared", "lab", "hosts.sh")

MACHINE = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <title>Made by {maker}</title>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd.img</initrd><cmdline>console=ttyS0 quiet</cmdline></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/{name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <interface type='user'><model type='virtio'/></interface>
    <console type='pty'/>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='vga'/></video>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


class Host:
    def __init__(self, tree):
        if os.environ.get("HOST"):
            self.run = os.environ["HOST"]
            subprocess.run([LAB, "put", self.run, "h1", tree], check=True)
            return
        up = subprocess.run([LAB, "up", "-n", "1", "-l", "libvirt", "-t", tree], stdout=subprocess.PIPE, text=True, check=False)
        if up.returncode:
            raise RuntimeError("no lab host came up")
        self.run = up.stdout.strip()

    def sh(self, command, *options, check=True, timeout=120):
        """A command line in the host; (status, stdout, stderr), or stdout of a success with check."""
        done = subprocess.run([LAB, "exec", self.run, "h1", *options, "sh", "-c", command], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)
        if not check:
            return done.returncode, done.stdout, done.stderr
        assert done.returncode == 0, f"'{command}': {done.stderr.strip()} {done.stdout.strip()}"
        return done.stdout

    def virsh(self, command, *options, check=True):
        return self.sh("virsh -q -c qemu:///system " + command, *options, check=check)

    def write(self, path, text):
        subprocess.run([LAB, "exec", self.run, "h1", "sh", "-c", f"mkdir -p $(dirname {path}); cat >{path}"], input=text, text=True, check=True)

    def active(self, unit):
        return self.sh(f"systemctl is-active {unit}", check=False)[1].strip()

    def until(self, what, test, seconds=30):
        deadline = time.monotonic() + seconds
        while not test():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.2)

    def inside(self, path):
        """A path of the host, as it is seen from outside."""
        cache = os.environ.get("LAB_CACHE", f"/var/tmp/lab-cache-{os.geteuid()}")
        with open(os.path.join(os.environ.get("LAB_RUNS", cache + "/runs"), self.run, "h1", "nspawn.pid")) as file:
            nspawn = file.read().strip()
        with open(f"/proc/{nspawn}/task/{nspawn}/children") as children:
            return f"/proc/{children.read().split()[0]}/root{path}"

    def pid(self):
        return int(self.sh("systemctl show -P MainPID virtqemud.service"))

    def down(self):
        if os.environ.get("KEEP") or os.environ.get("HOST"):
            print(f"# kept: {LAB} exec {self.run} h1 bash")
            return
        logs = os.environ.get("LOGS")
        if logs:
            subprocess.run([LAB, "logs", self.run, logs], check=False)
        subprocess.run([LAB, "down", self.run], check=False)


STOCK_UNITS = "libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket"
with open(os.path.join(TOP, "units", "daemons.tsv")) as table:
    DAEMONS = [line.split("\t")[0] for line in table if not line.startswith("#")]
OUR_UNITS = " ".join(f"{name}{kind}.socket" for name in DAEMONS for kind in ("", "-ro", "-admin"))


def to_ours(host):
    host.sh(f"systemctl stop {STOCK_UNITS} 2>&1; systemctl start {OUR_UNITS}")


def to_stock(host):
    services = " ".join(name + ".service" for name in DAEMONS)
    # it is started often here: systemd must not think that it fails
    host.sh(f"systemctl stop {services} {OUR_UNITS} 2>&1; systemctl reset-failed {STOCK_UNITS} 2>&1; systemctl start libvirtd.socket")


def define(host, name, number, maker):
    uuid = f"70000000-0000-4000-8000-{number:012d}"
    host.write(f"/tmp/{name}.xml", MACHINE.format(name=name, uuid=uuid, maker=maker))
    host.sh(f"test -e /var/lib/libvirt/images/{name}.qcow2 || qemu-img create -q -f qcow2 /var/lib/libvirt/images/{name}.qcow2 64M")
    host.virsh(f"define /tmp/{name}.xml")


def describe(host):
    """What a client sees of every domain."""
    seen = {}
    for name in host.virsh("list --all --name").split():
        seen[name] = (host.virsh(f"dumpxml --inactive --security-info {name}"), host.virsh(f"domuuid {name}").strip(), host.virsh(f"dominfo {name}"))
    return seen


def taken_over(host):
    """Domains that libvirt defined, unchanged when our daemon takes its place, and the other way round."""
    to_stock(host)
    define(host, "stock-one", 1, "stock")
    define(host, "stock-two", 2, "stock")
    host.virsh("autostart stock-two")
    before = describe(host)
    to_ours(host)
    ours = describe(host)
    for name in before:
        for old, new in zip(before[name], ours.get(name, ("", "", ""))):
            differences = [f"{a!r} became {b!r}" for a, b in zip(old.splitlines(), new.splitlines()) if a != b]
            assert old == new, f"{name}: {differences[:3] or 'other length'}"
    define(host, "ours-one", 3, "ours")
    mine = describe(host)
    to_stock(host)
    theirs = describe(host)
    for name in mine:
        for old, new in zip(mine[name], theirs.get(name, ("", "", ""))):
            differences = [f"{a!r} became {b!r}" for a, b in zip(old.splitlines(), new.splitlines()) if a != b]
            assert old == new, f"{name}, back at stock: {differences[:3] or 'other length'}"
    to_ours(host)
    host.virsh("autostart --disable stock-two")


def monitored(host, name):
    """Whoever has taken the machine over talks with its QEMU."""
    host.until(f"the monitor of '{name}' is used", lambda: "running" in host.virsh(
        f"qemu-monitor-command {name} --hmp 'info status'", check=False)[1], 20)


def at_login(host, name):
    host.sh(f"expect -c 'set timeout 90; spawn -noecho virsh -c qemu:///system console {name} --force; expect \"Escape character\";"
            " send \"\\r\"; expect login: {exit 0} timeout {exit 1} eof {exit 2}'")


def seen(host, name):
    """What shows that it is the same run of the machine, and that nothing of it was lost."""
    return {what: host.virsh(f"{what} {name}") for what in ("domid", "domuuid", "domstate", "dumpxml", "domblklist --details", "vncdisplay")}


def nothing_left(host, name):
    assert host.sh(f"stat -c %U /var/lib/libvirt/images/{name}.qcow2").strip() == "root", "the image kept QEMU's owner"
    left = host.sh(f"find /run/libvirt/qemu /var/lib/libvirt/qemu -name '*{name}*'").strip()
    assert not left, f"left behind: {left}"
    assert name not in host.sh("machinectl list --no-legend"), "machined still has it"


def handed_over(host):
    """A machine that runs goes from one daemon to the other and back, and any of them can do everything with it."""
    for name, mine, other in (("ours-one", to_ours, to_stock), ("stock-one", to_stock, to_ours)):
        mine(host)
        host.virsh(f"start {name}")
        pid = host.sh(f"pgrep -f gues[t]={name},").split()
        at_login(host, name)
        before = seen(host, name)
        for there in (other, mine, other):
            there(host)
            monitored(host, name)
            for what, text in seen(host, name).items():
                changed = [f"{a!r} became {b!r}" for a, b in zip(before[what].splitlines(), text.splitlines()) if a != b]
                assert text == before[what], f"{name}: {what}: {changed[:3] or 'other length'}"
            keys = host.virsh(f"domstats {name}")
            assert all(key in keys for key in ("cpu.time", "balloon.rss", "vcpu.0.time", "block.0.rd.reqs", "net.count")), keys
            at_login(host, name)
            host.virsh(f"suspend {name}")
            host.virsh(f"resume {name}")
        assert host.sh(f"pgrep -f gues[t]={name},").split() == pid
        host.virsh(f"destroy {name}")
        nothing_left(host, name)
    to_ours(host)


def virt_install(host):
    """Stock's virt-install, through the system's socket: a disk that a pool made, a kernel, UEFI."""
    if not shutil.which("virt-install"):
        raise Skip("no virt-install here (virtinst)")
    host.sh("virsh -q -c qemu:///system pool-define-as images dir --target /var/lib/libvirt/images && virsh -q -c qemu:///system pool-start images &&"
            " virsh -q -c qemu:///system vol-create-as images imported.qcow2 64M --format qcow2")
    uri = f"qemu:///system?socket={host.inside('/run/libvirt/virtqemud-sock')}"
    for name, more in (("imported", ("--disk", "vol=images/imported.qcow2")),
                       ("kernel", ("--disk", "none", "--boot", "kernel=/guest/vmlinuz,initrd=/guest/initrd.img,kernel_args=console=ttyS0")),
                       ("uefi", ("--disk", "none", "--boot", "uefi"))):
        done = subprocess.run(["virt-install", "--connect", uri, "--name", name, "--memory", "192", "--vcpus", "1", "--virt-type", "qemu", "--osinfo",
                               "detect=on,require=off", "--network", "user", "--noautoconsole", "--import", *more],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout} {done.stderr}"
        assert host.virsh(f"domstate {name}").strip() == "running"
        if name == "kernel":
            at_login(host, name)
        host.virsh(f"destroy {name}")
        host.virsh(f"undefine {name} --nvram")
        assert not host.sh(f"find /run/libvirt/qemu /var/lib/libvirt/qemu -name '*{name}*'").strip()
    host.virsh("vol-delete imported.qcow2 --pool images")
    host.virsh("pool-destroy images")
    host.virsh("pool-undefine images")


def activation(host):
    host.sh("systemctl stop virtqemud.service")
    assert host.active("virtqemud.service") == "inactive"
    host.virsh("list --all")
    assert host.active("virtqemud.service") == "active"


def idle_exit(host):
    host.sh("mkdir -p /run/systemd/system/virtqemud.service.d; printf '[Service]\\nEnvironment=VIRTQEMUD_ARGS=\"--timeout 2\"\\n'"
            " >/run/systemd/system/virtqemud.service.d/test.conf; systemctl daemon-reload; systemctl restart virtqemud.service")
    host.virsh("list")
    host.until("the idle daemon leaves", lambda: host.active("virtqemud.service") == "inactive", 30)
    # in one go: it leaves again soon
    assert "active" == host.sh("virsh -q -c qemu:///system list >/dev/null; systemctl is-active virtqemud.service").strip()
    host.sh("rm -r /run/systemd/system/virtqemud.service.d; systemctl daemon-reload; systemctl restart virtqemud.service")


def secrets(host):
    """A call that belongs to virtsecretd goes through virtqemud."""
    host.write("/tmp/secret.xml", "<secret ephemeral='no' private='no'><description>one</description>"
                                  "<usage type='volume'><volume>/var/lib/libvirt/images/x.img</volume></usage></secret>")
    host.virsh("secret-define /tmp/secret.xml")
    uuid = host.virsh("secret-list").split()[0]
    host.virsh(f"secret-set-value {uuid} c2VjcmV0")
    assert host.virsh(f"secret-get-value {uuid}").strip() == "c2VjcmV0"
    assert host.active("virtsecretd.service") == "active"
    assert host.sh(f"stat -c '%a %U' /etc/libvirt/secrets/{uuid}.base64").strip() == "600 root"
    to_stock(host)
    assert host.virsh(f"secret-get-value {uuid}").strip() == "c2VjcmV0", "stock doesn't read the value"
    to_ours(host)
    host.sh("systemctl stop virtsecretd.socket virtsecretd.service 2>&1")
    code, _, error = host.virsh("secret-list", check=False)
    assert code != 0 and "virtsecretd" in error, error
    host.sh("systemctl start virtsecretd.socket")
    host.virsh(f"secret-undefine {uuid}")


def polkit(host):
    code, _, error = host.virsh("list", "-u", "alice", check=False)
    assert code != 0 and ("authentication" in error or "polkit" in error), error
    assert host.sh("virsh -q -r -c qemu:///system list --all --name", "-u", "alice").split(), "read-only shows nothing"
    code, _, error = host.sh("virsh -q -r -c qemu:///system start ours-one", "-u", "alice", check=False)
    assert code != 0 and "read only" in error, error
    host.sh("usermod -aG libvirt bob")
    host.virsh("list --all", "-u", "bob")
    host.write("/etc/polkit-1/rules.d/10-test.rules", 'polkit.addRule(function(action, subject) { if (action.id == "org.libvirt.unix.manage" &&'
                                                      ' subject.user == "alice") return polkit.Result.YES; });\n')
    host.until("the new rule is used", lambda: host.virsh("list", "-u", "alice", check=False)[0] == 0, 10)
    host.sh("rm /etc/polkit-1/rules.d/10-test.rules")


def per_object(host):
    """access_drivers = polkit: what may be seen and done is decided object by object."""
    host.sh("mkdir -p /etc/libvirt; cp /etc/libvirt/virtqemud.conf /tmp/virtqemud.conf 2>/dev/null; echo 'access_drivers = [ \"polkit\" ]' >>/etc/libvirt/virtqemud.conf;"
            "systemctl restart virtqemud.service")
    host.write("/etc/polkit-1/rules.d/10-test.rules", """polkit.addRule(function(action, subject) {
  if (subject.user != "alice") return undefined;
  if (action.id == "org.libvirt.unix.manage" || action.id == "org.libvirt.api.connect.getattr" ||
      action.id == "org.libvirt.api.connect.search-domains") return polkit.Result.YES;
  if (action.id.indexOf("org.libvirt.api.domain.") == 0 && action.lookup("domain_name") == "ours-one" &&
      (action.id == "org.libvirt.api.domain.getattr" || action.id == "org.libvirt.api.domain.start")) return polkit.Result.YES;
  return action.id.indexOf("org.libvirt.api.domain.") == 0 ? polkit.Result.NO : undefined;
});
""")
    try:
        host.until("the rules are used", lambda: host.virsh("list --all --name", "-u", "alice", check=False)[1].split() == ["ours-one"], 10)
        code, _, error = host.virsh("destroy ours-one", "-u", "alice", check=False)
        assert code != 0 and "access denied" in error, error
        code, _, error = host.virsh("dumpxml ours-one", "-u", "alice", check=False)
        assert code != 0 and "access denied" in error, error
        assert len(host.virsh("list --all --name").split()) == 3, "root sees less than everything"
    finally:
        host.sh("rm /etc/polkit-1/rules.d/10-test.rules; mv /tmp/virtqemud.conf /etc/libvirt/virtqemud.conf 2>/dev/null || rm /etc/libvirt/virtqemud.conf;"
                "systemctl restart virtqemud.service")


def machine_runs(host):
    """Start, look, agent-less shutdown; QEMU is unprivileged, in its scope, with a log of its own."""
    host.virsh("start ours-one")
    try:
        pid = int(host.sh("pgrep -f gues[t]=ours-one,").split()[0])
        assert host.sh(f"stat -c %U /proc/{pid}").strip() == "libvirt-qemu"
        assert host.sh(f"grep Seccomp: /proc/{pid}/status").split()[1] == "2", "no seccomp filter"
        assert "CapEff:\t0000000000000000" in host.sh(f"grep CapEff /proc/{pid}/status"), "QEMU has capabilities"
        assert "machine-qemu" in host.sh(f"cat /proc/{pid}/cgroup"), "not in a machine's scope"
        assert "qemu" in host.sh("machinectl list --no-legend")
        host.sh("grep -q starting /var/log/libvirt/qemu/ours-one.log")
        assert host.sh("stat -c %U /var/lib/libvirt/images/ours-one.qcow2").strip() == "libvirt-qemu"
        at_login(host, "ours-one")
    finally:
        host.virsh("destroy ours-one")
    assert host.sh("stat -c %U /var/lib/libvirt/images/ours-one.qcow2").strip() == "root", "the image kept QEMU's owner"


def survives(host):
    """Restart, kill -9 and upgrade of the daemon: machines run on and are found again."""
    host.virsh("start ours-one")
    host.virsh("start stock-one")
    machines = host.sh("pgrep -f gues[t]=").split()
    host.sh("systemctl restart virtqemud.service")
    assert host.virsh("domstate ours-one").strip() == "running"
    host.sh(f"kill -9 {host.pid()}")
    assert host.virsh("domstate ours-one").strip() == "running"
    assert host.sh("pgrep -f gues[t]=").split() == machines, "a machine was started anew"
    host.virsh("suspend ours-one")
    host.sh(f"kill -9 {host.pid()}")
    assert host.virsh("domstate ours-one --reason").strip() == "paused (user)"
    host.virsh("resume ours-one")
    daemon = host.pid()
    host.sh(f"kill -STOP {daemon}; kill -9 $(pgrep -f gues[t]=ours-one,); kill -9 {daemon}")
    assert host.virsh("domstate ours-one").strip() == "shut off"
    assert host.virsh("domstate stock-one").strip() == "running"
    host.virsh("destroy stock-one")


def autostart(host):
    """Once per boot, not at each start of the daemon."""
    host.virsh("autostart ours-one")
    host.sh("systemctl stop virtqemud.service; rm -rf /run/libvirt/qemu/autostarted /run/libvirt/qemu/*.autostart* ; systemctl start virtqemud.service")
    host.until("the machine starts", lambda: host.virsh("domstate ours-one").strip() == "running")
    host.virsh("destroy ours-one")
    host.sh("systemctl restart virtqemud.service")
    time.sleep(1)
    assert host.virsh("domstate ours-one").strip() == "shut off", "it was started again by a mere restart"
    host.virsh("autostart --disable ours-one")


SESSION = "virsh -q -c 'qemu:///session{more}' "
ALONE = "env -u XDG_RUNTIME_DIR " + SESSION  # no log-in, no systemd of one's own
OURS = "Running against daemon: 12."


def define_session(host, user, name):
    host.write("/tmp/session.xml", MACHINE.format(name=name, uuid="70000000-0000-4000-8000-000000000009", maker=user)
               .replace("/var/lib/libvirt/images/", f"/home/{user}/"))
    host.sh(f"qemu-img create -q -f qcow2 /home/{user}/{name}.qcow2 64M", "-u", user)


def session(host):
    """A user's own machines, by the user's own systemd: the administrator enables the sockets once, for everybody."""
    host.sh("systemctl --global enable virtqemud.socket 2>&1")
    host.sh("loginctl enable-linger alice; systemctl restart user@$(id -u alice).service")  # as after a log-in
    host.until("alice's systemd listens", lambda: host.sh("test -S /run/user/$(id -u alice)/libvirt/virtqemud-sock", check=False)[0] == 0)
    virsh = SESSION.format(more="")
    assert OURS in host.sh(virsh + "version --daemon", "-u", "alice"), "another daemon answers"
    define_session(host, "alice", "mine")
    host.sh(virsh + "define /tmp/session.xml && " + virsh + "start mine", "-u", "alice")
    assert host.sh(virsh + "domstate mine", "-u", "alice").strip() == "running"
    assert host.sh("stat -c %U /proc/$(pgrep -f gues[t]=mine,)").strip() == "alice"
    assert "virtqemud.service" in host.sh("systemctl --user list-units --no-legend 'virt*.service'", "-u", "alice")
    host.sh("systemctl --user restart virtqemud.service", "-u", "alice")
    assert host.sh(virsh + "domstate mine", "-u", "alice").strip() == "running"
    host.sh(virsh + "destroy mine && " + virsh + "autostart mine", "-u", "alice")
    host.sh("systemctl --user stop virtqemud.service; rm /run/user/$(id -u)/libvirt/qemu/run/autostarted", "-u", "alice")
    host.sh("systemctl --user start virtqemud.service", "-u", "alice")
    host.until("the machine starts by itself", lambda: host.sh(virsh + "domstate mine", "-u", "alice").strip() == "running")
    host.sh(virsh + "destroy mine && " + virsh + "undefine mine", "-u", "alice")


def session_without_systemd(host):
    """Nothing runs and nothing listens: stock's client library starts our daemon, which goes when it is idle, not with its client. (Asked
    for a mode: left alone, version 9.0 starts libvirtd when no socket is there.)"""
    first, later = ALONE.format(more="?mode=direct"), ALONE.format(more="")
    daemons = "pgrep -u bob -x virtqemud"
    define_session(host, "bob", "alone")
    assert host.sh(daemons, check=False)[0] == 1
    assert OURS in host.sh(first + "version --daemon", "-u", "bob"), "another daemon answers"
    pid = host.sh(daemons).split()
    assert len(pid) == 1 and "--timeout=120" in host.sh(f"tr '\\0' ' ' </proc/{pid[0]}/cmdline"), pid
    host.sh(later + "define /tmp/session.xml && " + later + "start alone && " + later + "secret-list", "-u", "bob")
    assert host.sh(daemons).split() == pid, "another daemon was started beside it"
    host.sh(f"kill {pid[0]}; while test -e /proc/{pid[0]}; do sleep 0.05; done")
    # two clients at the same time: one daemon
    host.sh(f"{first} list & {first} list; wait", "-u", "bob")
    found = host.sh(daemons).split()
    assert len(found) == 1 and found != pid, found
    assert host.sh(later + "domstate alone", "-u", "bob").strip() == "running"
    host.sh(later + "destroy alone && " + later + "undefine alone", "-u", "bob")
    host.sh(f"kill {found[0]}; pkill -u bob virtsecretd", check=False)


PASSWORD = """set timeout 30
spawn -noecho virsh -q -c qemu:///system [lindex $argv 1] [lindex $argv 2]
expect "Password:" {} timeout {exit 10} eof {exit 11}
send "[lindex $argv 0]\\r"
expect "AUTHENTICATION COMPLETE" {} "AUTHENTICATION FAILED" {exit 3} timeout {exit 12} eof {exit 13}
expect eof
lassign [wait] pid spawned os status
exit $status
"""


def password(host):
    """Without a rule polkit asks for an administrator's password, by stock's text agent."""
    host.write("/tmp/password.exp", PASSWORD)
    host.sh("echo root:sesame | chpasswd")
    ask = "expect /tmp/password.exp "
    assert host.sh(ask + "wrong list --all", "-s", "-u", "alice", check=False)[0] == 3
    host.virsh("list")  # the daemon has forgotten who never came in
    code, text, _ = host.sh(ask + "sesame list --all", "-s", "-u", "alice", check=False)
    assert code == 0 and "ours-one" in text, f"{code} {text}"
    code, text, _ = host.sh(ask + "sesame dominfo nobody", "-s", "-u", "alice", check=False)
    assert code == 1 and "failed to get domain 'nobody'" in text, f"{code} {text}"


def kvm(host):
    """A /dev/kvm that isn't there, that QEMU's user may not open, and that is something else: capabilities and errors say so. The
    trial is made once for each state of the device."""
    host.write("/tmp/kvm.xml", "<domain type='kvm'><name>kvm</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>")
    verdict = "/run/libvirt/qemu/kvm-verdict"
    for make, says in (("true", None), ("umount /dev/kvm 2>/dev/null; rm -f /dev/kvm", "cannot open /dev/kvm: No such file or directory"),
                       ("mknod -m 600 /dev/kvm c 10 232", "cannot open /dev/kvm: Permission denied"),
                       ("rm /dev/kvm; mknod -m 666 /dev/kvm c 1 3", "/dev/kvm speaks an unknown version of its interface")):
        host.sh(make)
        host.sh("systemctl restart virtqemud.service")
        usable = "<domain type='kvm'" in host.virsh("capabilities")
        code, _, error = host.virsh("create /tmp/kvm.xml", check=False)
        assert (code == 0) == usable, f"capabilities say {usable}, a start says {error}"
        if usable:
            host.virsh("destroy kvm")
        else:
            assert f"KVM is not usable on this host: {says or '/dev/kvm'}" in error, error
        assert not says or not usable, f"KVM is said to work: {make}"
        before = host.sh(f"stat -c %y {verdict}")
        host.sh("test ! -e /dev/kvm || chmod $(stat -c %a /dev/kvm) /dev/kvm; systemctl restart virtqemud.service")
        assert ("<domain type='kvm'" in host.virsh("capabilities")) == usable
        assert host.sh(f"stat -c %y {verdict}") == before, "it was tried again"


def units(host):
    for unit in ("virtqemud", "virtsecretd"):
        said = host.sh(f"systemd-analyze --man=no verify /usr/lib/systemd/system/{unit}.service 2>&1 | grep {unit} | grep -v \"Command 'man\" || :").strip()
        assert said == "", said
        text = host.sh(f"systemd-analyze security --no-pager {unit}.service 2>/dev/null | tail -1")
        assert "EXPOSED" not in text and "UNSAFE" not in text, text


def main():
    suite = Suite()
    if os.geteuid() != 0 or not os.path.exists(LAB):
        print("skip host - needs root and ../shared/lab")
        return
    with tempfile.TemporaryDirectory(prefix="vireo-host-") as tree:
        subprocess.run(["make", "-s", "-C", build_dir(), "install", "DESTDIR=" + tree], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        # the clients are stock's: ours stay out
        for path in glob.glob(tree + "/usr/bin/*") + glob.glob(tree + "/usr/lib*/libvirt*") + glob.glob(tree + "/usr/lib/*/libvirt*"):
            if not path.endswith("/systemd"):
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        os.makedirs(tree + "/guest")
        subprocess.run([os.path.join(TOP, "tools", "make-guest"), tree + "/guest"], check=True)
        os.chmod(tree, 0o755)
        host = Host(tree)
    try:
        host.sh("systemd-sysusers; systemd-tmpfiles --create; mkdir -p /var/lib/libvirt/images")
        wanted = sys.argv[1:]
        for test in (taken_over, handed_over, virt_install, activation, secrets, machine_runs, survives, autostart, polkit, password, per_object, session,
                     session_without_systemd, kvm, units, idle_exit):
            if not wanted or test.__name__ in wanted:
                suite.run("host: " + test.__name__.replace("_", " "), test, host)
    finally:
        host.down()
    suite.done()


if __name__ == "__main__":
    main()
