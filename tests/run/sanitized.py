#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sanitized: virsh, the client library and the test driver as clang's address and undefined behaviour sanitizers see them: the calls of
testdriver-diff's steps from Python, and all lines of tests/run/virsh-lines with our virsh, which must leave nothing behind either.

SANITIZED_DIR is a build with --enable-sanitizers (clang); tools/check leaves one beside its other build."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile

from lab import TOP, Skip, Suite, build_dir

DATA, LINES = os.path.join(TOP, "tests", "data", "testdriver"), os.path.join(TOP, "tests", "run", "virsh-lines")
COMPLAINT = re.compile(r"(ERROR: \w*Sanitizer.*|.*runtime error:.*)")


def sanitized():
    folder = os.environ.get("SANITIZED_DIR") or os.path.join(os.path.dirname(os.path.realpath(build_dir())), "clang")
    library = os.path.join(folder, "libvirt", ".libs")
    if not os.path.exists(os.path.join(library, "libvirt.so.0")):
        raise Skip("no build with sanitizers (SANITIZED_DIR)")
    return folder, {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": library, "UBSAN_OPTIONS": "print_stacktrace=1", "TERM": "dumb"}


def steps():
    """Python isn't sanitized: it gets clang's runtime first, and what it keeps for ever is its affair."""
    folder, env = sanitized()
    with open(os.path.join(folder, "config.log"), encoding="utf-8") as log:
        compiler = re.search(r"^CC='(?:ccache )?([^\s']*clang[^\s']*)", log.read(), re.M)
    if not compiler or subprocess.run(["/usr/bin/python3", "-c", "import libvirt"], check=False, capture_output=True).returncode:
        raise Skip("the build isn't clang's, or Debian's python3 has no libvirt")
    runtime = subprocess.run([compiler[1], f"-print-file-name=libclang_rt.asan-{os.uname().machine}.so"], check=True, capture_output=True,
                             text=True).stdout.strip()
    env.update(LD_PRELOAD=runtime, ASAN_OPTIONS="detect_leaks=0", BUILD_DIR=folder)
    for path in sorted(glob.glob(os.path.join(DATA, "*.steps"))):
        done = subprocess.run(["/usr/bin/python3", os.path.join(TOP, "tests", "run", "testdriver-diff.py"), "--side", "steps", path], env=env,
                              check=False, capture_output=True, text=True, timeout=300)
        assert not done.returncode and done.stdout and not COMPLAINT.search(done.stderr), f"{os.path.basename(path)}: {done.stderr[-3000:]}"


def lines():
    folder, env = sanitized()
    count, wrong = 0, []
    for family in sorted(name for name in os.listdir(LINES) if "." not in name):
        with open(os.path.join(LINES, family), encoding="utf-8") as file:
            for line in (line.rstrip("\n") for line in file):
                if not line.strip() or line.startswith("#"):
                    continue
                count += 1
                with tempfile.TemporaryDirectory(prefix="sanitized-") as where:
                    for path in glob.glob(os.path.join(LINES, "*.xml")) + glob.glob(os.path.join(LINES, "*.sh")):
                        shutil.copy(path, where)
                    arguments = shlex.split(line[1:]) if line[0] == "!" else ["-c", "test:///default", *([] if line[0] == "&" else [line])]
                    done = subprocess.run([os.path.join(folder, "virsh", ".libs", "virsh"), *arguments], cwd=where, check=False,
                                          env={**env, "HOME": where, "TMPDIR": where, "EDITOR": os.path.join(where, "editor.sh")},
                                          input=(line[1:].replace("|", "\n") + "\n").encode() if line[0] == "&" else b"", capture_output=True, timeout=120)
                found = COMPLAINT.search((done.stdout + done.stderr).decode(errors="replace"))
                if found:
                    wrong.append(f"{line}: {found[1]}")
    assert not wrong and count > 100, f"{len(wrong)} of {count}: " + " // ".join(wrong[:10])


def main():
    suite = Suite()
    for test in (steps, lines):
        suite.run(test.__name__, test)
    suite.done()


main()
