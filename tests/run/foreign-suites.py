#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""foreign-suites: other projects' own tests, which run on test:///, on stock's library and on ours: what passes there passes here.

Their sources are Debian's source packages, fetched into a temporary folder by an apt configuration of its own and gone afterwards;
what can't be fetched or isn't installed is skipped. FOREIGN=FOLDER keeps them there (and takes what is there already)."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from lab import Skip, Suite, build_dir

sys.dont_write_bytecode = True
PYTHON = "/usr/bin/python3"
SECONDS = 300  # for one suite on one library; a quiet machine needs a tenth
# What passes on stock's alone, and why: only ever made shorter.
KNOWN = {}
# The releases whose sources will do, best first; a mirror may lack some.
SOURCES = "".join(f"deb-src http://deb.debian.org/debian {release} main\n" for release in ("bookworm", "trixie"))
GO = "/usr/share/gocode/src/github.com/libvirt/libvirt-go"
# Of virt-manager's: what opens test:/// and needs neither osinfo's newest data nor the network.
VIRT_MANAGER = ("tests/test_cli.py", "tests/test_cloner.py", "tests/test_conn.py", "tests/test_disk.py", "tests/test_nodedev.py",
                "tests/test_storage.py", "tests/test_xmlparse.py")


class Sources:
    """Debian's source packages, unpacked."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ, APT_CONFIG=os.path.join(folder, "apt.conf"), LC_ALL="C")
        self.updated = False

    def update(self):
        for name in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.folder, "apt", name), exist_ok=True)
        with open(os.path.join(self.folder, "sources.list"), "w", encoding="utf-8") as file:
            file.write(SOURCES)
        with open(self.env["APT_CONFIG"], "w", encoding="utf-8") as file:
            file.write(f'Dir::Etc::SourceList "{self.folder}/sources.list";\nDir::Etc::SourceParts "-";\n'
                       f'Dir::State::Lists "{self.folder}/apt/lists";\nDir::Cache "{self.folder}/apt/cache";\n'
                       'APT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::http::Timeout "20";\nAcquire::Retries "0";\n')
        self.updated = not self.apt("apt-get", "-qq", "update").returncode

    def apt(self, *command):
        return subprocess.run(command, env=self.env, cwd=self.folder, check=False, capture_output=True, text=True, timeout=SECONDS)

    def get(self, package):
        """The folder with its source."""
        if not shutil.which("apt-get"):
            raise Skip("no apt here")
        found = self.unpacked(package)
        if found:
            return found
        if not self.updated:
            self.update()
        for release in ("bookworm", "trixie"):
            self.apt("apt-get", "-qq", "--tar-only", "source", f"{package}/{release}")
            for name in sorted(os.listdir(self.folder)):
                if re.fullmatch(rf"{package}_[^_]*\.orig\.tar\.\w+", name):
                    subprocess.run(["tar", "-xf", name], cwd=self.folder, check=True)
            if self.unpacked(package):
                return self.unpacked(package)
        raise Skip(f"the source of {package} can't be fetched")

    def unpacked(self, package):
        names = [name for name in sorted(os.listdir(self.folder)) if re.fullmatch(rf"{package}-[\d.]+", name)]
        return os.path.join(self.folder, names[-1]) if names else None


def environment(library, **more):
    env = {**os.environ, **more}
    env.pop("LD_LIBRARY_PATH", None)
    return {**env, "LD_LIBRARY_PATH": library} if library else env


def pytest(folder, library, *tests, **more):
    """What became of each test: passed, failed, skipped."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        done = subprocess.run([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report.name}", *tests], cwd=folder,
                              env=environment(library, PYTHONDONTWRITEBYTECODE="1", **more), check=False, capture_output=True, text=True,
                              timeout=SECONDS)
        if not os.path.getsize(report.name):
            raise Skip(f"pytest said nothing: {(done.stdout + done.stderr)[-300:]}")
        results = {}
        for case in xml.etree.ElementTree.parse(report.name).iter("testcase"):
            bad = [child for child in case if child.tag in ("failure", "error")]
            skipped = case.find("skipped") is not None
            results[f"{case.get('classname')}.{case.get('name')}"] = (
                f"failed: {(bad[0].get('message') or '')[:300]}" if bad else "skipped" if skipped else "passed")
        return results


def compare(what, stock, ours):
    passed = [name for name, result in stock.items() if result == "passed"]
    lost = [f"{name} {ours.get(name, 'vanished')}" for name in passed if ours.get(name) != "passed" and name not in KNOWN]
    known = [name for name in passed if ours.get(name) != "passed" and name in KNOWN]
    print(f"# {what}: {len(passed)} of {len(stock)} pass on stock's, {sum(r == 'passed' for r in ours.values())} on ours, {len(known)} known not to")
    assert passed, "nothing passes on stock's library: nothing was compared"
    assert not lost, f"{len(lost)} pass on stock's alone: " + "; ".join(lost[:10])


def need(*modules):
    for module in modules:
        if subprocess.run([PYTHON, "-c", f"import {module}"], check=False, capture_output=True).returncode:
            raise Skip(f"Debian's python3 has no {module}")


def virt_manager(sources, library):
    need("pytest", "libvirt", "gi", "requests")
    folder = sources.get("virt-manager")
    # its machines with firmware are newer than libvirt 9: stock couldn't open the world that most tests are about
    path = os.path.join(folder, "tests", "data", "testdriver", "testdriver.xml")
    with open(path, encoding="utf-8") as file:
        world = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"\n *<loader format=\"qcow2\".*?</nvram>", "", world, flags=re.S))
    tests = [test for test in VIRT_MANAGER if os.path.exists(os.path.join(folder, test))]
    # virt-install's cases are about osinfo and locations, and many
    tests += ["-k", "not virt_install"]
    try:
        stock = pytest(folder, None, *tests)
    except subprocess.TimeoutExpired as slow:
        raise Skip(f"takes more than {SECONDS} s here, on stock's library") from slow
    compare("virt-manager", stock, pytest(folder, library, *tests))


def libvirt_dbus(sources, library):
    need("pytest", "dbus", "gi")
    if not shutil.which("libvirt-dbus"):
        raise Skip("libvirt-dbus isn't installed")
    folder = os.path.join(sources.get("libvirt-dbus"), "tests")
    compare("libvirt-dbus", pytest(folder, None, TEST_INSTALLED="1"), pytest(folder, library, TEST_INSTALLED="1"))


def libvirt_go(sources, library):
    if not shutil.which("go") or not os.path.isdir(GO):
        raise Skip("no golang-go, or no golang-github-libvirt-libvirt-go-dev")
    program = os.path.join(sources.folder, "libvirt-go.test")
    subprocess.run(["go", "test", "-vet=off", "-c", "-o", program, "github.com/libvirt/libvirt-go"], check=True, timeout=SECONDS,
                   env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": os.path.join(sources.folder, "go")})

    def run(path):
        done = subprocess.run([program, "-test.v"], cwd=GO, env=environment(path), check=False, capture_output=True, text=True,
                              timeout=SECONDS)
        words = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
        return {name: words[word] for word, name in re.findall(r"^--- (PASS|FAIL|SKIP): (\S+)", done.stdout, re.M)}
    compare("libvirt-go", run(None), run(library))


def main():
    suite, library = Suite(), os.path.join(os.path.realpath(build_dir()), "libvirt", ".libs")
    kept = os.environ.get("FOREIGN")
    with tempfile.TemporaryDirectory(prefix="vireo-foreign-") as folder:
        sources = Sources(os.path.realpath(kept) if kept else folder)
        for test in (virt_manager, libvirt_dbus, libvirt_go):
            suite.run(test.__name__, test, sources, library)
    suite.done()


main()
