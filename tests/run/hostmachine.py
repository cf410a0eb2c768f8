# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines of the suite of hosts: a small guest with a disk, a network, a screen and a console; and one with much more. (no_timer_check: a
kernel that sees its timer stand still when it boots, as on a busy host, panics otherwise.)"""

MACHINE = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <title>Made by {maker}</title>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd.img</initrd><cmdline>console=ttyS0 quiet no_timer_check</cmdline></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/{name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <interface type='user'><model type='virtio'/></interface>
    <console type='pty'/>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='vga'/></video>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""

RICH = """<domain type='qemu'>
  <name>{name}</name>
  <metadata><tag xmlns='http://example.org/tag'>kept</tag></metadata>
  <memory unit='MiB'>192</memory>
  <vcpu current='1'>3</vcpu>
  <iothreads>2</iothreads>
  <os{firmware}><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd.img</initrd><cmdline>console=ttyS0 quiet no_timer_check</cmdline></os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model><feature policy='disable' name='svm'/></cpu>
  <clock offset='localtime'><timer name='hpet' present='no'/></clock>
  <on_reboot>restart</on_reboot><on_crash>preserve</on_crash>
  <pm><suspend-to-mem enabled='no'/></pm>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' io='native' iothread='1' discard='unmap'/>
      <source file='/var/lib/libvirt/images/{name}.qcow2'/><target dev='vda' bus='virtio'/><serial>one</serial>
      <iotune><total_iops_sec>5000</total_iops_sec></iotune></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/guest/initrd.img'/><target dev='sda' bus='scsi'/><readonly/></disk>
    <controller type='scsi' model='virtio-scsi'/>
    <controller type='usb' model='qemu-xhci'/>
    <controller type='pci' index='0' model='pcie-root'/>
    {ports}
    <interface type='user'><model type='virtio'/></interface>
    <interface type='user'><model type='e1000e'/><link state='down'/></interface>
    <serial type='pty'><log file='/var/log/libvirt/qemu/{name}-serial.log'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <console type='pty'><target type='virtio' port='1'/></console>
    <controller type='virtio-serial' index='0'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <input type='tablet' bus='usb'/>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
    <graphics type='spice' autoport='yes' passwd='sesame'/>
    <graphics type='vnc' autoport='yes' passwd='sesame'/>
    <sound model='ich9'/>
    <video><model type='virtio'/></video>
    <redirdev bus='usb' type='spicevmc'/>
    <watchdog model='i6300esb' action='reset'/>
    <memballoon model='virtio'><stats period='5'/></memballoon>
    <rng model='virtio'><rate bytes='1024'/><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


def rich(name, firmware=""):
    return RICH.format(name=name, firmware=firmware, ports="".join(f"<controller type='pci' index='{i}' model='pcie-root-port'/>" for i in range(1, 17)) +
                       "<controller type='pci' index='17' model='pcie-to-pci-bridge'/>")


def define_text(host, name, text, verb="define"):
    host.write(f"/tmp/{name}.xml", text)
    host.sh(f"test -e /var/lib/libvirt/images/{name}.qcow2 || qemu-img create -q -f qcow2 /var/lib/libvirt/images/{name}.qcow2 64M")
    host.virsh(f"{verb} /tmp/{name}.xml")


def define(host, name, number, maker, verb="define"):
    define_text(host, name, MACHINE.format(name=name, uuid=f"70000000-0000-4000-8000-{number:012d}", maker=maker), verb)


# For scripts of expect. Who changes the modes of a terminal throws away what was typed before: so wait until it is done ("-echo", "-icanon").
AWAIT_MODE = """proc await_mode {mode} {
    upvar spawn_out spawned
    while {[lsearch -exact [exec stty -a <$spawned(slave,name)] $mode] < 0} {after 20}
}
"""

AT_LOGIN = AWAIT_MODE + """set timeout 90
spawn -noecho virsh -c qemu:///system console [lindex $argv 0] --force
expect "Escape character"
await_mode -icanon
send "\\r"
expect login: {} timeout {exit 1} eof {exit 2}
"""


def at_login(host, name):
    host.write("/tmp/at-login.exp", AT_LOGIN)
    host.sh(f"expect /tmp/at-login.exp {name}")


QEMUS = "/var/lib/libvirt/qemu"


def hostile(host):
    """A QEMU that its guest took over is still QEMU's user, like all others: what the daemon looks for by its path can't be replaced, and a link in
    the run's own directory leads it nowhere."""
    host.virsh("start ours-one")
    folder = host.sh(f"ls -d {QEMUS}/domain-*-ours-one").strip()
    for path in ("", "/save", "/nvram", "/channel", "/channel/target"):
        assert host.sh(f"stat -c %U {QEMUS}{path}").strip() == "root", path
    assert host.sh(f"stat -c '%U %a' {folder} {folder}/master-key.aes").split() == ["libvirt-qemu", "750", "libvirt-qemu", "600"]
    for command in (f"mv {folder} {folder}x", f"mv {QEMUS}/save {QEMUS}/x", f"ln -s /etc {QEMUS}/domain-99-x", f"mkdir {QEMUS}/domain-99-x"):
        code, said, _ = host.sh(f"runuser -u libvirt-qemu -- {command}", check=False)
        assert code != 0, f"'{command}': {said}"
    # its own directory is its own
    host.sh(f"runuser -u libvirt-qemu -- sh -c 'cd {folder} && mv monitor.sock x && ln -s /run/dbus/system_bus_socket monitor.sock'")
    host.sh("systemctl restart virtqemud.service")
    host.until("the daemon says that it has no monitor", lambda: "its monitor can't be used: failed to connect to monitor socket: Too many levels of "
               "symbolic links" in host.sh("journalctl -q -u virtqemud.service --since -1min"), 20)
    host.virsh("destroy ours-one")
    # after a power cut an old one may lie where the next run's will be
    number = int(folder.split("-")[1]) + 1
    old = f"{QEMUS}/domain-{number}-ours-one"
    host.sh(f"mkdir -p {old}/monitor.sock.d && touch /etc/precious && ln -s /etc/precious {old}/master-key.aes && "
            f"ln -s /etc/precious {old}/monitor.sock && chown -R libvirt-qemu {old}")
    host.virsh("start ours-one")
    try:
        assert host.sh("stat -c '%U %s' /etc/precious").split() == ["root", "0"], "the link was followed"
        assert host.sh(f"stat -c '%F %a' {old}/master-key.aes").strip() == "regular file 600"
    finally:
        host.virsh("destroy ours-one")
        host.sh(f"rm -rf {old} /etc/precious")
