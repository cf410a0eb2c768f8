# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets of a host: through virtqemud, and encrypted with what only this host has."""

FOLDER = "/etc/libvirt/secrets"
VALUE, VALUE64 = "not-for-anybodys-eyes", "bm90LWZvci1hbnlib2R5cy1leWVz"
KINDS = {"volume": "volume", "ceph": "name", "iscsi": "target", "tls": "name", "vtpm": "name"}


def secrets(host):
    """A call that belongs to virtsecretd goes through virtqemud."""
    host.write("/tmp/secret.xml", "<secret ephemeral='no' private='no'><description>one</description>"
                                  "<usage type='volume'><volume>/var/lib/libvirt/images/x.img</volume></usage></secret>")
    host.virsh("secret-define /tmp/secret.xml")
    uuid = host.virsh("secret-list").split()[0]
    host.virsh(f"secret-set-value {uuid} c2VjcmV0")
    assert host.virsh(f"secret-get-value {uuid}").strip() == "c2VjcmV0"
    assert host.active("virtsecretd.service") == "active"
    assert host.sh(f"stat -c '%a %U' /etc/libvirt/secrets/{uuid}.base64").strip() == "600 root"
    host.to_stock()
    assert host.virsh(f"secret-get-value {uuid}").strip() == "c2VjcmV0", "stock doesn't read the value"
    host.to_ours()
    host.sh("systemctl stop virtsecretd.socket virtsecretd.service 2>&1")
    code, _, error = host.virsh("secret-list", check=False)
    assert code != 0 and "virtsecretd" in error, error
    host.sh("systemctl start virtsecretd.socket")
    host.virsh(f"secret-undefine {uuid}")


def uuid_of(kind):
    return f"7ec2e700-0000-4000-8000-{list(KINDS).index(kind):012d}"


def encrypt(host, on):
    """libvirt's own daemon can't read such values, so it is a key of the configuration."""
    host.sh(f"sed -i '/^encrypt_values/d' /etc/libvirt/virtsecretd.conf; echo 'encrypt_values = {int(on)}' >>/etc/libvirt/virtsecretd.conf; "
            "systemctl restart virtsecretd.service")


def files(host, uuid):
    return sorted(line for line in host.sh(f"cd {FOLDER} && stat -c '%n %a %U' {uuid}.* | sed 's/^{uuid}//'").splitlines() if ".xml" not in line)


def encrypted(host):
    """Values of every use, as systemd's credentials: sealed on the disk, there again after a restart, bound to their secrets."""
    encrypt(host, True)
    try:
        for kind, element in KINDS.items():
            host.write("/tmp/secret.xml", f"<secret ephemeral='no' private='no'><uuid>{uuid_of(kind)}</uuid><usage type='{kind}'>"
                                          f"<{element}>sealed</{element}></usage></secret>")
            host.virsh("secret-define /tmp/secret.xml")
            host.write("/tmp/value", VALUE64)
            host.virsh(f"secret-set-value {uuid_of(kind)} --file /tmp/value")
            assert files(host, uuid_of(kind)) == [".cred 600 root"], files(host, uuid_of(kind))
        host.sh(f"rm /tmp/value; ! grep -rqs -e {VALUE} -e {VALUE64} {FOLDER}")
        host.sh("systemctl restart virtsecretd.service")
        for kind in KINDS:
            assert host.virsh(f"secret-get-value {uuid_of(kind)}").strip() == VALUE64, kind
        # another secret's credential, and one that was changed: refused, with nothing of it in the words
        one, other = uuid_of("ceph"), uuid_of("tls")
        for command in (f"cp {other}.cred {one}.cred", f"sed -i '2s/./!/' {one}.cred", f": >{one}.cred"):
            host.sh(f"cd {FOLDER} && {command} && systemctl restart virtsecretd.service")
            code, said, error = host.virsh(f"secret-get-value {one}", check=False)
            assert code != 0 and one in error and VALUE64 not in said + error, f"{command}: {code} {said} {error}"
        # the key is turned off again: what is sealed stays readable, what is set is plain, and one of the two is there
        encrypt(host, False)
        assert host.virsh(f"secret-get-value {other}").strip() == VALUE64
        host.virsh(f"secret-set-value {other} c2VjcmV0")
        assert files(host, other) == [".base64 600 root"]
        encrypt(host, True)
        assert host.virsh(f"secret-get-value {other}").strip() == "c2VjcmV0"
        host.virsh(f"secret-set-value {other} {VALUE64}")
        assert files(host, other) == [".cred 600 root"]
        assert host.sh(f"journalctl -q | grep -c -e {VALUE} -e {VALUE64} || :").strip() == "0", "the value is in the journal"
    finally:
        for kind in KINDS:
            host.virsh(f"secret-undefine {uuid_of(kind)}", check=False)
        encrypt(host, False)
    assert not host.sh(f"find {FOLDER} -name '7ec2e700*'").strip()
