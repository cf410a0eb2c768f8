#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""memcheck: the client library and the test driver under valgrind: the calls of testdriver-diff (FAMILIES names which of
tests/data/testdriver/*.steps) touch no memory that isn't theirs and decide nothing by memory that was never written."""

import os
import shutil
import subprocess

from lab import TOP, Skip, Suite, build_dir

FAMILIES = os.environ.get("FAMILIES", "guest storage moments").split()


def check(name):
    if not shutil.which("valgrind"):
        raise Skip("valgrind isn't installed")
    if subprocess.run(["/usr/bin/python3", "-c", "import libvirt"], check=False, capture_output=True).returncode:
        raise Skip("Debian's python3 has no libvirt")
    env = {**os.environ, "LD_LIBRARY_PATH": os.path.join(os.path.realpath(build_dir()), "libvirt", ".libs"), "PYTHONMALLOC": "malloc"}
    done = subprocess.run(["valgrind", "-q", "--error-exitcode=9", "--leak-check=no", "/usr/bin/python3",
                           os.path.join(TOP, "tests", "run", "testdriver-diff.py"), "--side", "steps",
                           os.path.join(TOP, "tests", "data", "testdriver", f"{name}.steps")],
                          env=env, check=False, capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr[-3000:]
    assert done.stdout, "no call was made"


def main():
    suite = Suite()
    for family in FAMILIES:
        suite.run(family, check, family)
    suite.done()


main()
