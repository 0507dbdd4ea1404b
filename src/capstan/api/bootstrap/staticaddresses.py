"""Which addresses a TalosConfig gives its machine by itself: those that no pool knows of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_interface
from typing import Any, Final

import yaml

from capstan.api.bootstrap.talosconfig import TalosConfig

#: Index of TalosConfigs by each of their static addresses, and of all that have one.
BY_STATIC_ADDRESS: Final = "static-address"
ANY: Final = "any"

#: What a text must hold to be worth reading: most configurations name no address.
_HINTS: Final = ("ddresses", "vip", "VIP", "cidr")
_SETTING: Final = ("add", "replace")


@dataclass(frozen=True, slots=True)
class StaticAddresses:
    """`own` are of this machine alone; `shared` are virtual ones, which all control planes of a cluster may hold."""

    own: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.own, *(address for address in self.shared if address not in self.own))


def static_addresses(config: TalosConfig) -> StaticAddresses:
    """The addresses in the patches and in the data, in their normal form. What cannot be read has none: making the
    configuration says what is wrong with it."""
    spec = config.spec
    of_texts = _of_texts((*spec.strategic_patches, spec.data))
    of_patches = _of_documents(_stated((patch.op, patch.path, patch.value) for patch in spec.config_patches))
    own = dict.fromkeys((*of_texts.own, *of_patches.own))
    shared = dict.fromkeys((*of_texts.shared, *of_patches.shared))
    return StaticAddresses(tuple(own), tuple(shared))


def by_static_address(config: TalosConfig) -> Iterable[str]:
    """Index: each static address; ANY for those that have one."""
    found = static_addresses(config).all
    return (*found, ANY) if found else ()


@lru_cache(maxsize=1024)
def _of_texts(texts: tuple[str, ...]) -> StaticAddresses:
    documents = [document for text in texts if any(hint in text for hint in _HINTS) for document in _read(text)]
    return _of_documents(documents)


def _read(text: str) -> list[Any]:
    try:
        return list(yaml.load_all(text, yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError):
        return []


def _stated(operations: Iterable[tuple[Any, Any, Any]]) -> Iterator[Any]:
    """What operations of a JSON patch state: each a part of the configuration, at its path."""
    for op, path, value in operations:
        if op not in _SETTING or not isinstance(path, str):
            continue
        for step in reversed(path.strip("/").split("/")):
            value = [value] if step.isdigit() or step == "-" else {step: value}
        yield value


def _of_documents(documents: Iterable[Any]) -> StaticAddresses:
    own: list[str] = []
    shared: list[str] = []
    for document in documents:
        if isinstance(document, Mapping):
            _collect(document, own, shared)
        for stated in _stated((one.get("op"), one.get("path"), one.get("value")) for one in _mappings(document)):
            _collect(_mapping(stated), own, shared)
    return StaticAddresses(tuple(_normal(own)), tuple(_normal(shared)))


def _collect(document: Mapping[str, Any], own: list[str], shared: list[str]) -> None:
    """From one document: the machine configuration, or one of a link or of a virtual address."""
    kind = document.get("kind")
    if isinstance(kind, str):
        if kind.endswith("VIPConfig"):
            shared.append(str(document.get("name", "")))
        own += [str(entry.get("address", "")) for entry in _mappings(document.get("addresses"))]
        return
    network = _mapping(_mapping(document.get("machine")).get("network"))
    for device in _mappings(network.get("interfaces")):
        for part in (device, *_mappings(device.get("vlans"))):
            listed = part.get("addresses")
            own += [str(address) for address in listed] if isinstance(listed, list) else []
            own.append(str(part.get("cidr", "")))
            shared.append(str(_mapping(part.get("vip")).get("ip", "")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _normal(texts: Iterable[str]) -> Iterator[str]:
    """Without prefix lengths; what every machine has, and what is no address, is left out."""
    for text in texts:
        try:
            address = ip_interface(text).ip
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            yield str(address)
