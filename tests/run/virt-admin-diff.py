#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-admin-diff: our virt-admin beside stock's, both on one daemon of ours: each line's output, errors and exit status; with
stock's libvirt-admin.so.0 and with ours. And the JSON of whatever prints."""

import json
import os
import re
import shutil
import subprocess

from lab import Private, Skip, Suite, Wire, as_user, build_dir

# What one sets stays as it is: the next program that asks finds the same.
LINES = """
help|help monitor|help management|help virt-admin|help nope|server-list --bad|nope|cd|pwd|echo a 'b c'|echo --xml '<'
uri|server-list|srv-list|server-list x
server-threadpool-info S|srv-threadpool-info S|server-threadpool-info admin|server-threadpool-info nope|server-threadpool-info
server-threadpool-set S|server-threadpool-set S --min-workers 2 --max-workers 1|server-threadpool-set S --max-workers 7 --min-workers 2
server-threadpool-set S --min-workers x|server-threadpool-set S --priority-workers 3|server-threadpool-set nope --max-workers 7
client-list S|srv-clients-list S|client-list nope|client-info S ID|client-info S 999|client-info S x|client-info S|client-info nope 1
client-disconnect S 999|client-disconnect S x|client-disconnect nope 1|client-disconnect S
server-clients-info S|srv-clients-info S|server-clients-info nope|server-clients-set S|server-clients-set S --max-clients 100
server-clients-set S --max-clients 3 --max-unauth-clients 5|server-clients-set S --max-clients 100 --max-unauth-clients 50
server-clients-set S --max-clients x|server-clients-set nope --max-clients 5|server-update-tls S|server-update-tls nope
daemon-log-filters 1:nothing|daemon-log-filters|daemon-log-filters x|daemon-log-filters ''|daemon-log-outputs 1:stderr|daemon-log-outputs
daemon-timeout|daemon-timeout 5|daemon-timeout --timeout x|daemon-timeout --timeout 0|connect|server-list; uri
"""
DOCUMENTS = ["server-list", "server-threadpool-info S", "client-list S", "client-info S ID", "server-clients-info S", "uri", "version",
             "daemon-log-filters", "daemon-log-outputs", "daemon-timeout --timeout 0"]
DAEMON = "virtsecretd"


class Programs:
    def __init__(self):
        self.private = Private()
        self.private.start(DAEMON)
        self.ours = os.path.join(build_dir(), "virt-admin", ".libs", "virt-admin")
        self.library = os.path.join(build_dir(), "libvirt", ".libs")
        self.client = Wire(self.private.socket(DAEMON)).open("secret:///session")  # the one that lists show

    def line(self, text):
        """S: the daemon's server; ID: its client."""
        if "ID" in text:
            code, clients, errors = self.run(self.ours, f"client-list {DAEMON}", self.library, "--json")
            assert code == 0, errors
            text = text.replace("ID", str(json.loads(clients)[0]["id"]))
        return re.sub(r"\bS\b", DAEMON, text)

    def run(self, program, line, library="", *arguments):
        env = dict(self.private.env, LC_ALL="C.UTF-8", TERM="dumb", **({"LD_LIBRARY_PATH": library} if library else {}))
        done = subprocess.run([program, "-c", f"{DAEMON}:///session", *arguments, line], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, cwd=self.private.home)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}", "TIME", done.stdout)
        return done.returncode, text, done.stderr


def same(programs, library):
    stock = shutil.which("virt-admin", path="/usr/bin")
    if not stock:
        raise Skip("no stock virt-admin (libvirt-clients)")
    if not os.path.exists(programs.ours):
        raise Skip("virt-admin is not built")
    different = []
    for line in LINES.replace("\n", "|").split("|"):
        if not line:
            continue
        line = programs.line(line)
        theirs, mine = programs.run(stock, line), programs.run(programs.ours, line, library)
        if theirs != mine:
            different.append(f"{line}: stock {theirs}, ours {mine}")
    assert not different, f"{len(different)} differ: " + " || ".join(different)


def documents(programs):
    if not os.path.exists(programs.ours):
        raise Skip("virt-admin is not built")
    for line in DOCUMENTS:
        code, text, errors = programs.run(programs.ours, programs.line(line), programs.library, "--json")
        assert code == 0, f"{line}: {errors}"
        if text.strip():
            json.loads(text)


as_user()
suite = Suite()
programs = Programs()
suite.run("virt-admin-like-stock", same, programs, "")
suite.run("virt-admin-like-stock-our-library", same, programs, programs.library)
suite.run("virt-admin-json", documents, programs)
programs.private.close()
suite.done()
