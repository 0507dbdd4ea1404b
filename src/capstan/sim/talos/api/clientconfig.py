"""What a control-plane machine hands out: an admin kubeconfig, and client certificates for its own API."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import yaml

from capstan.providers.talos.channel import RpcError
from capstan.runtime.client.kubeconfig import Kubeconfig, render_kubeconfig
from capstan.sim.talos.api.replies import INVALID_ARGUMENT, reply, unimplemented
from capstan.sim.talos.api.roles import KNOWN_ROLES
from capstan.sim.talos.config import MachineConfig
from capstan.sim.talos.machine import Machine


def _control_plane_config(machine: Machine) -> MachineConfig:
    config = machine.config
    if config is None or not config.is_control_plane:
        raise unimplemented("only available on control plane nodes")
    return config


def admin_kubeconfig(machine: Machine) -> bytes:
    """gzip(tar(kubeconfig)), the tar without its end mark, as Talos sends it."""
    config = _control_plane_config(machine)
    leaf = machine.environment.issuer.client(
        config.kubernetes_ca.authority, "admin", ["system:masters"], ed25519=False, lifetime=timedelta(days=365)
    )
    host = config.endpoint_host
    server = f"https://{f'[{host}]' if ':' in host else host}:{config.endpoint_port}"
    text = render_kubeconfig(
        Kubeconfig(server, config.kubernetes_ca.certificate_pem, leaf.certificate_pem, leaf.key_pem),
        cluster=config.cluster_name,
        user=f"admin@{config.cluster_name}",
        context=f"admin@{config.cluster_name}",
    )
    entry = tarfile.TarInfo("kubeconfig")
    entry.size, entry.mode = len(text), 0o600
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(text))
    return gzip.compress(archive.getvalue()[: 512 + len(text)], mtime=0)


async def generate_client_configuration(machine: Machine, request: Any) -> Any:
    config = _control_plane_config(machine)
    seconds = request.crt_ttl.seconds
    if seconds <= 0:
        raise RpcError(INVALID_ARGUMENT, "crt_ttl should be positive")
    roles: Sequence[str] = list(request.roles)
    if not roles or set(roles) - KNOWN_ROLES:
        raise RpcError(INVALID_ARGUMENT, "unknown or no roles")
    leaf = machine.environment.issuer.client(
        config.os_ca.authority, "", roles, ed25519=True, lifetime=timedelta(seconds=seconds)
    )
    key_pem = leaf.key_pem.replace(b"PRIVATE KEY", b"ED25519 PRIVATE KEY")
    name = f"{roles[0].removeprefix('os:')}@{config.cluster_name}"
    parts = {"ca": config.os_ca.certificate_pem, "crt": leaf.certificate_pem, "key": key_pem}
    encoded = {part: base64.b64encode(value).decode() for part, value in parts.items()}
    document = {"context": name, "contexts": {name: {"endpoints": list(machine.addresses), **encoded}}}
    return reply("GenerateClientConfiguration", talosconfig=yaml.safe_dump(document).encode(), **parts)
