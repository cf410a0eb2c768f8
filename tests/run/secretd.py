#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secretd: a private virtsecretd driven by stock virsh. What it prints and refuses was noted down from libvirt 9.0."""

import functools
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

from lab import Private, Skip, Small, Suite

UUIDS = [f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123456"]
VALUE = b"not-for-anybodys-eyes"
VALUE64 = "bm90LWZvci1hbnlib2R5cy1leWVz"

VOLUME = f"""<secret ephemeral='no' private='no'>
  <uuid>{UUIDS[0]}</uuid>
  <description>Disk &lt;key&gt;</description>
  <usage type='volume'>
    <volume>/var/lib/libvirt/images/a.img</volume>
  </usage>
</secret>
"""


class Secretd(Private):
    def __init__(self):
        super().__init__()
        self.start("virtsecretd")
        self.folder = os.path.join(self.home, "config", "libvirt", "secrets")

    def tell(self, *command, **options):
        return self.virsh(*command, daemon="virtsecretd", driver="secret", **options)

    def define(self, xml, *options, check=True):
        return self.tell("secret-define", self.file("secret.xml", xml), *options, check=check)

    def refused(self, *command, text):
        code, _, error = self.tell(*command, check=False)
        assert code == 1 and text in error, f"{command}: {code} {error}"

    def set(self, uuid, value=VALUE64):
        self.tell("secret-set-value", uuid, "--file", self.file("value", value))

    def value(self, uuid):
        return self.tell("secret-get-value", uuid).strip()

    def again(self, how=signal.SIGTERM):
        self.stop("virtsecretd", how)
        self.start("virtsecretd")

    def files(self):
        return sorted(os.listdir(self.folder))


def secret(uuid, usage="", attributes=""):
    return f"<secret {attributes}>" + (f"<uuid>{uuid}</uuid>" if uuid else "") + usage + "</secret>"


def usage(kind, element, name):
    return f"<usage type='{kind}'><{element}>{name}</{element}></usage>"


def life(daemon):
    daemon.define(VOLUME)
    assert daemon.tell("secret-dumpxml", UUIDS[0]).strip() == VOLUME.strip()
    daemon.refused("secret-get-value", UUIDS[0], text=f"Secret not found: secret '{UUIDS[0]}' does not have a value")
    daemon.set(UUIDS[0])
    assert daemon.value(UUIDS[0]) == VALUE64
    daemon.again()
    assert daemon.value(UUIDS[0]) == VALUE64
    daemon.define(VOLUME)
    assert daemon.value(UUIDS[0]) == VALUE64, "a new definition lost the value"
    daemon.again(signal.SIGKILL)
    assert daemon.tell("secret-dumpxml", UUIDS[0]).strip() == VOLUME.strip()
    daemon.tell("secret-undefine", UUIDS[0])
    assert daemon.files() == [] and daemon.tell("secret-list").strip() == ""


def on_disk(daemon):
    """As stock writes it, so that either daemon can follow the other."""
    daemon.define(VOLUME)
    daemon.set(UUIDS[0])
    for name, content in ((UUIDS[0] + ".xml", VOLUME), (UUIDS[0] + ".base64", VALUE64)):
        path = os.path.join(daemon.folder, name)
        with open(path) as file:
            assert file.read() == content, name
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, name
    assert stat.S_IMODE(os.stat(daemon.folder).st_mode) == 0o700
    daemon.tell("secret-undefine", UUIDS[0])


def kinds(daemon):
    rows = [("ceph", "name", "client.admin secret"), ("iscsi", "target", "target-1"), ("tls", "name", "TLS"), ("vtpm", "name", "tpm")]
    for uuid, (kind, element, name) in zip(UUIDS, rows):
        daemon.define(secret(uuid, usage(kind, element, name)))
    daemon.define(secret(UUIDS[4], "<description>nobody's</description>"))
    lines = daemon.tell("secret-list").split("\n")
    listed = {line.split(None, 1)[0]: line.split(None, 1)[1].strip() for line in lines if line.strip()}
    assert listed == {**{u: f"{k} {n}" for u, (k, _, n) in zip(UUIDS, rows)}, UUIDS[4]: "Unused"}, listed
    for uuid in UUIDS[:5]:
        daemon.tell("secret-undefine", uuid)


def refusals(daemon):
    """The words of libvirt, which scripts look for."""
    daemon.define(secret(UUIDS[1], usage("ceph", "name", "one"), "private='yes'"))
    for xml, text in (
            (secret(UUIDS[2], usage("ceph", "name", "one")),
             f"internal error: a secret with UUID {UUIDS[1]} already defined for use with one"),
            (secret(UUIDS[1], usage("ceph", "name", "two"), "private='yes'"),
             f"internal error: a secret with UUID {UUIDS[1]} is already defined for use with one"),
            (secret(UUIDS[1], usage("ceph", "name", "one")), "internal error: cannot change private flag on existing secret"),
            (secret(None, usage("foo", "name", "a")), "unsupported configuration: unknown secret usage type foo"),
            (secret(None, "<usage><name>a</name></usage>"), "XML error: unknown secret usage type"),
            (secret(None, "<usage type='ceph'/>"), "internal error: Ceph usage specified, but name is missing"),
            (secret(None, usage("volume", "name", "a")), "internal error: volume usage specified, but volume path is missing"),
            (secret(None, usage("iscsi", "name", "a")), "internal error: iSCSI usage specified, but target is missing"),
            ("<domain/>", "XML error"), ("<secret><uuid>", "(definition_of_secret):1: "),
            (secret("zzz"), "uuid"), (secret(None, "", "ephemeral='maybe'"), "ephemeral")):
        daemon.refused("secret-define", daemon.file("secret.xml", xml), text=text)
    daemon.refused("secret-define", "--validate", daemon.file("secret.xml", secret(UUIDS[2], "<bar/>")), text="validate")
    daemon.define(secret(UUIDS[2], "<bar/>"))
    daemon.refused("secret-dumpxml", UUIDS[5], text=f"Secret not found: no secret with matching uuid '{UUIDS[5]}'")
    daemon.tell("secret-undefine", UUIDS[1])
    daemon.tell("secret-undefine", UUIDS[2])


def private(daemon):
    daemon.define(secret(UUIDS[1], usage("ceph", "name", "one"), "private='yes'"))
    daemon.set(UUIDS[1])
    daemon.refused("secret-get-value", UUIDS[1], text="Invalid secret: secret is private")
    assert daemon.tell("secret-list", "--private").split()[:1] == [UUIDS[1]]
    assert daemon.tell("secret-list", "--no-private").strip() == ""
    daemon.tell("secret-undefine", UUIDS[1])


def ephemeral(daemon):
    daemon.define(secret(UUIDS[2], usage("iscsi", "target", "t"), "ephemeral='yes'"))
    daemon.set(UUIDS[2])
    assert daemon.files() == [] and daemon.value(UUIDS[2]) == VALUE64
    # from memory to the disk, and back
    daemon.define(secret(UUIDS[2], usage("iscsi", "target", "t")))
    assert daemon.files() == [UUIDS[2] + ".base64", UUIDS[2] + ".xml"] and daemon.value(UUIDS[2]) == VALUE64
    daemon.define(secret(UUIDS[2], usage("iscsi", "target", "t"), "ephemeral='yes'"))
    assert daemon.files() == [] and daemon.value(UUIDS[2]) == VALUE64
    daemon.again()
    assert daemon.tell("secret-list").strip() == ""


def read_only(daemon):
    daemon.define(VOLUME)
    uri = daemon.uri("virtsecretd", "secret")
    for command, name in (("secret-get-value", "virSecretGetValue"), ("secret-undefine", "virSecretUndefine")):
        done = subprocess.run(["virsh", "-r", "-c", uri, command, UUIDS[0]], env=daemon.env, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and f"read only access prevents {name}" in done.stderr, done.stderr
    daemon.tell("secret-undefine", UUIDS[0])


def events(daemon):
    """Lifecycle and value events reach whoever asked, in order."""
    watch = [subprocess.Popen(["virsh", "-q", "-c", daemon.uri("virtsecretd", "secret"), "secret-event", "--event", event, "--loop",
                               "--timeout", "4"], env=daemon.env, stdout=subprocess.PIPE, text=True)
             for event in ("lifecycle", "value-changed")]
    time.sleep(1)
    daemon.define(VOLUME)
    daemon.set(UUIDS[0])
    daemon.tell("secret-undefine", UUIDS[0])
    life_text, value_text = (process.communicate(timeout=30)[0] for process in watch)
    assert f"event 'lifecycle' for secret {UUIDS[0]}: Defined" in life_text and "Undefined" in life_text, life_text
    assert life_text.index("Defined") < life_text.index("Undefined")
    assert value_text.count(f"event 'value-changed' for secret {UUIDS[0]}") == 1, value_text


def broken_files(daemon):
    """What isn't understood is left alone; the rest loads."""
    daemon.define(VOLUME)
    daemon.set(UUIDS[0])
    good = VOLUME.replace(UUIDS[0], UUIDS[1])
    spoiled = {UUIDS[2] + ".xml": "<secret><uuid>", UUIDS[3] + ".xml": good, UUIDS[4] + ".xml": "", "notes.xml": good, "x": "y"}
    for name, text in spoiled.items():
        with open(os.path.join(daemon.folder, name), "w") as file:
            file.write(text)
    with open(os.path.join(daemon.folder, UUIDS[0] + ".base64"), "w") as file:
        file.write("?" + VALUE64)
    daemon.again()
    assert [line.split()[0] for line in daemon.tell("secret-list").splitlines() if line.strip()] == [UUIDS[0]]
    daemon.refused("secret-get-value", UUIDS[0], text="is not base64")
    daemon.tell("secret-undefine", UUIDS[0])
    for name, text in spoiled.items():
        with open(os.path.join(daemon.folder, name)) as file:
            assert file.read() == text, f"{name} was changed"
        os.unlink(os.path.join(daemon.folder, name))


def areas(pid):
    """What the daemon has in memory and could write: (its line in maps, the kernel's flags of it, the bytes)."""
    if os.geteuid():
        raise Skip("only root can read the daemon's memory")
    with open(f"/proc/{pid}/smaps") as file:
        found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (rw.*)$(?:\n[A-Z].*)*?\nVmFlags: (.*)$", file.read(), re.M)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, line, flags in found:
            if int(end, 16) - int(begin, 16) > 1 << 30:
                continue
            try:
                memory.seek(int(begin, 16))
                yield f"{begin} {line}", flags.split(), memory.read(int(end, 16) - int(begin, 16))
            except OSError:
                continue


def held(daemon):
    """While the daemon has the value, it is nowhere but in pages that are locked, not inherited, and not part of a core dump; once the secret
    is undefined, it is nowhere. The log never has it."""
    daemon.stop("virtsecretd")
    process = daemon.start("virtsecretd", LIBVIRT_DEBUG="1")
    daemon.define(VOLUME)
    daemon.set(UUIDS[0])
    daemon.value(UUIDS[0])
    vaults = 0
    for line, flags, data in areas(process.pid):
        for what in (VALUE, VALUE64.encode()):
            if what in data:
                vaults += 1
                assert {"lo", "dd", "wf"} <= set(flags), f"{what.decode()} is in ordinary memory: {line} {flags}"
    assert vaults == 1, f"the value is in {vaults} places"
    with open(f"/proc/{process.pid}/status") as file:
        locked = int(re.search(r"VmLck:\s*(\d+) kB", file.read())[1])
    assert locked >= 4, f"{locked} KiB are locked"
    daemon.tell("secret-undefine", UUIDS[0])
    for line, _, data in areas(process.pid):
        for what in (VALUE, VALUE64.encode()):
            assert what not in data, f"{what.decode()} is still in memory: {line} at {data.index(what):#x}"
    log = daemon.log("virtsecretd")
    assert VALUE.decode() not in log and VALUE64 not in log, "the value is in the log"


def no_core(daemon):
    """When it crashes it leaves no core, whoever lifted the limit. (Another process does leave one here, or nothing is proved.)"""
    other = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 24, 1 << 24)), cwd=daemon.home)
    other.send_signal(signal.SIGSEGV)
    if not os.WCOREDUMP(os.waitpid(other.pid, 0)[1]):
        raise Skip("no process leaves a core dump here")
    process = daemon.daemons.pop("virtsecretd")
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    process.send_signal(signal.SIGSEGV)
    status = os.waitpid(process.pid, 0)[1]
    daemon.start("virtsecretd")
    assert os.WTERMSIG(status) == signal.SIGSEGV and not os.WCOREDUMP(status), f"it left a core dump: {status:#x}"


def born_closed():
    """No file ever has more rights than at the end, whatever the umask."""
    if not shutil.which("strace"):
        raise Skip("no strace here")
    with Private() as private:
        trace = os.path.join(private.home, "trace")
        process = private.start("virtsecretd", "--timeout", "1", under=["sh", "-c", 'umask 0; exec "$@"', "-", "strace", "-f", "-qq", "-e", "trace=open,openat,openat2,creat,chmod,fchmod,"
                                            "fchmodat", "-o", trace])
        tell = functools.partial(private.virsh, daemon="virtsecretd", driver="secret")
        tell("secret-define", private.file("secret.xml", VOLUME))
        tell("secret-set-value", UUIDS[0], "--file", private.file("value", VALUE64))
        process.wait(20)
        with open(trace) as file:
            lines = [line for line in file if UUIDS[0] in line and ("O_CREAT" in line or "chmod" in line)]
        assert len(lines) >= 2, lines
        for line in lines:
            assert re.search(r"\b0600\b", line), line


def full_disk():
    """No room for a value: the old one stays, now and after a restart, and nothing half is left."""
    with Small("virtsecretd", "config", "libvirt", "secrets") as small:
        private = small.private
        tell = functools.partial(private.virsh, daemon="virtsecretd", driver="secret")
        tell("secret-define", private.file("secret.xml", VOLUME))
        tell("secret-set-value", UUIDS[0], "--file", private.file("value", VALUE64))
        small.inside("sh", "-c", f"head -c 1M /dev/zero >{small.folder}/filler || :")
        code, _, error = tell("secret-set-value", UUIDS[0], "--file", private.file("value", "b3RoZXI="), check=False)
        assert code == 1 and f"cannot write the value of secret '{UUIDS[0]}': No space left" in error and "b3RoZXI" not in error, error
        assert tell("secret-get-value", UUIDS[0]).strip() == VALUE64
        found = subprocess.run(["nsenter", "-t", str(small.daemon.pid), "-m", "find", small.folder, "-type", "f", "-printf", "%f %m %s\n"],
                               capture_output=True, text=True, check=True).stdout.split("\n")
        assert sorted(line for line in found if line and "filler" not in line) == [
            f"{UUIDS[0]}.base64 600 {len(VALUE64)}", f"{UUIDS[0]}.xml 600 {len(VOLUME)}"], found


def limits(daemon):
    pid = daemon.daemons["virtsecretd"].pid
    with open(f"/proc/{pid}/limits") as file:
        core = [line for line in file if line.startswith("Max core file size")][0].split()
    assert core[4:6] == ["0", "0"], core


def idle(daemon):
    daemon.stop("virtsecretd")
    process = daemon.start("virtsecretd", "--timeout", "1")
    daemon.tell("secret-list")
    assert process.wait(10) == 0, "it did not leave"
    assert not os.path.exists(daemon.socket("virtsecretd"))
    daemon.start("virtsecretd")


def one_instance(daemon):
    command = daemon.daemons["virtsecretd"].args
    done = subprocess.run(command, env=daemon.env, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1 and "it runs already" in done.stderr, done.stderr
    daemon.tell("secret-list")


def reload_and_debug(daemon):
    process = daemon.daemons["virtsecretd"]
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while "requests, " not in daemon.log("virtsecretd"):
        assert time.monotonic() < deadline, daemon.log("virtsecretd")
        time.sleep(0.05)
    daemon.alive("virtsecretd")


def main():
    suite = Suite()
    with Secretd() as daemon:
        for test in (life, on_disk, kinds, refusals, private, ephemeral, read_only, events, broken_files, limits, one_instance,
                     reload_and_debug, idle, held, no_core):
            suite.run(test.__name__, test, daemon)
        suite.run("still_alive", daemon.alive, "virtsecretd")
    for test in (born_closed, full_disk):
        suite.run(test.__name__, test)
    suite.done()


main()
