#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools: the small programs: certificates with virt-pki-*, one machine with virt-qemu-run."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from lab import TOP, Private, Skip, Suite, as_user, build_dir

ROLES = {"ca": "cn = An authority\nca\ncert_signing_key\n",
         "server": "organization = Vireo\ncn = {host}\ndns_name = {host}\ntls_www_server\ncountry = GB\n",
         "client": "cn = somebody\ntls_www_client\n"}
MACHINE = """<domain type='qemu'><name>one</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


def tool(name, *arguments, check=True, **options):
    path = os.path.join(build_dir(), "tools-user", name)
    if not os.path.exists(path):
        raise Skip(f"{name} is not built")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)
    assert not check or done.returncode == 0, f"{name}: {done.stderr or done.stdout}"
    return done


class Certificates:
    """An authority, a server's and a client's certificate in one folder."""

    def __init__(self, folder):
        self.folder = folder
        if not shutil.which("certtool"):
            raise Skip("certtool is not installed (gnutls-bin)")
        for role, text in ROLES.items():
            self.write(f"{role}.info", text.format(host=os.uname().nodename))
            self.certtool("--generate-privkey", "--key-type", "ecc", "--outfile", f"{role}key.pem")
        self.certtool("--generate-self-signed", "--load-privkey", "cakey.pem", "--template", "ca.info", "--outfile", "cacert.pem")
        for role in ("server", "client"):
            self.sign(role)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def sign(self, role):
        self.certtool("--generate-certificate", "--load-privkey", f"{role}key.pem", "--load-ca-certificate", "cacert.pem",
                      "--load-ca-privkey", "cakey.pem", "--template", f"{role}.info", "--outfile", f"{role}cert.pem")

    def certtool(self, *arguments):
        subprocess.run(["certtool", *arguments], cwd=self.folder, check=True, capture_output=True)

    def refused(self, text):
        """Exactly one check fails, and says this."""
        done = tool("virt-pki-validate", "--path", self.folder, check=False)
        bad = [line for line in done.stdout.splitlines() if ": FAIL" in line]
        assert done.returncode == 1 and len(bad) == 1 and text in bad[0], bad


def names():
    with tempfile.TemporaryDirectory(prefix="pki-") as folder:
        Certificates(folder)
        host = os.uname().nodename
        assert tool("virt-pki-query-dn", f"{folder}/servercert.pem").stdout == f"C=GB,O=Vireo,CN={host}\n"
        for path in ("cakey.pem", "missing.pem"):
            assert tool("virt-pki-query-dn", f"{folder}/{path}", check=False).returncode == 1


def like_stock():
    """What the programs that stock has too say and end with: help, wrong arguments, checks of this host, a certificate's name."""
    lines = ["virt-pki-query-dn", "virt-pki-query-dn a b", "virt-pki-query-dn --help", "virt-host-validate --help", "virt-host-validate nope",
             "virt-host-validate a b", "virt-host-validate a b c", "virt-host-validate qemu", "virt-host-validate lxc", "virt-host-validate -q",
             "virt-qemu-run", "virt-qemu-run --help"]
    different, compared = [], 0
    with tempfile.TemporaryDirectory(prefix="pki-") as folder:
        Certificates(folder)
        for line in [*lines, f"virt-pki-query-dn {folder}/servercert.pem", f"virt-pki-query-dn {folder}/cakey.pem"]:
            name, *arguments = line.split()
            if not os.path.exists(f"/usr/bin/{name}"):
                continue
            stock = subprocess.run([f"/usr/bin/{name}", *arguments], capture_output=True, text=True, timeout=60, check=False)
            ours = tool(name, *arguments, check=False)
            both = [(done.returncode, *(text.replace(done.args[0], name) for text in (done.stdout, done.stderr))) for done in (stock, ours)]
            compared += 1
            if both[0] != both[1]:
                different.append(f"{line}: stock {both[0]}, ours {both[1]}")
    if not compared:
        raise Skip("no stock programs (libvirt-clients)")
    assert not different, " | ".join(different)


def certificates():
    with tempfile.TemporaryDirectory(prefix="pki-") as folder:
        pki = Certificates(folder)
        out = tool("virt-pki-validate", "--path", folder).stdout
        assert "FAIL" not in out and out.count("PASS") == 27, out
        os.chmod(f"{folder}/clientkey.pem", 0o644)
        pki.refused("chmod 0600")
        os.chmod(f"{folder}/clientkey.pem", 0o600)
        pki.certtool("--generate-privkey", "--key-type", "ecc", "--outfile", "clientkey.pem")
        pki.refused("another certificate")
        pki.write("client.info", ROLES["server"].format(host="elsewhere"))
        pki.sign("client")
        pki.refused("key purposes")
        pki.write("client.info", ROLES["client"] + 'activation_date = "2020-01-01"\nexpiration_date = "2020-02-01"\n')
        pki.sign("client")
        pki.refused("expired")
        os.unlink(f"{folder}/clientcert.pem")
        pki.refused("No such file")


def documents():
    """Valid, wrong in several ways, of unknown kinds; and what stock printed, where the corpus is there."""
    def validate(text, code, said, *schema):
        done = tool("virt-xml-validate", "-", *schema, input=text, check=False)
        assert done.returncode == code and said in done.stdout + done.stderr, (text, done)

    validate(MACHINE, 0, "- validates")
    validate(MACHINE, 0, "- validates", "domain")
    validate(MACHINE.replace("<os>", "<unknown/><os>"), 3, "unknown")
    validate(MACHINE.replace("'MiB'", "'miles'"), 3, "miles")
    validate(MACHINE.replace("</os>", ""), 3, "fails to validate")
    validate("<network><name>n</name></network>", 0, "validates")
    validate("<secret ephemeral='maybe'/>", 3, "maybe")
    validate("<other/>", 3, "<other>")
    validate(MACHINE, 4, "nothing", "nothing")
    corpus, bad = os.path.join(TOP, "../shared/corpus/tests"), []
    for kind in ("qemuxml2xmlout", "networkxml2xmlout", "storagepoolxml2xmlout", "storagevolxml2xmlout", "interfaceschema", "secretxml2xmlin"):
        folder = os.path.join(corpus, kind + ("" if kind.endswith(("out", "in")) and not kind.startswith("qemu") else "data"))
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".xml") and tool("virt-xml-validate", os.path.join(folder, name), check=False).returncode:
                bad.append(name)
    # a share of 0, which the range of the kernel doesn't have
    assert len(bad) <= 1, bad


def machine():
    """Starts, shows itself below its folder, and ends with the program that is asked to."""
    env = {**os.environ, "VIRTD_PATH": os.path.join(build_dir(), "virtqemud", "virtqemud")}
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        xml, root = f"{folder}/one.xml", f"{folder}/root"
        with open(xml, "w", encoding="utf-8") as file:
            file.write(MACHINE)
        program = os.path.join(build_dir(), "tools-user", "virt-qemu-run")
        process = subprocess.Popen([program, "-v", "-r", root, xml], env=env, stderr=subprocess.PIPE, text=True)
        try:
            for line in process.stderr:
                if "guest running" in line:
                    break
            assert os.path.exists(f"{root}/log/qemu/one.log") and os.path.exists(f"{root}/run/qemu/one.xml")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            deadline = time.monotonic() + 30
            while os.path.exists(f"{root}/run/qemu/one.xml"):
                assert time.monotonic() < deadline, "the machine is there still"
                time.sleep(0.01)
        finally:
            process.kill()
            process.stderr.close()
        done = tool("virt-qemu-run", f"{folder}/missing.xml", check=False, env=env)
        assert done.returncode == 1 and "cannot read" in done.stderr, done.stderr
        with open(xml, "w", encoding="utf-8") as file:
            file.write("<domain>")
        done = tool("virt-qemu-run", xml, check=False, env=env)
        assert done.returncode == 1 and "cannot start VM" in done.stderr, done.stderr


def monitor():
    """QMP through the daemon: greeting, commands with ids, errors, events, one client after another."""
    with Private() as private:
        private.start("virtqemud")
        path = private.file("one.xml", MACHINE)
        private.virsh("create", path, "--paused")
        where = os.path.join(private.home, "qmp")
        program = os.path.join(build_dir(), "tools-user", "virt-qemu-qmp-proxy")
        proxy = subprocess.Popen([program, "-c", private.uri(), "one", where], env=private.env)
        try:
            for _ in "12":
                with QMP(where) as qmp:
                    assert qmp.receive()["QMP"]["version"]["qemu"]["major"] > 5
                    assert qmp.ask("qmp_capabilities", id="a") == {"return": {}, "id": "a"}
                    assert qmp.ask("query-status", id=7)["return"]["status"] == "prelaunch"
                    assert qmp.ask("no-such-thing")["error"]["class"] in ("CommandNotFound", "GenericError")
                    qmp.send("{'execute': ]")
                    assert "error" in qmp.receive()
            with QMP(where) as qmp:
                qmp.receive()
                private.virsh("resume", "one")
                while qmp.receive().get("event") != "RESUME":
                    pass
            assert os.stat(where).st_mode & 0o777 == 0o700
        finally:
            proxy.kill()
            proxy.wait()
        private.virsh("destroy", "one")


class QMP:
    """A client of the monitor's protocol."""

    def __init__(self, path):
        deadline = time.monotonic() + 20
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(20)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                assert time.monotonic() < deadline, "the proxy does not listen"
                time.sleep(0.01)
        self.lines = self.socket.makefile()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode())

    def receive(self):
        return json.loads(self.lines.readline())

    def ask(self, command, **more):
        self.send(json.dumps({"execute": command, **more}))
        return self.receive()


def main():
    suite = Suite()
    for test in (names, like_stock, certificates, documents, machine, monitor):
        suite.run(test.__name__, test)
    suite.done()


as_user()
main()
