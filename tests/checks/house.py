# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks of the house share: which files are ours, and how a finding is told."""

import os
import subprocess
import sys

TOP = os.path.realpath(os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "..", "..")))
SKIPPED = 77  # automake's exit status for "not run here"

# Made by tools, or data that tests feed to programs as it is.
FOREIGN = ("tests/data/", "tests/fuzz/corpus/", "build", "m4/", "autom4te.cache/", "configure", "aclocal.m4", "LICENSE",
           "Makefile.in", "config.h.in",
           "include/libvirt/")


def files(*suffixes):
    """Paths of our own files, relative to TOP, those with these suffixes; a checkout's tracked ones, or a tarball's all."""
    if os.path.exists(os.path.join(TOP, ".git")):
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-z"], check=True,
                                capture_output=True, text=True).stdout.split("\0")
    else:  # unpacked, maybe beneath somebody's checkout
        listed = [os.path.relpath(os.path.join(folder, name), TOP) for folder, _, names in os.walk(TOP) for name in names]
    return sorted(path for path in listed if path and not path.startswith(FOREIGN) and os.path.isfile(os.path.join(TOP, path))
                  and (not suffixes or path.endswith(suffixes)))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def scripts():
    """Path and interpreter of every script, by its first line."""
    for path in files():
        with open(os.path.join(TOP, path), "rb") as file:
            first = file.readline(200)
        if first.startswith(b"#!"):
            yield path, first[2:].decode().strip()


def finish(findings, advice):
    """Print what was found and leave; any finding is a failure."""
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} found. {advice}")
    sys.exit(1 if findings else 0)


def need(program, package):
    """Leave as skipped, with the reason, when a tool isn't there."""
    for folder in os.environ.get("PATH", "").split(":"):
        if os.access(os.path.join(folder, program), os.X_OK):
            return
    print(f"skipped: no {program} here (apt-get install {package})")
    sys.exit(SKIPPED)
