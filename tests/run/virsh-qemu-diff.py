#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our virsh beside stock's on real QEMU: the lines of tests/run/virsh-qemu/lines, one after the other, on two daemons of the same
kind that were set up alike, one for each; output, errors and exit status compared.

    BUILD_DIR=/work/b/X tests/run/virsh-qemu-diff.py [-v] [--daemon ours|stock] [--library ours|stock] [--until TEXT]

The daemon is our virtqemud (with virtsecretd and virtstoraged beside it) or stock's libvirtd. Unless something is named: our virsh on our
library with our daemon, and on stock's with stock's. Then what --json prints for the same lines: each as virsh documents it."""

import argparse
import concurrent.futures
import difflib
import os
import re
import shutil
import subprocess

import lab
import virshjson

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "virsh-qemu")
STOCK = "/usr/bin/virsh"
LIBVIRTD = "/usr/sbin/libvirtd"
LIBRARY = os.path.join(lab.build_dir(), "libvirt", ".libs")
# What differs from one run, and from one process, to the next.
VOLATILE = [(re.compile(pattern, re.MULTILINE), word) for pattern, word in (
    (r"^Using (library|API): .*", r"Using \1: ITS OWN"),
    (r"^(\d+[KMGT]iB: +)\d+$", r"\1N"),
    (r"^Compiled against library: .*", "Compiled against library: ITS OWN"),
    (r"^(CPU time: +)[\d.]+s", r"\1Ns"),
    (r"/dev/pts/\d+", "/dev/pts/N"),
    (r"^(CPU: +)\d+$", r"\1N"),
    (r"^CPU time: .*\n", ""),  # not there while it is nothing
    (r"^((?: *cpu_time| *user_time| *system_time| *vcpu_time|user:|system:|idle:|iowait:) +)[\d.]+", r"\1N"),
    (r"(\.(?:time|user|system|delay|wait|nanosec|halted)|cputime|\w+_times?|rss|last.update|time|available|unused|usable|free|actual)([ =:]+)[\d.]+",
     r"\1\2N"),
    (r"^((?:Free|Mem|free|buffers|cached|total|user|system|idle|iowait|usage)\b[^:\n]*: *)[\d.]+", r"\1N"),
    (r"\b((?:rd|wr|rx|tx|flush)[_.][\w.]+|number of [\w ]+:|errs)([ =:]+)\d+", r"\1\2N"),
    (r"\d{4}-\d\d-\d\d[- ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4})?", "TIME"),
    (r"<creationTime>\d+<", "<creationTime>N<"),
    (r"\b1[78]\d{8}(\.\d+)?\b", "SECONDS"),
    (r"virsh[A-Za-z0-9]{6}\.xml", "virshXXXXXX.xml"),
    (r"(\r[\w ]+: \[[ \d.]+ %\])+", "PROGRESS"),
    (r"\blibvirt-\d+\b", "libvirt-N"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"(total duration of \w+ \(ns\): +)\d+", r"\1N"),
    (r"^( *(?:\d+|Total): +)\d+ KiB$", r"\1N KiB"),
)]
# Differences that are meant: how a line begins, and why.
KNOWN = {}


def ours():
    return os.path.join(lab.build_dir(), "virsh", ".libs", "virsh")


class World:
    """A session with a daemon of its own, and one virsh that talks to it."""

    def __init__(self, daemon, program, library):
        self.private = lab.Private()
        self.program, self.library = program, library
        if daemon == "stock":
            log = open(os.path.join(self.private.home, "libvirtd.log"), "w", encoding="utf-8")
            self.private.daemons["libvirtd"] = subprocess.Popen([LIBVIRTD], env=self.private.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            log.close()
            self.uri = f"qemu:///session?socket={self.private.socket('libvirt')}"
        else:
            for name in ("virtsecretd", "virtstoraged", "virtqemud"):
                self.private.start(name)
            self.uri = self.private.uri()
        home = self.private.home
        for name in os.listdir(HERE):
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                self.private.file(name, file.read().replace("HERE", home))
        os.chmod(os.path.join(home, "editor"), 0o755)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"{home}/one.qcow2", "16M"], check=True)
        for name in ("more.img", "media.iso"):
            with open(os.path.join(home, name), "wb") as file:
                file.truncate(1 << 20)
        self.ready()

    def ready(self):
        for _ in range(200):
            if self.run("uri")[0] == 0:
                return
        raise AssertionError("the daemon does not answer: " + self.private.log("libvirtd")[-600:])

    def run(self, *words):
        home = self.private.home
        env = dict(self.private.env, LC_ALL="C.UTF-8", TERM="dumb", LD_LIBRARY_PATH=self.library, EDITOR=f"{home}/editor", TMPDIR=home)
        try:
            done = subprocess.run([self.program, "-c", self.uri, *(word.replace("HERE", home) for word in words)], env=env, stdin=subprocess.DEVNULL, cwd=home,
                                  capture_output=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return None, "", "it hangs"
        texts = [text.decode(errors="backslashreplace").replace(home, "/HERE") for text in (done.stdout, done.stderr)]
        for pattern, word in VOLATILE:
            texts = [pattern.sub(word, text) for text in texts]
        return done.returncode, *texts


def lines(until, name="lines"):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        for line in file:
            if until and line.startswith(until):
                return
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def same(daemon, library, options):
    for program, what in ((STOCK, "stock's virsh"), (LIBVIRTD, "stock's libvirtd"), ("/usr/bin/qemu-system-x86_64", "QEMU"), (ours(), "our virsh")):
        if not os.path.exists(program):
            raise lab.Skip(f"no {what}")
    worlds = []
    try:
        worlds.append(World(daemon, STOCK, ""))
        worlds.append(World(daemon, ours(), LIBRARY if library == "ours" else ""))
        different = []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for line in lines(options.until):
                theirs, mine = pool.map(lambda world: world.run(line), worlds)
                if options.verbose > 2:
                    print(f"--- {line}\n{theirs[1]}{theirs[2]}")
                if theirs == mine or any(line.startswith(known) for known in KNOWN):
                    continue
                different.append(line)
                if options.verbose:
                    print(f"# {line}: {theirs[0]}, {mine[0]}")
                    print("\n".join(list(difflib.unified_diff((theirs[1] + theirs[2]).split("\n"), (mine[1] + mine[2]).split("\n"), "stock", "ours",
                                                              lineterm=""))[2:options.verbose * 20]))
        assert not different, f"{len(different)} lines differ: " + " | ".join(different)
    finally:
        for world in worlds:
            world.private.close()


def documents(options):
    """The lines again with --json, and those about what stock's virsh doesn't have."""
    world = World("ours", ours(), LIBRARY)
    try:
        commands = virshjson.commands(ours(), env=dict(os.environ, LD_LIBRARY_PATH=LIBRARY))
        wrong, seen = [], set()
        for line in [*lines(options.until), *lines(None, "newer")]:
            name = line.split()[0]
            done = world.run("--json", line)
            why = virshjson.misfit(commands[name], *done[:2]) if ";" not in line else None
            if why:
                wrong.append(f"{line}: {why}")
            elif done[0] == 0 and done[1]:
                seen.add(name)
        assert not wrong, f"{len(wrong)}: " + " // ".join(wrong)
        assert options.until or len(seen) > 100, f"only {len(seen)} commands printed something: {' '.join(sorted(seen))}"
    finally:
        world.private.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--daemon", choices=("ours", "stock"))
    parser.add_argument("--library", choices=("ours", "stock"))
    parser.add_argument("--until", metavar="TEXT", help="end before the line that begins so")
    options = parser.parse_args()
    suite = lab.Suite()
    for both in ("ours", "stock"):
        if options.daemon in (None, both) and not (options.library and not options.daemon and options.library != both):
            suite.run(f"virsh-on-qemu-daemon-of-{both}", same, both, options.library or both, options)
    if options.daemon != "stock":
        suite.run("virsh-on-qemu-json", documents, options)
    suite.done()


if __name__ == "__main__":
    lab.as_user()
    main()
