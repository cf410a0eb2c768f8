#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host: a real systemd host in a container (../shared/lab): socket activation, idle exit, polkit, sessions, restarts with machines
running, and hosts that change from libvirt to ours and back."""

import sys
import time

import labhost
from hostinstall import python, virt_install
from hostmachine import AWAIT_MODE, MACHINE, at_login, hostile
from hostrestart import stays_connected
from hostsecrets import encrypted, secrets
from hostsession import define_session, session, session_without_systemd
from hosttakeover import ended_meanwhile, firmware_handed_over, handed_over, rich_one_handed_over, saved, taken_over, transient
from lab import Suite


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


def reloaded(host):
    """The log is the journal's, with levels; what the file says of it counts after a reload, and the daemon stays the same."""
    host.virsh("list")
    pid = host.pid()
    host.sh("echo 'log_filters = \"1:rpc.dispatch\"' >>/etc/libvirt/virtqemud.conf; systemctl reload virtqemud.service")
    host.virsh("list")
    host.until("debug lines in the journal", lambda: "connect_list_all_domains" in host.sh(f"journalctl -q _PID={pid} PRIORITY=7"), 10)
    host.sh("sed -i '/^log_filters/d' /etc/libvirt/virtqemud.conf; systemctl reload virtqemud.service")
    assert host.pid() == pid


def in_trouble(host):
    """A daemon that can't start tells whoever called, and goes on with the next client when the cause is gone; nothing else has to be done."""
    conf = "/etc/libvirt/virtqemud.conf"
    host.sh(f"cp {conf} /tmp/virtqemud.conf; echo 'max_clients = many' >>{conf}; systemctl stop virtqemud.service")
    where = int(host.sh(f"wc -l <{conf}"))
    host.refused("list", f"the daemon 'virtqemud' can't do its work: configuration file syntax error: {conf}:{where}: ")
    assert f"Can't do its work: configuration file syntax error: {conf}:{where}" in host.sh("systemctl status virtqemud.service", check=False)[1]
    host.sh(f"mv /tmp/virtqemud.conf {conf}")
    host.until("it tries again", lambda: host.virsh("list", check=False)[0] == 0, 20)
    # another one that manages the same machines, under whatever name
    # it doesn't take its own socket's name away from us
    host.sh(f"systemctl stop {labhost.OUR_SERVICES}; rm /run/libvirt/libvirt-sock /run/libvirt/libvirt-sock-ro; "
            "setsid libvirtd -d </dev/null >/tmp/libvirtd.out 2>&1 || { cat /tmp/libvirtd.out >&2; false; }")
    host.until("libvirtd runs", lambda: host.sh("test -e /run/libvirt/qemu/driver.pid", check=False)[0] == 0, 20)
    host.refused("list", "pid file '/run/libvirt/qemu/driver.pid' is held by libvirtd (pid ")
    host.sh("kill $(pidof libvirtd); while pidof libvirtd; do sleep 0.05; done; systemctl restart virtqemud.socket")  # it took libvirt's own along
    host.until("it tries again", lambda: host.virsh("list", check=False)[0] == 0, 20)
    host.sh("expect -c 'set timeout 20; spawn -noecho virtqemud; expect \"is held by virtqemud (pid \" {exit 0} timeout {exit 1} eof {exit 2}'")


def newcomer(host):
    """What somebody sees who does it for the first time and gets it wrong."""
    host.sh("virsh -q list --all")  # no URI: stock asks at libvirt's own socket
    for uri, words in (("qemu:///systems", "qemu:///system"), ("quemu:///system", "no connection driver available for quemu:///system")):
        code, _, error = host.sh(f"virsh -c {uri} list", check=False)
        assert code == 1 and words in error, error
    host.write("/tmp/broken.xml", "<domain type='qemu'>\n  <name>a</name>\n  <memory>1000</mem>\n</domain>\n")
    host.refused("define /tmp/broken.xml", "(domain_definition):3: ")
    host.write("/tmp/broken.xml", "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' machine='q53'>hvm</type></os></domain>")
    host.refused("define /tmp/broken.xml", "q53")
    host.write("/tmp/broken.xml", MACHINE.format(name="nodisk", uuid="70000000-0000-4000-8000-000000000099", maker="me"))
    host.refused("create /tmp/broken.xml", "/var/lib/libvirt/images/nodisk.qcow2': No such file or directory")
    host.refused("start nobody", "failed to get domain 'nobody'")
    host.refused("list", "libvirt", "alice")
    host.refused("net-list", "'virtnetworkd' is needed and not installed on this host")


def polkit(host):
    code, _, error = host.virsh("list", "alice", check=False)
    assert code != 0 and ("authentication" in error or "polkit" in error), error
    assert host.sh("virsh -q -r -c qemu:///system list --all --name", "alice").split(), "read-only shows nothing"
    code, _, error = host.sh("virsh -q -r -c qemu:///system start ours-one", "alice", check=False)
    assert code != 0 and "read only" in error, error
    host.sh("usermod -aG libvirt bob")
    host.virsh("list --all", "bob")
    host.write("/etc/polkit-1/rules.d/10-test.rules", 'polkit.addRule(function(action, subject) { if (action.id == "org.libvirt.unix.manage" &&'
                                                      ' subject.user == "alice") return polkit.Result.YES; });\n')
    host.until("the new rule is used", lambda: host.virsh("list", "alice", check=False)[0] == 0, 10)
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
        host.until("the rules are used", lambda: host.virsh("list --all --name", "alice", check=False)[1].split() == ["ours-one"], 10)
        code, _, error = host.virsh("destroy ours-one", "alice", check=False)
        assert code != 0 and "access denied" in error, error
        code, _, error = host.virsh("dumpxml ours-one", "alice", check=False)
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


PASSWORD = AWAIT_MODE + """set timeout 60
spawn -noecho virsh -q -c qemu:///system [lindex $argv 1] [lindex $argv 2]
expect "Password:" {} timeout {exit 10} eof {exit 11}
await_mode -echo
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
    code, text, _ = host.sh(ask + "wrong list --all", "alice", True, check=False)
    assert code == 3, f"{code} {text}"
    host.virsh("list")  # the daemon has forgotten who never came in
    code, text, _ = host.sh(ask + "sesame list --all", "alice", True, check=False)
    assert code == 0 and "ours-one" in text, f"{code} {text}"
    code, text, _ = host.sh(ask + "sesame dominfo nobody", "alice", True, check=False)
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


def rebooted(host):
    """The power goes. What is marked for it starts with the host: the system's machines because the administrator enabled the socket, a user's
    because her session lingers and she did the same; nobody has to connect."""
    host.sh("systemctl disable libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket 2>&1; systemctl enable --now virtqemud.socket 2>&1")
    assert host.sh("systemctl is-enabled virtqemud.service").strip() == "enabled"
    host.virsh("autostart ours-one")
    host.virsh("start stock-one")
    host.sh("loginctl enable-linger alice")
    host.until("alice's systemd runs", lambda: host.sh("systemctl --user enable virtqemud.socket", "alice", check=False)[0] == 0)
    define_session(host, "alice", "mine")
    host.sh("virsh -q -c 'qemu:///session?mode=direct' define /tmp/session.xml && virsh -q -c 'qemu:///session?mode=direct' autostart mine", "alice")
    host.power_cut()
    host.until("both machines run", lambda: set(host.sh("pgrep -a -x qemu-system-x86 | grep -o 'guest=[a-z-]*'", check=False)[1].split()) ==
               {"guest=ours-one", "guest=mine"}, 60)
    assert host.virsh("list --name").split() == ["ours-one"], "a machine that was on when the power went is still thought to be"
    assert host.sh("virsh -q -c qemu:///session list --name", "alice").split() == ["mine"]
    host.virsh("destroy ours-one")
    host.virsh("autostart --disable ours-one")
    host.sh("virsh -q -c qemu:///session destroy mine; virsh -q -c qemu:///session undefine mine", "alice")


def units(host):
    for unit in labhost.DAEMONS:
        said = host.sh(f"systemd-analyze --man=no verify /usr/lib/systemd/system/{unit}.service 2>&1 | grep {unit} | grep -v \"Command 'man\" || :").strip()
        assert said == "", said
        text = host.sh(f"systemd-analyze security --no-pager {unit}.service 2>/dev/null | tail -1")
        assert "EXPOSED" not in text and "UNSAFE" not in text, text


MIXED = (taken_over, handed_over, rich_one_handed_over, firmware_handed_over, ended_meanwhile, saved, transient, virt_install, python, activation,
         reloaded, in_trouble, newcomer, secrets, encrypted, machine_runs, hostile, survives, stays_connected, autostart, polkit, password, per_object, session,
         session_without_systemd, kvm, units, idle_exit, rebooted)
UNIFIED = (taken_over, machine_runs, transient, survives)  # control groups of version 2 alone, without any controller


def main():
    suite = Suite()
    if labhost.missing():
        print(f"skip host - {labhost.missing()}")
        return
    wanted = sys.argv[1:]
    with labhost.installed(guest=True) as tree:
        for title, tests in (("host", MIXED), ("host, cgroup v2", UNIFIED)):
            if wanted and title not in wanted and not any(test.__name__ in wanted for test in tests):
                continue
            host = labhost.Host(tree, unified=tests is UNIFIED)
            try:
                for test in tests:
                    if not wanted or title in wanted or test.__name__ in wanted or test is taken_over:  # whose machines all others use
                        suite.run(f"{title}: " + test.__name__.replace("_", " "), test, host)
            finally:
                host.down()
    suite.done()


if __name__ == "__main__":
    main()
