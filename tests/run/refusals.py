#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""refusals: every function of the libraries called in wrong ways, on stock's library and on ours: same result, same error.

Each call runs in a process of its own (stock may crash where we refuse). The ways: no object, an object of another kind, an object
with all else missing (on a writable and on a read-only connection), unknown flags; and each argument in turn missing, zero, negative
or empty beside others that could be right, where only what the library itself refuses is compared, not the driver behind it."""

import ctypes
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

from lab import TOP, Skip, Suite, apart, build_dir

sys.dont_write_bytecode = True
LIBRARIES = {"libvirt": "libvirt.so.0", "qemu": "libvirt-qemu.so.0", "lxc": "libvirt-lxc.so.0", "admin": "libvirt-admin.so.0"}
FLAG = 1 << 30
WRONG = ("no", "empty", "negative")
# How an object of each type is had on test:///default: function, and what comes after the connection (or the object named first).
OBJECTS = {
    "virDomainPtr": ("virDomainLookupByName", "virConnectPtr", b"test"),
    "virNetworkPtr": ("virNetworkLookupByName", "virConnectPtr", b"default"),
    "virStoragePoolPtr": ("virStoragePoolLookupByName", "virConnectPtr", b"default-pool"),
    "virInterfacePtr": ("virInterfaceLookupByName", "virConnectPtr", b"eth1"),
    "virNodeDevicePtr": ("virNodeDeviceLookupByName", "virConnectPtr", b"scsi_host1"),
    "virStreamPtr": ("virStreamNew", "virConnectPtr", 0),
}
# Functions that wait, print, end the process or need a loop; and what only differs by who answers.
LEFT_OUT = {"virEventRunDefaultImpl", "virConnectAuthPtrDefault", "virInitialize", "virGetVersion", "virCopyLastError", "virConnectOpen", "virConnectOpenAuth",
            "virConnectOpenReadOnly", "virAdmConnectOpen", "virAdmInitialize"}


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("domain", ctypes.c_int), ("message", ctypes.c_char_p), ("level", ctypes.c_int),
                ("conn", ctypes.c_void_p), ("dom", ctypes.c_void_p), ("str1", ctypes.c_char_p)]


def functions():
    """From our headers, read by the generator of the library."""
    path = os.path.join(TOP, "libvirt", "gen")
    loader = importlib.machinery.SourceFileLoader("gen", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gen", loader))
    loader.exec_module(module)
    return module.Headers(TOP).functions


class Worker:
    """One library, loaded into this process."""

    def __init__(self):
        self.libraries = {name: ctypes.CDLL(file) for name, file in LIBRARIES.items()}
        self.libraries["libvirt"].virInitialize()
        self.buffers = []

    def find(self, function):
        return getattr(self.libraries[function.library], function.name, None)

    def made(self, kind, read_only):
        lib = self.libraries["libvirt"]
        if kind == "virConnectPtr":
            make = lib.virConnectOpenReadOnly if read_only else lib.virConnectOpen
            make.restype = ctypes.c_void_p
            return make(b"test:///default")
        if kind not in OBJECTS:
            return None
        name, parent, value = OBJECTS[kind]
        make = getattr(lib, name)
        make.restype = ctypes.c_void_p
        return make(ctypes.c_void_p(self.made(parent, read_only)), value)

    def argument(self, param, way):
        """A value for a parameter that isn't the object: nothing, something wrong, or something plausible."""
        wrong, _, which = way.partition(" ")
        if way.startswith("bare"):
            return ctypes.c_void_p(0)
        if which == param.name:
            return {"empty": ctypes.c_char_p(b""), "negative": ctypes.c_longlong(-1), "no": ctypes.c_void_p(0)}[wrong]
        if param.name == "flags":
            return ctypes.c_uint(FLAG if way == "flags" else 0)
        if param.type == "const char *":
            return ctypes.c_char_p(b"nothing")
        if param.type.endswith("*") or param.type.endswith("Ptr") or param.type.endswith("const"):
            buffer = ctypes.create_string_buffer(65536)
            self.buffers.append(buffer)
            return ctypes.cast(buffer, ctypes.c_void_p)
        return ctypes.c_void_p(1)

    def call(self, function, way):
        symbol = self.find(function)
        params = function.params
        kind = params[0].type if params else ""
        first = {"nothing": lambda: None, "other": lambda: self.made("virStreamPtr" if kind != "virStreamPtr" else "virConnectPtr", False),
                 "bare read-only": lambda: self.made(kind, True)}.get(way, lambda: self.made(kind, False))()
        if way not in ("nothing", "other") and not first:
            return None
        values = [ctypes.c_void_p(first)] + [self.argument(p, "bare" if way in ("nothing", "other") else way) for p in params[1:]]
        pointer = function.returns.endswith("*") or function.returns.endswith("Ptr")
        symbol.restype = None if function.returns == "void" else ctypes.c_void_p if pointer else ctypes.c_int
        result = symbol(*values)
        get = self.libraries["libvirt"].virGetLastError
        get.restype = ctypes.POINTER(Error)
        error = get()
        said = [error.contents.code, error.contents.domain, (error.contents.message or b"").decode()] if error else None
        if " " in way and way.split(" ")[1] in [p.name for p in params]:
            # the library's own refusals name the function
            own = said and (error.contents.str1 or b"").decode() == function.name
            return {"error": said if own else "the driver's"}
        return {"result": bool(result) if pointer else result, "error": said}


def ways(function):
    kind = function.params[0].type if function.params else ""
    if not kind.startswith("vir") or not kind.endswith("Ptr") or function.name.endswith(("Ref", "Free", "Close")):
        return []
    out = ["nothing"]
    if function.library != "admin":
        out.append("other")
    if kind == "virConnectPtr" or kind in OBJECTS:
        out += ["bare", "bare read-only"]
        if any(p.name == "flags" for p in function.params):
            out.append("flags")
        for param in function.params[1:]:
            if param.name != "flags":
                out.append(f"no {param.name}")
                out += [f"empty {param.name}"] if param.type == "const char *" else []
                out += [f"negative {param.name}"] if param.type in ("int", "long", "long long") else []
    return out


def work():
    worker = Worker()
    results = {}
    for function in functions():
        if function.name not in LEFT_OUT and worker.find(function):
            for way in ways(function):
                results[f"{function.name} {way}"] = apart(worker.call, function, way)
    print(json.dumps(results))


def run(library):
    env = {**os.environ, "LD_LIBRARY_PATH": library} if library else {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    with tempfile.TemporaryDirectory(prefix="vireo-refusals-") as folder:  # some calls write into the file that they are given
        done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker"], env=env, cwd=folder, capture_output=True, text=True,
                              check=True)
    return json.loads(done.stdout)


def same(theirs, ours, way):
    for key in theirs:
        mine, stock = ours.get(key), theirs[key]
        if way in WRONG and stock == {"error": "the driver's"}:
            continue  # a driver that can't do it says so first there
        if " ".join(key.split(" ")[1:][:1 if way in WRONG else None]) != way or mine == stock or (stock and "died" in stock and mine and "died" not in mine):
            continue
        yield f"{key}: stock {json.dumps(stock)}, ours {json.dumps(mine)}"


def main():
    if sys.argv[1:2] == ["--worker"]:
        work()
        return
    suite = Suite()
    theirs, ours = run(None), run(os.path.join(build_dir(), "libvirt", ".libs"))

    def compare(way, allowed):
        if way != "nothing" and not ours.get("virDomainSuspend bare"):
            raise Skip("our library can't open test:///default yet")
        differences = list(same(theirs, ours, way))
        if os.environ.get("VERBOSE") or len(differences) > allowed:
            print("\n".join(differences))
        assert len(differences) <= allowed, f"{len(differences)} differences"

    # The second number of a row says how many may differ; only ever made smaller:
    # other: virDomainFDAssociate and virDomainLxcEnterNamespace look at their other arguments first in stock, which crashes without an object
    # bare: virDomainQemuAgentCommand without a command and the end of events of secrets: stock's test driver has no such call, and says so first
    # bare, bare read-only: virNodeDeviceGetAutostart of read-only connections was refused until libvirt 10 (a mistake: it changes nothing)
    # no: events of networks had one kind, now they have two
    for way, allowed in (("nothing", 0), ("other", 2), ("bare", 3), ("bare read-only", 2), ("flags", 0), ("no", 1), ("empty", 0), ("negative", 0)):
        suite.run(way.replace(" ", "_"), compare, way, allowed)
    suite.done()


if __name__ == "__main__":
    main()
