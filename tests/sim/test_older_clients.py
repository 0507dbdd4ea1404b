"""What clients of v1beta1 read of objects that the controllers wrote: the fields that they know, filled as ever."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.kinds import Kind
from capstan.api.objects import Obj
from capstan.api.rules.fields import value_at
from capstan.api.scheme import SCHEME
from capstan.apiserver.schemas import struct_validator
from tests.sim.homelab import HomeLab, documents, small

OLDER = ("v1beta1", "v1alpha1")
RESOURCES: list[Obj] = [
    {
        "apiVersion": "cluster.x-k8s.io/v1beta1",
        "kind": "MachineHealthCheck",
        "metadata": {"name": "workers", "namespace": "default"},
        "spec": {
            "clusterName": "homelab",
            "maxUnhealthy": "40%",
            "nodeStartupTimeout": "20m",
            "selector": {"matchLabels": {"cluster.x-k8s.io/deployment-name": "homelab-workers"}},
            "unhealthyConditions": [{"type": "Ready", "status": "Unknown", "timeout": "5m"}],
        },
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "addon", "namespace": "default"},
        "data": {"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: default}\n"},
    },
    {
        "apiVersion": "addons.cluster.x-k8s.io/v1beta1",
        "kind": "ClusterResourceSet",
        "metadata": {"name": "addons", "namespace": "default"},
        "spec": {
            "clusterSelector": {"matchExpressions": [{"key": "no-such-label", "operator": "DoesNotExist"}]},
            "resources": [{"kind": "ConfigMap", "name": "addon"}],
        },
    },
]


def manifests() -> list[Obj]:
    return [*small(documents(), 1, 1), *RESOURCES]


#: What a client of the older version looks at, when all is well: fields, and the conditions that it waits for.
FIELDS: dict[str, dict[str, Any]] = {
    "Cluster": {"infrastructureReady": True, "controlPlaneReady": True, "phase": "Provisioned"},
    "Machine": {"bootstrapReady": True, "infrastructureReady": True, "phase": "Running"},
    "MachineSet": {
        **dict.fromkeys(("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"), 1),
    },
    "MachineDeployment": {
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1),
        "unavailableReplicas": 0,
        "phase": "Running",
    },
    "MachineHealthCheck": {"expectedMachines": 1, "currentHealthy": 1, "remediationsAllowed": 0},
}
CONDITIONS = {
    "Cluster": ("Ready", "InfrastructureReady", "ControlPlaneReady", "ControlPlaneInitialized"),
    "Machine": ("Ready", "InfrastructureReady", "BootstrapReady", "NodeHealthy"),
    "MachineSet": ("Ready", "MachinesCreated", "MachinesReady", "Resized"),
    "MachineDeployment": ("Ready", "Available", "MachineSetReady"),
    "MachineHealthCheck": ("RemediationAllowed",),
    "ClusterResourceSet": ("ResourcesApplied",),
}
#: The newer conditions and counters, which the older version shows in a place of their own.
NEWER = {
    "Cluster": ("conditions", "controlPlane", "workers"),
    "Machine": ("conditions",),
    "MachineSet": ("conditions", "readyReplicas", "availableReplicas", "upToDateReplicas"),
    "MachineDeployment": ("conditions", "readyReplicas", "availableReplicas", "upToDateReplicas"),
    "MachineHealthCheck": ("conditions",),
    "ClusterResourceSet": ("conditions",),
}


@pytest.fixture(scope="module")
def views() -> dict[str, list[Obj]]:
    """Every object of a kind that has an older version, as its clients read it, by kind."""
    found: dict[str, list[Obj]] = {}

    async def scenario(lab: HomeLab) -> None:
        await lab.apply()

        async def settled() -> bool:
            if not await lab.is_ready(1, 1):
                return False
            (check,), sets = await lab.all("MachineHealthCheck"), await lab.all("ClusterResourceSetBinding")
            legacy = value_at(await lab.get("Cluster", "homelab"), "status.deprecated.v1beta1.conditions") or ()
            ready = [c["status"] for c in legacy if c["type"] == "Ready"]
            return value_at(check, "status.currentHealthy") == 1 and bool(sets) and ready == ["True"]

        await lab.until(settled)
        for kind in SCHEME.kinds:
            for version in kind.versions:
                if version.name in OLDER and not version.storage:
                    listed = await lab.world.plane.client.list(kind.resource(version.name))
                    found.setdefault(f"{kind.kind}/{version.name}", []).extend(listed.items)

    HomeLab(manifests=manifests()).run(scenario)
    return found


def of(views: dict[str, list[Obj]], kind: str) -> list[Obj]:
    found = views[f"{kind}/v1beta1"]
    assert found, f"there is no {kind}"
    return found


@pytest.mark.parametrize("kind", FIELDS)
def test_fields(views: dict[str, list[Obj]], kind: str) -> None:
    for obj in of(views, kind):
        assert {name: obj["status"].get(name) for name in FIELDS[kind]} == FIELDS[kind]


@pytest.mark.parametrize("kind", CONDITIONS)
def test_conditions(views: dict[str, list[Obj]], kind: str) -> None:
    for obj in of(views, kind):
        states = {c["type"]: (c["status"], c.get("reason"), c.get("severity")) for c in obj["status"]["conditions"]}
        # Conditions of the older kind that are True have neither a reason nor a severity.
        wanted = dict.fromkeys(CONDITIONS[kind], ("True", None, None))
        assert {type: states.get(type) for type in wanted} == wanted


@pytest.mark.parametrize("kind", NEWER)
def test_what_is_newer_has_a_place_of_its_own(views: dict[str, list[Obj]], kind: str) -> None:
    for obj in of(views, kind):
        assert set(NEWER[kind]) <= set(obj["status"]["v1beta2"])
        assert all(condition["reason"] for condition in obj["status"]["v1beta2"]["conditions"])
        assert "deprecated" not in obj["status"]


def test_references_have_a_version_and_a_namespace(views: dict[str, list[Obj]]) -> None:
    (cluster,), (written,) = of(views, "Cluster"), [d for d in documents() if d["kind"] == "Cluster"]
    for name in ("infrastructureRef", "controlPlaneRef"):
        # What was written stands.
        assert cluster["spec"][name] == written["spec"][name] | {"namespace": "default"}
    for machine in of(views, "Machine"):
        ref = machine["spec"]["infrastructureRef"]
        assert (ref["apiVersion"], ref["namespace"]) == ("infrastructure.cluster.x-k8s.io/v1alpha2", "default")
        node = machine["status"]["nodeRef"]
        assert (node["kind"], node["apiVersion"], bool(node["name"])) == ("Node", "v1", True)
    assert all(value_at(claim, "status.addressRef.name") for claim in of(views, "IPAddressClaim"))


@pytest.mark.parametrize("kind", [kind for kind in SCHEME.kinds if not kind.builtin], ids=lambda kind: kind.kind)
def test_what_is_read_is_what_the_older_schema_allows(views: dict[str, list[Obj]], kind: Kind) -> None:
    for version in kind.versions:
        for obj in views.get(f"{kind.kind}/{version.name}", ()):
            checked = struct_validator(version.struct).apply(obj, mode="Warn")
            assert (checked.causes, checked.warnings) == ((), ()), obj["metadata"]["name"]
            assert kind.convert(obj, kind.storage.name)["apiVersion"].endswith(kind.storage.name)
