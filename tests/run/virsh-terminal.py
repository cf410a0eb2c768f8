#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our virsh in front of somebody who types: the interactive shell, an editor, consoles and progress of real machines, completion in
bash and zsh.

    BUILD_DIR=/work/b/X tests/run/virsh-terminal.py"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import lab
from scripted import Daemon
from terminal import Terminal

VIRSH = os.path.join(lab.build_dir(), "virsh", ".libs", "virsh")
ADMIN = os.path.join(lab.build_dir(), "virt-admin", ".libs", "virt-admin")
LIBRARY = os.path.join(lab.build_dir(), "libvirt", ".libs")
PROMPT = r"virsh # $"
READY = r"READY> (\x1b\S*)?$"
# The firmware speaks on the serial line and listens there.
MACHINE = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type>
<bootmenu enable='yes' timeout='60000'/><bios useserial='yes'/></os>
<devices><controller type='usb' model='none'/><serial type='pty'/><memballoon model='none'/></devices></domain>"""


class Desk:
    """A session of its own, with our virsh."""

    def __init__(self):
        self.private = lab.Private()
        self.home = self.private.home
        self.env = dict(self.private.env, LC_ALL="C.UTF-8", TERM="dumb", LD_LIBRARY_PATH=LIBRARY)
        self.machines = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.private.close()

    def virsh(self, *arguments, uri="test:///default", **env):
        return Terminal(VIRSH, ["-c", uri, *arguments], {**self.env, **env}, cwd=self.home)

    def shell(self, *arguments, **more):
        terminal = self.virsh(*arguments, **more)
        terminal.see(PROMPT)
        return terminal

    def quick(self, *arguments, uri="test:///default", **env):
        """Without a terminal."""
        return subprocess.run([VIRSH, "-c", uri, *arguments], env={**self.env, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False, cwd=self.home)

    def machine(self, *more):
        """A real machine that runs; its name."""
        if "virtqemud" not in self.private.daemons:
            if not shutil.which("qemu-system-x86_64"):
                raise lab.Skip("no QEMU")
            self.private.start("virtqemud")
        self.machines += 1
        name = f"m{self.machines}"
        done = self.quick("create", self.private.file(f"{name}.xml", MACHINE.format(name=name)), *more, uri=self.private.uri())
        assert done.returncode == 0, done.stderr
        return name


# ---- the shell -------------------------------------------------------------------------------------------

def lines_and_quoting(desk):
    with desk.shell() as terminal:
        assert "Welcome to virsh, the virtualization interactive terminal." in terminal.text
        assert "a  b c;d $HOME" in terminal.ask("""echo 'a  b' "c;d" \\$HOME""", PROMPT)
        answer = terminal.ask("suspend test ; domstate test; resume test", PROMPT)
        assert re.search(r"suspended\n\npaused\n\nDomain 'test' resumed", answer), answer
        answer = terminal.ask("echo 'open", PROMPT)
        answer = terminal.ask("bogus; list", PROMPT)
        assert "unknown command: 'bogus'" in answer and "Name" not in answer, answer
        terminal.ask("cd /", PROMPT)
        assert "\n/\n" in terminal.ask("pwd", PROMPT)
        terminal.ask("connect --readonly", r"virsh > $")
        assert "read only access" in terminal.ask("destroy test", r"virsh > $")
        terminal.type("quit\n")
        assert terminal.end()[0] == 0
    with desk.shell() as terminal:
        terminal.type("\x04")  # the end of input
        assert terminal.end() == (0, "\n")


def history(desk):
    """What was typed comes back, also in the next shell; no more of it than VIRSH_HISTSIZE says."""
    up = "\x10"
    with desk.shell() as terminal:
        terminal.ask("domid test", PROMPT)
        terminal.ask("domuuid test", PROMPT)
        assert "\n1\n" in terminal.ask(up + up, PROMPT)
        terminal.type("quit\n")
        terminal.end()
    path = os.path.join(desk.home, "cache", "libvirt", "virsh", "history")
    with open(path, encoding="utf-8") as file:
        assert file.read().split("\n") == ["domid test", "domuuid test", "domid test", "quit", ""]
    with desk.shell(VIRSH_HISTSIZE="2") as terminal:
        assert "\n1\n" in terminal.ask(up + up, PROMPT)
        terminal.type("exit\n")
        terminal.end()
    with open(path, encoding="utf-8") as file:
        assert file.read().split("\n") == ["domid test", "exit", ""]
    with desk.shell(VIRSH_HISTSIZE="many") as terminal:
        assert "Bad $VIRSH_HISTSIZE value." in terminal.text


def completion_inside(desk):
    """Commands, options, values, names of objects; also behind a semicolon and an option's name."""
    tab = "\t\t\t"
    with desk.shell() as terminal:
        for typed, candidates in (("domst", ["domstate", "domstats"]), ("domstate test --", ["--reason", "--json", "--timeout"]),
                                  ("shutdown test --mode a", ["acpi", "agent"]), ("list; net-u", ["net-undefine", "net-uuid", "net-update"])):
            terminal.type(typed + tab)
            for candidate in candidates:
                terminal.see(re.escape(candidate))
            terminal.type("\x15")
        for typed, answer in (("dominfo te", "Name: +test"), ("net-info --network de", "Name: +default"), ("pool-info def", "default-pool")):
            terminal.ask(typed + "\t", answer)
            terminal.see(PROMPT)


def lost_connection(desk):
    """A daemon that goes away is told of, and connected to again."""
    desk.machine()
    with desk.shell(uri=desk.private.uri()) as terminal:
        terminal.ask("list", "m1")
        desk.private.stop("virtqemud", signal.SIGKILL)
        terminal.see("Disconnected from qemu:///session.* due to end of file")
        desk.private.start("virtqemud")
        answer = terminal.ask("domstate m1", "running")
        assert "Reconnected to the hypervisor" in answer, answer


# ---- console ---------------------------------------------------------------------------------------------

def console(desk):
    """Both ways; the escape character; who comes second is refused, or takes the place."""
    uri, name = desk.private.uri(), desk.machine("--paused")
    with desk.virsh("-e", "^T", "console", name, "--resume", uri=uri) as first:
        first.see(r"Connected to domain '" + name + r"'\nEscape character is \^T \(Ctrl \+ T\)")
        first.see("Press ESC for boot menu")
        with desk.virsh("console", name, "--safe", uri=uri) as second:
            code, text = second.end()
            assert code == 1 and "Active console session exists for this domain" in text, text
        with desk.virsh("console", name, "--force", uri=uri) as second:
            second.see(r"Escape character is \^\] \(Ctrl \+ \]\)")
            assert first.end()[0] == 0
            second.raw().type("\x1b")
            second.see("Select boot device")
            second.type("\x1d")
            code, text = second.end()
            assert code == 0, text
    # what ends with its machine
    with desk.virsh("console", name, uri=uri) as terminal:
        terminal.see("Escape character")
        done = desk.quick("destroy", name, uri=uri)
        assert done.returncode == 0, done.stderr
        assert terminal.end()[0] == 0
    with desk.virsh("console", name, uri=uri) as terminal:
        code, text = terminal.end()
        assert code == 1 and "failed to get domain" in text, text


def console_from_start(desk):
    """create --console, start --console: from the first letter; the terminal is as before afterwards."""
    uri = desk.private.uri()
    desk.machine()
    file = desk.private.file("at-once.xml", MACHINE.format(name="at-once"))
    with desk.shell(uri=uri) as terminal:
        terminal.ask(f"create {file} --console", "SeaBIOS")
        terminal.see("boot menu")
        terminal.type("\x1d")
        terminal.see(PROMPT)
        assert "at-once" in terminal.ask("list --name", PROMPT)
        terminal.ask("destroy at-once", PROMPT)
        terminal.ask(f"define {file}", PROMPT)
        terminal.ask("start at-once --console", "SeaBIOS")
        terminal.type("\x1d")
        terminal.see(PROMPT)
        terminal.ask("undefine at-once", PROMPT)
        terminal.ask("destroy at-once", PROMPT)
    done = desk.quick("console", "m1", uri=uri)
    assert done.returncode == 1 and "Cannot run interactive console without a controlling TTY" in done.stderr, done.stderr


# ---- an editor -------------------------------------------------------------------------------------------

def editor(desk):
    """A text that isn't accepted: asked what now; again from what was typed; thrown away; the file is gone afterwards."""
    def script(name, text):
        path = desk.private.file(name, "#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    bad = script("bad", 'echo "$1" >>"$HOME/files"; sed -i "s/<memory unit/<memory unti/" "$1"')
    # breaks it, and at the next time mends that and changes something else
    twice = script("twice", 'if grep -q broken "$1"; then sed -i "s/<broken>//; s/8388608/4194304/" "$1"; else sed -i "s/<memory/<broken><memory/" "$1"; fi')
    with desk.virsh("edit", "test", EDITOR=bad, TMPDIR=desk.home) as terminal:
        terminal.see(r"error: .*\nFailed. Try again\? \[y,n,i,f,\?\]: ")
        terminal.type("?")
        terminal.see("y - yes, start editor again\n(.*\n)+.*Try again")
        terminal.type("n")
        code, text = terminal.end()
        assert code == 1 and "edited" not in text, text
    with desk.virsh("edit", "test", EDITOR=bad) as terminal:
        terminal.see("Try again")
        terminal.type("i")  # what isn't known is ignored then
        code, text = terminal.end()
        assert code == 0 and "XML configuration edited" in text, text
    with desk.shell(EDITOR=twice) as terminal:
        terminal.ask("edit test", "Try again")
        terminal.type("f")
        terminal.see("Try again")
        terminal.type("y")
        terminal.see("XML configuration edited")
        terminal.ask("dumpxml test --inactive", "4194304")
        terminal.ask("edit test", "Try again")
        terminal.type("n")
        terminal.see(PROMPT)
    with open(os.path.join(desk.home, "files"), encoding="utf-8") as file:
        files = file.read().split()
    assert files[0].startswith(desk.home) and files[0].endswith(".xml"), files
    assert not any(map(os.path.exists, files)), "a temporary file is left"
    with desk.virsh("edit", "test", EDITOR="false") as terminal:
        code, text = terminal.end()
        assert code == 1 and "exit status 1" in text, text


# ---- events, waiting, progress ---------------------------------------------------------------------------

def events(desk):
    """Each as it happens; once or until interrupted; as lines of JSON."""
    uri, name = desk.private.uri(), desk.machine()
    loop = desk.virsh("event", "--all", "--loop", "--timestamp", uri=uri)
    lines = desk.virsh("--json", "event", name, "--event", "lifecycle", "--loop", uri=uri)
    once = desk.virsh("event", name, "--event", "lifecycle", uri=uri)
    monitor = desk.virsh("qemu-monitor-event", name, "--event", "STOP", uri=uri)
    with loop, lines, once, monitor:
        for terminal in (loop, lines, once, monitor):
            watched(desk, terminal)
        assert desk.quick(f"suspend {name}; resume {name}", uri=uri).returncode == 0
        loop.see(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+0000: event 'lifecycle' for domain '" + name + r"': Suspended Paused\n")
        loop.see(r": event 'lifecycle' for domain '" + name + r"': Resumed Unpaused\n")
        lines.see(r'^\{"event": ?"lifecycle", ?"domain": ?"' + name + r'", .*"Suspended".*\}\n')
        lines.see(r'^\{"event": ?"lifecycle", .*"Resumed".*\}\n')
        code, text = once.end()
        assert code == 0 and "Suspended Paused\nevents received: 1\n" in once.text, once.text
        code, text = monitor.end()
        assert code == 0 and re.search(r"event STOP at \d+\.\d{6} for domain '" + name + "': <null>", monitor.text), monitor.text
        for terminal in (loop, lines):
            terminal.type("\x03")
            assert terminal.end()[0] == 0, terminal.text
        assert "event loop interrupted\nevents received: 2" in loop.text, loop.text
    done = desk.quick("event", "--event", "lifecycle", "--timeout", "1", uri=uri)
    assert done.returncode == 1 and done.stdout == "event loop timed out\nevents received: 0\n\n", done


def watched(desk, terminal):
    """Its connection is there and has a callback: known from the daemon, not from a clock."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with open(f"/proc/{terminal.pid}/task/{terminal.pid}/wchan", encoding="ascii") as file, \
                open(f"/proc/{terminal.pid}/status", encoding="ascii") as status:
            if "poll" in file.read() and re.search(r"^Threads:\s*2", status.read(), re.M):
                return
        time.sleep(0.01)
    raise AssertionError("it does not wait for events")


def awaited(desk):
    """A command that waits for a machine's end."""
    uri, name = desk.private.uri(), desk.machine()
    done = desk.quick("await", name, "--condition", "domain-inactive", "--timeout", "1", uri=uri)
    assert done.returncode == 1 and "timed out" in done.stderr, done
    with desk.virsh("await", name, "--condition", "domain-inactive", uri=uri) as terminal:
        watched(desk, terminal)
        assert desk.quick("destroy", name, uri=uri).returncode == 0
        start = time.monotonic()
        code, text = terminal.end()
        assert code == 0 and time.monotonic() - start < 5, text


def progress(desk):
    """Long work shows how far it is, on a line of its own; an interrupt ends the work, not the machine."""
    uri, name = desk.private.uri(), desk.machine()
    with desk.virsh("dump", name, os.path.join(desk.home, "core"), "--memory-only", "--verbose", uri=uri) as terminal:
        code, text = terminal.end()
        assert code == 0 and re.search(r"\rDump: \[100 %\].*\nDomain '" + name + r"' dumped to ", text, re.S), text
    with desk.virsh("save", name, os.path.join(desk.home, "saved"), "--verbose", uri=uri) as terminal:
        code, text = terminal.end()
        assert code == 0 and "\rSave: [100 %]" in text, text


# ---- the hint of list ------------------------------------------------------------------------------------

def hint(desk):
    """A list that finds nothing tells of the other side, on a terminal; in a mount namespace that has a system's daemon."""
    def answer(row, arguments):
        return {"domains": [], "ret": 3} if row.name == "connect_list_all_domains" else None

    system = Daemon(os.path.join(desk.home, "system"), answer)
    desk.private.start("virtqemud")
    inside = ["-Um", "--map-current-user", "--keep-caps", "sh", "-c",
              f"mount -t tmpfs none /run && mkdir /run/libvirt && ln -s {system.path} /run/libvirt/virtqemud-sock-ro && exec \"$@\"", "sh"]
    try:
        if subprocess.run(["unshare", *inside, "true"], capture_output=True, check=False).returncode:
            raise lab.Skip("no mount namespaces for users here")
        for arguments, told in ((["list", "--all"], True), (["list"], True), (["-q", "list"], False)):
            with Terminal("/usr/bin/unshare", [*inside, VIRSH, "-c", "qemu:///session", *arguments], desk.env) as terminal:
                code, text = terminal.end()
                assert code == 0 and ("note: qemu:///system has 3 domains: virsh -c qemu:///system list --all" in text) == told, text
        plain = subprocess.run(["unshare", *inside, VIRSH, "-c", "qemu:///session", "list"], env=desk.env, capture_output=True, text=True, check=True)
        assert not plain.stderr, plain.stderr
        desk.machine()
        with Terminal("/usr/bin/unshare", [*inside, VIRSH, "-c", "qemu:///session", "list"], desk.env) as terminal:
            assert "note:" not in terminal.end()[1] and "m1" in terminal.text, terminal.text
    finally:
        system.close()


# ---- completion in bash and zsh --------------------------------------------------------------------------

class Typing:
    """An interactive bash or zsh that has our completion."""

    def __init__(self, desk, shell, **env):
        if not shutil.which(shell):
            raise lab.Skip(f"no {shell}")
        bin_dir = os.path.join(desk.home, "bin")
        os.makedirs(bin_dir, exist_ok=True)
        for program in (VIRSH, ADMIN):
            if not os.path.exists(os.path.join(bin_dir, os.path.basename(program))):
                os.symlink(program, os.path.join(bin_dir, os.path.basename(program)))
        source = os.path.join(lab.TOP, "virsh")
        env = {**desk.env, "PATH": f"{bin_dir}:/usr/bin:/bin", "PS1": "READY> ", **env}
        if shell == "bash":
            arguments, first = ["--norc", "--noprofile", "-i"], f"bind 'set bell-style none'; bind 'set page-completions off'; bind 'set show-all-if-ambiguous on'; . {source}/completion.bash\n"
        else:
            functions = os.path.join(desk.home, "functions")
            os.makedirs(functions, exist_ok=True)
            shutil.copy(os.path.join(source, "completion.zsh"), os.path.join(functions, "_virsh"))
            arguments = ["-f", "-i"]
            first = f"PS1='READY> '; unset zle_bracketed_paste; unsetopt prompt_sp; fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -D\n"
        self.terminal = Terminal(shutil.which(shell), arguments, env, cwd=desk.home)
        self.terminal.see(READY)
        self.terminal.type(first)
        self.terminal.see(READY)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminal.__exit__()

    def shows(self, line, *candidates):
        self.terminal.type(line + "\t\t")
        for candidate in candidates:
            self.terminal.see(re.escape(candidate))
        self.terminal.type("\x15\n")
        self.terminal.see(READY)

    def becomes(self, line, end):
        """One candidate alone is typed for the user: seen by what the shell echoes."""
        self.terminal.type(f"echo [ {line}\x01\x04\x04\x04\x04\x04\x04\x04\x05\t")
        self.terminal.type(" ]\x01echo [ \x05\n")
        shown = self.terminal.see(r"\n\[ .* \]\n")
        assert re.search(rf"\[ .*{re.escape(end)} +\]", shown), shown
        self.terminal.see(READY)


def completion_outside(desk, shell):
    name = desk.machine()
    uri = desk.private.uri()
    with Typing(desk, shell) as typing:
        typing.shows("virsh domst", "domstate", "domstats")
        typing.shows("virsh -c test:///default domstate test --", "--reason")
        typing.shows(f"virsh -c '{uri}' domstate m", name) if shell == "none" else None
        typing.becomes("virsh -c test:///default suspend t", "suspend test")
        typing.becomes("virsh shutdown --mode ag", "--mode agent")
        typing.shows("virt-admin server-", "server-list", "server-threadpool-info")
        typing.becomes("virt-admin -c virtqemud:///session client-list vi", "client-list virtqemud")
        typing.becomes("virt-admin daemon-log-f", "daemon-log-filters")


def completion_is_harmless(desk, shell):
    """A daemon that never answers holds nobody up for long; none is started; nobody is asked for a password."""
    ssh = desk.private.file("ssh", "#!/bin/sh\necho asked >>$HOME/asked\nexec sleep 60\n")
    os.chmod(ssh, 0o755)
    path = os.path.join(desk.home, "silent")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen(5)
        for uri in (f"qemu:///session?socket={path}", "qemu+ssh://root@localhost/system", "qemu:///session"):
            with Typing(desk, shell, LIBVIRT_DEFAULT_URI=uri, PATH=f"{desk.home}:{desk.home}/bin:/usr/bin:/bin") as typing:
                start = time.monotonic()
                typing.terminal.type("virsh domstate \t\t")
                typing.terminal.type("\x15echo al\"\"ive\n")
                shown = typing.terminal.see("alive\n")
                assert "assword" not in shown, shown
                assert time.monotonic() - start < 20, f"{uri}: {time.monotonic() - start:.1f} s"
    assert not os.path.exists(os.path.join(desk.home, "asked")), "ssh was started"
    assert not os.path.exists(os.path.join(desk.private.run, "virtqemud-sock")), "a daemon was started"


def main():
    suite = lab.Suite()
    if not os.path.exists(VIRSH):
        print("skip virsh-terminal - virsh is not built")
        suite.done()
    tests = [(test.__name__, test, ()) for test in (lines_and_quoting, history, completion_inside, lost_connection, console, console_from_start, editor,
                                                    events, awaited, progress, hint)]
    tests += [(f"{test.__name__}_{shell}", test, (shell,)) for test in (completion_outside, completion_is_harmless) for shell in ("bash", "zsh")]
    for name, test, more in tests:
        with Desk() as desk:
            suite.run(f"virsh-terminal-{name.replace('_', '-')}", test, desk, *more)
    suite.done()


lab.as_user()
main()
