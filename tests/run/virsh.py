#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What our virsh has and stock's hasn't: JSON as documented, time limits, completion; and what needs a terminal.

    BUILD_DIR=/work/b/X tests/run/virsh.py

Runs on test:///default with stock's library, which has that driver; skipped where there is none."""

import csv
import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
import virshjson  # noqa: E402

LIBRARY = "/usr/lib/x86_64-linux-gnu"
VIRSH = os.path.join(os.environ.get("BUILD_DIR", os.getcwd()), "virsh", ".libs", "virsh")
ADMIN = os.path.join(os.environ.get("BUILD_DIR", os.getcwd()), "virt-admin", ".libs", "virt-admin")
HOME = tempfile.mkdtemp(prefix="virsh-test-")
ENV = {"PATH": "/usr/bin:/bin", "HOME": HOME, "XDG_CACHE_HOME": HOME, "XDG_RUNTIME_DIR": HOME, "LC_ALL": "C.UTF-8",
       "LD_LIBRARY_PATH": LIBRARY, "TERM": "dumb"}
GUESTS = """<domain type='test'><name>a"b\\\u00e9</name><memory>1024</memory><os><type>hvm</type></os></domain>"""


def virsh(*arguments, uri="test:///default", timeout=30, **env):
    done = subprocess.run([VIRSH, "-c", uri, *arguments], capture_output=True, text=True, env=dict(ENV, **env), timeout=timeout,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- JSON ------------------------------------------------------------------------------------------------

def tables():
    return virshjson.commands(VIRSH, env=ENV)


def json_forms():
    for name, command in tables().items():
        try:
            if command["json"]:
                virshjson.Form(command["json"])
        except (AssertionError, IndexError) as why:
            raise AssertionError(f"{name}: {command['json']}: {why}") from None


def json_documents():
    """Every line of virsh-lines that succeeds, as JSON: the document has the form that the table says."""
    commands = tables()
    folder = os.path.join(lab.TOP, "tests", "run", "virsh-lines")
    wrong, seen = [], set()
    for name in os.listdir(HOME):
        os.path.isfile(os.path.join(HOME, name)) and os.unlink(os.path.join(HOME, name))
    for file in os.listdir(folder):
        if file.endswith((".xml", ".sh")):
            shutil.copy(os.path.join(folder, file), HOME)
    for family in sorted(os.listdir(folder)):
        if "." in family:
            continue
        with open(os.path.join(folder, family)) as lines:
            for line in lines:
                words = line.split()
                if not words or line[0] in "#!&;" or ";" in line or words[0] not in commands or words[0] == "help":
                    continue
                if "edit" in line or "--loop" in line or "--help" in line:
                    continue
                done = subprocess.run([VIRSH, "--json", "-c", "test:///default", line.strip()], capture_output=True, text=True,
                                      env=ENV, cwd=HOME, timeout=30, stdin=subprocess.DEVNULL, check=False)
                why = virshjson.misfit(commands[words[0]], done.returncode, done.stdout)
                if why:
                    wrong.append(f"{line.strip()}: {why}")
                if not done.returncode and commands[words[0]]["json"]:
                    seen.add(words[0])
    assert not wrong, f"{len(wrong)}: " + " // ".join(one[:230] for one in wrong[:40])
    assert len(seen) > 60, f"only {len(seen)} commands were seen"


def json_names():
    """Names with quotes and what isn't ASCII come out as they are."""
    with open(os.path.join(HOME, "odd.xml"), "w") as file:
        file.write(GUESTS)
    code, out, err = virsh(f"define {HOME}/odd.xml; list --all --name --json")
    assert code == 0, err
    document = json.loads(out[out.index("["):])
    assert {"name": 'a"b\\\u00e9'} in document, document


def docs_current():
    """The pages about virsh and virt-admin are what their tables say."""
    for program, page in ((VIRSH, "VIRSH.md"), (ADMIN, "VIRT-ADMIN.md")):
        told = subprocess.run([program, "help", "--json"], capture_output=True, text=True, env=ENV, check=True)
        done = subprocess.run([os.path.join(lab.TOP, "virsh", "gen-docs"), "--check", os.path.join(lab.TOP, "docs", page)],
                              input=told.stdout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


# ---- time ------------------------------------------------------------------------------------------------

def time_limit():
    """A server that takes connections and never answers."""
    path = os.path.join(HOME, "silent-sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen(5)
        start = time.monotonic()
        code, out, err = virsh("list", "--timeout", "1", uri="", LIBVIRT_DEFAULT_URI=f"qemu+unix:///session?socket={path}")
        took = time.monotonic() - start
    assert code == 1 and "took longer than 1 seconds" in err, (code, out, err)
    assert took < 20, took


def completion():
    def ask(*words):
        return virsh("-q", "complete", "--", *words)[1].split()

    assert ask("susp") == ["suspend"], ask("susp")
    assert ask("suspend", "") == ["test"]
    assert "--reason" in ask("domstate", "test", "--r")
    assert ask("shutdown", "--mode", "ag") == ["agent"]
    assert virsh("-q", "complete", "--", "suspend", "", uri="")[1] == ""


# ---- a terminal ------------------------------------------------------------------------------------------

def on_terminal(arguments, typed, **env):
    """What a terminal shows: (exit status, text); typed: [(wait for this, send that)]."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(VIRSH, [VIRSH, "-c", "test:///default", *arguments], dict(ENV, **env))
    text, deadline = "", time.monotonic() + 30
    seen = 0
    while time.monotonic() < deadline:
        ready, _, _ = select.select([fd], [], [], 1)
        try:
            data = os.read(fd, 4096).decode(errors="replace") if ready else ""
        except OSError:
            break
        if ready and not data:
            break
        text += data
        while typed and typed[0][0] in text[seen:]:
            seen = text.index(typed[0][0], seen) + len(typed[0][0])
            os.write(fd, typed.pop(0)[1].encode())
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), text


def shell_on_terminal():
    code, text = on_terminal([], [("virsh # ", "suspend test\n"), ("suspended", "connect test:///default --readonly\n"),
                                  ("virsh > ", "domst\t\t\t\x15quit\n")])
    assert code == 0 and "Welcome to virsh" in text and "Domain 'test' suspended" in text, text
    assert "domstate" in text and "domstats" in text, f"no candidates: {text}"


def edit_again():
    """An editor whose text isn't accepted, a question, and then the way out."""
    editor = os.path.join(HOME, "break.sh")
    with open(editor, "w") as file:
        file.write('#!/bin/sh\nsed -i "s/<memory unit/<memory unti/" "$1"\n')
    os.chmod(editor, 0o755)
    code, text = on_terminal(["edit", "test"], [("[y,n,i,f,?]", "?"), ("print this help", ""), ("[y,n,i,f,?]", "i"),
                                                ("edited", "")], EDITOR=editor)
    assert "turn off validation" in text and code == 0 and "XML configuration edited" in text, (code, text)
    code, text = on_terminal(["edit", "test"], [("[y,n,i,f,?]", "n")], EDITOR=editor)
    assert code == 1 and "edited" not in text, (code, text)


def starts_at_once():
    """What isn't needed for --version isn't linked."""
    done = subprocess.run(["readelf", "-d", VIRSH], capture_output=True, text=True, check=True)
    needed = re.findall(r"NEEDED.*\[(.*)\]", done.stdout)
    extra = [name for name in needed if not name.startswith(("libvirt", "libc.", "libgcc", "libasan", "libubsan"))]
    assert not extra, extra


def everywhere():
    """Every command takes --json and --timeout."""
    names = sorted(tables())
    told = "".join(f"{name} --timeout 1 --json --help\n" for name in names)
    done = subprocess.run([VIRSH, "-c", "test:///default"], input=told, capture_output=True, text=True, env=ENV, timeout=60, check=False)
    missing = [name for name in names if f"  NAME\n    {name} - " not in done.stdout]
    assert not missing and "error:" not in done.stderr, (missing, done.stderr[:300])


def starts_in_a_third():
    """What `virsh --version` costs, with our library, beside stock's with stock's: CPU time, the least of many in turns."""
    if not os.path.exists("/usr/bin/virsh"):
        raise lab.Skip("no stock virsh")
    library = os.path.join(lab.build_dir(), "libvirt", ".libs")
    both = {VIRSH: library, "/usr/bin/virsh": LIBRARY}
    least = {}
    for _ in range(30):
        for program, where in both.items():
            process = subprocess.Popen([program, "--version"], env=dict(ENV, LD_LIBRARY_PATH=where), stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            assert status == 0
            least[program] = min(least.get(program, 1e9), usage.ru_utime + usage.ru_stime)
    assert least[VIRSH] * 3 <= least["/usr/bin/virsh"], least


def like_tables():
    """All commands and options of virsh and virt-admin up to 12.8, with their kinds, as the tables of facts have them."""
    folder = os.environ.get("INTERFACE", os.path.join(lab.TOP, "../shared/interface"))
    if not os.path.exists(os.path.join(folder, "virsh-commands.tsv")):
        raise lab.Skip("the tables of facts are not here (INTERFACE)")
    wrong = []
    for program, table in ((VIRSH, "virsh-commands.tsv"), (ADMIN, "virt-admin-commands.tsv")):
        commands = virshjson.commands(program, env=ENV)
        with open(os.path.join(folder, table), encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        for row in rows:
            if row["form"] == "command-alias":
                continue
            command = commands.get(row["command"])
            options = {option["name"]: option for option in command["options"]} if command else {}
            option = options.get(row["option"]) or options.get("string" if row["option"].startswith("<") else "")
            if not command or (row["option"] != "-" and not option):
                wrong.append(f"{row['command']} {row['option']}: isn't there")
            elif option and row["form"] != "option-alias":
                kind = {"bool": "flag", "int": "number"}.get(row["kind"], "string")
                if option["kind"] != kind or bool(option.get("required")) != (row["required"] == "required"):
                    wrong.append(f"{row['command']} {row['option']}: {option['kind']}, required: {option.get('required')}")
    assert not wrong, f"{len(wrong)}: " + " | ".join(wrong[:30])


if not os.path.exists(VIRSH) or not os.path.exists(os.path.join(LIBRARY, "libvirt.so.0")):
    print("skip virsh - needs our virsh in BUILD_DIR and stock's library with its test driver")
    sys.exit(0)
suite = lab.Suite()
try:
    for test in (json_forms, json_documents, json_names, docs_current, time_limit, completion, shell_on_terminal, edit_again,
                 starts_at_once, starts_in_a_third, everywhere, like_tables):
        suite.run(f"virsh-{test.__name__.replace('_', '-')}", test)
finally:
    shutil.rmtree(HOME, ignore_errors=True)
suite.done()
