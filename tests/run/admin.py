#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""admin: every command of stock virt-admin on our daemon and, where there is one, on stock's libvirtd: the same words and exit
statuses, and the same effect on clients."""

import os
import re
import shutil
import subprocess

from lab import LIB_VERSION, Private, Skip, Suite, Wire, as_user, build_dir

# Asked of both, in this order: what one sets the next one shows. SERVER is the name of the main server.
QUESTIONS = [
    "uri", "srv-list", "server-list",
    "srv-threadpool-info SERVER", "srv-threadpool-set SERVER --min-workers 3 --max-workers 30 --priority-workers 4",
    "srv-threadpool-set SERVER --max-workers 2", "srv-threadpool-set SERVER --min-workers 40",
    "srv-threadpool-set SERVER", "srv-threadpool-set SERVER --min-workers 30 --max-workers 3",
    "srv-threadpool-info nowhere",
    "srv-clients-info SERVER", "srv-clients-set SERVER --max-clients 100 --max-unauth-clients 50", "srv-clients-info SERVER",
    "srv-clients-set SERVER --max-clients 10", "srv-clients-set SERVER --max-unauth-clients 1000", "srv-clients-set SERVER",
    "srv-clients-info nowhere", "srv-clients-set nowhere --max-clients 10",
    "client-list SERVER", "client-list nowhere", "client-info SERVER 99", "client-info nowhere 1", "client-disconnect SERVER 99",
    "client-disconnect nowhere 99", "daemon-log-filters", "daemon-log-filters '3:util.json 4:rpc'", "daemon-log-filters", "daemon-log-filters ''",
    "daemon-log-filters", "daemon-log-outputs 2:stderr", "daemon-log-outputs", "daemon-log-outputs '1:stderr 3:file:/tmp/nowhere-at-all/x'",
    "daemon-log-outputs", "daemon-timeout --timeout 60", "daemon-timeout --timeout 0", "daemon-timeout", "srv-update-tls nowhere",
]

# In no order: the servers' numbers are places in a hash table at stock.
UNORDERED = {"srv-list", "server-list"}
# The same refusal, in words that differ: what is told beside the template of the error is our own.
ONLY_STATUS = {"daemon-log-outputs '1:stderr 3:file:/tmp/nowhere-at-all/x'"}


class Both:
    def __init__(self, private):
        self.private = private
        self.stock = None

    def start(self):
        self.private.start("virtqemud")
        program = shutil.which("libvirtd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if program:
            self.stock = Private()
            log = open(os.path.join(self.stock.home, "libvirtd.log"), "w")
            # a session daemon without a name of its own in PATH's virtqemud's way
            self.stock.process = subprocess.Popen([program], env=self.stock.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            log.close()
            self.stock.daemons["libvirtd"] = self.stock.process

    def close(self):
        if self.stock:
            self.stock.close()

    @staticmethod
    def ask(private, daemon, question):
        done = subprocess.run(f"virt-admin -c {daemon}:///session {question.replace('SERVER', daemon)}", shell=True, env=private.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        return done.returncode, re.sub(r" +$", "", (done.stdout + done.stderr).replace(daemon, "SERVER"), flags=re.M)

    def ours(self, question):
        return self.ask(self.private, "virtqemud", question)

    def ready(self):
        """Stock's daemon answers, or there is none to compare with."""
        if not self.stock:
            return False
        for _ in range(100):
            if self.ask(self.stock, "libvirtd", "srv-list")[0] == 0:
                return True
        raise AssertionError("stock's libvirtd does not answer")


def the_same(both):
    """Line by line what stock says."""
    if not both.ready():
        raise Skip("no stock libvirtd to compare with")
    different = []
    for question in QUESTIONS:
        mine, theirs = both.ours(question), both.ask(both.stock, "libvirtd", question)
        assert "unknown command" not in theirs[1], question
        if question in UNORDERED:
            mine, theirs = ((code, sorted(re.findall("[A-Za-z]+", text))) for code, text in (mine, theirs))
        if mine[0] != theirs[0] or (mine[1] != theirs[1] and question not in ONLY_STATUS):
            different.append(f"{question}: ours {mine}, stock's {theirs}")
    assert not different, f"{len(different)} differ: " + " | ".join(different)


def clients(both):
    """A client is seen with its identity, counted, and sent away."""
    assert both.ours("srv-clients-info SERVER")[1].count("nclients            : 0") == 1
    wire = Wire(both.private.socket("virtqemud")).open()
    code, text = both.ours("client-list SERVER")
    rows = [line.split() for line in text.splitlines()[2:] if line.strip()]
    assert code == 0 and len(rows) == 1 and rows[0][1] == "unix", text
    code, text = both.ours(f"client-info SERVER {rows[0][0]}")
    found = dict(re.findall(r"(\S+) *: (.*)", text))
    assert code == 0 and found["id"] == rows[0][0] and found["unix_user_id"] == str(os.geteuid()) and \
        found["unix_process_id"] == str(os.getpid()) and found["readonly"] == "no", text
    assert both.ours("srv-clients-info SERVER")[1].count("nclients            : 1") == 1
    assert both.ours(f"client-disconnect SERVER {rows[0][0]}")[0] == 0
    assert wire.receive() is None, "it is still connected"
    wire.close()
    assert "nclients            : 0" in both.ours("srv-clients-info SERVER")[1]


def limit(both):
    """The number of clients that virt-admin sets is kept."""
    assert both.ours("srv-clients-set SERVER --max-clients 2 --max-unauth-clients 2")[0] == 0
    wires = [Wire(both.private.socket("virtqemud"), 1).open() for _ in range(2)]
    third = Wire(both.private.socket("virtqemud"), 1)
    try:
        answer = third.call(LIB_VERSION)
    except OSError:
        answer = None
    assert answer is None, f"a third client is served: {answer}"
    for wire in wires:
        wire.close()
    assert both.ours("srv-clients-set SERVER --max-clients 5000 --max-unauth-clients 20")[0] == 0
    Wire(both.private.socket("virtqemud")).open().close()
    third.close()


def log(both):
    """What virt-admin sets is what happens."""
    path = os.path.join(both.private.home, "admin.log")
    code, text = both.ours(f"daemon-log-outputs 1:file:{path}")
    assert code == 0, text
    assert both.ours("daemon-log-filters 1:rpc")[0] == 0
    Wire(both.private.socket("virtqemud")).open().close()
    with open(path) as text:
        assert "debug" in text.read(), "no debug line of lib/rpc in the file"
    assert both.ours("daemon-log-outputs 1:stderr")[0] == 0 and both.ours("daemon-log-filters ''")[0] == 0
    size = os.path.getsize(path)
    Wire(both.private.socket("virtqemud")).open().close()
    assert os.path.getsize(path) == size, "it is still written to"


def timeout(both):
    """The daemon leaves when it has been idle as long as virt-admin said."""
    assert both.ours("daemon-timeout --timeout 1")[0] == 0
    process = both.private.daemons["virtqemud"]
    assert process.wait(20) == 0, process.returncode


def main():
    build_dir()
    as_user()
    if not shutil.which("virt-admin"):
        print("skip admin - no virt-admin here (libvirt-clients)")
        return
    suite = Suite()
    with Private() as private:
        both = Both(private)
        both.start()
        for test in (the_same, clients, limit, log, timeout):
            suite.run("admin: " + test.__name__.replace("_", " "), test, both)
        both.close()
    suite.done()


main()
