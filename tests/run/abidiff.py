#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""abidiff: Debian's client libraries and ours, symbol by symbol and (where either has debug information) type by type.

Debian keeps libvirt0's debug information outside the main archive, so of stock there are only symbols here: that structures, callbacks and
values are the same is what tests/unit/test-headers compares. What may differ stands in EXPLAINED; all else fails."""

import glob
import os
import re
import shutil
import subprocess

from lab import Skip, Suite, build_dir

STOCK = "/usr/lib/*/{}.so.0"
STOCK_RELEASE = (9, 0, 0)
# Which symbols may be removed or added, by version node, and why.
EXPLAINED = {
    "Removed": lambda node: "PRIVATE" in node,  # what stock's own daemons and tools call: no program may
    # what our own libraries share, and what came after stock's release
    "Added": lambda node: node == "VIREO_PRIVATE" or tuple(map(int, re.findall(r"\d+", node))) > STOCK_RELEASE,
}


def compare(name):
    if not shutil.which("abidiff"):
        raise Skip("abigail-tools isn't installed")
    stock = [path for path in glob.glob(STOCK.format(name)) if os.path.exists(path)]
    if not stock:
        raise Skip(f"Debian's {name}.so.0 isn't here")
    ours = os.path.join(os.path.realpath(build_dir()), "libvirt", ".libs", f"{name}.so.0")
    done = subprocess.run(["abidiff", stock[0], ours], check=False, capture_output=True, text=True, timeout=120)
    # its status is a set of bits: 1 and 2 are errors of its own
    assert not done.returncode & 3, done.stdout + done.stderr
    changed = re.findall(r"(\d+) Changed", done.stdout)
    assert all(count == "0" for count in changed), f"changed functions or variables:\n{done.stdout[:3000]}"
    found = {"Removed": [], "Added": []}
    for letter, symbol, node in re.findall(r"^ *\[([AD])\] .*?(\w+)@@?(\w+(?:\.\w+)*)", done.stdout, re.M):
        found["Removed" if letter == "D" else "Added"].append((symbol, node))
    summary = "\n".join(re.findall(r"^.* changes summary: .*$", done.stdout, re.M))
    told, understood = sum(int(count) for count in re.findall(r"(\d+) (?:Removed|Added)", summary)), sum(map(len, found.values()))
    assert told == understood, f"abidiff counts {told} differences, {understood} were understood"
    wrong = [f"{how} {symbol}@{node}" for how, symbols in found.items() for symbol, node in symbols if not EXPLAINED[how](node)]
    print(f"# {name}: {len(found['Removed'])} private symbols removed, {len(found['Added'])} newer or ours added")
    assert not wrong, "; ".join(wrong)


def main():
    suite = Suite()
    for name in ("libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"):
        suite.run(name, compare, name)
    suite.done()


main()
