"""From a TalosConfig, its Machine and its Cluster to what a machine configuration is rendered from (2.3, 2.4)."""

from __future__ import annotations

from typing import Any, cast

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.struct import encode
from capstan.providers.talos.config.contract import parse_contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.inputs import (
    DEFAULT_DNS_DOMAIN,
    DEFAULT_POD_SUBNET,
    DEFAULT_SERVICE_SUBNET,
    GenerateInput,
    MachineType,
)
from capstan.providers.talos.config.render import RenderInput
from capstan.providers.talos.talosconfig.snapshot import TalosConfigSnapshot

#: For a Machine without a version; what the newest known Talos installs by itself.
DEFAULT_KUBERNETES_VERSION = "1.36.0"

GENERATED_TYPES = ("controlplane", "worker", "init")
_PACKET_KINDS = ("PacketMachine", "PacketMachinePool")


def render_inputs(snapshot: TalosConfigSnapshot) -> RenderInput:
    """Raises ConfigError for a spec that cannot be followed. Cluster and Machine must be there."""
    spec, machine, cluster = snapshot.config.spec, snapshot.machine, snapshot.cluster
    if machine is None or cluster is None:
        raise ConfigError("there is no Machine or no Cluster yet")
    generate: GenerateInput | None = None
    if spec.generate_type in GENERATED_TYPES:
        generate = _generate_input(snapshot, machine, cluster)
    elif spec.generate_type != "none":
        raise ConfigError("must be controlplane, worker, init or none", "generateType")
    return RenderInput(
        generate=generate,
        given=spec.data,
        contract=parse_contract(spec.talos_version),
        config_patches=tuple(_operation(encode(patch)) for patch in spec.config_patches),
        strategic_patches=spec.strategic_patches,
        hostname=_hostname(spec.hostname.source, machine),
        prefix_line="#!talos\n" if machine.spec.infrastructure_ref.kind in _PACKET_KINDS else "",
    )


def _generate_input(snapshot: TalosConfigSnapshot, machine: Machine, cluster: Cluster) -> GenerateInput:
    endpoint, network = cluster.spec.control_plane_endpoint, cluster.spec.cluster_network
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return GenerateInput(
        machine_type=cast(MachineType, snapshot.config.spec.generate_type),
        cluster_name=snapshot.cluster_name,
        endpoint=f"https://{host}:{endpoint.port}",
        kubernetes_version=machine.spec.version.removeprefix("v") or DEFAULT_KUBERNETES_VERSION,
        contract=parse_contract(snapshot.config.spec.talos_version),
        dns_domain=network.service_domain or DEFAULT_DNS_DOMAIN,
        pod_subnets=network.pods.cidr_blocks or (DEFAULT_POD_SUBNET,),
        service_subnets=network.services.cidr_blocks or (DEFAULT_SERVICE_SUBNET,),
        local_api_server_port=network.api_server_port or 0,
    )


def _operation(patch: dict[str, Any]) -> dict[str, Any]:
    """A value of null is a value: a view leaves it out."""
    return patch if patch.get("op") in ("remove", "move", "copy") else {"value": None, **patch}


def _hostname(source: str, machine: Machine) -> str:
    if source == "MachineName":
        return machine.metadata.name
    if source == "InfrastructureName":
        return machine.spec.infrastructure_ref.name
    if source:
        raise ConfigError("must be MachineName or InfrastructureName", "hostname.source")
    return ""
