# SPDX-License-Identifier: LGPL-2.1-or-later
"""Of the suite of hosts: connections that outlive a restart of the daemon, by systemd's store of descriptors."""

# Everything goes on but the last connection, whose service is stopped for good.
CONNECTED = """
import libvirt, subprocess, sys, threading, time
USER = URI.endswith("session")
def systemctl(*words):
    subprocess.run(["systemctl", *(["--user"] if USER else []), *words], check=True)
libvirt.virEventRegisterDefaultImpl()
def loop():
    while True:
        libvirt.virEventRunDefaultImpl()
threading.Thread(target=loop, daemon=True).start()
heard, closed = [], []
def note(c, domain, event, detail, opaque):
    if event != libvirt.VIR_DOMAIN_EVENT_SHUTDOWN:  # whether QEMU gets to say that before it is gone is a matter of luck
        heard.append(event)
connection, reader = libvirt.open(URI), libvirt.openReadOnly(URI)
for c in (connection, reader):
    c.setKeepAlive(1, 3)
    c.registerCloseCallback(lambda c, reason, opaque: closed.append(reason), None)
    c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, note, None)
    c.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, lambda c, s, event, detail, opaque: heard.append("secret"), None)
def heard_all(*what):
    until = time.monotonic() + 10
    while sorted(map(str, heard)) != sorted(map(str, what * 2)):
        if time.monotonic() > until:
            sys.exit(f"heard {heard}, not {what} twice")
        time.sleep(0.01)
    heard.clear()
XML = "<domain type='qemu'><name>restarted</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
for units in (["virtqemud.service"], ["virtsecretd.service"], ["virtqemud.service", "virtsecretd.service"]):
    domain = connection.defineXML(XML)
    heard_all(0)
    systemctl("restart", *units)
    assert reader.lookupByName("restarted").UUID() == domain.UUID()
    domain.create()
    heard_all(2, 4)
    systemctl("restart", *units)
    assert domain.info()[0] == 1
    domain.destroy()
    heard_all(5)
    domain.undefine()
    heard_all(1)
    secret = connection.secretDefineXML("<secret ephemeral='yes'><description>one</description></secret>")
    secret.undefine()
    heard_all("secret", "secret")
    try:
        reader.defineXML(XML)
        sys.exit("a read-only connection isn't read-only any more")
    except libvirt.libvirtError as error:
        assert error.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED, error
time.sleep(4)  # keepalive
assert connection.isAlive() and reader.isAlive() and not closed, closed
systemctl("stop", "virtqemud.service")
until = time.monotonic() + 10
while len(closed) < 2:
    if time.monotonic() > until:
        sys.exit(f"closed {closed}")
    time.sleep(0.01)
print("done")
"""


def stays_connected(host):
    sockets = "virtqemud.socket virtsecretd.socket"
    for uri, options, before, after in (("qemu:///system", (), "true", "true"),
                                        ("qemu:///session", ("alice", True), f"systemctl --user start {sockets}", f"systemctl --user stop {sockets}")):
        host.write("/tmp/connected.py", f'URI = "{uri}"' + CONNECTED)
        assert host.sh(f"{before} && python3 /tmp/connected.py && {after}", *options) == "done\n"
