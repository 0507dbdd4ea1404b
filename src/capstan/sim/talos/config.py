"""The facts that a simulated machine takes from its machine configuration, whatever form they were written in.

Both forms are read: the v1alpha1 document of contracts up to 1.13, and the documents of 1.14 (talos.md 5.1).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface
from typing import Any
from urllib.parse import urlsplit

from capstan.api.objects import Obj
from capstan.api.rules.certificates import Authority
from capstan.sim.talos.strictness import ConfigError, controlplane_only, load_documents, minor_of

_ROLE_LABEL = "node-role.kubernetes.io/control-plane"
_EXCLUDE_LB_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key in PEM; either may be empty."""

    certificate_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)

    @property
    def authority(self) -> Authority:
        return Authority(self.certificate_pem, self.key_pem)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the configuration says about one link, chosen by its name or its hardware address."""

    name: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    dhcp: bool = False


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """`text` is the configuration as it was given; the rest are its facts."""

    text: bytes = field(repr=False)
    machine_type: str
    token: str = field(repr=False)
    os_ca: KeyPair
    accepted_os_cas: tuple[bytes, ...]
    cert_sans: tuple[str, ...]
    cluster_name: str
    cluster_id: str
    cluster_secret: str = field(repr=False)
    endpoint_host: str
    endpoint_port: int
    api_port: int
    kubernetes_ca: KeyPair
    etcd_ca: KeyPair
    kubelet_image: str
    kubelet_args: Mapping[str, Any]
    node_labels: Mapping[str, str]
    node_annotations: Mapping[str, str]
    node_taints: Mapping[str, str]
    skip_node_registration: bool
    hostname: str
    links: tuple[LinkSettings, ...]
    vips: tuple[str, ...]
    has_install: bool
    discovery: bool
    cni: str
    external_cloud_provider: bool

    @property
    def is_control_plane(self) -> bool:
        return self.machine_type in ("controlplane", "init")

    @property
    def kubelet_version(self) -> str:
        """`v1.33.4` of `ghcr.io/siderolabs/kubelet:v1.33.4`, digest or not."""
        return self.kubelet_image.partition("@")[0].rpartition(":")[2]

    @property
    def identity(self) -> tuple[str, str]:
        """Machines with the same one find each other by discovery."""
        return (self.cluster_id, self.cluster_secret)


def parse_config(text: bytes, talos_version: str = "") -> MachineConfig:
    """Raises ConfigError as the release's decoder or validator would."""
    legacy, documents = load_documents(text, minor_of(talos_version))
    if not legacy:
        raise ConfigError("the machine configuration has no v1alpha1 document")
    facts = _Facts(legacy, documents)
    config = facts.build(text)
    _validate(config, facts)
    return config


class _Facts:
    """Looks values up in both forms."""

    def __init__(self, legacy: Obj, documents: list[Obj]) -> None:
        self.machine: Obj = legacy.get("machine") or {}
        self.cluster: Obj = legacy.get("cluster") or {}
        self.documents = documents
        self.persist = legacy.get("persist", True)

    def document(self, kind: str) -> Obj:
        return next((d for d in self.documents if d["kind"] == kind), {})

    def all(self, kind: str) -> Iterable[Obj]:
        return (d for d in self.documents if d["kind"] == kind)

    def build(self, text: bytes) -> MachineConfig:
        machine, cluster = self.machine, self.cluster
        kubelet = machine.get("kubelet") or self.document("KubeletConfig")
        node = self.document("KubeNodeConfig")
        host, port = self._endpoint()
        control_plane = cluster.get("controlPlane") or {}
        return MachineConfig(
            text=text,
            machine_type=str(machine.get("type", "")),
            token=str(machine.get("token", "")),
            os_ca=_pair(machine.get("ca")),
            accepted_os_cas=tuple(_pem(ca.get("crt", "")) for ca in machine.get("acceptedCAs") or ()),
            cert_sans=tuple(machine.get("certSANs") or ()),
            cluster_name=cluster.get("clusterName") or self.document("KubeClusterConfig").get("clusterName", ""),
            cluster_id=cluster.get("id") or self.document("DiscoveryIdentityConfig").get("clusterID", ""),
            cluster_secret=cluster.get("secret") or self.document("DiscoveryIdentityConfig").get("clusterSecret", ""),
            endpoint_host=host,
            endpoint_port=port,
            api_port=control_plane.get("localAPIServerPort")
            or self.document("KubeAPIServerConfig").get("apiPort")
            or 6443,
            kubernetes_ca=self._kubernetes_ca(),
            etcd_ca=_pair((cluster.get("etcd") or {}).get("ca")),
            kubelet_image=kubelet.get("image", ""),
            kubelet_args=kubelet.get("extraArgs") or {},
            node_labels=self._labels(node),
            node_annotations=machine.get("nodeAnnotations") or node.get("annotations") or {},
            node_taints=self._taints(node),
            skip_node_registration=bool(kubelet.get("skipNodeRegistration") or node.get("skipNodeRegistration")),
            hostname=self._hostname(),
            links=tuple(self._links()),
            vips=tuple(self._vips()),
            has_install=bool(machine.get("install")) or bool(self.document("UnattendedInstallConfig")),
            discovery=self._discovery(),
            cni=self._cni(),
            external_cloud_provider=bool((cluster.get("externalCloudProvider") or {}).get("enabled")),
        )

    def _endpoint(self) -> tuple[str, int]:
        legacy = (self.cluster.get("controlPlane") or {}).get("endpoint", "")
        url = urlsplit(str(legacy or self.document("KubeClusterConfig").get("endpoint", "")))
        return url.hostname or "", url.port or 443

    def _kubernetes_ca(self) -> KeyPair:
        if self.cluster.get("ca"):
            return _pair(self.cluster["ca"])
        document = self.document("KubeAPIServerCAConfig")
        issuing = document.get("issuingCA") or {}
        accepted = document.get("acceptedCAs") or [""]
        return KeyPair(str(issuing.get("cert") or accepted[0]).encode(), str(issuing.get("key", "")).encode())

    def _labels(self, node: Obj) -> Mapping[str, str]:
        labels = dict(self.machine.get("nodeLabels") or node.get("labels") or {})
        if self.machine.get("type") in ("controlplane", "init"):
            labels.setdefault(_ROLE_LABEL, "")
        return labels

    def _taints(self, node: Obj) -> Mapping[str, str]:
        taints = dict(self.machine.get("nodeTaints") or node.get("taints") or {})
        is_control_plane = self.machine.get("type") in ("controlplane", "init")
        if is_control_plane and not node and not self.cluster.get("allowSchedulingOnControlPlanes"):
            taints.setdefault(_ROLE_LABEL, "NoSchedule")
        return taints

    def _hostname(self) -> str:
        legacy = (self.machine.get("network") or {}).get("hostname", "")
        return str(legacy or self.document("HostnameConfig").get("hostname", ""))

    def _links(self) -> Iterable[LinkSettings]:
        for device in (self.machine.get("network") or {}).get("interfaces") or ():
            selector = device.get("deviceSelector") or {}
            yield LinkSettings(
                name=device.get("interface", ""),
                mac=str(selector.get("hardwareAddr", "")).lower(),
                addresses=tuple(device.get("addresses") or ()),
                dhcp=bool(device.get("dhcp")),
            )
        for link in self.all("LinkConfig"):
            addresses = tuple(a["address"] for a in link.get("addresses") or ())
            yield LinkSettings(name=link["name"], addresses=addresses)
        for link in self.all("DHCPv4Config"):
            yield LinkSettings(name=link["name"], dhcp=True)

    def _vips(self) -> Iterable[str]:
        for device in (self.machine.get("network") or {}).get("interfaces") or ():
            for part in (device, *(device.get("vlans") or ())):
                if part.get("vip"):
                    yield str(part["vip"].get("ip", ""))
        for document in self.all("Layer2VIPConfig"):
            yield str(document["name"])

    def _discovery(self) -> bool:
        legacy = self.cluster.get("discovery")
        if legacy is not None:
            service = (legacy.get("registries") or {}).get("service") or {}
            return bool(legacy.get("enabled")) and not service.get("disabled")
        return bool(self.document("DiscoveryServiceConfig"))

    def _cni(self) -> str:
        legacy = (self.cluster.get("network") or {}).get("cni") or {}
        if legacy.get("name"):
            return str(legacy["name"])
        is_modern = bool(self.document("KubeClusterConfig"))
        has_flannel = bool(self.document("KubeFlannelCNIConfig"))
        # Workers carry no CNI document in the 1.14 form: what the control plane deploys serves them too.
        is_worker = self.machine.get("type") == "worker"
        return "flannel" if not is_modern or has_flannel or is_worker else "none"


def _pair(value: Any) -> KeyPair:
    value = value or {}
    return KeyPair(_pem(value.get("crt", "")), _pem(value.get("key", "")))


def _pem(value: Any) -> bytes:
    try:
        return base64.b64decode(str(value or ""), validate=False)
    except (ValueError, binascii.Error):
        raise ConfigError("illegal base64 data in a certificate or key") from None


def _validate(config: MachineConfig, facts: _Facts) -> None:
    problems = [*_check_machine(config, facts), *_check_cluster(config, facts), *_check_network(config, facts)]
    if problems:
        shown = "\n".join(f"\t* {problem}" for problem in problems)
        raise ConfigError(f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:\n{shown}\n")


def _check_machine(config: MachineConfig, facts: _Facts) -> Iterable[str]:
    if config.machine_type not in ("controlplane", "init", "worker"):
        yield f'invalid machine type "{config.machine_type}"'
    if facts.persist is False:
        yield "persist: false is not supported"
    if config.is_control_plane and not (config.os_ca.certificate_pem and config.os_ca.key_pem):
        yield "issuing CA certificate and key are required for control plane (.machine.ca)"
    if config.machine_type != "worker":
        return
    if config.os_ca.key_pem:
        yield "issuing CA key is not allowed on non-controlplane nodes (.machine.ca)"
    if not config.os_ca.certificate_pem and not config.accepted_os_cas:
        yield "trusted CA certificates are required on the machine (.machine.ca or .machine.acceptedCAs)"
    if config.kubernetes_ca.key_pem:
        yield "issuing Kubernetes API CA key is not allowed on non-controlplane nodes (.cluster.ca)"
    if config.etcd_ca.certificate_pem:
        yield "etcd config is only allowed on control plane machines"
    if config.vips:
        yield "virtual (shared) IP is not allowed on non-controlplane nodes"
    for document in facts.documents:
        if controlplane_only(document["kind"]):
            yield f"{document['kind']} is only allowed on control plane machines"


def _check_cluster(config: MachineConfig, facts: _Facts) -> Iterable[str]:
    if not config.endpoint_host:
        yield "cluster controlplane endpoint is required"
    if config.discovery and not (config.cluster_id and config.cluster_secret):
        yield "cluster discovery service requires .cluster.id and .cluster.secret"
    if config.cni not in ("flannel", "custom", "none"):
        yield f'cni name should be one of [custom, flannel, none], not "{config.cni}"'
    names = [m.get("name", "") for m in facts.cluster.get("inlineManifests") or ()]
    if len(set(names)) < len(names) or "" in names:
        yield "inline manifest names must be set and unique"


def _check_network(config: MachineConfig, facts: _Facts) -> Iterable[str]:
    hostname = facts.document("HostnameConfig")
    legacy_hostname = (facts.machine.get("network") or {}).get("hostname")
    if hostname:
        if not hostname.get("auto") and not hostname.get("hostname"):
            yield "HostnameConfig: either 'auto' or 'hostname' must be set"
        if hostname.get("hostname") and hostname.get("auto", "off") != "off":
            yield "HostnameConfig: 'auto' and 'hostname' cannot be set at the same time"
        if legacy_hostname:
            yield "static hostname is already set in v1alpha1 config"
        if (facts.machine.get("features") or {}).get("stableHostname"):
            yield "stable hostname is already set in v1alpha1 config"
    if len(config.hostname) > 253 or len(config.hostname.partition(".")[0]) > 63:
        yield f'invalid hostname "{config.hostname}"'
    for link in config.links:
        for address in link.addresses:
            if not _is_interface(address):
                yield f'[networking.os.device.addresses] "{link.name or link.mac}": invalid address "{address}"'
    for vip in config.vips:
        if not _is_address(vip):
            yield f'[networking.os.vip] failed to parse "{vip}" as IP address'


def _is_interface(text: str) -> bool:
    try:
        ip_interface(text)
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
