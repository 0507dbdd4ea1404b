"""The parameters of the simulated calls: facts of the Proxmox VE 9.1 API, compared with its schema by a test.

Each call has words `name:type`, the type being s (string), i (integer), b (boolean), n (number) or a (array); `!`
marks what is required. `scsi[n]` stands for scsi0, scsi1, and so on.
"""

from __future__ import annotations

PARAMETERS: dict[str, str] = {
    "GET /version": "",
    "GET /nodes": "",
    "GET /nodes/{node}/status": "node:s!",
    "GET /nodes/{node}/network": "node:s! type:s",
    "GET /nodes/{node}/version": "node:s!",
    "GET /cluster/status": "",
    "GET /cluster/resources": "type:s",
    "GET /cluster/nextid": "vmid:i",
    "GET /nodes/{node}/qemu": "full:b node:s!",
    "POST /nodes/{node}/qemu": (
        "acpi:b affinity:s agent:s allow-ksm:b amd-sev:s arch:s archive:s args:s audio0:s autostart:b "
        "balloon:i bios:s boot:s bootdisk:s bwlimit:i cdrom:s cicustom:s cipassword:s citype:s ciupgrade:b "
        "ciuser:s cores:i cpu:s cpulimit:n cpuunits:i description:s efidisk0:s force:b freeze:b ha-managed:b "
        "hookscript:s hostpci[n]:s hotplug:s hugepages:s ide[n]:s import-working-storage:s intel-tdx:s "
        "ipconfig[n]:s ivshmem:s keephugepages:b keyboard:s kvm:b live-restore:b localtime:b lock:s machine:s "
        "memory:s migrate_downtime:n migrate_speed:i name:s nameserver:s net[n]:s node:s! numa:b numa[n]:s "
        "onboot:b ostype:s parallel[n]:s pool:s protection:b reboot:b rng0:s sata[n]:s scsi[n]:s scsihw:s "
        "searchdomain:s serial[n]:s shares:i smbios1:s smp:i sockets:i spice_enhancements:s sshkeys:s start:b "
        "startdate:s startup:s storage:s tablet:b tags:s tdf:b template:b tpmstate0:s unique:b unused[n]:s "
        "usb[n]:s vcpus:i vga:s virtio[n]:s virtiofs[n]:s vmgenid:s vmid:i! vmstatestorage:s watchdog:s"
    ),
    "DELETE /nodes/{node}/qemu/{vmid}": "destroy-unreferenced-disks:b node:s! purge:b skiplock:b vmid:i!",
    "GET /nodes/{node}/qemu/{vmid}/config": "current:b node:s! snapshot:s vmid:i!",
    "POST /nodes/{node}/qemu/{vmid}/config": (
        "acpi:b affinity:s agent:s allow-ksm:b amd-sev:s arch:s args:s audio0:s autostart:b "
        "background_delay:i balloon:i bios:s boot:s bootdisk:s cdrom:s cicustom:s cipassword:s citype:s "
        "ciupgrade:b ciuser:s cores:i cpu:s cpulimit:n cpuunits:i delete:s description:s digest:s efidisk0:s "
        "force:b freeze:b hookscript:s hostpci[n]:s hotplug:s hugepages:s ide[n]:s import-working-storage:s "
        "intel-tdx:s ipconfig[n]:s ivshmem:s keephugepages:b keyboard:s kvm:b localtime:b lock:s machine:s "
        "memory:s migrate_downtime:n migrate_speed:i name:s nameserver:s net[n]:s node:s! numa:b numa[n]:s "
        "onboot:b ostype:s parallel[n]:s protection:b reboot:b revert:s rng0:s sata[n]:s scsi[n]:s scsihw:s "
        "searchdomain:s serial[n]:s shares:i skiplock:b smbios1:s smp:i sockets:i spice_enhancements:s "
        "sshkeys:s startdate:s startup:s tablet:b tags:s tdf:b template:b tpmstate0:s unused[n]:s usb[n]:s "
        "vcpus:i vga:s virtio[n]:s virtiofs[n]:s vmgenid:s vmid:i! vmstatestorage:s watchdog:s"
    ),
    "PUT /nodes/{node}/qemu/{vmid}/config": (
        "acpi:b affinity:s agent:s allow-ksm:b amd-sev:s arch:s args:s audio0:s autostart:b balloon:i bios:s "
        "boot:s bootdisk:s cdrom:s cicustom:s cipassword:s citype:s ciupgrade:b ciuser:s cores:i cpu:s "
        "cpulimit:n cpuunits:i delete:s description:s digest:s efidisk0:s force:b freeze:b hookscript:s "
        "hostpci[n]:s hotplug:s hugepages:s ide[n]:s intel-tdx:s ipconfig[n]:s ivshmem:s keephugepages:b "
        "keyboard:s kvm:b localtime:b lock:s machine:s memory:s migrate_downtime:n migrate_speed:i name:s "
        "nameserver:s net[n]:s node:s! numa:b numa[n]:s onboot:b ostype:s parallel[n]:s protection:b reboot:b "
        "revert:s rng0:s sata[n]:s scsi[n]:s scsihw:s searchdomain:s serial[n]:s shares:i skiplock:b "
        "smbios1:s smp:i sockets:i spice_enhancements:s sshkeys:s startdate:s startup:s tablet:b tags:s tdf:b "
        "template:b tpmstate0:s unused[n]:s usb[n]:s vcpus:i vga:s virtio[n]:s virtiofs[n]:s vmgenid:s "
        "vmid:i! vmstatestorage:s watchdog:s"
    ),
    "GET /nodes/{node}/qemu/{vmid}/pending": "node:s! vmid:i!",
    "GET /nodes/{node}/qemu/{vmid}/status/current": "node:s! vmid:i!",
    "POST /nodes/{node}/qemu/{vmid}/status/start": (
        "force-cpu:s machine:s migratedfrom:s migration_network:s migration_type:s nets-host-mtu:s node:s! "
        "skiplock:b stateuri:s targetstorage:s timeout:i vmid:i! with-conntrack-state:b"
    ),
    "POST /nodes/{node}/qemu/{vmid}/status/stop": (
        "keepActive:b migratedfrom:s node:s! overrule-shutdown:b skiplock:b timeout:i vmid:i!"
    ),
    "POST /nodes/{node}/qemu/{vmid}/status/shutdown": ("forceStop:b keepActive:b node:s! skiplock:b timeout:i vmid:i!"),
    "POST /nodes/{node}/qemu/{vmid}/status/reset": "node:s! skiplock:b vmid:i!",
    "POST /nodes/{node}/qemu/{vmid}/status/resume": "nocheck:b node:s! skiplock:b vmid:i!",
    "POST /nodes/{node}/qemu/{vmid}/clone": (
        "bwlimit:i description:s format:s full:b name:s newid:i! node:s! pool:s snapname:s storage:s target:s vmid:i!"
    ),
    "POST /nodes/{node}/qemu/{vmid}/template": "disk:s node:s! vmid:i!",
    "PUT /nodes/{node}/qemu/{vmid}/resize": "digest:s disk:s! node:s! size:s! skiplock:b vmid:i!",
    "POST /nodes/{node}/qemu/{vmid}/agent/ping": "node:s! vmid:i!",
    "GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces": "node:s! vmid:i!",
    "GET /nodes/{node}/qemu/{vmid}/agent/get-osinfo": "node:s! vmid:i!",
    "GET /nodes/{node}/storage": "content:s enabled:b format:b node:s! storage:s target:s",
    "GET /nodes/{node}/storage/{storage}/status": "node:s! storage:s!",
    "GET /nodes/{node}/storage/{storage}/content": "content:s node:s! storage:s! vmid:i",
    "GET /nodes/{node}/storage/{storage}/content/{volume}": "node:s! storage:s volume:s!",
    "DELETE /nodes/{node}/storage/{storage}/content/{volume}": "delay:i node:s! storage:s volume:s!",
    "POST /nodes/{node}/storage/{storage}/upload": (
        "checksum:s checksum-algorithm:s content:s! filename:s! node:s! storage:s! tmpfilename:s"
    ),
    "POST /nodes/{node}/storage/{storage}/download-url": (
        "checksum:s checksum-algorithm:s compression:s content:s! filename:s! node:s! storage:s! url:s! "
        "verify-certificates:b"
    ),
    "GET /nodes/{node}/query-url-metadata": "node:s! url:s! verify-certificates:b",
    "GET /nodes/{node}/tasks": (
        "errors:b limit:i node:s! since:i source:s start:i statusfilter:s typefilter:s until:i userfilter:s vmid:i"
    ),
    "GET /nodes/{node}/tasks/{upid}/status": "node:s! upid:s!",
    "GET /nodes/{node}/tasks/{upid}/log": "download:b limit:i node:s! start:i upid:s!",
    "DELETE /nodes/{node}/tasks/{upid}": "node:s! upid:s!",
    "GET /storage": "type:s",
    "GET /pools": "poolid:s type:s",
    "POST /pools": "comment:s poolid:s!",
    "GET /pools/{poolid}": "poolid:s! type:s",
    "PUT /pools/{poolid}": "allow-move:b comment:s delete:b poolid:s! storage:s vms:s",
    "DELETE /pools/{poolid}": "poolid:s!",
    "GET /access/permissions": "path:s userid:s",
}
