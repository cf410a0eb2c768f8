# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user's own daemon and machines."""

from hostmachine import MACHINE

SESSION = "virsh -q -c 'qemu:///session{more}' "
ALONE = "env -u XDG_RUNTIME_DIR " + SESSION  # no log-in, no systemd of one's own
OURS = "Running against daemon: 12."


def define_session(host, user, name):
    host.write("/tmp/session.xml", MACHINE.format(name=name, uuid="70000000-0000-4000-8000-000000000009", maker=user)
               .replace("/var/lib/libvirt/images/", f"/home/{user}/"))
    host.sh(f"qemu-img create -q -f qcow2 /home/{user}/{name}.qcow2 64M", user)


def session(host):
    """A user's own machines, by the user's own systemd: the administrator enables the sockets once, for everybody."""
    host.sh("systemctl --global enable virtqemud.socket 2>&1")
    host.sh("loginctl enable-linger alice; systemctl restart user@$(id -u alice).service")  # as after a log-in
    host.until("alice's systemd listens", lambda: host.sh("test -S /run/user/$(id -u alice)/libvirt/virtqemud-sock", check=False)[0] == 0)
    virsh = SESSION.format(more="")
    assert OURS in host.sh(virsh + "version --daemon", "alice"), "another daemon answers"
    define_session(host, "alice", "mine")
    host.sh(virsh + "define /tmp/session.xml && " + virsh + "start mine", "alice")
    assert host.sh(virsh + "domstate mine", "alice").strip() == "running"
    assert host.sh("stat -c %U /proc/$(pgrep -f gues[t]=mine,)").strip() == "alice"
    assert "virtqemud.service" in host.sh("systemctl --user list-units --no-legend 'virt*.service'", "alice")
    host.sh("systemctl --user restart virtqemud.service", "alice")
    assert host.sh(virsh + "domstate mine", "alice").strip() == "running"
    host.sh(virsh + "destroy mine && " + virsh + "autostart mine", "alice")
    host.sh("systemctl --user stop virtqemud.service; rm /run/user/$(id -u)/libvirt/qemu/run/autostarted", "alice")
    host.sh("systemctl --user start virtqemud.service", "alice")
    host.until("the machine starts by itself", lambda: host.sh(virsh + "domstate mine", "alice").strip() == "running")
    host.sh(virsh + "destroy mine && " + virsh + "undefine mine", "alice")


def session_without_systemd(host):
    """Nothing runs and nothing listens: stock's client library starts our daemon, which goes when it is idle, not with its client. (Asked
    for a mode: left alone, version 9.0 starts libvirtd when no socket is there.)"""
    first, later = ALONE.format(more="?mode=direct"), ALONE.format(more="")
    daemons = "pgrep -u bob -x virtqemud"
    define_session(host, "bob", "alone")
    assert host.sh(daemons, check=False)[0] == 1
    assert OURS in host.sh(first + "version --daemon", "bob"), "another daemon answers"
    pid = host.sh(daemons).split()
    assert len(pid) == 1 and "--timeout=120" in host.sh(f"tr '\\0' ' ' </proc/{pid[0]}/cmdline"), pid
    host.sh(later + "define /tmp/session.xml && " + later + "start alone && " + later + "secret-list", "bob")
    assert host.sh(daemons).split() == pid, "another daemon was started beside it"
    host.sh(f"kill {pid[0]}; while test -e /proc/{pid[0]}; do sleep 0.05; done")
    # two clients at the same time: one daemon
    host.sh(f"{first} list & {first} list; wait", "bob")
    found = host.sh(daemons).split()
    assert len(found) == 1 and found != pid, found
    assert host.sh(later + "domstate alone", "bob").strip() == "running"
    host.sh(later + "destroy alone && " + later + "undefine alone", "bob")
    host.sh(f"kill {found[0]}; pkill -u bob virtsecretd", check=False)
