#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""testdriver-diff: stock's test driver and ours, call by call, through python3-libvirt.

tests/data/testdriver/*.steps holds the calls: one Python expression (or `name = expression`) a line, evaluated in a process with
stock's library and in one with ours; results, errors (code, domain, text) and events must be the same. A line that ends with `#= WHY`
is known to differ, and why. parts.lines holds parts of machines. *.xml are worlds to be opened. CORPUS names a folder with more documents: each is defined in both.
"""

import difflib
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
DATA = os.path.join(TOP, "tests", "data", "testdriver")
KNOWN = "#="
# Documents of the corpus: folders, root element, how one is defined.
CORPUS = (("genericxml2xmlindata qemuxml2argvdata", "domain", "define_domain"),
          ("networkxml2xmlin networkxml2confdata", "network", "define_network"),
          ("interfaceschemadata", "interface", "define_interface"),
          ("storagepoolxml2xmlin", "pool", "define_pool"),
          ("storagevolxml2xmlin", "volume", "create_volume"),
          ("nodedevschemadata", "device", "load_device"))


# ---- one side: runs in a process of its own ----

class Names:
    """Random words get the number of their first appearance."""

    def __init__(self):
        self.seen = {}

    def __call__(self, text):
        text = re.sub(r"object at 0x[0-9a-f]+", "object", text)
        text = re.sub(r"\b1[789]\d{8}\b", "NOW", text)
        pattern = r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b52:54:00:[0-9a-f:]{8}\b"
        return re.sub(pattern, lambda m: self.seen.setdefault(m.group(), f"RANDOM{len(self.seen)}"), text)


def rough(value):
    """Numbers that depend on the time are only told to be there."""
    if isinstance(value, (list, tuple)):
        return [rough(item) for item in value]
    if isinstance(value, dict):
        return {key: rough(item) for key, item in value.items()}
    return "#" if isinstance(value, int) and value > 10 ** 8 else value


class Side:
    def __init__(self):
        import libvirt
        self.libvirt = libvirt
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        self.events = []
        self.names = Names()

    def told(self, what):
        """A callback that notes what it is told."""
        def note(_conn, thing, *details):
            self.events.append(f"EVENT {what} {thing.name()} {details[:-1]}")
        return note

    def drain(self):
        timer = self.libvirt.virEventAddTimeout(1, lambda *_: None, None)  # nothing waits longer than this
        for _ in range(2):
            self.libvirt.virEventRunDefaultImpl()
        self.libvirt.virEventRemoveTimeout(timer)
        events, self.events = self.events, []
        return events

    def result(self, work):
        try:
            value = work()
            text = value if isinstance(value, str) else repr(value)
        except self.libvirt.libvirtError as error:
            # where in the document it is, only ours says
            message = re.sub(r"( in element '[^']*')*( \(line \d+\))?$", "", error.get_error_message())
            text = f"ERROR {error.get_error_code()} {error.get_error_domain()} {message}"
        except Exception as error:  # of the binding
            text = f"{type(error).__name__} {error}"
        return self.names("\n".join([text] + self.drain()))

    def steps(self, path):
        space = {"libvirt": self.libvirt, "rough": rough, "told": self.told, "DATA": DATA,
                 "c": self.libvirt.open("test:///default"), "names": lambda things: sorted(t.name() for t in things)}
        results = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.split(KNOWN)[0].strip()
                if not line or line.startswith("#"):
                    results.append("")
                    continue
                name, equals, rest = line.partition(" = ")
                assigned = equals and name.isidentifier()

                def work(code=rest if assigned else line):
                    return eval(code, space)  # our own lines
                if assigned:
                    def work(code=rest, name=name):
                        space[name] = None
                        space[name] = eval(code, space)
                        return type(space[name]).__name__
                results.append(self.result(work))
        return results

    # documents

    def define_domain(self, conn, xml):
        domain = conn.defineXML(re.sub(r"<domain type=(['\"])\w+['\"]", "<domain type='test'", xml, count=1))
        text = domain.XMLDesc(3) + domain.XMLDesc(0)
        domain.undefineFlags(3)
        return text

    def define_network(self, conn, xml):
        network = conn.networkDefineXML(xml)
        text = network.XMLDesc(0)
        network.undefine()
        return text

    def define_interface(self, conn, xml):
        interface = conn.interfaceDefineXML(xml)
        text = interface.XMLDesc(0)
        interface.undefine()
        return text

    def define_pool(self, conn, xml):
        pool = conn.storagePoolDefineXML(xml)
        text = pool.XMLDesc(0)
        pool.undefine()
        return text

    def create_volume(self, conn, xml):
        volume = conn.storagePoolLookupByName("default-pool").createXML(xml)
        text = volume.XMLDesc(0)
        volume.delete(0)
        return text

    def load_device(self, _conn, xml):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as world:
            world.write("<node>" + re.sub(r"^<\?xml.*?\?>", "", xml) + "</node>")
            world.flush()
            return self.libvirt.open("test://" + world.name).listAllDevices(0)[0].XMLDesc(0)

    def documents(self, files, how):
        conn = self.libvirt.open("test:///default")
        results = []
        for path in files:
            with open(path, encoding="utf-8", errors="replace") as file:
                xml = file.read()
            self.names = Names()
            results.append(self.result(lambda: getattr(self, how)(conn, xml)))
        return results


def run_side():
    kind, *rest = sys.argv[2:]
    if kind == "threads":
        run_threads()
        return
    if kind == "parts":
        run_parts(rest[0])
        return
    side = Side()
    json.dump(side.steps(rest[0]) if kind == "steps" else side.documents(rest[1:], rest[0]), sys.stdout)


def run_threads():
    """Eight threads, each with connections of its own to the one shared world: nobody's machine or event gets lost."""
    side, rounds, count = Side(), 40, 8
    failures, told = [], []
    conn = side.libvirt.open("test:///default")
    conn.domainEventRegisterAny(None, 0, lambda *_: told.append(1), None)

    def work(number):
        try:
            for _ in range(rounds):
                mine = side.libvirt.open("test:///default")
                domain = mine.defineXML(f"<domain type='test'><name>t{number}</name><memory>1</memory><os><type>hvm</type></os></domain>")
                domain.create()
                domain.suspend()
                assert f"t{number}" in [d.name() for d in mine.listAllDomains()]
                domain.destroy()
                domain.undefine()
                mine.close()
        except Exception as error:
            failures.append(repr(error))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        side.drain()
    side.drain()
    json.dump([failures, len(told), rounds * count * 5, len(conn.listAllDomains())], sys.stdout)


PART = ("<domain type='test'><name>part</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>100000</memory><vcpu>4</vcpu>{}"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os>{}<devices>{}</devices></domain>")


def part_lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def run_parts(path):
    side = Side()
    conn, results = side.libvirt.open("test:///default"), []
    for line in part_lines(path):
        devices, before, after = ([part.strip() for part in line.split("@@")] + ["", ""])[:3]
        results.append(side.result(lambda: side.define_domain(conn, PART.format(before, after, devices))))
    json.dump(results, sys.stdout)


# ---- both sides ----

def ask(library, *arguments):
    environment = dict(os.environ)
    environment.pop("LD_LIBRARY_PATH", None)
    if library:
        environment["LD_LIBRARY_PATH"] = library
    done = subprocess.run(["/usr/bin/python3", os.path.realpath(__file__), "--side", *arguments], env=environment, check=False,
                          capture_output=True, text=True, timeout=120, cwd=DATA)
    if done.returncode:
        raise RuntimeError(f"{'our' if library else 'stock'} side ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def difference(stock, ours):
    lines = list(difflib.unified_diff(stock.split("\n"), ours.split("\n"), "stock", "ours", lineterm="", n=0))
    return "\n    ".join(lines[:12])


def compare_steps(path, library):
    name = os.path.basename(path)[:-len(".steps")]
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    stock, ours = ask("", "steps", path), ask(library, "steps", path)
    wrong = [f"{name}:{at + 1} {line.strip()}\n    {difference(s, o)}"
             for at, (line, s, o) in enumerate(zip(lines, stock, ours)) if s != o and KNOWN not in line]
    print("\n".join(wrong))
    print(f"{'not ok' if wrong else 'ok'} {name} - {len(wrong)} of {sum(bool(s) for s in stock)} calls differ")
    return not wrong


def compare_corpus(folder, library):
    with open(os.path.join(DATA, "corpus-known.tsv"), encoding="utf-8") as file:
        known = dict(line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#"))
    good = True
    for folders, element, how in CORPUS:
        files = [path for each in folders.split() for path in sorted(glob.glob(os.path.join(folder, "tests", each, "*.xml")))
                 if re.search(rf"^\s*(<\?xml[^>]*>|<!--.*?-->|\s)*<{element}[\s>]", open(path, errors="replace").read(), re.S)]
        if not files:
            print(f"skip {element} - no documents in {folder}")
            continue
        stock, ours = ask("", "documents", how, *files), ask(library, "documents", how, *files)
        wrong, expected = [], 0
        for path, s, o in zip(files, stock, ours):
            word = "/".join(path.split("/")[-2:])
            if s == o:
                continue
            if word in known:
                expected += 1
            else:
                wrong.append(f"{word}\n    {difference(s, o)}")
        print("\n".join(wrong))
        print(f"{'not ok' if wrong else 'ok'} corpus-{element} - {len(files)} documents, {expected} known to differ, "
              f"{len(wrong)} others")
        good = good and not wrong
    return good


def compare_parts(path, library):
    stock, ours = ask("", "parts", path), ask(library, "parts", path)
    wrong = [f"{line}\n    {difference(s, o)}" for line, s, o in zip(part_lines(path), stock, ours) if s != o]
    print("\n".join(wrong))
    print(f"{'not ok' if wrong else 'ok'} parts - {len(wrong)} of {len(stock)} parts of machines differ")
    return not wrong


def check_threads(library):
    failures, told, wanted, left = ask(library, "threads")
    good = not failures and told == wanted and left == 1
    print(f"{'ok' if good else 'not ok'} threads - {told} of {wanted} events, {left - 1} machines left, {failures[:3]}")
    return good


def main():
    build = os.environ.get("BUILD_DIR", os.path.join(TOP, "build"))
    library = os.path.join(os.path.realpath(build), "libvirt", ".libs")
    try:
        ask("", "documents", "define_domain")
    except (OSError, RuntimeError):
        print("skip testdriver-diff - no stock python3-libvirt here")
        return 0
    good = True
    for path in sorted(glob.glob(os.path.join(DATA, "*.steps"))):
        if not sys.argv[1:] or os.path.basename(path)[:-len(".steps")] in sys.argv[1:]:
            good = compare_steps(path, library) and good
    if not sys.argv[1:] or "parts" in sys.argv[1:]:
        good = compare_parts(os.path.join(DATA, "parts.lines"), library) and good
    if not sys.argv[1:] or "threads" in sys.argv[1:]:
        good = check_threads(library) and good
    corpus = os.environ.get("CORPUS", os.path.join(TOP, "..", "shared", "corpus"))
    if not sys.argv[1:] or "corpus" in sys.argv[1:]:
        good = compare_corpus(corpus, library) and good if os.path.isdir(corpus) else good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(run_side() if sys.argv[1:2] == ["--side"] else main())
