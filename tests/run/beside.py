#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""beside: the same conversations with stock's libvirtd and with our virtqemud, each in a private session, through python3-libvirt.

    BUILD_DIR=... tests/run/beside.py [-v] [NAME...]

tests/data/beside/NAME.steps holds one: a Python expression (or `name = expression`) a line, evaluated beside each daemon; results
and errors (code, domain, text) must be the same. Events are noted by `told()` callbacks and shown by `events(COUNT)`, which waits for
so many; whatever comes after the last step is part of the last answer. A line that ends with `#= WHY` is known to differ, and why;
when it no longer does, the test says so. What a step may use besides `c`, the connection: the methods of Side in `space`."""

import difflib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from lab import NOBODY, TOP, Private, build_dir

DATA = os.path.join(TOP, "tests", "data", "beside")
KNOWN = "#="
SECONDS = 15  # how long an event may take on a busy machine
# `name = expression`
ASSIGNMENT = re.compile(r"([a-z_]\w*) = (?!=)(.*)", re.I)


# ---- one side: runs in a process of its own ----

class Names:
    """What is different in each session, by the order of its appearance."""

    def __init__(self, home):
        self.home, self.seen = home, {}

    def __call__(self, text):
        text = text.replace(self.home, "HOME")
        text = re.sub(r"object at 0x[0-9a-f]+", "object", text)
        text = re.sub(r"\b1[789]\d{8}\b", "NOW", text)
        pattern = r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b52:54:00:[0-9a-f:]{8}\b"
        return re.sub(pattern, lambda m: self.seen.setdefault(m.group(), f"RANDOM{len(self.seen)}"), text)


def shape(value):
    """Numbers that depend on the moment are only told to be there, and whether they are zero."""
    if isinstance(value, (list, tuple)):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return "#" if isinstance(value, int) and not isinstance(value, bool) and value else value


class Side:
    def __init__(self, uri, home):
        import libvirt
        import libvirt_qemu
        self.libvirt, self.home, self.uri = libvirt, home, uri
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        self.connection = libvirt.open(uri)
        self.told_of = []
        self.names = Names(home)
        self.space = {"libvirt": libvirt, "qemu": libvirt_qemu, "c": self.connection, "HOME": home, "shape": shape, "told": self.told,
                      "events": self.events, "machine": self.machine, "until": self.until, "names": lambda things: sorted(t.name() for t in things),
                      "lines": self.lines, "read_only": lambda: libvirt.openReadOnly(uri), "image": self.image, "pid": self.pid, "re": re, "os": os,
                      "another": lambda: libvirt.open(uri)}

    # what steps use

    @staticmethod
    def machine(name="t", devices="", more="", machine="q35", memory=64, top="type='qemu'", boot="", features="<acpi/>"):
        """The text of a small machine."""
        return (f"<domain {top}><name>{name}</name><memory unit='MiB'>{memory}</memory>{more}<os><type arch='x86_64' machine='{machine}'>hvm</type>"
                f"{boot}</os><features>{features}</features><devices><controller type='usb' model='none'/>{devices}</devices></domain>")

    def image(self, name, size="1M", kind="qcow2"):
        path = os.path.join(self.home, name)
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, path, size], check=True)
        return path

    def pid(self, name):
        with open(os.path.join(self.home, "runtime", "libvirt", "qemu", "run", name + ".pid"), encoding="ascii") as file:
            return int(file.read())

    @staticmethod
    def lines(text, *words):
        """Lines of a text that hold one of the words."""
        return [line.strip() for line in text.splitlines() if any(word in line for word in words)]

    def told(self, what, details=True):
        """A callback that notes what it is told."""
        def note(_conn, thing, *rest):
            if rest[:-1] == (6, 2):  # on its way to the end that it was told to come to; QEMU may be gone before it is read
                return
            name = thing.name() if hasattr(thing, "name") else ""
            self.told_of.append(" ".join([str(what), name, repr(rest[:-1]) if details else ""]).strip())
        return note

    def turn(self):
        timer = self.libvirt.virEventAddTimeout(20, lambda *_: None, None)  # nothing waits longer than this
        self.libvirt.virEventRunDefaultImpl()
        self.libvirt.virEventRemoveTimeout(timer)

    def events(self, count=0):
        """What was told since the last time: at least so many, and what else there is."""
        deadline = time.monotonic() + SECONDS
        while len(self.told_of) < count and time.monotonic() < deadline:
            self.turn()
        for _ in range(3):
            if self.connection.isAlive():
                self.connection.getLibVersion()  # what was sent before is read with the answer
            self.turn()
        events, self.told_of = self.told_of, []
        return "\n".join(events)

    def until(self, done):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            value = done()
            if value:
                return value
            self.turn()
        return "never"

    # the conversation

    def answer(self, work):
        try:
            value = work()
            text = value if isinstance(value, str) else repr(value)
        except self.libvirt.libvirtError as error:
            text = f"ERROR {error.get_error_code()} {error.get_error_domain()} {error.get_error_message()}"
        except Exception as error:  # of the binding
            text = f"{type(error).__name__} {error}"
        return self.names(text)

    def run(self, line):
        if not self.connection.isAlive():
            return "the daemon is gone"
        found = ASSIGNMENT.fullmatch(line)
        if not found:
            return self.answer(lambda: eval(line, self.space))  # our own lines
        name, code = found.groups()

        def work():
            value, self.space[name] = self.space.get(name), None
            self.space[name] = eval(code, {**self.space, name: value})
            return type(self.space[name]).__name__
        return self.answer(work)

    def clear(self):
        """The next conversation begins with nothing."""
        for domain in self.connection.listAllDomains():
            for work in (domain.destroy, lambda domain=domain: domain.undefineFlags(1 | 2 | 4 | 16)):
                try:
                    work()
                except self.libvirt.libvirtError:
                    pass

    def steps(self, path):
        self.clear()
        self.events()
        with open(path, encoding="utf-8") as file:
            lines = [line.split(KNOWN)[0].strip() for line in file]
        results = []
        for number, line in enumerate(lines, 1):
            with open(os.path.join(self.home, "progress"), "w", encoding="utf-8") as file:  # to see where one side hangs
                file.write(f"{os.path.basename(path)}:{number} {line}\n")
            results.append("" if not line or line.startswith("#") else self.run(line))
        results[-1] += self.names(self.events())
        return results


def run_side(uri, home, path):
    side = Side(uri, home)
    json.dump(side.steps(path), sys.stdout)
    if side.connection.isAlive():
        side.clear()


# ---- both sides ----

# What may be different in what both answer: what is replaced in both texts, and why.
MEANT = (
    (r"( in element '[^']*')? \(line \d+\)$", "", "ours say where in the document"),
    (r"(qemu unexpectedly closed the monitor|process exited while connecting to monitor): ", "QEMU ended: ", "it depends on when"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z ", "", "QEMU's clock"),
    (r'"id":"libvirt-\d+"', '"id":"libvirt-N"', "how much was asked before"),
    (r"in function \w+$", "in function FUNCTION", "the names of functions inside"),
    (r"(Unable to validate doc against).*|(schema: )line \d.*", r"\2", "stock's words are of a RELAX NG engine"),
)


# ...and pairs of whole answers.
PAIRS = (
    (r"ERROR (1|8|27|35|67) .*", r"ERROR 27 XML error: (Invalid value for|Missing required) .*",
     "the tables judge values, in the words and with the code that later libvirt has for all of them"),
    (r"ERROR 2[01] missing (name|target) information.*", r"ERROR 27 XML error: Missing .*", "the same"),
    (r"ERROR 1 internal error: cannot parse json .*", r"ERROR 1 internal error: cannot parse json .*", "another library for JSON"),
    (r"ERROR 35 \(.*", r"ERROR 35 \(.*", "broken XML is broken XML: which words libxml2 adds depends on how it is asked"),
)


def same(stock, ours):
    # the driver refuses, or the model beneath it: where that line runs is our own affair
    stock, ours = (re.sub(r"^(ERROR \d+) (0|5|6|10|18|20|31) ", r"\1 ", text) for text in (stock, ours))
    if stock == ours or (stock.startswith("ERROR ") and ours.startswith(stock)):
        return True  # the detail may say more
    return any(re.fullmatch(theirs, stock, re.S) and re.fullmatch(mine, ours, re.S) for theirs, mine, _ in PAIRS)


def meant(text):
    for pattern, word, _ in MEANT:
        text = re.sub(pattern, word, text, flags=re.M | re.S)
    return text


class Both:
    """A session with stock's daemon and one with ours."""

    def __init__(self):
        self.ours, self.stock = Private(), Private()

    def __enter__(self):
        program = shutil.which("libvirtd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with open(os.path.join(self.stock.home, "libvirtd.log"), "w", encoding="utf-8") as log:
            self.stock.daemons["libvirtd"] = subprocess.Popen([program, "--timeout", "600"], env=self.stock.env, stdin=subprocess.DEVNULL,
                                                              stdout=log, stderr=log)
        self.ours.start("virtqemud")
        deadline = time.monotonic() + 60
        while subprocess.run(["virsh", "-c", self.uri(self.stock), "list"], env=self.stock.env, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "stock's libvirtd does not answer"
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.ours.close()
        self.stock.close()

    def uri(self, private):
        return f"qemu+unix:///session?socket={private.socket('libvirt' if private is self.stock else 'virtqemud')}"

    def ask(self, private, *arguments):
        done = subprocess.run([sys.executable, os.path.realpath(sys.argv[0]), "--side", self.uri(private), private.home, *arguments],
                              env=private.env, check=False, capture_output=True, text=True, timeout=400)
        if done.returncode:
            raise RuntimeError(f"{'stock' if private is self.stock else 'our'} side ended with {done.returncode}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def ask_both(self, *arguments):
        """In turns: they'd take each other's ports."""
        return [self.ask(private, *arguments) for private in (self.stock, self.ours)]

    def alive(self):
        self.ours.alive("virtqemud")


def difference(stock, ours):
    lines = list(difflib.unified_diff(stock.split("\n"), ours.split("\n"), "stock", "ours", lineterm="", n=0))
    return "\n    ".join([line[:400] for line in lines[2:] if not line.startswith("@@")][:12])


def compare_steps(both, path, verbose):
    name = os.path.basename(path)[:-len(".steps")]
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    stock, ours = both.ask_both(path)
    both.alive()
    wrong = 0
    for at, (line, theirs, mine) in enumerate(zip(lines, map(meant, stock), map(meant, ours))):
        if verbose:
            print(f"{name}:{at + 1} {line}\n    {theirs}")
        if theirs.startswith(("AttributeError", "NameError", "SyntaxError")):
            mine += " - a step that says nothing"
        if same(theirs, mine) == (KNOWN not in line):
            continue
        wrong += 1
        print(f"{name}:{at + 1} {line.strip()}\n    {difference(theirs, mine) if not same(theirs, mine) else 'is the same now: no exception any more'}")
    print(f"{'not ok' if wrong else 'ok'} beside-{name} - {wrong} of {sum(bool(answer) for answer in stock)} answers differ", flush=True)
    return not wrong


def main():
    if sys.argv[1:2] == ["--side"]:
        run_side(*sys.argv[2:])
        return
    build_dir()
    if os.geteuid() == 0:  # a session daemon is a user's
        os.execvp("setpriv", ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "/usr/bin/python3", os.path.realpath(sys.argv[0]),
                              *sys.argv[1:]])
    if not shutil.which("qemu-system-x86_64") or not shutil.which("virsh") or not os.path.exists("/usr/sbin/libvirtd"):
        print("skip beside - needs Debian's libvirtd and QEMU")
        return
    names = [word for word in sys.argv[1:] if word != "-v"]
    good = True
    with Both() as both:
        for path in sorted(glob.glob(os.path.join(DATA, "*.steps"))):
            if not names or os.path.basename(path)[:-len(".steps")] in names:
                good = compare_steps(both, path, "-v" in sys.argv[1:]) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
