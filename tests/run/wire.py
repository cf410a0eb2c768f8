#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""wire: every function of the libraries called on stock's library and on ours, with a scripted daemon behind: the same call with the
same arguments on the wire, and of the same answer the same result, output parameters and error.

Arguments and answers follow from the prototypes and the rows of the protocol: texts are their names, numbers small, lists have two
elements. Ways: `plain`; `flags` other than 0; `null`, no text given; `bare`, an empty answer; `error`, an answer that is one."""

import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile

from lab import Suite, apart, build_dir
from refusals import LIBRARIES, functions
from scripted import Daemon, Failure, blank

WAYS = ("plain", "flags", "null", "bare", "error")
NUMBER, ROOM = 2, 4096
# How an object of each type comes to be, and what tells which it is.
OBJECTS = {
    "virDomainPtr": ("virDomainLookupByName", "virDomainGetName"),
    "virNetworkPtr": ("virNetworkLookupByName", "virNetworkGetName"),
    "virStoragePoolPtr": ("virStoragePoolLookupByName", "virStoragePoolGetName"),
    "virStorageVolPtr": ("virStorageVolLookupByKey", "virStorageVolGetKey"),
    "virInterfacePtr": ("virInterfaceLookupByName", "virInterfaceGetName"),
    "virNodeDevicePtr": ("virNodeDeviceLookupByName", "virNodeDeviceGetName"),
    "virNWFilterPtr": ("virNWFilterLookupByName", "virNWFilterGetName"),
    "virNWFilterBindingPtr": ("virNWFilterBindingLookupByPortDev", "virNWFilterBindingGetPortDev"),
    "virSecretPtr": ("virSecretLookupByUUIDString", "virSecretGetUsageID"),
    "virDomainSnapshotPtr": ("virDomainSnapshotLookupByName", "virDomainSnapshotGetName"),
    "virDomainCheckpointPtr": ("virDomainCheckpointLookupByName", "virDomainCheckpointGetName"),
    "virNetworkPortPtr": ("virNetworkPortLookupByUUIDString", None),
}
UUID_TEXT = b"00010203-0405-0607-0809-0a0b0c0d0e0f"
BELOW = {"virDomainSnapshotPtr": "virDomainPtr", "virDomainCheckpointPtr": "virDomainPtr", "virNetworkPortPtr": "virNetworkPtr"}
IN_LISTS = {"keycodes", "cpumap", "ncpus", "new_uuid", "uuid", "files", "fds", "infiles"}
SCALARS = {"int": ctypes.c_int, "unsigned int": ctypes.c_uint, "long": ctypes.c_long, "unsigned long": ctypes.c_ulong,
           "long long": ctypes.c_longlong, "unsigned long long": ctypes.c_ulonglong, "size_t": ctypes.c_size_t,
           "unsigned char": ctypes.c_ubyte, "double": ctypes.c_double}
# Loops, callbacks, life of objects; what moves machines (migrating.py) and what waits for a stream.
# What differs on purpose.
KNOWN = {
    "virDomainCreate": "one call, which answers the id as well, instead of two",
    "virConnectIsEncrypted": "known here: nobody is asked",
    "virDomainGetEmulatorPinInfo": "the answer is of two processors, which nobody asked for: refused",
    "virNodeGetSEVInfo": "stock sends a number that it never set",
    "virNetworkPortGetParameters": "stock sends a number that it never set",
    **dict.fromkeys(("virDomainGetInterfaceParameters null", "virDomainSetInterfaceParameters null", "virDomainQemuAgentCommand null",
                     "virDomainQemuMonitorCommand null"), "refused in words rather than as what can't be encoded"),
    **dict.fromkeys(("virDomainGetMaxMemory bare", "virDomainScreenshot bare", "virSecretGetValue bare", "virDomainQemuAgentCommand bare"),
                    "stock takes an answer of nothing for a failure without an error"),
}
LEFT_OUT = ("Register", "Free", "Ref", "Migrate", "virConnectClose", "SetErrorFunc", "ErrorFunc", "virConnectSetKeepAlive", "virStream")


class Value(ctypes.Union):
    _fields_ = [("i", ctypes.c_int), ("ui", ctypes.c_uint), ("l", ctypes.c_longlong), ("ul", ctypes.c_ulonglong), ("d", ctypes.c_double),
                ("b", ctypes.c_char), ("s", ctypes.c_char_p)]


class Param(ctypes.Structure):
    _fields_ = [("field", ctypes.c_char * 80), ("type", ctypes.c_int), ("value", Value)]

    def told(self):
        member = {1: "i", 2: "ui", 3: "l", 4: "ul", 5: "d", 6: "b", 7: "s"}.get(self.type)
        value = getattr(self.value, member) if member else None
        return [self.field.decode(), self.type, value.decode(errors="replace") if isinstance(value, bytes) else value]


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("domain", ctypes.c_int), ("message", ctypes.c_char_p), ("level", ctypes.c_int)]


def made_up(layout, name="answer"):
    """An answer: every text the name of its field, every number NUMBER, every list two elements."""
    if layout.kind == "union":
        return (7, "text")

    def one(field, i=0):
        if field.type == "string":
            return field.name + ("" if i == 0 else str(i))
        if field.type == "uuid":
            return bytes(range(16))
        if field.type == "bytes":
            return b"\1\2"
        return made_up(field.ref, field.name) if field.ref and field.ref.kind != "enum" else NUMBER

    return {f.name: one(f) if f.shape in ("scalar", "optional") or f.type == "bytes" else [one(f, i) for i in range(2 if f.shape == "var" else f.bound)]
            for f in layout.fields}


class Script:
    """What the daemon answers; `way` is that of the call under test, which begins after a question for the library's version."""

    def __init__(self):
        self.way, self.begun = "plain", False

    def __call__(self, row, arguments):
        if row.name == "connect_get_lib_version" and not self.begun:
            self.begun = True
        elif row.name == "connect_supports_feature":
            return {"supported": 1}
        elif self.begun and self.way == "error" and row.name != "connect_close":
            raise Failure(38, 10, "it went wrong")
        elif self.begun and self.way == "bare":
            return blank(row.output)
        return made_up(row.output)


class Caller:
    """One call in a process of its own."""

    def __init__(self, libraries, path, function, way):
        self.libraries, self.path, self.function, self.way = libraries, path, function, way
        self.conn, self.objects, self.outputs, self.keep = None, {}, [], []

    def get(self, name, result=ctypes.c_void_p):
        for library in self.libraries.values():
            if hasattr(library, name):
                symbol = getattr(library, name)
                symbol.restype = result
                return symbol
        return None

    def object(self, kind):
        if kind == "virConnectPtr":
            return self.conn
        if kind == "virStreamPtr":
            return self.get("virStreamNew")(ctypes.c_void_p(self.conn), 0)
        if kind not in self.objects:
            make = OBJECTS[kind][0]
            parent = ctypes.c_void_p(self.object(BELOW.get(kind, "virConnectPtr")))
            self.objects[kind] = self.get(make)(parent, UUID_TEXT if "UUID" in make else b"looked up", ctypes.c_uint(0))
        return self.objects[kind]

    def buffer(self, size=ROOM):
        self.keep.append(ctypes.create_string_buffer(size))
        return self.keep[-1]

    def argument(self, param, following):
        """A value for it; what it may bring back is kept in outputs."""
        kind, name = param.type, param.name
        if kind == "virConnectPtr" or kind == "virStreamPtr" or kind in OBJECTS:
            return ctypes.c_void_p(self.object(kind))
        if name == "flags":
            return ctypes.c_uint(1 if self.way == "flags" else 0)
        if kind == "const char *":
            text = b"1" if name.endswith("cpus") else UUID_TEXT if "uuid" in name else name.encode()
            return ctypes.c_char_p(None if self.way == "null" else text)
        if kind in SCALARS:
            return SCALARS[kind](NUMBER)
        if kind == "virTypedParameterPtr" and following and following.type in ("int", "unsigned int"):
            params = (Param * 2)(Param(b"first", 1, Value(i=5)), Param(b"second", 7, Value(s=b"text")))
            self.keep.append(params)
            return params
        if kind in ("const char **", "const char * const *", "char **") and following and following.type in ("unsigned int", "int"):
            self.keep.append((ctypes.c_char_p * 3)(b"one", b"two", None))
            return self.keep[-1]
        if name in IN_LISTS or kind.startswith("const unsigned char"):
            buffer = self.buffer()
            buffer.raw = bytes(i % 4 + 1 for i in range(ROOM))
            return buffer
        buffer = self.buffer()
        if name in ("nparams", "size", "value_size") and kind.endswith("*"):
            buffer.raw = (NUMBER).to_bytes(8, "little") + bytes(ROOM - 8)
        self.outputs.append((param, buffer))
        return buffer

    def text(self, address):
        return ctypes.string_at(address).decode(errors="replace") if address else None

    def told(self, kind, address):
        """What an object is called."""
        getter = address and OBJECTS[kind][1]
        return self.text(self.get(getter)(ctypes.c_void_p(address))) if getter else bool(address)

    def output(self, param, buffer, count):
        kind = param.type.replace("const", "").replace(" ", "")
        pointer = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p))
        if kind == "virDomainDiskErrorPtr":
            return [self.text(pointer[2 * i]) for i in range(max(count, 0))]
        if kind == "virTypedParameterPtr":
            return [p.told() for p in ctypes.cast(buffer, ctypes.POINTER(Param))[:NUMBER]]
        if kind == "virTypedParameterPtr*":
            return [p.told() for p in ctypes.cast(pointer[0], ctypes.POINTER(Param))[:NUMBER]] if pointer[0] else None
        if kind == "char**":
            return self.text(pointer[0]) if count <= 0 else [self.text(pointer[i]) for i in range(count)]
        if kind == "char***":
            inner = ctypes.cast(pointer[0], ctypes.POINTER(ctypes.c_void_p))
            return [self.text(inner[i]) for i in range(max(count, 0))] if pointer[0] else None
        if kind.endswith("Ptr**"):
            inner = ctypes.cast(pointer[0], ctypes.POINTER(ctypes.c_void_p))
            known = kind[:-2] in OBJECTS
            return [self.told(kind[:-2], inner[i]) if known else bool(inner[i]) for i in range(max(count, 0))] if pointer[0] else None
        if kind.endswith("**") or kind.endswith("Ptr*"):
            return bool(pointer[0])
        return buffer.raw.rstrip(b"\0").hex()

    def call(self):
        self.conn = self.get("virConnectOpen")(f"qemu+unix:///system?socket={self.path}".encode())
        params, symbol, returns = self.function.params, self.get(self.function.name), self.function.returns
        values = [self.argument(p, params[i + 1] if i + 1 < len(params) else None) for i, p in enumerate(params)]
        self.get("virConnectGetLibVersion", ctypes.c_int)(ctypes.c_void_p(self.conn), self.buffer())
        pointer = returns.endswith("*") or returns.endswith("Ptr")
        symbol.restype = None if returns == "void" else ctypes.c_void_p if pointer else SCALARS.get(returns, ctypes.c_int)
        result = symbol(*values)
        error = self.get("virGetLastError", ctypes.POINTER(Error))()
        said = [error.contents.code, error.contents.domain, (error.contents.message or b"").decode()] if error else None
        count = result if isinstance(result, int) and not pointer else 0
        outputs = {p.name: self.output(p, b, count) for p, b in self.outputs} if not said else {}
        if pointer:
            result = self.text(result) if "char" in returns else self.told(returns, result) if returns in OBJECTS else bool(result)
        return {"result": result, "error": said, "outputs": outputs}


def readable(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: readable(v) for k, v in value.items()}
    return [readable(v) for v in value] if isinstance(value, (list, tuple)) else value


def fits(function):
    """Called on an object that a daemon of machines can give, without callbacks and descriptors."""
    params = function.params
    return bool(params) and function.library in ("libvirt", "qemu") and not any(word in function.name for word in LEFT_OUT) and \
        (params[0].type == "virConnectPtr" or params[0].type in OBJECTS) and \
        not any(p.type.endswith(("Callback", "Func")) or p.name in ("fd", "files", "fds", "infiles", "outfiles") for p in params)


def work():
    libraries = {name: ctypes.CDLL(file) for name, file in LIBRARIES.items() if name in ("libvirt", "qemu")}
    results = {}
    with tempfile.TemporaryDirectory(prefix="vireo-wire-") as folder:
        script = Script()
        daemon = Daemon(os.path.join(folder, "sock"), script)
        for function in filter(fits, functions()):
            if not any(hasattr(library, function.name) for library in libraries.values()):
                continue
            for way in WAYS:
                script.way, script.begun = way, False
                del daemon.calls[:]
                told = apart(Caller(libraries, daemon.path, function, way).call)
                names = [name for name, _ in daemon.calls]
                begin = names.index("connect_get_lib_version") + 1 if "connect_get_lib_version" in names else 0
                told["calls"] = [[name, readable(args)] for name, args in daemon.calls[begin:] if name not in ("connect_supports_feature", "connect_close")]
                results[f"{function.name} {way}"] = told
    print(json.dumps(results))


def run(library):
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    if library:
        env["LD_LIBRARY_PATH"] = library
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker"], env=env, capture_output=True, text=True, timeout=500, check=True)
    return json.loads(re.sub(r"/[^ \"=]*vireo-wire-\w+/", "", done.stdout))


def main():
    if sys.argv[1:2] == ["--worker"]:
        work()
        return
    suite = Suite()
    theirs, ours = run(None), run(os.path.join(build_dir(), "libvirt", ".libs"))

    def compare(way):
        different = [k for k in theirs if k.endswith(" " + way) and theirs[k] != ours.get(k) and not {k, k.split(" ", 1)[0]} & set(KNOWN) and
                     ("died" not in theirs[k] or "died" in ours.get(k, {}))]
        for key in different:
            print(f"{key}: stock {json.dumps(theirs[key])}, ours {json.dumps(ours.get(key))}")
        assert not different, f"{len(different)} of {len(theirs) // len(WAYS)} functions differ"

    for way in WAYS:
        suite.run(way, compare, way)
    suite.done()


if __name__ == "__main__":
    main()
