#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our virsh beside stock virsh: the same lines on a fresh test:///default each, stdout, stderr and exit status compared.

    BUILD_DIR=/work/b/X tests/run/virsh-diff.py [-v] [-k TEXT] [--library ours|stock] [FAMILY...]

A family is a file of tests/run/virsh-lines: each line is one command string (`#` begins a comment, a leading `!` a full argument
vector, quoted as in a shell; a leading `&` a text for stdin of the interactive shell with `|` for newlines). They run in a
directory with the *.xml files of virsh-lines. The families `help`, `missing`, `unknown`, `surplus`, `bad` are made for
all commands that stock has."""

import argparse
import concurrent.futures
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES = os.path.join(TOP, "tests", "run", "virsh-lines")
STOCK = "/usr/bin/virsh"
STOCK_LIBRARY = "/usr/lib/x86_64-linux-gnu"
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


# Differences that are meant: what a line begins with, and why.
KNOWN = {
    "net-port-dumpxml nothing": "stock exits with 0 although there is no such network",
    "net-port-dumpxml ''": "the same",
    "net-port-delete nothing": "the same",
    "net-port-delete ''": "the same",
    "schedinfo test 1 --config --live": "stock forgets both flags",
}


def stock_commands():
    text = subprocess.run([STOCK, "help"], capture_output=True, text=True, check=True).stdout
    return [word for word in re.findall(r"^    (\S+) ", text, re.MULTILINE)]


def flag_pairs(command):
    """Every two flags of a command, and every flag with every other option: which exclude each other, which need another."""
    usage = subprocess.run([STOCK, "help", command], capture_output=True, text=True, check=True).stdout
    synopsis = usage.split("SYNOPSIS")[1].split("\n\n")[0]
    needed = ["test" if name == "domain" else "1" for name in re.findall(r" <([^>]+)>", re.sub(r"\[[^]]*\]", "", synopsis))]
    options = [f"--{name} 1" if kind else f"--{name}" for name, kind in re.findall(r"\[--([^\s\]]+)( <\w+>)?\]", synopsis)]
    options = [option for option in options if not option.startswith(("--edit", "--loop", "--console", "--timeout", "--delay"))]
    if not options or command in ("migrate", "echo", "help"):
        return
    for first in range(len(options)):
        for second in range(first, len(options)):
            chosen = dict.fromkeys((options[first], options[second]))
            yield " ".join([command, *needed, *chosen])


def made_lines(family):
    for command in stock_commands():
        if family == "help":
            yield f"help {command}"
        elif family == "missing":
            yield command
        elif family == "unknown":
            yield f"{command} --no-such-option"
        elif family == "pairs":
            yield from flag_pairs(command)
        elif family == "surplus":
            yield " ".join([command, *(f"a{n}" for n in range(60))])
        else:
            # values that no option takes: an empty text for each, and a name that isn't there
            usage = subprocess.run([STOCK, "help", command], capture_output=True, text=True, check=True).stdout
            needed = re.findall(r" <([^>]+)>", usage.split("SYNOPSIS")[1].split("\n\n")[0].split(" [")[0])
            if needed:
                yield " ".join([command, *("nothing" for _ in needed)])
                yield " ".join([command, *("''" for _ in needed)])
            for option in re.findall(r"--(\S+) <number>", usage)[:3]:
                yield " ".join([command, *("1" for _ in needed), f"--{option}=1x"])


MADE = ("help", "missing", "unknown", "surplus", "bad", "pairs")


def read_lines(family):
    if family in MADE:
        yield from made_lines(family)
        return
    with open(os.path.join(LINES, family)) as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.strip() and not line.startswith("#"):
                yield line


def run(program, library, line, uri):
    where = tempfile.mkdtemp(prefix="virsh-diff-")
    try:
        for name in os.listdir(LINES):
            if name.endswith((".xml", ".sh")):
                shutil.copy(os.path.join(LINES, name), where)
        env = {"PATH": "/usr/bin:/bin", "HOME": where, "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": library, "TERM": "dumb",
               "XDG_RUNTIME_DIR": where, "XDG_CACHE_HOME": where, "EDITOR": os.path.join(where, "editor.sh"), "TMPDIR": where}
        told = ""
        if line.startswith("!"):
            arguments = shlex.split(line[1:])
        elif line.startswith("&"):
            arguments, told = ["-c", uri], line[1:].replace("|", "\n") + "\n"
        else:
            arguments = ["-c", uri, line]
        try:
            done = subprocess.run([program, *arguments], input=told, capture_output=True, text=True, errors="backslashreplace",
                                  env=env, cwd=where, timeout=30)
            result = [f"status {done.returncode}", *done.stdout.split("\n"), "-- stderr", *done.stderr.split("\n")]
        except subprocess.TimeoutExpired:
            result = ["timeout"]
        result = "\n".join(result).replace(where, "/WHERE")
        for pattern, word in VOLATILE:
            result = pattern.sub(word, result)
        return result.split("\n")
    finally:
        shutil.rmtree(where, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="count", default=0, help="show how it differs; twice: more of that")
    parser.add_argument("-k", metavar="TEXT", default="", help="only lines that hold it")
    parser.add_argument("--library", choices=("ours", "stock"), default="stock")
    parser.add_argument("--uri", default="test:///default")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("families", nargs="*")
    options = parser.parse_args()
    build = os.environ.get("BUILD_DIR", os.getcwd())
    ours = os.path.join(build, "virsh", ".libs", "virsh")
    if not os.path.exists(STOCK) or not os.path.exists(ours):
        print("skip virsh-diff - needs stock virsh, and ours in BUILD_DIR")
        return 0
    library = STOCK_LIBRARY if options.library == "stock" else os.path.join(build, "libvirt", ".libs")
    # pairs takes ten minutes
    families = options.families or [*(made for made in MADE if made != "pairs"), *sorted(n for n in os.listdir(LINES) if "." not in n)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for family in families:
            lines = [line for line in read_lines(family) if options.k in line]
            stock = pool.map(lambda line: run(STOCK, STOCK_LIBRARY, line, options.uri), lines)
            mine = pool.map(lambda line: run(ours, library, line, options.uri), lines)
            wrong = 0
            for line, theirs, our in zip(lines, stock, mine):
                if theirs == our or theirs == ["timeout"] or any(line.startswith(known) for known in KNOWN):  # stock itself hangs now and then in its jobs
                    continue
                wrong += 1
                print(f"not ok {family}: {line[:100]} - differs from stock", flush=True)
                if options.verbose:
                    print("\n".join(list(difflib.unified_diff(theirs, our, "stock", "ours", lineterm=""))[2:options.verbose * 14]))
            failed += wrong
            if not wrong:
                print(f"ok virsh-{family} ({len(lines)} lines)", flush=True)
            else:
                print(f"# {family}: {wrong} of {len(lines)} lines differ", flush=True)
    return 1 if failed else 0


sys.exit(main())
