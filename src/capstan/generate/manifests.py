"""From parameters to manifests, in the versions that upstream's users run today, or in the newest ones."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from capstan.api.objects import Obj
from capstan.api.rules.schematics import FactoryImage, schematic_id
from capstan.api.scheme import SCHEME
from capstan.generate.parameters import ControlPlane, Parameters, Workers
from capstan.generate.rendering import render

Api = Literal["v1beta1", "v1beta2"]

CORE = "cluster.x-k8s.io"
INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"
BOOTSTRAP = "bootstrap.cluster.x-k8s.io"
CONTROL_PLANE = "controlplane.cluster.x-k8s.io"
#: API versions by style: core, Proxmox, Talos bootstrap. TalosControlPlane has only v1alpha3.
VERSIONS: dict[Api, dict[str, str]] = {
    "v1beta1": {CORE: "v1beta1", INFRASTRUCTURE: "v1alpha1", BOOTSTRAP: "v1alpha3", CONTROL_PLANE: "v1alpha3"},
    "v1beta2": {CORE: "v1beta2", INFRASTRUCTURE: "v1alpha2", BOOTSTRAP: "v1beta1", CONTROL_PLANE: "v1alpha3"},
}


def cluster_manifests(parameters: Parameters, api: Api = "v1beta1") -> list[Obj]:
    """All objects of one cluster, in the order in which they are best applied."""
    made = [
        _cluster(parameters),
        _proxmox_cluster(parameters),
        *_control_plane(parameters, api),
        *(obj for pool in parameters.workers for obj in _pool(parameters, pool)),
    ]
    return [_in_version(obj, api) for obj in made]


def _in_version(obj: Obj, api: Api) -> Obj:
    """Manifests are written in the older versions; the newer ones come from the same conversion as the server's."""
    group = obj["apiVersion"].partition("/")[0]
    kind = SCHEME.by_kind(group, obj["kind"])
    version = VERSIONS[api][group]
    if kind is None or obj["apiVersion"] == f"{group}/{version}":
        return obj
    converted = kind.convert(obj, version)
    # What conversion remembers of the older version is of no use to a manifest that begins with the newer one.
    metadata = {name: value for name, value in converted["metadata"].items() if name != "annotations"}
    return {"apiVersion": converted["apiVersion"], "kind": obj["kind"], "metadata": metadata, "spec": converted["spec"]}


def _object(group: str, kind: str, name: str, parameters: Parameters, spec: Obj) -> Obj:
    return {
        "apiVersion": f"{group}/{VERSIONS['v1beta1'][group]}",
        "kind": kind,
        "metadata": {"name": name, "namespace": parameters.namespace},
        "spec": spec,
    }


def _reference(group: str, kind: str, name: str) -> Obj:
    return {"apiVersion": f"{group}/{VERSIONS['v1beta1'][group]}", "kind": kind, "name": name}


def _cluster(parameters: Parameters) -> Obj:
    network = parameters.network
    return _object(
        CORE,
        "Cluster",
        parameters.name,
        parameters,
        {
            "clusterNetwork": {
                "pods": {"cidrBlocks": [network.pods]},
                "services": {"cidrBlocks": [network.services]},
            },
            "controlPlaneEndpoint": {"host": network.vip, "port": network.port},
            "infrastructureRef": _reference(INFRASTRUCTURE, "ProxmoxCluster", parameters.name),
            "controlPlaneRef": _reference(CONTROL_PLANE, "TalosControlPlane", f"{parameters.name}-control-plane"),
        },
    )


def _proxmox_cluster(parameters: Parameters) -> Obj:
    network, proxmox = parameters.network, parameters.proxmox
    family = "ipv6Config" if ":" in network.gateway else "ipv4Config"
    spec: Obj = {
        "controlPlaneEndpoint": {"host": network.vip, "port": network.port},
        "allowedNodes": list(proxmox.nodes),
        "schedulerHints": {"memoryAdjustment": proxmox.memory_adjustment},
        "dnsServers": list(network.dns),
        family: {
            "addresses": list(network.addresses),
            "prefix": network.prefix,
            "gateway": network.gateway,
            "metric": 100,
        },
    }
    if proxmox.credentials_secret:
        spec["credentialsRef"] = {"name": proxmox.credentials_secret}
    return _object(INFRASTRUCTURE, "ProxmoxCluster", parameters.name, parameters, spec)


def _control_plane(parameters: Parameters, api: Api) -> list[Obj]:
    group = parameters.control_plane
    template = _machine_template(parameters, "control-plane", group)
    vip = {
        "machine": {
            "network": {"interfaces": [{"interface": "eth0", "vip": {"ip": parameters.network.vip}}]},
            **_install(parameters),
        }
    }
    spec = {
        "version": parameters.kubernetes_version,
        "replicas": group.replicas,
        "infrastructureTemplate": {
            **_reference(INFRASTRUCTURE, "ProxmoxMachineTemplate", template["metadata"]["name"]),
            # The one reference that keeps its version in every style of TalosControlPlane.
            "apiVersion": f"{INFRASTRUCTURE}/{VERSIONS[api][INFRASTRUCTURE]}",
        },
        "controlPlaneConfig": {
            "controlplane": _talos_config(parameters, "controlplane", [vip, *group.patches]),
        },
    }
    name = f"{parameters.name}-control-plane"
    return [_object(CONTROL_PLANE, "TalosControlPlane", name, parameters, spec), template]


def _pool(parameters: Parameters, pool: Workers) -> list[Obj]:
    machine = _machine_template(parameters, pool.name, pool)
    patches = [{"machine": _install(parameters)}, *pool.patches]
    config_spec = {"template": {"spec": _talos_config(parameters, "worker", patches)}}
    config_name = _revised(f"{parameters.name}-{pool.name}", config_spec)
    config = _object(BOOTSTRAP, "TalosConfigTemplate", config_name, parameters, config_spec)
    name = f"{parameters.name}-{pool.name}"
    labels = {f"{CORE}/cluster-name": parameters.name, f"{CORE}/deployment-name": name}
    deployment = _object(
        CORE,
        "MachineDeployment",
        name,
        parameters,
        {
            "clusterName": parameters.name,
            "replicas": pool.replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {
                    "clusterName": parameters.name,
                    "version": parameters.kubernetes_version,
                    "bootstrap": {"configRef": _reference(BOOTSTRAP, "TalosConfigTemplate", config_name)},
                    "infrastructureRef": _reference(
                        INFRASTRUCTURE, "ProxmoxMachineTemplate", machine["metadata"]["name"]
                    ),
                },
            },
        },
    )
    return [deployment, config, machine]


def _install(parameters: Parameters) -> Obj:
    talos = parameters.talos
    schematic = talos.schematic or schematic_id(talos.extensions, talos.kernel_args)
    image = FactoryImage(version=talos.version, schematic=schematic, factory=talos.factory)
    return {"install": {"disk": talos.install_disk, "image": image.installer}}


def _talos_config(parameters: Parameters, role: str, patches: list[Any]) -> Obj:
    """Patches are strategic merge documents: RFC 6902 ones fail on configurations of several documents."""
    contract = ".".join(parameters.talos.version.split(".")[:2])
    return {
        "generateType": role,
        "talosVersion": contract,
        "strategicPatches": [render([patch]) for patch in patches],
    }


def _machine_template(parameters: Parameters, group: str, size: ControlPlane | Workers) -> Obj:
    proxmox = parameters.proxmox
    spec: Obj = {
        "full": proxmox.full_clone,
        "numSockets": size.sockets,
        "numCores": size.cores,
        "memoryMiB": size.memory_mib,
        "disks": {"bootVolume": {"disk": proxmox.boot_disk, "sizeGb": size.disk_gib}},
        "network": {"default": {"bridge": proxmox.bridge, "model": "virtio"}},
        "checks": {
            "skipCloudInitStatus": True,
            "skipQemuGuestAgent": "siderolabs/qemu-guest-agent" not in parameters.talos.extensions,
        },
        "metadataSettings": {"providerIDInjection": True},
    }
    if proxmox.template_tags:
        spec["templateSelector"] = {"matchTags": list(proxmox.template_tags)}
    else:
        spec["sourceNode"] = proxmox.source_node or proxmox.nodes[0]
        spec["templateID"] = proxmox.template_id
    if proxmox.vlan is not None:
        spec["network"]["default"]["vlan"] = proxmox.vlan
    spec |= {name: value for name, value in (("storage", proxmox.storage), ("pool", proxmox.pool)) if value}
    wrapped = {"template": {"spec": spec}}
    name = _revised(f"{parameters.name}-{group}", wrapped)
    return _object(INFRASTRUCTURE, "ProxmoxMachineTemplate", name, parameters, wrapped)


def _revised(name: str, spec: Obj) -> str:
    """Templates are immutable: a changed one needs another name, an unchanged one keeps its name."""
    digest = hashlib.sha256(msgspec.json.encode(spec, order="deterministic")).hexdigest()
    return f"{name}-{digest[:6]}"
