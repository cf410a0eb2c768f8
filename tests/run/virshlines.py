# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lines for every command of virsh, made from its help: what a user can do wrong with each command and each option, and each option
once with a value that fits. Lines of one command run in one interactive shell, on a world that is new for each."""

import re
import subprocess

# Values that fit, by the name of what is asked for; the built-in world of the test driver has these.
WORLD = {
    "domain": "test", "network": "default", "pool": "default-pool", "vol": "v", "interface": "eth1", "device": "computer",
    "nodedev": "computer", "file": "domain.xml", "xml": "domain.xml", "snapshotname": "s", "checkpointname": "c", "inputpool": "default-pool",
    "type": "file", "source": "/tmp/none.img", "target": "vdb", "path": "vda", "name": "n2", "newname": "n3", "new-name": "n3",
    "size": "1M", "capacity": "1M", "kilobytes": "1024", "count": "1", "cpu": "0", "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f",
    "format": "qemu-argv", "key": "k", "uri": "u", "from": "s", "mac": "aa:bb:cc:dd:ee:ff", "state": "up", "mode": "acpi",
    "secret": "6695eb01-f6a4-8304-79aa-97f2502e193f", "nwfilter": "clean-traffic", "binding": "vnet0", "port": "1", "bridge": "br9",
    "diskspec": "vda", "new-desc": "words", "keycode": "30", "command": "list", "event": "0", "dir": "/", "string": "words", "cmd": "id",
    "memspec": "file=/tmp/none.mem", "codeset": "linux", "resource": "cpu", "title": "words", "vcpulist": "0", "cpulist": "0",
    "xpath": "//name", "backing-vol": "v", "set": "a=1", "pid": "1", "signame": "kill", "user": "root", "mountpoint": "/", "hostname": "x",
}
# by command, where the same word means something else
SPECIAL = {
    "net-update": {"command": "add", "section": "ip-dhcp-host", "xml": "<host/>"},
    "pool-create-as": {"type": "dir", "target": "/tmp/none"}, "pool-define-as": {"type": "dir", "target": "/tmp/none"},
    "find-storage-pool-sources-as": {"type": "logical"}, "find-storage-pool-sources": {"type": "logical"},
    "attach-interface": {"type": "network", "source": "default"}, "detach-interface": {"type": "network"},
    "domif-setlink": {"interface": "testnet0"}, "domif-getlink": {"interface": "testnet0"}, "domifstat": {"interface": "testnet0"},
    "domiftune": {"interface": "testnet0", "inbound": "1", "outbound": "1"}, "iface-bridge": {"interface": "eth1"},
    "net-define": {"file": "net.xml"}, "net-create": {"file": "net.xml"}, "pool-define": {"file": "pool.xml"}, "pool-create": {"file": "pool.xml"},
    "vol-create": {"file": "vol.xml"}, "vol-create-from": {"file": "vol2.xml"}, "iface-define": {"file": "iface.xml"},
    "attach-device": {"file": "disk.xml"}, "detach-device": {"file": "disk.xml"}, "update-device": {"file": "disk.xml"},
    "checkpoint-create": {"xmlfile": "cp.xml"}, "snapshot-create": {"xmlfile": "snap.xml"}, "hypervisor-cpu-compare": {"file": "cpu.xml"},
    "cpu-compare": {"file": "cpu.xml"}, "cpu-baseline": {"file": "cpu.xml"}, "hypervisor-cpu-baseline": {"file": "cpu.xml"},
    "blkdeviotune": {"device": "vda"}, "domblkinfo": {"device": "vda"}, "domblkstat": {"device": "vda"}, "domblkthreshold": {"dev": "vda"},
    "nodesuspend": {"target": "mem"}, "dompmsuspend": {"target": "mem"}, "connect": {"name": "test:///default"},
    "vol-list": {}, "desc": {}, "dominfo": {}, "metadata": {"uri": "http://x/", "set": "'<a/>'", "key": "a"},
    "echo": {"prefix": "p"}, "screenshot": {"file": "shot"}, "dump": {"file": "core"}, "save": {"file": "state"},
}
# A world that has what the command is about.
BEFORE = [
    (r"vol-(?!create-as|list)|vol-create-from", "vol-create-as default-pool v 1M"),
    (r"snapshot-(?!create)", "snapshot-create-as test s"),
    (r"checkpoint-(?!create)", "checkpoint-create-as test c"),
]
# What waits for somebody, or ends the shell; tests/run/virsh.py has tests for those.
ENDLESS = {"exit", "quit"}
NOT_ONCE = {"loop", "edit", "console", "timeout", "delay"}


# The forms that options have in a synopsis: repeated ones, named ones and flags, those by position.
FORMS = re.compile(r"(?P<all>[{\[])\[--(?P<repeated>[^\]]+)\] <\w+>[}\]]\.\.\.|(?P<maybe>\[)?--(?P<named>[^\s\]]+)(?: <(?P<kind>\w+)>)?\]?"
                   r"|(?P<may>\[)?<(?P<plain>[^>]+)>\]?")


def options_of(help_text):
    """(name, kind, required) in the order of the synopsis; kind None: a flag."""
    synopsis = help_text.split("SYNOPSIS")[1].split("\n\n")[0]
    for form in FORMS.finditer(synopsis):
        if form["repeated"]:
            yield form["repeated"], "string", form["all"] == "{"
        elif form["named"]:
            yield form["named"], form["kind"], not form["maybe"]
        else:
            yield form["plain"], "string", not form["may"]


class Command:
    def __init__(self, name, help_text):
        self.name = name
        self.options = [] if name == "echo" else list(options_of(help_text))
        self.flags = [option[0] for option in self.options if option[1] is None]
        self.valued = [option[:2] for option in self.options if option[1]]
        self.needed = [option[0] for option in self.options if option[2]]

    def value(self, option):
        return SPECIAL.get(self.name, {}).get(option) or WORLD.get(option, "1")

    def line(self, *more, **instead):
        """The command with what it must have, and more."""
        words = [instead.get(option.replace("-", "_"), self.value(option)) for option in self.needed]
        return " ".join([self.name, *words, *more])

    def before(self):
        return [line for pattern, line in BEFORE if re.match(pattern, self.name)]

    def wrong(self):
        """What isn't a command line: nothing runs, but for commands that need nothing."""
        yield f"help {self.name}"
        yield f"{self.name} --help"
        yield self.name
        yield self.line("--no-such-option")
        yield self.line("--no-such-option=1")
        yield " ".join([self.name, *(f"a{n}" for n in range(60))])
        for flag in self.flags:
            yield self.line(f"--{flag}=1")
            yield self.line(f"--{flag} --{flag}")
        for option, _ in self.valued:
            yield f"{self.name} --{option}"
            yield f"{self.name} --{option} 1 --{option} 1"
        for count in range(1, len(self.needed)):
            yield " ".join([self.name, *map(self.value, self.needed[:count])])

    def once(self):
        """The command alone, then with each option."""
        yield self.line()
        for name, kind, required in self.options:
            if required or name in NOT_ONCE:
                continue
            yield self.line(f"--{name}" if kind is None else f"--{name} {self.value(name)}")

    def values(self):
        """Values that aren't right: nothing, no number, out of range, no such object."""
        for name in self.needed:
            for bad in ("''", "nothing"):
                yield self.line(**{name.replace("-", "_"): bad})
        for name, kind in self.valued:
            if name in NOT_ONCE - {"timeout", "delay"}:
                continue
            for bad in ("''", "1x", "-1", "99999999999999999999", "0") if kind == "number" else ("''", "nothing"):
                if name not in self.needed:
                    yield self.line(f"--{name} {bad}")
                elif kind == "number":
                    yield self.line(**{name.replace("-", "_"): bad})


def commands(program):
    """All commands that this virsh tells of."""
    def told(line):
        return subprocess.run([program, line], capture_output=True, text=True, check=True).stdout

    names = [name for name in re.findall(r"^    (\S+) ", told("help"), re.MULTILINE) if name not in ENDLESS]
    texts = told("; ".join(f"help {name}" for name in names)).split("  NAME\n")[1:]
    return [Command(name, text) for name, text in zip(names, texts, strict=True)]
