#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migrating: what a client library asks of two daemons when it moves a machine, step by step: stock's library and ours, through
python3-libvirt, against scripted daemons that have features and fail as each case wants it. Same calls with the same arguments in the
same order, same result, same error."""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback

from lab import Suite, build_dir
from scripted import Daemon, Failure, Hangup

OPERATION_FAILED, FINISH_OK, FROM_QEMU = 9, 93, 10
V1, V2, P2P, DIRECT, V3, PROTECTION, MIGRATABLE, OFFLINE, PARAMS = 1, 3, 4, 5, 6, 7, 11, 12, 13
QEMU = {V2, P2P, V3, PROTECTION, OFFLINE, PARAMS}
LIVE, PEER2PEER, TUNNELLED, PERSIST, PAUSED, DISK, INC, PROTECT, IS_OFFLINE, ABORT, CONVERGE, POSTCOPY, PARALLEL, SYNCHRONOUS = \
    (1 << n for n in (0, 1, 2, 3, 5, 6, 7, 8, 10, 12, 13, 15, 17, 18))
UUID = bytes(range(16))
PARAMETERS = {"destination_name": "new", "bandwidth": 7, "destination_xml": "<x/>", "migrate_uri": "tcp:there"}


class Case:
    """One move: what is called, which features both sides have, which step goes wrong and how."""

    def __init__(self, call, source=None, target=None, fails=None, state=1, uri="tcp:target:49152", read_only="", xml="<domain/>"):
        self.call, self.fails, self.state, self.uri, self.read_only, self.xml = call, fails or {}, state, uri, read_only, xml
        self.features = {"source": QEMU if source is None else source, "target": QEMU if target is None else target}

    def answer(self, side):
        def answer(row, arguments):
            wrong = self.fails.get(f"{side} {row.name}") or self.fails.get(row.name)
            if wrong:
                raise wrong
            if row.name == "connect_supports_feature":
                return {"supported": int(arguments["feature"] in self.features[side] | {8, 9, 14, 15})}
            if row.name == "domain_get_state":
                return {"state": self.state, "reason": 1}
            out = {f.name for f in row.output.fields}
            values = {"dom": {"name": arguments.get("name", "one"), "uuid": UUID, "id": 3}, "xml": self.xml, "uri_out": self.uri,
                      "uri": f"qemu+ssh://{side}/system", "type": "QEMU"}
            values["ddom"] = values["dom"]
            if row.name == "domain_get_info":
                return {"state": self.state, "max_mem": 1, "memory": 1, "nr_virt_cpu": 1, "cpu_time": 1}
            # a source that does it all by itself has nothing to hand on
            alone = "perform" in row.name and not arguments.get("cookie_in", arguments.get("cookie"))
            cookie = "" if alone else f"cookie of {row.name}"
            for name in out & {"cookie", "cookie_out"}:
                values[name] = cookie.encode()
            return {name: values[name] for name in out} if out and out <= set(values) else None
        return answer


def failure(text, code=OPERATION_FAILED):
    return Failure(code, FROM_QEMU, text)


def cases():
    """Name -> Case. The call gets the machine and the connection to the other host."""
    calls = {
        "migrate": lambda d, c: d.migrate(c, LIVE, None, None, 0),
        "migrate all": lambda d, c: d.migrate(c, LIVE | PERSIST | ABORT | CONVERGE, "new", "tcp:elsewhere", 9),
        "migrate protected": lambda d, c: d.migrate(c, PROTECT),
        "migrate2": lambda d, c: d.migrate2(c, "<new/>", LIVE, "new", None, 3),
        "migrate2 plain": lambda d, c: d.migrate2(c, None, LIVE | PAUSED, None, "tcp:elsewhere", 3),
        "migrate3": lambda d, c: d.migrate3(c, {}, LIVE),
        "migrate3 all": lambda d, c: d.migrate3(c, PARAMETERS, LIVE | PERSIST | ABORT | CONVERGE | PROTECT | POSTCOPY),
        "migrate3 more": lambda d, c: d.migrate3(c, {**PARAMETERS, "compression": "mt", "migrate_disks": ["vda", "vdb"]}, LIVE),
        "peer": lambda d, c: d.migrate(c, PEER2PEER | LIVE, "new", None, 0),
        "peer uri": lambda d, c: d.migrate(c, PEER2PEER, None, "qemu+tcp://other/system", 0),
        "peer2": lambda d, c: d.migrate2(c, "<new/>", PEER2PEER | LIVE, None, None, 0),
        "peer2 uri": lambda d, c: d.migrate2(c, None, PEER2PEER | TUNNELLED, "new", "tcp:elsewhere", 4),
        "peer3": lambda d, c: d.migrate3(c, {}, PEER2PEER | LIVE),
        "peer3 all": lambda d, c: d.migrate3(c, PARAMETERS, PEER2PEER | LIVE),
        "tunnelled alone": lambda d, c: d.migrate(c, TUNNELLED),
        "tunnelled alone 2": lambda d, c: d.migrate2(c, None, TUNNELLED),
        "tunnelled alone 3": lambda d, c: d.migrate3(c, {}, TUNNELLED),
        "toURI": lambda d, c: d.migrateToURI("qemu+ssh://there/system", PEER2PEER | LIVE, "new", 5),
        "toURI direct": lambda d, c: d.migrateToURI("tcp:there", LIVE, None, 0),
        "toURI localhost": lambda d, c: d.migrateToURI("qemu+ssh://localhost/system", PEER2PEER, None, 0),
        "toURI here": lambda d, c: d.migrateToURI("qemu:///system", PEER2PEER, None, 0),
        "toURI nonsense": lambda d, c: d.migrateToURI("there", PEER2PEER, None, 0),
        "toURI2": lambda d, c: d.migrateToURI2("qemu+ssh://there/system", "tcp:elsewhere", "<new/>", PEER2PEER, "new", 5),
        "toURI2 few": lambda d, c: d.migrateToURI2("qemu+ssh://there/system", None, None, PEER2PEER, None, 0),
        "toURI2 direct": lambda d, c: d.migrateToURI2(None, "tcp:elsewhere", None, LIVE, None, 0),
        "toURI2 nothing": lambda d, c: d.migrateToURI2(None, None, None, PEER2PEER, None, 0),
        "toURI2 direct nothing": lambda d, c: d.migrateToURI2(None, None, None, 0, None, 0),
        "toURI3": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", PARAMETERS, PEER2PEER),
        "toURI3 none": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", {}, PEER2PEER),
        "toURI3 more": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", {**PARAMETERS, "compression": "mt"}, PEER2PEER),
        "toURI3 direct": lambda d, c: d.migrateToURI3(None, PARAMETERS, LIVE),
        "toURI3 direct none": lambda d, c: d.migrateToURI3(None, {}, LIVE),
        "toURI3 direct with daemon": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", PARAMETERS, LIVE),
        "toURI3 unknown": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", {"persistent_xml": "<y/>", "bandwidth": 3}, PEER2PEER),
        "toURI3 localhost": lambda d, c: d.migrateToURI3("qemu+ssh://localhost/system", {}, PEER2PEER),
        "offline": lambda d, c: d.migrate(c, IS_OFFLINE | PERSIST),
        "offline2": lambda d, c: d.migrate2(c, None, IS_OFFLINE | PERSIST),
        "offline3": lambda d, c: d.migrate3(c, {}, IS_OFFLINE | PERSIST),
        "offline toURI": lambda d, c: d.migrateToURI("qemu+ssh://there/system", PEER2PEER | IS_OFFLINE, None, 0),
        "offline toURI3": lambda d, c: d.migrateToURI3("qemu+ssh://there/system", {}, PEER2PEER | IS_OFFLINE),
    }
    for one, other in itertools.combinations((DISK, INC, TUNNELLED, PARALLEL, SYNCHRONOUS), 2):
        both = one | other
        calls[f"flags {both:x} 1"] = lambda d, c, f=both: d.migrate(c, f)
        calls[f"flags {both:x} 2"] = lambda d, c, f=both: d.migrate2(c, None, f)
        calls[f"flags {both:x} 3"] = lambda d, c, f=both: d.migrate3(c, {}, f)
        calls[f"flags {both:x} URI"] = lambda d, c, f=both: d.migrateToURI("qemu+ssh://there/system", f | PEER2PEER, None, 0)
        calls[f"flags {both:x} URI2"] = lambda d, c, f=both: d.migrateToURI2("qemu+ssh://there/system", None, None, f | PEER2PEER, None, 0)
        calls[f"flags {both:x} URI3"] = lambda d, c, f=both: d.migrateToURI3("qemu+ssh://there/system", {}, f | PEER2PEER)
        calls[f"flags {both:x} peer"] = lambda d, c, f=both: d.migrate(c, f | PEER2PEER)
    for one, other in itertools.combinations((PEER2PEER, TUNNELLED, IS_OFFLINE, PROTECT), 2):
        calls[f"order {one:x} {other:x}"] = lambda d, c, f=one | other: d.migrate(c, f)
        calls[f"order {one:x} {other:x} 3"] = lambda d, c, f=one | other: d.migrate3(c, {}, f)
    out = {name: Case(call) for name, call in calls.items()}
    two_sided = ("migrate", "migrate2", "migrate2 plain", "migrate3", "migrate3 all", "migrate3 more", "offline", "offline3")
    one_sided = [name for name in calls if name.startswith(("peer", "toURI", "offline toURI"))]
    features = {"none": set(), "v1": {V1}, "v2": {V2}, "direct": {DIRECT}, "old": {V1, V2, P2P, DIRECT}, "no parameters": QEMU - {PARAMS},
                "no protection": QEMU - {PROTECTION}, "no offline": QEMU - {OFFLINE}, "no peer": QEMU - {P2P}, "all": QEMU | {V1, DIRECT}}
    for name, (what, have) in itertools.product(two_sided, features.items()):
        out[f"{name}, target {what}"] = Case(calls[name], target=have)
        out[f"{name}, both {what}"] = Case(calls[name], source=have, target=have)
    for name, (what, have) in itertools.product(one_sided, features.items()):
        out[f"{name}, source {what}"] = Case(calls[name], source=have)
    steps = ("begin3", "prepare3", "perform3", "finish3", "confirm3")
    for name, step in itertools.product(("migrate", "migrate all", "migrate protected"), steps):
        out[f"{name}: {step} fails"] = Case(calls[name], fails={f"domain_migrate_{step}": failure(step)})
        out[f"{name}: {step} hangs up"] = Case(calls[name], fails={f"domain_migrate_{step}": Hangup()})
    for name, step in itertools.product(("migrate3", "migrate3 all"), steps):
        out[f"{name}: {step} fails"] = Case(calls[name], fails={f"domain_migrate_{step}_params": failure(step)})
        out[f"{name}: {step} hangs up"] = Case(calls[name], fails={f"domain_migrate_{step}_params": Hangup()})
    for (name, suffix), step in itertools.product((("migrate", ""), ("migrate3", "_params")), steps):
        out[f"{name}: {step} fails, unprotected"] = Case(calls[name], source=QEMU - {PROTECTION},
                                                         fails={f"domain_migrate_{step}{suffix}": failure(step)})
        out[f"{name}: no URI, {step} fails"] = Case(calls[name], uri=None, fails={f"domain_migrate_{step}{suffix}": failure(step)})
    old = {V1, V2, P2P, DIRECT}
    out["old: machine's XML"] = Case(calls["migrate"], source=old | {MIGRATABLE}, target=old)
    out["old: offline"] = Case(calls["offline"], source=old | {OFFLINE}, target=old | {OFFLINE})
    out["old: paused"] = Case(calls["migrate"], source=old, target=old, state=3)
    out["old: no URI"] = Case(calls["migrate all"], source=old, target=old, uri=None)
    for have in ({V1}, old):
        out[f"{max(have)}: no URI"] = Case(calls["migrate"], source=have, target=have, uri=None)
        out[f"{max(have)}: all"] = Case(calls["migrate all"], source=have, target=have)
    for step in ("prepare2", "perform", "finish2"):
        out[f"old: {step} fails"] = Case(calls["migrate"], source=old, target=old, fails={f"domain_migrate_{step}": failure(step)})
    out["old: no XML"] = Case(calls["migrate"], source=old, target=old, fails={"domain_get_xml_desc": failure("XML")})
    for step in ("prepare", "perform", "finish"):
        out[f"first: {step} fails"] = Case(calls["migrate"], source={V1}, target={V1}, fails={f"domain_migrate_{step}": failure(step)})
    out["first: paused"] = Case(calls["migrate"], source={V1}, target={V1}, state=3)
    for name in ("migrate", "migrate2", "migrate3", "migrate3 all"):
        suffix = "_params" if name.startswith("migrate3") else ""
        out[f"{name}: paused"] = Case(calls[name], state=3)
        out[f"{name}: no URI"] = Case(calls[name], uri=None)
        out[f"{name}: state unknown"] = Case(calls[name], fails={"domain_get_state": failure("state")})
        out[f"{name}: features unknown"] = Case(calls[name], fails={"connect_supports_feature": failure("features")})
        for perform, finish in itertools.product((OPERATION_FAILED, 1), (FINISH_OK, OPERATION_FAILED, 38)):
            out[f"{name}: perform {perform}, finish {finish}"] = Case(calls[name], fails={
                f"domain_migrate_perform3{suffix}": failure("perform", perform), f"domain_migrate_finish3{suffix}": failure("finish", finish)})
        for side in ("source", "target"):
            out[f"{name}: {side} read-only"] = Case(calls[name], read_only=side)
    for name in ("peer", "peer2", "peer3", "toURI", "toURI2", "toURI3", "toURI direct"):
        out[f"{name}: perform fails"] = Case(calls[name], fails={f"domain_migrate_perform{v}": failure("perform") for v in ("", "3", "3_params")})
        out[f"{name}: source read-only"] = Case(calls[name], read_only="source")
    return out


def readable(value):
    if isinstance(value, bytes):
        return value.hex() if value == UUID else value.decode()
    if isinstance(value, dict):
        return {k: readable(v) for k, v in value.items()}
    return [readable(v) for v in value] if isinstance(value, (list, tuple)) else value


def run_case(libvirt, folder, number, case):
    """Everything that both daemons were asked after the connections stood, in one order, and what came of it."""
    log, daemons, connections = [], [], {}
    for side in ("source", "target"):
        def answer(row, arguments, side=side, told=case.answer(side)):
            log.append([side, row.name, readable(arguments)])
            return told(row, arguments)
        daemons.append(Daemon(os.path.join(folder, f"{side}{number}"), answer))
        fails, case.fails = case.fails, {}
        open_ = libvirt.openReadOnly if case.read_only == side else libvirt.open
        connections[side] = open_(f"qemu+unix:///system?socket={folder}/{side}{number}")
        case.fails = fails
    machine = connections["source"].lookupByName("one")
    del log[:]
    try:
        result = case.call(machine, connections["target"])
        result = result.name() if isinstance(result, libvirt.virDomain) else result
        error = None
    except libvirt.libvirtError as e:
        result, error = "error", [e.get_error_code(), e.get_error_domain(), e.get_error_message()]
    calls = list(log)
    case.fails = {}
    for daemon in daemons:
        daemon.close()
    return {"calls": calls, "result": result, "error": error}


def work():
    import libvirt  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda *_: None, None)
    with tempfile.TemporaryDirectory(prefix="vireo-migrating-") as folder:
        print(json.dumps({name: run_case(libvirt, folder, i, case) for i, (name, case) in enumerate(cases().items())}))


def run(library):
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    if library:
        env["LD_LIBRARY_PATH"] = library
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker"], env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return comparable(done.stdout)


def comparable(text):
    """Without the folder of this run."""
    return json.loads(re.sub(r"/[^ \"=]*vireo-migrating-\w+/", "", text))


def first_difference(theirs, ours):
    for i, (one, other) in enumerate(itertools.zip_longest(theirs["calls"], ours["calls"])):
        if one != other:
            return f"call {i + 1}: stock {json.dumps(one)}, ours {json.dumps(other)}"
    return f"stock {theirs['result']} {theirs['error']}, ours {ours['result']} {ours['error']}"


def main():
    if sys.argv[1:2] == ["--worker"]:
        try:
            work()
            sys.stdout.flush()
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
            os._exit(1)
        os._exit(0)  # what is still open would wait for threads that are gone
    suite = Suite()

    def compare():
        theirs, ours = run(None), run(os.path.join(build_dir(), "libvirt", ".libs"))
        different = {name: first_difference(theirs[name], ours[name]) for name in theirs if theirs[name] != ours[name]}
        print("".join(f"{name}: {what}\n" for name, what in different.items()), end="")
        assert not different, f"{len(different)} of {len(theirs)} cases differ"

    suite.run("steps_of_migration", compare)
    suite.done()


main()
