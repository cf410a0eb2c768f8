# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that does as it is told, in threads of the program that uses it: for suites that compare what client libraries ask.

The codec walks protocol/*.rpc. Values are what Python has: a struct is a dict, a typed value (type, value), bytes and UUIDs are bytes."""

import glob
import os
import socket
import struct
import sys
import threading

from lab import CALL_WITH_FDS, REMOTE, REPLY, TOP, Wire, frame

sys.path.insert(0, os.path.join(TOP, "protocol"))
import rpc  # noqa: E402

REPLY_WITH_FDS = 5
ERROR = 1
FORMATS = {"i32": ">i", "u32": ">I", "i64": ">q", "u64": ">Q", "double": ">d", "char": ">i", "uchar": ">I", "ushort": ">I"}
MODEL = rpc.read(glob.glob(os.path.join(TOP, "protocol/*.rpc")))
ROWS = {(u.number, r.number): r for u in MODEL.units for r in u.rows}
PROGRAMS = {u.name: u.number for u in MODEL.units}


def row_named(name, program="remote"):
    return next(r for u in MODEL.units if u.name == program for r in u.rows if r.name == name)


def padded(data):
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def encode_one(field, value):
    if field.type in FORMATS:
        return struct.pack(FORMATS[field.type], value)
    if field.type == "string":
        return padded(value.encode())
    if field.type == "uuid":
        return value
    if field.ref.kind == "enum":
        return struct.pack(">i", value)
    return encode(field.ref, value)


def encode_field(field, value):
    if field.type == "bytes":
        return padded(value)
    if field.shape == "scalar":
        return encode_one(field, value)
    if field.shape == "optional":
        return struct.pack(">I", value is not None) + (b"" if value is None else encode_one(field, value))
    count = struct.pack(">I", len(value)) if field.shape == "var" else b""
    return count + b"".join(encode_one(field, v) for v in value)


def encode(layout, value):
    if layout.kind == "union":
        arm = next(f for f in layout.fields if f.value == value[0])
        return struct.pack(">i", value[0]) + encode_field(arm, value[1])
    return b"".join(encode_field(f, value[f.name]) for f in layout.fields)


class Decoder:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        piece = self.data[self.at:self.at + length]
        assert len(piece) == length, "the payload is too short"
        self.at += length
        return piece

    def number(self, form=">I"):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def block(self):
        length = self.number()
        data = self.take(length)
        self.take(-length % 4)
        return data

    def one(self, field):
        if field.type in FORMATS:
            return self.number(FORMATS[field.type])
        if field.type == "string":
            return self.block().decode()
        if field.type == "uuid":
            return self.take(16)
        if field.ref.kind == "enum":
            return self.number(">i")
        return self.layout(field.ref)

    def field(self, field):
        if field.type == "bytes":
            return self.block()
        if field.shape == "scalar":
            return self.one(field)
        if field.shape == "optional":
            return self.one(field) if self.number() else None
        return [self.one(field) for _ in range(self.number() if field.shape == "var" else field.bound)]

    def layout(self, layout):
        if layout.kind == "union":
            kind = self.number(">i")
            return kind, self.field(next(f for f in layout.fields if f.value == kind))
        return {f.name: self.field(f) for f in layout.fields}


def decode(layout, data):
    decoder = Decoder(data)
    value = decoder.layout(layout)
    assert decoder.at == len(data), f"{len(data) - decoder.at} bytes too many"
    return value


class Failure(Exception):
    """An answer that is an error."""

    def __init__(self, code, domain, message, level=2):
        super().__init__(message)
        self.payload = {"code": code, "domain": domain, "message": message, "level": level, "dom": None, "str1": "%s",
                        "str2": message, "str3": None, "int1": -1, "int2": -1, "net": None}


class Hangup(Exception):
    """No answer: the connection ends."""


def blank(layout):
    """A value of this layout: nothing in lists, no text, zero."""
    def one(field):
        if field.shape == "optional":
            return None
        if field.type in ("bytes",):
            return b""
        if field.shape == "var":
            return []
        if field.shape == "fixed":
            return [0] * field.bound
        if field.type == "string":
            return ""
        if field.type == "uuid":
            return bytes(16)
        return blank(field.ref) if field.ref and field.ref.kind != "enum" else 0
    return {f.name: one(f) for f in layout.fields}


class Daemon:
    """answer(row, arguments) gives the results (None: blank ones) or raises Failure or Hangup. `calls` has all that came, as
    (name, arguments). `fds`: descriptors that answers with fds carry."""

    def __init__(self, path, answer):
        self.path, self.answer, self.calls, self.fds = path, answer, [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.attend, args=(conn,), daemon=True).start()

    def close(self):
        self.listener.close()
        os.unlink(self.path)

    def attend(self, conn):
        try:
            self.serve(conn)
        except OSError:
            pass  # the client left
        finally:
            conn.close()  # whatever happened: nobody waits for us

    def serve(self, conn):
        wire = Wire.__new__(Wire)
        wire.socket = conn
        while True:
            head = wire.receive()
            if head is None:
                return
            program, _, number, kind, serial, _, payload = head
            if (program, number) not in ROWS or kind not in (0, CALL_WITH_FDS):
                continue  # streams and keepalive: nobody is told
            row = ROWS[program, number]
            try:
                reply, status, layout = self.reply(wire, row, kind, payload)
            except Hangup:
                return
            data = encode(layout, reply)
            out = row.fds_out and not status
            if out:
                data = struct.pack(">I", len(self.fds)) + data
            conn.sendall(frame(number, data, program=program, kind=REPLY_WITH_FDS if out else REPLY, serial=serial, status=status))
            for fd in self.fds if out else []:
                socket.send_fds(conn, [b"\0"], [fd])
            if row.name == "connect_close":
                return

    def reply(self, wire, row, kind, payload):
        if kind == CALL_WITH_FDS:
            count, payload = struct.unpack(">I", payload[:4])[0], payload[4:]
            for _ in range(count):
                for fd in socket.recv_fds(wire.socket, 1, 4)[1]:
                    os.close(fd)
        arguments = decode(row.input, payload)
        self.calls.append((row.name, arguments))
        try:
            return self.answer(row, arguments) or blank(row.output), 0, row.output
        except Failure as failure:
            return failure.payload, ERROR, MODEL.layouts["error"]


assert REMOTE == PROGRAMS["remote"]
