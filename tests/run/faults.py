#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""faults: QEMUs that refuse, die, rave or fall silent, status files broken by hand, disks that are full or read-only. Each failure is told
to the user in words that help, and leaves nothing behind. (The n-th system call: torture.py; the n-th command: monitor.py.)"""

import os
import signal
import struct
import subprocess
import time

from lab import LIB_VERSION, TOP, Private, Small, Suite, Wire, error_of, wait_for, xdr_string

OPEN_CONSOLE = 201
FAKE = os.path.join(TOP, "tests", "fake", "qemu")


def machine(name, mode="", more="", memory="64"):
    env = f"<qemu:commandline><qemu:env name='FAKE_QEMU' value='{mode}'/></qemu:commandline>" if mode else ""
    return f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><emulator>{FAKE}</emulator><controller type='usb' model='none'/><memballoon model='none'/>{more}</devices>
  {env}
</domain>"""


def leftovers(private, name):
    """What a machine that failed to start left behind."""
    found = []
    for root in (private.run, os.path.join(private.home, "config", "libvirt", "qemu", "lib")):
        for path, _, files in os.walk(root):
            found += [os.path.join(path, file) for file in files if name in file or f"-{name}" in path]
    return found


def descriptors(private):
    return len(os.listdir(f"/proc/{private.daemons['virtqemud'].pid}/fd"))


def fails(private, mode, *words, seconds=30):
    """Creating such a machine fails within `seconds`, with these words, and everything is rolled back."""
    name = "bad-" + mode.split()[0]
    private.virsh("list")
    before = descriptors(private)
    start = time.monotonic()
    code, _, error = private.virsh("create", private.file("bad.xml", machine(name, mode)), check=False, timeout=seconds + 30)
    took = time.monotonic() - start
    assert code != 0, f"a machine started on a QEMU that does '{mode}'"
    for word in words:
        assert word in error, f"'{word}' is not in: {error}"
    assert error.isprintable() or set(error) <= set("\n\t").union(filter(str.isprintable, error)), f"not for a terminal: {error!r}"
    assert took < seconds, f"the failure took {took:.1f} s: {error}"
    assert private.virsh("list", "--all", "--name").strip() == "", "the failed machine is still listed"
    assert leftovers(private, name) == [], f"left behind: {leftovers(private, name)}"
    running = subprocess.run(["pgrep", "-f", f"guest={name}"], capture_output=True, text=True).stdout
    assert running.strip() == "", f"QEMU still runs: {running}"
    private.alive("virtqemud")
    wait_for(lambda: descriptors(private) <= before, lambda: f"{descriptors(private)} descriptors, before it were {before}")


def others_go_on(private):
    """While one QEMU never answers, calls on another machine take their usual time."""
    private.virsh("create", private.file("good.xml", machine("good", "powerdown")))
    stuck = subprocess.Popen(["virsh", "-q", "-c", private.uri(), "create", private.file("stuck.xml", machine("stuck", "mute-cont"))],
                             env=private.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        time.sleep(0.5)
        for command in (("dominfo", "good"), ("list",), ("domstats",), ("suspend", "good"), ("resume", "good"), ("domstate", "stuck")):
            start = time.monotonic()
            private.virsh(*command)
            took = time.monotonic() - start
            assert took < 2, f"virsh {' '.join(command)} took {took:.1f} s beside a stuck start"
        private.virsh("destroy", "stuck", timeout=30)
        assert stuck.wait(30) != 0
    finally:
        stuck.kill()
        stuck.wait()
        stuck.stderr.close()
        private.virsh("destroy", "good")


def daemon_killed(private):
    """kill -9 of the daemon: the machine runs on, and the next daemon knows it."""
    private.virsh("create", private.file("kept.xml", machine("kept", "powerdown")))
    before = private.virsh("domid", "kept").strip()
    private.stop("virtqemud", signal.SIGKILL)
    private.start("virtqemud")
    assert private.virsh("domstate", "kept").strip() == "running"
    assert private.virsh("domid", "kept").strip() == before
    private.virsh("destroy", "kept")


def ended_meanwhile(private):
    """A machine that ended while no daemon was there."""
    private.virsh("define", private.file("gone.xml", machine("gone", "powerdown")))
    private.virsh("start", "gone")
    pid = int(subprocess.run(["pgrep", "-f", "guest=gone"], capture_output=True, text=True).stdout.split()[0])
    private.stop("virtqemud", signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    private.start("virtqemud")
    assert private.virsh("domstate", "gone", "--reason").strip().startswith("shut off"), private.virsh("domstate", "gone", "--reason")
    private.virsh("undefine", "gone")


TIGHT = machine("tight", "powerdown").replace("<memory", "<uuid>7a000000-0000-4000-8000-000000000001</uuid><memory", 1)


def titled(text):
    return TIGHT.replace("<memory", f"<description>{text}</description><memory", 1)


def old_stays(small, text, word):
    """A new definition can't be written; nor can the old one be removed where nothing can."""
    private = small.private
    before = private.virsh("dumpxml", "tight")
    code, _, error = private.virsh("define", private.file("tight.xml", text), check=False)
    assert code != 0, "the new definition was accepted"
    assert word in error, error
    assert private.virsh("dumpxml", "tight") == before, "the old definition is lost"
    private.stop("virtqemud", signal.SIGKILL)


def full_disk():
    """No room for the new definition: the old one stays."""
    with Small("virtqemud", "config", "libvirt", "qemu") as small:
        small.private.virsh("define", small.private.file("tight.xml", TIGHT))
        old_stays(small, titled("x" * 400000), "No space left")


def read_only_disk():
    """A disk that became read-only: the old definition stays, and so does what can't be removed."""
    with Small("virtqemud", "config", "libvirt", "qemu") as small:
        private = small.private
        private.virsh("define", private.file("tight.xml", TIGHT))
        small.inside("mount", "-o", "remount,ro", small.folder)
        for command in (("undefine", "tight"), ("autostart", "tight"), ("domrename", "tight", "loose")):
            code, _, error = private.virsh(*command, check=False)
            assert code != 0 and "Read-only file system" in error, f"{command}: {error}"
        assert private.virsh("list", "--all", "--name").split() == ["tight"]
        old_stays(small, titled("new"), "Read-only file system")


def full_run():
    """No room for a machine's status: it isn't started, and nothing of it is left. With room again it is."""
    with Small("virtqemud", "runtime", "libvirt", "qemu", "run") as small:
        private = small.private
        private.virsh("define", private.file("tight.xml", TIGHT))
        small.inside("sh", "-c", f"head -c 1M /dev/zero >{small.folder}/filler || :")
        code, _, error = private.virsh("start", "tight", check=False)
        assert code != 0, "it started without a status file"
        assert "No space left" in error, error
        assert private.virsh("domstate", "tight").strip() == "shut off"
        assert leftovers(private, "tight") == [], leftovers(private, "tight")
        small.inside("rm", f"{small.folder}/filler")
        private.virsh("start", "tight")
        # the state changes, and can't be written any more: the machine runs on
        small.inside("sh", "-c", f"head -c 1M /dev/zero >{small.folder}/filler || :")
        private.virsh("suspend", "tight")
        assert private.virsh("domstate", "tight").strip() == "paused"
        private.virsh("destroy", "tight")


def reload_while_starting(private):
    """SIGHUP in the middle of a start that takes its time, with a configuration that became wrong: both go on."""
    conf = os.path.join(private.home, "config", "libvirt", "qemu.conf")
    private.file(conf, "max_files = 4096\n")
    start = subprocess.Popen(["virsh", "-q", "-c", private.uri(), "create", private.file("slow.xml", machine("slow", "slow"))],
                             env=private.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for text in ("max_files = 8192\nno_such_key = 1\n", "max_files = \"many\"\n", "vnc_listen = \n", "spice_listen = \"1.2.3.4\"\n") * 5:
        private.file(conf, text)
        private.daemons["virtqemud"].send_signal(signal.SIGHUP)
        time.sleep(0.01)
    error = start.communicate(timeout=60)[1]
    assert start.returncode == 0, error
    private.alive("virtqemud")
    wait_for(lambda: "max_files" in private.log("virtqemud"), lambda: "no word about the wrong key in the log")
    private.virsh("destroy", "slow")
    os.unlink(conf)


def wrong_conf():
    """An unknown key is told and ignored; a wrong value keeps the daemon from starting, with file, line and key."""
    with Private() as private:
        folder = os.path.join(private.home, "config", "libvirt")
        os.makedirs(folder, exist_ok=True)
        conf = private.file(os.path.join(folder, "qemu.conf"), "# a comment\nno_such_key = 1\n")
        private.start("virtqemud")
        assert "qemu.conf:2: unknown parameter 'no_such_key'" in private.log("virtqemud"), private.log("virtqemud")
        private.stop("virtqemud")
        for text, words in (("max_files = \"many\"", "qemu.conf:1: expected an integer for 'max_files'"),
                            ("\n\nvnc_listen = [", "qemu.conf:4: list is not closed"), ("max_core = \"a lot\"", "'max_core'")):
            private.file(conf, text + "\n")
            try:
                private.start("virtqemud")
            except AssertionError:
                pass
            else:
                raise AssertionError(f"it starts with '{text}'")
            assert words in private.log("virtqemud"), private.log("virtqemud")[-300:]
            private.daemons.pop("virtqemud")


def silent_start(private):
    """A QEMU that never says a word: a clear error after a minute; until then it can be destroyed, and others don't wait."""
    create = subprocess.Popen(["virsh", "-q", "-c", private.uri(), "create", private.file("mute.xml", machine("mute", "silent"))],
                              env=private.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: "mute" in private.virsh("list", "--name"), lambda: "it isn't listed")
        private.virsh("domstate", "mute")
        private.virsh("destroy", "mute")
        error = create.communicate(timeout=30)[1]
        assert create.returncode != 0 and "destroyed" in error, error
        assert leftovers(private, "mute") == []
    finally:
        create.kill()
        create.wait()


def raving_agent(private):
    """A guest that sends without end where its agent should answer: the asker's time is up, and nobody else waits for it."""
    script = private.file("agent.json", '{"flood": 1}')
    channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    private.virsh("create", private.file("raving.xml", machine("raving", f"agent {script}", channel)))
    ask = subprocess.Popen(["virsh", "-q", "-c", private.uri(), "domhostname", "raving", "--source", "agent"], env=private.env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    start = time.monotonic()
    time.sleep(0.5)
    wire = Wire(private.socket("virtqemud")).open()
    slowest = 0
    while ask.poll() is None:
        begin = time.monotonic()
        assert wire.call(LIB_VERSION)[5] == 0
        slowest = max(slowest, time.monotonic() - begin)
        assert time.monotonic() - start < 30, "it is listened to without end"
        time.sleep(0.01)
    wire.close()
    error = ask.communicate()[1]
    assert ask.returncode != 0 and "guest agent" in error, error
    assert slowest < 1, f"a trivial call took {slowest:.2f} s meanwhile"
    private.virsh("destroy", "raving")


def lying_terminal(private):
    """A QEMU, which may be its guest's by now, says that its serial port is a file or a link of its choice, or that a socket is: who opens the
    console opens nothing but a terminal of QEMU's user, or the socket that was asked for."""
    target = private.file("precious", "precious")
    link = os.path.join(private.home, "link")
    os.symlink(target, link)
    console = "<console type='pty'/>"
    socket = f"<channel type='unix'><source mode='bind' path='{private.home}/own'/><target type='virtio' name='a'/></channel>"
    for path, words in ((target, "Inappropriate ioctl for device"), (link, "Too many levels of symbolic links"), ("/dev/null", "Inappropriate ioctl")):
        private.virsh("create", private.file("liar.xml", machine("liar", f"pty {path}", console + socket)))
        uuid, ident = private.virsh("domuuid", "liar").strip(), int(private.virsh("domid", "liar"))
        wire = Wire(private.socket("virtqemud")).open()
        reply = wire.call(OPEN_CONSOLE, xdr_string("liar") + bytes.fromhex(uuid.replace("-", "")) + struct.pack(">iII", ident, 0, 0))
        assert reply[5] == 1 and words in error_of(reply)[2], f"{path}: {reply}"
        wire.close()
        assert f"<source mode='bind' path='{private.home}/own'/>" in private.virsh("dumpxml", "liar"), "the socket is elsewhere now"
        private.virsh("destroy", "liar")
    with open(target) as file:
        assert file.read() == "precious"
    os.unlink(link)


def broken_status(private):
    """Status files that are torn, lie, or aren't any: left alone with a line in the log; machines that run are found."""
    private.virsh("create", private.file("kept.xml", machine("kept", "powerdown")))
    folder = os.path.join(private.run, "qemu", "run")
    with open(os.path.join(folder, "kept.xml")) as file:
        whole = file.read()
    private.stop("virtqemud", signal.SIGKILL)
    texts = {"torn": whole[:len(whole) // 2], "empty": "", "binary": "\0\1\2" * 100, "other": "<network><name>other</name></network>",
             "nobody": whole, "wrongstate": whole.replace("kept", "wrongstate").replace("state='running'", "state='flying'"),
             "longpid": whole.replace("kept", "longpid").replace("pid='", "pid='99999999999"),
             "deep": "<domstatus>" + "<a>" * 10000}
    for name, text in texts.items():
        with open(os.path.join(folder, name + ".xml"), "w") as file:
            file.write(text)
    private.start("virtqemud")
    wait_for(lambda: private.virsh("domstate", "kept").strip() == "running", lambda: "the machine that runs isn't found")
    private.alive("virtqemud")
    for name in ("torn", "empty", "binary", "other", "nobody", "longpid", "deep"):
        assert f"{name}.xml' is left alone" in private.log("virtqemud"), f"no word about '{name}' in the log"
        os.unlink(os.path.join(folder, name + ".xml"))
    private.virsh("destroy", "kept")


def main():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        for mode, *words in (("refuse", "nonsense"), ("die-early",), ("die-hello", "out of luck"), ("die-cont", "rather not"),
                             ("garbage", "bad-garbage"), ("deep", "bad-deep"), ("flood", "bad-flood"),
                             ("error cont", "fails on purpose"), ("error query-cpus-fast", "fails on purpose")):
            suite.run(f"faults: qemu: {mode}", fails, private, mode, *words)
        for test in (others_go_on, silent_start, reload_while_starting, raving_agent, lying_terminal, daemon_killed, ended_meanwhile, broken_status):
            suite.run("faults: " + test.__name__.replace("_", " "), test, private)
    for test in (full_disk, read_only_disk, full_run, wrong_conf):
        suite.run("faults: " + test.__name__.replace("_", " "), test)
    suite.done()


if __name__ == "__main__":
    main()
