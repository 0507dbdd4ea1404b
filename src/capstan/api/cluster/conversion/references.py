"""References to provider objects: {apiVersion, kind, name, namespace} in v1beta1, {apiGroup, kind, name} in v1beta2.

A v1beta2 reference has no version. Going down, the version is the one that was written when the object came in as
v1beta1 (kept in the facts annotation while it differs from the usual one), else the one that the definition of the
kind names for the contract (the server knows it: `with_served_versions`), else the one that Capstan stores for its own
kinds, else Cluster API's current one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from capstan.api.conversion import ABSENT, Path, find, replaced, take_facts, translated, with_facts
from capstan.api.objects import Obj

#: Stored versions by group and kind where a group has more than one answer.
_VERSIONS: Final = {
    ("bootstrap.cluster.x-k8s.io", "TalosConfig"): "v1beta1",
    ("bootstrap.cluster.x-k8s.io", "TalosConfigTemplate"): "v1beta1",
    ("controlplane.cluster.x-k8s.io", "TalosControlPlane"): "v1alpha3",
    ("infrastructure.cluster.x-k8s.io", "ProxmoxCluster"): "v1alpha2",
    ("infrastructure.cluster.x-k8s.io", "ProxmoxClusterTemplate"): "v1alpha2",
    ("infrastructure.cluster.x-k8s.io", "ProxmoxMachine"): "v1alpha2",
    ("infrastructure.cluster.x-k8s.io", "ProxmoxMachineTemplate"): "v1alpha2",
}
#: Prefixes of the kinds that Cluster API itself has at v1beta2.
_UPSTREAM: Final = ("Kubeadm", "Dev", "Docker", "Machine", "Cluster")
_FACT: Final = "refs"

#: Where the hub has references.
CLUSTER_REFS: Final = (("spec", "controlPlaneRef"), ("spec", "infrastructureRef"))
MACHINE_REFS: Final = (("spec", "bootstrap", "configRef"), ("spec", "infrastructureRef"))
TEMPLATE_REFS: Final = tuple(("spec", "template", *path) for path in MACHINE_REFS)

#: The version of a kind, by its group and kind, that follows the contract as its definition says; empty if none does.
VersionOf = Callable[[str, str], str]


def usual_version(group: str, kind: str) -> str:
    """The version to write for a kind of which only the group is known."""
    known = _VERSIONS.get((group, kind))
    if known:
        return known
    return "v1beta2" if kind.startswith(_UPSTREAM) else "v1beta1"


def refs_up(obj: Obj, paths: Sequence[Path]) -> Obj:
    """The references at `paths` of a v1beta1 object as v1beta2 has them; unusual versions become facts."""
    written: dict[str, str] = {}

    def up(ref: Any) -> Any:
        if not isinstance(ref, dict):
            return ref
        if not ref:
            return ABSENT
        group, _, version = str(ref.get("apiVersion", "")).rpartition("/")
        kind = str(ref.get("kind", ""))
        if version and version != usual_version(group, kind):
            written[f"{kind}.{group}"] = version
        gone = {"apiVersion", "kind", "name", "namespace", "uid", "resourceVersion", "fieldPath"}
        hub = {"apiGroup": group} if "apiVersion" in ref else {}
        hub |= {name: ref[name] for name in ("kind", "name") if name in ref}
        return hub | {name: value for name, value in ref.items() if name not in gone}

    for path in paths:
        obj = translated(obj, path, up)
    return with_facts(obj, {_FACT: written})


def refs_down(obj: Obj, paths: Sequence[Path]) -> Obj:
    """The references at `paths` of a v1beta2 object as v1beta1 has them, in the object's namespace."""
    written = _written(obj)
    obj, _ = take_facts(obj)
    namespace = find(obj, ("metadata", "namespace"))

    def down(ref: Any) -> Any:
        if not isinstance(ref, dict):
            return ref
        if not ref:
            return ABSENT
        group, kind = str(ref.get("apiGroup", "")), str(ref.get("kind", ""))
        spoke: dict[str, Any] = {}
        if "apiGroup" in ref:
            version = written.get(f"{kind}.{group}") or usual_version(group, kind)
            spoke["apiVersion"] = f"{group}/{version}" if group else version
        spoke |= {name: value for name, value in ref.items() if name != "apiGroup"}
        return spoke if namespace is ABSENT else spoke | {"namespace": namespace}

    for path in paths:
        obj = translated(obj, path, down)
    return obj


def with_served_versions(obj: Obj, paths: Sequence[Path], version_of: VersionOf) -> Obj:
    """`obj` of the hub, about to go down, with the versions that its references have by their definitions."""
    written = _written(obj)
    found: dict[str, str] = {}
    for path in paths:
        ref = find(obj, path)
        group, kind = (str(ref.get(part, "")) for part in ("apiGroup", "kind")) if isinstance(ref, dict) else ("", "")
        version = version_of(group, kind) if group and kind else ""
        if version and f"{kind}.{group}" not in written and version != usual_version(group, kind):
            found[f"{kind}.{group}"] = version
    if not found:
        return obj
    obj, facts = take_facts(obj)
    return with_facts(obj, {**facts, _FACT: {**written, **found}})


def with_written_versions(obj: Obj, spoke: Obj, paths: Sequence[Path], version_of: VersionOf) -> Obj:
    """`obj` of the hub that came up from `spoke`, with the versions that were written as facts, but for those that the
    definitions give anyway: they may change with them."""
    written: dict[str, str] = {}
    for path in paths:
        ref = find(spoke, path)
        group, _, version = str(ref.get("apiVersion", "")).rpartition("/") if isinstance(ref, dict) else ("", "", "")
        kind = str(ref.get("kind", "")) if isinstance(ref, dict) else ""
        if version and version != (version_of(group, kind) or usual_version(group, kind)):
            written[f"{kind}.{group}"] = version
    if written == _written(obj):
        return obj
    obj, facts = take_facts(obj)
    return with_facts(obj, {**facts, _FACT: written})


def _written(obj: Obj) -> dict[str, str]:
    written = take_facts(obj)[1].get(_FACT)
    return written if isinstance(written, dict) else {}


def template_ref_up(ref: Any) -> Any:
    """References that keep their version (health check templates): only apiVersion, kind and name remain."""
    if not isinstance(ref, dict):
        return ref
    gone = {"namespace", "uid", "resourceVersion", "fieldPath"}
    return {name: value for name, value in ref.items() if name not in gone} or ABSENT


def in_namespace(obj: Obj, paths: Sequence[str]) -> Obj:
    """A v1beta1 object whose references to templates are in its own namespace. `paths` are dotted; `[]` after a
    name stands for every item of a list."""
    namespace = find(obj, ("metadata", "namespace"))
    if namespace is ABSENT:
        return obj
    for path in paths:
        obj = _placed(obj, path.split("."), namespace)
    return obj


def _placed(part: Any, path: Sequence[str], namespace: str) -> Any:
    if not isinstance(part, dict):
        return part
    if not path:
        return {**part, "namespace": namespace}
    name, rest = path[0].removesuffix("[]"), path[1:]
    if name not in part:
        return part
    value = part[name]
    if path[0] == name:
        return {**part, name: _placed(value, rest, namespace)}
    items = [_placed(item, rest, namespace) for item in value] if isinstance(value, list) else value
    return {**part, name: items}


def node_ref_up(ref: Any) -> Any:
    """A Node by name: kind, version and uid are not kept."""
    if not isinstance(ref, dict):
        return ref
    gone = {"apiVersion", "kind", "namespace", "uid", "resourceVersion", "fieldPath"}
    return {name: value for name, value in ref.items() if name not in gone} or ABSENT


def node_ref_down(ref: Any) -> Any:
    if not isinstance(ref, dict) or not ref.get("name"):
        return ABSENT
    return replaced(replaced(ref, ("kind",), "Node"), ("apiVersion",), "v1")
