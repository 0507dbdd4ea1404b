"""What the forced deletion of a cluster takes away, in which order, and what it may leave behind outside.

Pure: objects in, values out. The outside world is not asked: whoever forces a deletion does it because nobody answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from capstan.api.infrastructure.names import VM_IDENTITY
from capstan.api.objects import Obj, Resource

CORE: Final = "cluster.x-k8s.io"
_CLUSTER_LABEL: Final = f"{CORE}/cluster-name"
#: What makes others goes before what it makes.
_CORE_RANKS: Final = {"MachineHealthCheck": 0, "MachineDeployment": 1, "MachinePool": 2, "MachineSet": 2, "Machine": 4}
_LAST: Final = 12


@dataclass(frozen=True, slots=True)
class Held:
    """An object of the cluster that goes. `finalizers` are those that are taken off it."""

    resource: Resource
    object: Obj

    @property
    def finalizers(self) -> tuple[str, ...]:
        return tuple(self.object["metadata"].get("finalizers") or ())

    @property
    def uid(self) -> str:
        return str(self.object["metadata"].get("uid", ""))

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.object['metadata']['name']}"


def members(cluster: Obj, found: Iterable[Held]) -> list[Held]:
    """What belongs to the cluster: by its label, by reference, or by a chain of owners; without templates, which
    hold nothing. In the order in which it goes, the Cluster last."""
    found = list(found)
    name, uids = cluster["metadata"]["name"], {str(cluster["metadata"].get("uid", ""))}
    referred = {_place(ref) for ref in _references(cluster)}
    chosen: dict[str, Held] = {}
    grows = True
    while grows:
        before = len(chosen)
        for held in found:
            if held.uid not in chosen and _belongs(held, name, uids, referred):
                chosen[held.uid] = held
                uids.add(held.uid)
        grows = len(chosen) > before
    return sorted(chosen.values(), key=lambda held: (_rank(held), str(held)))


def _belongs(held: Held, cluster: str, uids: set[str], referred: set[tuple[str, str, str]]) -> bool:
    metadata = held.object["metadata"]
    if held.resource.kind.endswith("Template"):
        return False
    owners = [ref.get("uid") for ref in metadata.get("ownerReferences") or ()]
    if held.resource.kind == "Secret":
        # Other clusters may use the same credentials: then they are not ours to let go.
        return bool(owners) and all(owner in uids for owner in owners)
    if (metadata.get("labels") or {}).get(_CLUSTER_LABEL) == cluster:
        return True
    place = (held.resource.group, held.resource.kind, metadata["name"])
    return place in referred or any(owner in uids for owner in owners)


def _references(cluster: Obj) -> list[dict[str, Any]]:
    spec = cluster.get("spec") or {}
    return [ref for ref in (spec.get("infrastructureRef"), spec.get("controlPlaneRef")) if ref]


def _place(ref: dict[str, Any]) -> tuple[str, str, str]:
    return str(ref.get("apiGroup", "")), str(ref.get("kind", "")), str(ref.get("name", ""))


def _rank(held: Held) -> int:
    group, kind = held.resource.group, held.resource.kind
    if group == CORE:
        return _CORE_RANKS.get(kind, _LAST)
    if group == "ipam.cluster.x-k8s.io":
        return 7 if kind.endswith("Claim") else 8 if kind == "IPAddress" else 9
    if not group:
        return _LAST - 1
    by_group = {"controlplane": 3, "bootstrap": 5}.get(group.partition(".")[0])
    return by_group if by_group is not None else 6 if kind.endswith("Machine") else 9


def left_behind(gone: Sequence[Held]) -> list[str]:
    """A line for each thing outside that nobody will remove now, as far as the objects tell."""
    lines: list[str] = []
    for held in gone:
        if held.resource.kind.endswith("Machine") and held.resource.group != CORE:
            lines += _machine(held)
        elif held.resource.kind == "IPAddress":
            lines.append(_address(held.object))
    return lines


def _machine(held: Held) -> list[str]:
    obj = held.object
    metadata, status, spec = obj["metadata"], obj.get("status") or {}, obj.get("spec") or {}
    identity = _identity(metadata)
    provider_id = spec.get("providerID", "")
    if not identity and not provider_id:
        return []
    what = f"VM {identity['vmid']}" if identity.get("vmid") else "the machine"
    node = status.get("proxmoxNode") or identity.get("node", "")
    details = [
        f"on Proxmox node {node}" if node else "",
        f"of {identity['pve']}" if identity.get("pve") else "",
        f"({provider_id})" if provider_id else "",
    ]
    where = "".join(f" {part}" for part in details if part)
    disks = ", with its disks and its cloud-init ISO" if identity.get("vmid") else ""
    return [f"{what}{where} of {held}{disks}"]


def _identity(metadata: Obj) -> dict[str, Any]:
    text = (metadata.get("annotations") or {}).get(VM_IDENTITY, "")
    try:
        known = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        return {}
    return known if isinstance(known, dict) else {}


def _address(obj: Obj) -> str:
    spec = obj.get("spec") or {}
    pool = spec.get("poolRef") or {}
    claim = (spec.get("claimRef") or {}).get("name", "")
    return (
        f"address {spec.get('address', '')} of claim {claim}: {pool.get('kind', 'its pool')} {pool.get('name', '')} "
        "gives it out again, while the machine that has it may still run"
    )
