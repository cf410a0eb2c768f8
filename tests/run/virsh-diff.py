#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our virsh beside stock virsh: the same lines on a fresh test:///default each, output, errors and exit status compared.

    BUILD_DIR=/work/b/X tests/run/virsh-diff.py [-v] [-k TEXT] [--library ours|stock] [FAMILY...]

A family is a file of tests/run/virsh-lines: each line is one command string (`#` begins a comment, a leading `!` a full argument
vector, quoted as in a shell; a leading `&` a text for stdin of the interactive shell with `|` for newlines). They run in a
directory with the *.xml files of virsh-lines. The families `wrong`, `once`, `values` and `pairs` are made for all commands
that stock has, see virshlines.py; `pairs` takes ten minutes and runs only when it is named."""

import argparse
import concurrent.futures
import difflib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import virshlines

LINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "virsh-lines")
STOCK = "/usr/bin/virsh"
STOCK_LIBRARY = "/usr/lib/x86_64-linux-gnu"
URI = "test:///default"
# What differs from one run to the next.
VOLATILE = [(re.compile(pattern), word) for pattern, word in (
    (r"\d+\.\d+ ms", "N ms"),
    (r"Compiled against library: .*", "Compiled against library: ITS OWN"),
    (r"(CPU time: +)[\d.]+s", r"\1Ns"),
    (r"(?<=cpu_time)( +)\d+\.\d+", r" N"),
    (r"(cpu\.time|vcpu\.\d\.time|cpu_time|user|system|Time|time)([=: ]+)\d[\d.]*", r"\1\2N"),
    (r"\d{4}-\d\d-\d\d-\d\d:\d\d:\d\d", "TIME"),
    (r"\b((?:rd|wr|rx|tx)_\w+|errs|number of [\w ]+:|error count:)( +)\d+", r"\1\2N"),
    (r"\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d\d\d)?", "TIME"),
    (r"<creationTime>\d+<", "<creationTime>N<"),
    (r"\b1[78]\d{8}(\.\d+)?\b", "SECONDS"),
    (r"virsh[A-Za-z0-9]{6}\.xml", "virshXXXXXX.xml"),
)]
# Differences that are meant (docs/VIRSH.md has them too): how a line begins, and why.
KNOWN = {
    "net-port-dumpxml nothing": "stock exits with 0 although there is no such network",
    "net-port-dumpxml ''": "the same",
    "net-port-delete nothing": "the same",
    "net-port-delete ''": "the same",
    "iface-edit eth1": "stock asks for the inactive document, which the test driver doesn't know",
    "checkpoint-create-as test --diskspec ''": "stock makes half an element of it",
    "snapshot-create-as test --diskspec ''": "the same",
    # refused by both, in other words: which of two things that are wrong is told first
    "schedinfo test --weight ''": "an empty value", "schedinfo test --cap ''": "the same", "guestvcpus test --cpulist ''": "the same",
    "domblkinfo test --device ''": "the same", "checkpoint-dumpxml test --xpath ''": "the same", "backup-dumpxml test --xpath ''": "the same",
    "snapshot-edit test --snapshotname ''": "the same", "cd --dir ''": "the same", "iface-bridge eth1 br9 --delay": "the same",
    "schedinfo test 1 --config --live": "stock forgets both flags",
}


def read_lines(family):
    with open(os.path.join(LINES, family), encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.strip() and not line.startswith("#"):
                yield line


def flag_pairs(command):
    """Every two options of a command: which exclude each other, which need another."""
    options = [f"--{name} {command.value(name)}" if kind else f"--{name}" for name, kind, required in command.options
               if not required and name not in virshlines.NOT_ONCE]
    for first, second in itertools.combinations(options, 2):
        yield command.line(first, second)


MADE = {"wrong": virshlines.Command.wrong, "once": virshlines.Command.once, "values": virshlines.Command.values, "pairs": flag_pairs}


class Virsh:
    """One of the two: a program, the library that it shall run on, and the seconds that one line may take."""

    def __init__(self, program, library, patience=60):
        self.program, self.library, self.patience = program, library, patience

    def run(self, arguments, told="", errors=subprocess.PIPE, patience=60):
        """(exit status, stdout, stderr), what is volatile made alike; None: it took too long."""
        where = tempfile.mkdtemp(prefix="virsh-diff-")
        try:
            for name in os.listdir(LINES):
                if name.endswith((".xml", ".sh")):
                    shutil.copy(os.path.join(LINES, name), where)
            env = {"PATH": "/usr/bin:/bin", "HOME": where, "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": self.library, "TERM": "dumb",
                   "XDG_RUNTIME_DIR": where, "XDG_CACHE_HOME": where, "EDITOR": os.path.join(where, "editor.sh"), "TMPDIR": where}
            done = subprocess.run([self.program, *arguments], input=told.encode(), stdout=subprocess.PIPE, stderr=errors, env=env,
                                  cwd=where, timeout=patience, check=False)
            texts = [(text or b"").decode(errors="backslashreplace").replace(where, "/WHERE") for text in (done.stdout, done.stderr)]
        except subprocess.TimeoutExpired:
            return None
        finally:
            shutil.rmtree(where, ignore_errors=True)
        for pattern, word in VOLATILE:
            texts = [pattern.sub(word, text) for text in texts]
        return done.returncode, *texts

    def line(self, line):
        """One line in a process of its own."""
        if line.startswith("!"):
            return self.run(shlex.split(line[1:]), patience=self.patience)
        if line.startswith("&"):
            return self.run(["-c", URI], line[1:].replace("|", "\n") + "\n", patience=self.patience)
        return self.run(["-c", URI, line], patience=self.patience)

    def session(self, before, lines):
        """Lines in one interactive shell, each on a world of its own: what was shown for each, in order; None: something ended it."""
        told = "".join("".join(f"{one}\n" for one in (f"connect {URI}", *before, line)) for line in lines)
        done = self.run(["-c", URI], told, subprocess.STDOUT)
        shown = re.split(r"^virsh [#>] ", done[1], flags=re.MULTILINE)[1:] if done else []
        step = 2 + len(before)
        if len(shown) != step * len(lines) + 1:
            return None
        return ["".join(shown[at:at + step]) for at in range(0, step * len(lines), step)]


def differing(pair, batches):
    """(line, stock's, ours) where they aren't the same."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for before, lines, session in batches:
            stock, ours = pool.map(lambda virsh: virsh.session(before, lines) if session else [virsh.line(lines[0])], pair)
            if stock is None or ours is None:
                stock, ours = pool.map(lambda virsh: [virsh.line("; ".join([*before, line])) for line in lines], pair)
            for line, theirs, mine in zip(lines, stock, ours):
                # stock's jobs hang for ever when their thread finds an argument wrong
                if theirs != mine and theirs is not None and not any(line.startswith(known) for known in KNOWN):
                    yield line, theirs, mine


def text_of(result):
    if not isinstance(result, tuple):
        return str(result).split("\n")
    return [f"status {result[0]}", *result[1].split("\n"), "-- stderr", *result[2].split("\n")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="count", default=0, help="show how it differs; twice: more of that")
    parser.add_argument("-k", metavar="TEXT", default="", help="only lines that hold it")
    parser.add_argument("--library", choices=("ours", "stock"), default="stock")
    parser.add_argument("families", nargs="*")
    options = parser.parse_args()
    build = os.environ.get("BUILD_DIR", os.getcwd())
    ours = os.path.join(build, "virsh", ".libs", "virsh")
    if not os.path.exists(STOCK) or not os.path.exists(ours):
        print("skip virsh-diff - needs stock virsh, and ours in BUILD_DIR")
        return 0
    library = STOCK_LIBRARY if options.library == "stock" else os.path.join(build, "libvirt", ".libs")
    pair = (Virsh(STOCK, STOCK_LIBRARY, patience=10), Virsh(ours, library))
    commands = virshlines.commands(STOCK)
    failed = 0
    for family in options.families or [*(name for name in MADE if name != "pairs"), *sorted(n for n in os.listdir(LINES) if "." not in n)]:
        if family in MADE:
            batches = [(command.before(), [line for line in MADE[family](command) if options.k in line], True) for command in commands]
            batches = [batch for batch in batches if batch[1]]
        else:
            batches = [([], [line], False) for line in read_lines(family) if options.k in line]
        wrong, count = 0, sum(len(batch[1]) for batch in batches)
        for line, theirs, mine in differing(pair, batches):
            wrong += 1
            print(f"not ok {family}: {line[:100]} - differs from stock", flush=True)
            if options.verbose:
                lines = list(difflib.unified_diff(text_of(theirs), text_of(mine), "stock", "ours", lineterm=""))
                print("\n".join(lines[2:options.verbose * 14]))
        failed += wrong
        print(f"# {family}: {wrong} of {count} lines differ" if wrong else f"ok virsh-{family} ({count} lines)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
