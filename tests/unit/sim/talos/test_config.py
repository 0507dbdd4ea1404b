"""Machine configurations as the simulated machine reads and refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstan.sim.talos.config import parse_config
from capstan.sim.talos.strictness import ConfigError

GOLDEN = Path(__file__).parents[4] / ".." / "shared" / "data" / "talos-golden"

WORKER = b"""
version: v1alpha1
machine:
  type: worker
  token: abcdef.0123456789abcdef
  ca: {crt: Y2VydA==, key: ""}
  kubelet: {image: "ghcr.io/siderolabs/kubelet:v1.33.4@sha256:00"}
cluster:
  controlPlane: {endpoint: "https://192.168.0.30:6443"}
  ca: {crt: Y2VydA==, key: ""}
"""


def _golden() -> list[Path]:
    return sorted(GOLDEN.glob("v1.*/*.yaml")) if GOLDEN.is_dir() else []


@pytest.mark.parametrize(
    "path", _golden() or [None], ids=lambda path: f"{path.parent.name}-{path.stem}" if path else "-"
)
def test_reads_every_form(path: Path | None) -> None:
    if path is None:
        pytest.skip(f"no golden configurations at {GOLDEN}")
    config = parse_config(path.read_bytes(), f"{path.parent.name}.3")
    assert config.machine_type == ("controlplane" if "controlplane" in path.stem else "worker")
    assert config.kubelet_version == "v1.28.0"
    assert (config.endpoint_host, config.endpoint_port) == ("base", 6443)
    assert config.os_ca.certificate_pem.startswith(b"-----BEGIN")
    assert config.kubernetes_ca.certificate_pem.startswith(b"-----BEGIN")
    assert bool(config.etcd_ca.certificate_pem) == config.is_control_plane
    assert config.discovery
    assert ("node-role.kubernetes.io/control-plane" in config.node_labels) == config.is_control_plane
    if "base" in path.stem:
        assert bool(config.node_taints) == config.is_control_plane


def test_facts_of_a_small_worker() -> None:
    config = parse_config(WORKER, "v1.11.6")
    assert config.kubelet_version == "v1.33.4"
    assert (config.cni, config.discovery, config.vips) == ("flannel", False, ())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ((b"token:", b"tokken:"), "machine.tokken"),
        ((b"type: worker", b"type: wrker"), "invalid machine type"),
        ((b'ca: {crt: Y2VydA==, key: ""}', b"ca: {crt: Y2VydA==, key: a2V5}"), "key is not allowed"),
        ((b'endpoint: "https://192.168.0.30:6443"', b""), "endpoint is required"),
        ((b"version: v1alpha1", b"persist: false"), "persist"),
        ((b"cluster:", b"  network: {interfaces: [{interface: eth0, vip: {ip: 10.0.0.1}}]}\ncluster:"), "virtual"),
        ((b"cluster:", b"  network: {interfaces: [{interface: eth0, addresses: [x]}]}\ncluster:"), "invalid address"),
        ((b"machine:", b"machine: ["), "yaml"),
    ],
)
def test_refusals(change: tuple[bytes, bytes], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_config(WORKER.replace(change[0], change[1], 1), "v1.11.6")


@pytest.mark.parametrize(
    ("document", "version", "text"),
    [
        ("kind: HostnameConfig\nauto: stable", "v1.11.6", "not registered"),
        ("kind: HostnameConfig\nauto: stable\nname: x", "v1.12.1", "HostnameConfig.name"),
        ("kind: HostnameConfig\nauto: stable\nhostname: a", "v1.12.1", "at the same time"),
        ("kind: NoSuchConfig", "v1.12.1", "not registered"),
        ("kind: LinkConfig", "v1.12.1", "name is required"),
        ("kind: KubeCoreDNSConfig\nenabled: true", "v1.14.0", "only allowed on control plane"),
    ],
)
def test_documents_that_a_release_refuses(document: str, version: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_config(WORKER + f"---\napiVersion: v1alpha1\n{document}\n".encode(), version)


def test_a_hostname_document_is_read_where_it_is_known() -> None:
    document = b"---\napiVersion: v1alpha1\nkind: HostnameConfig\nauto: 'off'\nhostname: web-1\n"
    assert parse_config(WORKER + document, "v1.12.1").hostname == "web-1"


def test_a_document_without_the_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="no v1alpha1 document"):
        parse_config(b"apiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n", "v1.12.1")
