"""The parameters of a cluster: what a user says instead of the manifests. Field texts are the documentation: the
commented default file, the JSON schema and the reference are made from them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the parameters. Unknown keys are refused."""


Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
VlanTag = Annotated[int, Meta(ge=1, le=4094)]
Replicas = Annotated[int, Meta(ge=0, le=1000)]


class Talos(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operating system of the machines."""

    version: Annotated[
        str, Meta(pattern=r"^v\d+\.\d+\.\d+$", description="Version of Talos Linux in the template or image.")
    ] = "v1.11.6"
    schematic: Annotated[
        str,
        Meta(
            description="Image Factory schematic id. Empty: computed from extensions and kernelArgs.",
            pattern=r"^([0-9a-f]{64})?$",
        ),
    ] = ""
    extensions: Annotated[
        tuple[str, ...], Meta(description="Official system extensions, such as siderolabs/qemu-guest-agent.")
    ] = ()
    kernel_args: Annotated[tuple[str, ...], Meta(description="Additional kernel arguments.")] = ()
    factory: Annotated[str, Meta(description="Host of the Image Factory.")] = "factory.talos.dev"
    install_disk: Annotated[str, Meta(description="Disk that Talos is installed to.", pattern=r"^/dev/[a-z0-9/]+$")] = (
        "/dev/sda"
    )


class Proxmox(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the machines run."""

    nodes: Annotated[
        tuple[str, ...], Meta(description="Proxmox VE nodes that may hold machines. Empty: the template's node.")
    ] = ("pve1",)
    source_node: Annotated[str, Meta(description="Node that holds the template. Empty: the first of nodes.")] = ""
    template_id: Annotated[
        int | None, Meta(description="VMID of the Talos template (`capstan image ensure` makes one).")
    ] = msgspec.field(default=None, name="templateID")
    template_tags: Annotated[
        tuple[str, ...], Meta(description="Instead of templateID: all tags of the template to use.")
    ] = ()
    storage: Annotated[str, Meta(description="Storage for the disks. Empty: the template's.")] = ""
    full_clone: Annotated[bool, Meta(description="Full clones; false makes linked ones, without storage.")] = True
    pool: Annotated[str, Meta(description="Resource pool for the machines.")] = ""
    bridge: Annotated[str, Meta(description="Bridge or SDN vnet of the first network card.")] = "vmbr0"
    vlan: Annotated[VlanTag | None, Meta(description="VLAN tag of the first network card.")] = None
    boot_disk: Annotated[str, Meta(description="Disk of the template that grows to diskGiB.")] = "scsi0"
    credentials_secret: Annotated[
        str,
        Meta(description="Name of the Secret with url, token and secret. Empty: those of the management plane."),
    ] = ""
    memory_adjustment: Annotated[
        int, Meta(description="Percent of a node's memory that may be given away; 0 switches the check off.", ge=0)
    ] = 100


class Network(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Addresses. All of them static; none may be in use."""

    vip: Annotated[str, Meta(description="Virtual IP of the control plane, outside of addresses.")]
    addresses: Annotated[
        tuple[str, ...], Meta(description="Addresses for the machines: ranges, CIDRs or single ones.", min_length=1)
    ]
    gateway: Annotated[str, Meta(description="Default gateway of the machines.")]
    prefix: Annotated[int, Meta(description="Prefix length of the machines' network.", ge=1, le=128)] = 24
    port: Annotated[int, Meta(description="Port of the Kubernetes API.", ge=1, le=65535)] = 6443
    dns: Annotated[tuple[str, ...], Meta(description="Name servers.", min_length=1)] = ("1.1.1.1", "9.9.9.9")
    pods: Annotated[str, Meta(description="CIDR of the pods.")] = "10.244.0.0/16"
    services: Annotated[str, Meta(description="CIDR of the services.")] = "10.96.0.0/12"


class Size(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The size of one machine."""

    sockets: Annotated[int, Meta(description="CPU sockets.", ge=1)] = 1
    cores: Annotated[int, Meta(description="Cores per socket.", ge=1)] = 2
    memory_mib: Annotated[int, Meta(description="Memory in MiB.", ge=1024)] = msgspec.field(
        default=4096, name="memoryMiB"
    )
    disk_gib: Annotated[int, Meta(description="Size of the boot disk in GiB.", ge=10)] = msgspec.field(
        default=20, name="diskGiB"
    )


class ControlPlane(Size, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The control plane."""

    replicas: Annotated[int, Meta(description="Machines of the control plane: 1, 3 or 5.", ge=1, le=9)] = 1
    patches: Annotated[tuple[dict[str, Any], ...], Meta(description="Strategic merge patches, as documents.")] = ()


class Workers(Size, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pool of workers."""

    name: Annotated[Name, Meta(description="Name of the pool.")] = "workers"
    replicas: Annotated[Replicas, Meta(description="Machines of the pool.")] = 2
    patches: Annotated[tuple[dict[str, Any], ...], Meta(description="Strategic merge patches, as documents.")] = ()


class Parameters(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of one cluster."""

    name: Annotated[Name, Meta(description="Name of the cluster.")]
    network: Annotated[Network, Meta(description="Addresses. All of them static; none may be in use.")]
    namespace: Annotated[Name, Meta(description="Namespace of its objects.")] = "default"
    kubernetes_version: Annotated[str, Meta(description="Version of Kubernetes.", pattern=r"^v\d+\.\d+\.\d+$")] = (
        "v1.33.4"
    )
    talos: Annotated[Talos, Meta(description="The operating system of the machines.")] = msgspec.field(
        default_factory=Talos
    )
    proxmox: Annotated[Proxmox, Meta(description="Where the machines run.")] = msgspec.field(default_factory=Proxmox)
    control_plane: Annotated[ControlPlane, Meta(description="The control plane.")] = msgspec.field(
        default_factory=ControlPlane
    )
    workers: Annotated[tuple[Workers, ...], Meta(description="Pools of workers.")] = msgspec.field(
        default_factory=lambda: (Workers(),)
    )


def json_schema() -> dict[str, object]:
    """The JSON schema of a parameter file."""
    schema = msgspec.json.schema(Parameters)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Capstan cluster parameters", **schema}
