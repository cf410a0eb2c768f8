# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read protocol/*.rpc into a model: what gen, the tests and the documents walk. See docs/PROTOCOL.md for the form."""
import os
import re

OWNERS = ["any", "qemu", "lxc", "network", "storage", "nodedev", "secret", "interface", "nwfilter", "admin", "log", "lock"]
STRING_MAX = 4194304
WIRE_MIN = {"i32": 4, "u32": 4, "i64": 8, "u64": 8, "double": 8, "char": 4, "uchar": 4, "ushort": 4, "string": 4,
            "uuid": 16, "bytes": 4}
JOBS = ("modify", "long", "destroy")
DEPTH_MAX = 8  # structs in structs; the codec keeps to it too

# Words of an API name that are not just capitalised.
WORDS = {"xml": "XML", "uri": "URI", "uuid": "UUID", "id": "ID", "os": "OS", "cpu": "CPU", "mac": "MAC", "nmi": "NMI",
         "nwfilter": "NWFilter", "nwfilters": "NWFilters", "pm": "PM", "fd": "FD", "dhcp": "DHCP", "wwn": "WWN",
         "scsi": "SCSI", "sev": "SEV", "ssh": "SSH", "iothread": "IOThread", "fsfreeze": "FSFreeze",
         "fsthaw": "FSThaw", "fstrim": "FSTrim", "fsinfo": "FSInfo", "threadpool": "ThreadPool"}


class Mistake(Exception):
    pass


class Field:
    """One value: type is a word of the language, shape one of scalar, optional, var, fixed."""

    def __init__(self, type, shape, bound, name, value=None):
        self.type, self.shape, self.bound, self.name, self.value = type, shape, bound, name, value
        self.ref = None  # Layout of a struct, union or enum
        self.string_max = STRING_MAX

    def wire_min(self):
        if self.shape in ("var", "optional"):
            return 4
        one = self.ref.wire_min if self.ref else WIRE_MIN[self.type]
        return one * self.bound if self.shape == "fixed" else one


class Layout:
    """A struct, union or enum. The arguments and results of a row are structs too: row is set then."""

    def __init__(self, kind, name, c_name, fields=(), row=None):
        self.kind, self.name, self.c_name, self.fields, self.row = kind, name, c_name, list(fields), row
        self.values = []      # enum: (name, number)
        self.selector = None  # union: name of the number that selects the arm
        self.subject = None   # object: struct that methods get
        self.wire_min = 0
        self.depth = 0

    @property
    def xdr_id(self):
        return f"XDR_{self.c_name}" if self.fields else "XDR_NONE"

    def measure(self):
        if self.kind == "enum":
            self.wire_min = 4
            return
        sizes = [f.wire_min() for f in self.fields]
        self.wire_min = 4 + min(sizes) if self.kind == "union" else sum(sizes)
        self.depth = 1 + max([f.ref.depth for f in self.fields if f.ref], default=0)
        if self.depth > DEPTH_MAX:
            raise Mistake(f"{self.c_name} is nested deeper than {DEPTH_MAX}")


class Permission:
    def __init__(self, kind, name):
        self.kind, self.name = kind, name
        self.c_name = f"PERMISSION_{kind}_{name}".upper()


class Rule:
    """A permission and when it is needed: always, or by the bits (or the value) of an argument."""

    def __init__(self, permission, text=None, field=None, any=0, none=0, equal=False):
        self.permission, self.text, self.field, self.any, self.none, self.equal = permission, text, field, any, none, equal


class Row:
    def __init__(self, number, kind, name, section, owner):
        self.number, self.kind, self.name, self.section, self.owner = number, kind, name, section, owner
        self.input = self.output = None
        self.object, self.object_path = None, None
        self.subject = "client"
        self.acl, self.filter = [], None
        self.job = self.stream = self.stream_arg = self.sparse = self.sparse_name = None
        self.fds_in = self.fds_out = self.read_only = self.high = self.early = self.internal = False
        self.api = self.event_id = self.since = None


class Unit:
    """One file: a program, or what all share."""

    def __init__(self, name):
        self.name = name
        self.number = self.version = None
        self.trusted = False
        self.string_max = STRING_MAX
        self.limits, self.flags, self.conditions = {}, {}, {}
        self.layouts, self.rows = [], []


class Model:
    def __init__(self):
        self.units, self.layouts, self.permissions = [], {}, []
        self.objects = []

    @property
    def structs(self):
        """Everything that has a layout in memory, members before what contains them."""
        return [t for u in self.units for t in u.layouts if t.kind != "enum" and t.fields]

    def permission(self, kind, name):
        for p in self.permissions:
            if (p.kind, p.name) == (kind, name):
                return p
        self.permissions.append(Permission(kind, name))
        return self.permissions[-1]


class Reader:
    def __init__(self, model, path):
        self.model, self.path = model, path
        self.unit = Unit(os.path.splitext(os.path.basename(path))[0])
        self.section = self.owner = None
        self.wire = model.units[0] if model.units else self.unit

    def read(self):
        with open(self.path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.split("#", 1)[0].strip()
                if not line:
                    continue
                try:
                    self.line(line)
                except (Mistake, ValueError, KeyError) as e:
                    raise Mistake(f"{self.path}:{number}: {type(e).__name__ if not isinstance(e, Mistake) else ''} {e}") from e
        return self.unit

    def line(self, line):
        if line[0].isdigit():
            return self.row(line)
        if line[0] == "[":
            self.section, rest = re.fullmatch(r"\[([^]]+)\] (.*)", line).groups()
            self.owner = rest.removeprefix("owner=")
            if self.owner not in OWNERS:
                raise Mistake(f"owner '{self.owner}' is not known")
            return None
        word, rest = line.split(None, 1)
        handler = getattr(self, "on_" + word, None)
        if not handler:
            raise Mistake(f"a line can't begin with '{word}'")
        return handler(rest)

    def on_program(self, rest):
        name, number, version, *options = rest.split()
        if name != self.unit.name:
            raise Mistake(f"program '{name}' belongs in {name}.rpc")
        self.unit.number, self.unit.version = int(number, 0), int(version)
        for option in options:
            if option == "trusted":
                self.unit.trusted = True
            elif option.startswith("string="):
                self.unit.string_max = int(option[7:])
            else:
                raise Mistake(f"'{option}' is not an option of a program")

    def on_limit(self, rest):
        name, value = rest.split()
        self.unit.limits[name] = int(value, 0)

    def on_flag(self, rest):
        name, value = rest.split()
        self.unit.flags[name] = int(value, 0)

    def on_condition(self, rest):
        name, field, any, none = re.fullmatch(r"(\w+) (\w+) any (\w+) none (\w+)", rest).groups()
        self.unit.conditions[name] = (field, int(any, 0), int(none, 0))

    def add(self, layout):
        if layout.name in self.model.layouts:
            raise Mistake(f"'{layout.name}' stands twice")
        layout.measure()
        self.model.layouts[layout.name] = layout
        self.unit.layouts.append(layout)

    def on_enum(self, rest):
        name, *values = rest.split()
        layout = Layout("enum", name, "wire_" + name)
        layout.values = [(n, int(v)) for n, v in (value.split("=") for value in values)]
        self.add(layout)

    def on_struct(self, rest):
        name, fields = re.fullmatch(r"(\w+)\s+\((.*)\)", rest).groups()
        self.add(Layout("struct", name, "wire_" + name, self.fields(fields)))

    def on_object(self, rest):
        name, subject, fields = re.fullmatch(r"(\w+)\s+(\w+)\s+\((.*)\)", rest).groups()
        layout = Layout("struct", name, "wire_" + name, self.fields(fields))
        layout.subject = subject
        self.add(layout)
        self.model.objects.append(layout)

    def on_union(self, rest):
        name, selector, arms = re.fullmatch(r"(\w+) i32 (\w+) \((.*)\)", rest).groups()
        fields = []
        for arm in arms.split(","):
            value, field = arm.strip().split(None, 1)
            fields += self.fields(field)
            fields[-1].value = int(value)
        layout = Layout("union", name, "wire_" + name, fields)
        layout.selector = selector
        if selector != "type":
            raise Mistake("the codec expects the selector to be called 'type'")
        self.add(layout)

    def number(self, text):
        if text.isdigit():
            return int(text)
        return self.unit.limits[text] if text in self.unit.limits else self.wire.limits[text]

    def fields(self, text):
        out = []
        for part in filter(None, (p.strip() for p in text.split(","))):
            m = re.fullmatch(r"(\w+)(\?|<\w+>|\[\w+\])? (\w+)", part)
            if not m:
                raise Mistake(f"'{part}' is not 'type name'")
            word, suffix, name = m.groups()
            shape = {None: "scalar", "?": "optional", "<": "var", "[": "fixed"}[suffix and suffix[0]]
            field = Field(word, shape, self.number(suffix[1:-1]) if shape in ("var", "fixed") else None, name)
            field.string_max = self.unit.string_max
            if word not in WIRE_MIN:
                if word not in self.model.layouts:
                    raise Mistake(f"type '{word}' is not known")
                field.ref = self.model.layouts[word]
            if name in [f.name for f in out]:
                raise Mistake(f"'{name}' stands twice")
            out.append(field)
        return out

    def row(self, line):
        m = re.fullmatch(r"(\d+) (?:(event|message) )?(\w+) \(([^)]*)\)(?: -> \(([^)]*)\))?(?:\s+(.*))?", line)
        if not m:
            raise Mistake("not a row: 'number name (arguments) -> (results) columns'")
        number, kind, name, arguments, results, columns = m.groups()
        if (results is None) != bool(kind):
            raise Mistake("a call has results, an event or message has none")
        if not self.owner:
            raise Mistake("a row needs a section with an owner")
        row = Row(int(number), kind or "call", name, self.section, self.owner)
        program = self.unit.name
        if any(r.number == row.number or r.name == name for r in self.unit.rows):
            raise Mistake(f"{number} {name} stands twice")
        base = f"{program}_{name}"
        row.input = Layout("struct", name if kind else base + "_in", base + ("_msg" if kind else "_in"),
                           self.fields(arguments), row)
        self.add(row.input)
        if results is not None:
            row.output = Layout("struct", base + "_out", base + "_out", self.fields(results), row)
            self.add(row.output)
        self.object(row)
        self.columns(row, (columns or "").split())
        self.unit.rows.append(row)

    def object(self, row):
        """The first argument names the object; in an event numbers (the callback id) may stand before it."""
        fields = row.input.fields
        while row.kind != "call" and fields and not fields[0].ref:
            fields = fields[1:]
        if not fields or fields[0].shape != "scalar" or not fields[0].ref:
            return
        first = fields[0]
        if first.ref.subject:
            row.object, row.object_path = first.ref, first.name
            if row.kind == "call":
                row.subject = first.ref.subject
        elif first.ref.row and first.ref.row.object:
            row.object, row.object_path = first.ref.row.object, f"{first.name}.{first.ref.row.object_path}"

    def columns(self, row, words):
        # "interface" and others are fine in C; the API's name follows from ours unless the row says otherwise
        if row.kind == "event" and "_event_" in row.name:
            row.api = "VIR_" + row.name.replace("_callback_", "_").replace("_event_", "_event_id_", 1).upper()
        elif row.kind == "call":
            prefix = "virAdm" if self.unit.name == "admin" else "vir"
            row.api = prefix + "".join(WORDS.get(w, w.capitalize()) for w in row.name.split("_"))
        if row.kind == "call" and not self.unit.trusted:
            if not words:
                raise Mistake("a call needs a permission, or 'none'")
            self.acl(row, words.pop(0))
        for word in words:
            key, _, value = word.partition("=")
            if re.fullmatch(r"~?\d+\.\d+\.\d+", word):
                row.since = word
            elif word in ("high", "early", "internal"):
                setattr(row, word, True)
            elif word == "ro":
                row.read_only = True
            elif key == "filter":
                row.filter = self.model.permission(*value.split(":"))
            elif key == "job":
                if value not in JOBS or not row.object:
                    raise Mistake(f"'{word}' needs an object and one of {', '.join(JOBS)}")
                row.job = value
            elif key == "stream":
                row.stream, _, at = value.partition("@")
                row.stream_arg = int(at) if at else None
                if row.stream not in ("read", "write", "both"):
                    raise Mistake(f"'{word}' is not a direction")
            elif key == "sparse":
                row.sparse, row.sparse_name = self.unit.flags[value], value
            elif key == "fds":
                row.fds_in, row.fds_out = "in" in value.split("+"), "out" in value.split("+")
            elif key == "id":
                row.event_id = int(value)
            elif key == "api":
                row.api = value
            else:
                raise Mistake(f"column '{word}' is not known")
        if row.internal or (self.unit.trusted and self.unit.name != "admin"):
            row.api = None

    def acl(self, row, text):
        if text == "none":
            return
        kind, names = text.split(":", 1)
        for name in names.split(","):
            name, _, when = name.partition("@")
            rule = Rule(self.model.permission(kind, name))
            if when:
                rule.text, rule.field = when, "flags"
                if when in self.unit.conditions:
                    rule.field, rule.any, rule.none = self.unit.conditions[when]
                elif "=" in when:
                    rule.field, flag = when.split("=")
                    rule.any, rule.equal = self.unit.flags[flag], True
                else:
                    for flag in when.split("|"):
                        rule.any |= self.unit.flags[flag]
                if rule.field not in [f.name for f in row.input.fields]:
                    raise Mistake(f"there is no argument '{rule.field}' for '{when}'")
            row.acl.append(rule)


def read(paths):
    """The model of these files; wire.rpc is read first, remote.rpc second, since others may use their types."""
    rank = {"wire.rpc": 0, "remote.rpc": 1}
    model = Model()
    for path in sorted(paths, key=lambda p: (rank.get(os.path.basename(p), 2), p)):
        model.units.append(Reader(model, path).read())
    return model
