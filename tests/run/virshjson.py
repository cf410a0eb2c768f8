# SPDX-License-Identifier: LGPL-2.1-or-later
"""What --json of each command prints, as our virsh documents it (`virsh help --json`, docs/VIRSH.md), and whether a document is that."""

import json
import re
import subprocess


class Form:
    """{name: type?, *: type}, [type], string number boolean any, a | b."""

    def __init__(self, text):
        self.tokens = re.findall(r"[{}\[\]|?,:]|[^\s{}\[\]|?,:]+", text)
        self.form = self.either()
        assert not self.tokens, f"behind the form: {self.tokens}"

    def take(self, wanted=None):
        token = self.tokens.pop(0)
        assert wanted in (None, token), f"{token} instead of {wanted}"
        return token

    def either(self):
        forms = [self.one()]
        while self.tokens[:1] == ["|"]:
            self.take()
            forms.append(self.one())
        return ("either", forms)

    def one(self):
        token = self.take()
        if token == "{":
            members = {}
            while self.tokens[0] != "}":
                name = self.take()
                self.take(":")
                form = self.either()
                optional = self.tokens[0] == "?" and self.take()
                members[name] = (form, bool(optional))
                if self.tokens[0] == ",":
                    self.take()
            self.take("}")
            return ("object", members)
        if token == "[":
            form = self.either()
            self.take("]")
            return ("array", form)
        assert token in ("string", "number", "boolean", "any"), token
        return (token, None)

    def fits(self, value, form=None):
        kind, of = form or self.form
        if kind == "either":
            return any(self.fits(value, one) for one in of)
        if kind == "array":
            return isinstance(value, list) and all(self.fits(one, of) for one in value)
        if kind == "object":
            return isinstance(value, dict) and self.fits_members(value, of)
        types = {"string": str, "number": (int, float), "boolean": bool}
        return kind == "any" or (isinstance(value, types[kind]) and (kind != "number" or not isinstance(value, bool)))

    def fits_members(self, value, members):
        for name, (_, optional) in members.items():
            if name != "*" and name not in value and not optional:
                return False
        for name, one in value.items():
            form, optional = members.get(name) or members.get("*") or (None, False)
            if form is None or (not (one is None and optional) and not self.fits(one, form)):
                return False
        return True


def commands(virsh, **how):
    """The tables of virsh or virt-admin: name -> command."""
    done = subprocess.run([virsh, "help", "--json"], capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, done.stderr
    return {command["name"]: command for group in json.loads(done.stdout) for command in group["commands"]}


def misfit(command, status, text):
    """Why what a command printed isn't what it documents; None: it is."""
    if status:
        return f"failed, and printed {text[:80]!r}" if text else None
    form = command["json"]
    if not form:
        return f"printed {text[:80]!r}" if text else None
    try:
        values = [json.loads(line) for line in text.splitlines()] if command.get("streaming") else [json.loads(text)]
    except ValueError:
        return f"no JSON: {text[:80]!r}"
    for value in values:
        if not Form(form).fits(value):
            return f"{text[:200].strip()} isn't {form}"
    return None
