#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""connecting: from a URI, the environment and configuration files to the socket that is asked, and what is asked of it: stock's library and
ours, in a user's session with scripted daemons or none."""

import json
import os
import re
import subprocess
import sys
import tempfile

from lab import Suite, apart, as_user, build_dir
from scripted import Daemon, blank

BOTH, DIRECT, LEGACY, NONE = ("virtqemud-sock", "libvirt-sock"), ("virtqemud-sock",), ("libvirt-sock",), ()
ALIASES = 'uri_aliases = [ "here=qemu:///session", "there=qemu:///system", "odd=nothing" ]\n'


class Case:
    """One attempt: the URI (None: none), sockets that listen, the user's libvirt.conf, variables, flags of virConnectOpenAuth."""

    def __init__(self, uri, sockets=BOTH, conf=None, flags=0, **env):
        self.uri, self.sockets, self.conf, self.flags, self.env = uri, sockets, conf, flags, env


def cases():
    out = {}
    for uri in (None, "", "qemu:///session", "qemu:///", "qemu:///system", "qemu:///nowhere", "QEMU:///session", "qemu+unix:///session", "qemu+UNIX:///session",
                "qemu", "qemu:", "nonsense", "nonsense:///system", "qemu+nonsense:///system", "test+unix:///default", "lxc:///system", "lxc:///", "xen:///system",
                "vbox:///session", "bhyve:///system", "ch:///session", "network:///session", "storage:///session", "secret:///session", "interface:///session",
                "nodedev:///session", "nwfilter:///session", "qemu:///session?mode=legacy", "qemu:///session?mode=direct", "qemu:///session?mode=auto",
                "qemu:///session?mode=nonsense", "qemu:///session?socket=/nowhere", "qemu:///session?name=qemu:///system", "qemu:///session?no_verify=1&more=2",
                "qemu+unix:///session?more=2&mode=legacy", "qemu:///session#part", "qemu:///session?socket=", "qemu:///session?=x", "://", ":", "qemu:///%zz",
                "qemu:///session?command=x&netcat=y&keyfile=z&pkipath=p&sshauth=s", "test:///default?x=1", "test:///nowhere", "test://", "test:///"):
        for sockets in (BOTH, DIRECT, LEGACY, NONE):
            out[f"{uri} with {' '.join(sockets) or 'none'}"] = Case(uri, sockets)
    for name, conf in {"default": 'uri_default = "qemu:///session"\n', "test": 'uri_default = "test:///default"\n', "aliases": ALIASES,
                       "alias as default": ALIASES + 'uri_default = "here"\n', "empty": "", "number": "uri_default = 3\n", "unknown": 'nobody = "x"\n',
                       "syntax": "uri_default = [\n", "no list": 'uri_aliases = "here=qemu:///session"\n', "no equals": 'uri_aliases = [ "here" ]\n',
                       "bad name": 'uri_aliases = [ "he re=qemu:///session" ]\n', "numbers": "uri_aliases = [ 1 ]\n", "empty name": 'uri_aliases = [ "=x" ]\n',
                       "twice": 'uri_aliases = [ "here=qemu:///session", "here=test:///default" ]\n', "nothing": 'uri_default = ""\n'}.items():
        for uri in (None, "here", "there", "odd", "her", "qemu:///session"):
            out[f"{uri}, file: {name}"] = Case(uri, conf=conf)
        out[f"here without aliases, file: {name}"] = Case("here", conf=conf, flags=2)
        out[f"environment, file: {name}"] = Case(None, conf=conf, LIBVIRT_DEFAULT_URI="here")
    out["environment"] = Case(None, LIBVIRT_DEFAULT_URI="qemu:///session")
    out["environment empty"] = Case(None, LIBVIRT_DEFAULT_URI="")
    out["environment besides a URI"] = Case("test:///default", LIBVIRT_DEFAULT_URI="qemu:///session")
    out["read-only"] = Case("qemu:///session", flags=1)
    out["read-only system"] = Case("qemu:///system", flags=1)
    out["unknown flags"] = Case("qemu:///session", flags=64)
    return out


def attempt(libvirt, folder, case):
    for name in ("run/libvirt", "config/libvirt", "cache"):
        os.makedirs(os.path.join(folder, name))
    os.environ.update(HOME=folder, XDG_RUNTIME_DIR=folder + "/run", XDG_CONFIG_HOME=folder + "/config", XDG_CACHE_HOME=folder + "/cache",
                      LIBVIRT_AUTOSTART="0", **case.env)
    if case.conf is not None:
        with open(folder + "/config/libvirt/libvirt.conf", "w", encoding="utf-8") as file:
            file.write(case.conf)
    asked = []
    for name in case.sockets:
        def answer(row, arguments, name=name):
            if row.name == "connect_open":
                asked.append([name, arguments["name"], arguments["flags"] & 1])
            return {**blank(row.output), "supported": 1, "type": "QEMU", "uri": "qemu:///answered"} if row.name != "auth_list" else {"types": [0]}
        Daemon(os.path.join(folder, "run/libvirt", name), lambda row, args, f=answer: {k: v for k, v in f(row, args).items() if k in [x.name for x in row.output.fields]})
    try:
        conn = libvirt.openAuth(case.uri, [[], None, None], case.flags)
        return {"asked": asked, "uri": conn.getURI(), "type": conn.getType()}
    except libvirt.libvirtError as e:
        return {"asked": asked, "error": [e.get_error_code(), e.get_error_domain(), e.get_error_message().replace(folder, "HOME")]}


def work():
    import libvirt  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda *_: None, None)
    results = {}
    with tempfile.TemporaryDirectory(prefix="vireo-connecting-") as folder:
        for i, (name, case) in enumerate(cases().items()):
            results[name] = apart(attempt, libvirt, os.path.join(folder, str(i)), case)
    print(json.dumps(results))


def run(library):
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH" and not k.startswith("LIBVIRT")}
    if library:
        env["LD_LIBRARY_PATH"] = library
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker"], env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(re.sub(r"/[^ ']*vireo-connecting-\w+/\d+", "HOME", done.stdout))


# What differs on purpose, by the end of a case's name.
KNOWN = {
    r"(None|) with (virtqemud-sock.*|none)": "the first daemon of a hypervisor that listens is asked by its name; stock 9.0 asks libvirtd alone",
    r"None, file: .*|environment empty": "the same",
    r"QEMU:///session with virtqemud-sock.*": "drivers are known without regard to case",
    r"nonsense:///system with .*": "a driver that nobody knows is named rather than libvirtd's socket",
    r"qemu:///session\?=x with .*": "a parameter without a name is refused",
    r".*, file: (number|numbers|no list|syntax|nothing)": "the file is checked as a whole, and a text is taken for a list of one",
}


def plain(told):
    """Without what Debian's build of stock chose: its folder in /var, and one daemon rather than many when none is there."""
    text = json.dumps(told).replace("/var/run/", "/run/").replace("'(null)'", "'here'")
    return json.loads(re.sub(r"(Failed to connect socket to '[^']*/)\w+-sock", r"\1sock", text))


def same(stock, ours):
    stock, ours = plain(stock), plain(ours)
    if "error" in stock and "error" in ours and ours["error"][2].startswith(stock["error"][2] + ": "):
        ours["error"][2] = stock["error"][2]  # and says more
    return stock == ours


def compare():
    theirs, ours = run(None), run(os.path.join(build_dir(), "libvirt", ".libs"))
    known = re.compile("|".join(f"(?:{pattern})" for pattern in KNOWN))
    different = [name for name in theirs if not same(theirs[name], ours[name]) and not known.fullmatch(name)]
    for name in different:
        print(f"{name}: stock {json.dumps(theirs[name])}, ours {json.dumps(ours[name])}")
    assert not different, f"{len(different)} of {len(theirs)} attempts differ"


def main():
    if sys.argv[1:2] == ["--worker"]:
        work()
        return
    suite = Suite()
    suite.run("connecting", compare)
    suite.done()


if __name__ == "__main__":
    as_user()
    main()
