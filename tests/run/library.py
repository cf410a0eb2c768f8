#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""library: programs of Debian, built for libvirt, on our client library: on a private virtqemud of ours and on the test driver."""

import os
import shutil
import subprocess
import sys

from lab import TOP, Private, Skip, Suite, as_user, build_dir

MACHINE = """<domain type='qemu'><name>held</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><console type='pty'/></devices></domain>"""

PERL = r"""
use Sys::Virt; use strict;
my $c = Sys::Virt->new(uri => $ARGV[0]);
my $d = $c->define_domain($ARGV[1]);
$d->create(); my ($state, $reason) = $d->get_state();
my @all = grep { $_->get_name() ne "test" } $c->list_all_domains();
print join(" ", $d->get_name(), $state, scalar(@all), $c->get_type()), "\n";
$d->destroy(); $d->undefine();
eval { $c->get_domain_by_name("nobody") };
print $@->code, " ", $@->message, "\n";
"""

GLIB = r"""
import sys, gi
gi.require_version("LibvirtGObject", "1.0"); gi.require_version("LibvirtGConfig", "1.0")
from gi.repository import LibvirtGObject, LibvirtGConfig
LibvirtGObject.init_object(None)
c = LibvirtGObject.Connection.new(sys.argv[1]); c.open(None)
d = c.create_domain(LibvirtGConfig.Domain.new_from_xml(sys.argv[2]))
d.start(0)
print(d.get_name(), d.get_info().state.value_nick)
c.fetch_domains(None)
print([x.get_name() for x in c.get_domains() if x.get_name() != "test"])
d.stop(0); d.delete(0)
"""


PYTHON = r"""
import libvirt, sys
c = libvirt.open(sys.argv[1])
libvirt.registerErrorHandler(lambda *_: None, None)
d = c.defineXML(sys.argv[2])
d.create()
print(d.name(), d.state()[0], [x.name() for x in c.listAllDomains() if x.name() != "test"], c.getType())
d.destroy(); d.undefine()
try:
    c.lookupByName("nobody")
except libvirt.libvirtError as e:
    print(e.get_error_code())
"""

TEST = "test:///default"
STOPPED = "inactive"  # in tests/data/testdriver/world.xml


class Library:
    def __init__(self, private):
        self.private = private
        self.env = {**private.env, "LD_LIBRARY_PATH": os.path.join(build_dir(), "libvirt", ".libs"),
                    "LIBVIRT_DEFAULT_URI": private.uri()}

    def run(self, *argv, **options):
        if not shutil.which(argv[0]):
            raise Skip(f"{argv[0]} is not installed")
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=120, check=False, **options)
        assert done.returncode == 0, f"{argv[0]} ended with {done.returncode}: {done.stderr or done.stdout}"
        return done.stdout

    def symbols(self):
        """Whatever of Debian's packages is linked with libvirt finds all its functions in ours."""
        seen = 0
        folder = "/usr/lib/x86_64-linux-gnu"
        paths = [f"{folder}/libvirt-glib-1.0.so.0", f"{folder}/libvirt-gobject-1.0.so.0", "/usr/bin/virt-viewer", "/usr/sbin/libvirt-dbus"]
        paths += [os.path.join(d, f) for d, _, files in os.walk(folder + "/perl5") for f in files if f == "Virt.so"]
        for path in filter(os.path.exists, paths):
            text = subprocess.run(["ldd", "-r", path], env=self.env, capture_output=True, text=True, check=False)
            lines = [line for line in (text.stdout + text.stderr).splitlines() if "vir" in line]
            assert any(self.env["LD_LIBRARY_PATH"] in line for line in lines), f"{path} is not on our library"
            bad = [line for line in lines if "undefined symbol" in line or "version `" in line]
            assert not bad, bad
            seen += 1
        if not seen:
            raise Skip("none of libvirt-glib, virt-viewer, libvirt-dbus, Sys::Virt is installed")

    def uri(self, driver):
        return TEST if driver == "test" else self.private.uri()

    def machine(self, driver):
        return MACHINE.replace("'qemu'", f"'{driver}'").replace(" machine='q35'", "" if driver == "test" else " machine='q35'")

    def python(self, driver):
        told = self.run(sys.executable, "-c", PYTHON, self.uri(driver), self.machine(driver)).splitlines()
        assert told == [f"held 1 ['held'] {driver.upper()}", "42"], told

    def sys_virt(self, driver):
        if subprocess.run(["perl", "-MSys::Virt", "-e", "1"], capture_output=True, check=False).returncode:
            raise Skip("Sys::Virt is not installed")
        told = self.run("perl", "-e", PERL, self.uri(driver), self.machine(driver)).splitlines()
        missing = "Domain not found" if driver == "test" else "Domain not found: no domain with matching name 'nobody'"
        assert told == [f"held 1 1 {driver.upper()}", f"42 {missing}"], told

    def glib(self, driver):
        probe = "import gi; gi.require_version('LibvirtGObject', '1.0'); from gi.repository import LibvirtGObject"
        if subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode:
            raise Skip("libvirt-glib with its introspection is not installed")
        told = self.run(sys.executable, "-c", GLIB, self.uri(driver), self.machine(driver)).splitlines()
        assert told == ["held running", "['held']"], told

    def libvirt_dbus(self, driver):
        """Its service reaches each driver by an object of that name."""
        if not os.path.exists("/usr/sbin/libvirt-dbus") or not shutil.which("dbus-run-session"):
            raise Skip("libvirt-dbus or dbus-run-session is not installed")
        name = {"test": "Test", "qemu": "QEMU"}[driver]
        call = f"busctl --user call org.libvirt /org/libvirt/{name} org.libvirt.Connect ListDomains u 0"
        script = ("/usr/sbin/libvirt-dbus --session & "
                  "for i in $(seq 200); do busctl --user status org.libvirt >/dev/null 2>&1 && break; sleep 0.05; done; "
                  f"{call}; kill $!")
        told = self.run("dbus-run-session", "--", "sh", "-c", script)
        assert told.startswith("ao 1 " if driver == "test" else "ao 0"), told

    def pkg_config(self):
        """Programs are built with our libraries as with libvirt's."""
        if not shutil.which("pkg-config"):
            raise Skip("no pkg-config")
        for name in ("libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"):
            def ask(folder, *question, name=name):
                return subprocess.run(["pkg-config", *question, name], env={**os.environ, "PKG_CONFIG_LIBDIR": folder}, check=True, capture_output=True,
                                      text=True).stdout.split()
            ours, stock = os.path.join(build_dir(), "libvirt"), "/usr/lib/x86_64-linux-gnu/pkgconfig"
            assert ask(ours, "--atleast-version=9.0.0") == []
            assert "-lvirt" + name[len("libvirt"):] in ask(ours, "--libs", "--keep-system-libs")
            if os.path.exists(f"{stock}/{name}.pc"):
                for question in ("--cflags", "--variable=includedir", f"--variable={name.replace('-', '_')}_api"):
                    assert ask(ours, question) == ask(stock, question), f"{name} {question}: {ask(ours, question)}"

    def log(self):
        """The environment says how much is told, and where to."""
        path = os.path.join(self.private.home, "client.log")
        script = "import libvirt; libvirt.open('test:///default').lookupByName('test').name()"
        for level, lines in (("1", True), ("3", False)):
            env = {**self.env, "LIBVIRT_LOG_OUTPUTS": f"{level}:file:{path}", "LIBVIRT_LOG_FILTERS": f"{level}:libvirt"}
            subprocess.run([sys.executable, "-c", script], env=env, check=True)
            with open(path, encoding="utf-8") as file:
                assert ("virDomainLookupByName" in file.read()) == lines, level
            os.unlink(path)
        for level, lines in (("1", True), ("debug", True), ("error", False), ("", False)):
            done = subprocess.run([sys.executable, "-c", script], env={**self.env, "LIBVIRT_DEBUG": level}, capture_output=True, text=True, check=True)
            assert (": debug : " in done.stderr) == lines, (level, done.stderr)

    def watched(self, *options):
        program = os.path.join(build_dir(), "tests", "run", "client")
        if not os.path.exists(program):
            raise Skip("tests/run/client is not built (make check builds it)")
        if not shutil.which("valgrind"):
            raise Skip("valgrind is not installed")
        # --fair-sched: threads that take turns, not one that runs while another waits for it
        self.run(os.path.join(build_dir(), "libtool"), "--mode=execute", "valgrind", "-q", "--error-exitcode=9", "--fair-sched=yes", *options,
                 program, self.private.uri())

    def memory(self):
        """Nothing lost, nothing read that wasn't written, in a client that does a bit of everything."""
        self.watched("--leak-check=full", "--errors-for-leak-kinds=definite,indirect")

    def python_memory(self, driver):
        """Nothing that wasn't written is read and nothing is used after its end, with Debian's module. (What Python keeps for ever is its affair.)"""
        if not shutil.which("valgrind"):
            raise Skip("valgrind is not installed")
        self.env["PYTHONMALLOC"] = "malloc"
        self.run("valgrind", "-q", "--error-exitcode=9", "--leak-check=no", sys.executable, "-c", PYTHON, self.uri(driver), self.machine(driver))

    def threads(self):
        """No data without a lock, no locks in two orders."""
        self.watched("--tool=helgrind", "--suppressions=" + os.path.join(TOP, "tests", "run", "helgrind.supp"))

    def virt_install(self, driver):
        """A machine, a change of it, a copy of it. On the test driver each program has a world of its own."""
        uri = self.uri(driver)
        names = "import libvirt, sys; print(sorted(d.name() for d in libvirt.open(sys.argv[1]).listAllDomains()))"
        self.run("virt-install", "--connect", uri, "--virt-type", driver, "--name", "drawn", "--memory", "32", "--arch", "i686" if driver == "test" else
                 "x86_64", "--disk", "none", "--import", "--osinfo", "generic", "--noautoconsole", "--graphics", "none")
        name = "test" if driver == "test" else "drawn"
        told = self.run("virt-xml", "--connect", uri, name, "--edit", "--memory", "40", "--define")
        assert f"Domain '{name}' defined successfully" in told, told
        if driver == "qemu":
            assert "drawn" in self.run(sys.executable, "-c", names, uri)
            self.run(sys.executable, "-c", "import libvirt, sys; libvirt.open(sys.argv[1]).lookupByName('drawn').destroy()", uri)
        else:
            uri, name = "test://" + os.path.join(TOP, "tests", "data", "testdriver", "world.xml"), STOPPED
        told = self.run("virt-clone", "--connect", uri, "-o", name, "-n", "copy", "--auto-clone")
        assert "Clone 'copy' created successfully" in told, told
        if driver == "qemu":
            assert self.run(sys.executable, "-c", names, uri) == "['copy', 'drawn']\n"
            self.run(sys.executable, "-c", "import libvirt, sys\nc = libvirt.open(sys.argv[1])\nfor d in c.listAllDomains(): "
                     "assert d.maxMemory() == 40960; d.undefine()", uri)


def main():
    suite = Suite()
    with Private() as private:
        private.start("virtqemud")
        library = Library(private)
        suite.run("symbols", library.symbols)
        for name in ("python", "sys_virt", "glib", "libvirt_dbus", "virt_install"):
            for driver in ("qemu", "test"):
                suite.run(f"{name} on {driver}", getattr(library, name), driver)
        suite.run("pkg-config", library.pkg_config)
        suite.run("log", library.log)
        suite.run("memory", library.memory)
        suite.run("threads", library.threads)
        for driver in ("qemu", "test"):
            suite.run(f"memory of python on {driver}", library.python_memory, driver)
    suite.done()


if __name__ == "__main__":
    as_user()
    main()
