# SPDX-License-Identifier: LGPL-2.1-or-later
"""What qemu.conf makes of devices. TLS: certificates made here, a client that shows one, one that doesn't; and sockets, SASL, deprecation."""

import os
import re
import socket
import ssl

import lab
from devicelab import Row, image, run

PARTS = ("ca-cert.pem", "server-cert.pem", "server-key.pem", "client-cert.pem", "client-key.pem")


def prepare(session):
    """Before the daemon starts: one authority, a server and a client in the directory that qemu.conf names."""
    folder = os.path.join(session.home, "pki")
    os.mkdir(folder)
    ca, server_cert, server_key, client_cert, client_key = (os.path.join(folder, part) for part in PARTS)
    ca_key, request, more = (os.path.join(session.home, name) for name in ("ca-key.pem", "request.pem", "more.cnf"))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", ca_key, "-out", ca, "-subj", "/CN=ca",
        "-days", "2", "-addext", "keyUsage=critical,keyCertSign")
    for name, cert, key, usage in (("localhost", server_cert, server_key, "serverAuth"), ("client", client_cert, client_key, "clientAuth")):
        with open(more, "w") as file:
            file.write(f"subjectAltName=DNS:{name},IP:127.0.0.1\nextendedKeyUsage={usage}\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
                       "basicConstraints=critical,CA:false\n")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", more, "-out", cert)
    os.makedirs(os.path.join(session.env["XDG_CONFIG_HOME"], "libvirt"), exist_ok=True)
    with open(os.path.join(session.env["XDG_CONFIG_HOME"], "libvirt", "qemu.conf"), "w") as file:
        file.write(f'default_tls_x509_cert_dir = "{folder}"\nvnc_tls = 1\nspice_tls = 1\nchardev_tls = 1\ndefault_tls_priority = "NORMAL"\n')


def configure(session):
    """Keys of qemu.conf that change what devices are like."""
    os.makedirs(os.path.join(session.env["XDG_CONFIG_HOME"], "libvirt"), exist_ok=True)
    with open(os.path.join(session.env["XDG_CONFIG_HOME"], "libvirt", "qemu.conf"), "w") as file:
        file.write(f'vnc_auto_unix_socket = 1\nspice_auto_unix_socket = 1\nvnc_sasl = 1\nvnc_sasl_dir = "{session.home}"\nspice_sasl = 1\n'
                   'deprecation_behavior = "omit"\n')


def context(machine, known):
    pki = [os.path.join(machine.home, "pki", part) for part in PARTS]
    made = ssl.create_default_context(cafile=pki[0])
    if known:
        made.load_cert_chain(pki[3], pki[4])
    return made


def talk(machine, port, known):
    """The handshake, and that the server still listens behind it."""
    with context(machine, known).wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost") as link:
        link.settimeout(0.5)
        try:
            return link.recv(1) != b""
        except TimeoutError:
            return True


def with_certificate(port):
    def check(machine):
        try:
            served = talk(machine, port, False)
        except (ssl.SSLError, ConnectionError):
            served = False
        assert not served, "a client without certificate is served"
        assert talk(machine, port, True), "a client with certificate isn't served"
    return check


def peer(port):
    """A server that the guest's serial port connects to."""
    def before(machine):
        pki = [os.path.join(machine.home, "pki", part) for part in PARTS]
        machine.spawn("openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", pki[1], "-key", pki[2], "-CAfile", pki[0], "-Verify", "1")
        lab.wait_for(lambda: answers(port), lambda: f"nobody listens on {port}")
    return before


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def nbd(machine):
    image("nbd-tls.img")(machine)
    machine.spawn("qemu-nbd", "-f", "raw", "-t", "-e", "8", "-x", "x", "-b", "127.0.0.1", "-p", "25474", "--object",
                  f"tls-creds-x509,id=t,endpoint=server,dir={machine.path('pki')},verify-peer=yes", "--tls-creds", "t", machine.path("nbd-tls.img"))
    lab.wait_for(lambda: answers(25474), lambda: "qemu-nbd doesn't listen")


def spice(machine):
    port = int(re.search(r"tlsPort='(\d+)'", machine.live()).group(1))
    context_ = context(machine, False)
    with context_.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost") as link:
        assert link.version(), "no TLS"
    said = machine.qmp("query-spice")
    assert said["tls-port"] == port, said


def vnc(machine):
    """Security types of RFB 3.8: VeNCrypt alone."""
    port = int(re.search(r"type='vnc' port='(\d+)'", machine.live()).group(1))
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        assert link.recv(12).startswith(b"RFB")
        link.sendall(b"RFB 003.008\n")
        types = link.recv(16)
        assert types == b"\x01\x13", types


def asks_sasl(machine):
    """Security type 20 alone."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(re.search(r"socket='([^']*vnc.sock)'", machine.live()).group(1))
        assert link.recv(12).startswith(b"RFB")
        link.sendall(b"RFB 003.008\n")
        types = link.recv(16)
        assert types == b"\x01\x14", types
    with open(f"/proc/{machine.pid()}/environ") as file:
        assert f"SASL_CONF_PATH={machine.home}" in file.read()


def plug(machine):
    """Plugged and taken out again, with its credentials."""
    text = "<channel type='tcp'><source mode='bind' host='127.0.0.1' service='25473' tls='yes'/><target type='virtio' name='a'/></channel>"
    machine.domain.attachDevice(text)
    with_certificate(25473)(machine)
    assert machine.qom("objcharchannel0_tls0", "endpoint") == "server"


def serial(mode, port, tls):
    return (f"<serial type='tcp'><source mode='{mode}' host='127.0.0.1' service='{port}'{tls}/><protocol type='raw'/></serial>")


TLS = [
    Row("tls-serial-server", serial("bind", 25470, ""), live=["service='25470' tls='yes'"], qom={"objcharserial0_tls0": {"endpoint": "server", "verify-peer": True}},
        check=with_certificate(25470)),
    Row("tls-serial-client", serial("connect", 25471, " tls='yes'"), before=peer(25471), qom={"objcharserial0_tls0": {"endpoint": "client"}},
        args=["tls-creds=objcharserial0_tls0"]),
    Row("tls-serial-plain", serial("bind", 25472, " tls='no'"), check=lambda m: socket.create_connection(("127.0.0.1", 25472), 5).close()),
    Row("tls-channel-plugged", "<controller type='virtio-serial'/>", check=plug),
    Row("tls-vnc", "<graphics type='vnc' autoport='yes'/>", qom={"vnc-tls-creds0": {"verify-peer": False, "priority": "NORMAL"}}, check=vnc),
    Row("tls-spice", "<graphics type='spice' autoport='yes'><channel name='main' mode='secure'/></graphics>", args=["tls-channel=main", "x509-dir="], check=spice),
    Row("tls-nbd", "<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd' name='x' tls='yes'><host name='localhost' port='25474'/></source>"
        "<target dev='vda' bus='virtio'/></disk>", before=nbd, needs=["qemu-nbd"], qom={"objlibvirt-1-storage_tls0": {"endpoint": "client"}},
        node={"libvirt-1-storage": "nbd"}),
]

CONFIGURED = [
    Row("conf-vnc", "<graphics type='vnc' autoport='yes'/>", live=["<listen type='socket' socket='[^']*vnc.sock'/>"], check=asks_sasl,
        args=["-vnc vnc=unix:[^ ]*,sasl=on", '-compat {"deprecated-output":"hide"}']),
    Row("conf-vnc-address", "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>", live=["<listen type='address' address='127.0.0.1'/>"]),
    Row("conf-spice", "<graphics type='spice' autoport='yes'/>", live=["<listen type='socket' socket='[^']*spice.sock'/>"], args=["-spice unix,addr=[^ ]*,sasl=on"]),
    Row("conf-deprecation", tail="<qemu:deprecation behavior='reject'/>", args=['"deprecated-input":"reject"']),
]
