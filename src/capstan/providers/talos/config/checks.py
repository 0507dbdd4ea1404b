"""Checks a machine configuration before a machine sees it: one that Talos refuses leaves the machine unreachable.

What Talos decodes strictly is decoded strictly here (talos.md 5.3); of its validation, what is known before a
machine runs (5.5). The messages name fields, never values.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from capstan.api.rules.nearest import nearest
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.fields import V1ALPHA1, Field, fields
from capstan.providers.talos.config.merge import identity
from capstan.providers.talos.config.yamltext import Document

_BOOLEAN_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false"})
_HOSTNAME = re.compile(r"^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$")


def check_config(documents: Sequence[Document]) -> None:
    """Raises the first ConfigError there is, in the order of the documents."""
    for error in find_errors(documents):
        raise error


def find_errors(documents: Sequence[Document]) -> Iterator[ConfigError]:
    """Everything that is wrong."""
    yield from _identities(documents)
    for document in documents:
        yield from _document(document)
    legacy = next((d for d in documents if identity(d)[1] == ""), None)
    if legacy is None:
        yield ConfigError("there is no v1alpha1 document (version, machine, cluster)")
        return
    yield from _machine(legacy)
    yield from _cluster(legacy)
    yield from _hostnames(documents, legacy)
    if _section(legacy, "machine").get("type") == "worker":
        yield from _worker(documents, legacy)


def _identities(documents: Sequence[Document]) -> Iterator[ConfigError]:
    seen: set[tuple[str, str, str]] = set()
    for document in documents:
        known = identity(document)
        if known in seen:
            yield ConfigError("appears twice", " ".join(filter(None, known[1:])) or "v1alpha1")
        seen.add(known)


def _document(document: Document) -> Iterator[ConfigError]:
    api_version, kind, _name = identity(document)
    if not kind and document.get("version", "v1alpha1") == "v1alpha1" and "apiVersion" not in document:
        yield from _struct(document, V1ALPHA1, "")
        return
    if not kind or not api_version:
        yield ConfigError("a document needs both apiVersion and kind", kind or api_version)
        return
    known = fields().kinds.get(kind)
    if known is None or api_version != "v1alpha1":
        yield ConfigError(f"Talos has no such kind{_meant(kind, fields().kinds)}", f"{api_version}/{kind}")
        return
    if known.named and not document.get("name"):
        yield ConfigError("is required", f"{kind}.name")
    content = {name: value for name, value in document.items() if name not in ("apiVersion", "kind")}
    yield from _struct(content, known.struct, kind)


def _struct(value: Mapping[str, Any], struct: str, path: str) -> Iterator[ConfigError]:
    known = fields().structs[struct]
    for name, inner in value.items():
        here = f"{path}.{name}" if path else str(name)
        field = known.get(name)
        if field is None:
            yield ConfigError(f"unknown field{_meant(str(name), known)}", here)
        elif inner is not None:
            yield from _value(inner, field.type, here)
    yield from _missing(value, known, path)


def _missing(value: Mapping[str, Any], known: Mapping[str, Field], path: str) -> Iterator[ConfigError]:
    for name, field in known.items():
        if field.required and name != "name" and value.get(name) in (None, ""):
            yield ConfigError("is required", f"{path}.{name}")


def _value(value: Any, type_name: str, path: str) -> Iterator[ConfigError]:
    if type_name == "any":
        return
    if type_name.startswith("[]"):
        if not isinstance(value, list):
            yield ConfigError("must be a list", path)
            return
        for number, inner in enumerate(value):
            yield from _value(inner, type_name[2:], f"{path}[{number}]")
    elif type_name in _SCALARS:
        if not _SCALARS[type_name](value):
            yield ConfigError(f"must be {_SCALAR_NAMES[type_name]}", path)
    elif not isinstance(value, Mapping):
        yield ConfigError("must be a mapping", path)
    elif type_name.startswith("map<"):
        for name, inner in value.items():
            yield from _value(inner, type_name[4:-1], f"{path}.{name}")
    else:
        yield from _struct(value, type_name, path)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _BOOLEAN_WORDS)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_SCALARS = {"text": _is_scalar, "bool": _is_boolean, "int": _is_integer}
_SCALAR_NAMES = {"text": "a text", "bool": "true or false", "int": "a whole number"}


def _machine(legacy: Document) -> Iterator[ConfigError]:
    machine = _section(legacy, "machine")
    if machine.get("type") not in ("controlplane", "worker", "init"):
        yield ConfigError("must be controlplane or worker", "machine.type")
    elif machine["type"] != "worker":
        authority = machine.get("ca")
        if not isinstance(authority, Mapping) or not authority.get("crt") or not authority.get("key"):
            yield ConfigError("a control plane needs the certificate and the key of Talos' CA", "machine.ca")
    if legacy.get("persist") is False:
        yield ConfigError("must not be false", "persist")
    install = machine.get("install")
    if isinstance(install, Mapping) and install.get("extraKernelArgs") and install.get("grubUseUKICmdline"):
        yield ConfigError(
            "does not go together with grubUseUKICmdline: put kernel arguments into the Image Factory schematic, "
            "or set machine.install.grubUseUKICmdline to false",
            "machine.install.extraKernelArgs",
        )


def _cluster(legacy: Document) -> Iterator[ConfigError]:
    cluster = _section(legacy, "cluster")
    if "controlPlane" in cluster:
        endpoint = _section(cluster, "controlPlane").get("endpoint")
        if not isinstance(endpoint, str) or not urlsplit(endpoint).hostname:
            yield ConfigError("must be a URL such as https://192.168.0.30:6443", "cluster.controlPlane.endpoint")
    network = _section(cluster, "network")
    for name in ("podSubnets", "serviceSubnets"):
        yield from _subnets(network.get(name) or (), f"cluster.network.{name}")
    manifests = cluster.get("inlineManifests")
    names = [m.get("name") for m in manifests if isinstance(m, Mapping)] if isinstance(manifests, list) else []
    if len(set(names)) != len(names) or None in names or "" in names:
        yield ConfigError("every manifest needs a name of its own", "cluster.inlineManifests")


def _subnets(subnets: Any, path: str) -> Iterator[ConfigError]:
    for number, subnet in enumerate(subnets if isinstance(subnets, list) else ()):
        try:
            ipaddress.ip_network(subnet, strict=False)
        except (ValueError, TypeError):
            yield ConfigError("must be a subnet such as 10.244.0.0/16", f"{path}[{number}]")


def _hostnames(documents: Sequence[Document], legacy: Document) -> Iterator[ConfigError]:
    old = _section(_section(legacy, "machine"), "network").get("hostname")
    new = next((d for d in documents if identity(d)[1] == "HostnameConfig"), None)
    if new is not None:
        if old:
            yield ConfigError("is also set by HostnameConfig; keep one of them", "machine.network.hostname")
        if _section(_section(legacy, "machine"), "features").get("stableHostname"):
            yield ConfigError("does not go together with HostnameConfig", "machine.features.stableHostname")
        if not new.get("auto") and not new.get("hostname"):
            yield ConfigError("needs auto or hostname", "HostnameConfig")
        if new.get("hostname") and new.get("auto", "off") != "off":
            yield ConfigError("must be off (or gone) when there is a hostname", "HostnameConfig.auto")
    for name, path in ((old, "machine.network.hostname"), (new and new.get("hostname"), "HostnameConfig.hostname")):
        if name and (len(str(name)) > 253 or not _HOSTNAME.match(str(name).split(".")[0])):
            yield ConfigError("is not a valid host name", path)


def _worker(documents: Sequence[Document], legacy: Document) -> Iterator[ConfigError]:
    for section in ("machine", "cluster"):
        authority = _section(legacy, section).get("ca")
        if isinstance(authority, Mapping) and authority.get("key"):
            yield ConfigError("a worker must not have a CA's key", f"{section}.ca.key")
    if _section(legacy, "cluster").get("etcd"):
        yield ConfigError("a worker has no etcd", "cluster.etcd")
    interfaces = _section(_section(legacy, "machine"), "network").get("interfaces")
    for number, interface in enumerate(interfaces if isinstance(interfaces, list) else ()):
        if isinstance(interface, Mapping) and interface.get("vip"):
            yield ConfigError("virtual IPs are for control planes", f"machine.network.interfaces[{number}].vip")
    for document in documents:
        kind = fields().kinds.get(identity(document)[1])
        if kind is not None and kind.control_plane_only:
            yield ConfigError("is for control planes only", identity(document)[1])


def _section(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _meant(name: str, known: Iterable[str]) -> str:
    guess = nearest(name, known)
    return f"; did you mean {guess}?" if guess else ""
