"""Round trips between versions over everything that the CRD schemas allow."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from capstan.api.addons.conversion import convert_clusterresourceset, convert_clusterresourcesetbinding
from capstan.api.bootstrap.conversion import convert_talosconfig, convert_talosconfigtemplate
from capstan.api.cluster.conversion import (
    convert_cluster,
    convert_clusterclass,
    convert_machine,
    convert_machinedeployment,
    convert_machinedrainrule,
    convert_machinehealthcheck,
    convert_machinepool,
    convert_machineset,
)
from capstan.api.conversion import ABSENT, DATA_ANNOTATION, FACTS_ANNOTATION, Converter
from capstan.api.infrastructure.conversion import (
    convert_proxmoxcluster,
    convert_proxmoxclustertemplate,
    convert_proxmoxmachine,
    convert_proxmoxmachinetemplate,
)
from capstan.api.ipam.conversion import convert_inclusterippool, convert_ipaddress, convert_ipaddressclaim
from capstan.api.runtime.conversion import convert_extensionconfig
from capstan.api.scheme import SCHEME
from capstan.apiserver.schemas import struct_validator

CRDS = Path(__file__).resolve().parents[4] / "shared" / "data" / "crds"

KINDS: list[tuple[str, Converter, str]] = [
    ("clusters.cluster.x-k8s.io", convert_cluster, "v1beta1"),
    ("clusterclasses.cluster.x-k8s.io", convert_clusterclass, "v1beta1"),
    ("machines.cluster.x-k8s.io", convert_machine, "v1beta1"),
    ("machinesets.cluster.x-k8s.io", convert_machineset, "v1beta1"),
    ("machinedeployments.cluster.x-k8s.io", convert_machinedeployment, "v1beta1"),
    ("machinehealthchecks.cluster.x-k8s.io", convert_machinehealthcheck, "v1beta1"),
    ("machinedrainrules.cluster.x-k8s.io", convert_machinedrainrule, "v1beta1"),
    ("machinepools.cluster.x-k8s.io", convert_machinepool, "v1beta1"),
    ("clusterresourcesets.addons.cluster.x-k8s.io", convert_clusterresourceset, "v1beta1"),
    ("clusterresourcesetbindings.addons.cluster.x-k8s.io", convert_clusterresourcesetbinding, "v1beta1"),
    ("extensionconfigs.runtime.cluster.x-k8s.io", convert_extensionconfig, "v1alpha1"),
    ("proxmoxclusters.infrastructure.cluster.x-k8s.io", convert_proxmoxcluster, "v1alpha1"),
    ("proxmoxclustertemplates.infrastructure.cluster.x-k8s.io", convert_proxmoxclustertemplate, "v1alpha1"),
    ("proxmoxmachines.infrastructure.cluster.x-k8s.io", convert_proxmoxmachine, "v1alpha1"),
    ("proxmoxmachinetemplates.infrastructure.cluster.x-k8s.io", convert_proxmoxmachinetemplate, "v1alpha1"),
    ("talosconfigs.bootstrap.cluster.x-k8s.io", convert_talosconfig, "v1alpha3"),
    ("talosconfigtemplates.bootstrap.cluster.x-k8s.io", convert_talosconfigtemplate, "v1alpha3"),
    ("ipaddresses.ipam.cluster.x-k8s.io", convert_ipaddress, "v1beta1"),
    ("ipaddressclaims.ipam.cluster.x-k8s.io", convert_ipaddressclaim, "v1beta1"),
    ("ipaddressclaims.ipam.cluster.x-k8s.io", convert_ipaddressclaim, "v1alpha1"),
    ("inclusterippools.ipam.cluster.x-k8s.io", convert_inclusterippool, "v1alpha1"),
]
IDS = [f"{name.partition('.')[0]}-{spoke}" for name, _, spoke in KINDS]

if not CRDS.is_dir():
    pytest.skip("the CRD schemas (../shared/data/crds) are not beside this checkout", allow_module_level=True)


@cache
def crd(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CRDS / f"{name}.json").read_text())
    return loaded


WORDS = st.sampled_from(["a", "net0", "net1", "web", "default", "v1.34.0", "10.0.0.1"])
DURATIONS = st.sampled_from(["10s", "5m0s", "1h0m0s", "90s", "1.5h", "0s"])


def values(schema: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([0, 1, "30%"])
    kind = schema.get("type")
    if kind == "object":
        return objects(schema)
    if kind == "array":
        return lists(schema)
    if kind == "string":
        return strings(schema, name)
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), schema.get("maximum", 2**31 - 1))
    if kind == "boolean":
        return st.booleans()
    return st.sampled_from([{"any": "thing"}, ["x", 1], "text", 3, True])


def strings(schema: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    if name.lower().endswith("timeout"):
        return DURATIONS
    if name == "apiVersion":
        return st.sampled_from(["infrastructure.cluster.x-k8s.io/v1alpha1", "example.org/v7", "v1"])
    if schema.get("format") == "date-time":
        return st.just("2026-01-02T03:04:05Z")
    return WORDS if schema.get("minLength") or "pattern" in schema else WORDS | st.just("")


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "additionalProperties" in schema:
        return st.dictionaries(WORDS, values(schema["additionalProperties"], ""), max_size=2)
    properties = schema.get("properties", {})
    if not properties:
        return st.just({"opaque": 1})
    required = set(schema.get("required", ()))
    fields = {name: values(part, name) for name, part in properties.items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


def lists(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    items = values(schema["items"], "")
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        return st.lists(items, max_size=2, unique_by=lambda item: json.dumps([item.get(k) for k in keys]))
    return st.lists(items, max_size=2)


@cache
def stored(name: str, version: str) -> st.SearchStrategy[dict[str, Any]]:
    spec = crd(name)["spec"]
    schema = next(v for v in spec["versions"] if v["name"] == version)["schema"]["openAPIV3Schema"]
    parts = {key: part for key, part in schema["properties"].items() if key in ("spec", "status")}
    head = {"apiVersion": f"{spec['group']}/{version}", "kind": spec["names"]["kind"]}
    metadata = {"name": "x", "namespace": "ns", "annotations": {"kept": "yes"}}
    body = objects({"type": "object", "properties": parts, "required": ["spec"]})
    # Fields of a newer or another Cluster API than ours travel along, wherever no rule names them.
    unknown = st.fixed_dictionaries({}, optional={"fromTheFuture": st.just({"any": ["thing", 0, False, ""]})})

    def whole(drawn: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
        known, strange = drawn
        known = {**known, "spec": {**known["spec"], **strange}}
        return {**head, "metadata": metadata, **known}

    return st.tuples(body, unknown).map(whole)


def meaning(value: Any) -> Any:
    """A value without what says nothing: empty containers, zeros, false and empty strings."""
    if isinstance(value, dict):
        pruned = {name: meaning(part) for name, part in value.items()}
        return {name: part for name, part in pruned.items() if part not in (None, {}, [], "", 0, False)}
    if isinstance(value, list):
        return [meaning(part) for part in value]
    return value


MODEST = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("name", "convert", "spoke"), KINDS, ids=IDS)
def test_hub_to_spoke_and_back_loses_nothing(name: str, convert: Converter, spoke: str) -> None:
    @MODEST
    @given(stored(name, convert.hub))
    def check(hub: dict[str, Any]) -> None:
        before = json.dumps(hub)
        down = convert(hub, spoke)
        assert down["apiVersion"].endswith(f"/{spoke}")
        back = convert(down, convert.hub)
        assert DATA_ANNOTATION not in back["metadata"].get("annotations", {})
        if convert.remembers:
            assert back == hub
        else:
            assert meaning(back) == meaning(hub)
        assert json.dumps(hub) == before, "the input was changed in place"

    check()


def comparable(value: Any, kind: str, path: tuple[str, ...] = ()) -> Any:
    """A spoke's object without what the hub is said to drop, durations as seconds."""
    from capstan.api.cluster.conversion.durations import seconds_of

    if isinstance(value, dict):
        kept = {}
        for name, part in value.items():
            if is_dropped(name, kind, path, value):
                continue
            is_duration = name.lower().endswith("timeout") and isinstance(part, str)
            kept[name] = seconds_of(part) if is_duration else comparable(part, kind, (*path, name))
        return kept
    if isinstance(value, list):
        return [comparable(part, kind, path) for part in value]
    return value


def is_dropped(name: str, kind: str, path: tuple[str, ...], parent: dict[str, Any]) -> bool:
    if name in ("revisionHistoryLimit", "progressDeadlineSeconds", "definitionFrom", "talosConfig"):
        return True
    if kind.startswith("Proxmox") and name in ("failureReason", "failureMessage", "severity"):
        return True
    if name == "type" and path[-1:] == ("strategy",):
        return bool(parent[name] == "RollingUpdate")  # v1beta2 demands the type; only rolling updates have parameters
    if name == "rolloutAfter":
        return path[-1:] == ("topology",)
    in_reference = name in ("uid", "resourceVersion", "fieldPath", "namespace") and path[-1].endswith(
        ("Ref", "ref", "remediationTemplate")
    )
    node_ref = path[-1:] == ("nodeRef",)
    return in_reference or (node_ref and (name != "name" or not parent.get("name")))


#: An explicit false or 0 of a spoke that is no more than nothing: the hub has pointers there, or no zeros (14.1).
NOTHING_SAID: dict[str, tuple[str, ...]] = {
    "Cluster": (
        "spec/paused",
        "spec/clusterNetwork/apiServerPort",
        "spec/controlPlaneEndpoint/port",
        "status/failureDomains/*/controlPlane",
        "status/infrastructureReady",
        "status/controlPlaneReady",
    ),
    "ClusterClass": (
        "spec/patches/definitions/selector/matchResources/controlPlane",
        "spec/patches/definitions/selector/matchResources/infrastructureCluster",
        "*/openAPIV3Schema*/exclusiveMaximum",
        "*/openAPIV3Schema*/exclusiveMinimum",
        "*/openAPIV3Schema*/uniqueItems",
        "*/openAPIV3Schema*/x-kubernetes-int-or-string",
        "*/openAPIV3Schema*/x-kubernetes-preserve-unknown-fields",
        "status/variables/definitionsConflict",
    ),
    "Machine": ("status/bootstrapReady", "status/infrastructureReady"),
    "MachineSet": ("spec/minReadySeconds",),
    "MachineDeployment": ("spec/paused",),
    "MachinePool": ("status/bootstrapReady", "status/infrastructureReady"),
    "MachineHealthCheck": ("status/expectedMachines", "status/currentHealthy", "status/remediationsAllowed"),
    "ProxmoxCluster": ("status/ready",),
    "ProxmoxMachine": ("status/ready",),
    "TalosConfig": ("status/ready",),
}
#: Fields that a spoke always has, so that nothing comes back as false, 0 or an empty object.
ALWAYS_THERE: dict[str, tuple[str, ...]] = {
    "Cluster": ("status/infrastructureReady", "status/controlPlaneReady"),
    "Machine": ("status/bootstrapReady", "status/infrastructureReady"),
    "MachineSet": (
        "spec/template",
        "spec/template/spec",
        "status/fullyLabeledReplicas",
        "status/readyReplicas",
        "status/availableReplicas",
    ),
    "MachineDeployment": (
        "spec/template/spec",
        *(f"status/{name}Replicas" for name in ("updated", "ready", "available", "unavailable")),
    ),
    "MachinePool": (
        "spec/template/spec",
        "status/bootstrapReady",
        "status/infrastructureReady",
        *(f"status/{name}Replicas" for name in ("ready", "available", "unavailable")),
    ),
    "MachineHealthCheck": ("status/expectedMachines", "status/currentHealthy", "status/remediationsAllowed"),
    "ProxmoxMachine": ("spec/metadataSettings/providerIDInjection", "status/network/connected"),
    "ProxmoxMachineTemplate": ("spec/template/spec/metadataSettings/providerIDInjection",),
}


def losses(kind: str, before: Any, after: Any, path: str) -> list[str]:
    """What differs between what was written and what came back, but for what the tables above name."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = {*before, *after}
        return [
            loss
            for n in sorted(names)
            for loss in losses(kind, before.get(n, ABSENT), after.get(n, ABSENT), f"{path}/{n}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [loss for one, other in zip(before, after, strict=True) for loss in losses(kind, one, other, path)]
    if type(before) is type(after) and before == after:
        return []
    if after is ABSENT and (meaning(before) in ({}, [], "") or is_named(path, NOTHING_SAID.get(kind, ()), before)):
        return []
    if before is ABSENT and meaning(after) in ({}, [], 0, False) and is_named(path, ALWAYS_THERE.get(kind, ()), 0):
        return []
    return [f"{path}: {before!r} came back as {after!r}"]


def is_named(path: str, patterns: tuple[str, ...], value: Any) -> bool:
    everywhere = ("status/observedGeneration",)
    return value in (0, False) and any(fnmatchcase(path, pattern) for pattern in (*patterns, *everywhere))


def check_spoke(name: str, convert: Converter, spoke: str, examples: int) -> None:
    @settings(MODEST, max_examples=examples)
    @given(stored(name, spoke))
    def check(written: dict[str, Any]) -> None:
        before = json.dumps(written)
        # The older version says net0 in another place, and refuses it there: it is the default device.
        assume('"name": "net0"' not in before)
        # Beyond 32 bits the older version has no numbers, whatever its bounds are.
        assume("4294967295" not in before)
        hub = convert(written, convert.hub)
        back = convert(hub, spoke)
        annotations = dict(back["metadata"]["annotations"])
        annotations.pop(DATA_ANNOTATION, None)
        assert annotations == {"kept": "yes"}, FACTS_ANNOTATION
        kind = written["kind"]
        for part in ("spec", "status"):
            told, came = (comparable(obj.get(part, {}), kind, (part,)) for obj in (written, back))
            assert losses(kind, told, came, part) == []
        assert json.dumps(written) == before, "the input was changed in place"

    check()


@pytest.mark.parametrize(("name", "convert", "spoke"), KINDS, ids=IDS)
def test_spoke_to_hub_and_back_loses_only_what_is_said(name: str, convert: Converter, spoke: str) -> None:
    check_spoke(name, convert, spoke, 40)


@pytest.mark.full
@pytest.mark.parametrize(("name", "convert", "spoke"), KINDS, ids=IDS)
def test_spoke_to_hub_and_back_with_many_examples(name: str, convert: Converter, spoke: str) -> None:
    check_spoke(name, convert, spoke, 2000)


#: Who writes the hub's data into the older version's view (14.1).
REMEMBERS = {
    "clusters.cluster.x-k8s.io": True,
    "clusterclasses.cluster.x-k8s.io": True,
    "machines.cluster.x-k8s.io": True,
    "machinedeployments.cluster.x-k8s.io": True,
    "machinehealthchecks.cluster.x-k8s.io": True,
    "machinepools.cluster.x-k8s.io": True,
    "machinesets.cluster.x-k8s.io": False,
    "machinedrainrules.cluster.x-k8s.io": False,
}


@pytest.mark.parametrize(("name", "remembers"), REMEMBERS.items(), ids=list(REMEMBERS))
def test_the_data_annotation_is_written_as_the_kind_says(name: str, remembers: bool) -> None:
    convert = next(convert for known, convert, _ in KINDS if known == name)

    @MODEST
    @given(stored(name, "v1beta2"))
    def check(hub: dict[str, Any]) -> None:
        stale = {**hub, "metadata": {**hub["metadata"], "annotations": {"kept": "yes", DATA_ANNOTATION: "{}"}}}
        down = convert(stale if remembers else hub, "v1beta1")
        written = down["metadata"]["annotations"].get(DATA_ANNOTATION)
        assert (written is not None) == remembers
        if written is not None:
            assert json.loads(written) == {part: hub[part] for part in ("spec", "status") if part in hub}
            assert "metadata" not in json.loads(written), "metadata is not the annotation's to keep"

    check()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("clusters.cluster.x-k8s.io", ("spec", "paused")),
        ("machinedeployments.cluster.x-k8s.io", ("spec", "paused")),
        ("clusters.cluster.x-k8s.io", ("status", "initialization", "infrastructureProvisioned")),
        ("clusters.cluster.x-k8s.io", ("status", "initialization", "controlPlaneInitialized")),
        ("machines.cluster.x-k8s.io", ("status", "initialization", "bootstrapDataSecretCreated")),
        ("machines.cluster.x-k8s.io", ("status", "initialization", "infrastructureProvisioned")),
        ("machinepools.cluster.x-k8s.io", ("status", "initialization", "bootstrapDataSecretCreated")),
        ("machinepools.cluster.x-k8s.io", ("status", "initialization", "infrastructureProvisioned")),
        ("machinehealthchecks.cluster.x-k8s.io", ("status", "expectedMachines")),
        ("machinehealthchecks.cluster.x-k8s.io", ("status", "remediationsAllowed")),
    ],
)
@pytest.mark.parametrize("value", [None, False, True])
def test_an_explicit_no_is_not_the_same_as_nothing(name: str, path: tuple[str, ...], value: bool | None) -> None:
    """Intent-sensitive fields: false and 0 come back as they were written, and nothing comes back as nothing."""
    convert = next(convert for known, convert, _ in KINDS if known == name)
    kind = crd(name)["spec"]["names"]["kind"]
    part: Any = value
    if value is not None and kind == "MachineHealthCheck":
        part = int(value)
    leaf: dict[str, Any] = {} if value is None else {path[-1]: part}
    for step in reversed(path[:-1]):
        leaf = {step: leaf} if leaf else {}
    hub = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": "x"}, "spec": {}, **leaf}
    down = convert(hub, "v1beta1")
    assert convert(down, "v1beta2") == hub
    # A client of the old version that knows no annotation can only say yes.
    forgetful = {**down, "metadata": {"name": "x"}}
    found: Any = convert(forgetful, "v1beta2")
    for step in path:
        found = found.get(step, {}) if isinstance(found, dict) else {}
    assert found == (part if value else {})


def unknown_fields(obj: dict[str, Any]) -> list[str]:
    """The fields of an object that the schema of its version does not have, but for those that were strange before."""
    group, _, version = obj["apiVersion"].rpartition("/")
    kind = SCHEME.by_kind(group, obj["kind"])
    known = kind.version(version) if kind is not None else None
    assert known is not None
    warnings = struct_validator(known.struct).apply(obj, mode="Warn").warnings
    return [warning for warning in warnings if "fromTheFuture" not in warning]


@pytest.mark.parametrize(("name", "convert", "spoke"), KINDS, ids=IDS)
@pytest.mark.parametrize("way", ["up", "down"])
def test_nothing_is_left_where_the_other_version_has_no_field(
    name: str, convert: Converter, spoke: str, way: str
) -> None:
    before, after = (spoke, convert.hub) if way == "up" else (convert.hub, spoke)

    @settings(MODEST, max_examples=15)
    @given(stored(name, before))
    def check(written: dict[str, Any]) -> None:
        assert unknown_fields(written) == []
        assert unknown_fields(convert(written, after)) == []

    check()


def test_a_device_keeps_both_of_its_pools_though_another_has_one_of_them_for_ipv6() -> None:
    pool = {"apiGroup": "ipam.cluster.x-k8s.io", "kind": "InClusterIPPool", "name": "a"}
    devices = [
        {"name": "net1", "bridge": "vmbr1", "ipv4PoolRef": pool, "ipv6PoolRef": {**pool, "name": "b"}},
        {"name": "net2", "bridge": "vmbr2", "ipv6PoolRef": pool},
    ]
    written = {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1",
        "kind": "ProxmoxMachine",
        "metadata": {"name": "x"},
        "spec": {"network": {"default": {"bridge": "vmbr0"}, "additionalDevices": devices}},
    }
    back = convert_proxmoxmachine(convert_proxmoxmachine(written, "v1alpha2"), "v1alpha1")
    assert back["spec"]["network"]["additionalDevices"] == devices
