"""What changes in a clone's configuration, and what the machine is told through its data ISO."""

from __future__ import annotations

import msgspec
import yaml

from capstan.api.cluster.reference import ContractReference
from capstan.api.infrastructure.network import NetworkDevice, NetworkSpec, PoolReference, Route
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.ipaddress import IPAddress, IPAddressSpec
from capstan.api.ipam.ipaddressclaim import IPAddressClaim, IPAddressClaimSpec
from capstan.api.meta import ObjectMeta
from capstan.providers.proxmox.proxmoxmachine.hardware import (
    derived_mac,
    differences,
    find_seed,
    macs,
    missing_disk,
    missing_gib,
    seed_drive,
    tags_text,
    wanted_tags,
)
from capstan.providers.proxmox.proxmoxmachine.network import (
    NoPool,
    PoolClaim,
    claim_name,
    device_addresses,
    machine_addresses,
    new_claim,
    pool_claims,
)
from capstan.providers.proxmox.proxmoxmachine.nocloud import Seed, has_default_route, network_config, seed_files
from capstan.providers.proxmox.proxmoxmachine.snapshot import Address
from tests.unit.providers.proxmox.test_machine_plan import INFRA, new_machine

CONFIG = {
    "name": "m",
    "cores": 4,
    "memory": "4096",
    "description": "capstan.dev/vm-identity=nonce\n",
    "scsi0": "s:vm-100-disk-0,size=20G",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1",
    "smbios1": "uuid=00000000-1111-2222-3333-444444444444",
}


def _with_devices(*devices: NetworkDevice) -> ProxmoxMachine:
    machine = new_machine()
    network = NetworkSpec(network_devices=devices)
    return msgspec.structs.replace(machine, spec=msgspec.structs.replace(machine.spec, network=network))


def test_nothing_to_change() -> None:
    assert differences(new_machine(), CONFIG, "nonce") == {}
    assert missing_gib(new_machine(), CONFIG) is None
    assert missing_disk(new_machine(), CONFIG) == ""


def test_only_differences_are_sent_and_macs_stay() -> None:
    config = {**CONFIG, "cores": "2", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr9,firewall=1", "name": "Copy"}
    device = NetworkDevice(name="net0", bridge="vmbr0", vlan=7, mtu=1400)
    second = NetworkDevice(name="net1", bridge="vmbr1", model="e1000")
    machine = _with_devices(device, second)
    mac = derived_mac("nonce", "net1")
    assert differences(machine, config, "nonce") == {
        "cores": 4,
        "name": "m",
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,mtu=1400,tag=7",
        "net1": f"e1000={mac},bridge=vmbr1",
    }
    assert macs(machine, config, "nonce") == {"net0": "BC:24:11:00:00:01", "net1": mac}


def test_the_cloudinit_drive_of_the_template_goes() -> None:
    config = {**CONFIG, "ide2": "s:vm-100-cloudinit,media=cdrom", "boot": "order=scsi0;ide2;net0"}
    assert differences(new_machine(), config, "nonce") == {"delete": "ide2", "boot": "order=scsi0;net0"}


def test_a_balloon_never_exceeds_the_memory() -> None:
    assert differences(new_machine(), {**CONFIG, "balloon": 8192}, "nonce") == {"balloon": 4096}
    assert differences(new_machine(), {**CONFIG, "balloon": 0}, "nonce") == {}


def test_disks_only_grow() -> None:
    assert missing_gib(new_machine(), {**CONFIG, "scsi0": "s:d,size=10G"}) == ("scsi0", 20)
    assert missing_gib(new_machine(), {**CONFIG, "scsi0": "s:d,size=40G"}) is None
    without = {
        **{k: v for k, v in CONFIG.items() if k != "scsi0"},
        "virtio0": "s:d,size=1G",
        "ide2": "none,media=cdrom",
    }
    assert "no disk scsi0 (its disks: virtio0)" in missing_disk(new_machine(), without)


def test_the_seed_goes_where_there_is_room() -> None:
    assert seed_drive(CONFIG, 100) == "ide0"
    assert seed_drive({**CONFIG, "ide0": "none,media=cdrom"}, 100) == "ide0"
    assert seed_drive({**CONFIG, "ide0": "local:iso/talos.iso,media=cdrom"}, 100) == "ide2"
    seeded = {**CONFIG, "ide0": "local:iso/talos.iso,media=cdrom", "sata5": "local:iso/user-data-100.iso,media=cdrom"}
    assert seed_drive(seeded, 100) == "sata5"
    found = find_seed(seeded, 100)
    assert found is not None
    assert found[0] == "sata5"
    assert find_seed(seeded, 101) is None


def _address(name: str, address: str, gateway: str, pool: str, metric: int | None = None) -> Address:
    claim = IPAddressClaim(
        metadata=ObjectMeta(name=name),
        spec=IPAddressClaimSpec(pool_ref=ContractReference(kind="InClusterIPPool", name=pool)),
    )
    return Address(claim, IPAddress(spec=IPAddressSpec(address=address, prefix=24, gateway=gateway)), metric)


def test_claims_follow_the_devices() -> None:
    extra = PoolReference(api_group="ipam.cluster.x-k8s.io", kind="GlobalInClusterIPPool", name="storage")
    machine = _with_devices(
        NetworkDevice(name="net0", default_ipv4=True, ip_pool_ref=(extra,)),
        NetworkDevice(name="net1", ip_pool_ref=(extra,)),
    )
    claims = pool_claims(machine, INFRA)
    assert claims == (
        PoolClaim("net0", 0, "InClusterIPPool", "pool", True),
        PoolClaim("net0", 1, "GlobalInClusterIPPool", "storage", False),
        PoolClaim("net1", 0, "GlobalInClusterIPPool", "storage", False),
    )
    first = new_claim(machine, "c", claims[0])
    assert first.metadata.name == "m-net0-00-inet"
    assert first.metadata.annotations["ipam.capmox.cluster.x-k8s.io/default-gateway"] == "true"
    assert first.metadata.labels["topology.kubernetes.io/proxmox-zone"] == "default"
    assert first.metadata.owner_references[0].controller


def test_somebody_is_always_default_and_unknown_zones_are_told() -> None:
    machine = _with_devices(NetworkDevice(name="net0"), NetworkDevice(name="net1"))
    claims = pool_claims(machine, INFRA)
    assert claims == (PoolClaim("net0", 0, "InClusterIPPool", "pool", True),)
    nothing = pool_claims(new_machine(), ProxmoxCluster(metadata=ObjectMeta(name="c")))
    assert isinstance(nothing, NoPool)
    assert "zone default" in nothing.message


def _seed(*devices: NetworkDevice, **found: Address) -> Seed:
    machine = _with_devices(*devices) if devices else new_machine()
    claims = pool_claims(machine, INFRA)
    assert not isinstance(claims, NoPool)
    addresses = {name.replace("_", "-"): address for name, address in found.items()}
    return Seed(
        machine=machine,
        uuid="00000000-1111-2222-3333-444444444444",
        user_data=b"version: v1alpha1\n",
        claims=claims,
        addresses=addresses,
        macs={"net0": "BC:24:11:00:00:01", "net1": "BC:24:11:00:00:02"},
        dns_servers=("1.1.1.1",),
        kubernetes_version="v1.34.0",
    )


def test_the_data_of_one_device() -> None:
    seed = _seed(m_net0_00_inet=_address("m-net0-00-inet", "10.0.0.2", "10.0.0.1", "pool", 100))
    files = seed_files(seed)
    assert files["user-data"] == b"version: v1alpha1\n"
    assert yaml.safe_load(files["meta-data"]) == {
        "instance-id": "00000000-1111-2222-3333-444444444444",
        "local-hostname": "m",
        "hostname": "m",
        "kubernetes-version": "v1.34.0",
    }
    assert yaml.safe_load(files["network-config"])["network"] == {
        "version": 2,
        "renderer": "networkd",
        "ethernets": {
            "eth0": {
                "match": {"macaddress": "bc:24:11:00:00:01"},
                "dhcp4": False,
                "dhcp6": False,
                "addresses": ["10.0.0.2/24"],
                "routes": [{"to": "0.0.0.0/0", "via": "10.0.0.1", "metric": 100}],
                "nameservers": {"addresses": ["1.1.1.1"]},
            }
        },
    }


def test_only_default_pools_give_a_default_route() -> None:
    extra = PoolReference(kind="InClusterIPPool", name="storage")
    route = Route(to="default", via="10.1.0.9", table=7)
    seed = _seed(
        NetworkDevice(name="net0", default_ipv4=True),
        NetworkDevice(name="net1", ip_pool_ref=(extra,), routes=(route,), link_mtu=9000, dns_servers=("9.9.9.9",)),
        m_net0_00_inet=_address("m-net0-00-inet", "10.0.0.2", "10.0.0.1", "pool"),
        m_net1_00_inet=_address("m-net1-00-inet", "10.1.0.2", "10.1.0.1", "storage"),
    )
    config = network_config(seed)["ethernets"]
    assert config["eth0"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.0.0.1"}]
    assert config["eth1"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.1.0.9", "table": 7}]
    assert config["eth1"]["mtu"] == 9000
    assert config["eth1"]["nameservers"] == {"addresses": ["9.9.9.9"]}
    assert has_default_route(seed)
    assert not has_default_route(_seed(m_net0_00_inet=_address("m-net0-00-inet", "10.0.0.2", "", "pool")))
    nets = device_addresses(seed.claims, seed.addresses, seed.machine)
    assert {net.net: net.ipv4 for net in nets} == {
        "default": ("10.0.0.2",),
        "net0": ("10.0.0.2",),
        "net1": ("10.1.0.2",),
    }
    assert [a.address for a in machine_addresses(seed.machine, nets)] == ["m", "10.0.0.2"]
    assert claim_name(seed.machine, seed.claims[1]) == "m-net1-00-inet"


def test_tags() -> None:
    config = {"tags": "talos;go-proxmox+cloud-init;ip_net0_10.9.9.9"}
    seed = _seed(m_net0_00_inet=_address("m-net0-00-inet", "10.0.0.2", "", "pool"))
    nets = device_addresses(seed.claims, seed.addresses, seed.machine)
    tags = wanted_tags(seed.machine, config, nets)
    assert tags_text(tags, seeded=True) == "go-proxmox+cloud-init;ip_net0_10.0.0.2;talos"
    assert tags_text(tags, seeded=False) == "ip_net0_10.0.0.2;talos"
