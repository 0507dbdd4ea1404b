"""What a Cluster takes over from its infra cluster and its control plane, case by case (1.2)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.unit.controllers.cluster.test_conditions import (
    DONE,
    NO_REFS,
    TOPOLOGY,
    missing,
    provider,
    seen,
    snapshot,
    unreadable,
)

from capstan.api.cluster.cluster import Cluster
from capstan.api.objects import Obj
from capstan.api.rules.contract import External
from capstan.controllers.cluster.plan.progress import plan_ownership, with_endpoint
from capstan.controllers.cluster.snapshot import ClusterSnapshot

PROVISIONED: Obj = {"initialization": {"provisioned": True}}
INITIALIZED: Obj = {"initialization": {"controlPlaneInitialized": True}}
THERE: Obj = {"controlPlaneEndpoint": {"host": "1.2.3.4", "port": 8443}}
OWN: Obj = {"controlPlaneEndpoint": {"host": "own.example", "port": 443}}
GOING = {"name": "homelab", "uid": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"}


def after(found: ClusterSnapshot) -> Cluster:
    """Once spec and status are written."""
    return seen(dataclasses.replace(found, cluster=with_endpoint(found)))


def taken(found: ClusterSnapshot) -> tuple[bool | None, bool | None, str, int]:
    """Provisioned, initialized, host and port."""
    cluster = after(found)
    reached, endpoint = cluster.status.initialization, cluster.spec.control_plane_endpoint
    return reached.infrastructure_provisioned, reached.control_plane_initialized, endpoint.host, endpoint.port or 0


def infra(**fields: Any) -> External:
    return provider("LabCluster", **fields)


def plane(**fields: Any) -> External:
    return provider("LabControlPlane", **fields)


HAS_REFS: Obj = {"availabilityGates": None}


def of(spec: Obj | None = None, **parts: Any) -> ClusterSnapshot:
    """With both providers, of which neither has got anywhere, unless they are given."""
    parts = {"infrastructure": infra(), "control_plane": plane(), **parts}
    return snapshot(spec={**HAS_REFS, **(spec or {})}, **parts)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(spec=NO_REFS), (True, None, "", 0)),
        (snapshot(spec=TOPOLOGY), (None, None, "", 0)),
        (of(infrastructure=missing("LabCluster")), (None, None, "", 0)),
        (of(infrastructure=missing("LabCluster"), status=DONE), (True, True, "", 0)),
        (of(infrastructure=unreadable("LabCluster")), (None, None, "", 0)),
        (of(infrastructure=missing("LabCluster"), deleting=True), (None, None, "", 0)),
        (of(), (None, None, "", 0)),
        (of(infrastructure=infra(spec=THERE)), (None, None, "", 0)),
        (of(infrastructure=infra(status=PROVISIONED)), (True, None, "", 0)),
        (of(infrastructure=infra(status={"ready": True}, contract="v1beta1")), (True, None, "", 0)),
        (of(infrastructure=infra(status=PROVISIONED, spec=THERE)), (True, None, "1.2.3.4", 8443)),
        (of(OWN, infrastructure=infra(status=PROVISIONED, spec=THERE)), (True, None, "own.example", 443)),
        (of(infrastructure=infra(spec=THERE), status=DONE), (True, True, "1.2.3.4", 8443)),
        (of(infrastructure=infra(status=PROVISIONED, spec=THERE, metadata=GOING)), (None, None, "", 0)),
        (of(control_plane=missing("LabControlPlane")), (None, None, "", 0)),
        (of(control_plane=missing("LabControlPlane"), status=DONE), (True, True, "", 0)),
        (of(control_plane=unreadable("LabControlPlane")), (None, None, "", 0)),
        (of(control_plane=plane(spec=THERE)), (None, None, "", 0)),
        (of(control_plane=plane(status=INITIALIZED)), (None, True, "", 0)),
        (of(control_plane=plane(status={"initialized": True}, contract="v1beta1")), (None, True, "", 0)),
        (of(control_plane=plane(status=INITIALIZED, spec=THERE)), (None, True, "1.2.3.4", 8443)),
        (of(OWN, control_plane=plane(status=INITIALIZED, spec=THERE)), (None, True, "own.example", 443)),
        (of(OWN, control_plane=plane(spec=THERE), status=DONE), (True, True, "own.example", 443)),
        (of(control_plane=plane(status=INITIALIZED, spec=THERE, metadata=GOING)), (None, None, "", 0)),
        (
            of(
                infrastructure=infra(status=PROVISIONED, spec=THERE),
                control_plane=plane(status=INITIALIZED, spec=OWN),
            ),
            (True, True, "1.2.3.4", 8443),
        ),
        (
            of(infrastructure=infra(status=PROVISIONED, spec={"controlPlaneEndpoint": {"host": "1.2.3.4"}})),
            (True, None, "", 0),
        ),
    ],
)
def test_what_is_taken_over(found: ClusterSnapshot, expected: tuple[bool | None, bool | None, str, int]) -> None:
    assert taken(found) == expected


NEW = [{"name": "newdomain", "controlPlane": False}]
OLD = {"failureDomains": [{"name": "olddomain", "controlPlane": False}]}


@pytest.mark.parametrize(
    ("status", "infrastructure", "domains"),
    [
        ({}, infra(status=PROVISIONED), []),
        (OLD, infra(status=PROVISIONED), []),
        (OLD, infra(status={**PROVISIONED, **OLD}), ["olddomain"]),
        (OLD, infra(status={**PROVISIONED, "failureDomains": NEW}), ["newdomain"]),
        (
            {},
            infra(status={**PROVISIONED, "failureDomains": [{"name": "b"}, *NEW, {"name": "a"}]}),
            ["a", "b", "newdomain"],
        ),
        (OLD, infra(status={"ready": True, "failureDomains": {"z": {}, "y": {}}}, contract="v1beta1"), ["y", "z"]),
        (OLD, infra(status={"failureDomains": NEW}), ["olddomain"]),
        (OLD, infra(status={**PROVISIONED, "failureDomains": NEW}, metadata=GOING), ["olddomain"]),
        (OLD, missing("LabCluster"), ["olddomain"]),
    ],
)
def test_failure_domains(status: Obj, infrastructure: External, domains: list[str]) -> None:
    found = after(of(infrastructure=infrastructure, status=status)).status.failure_domains
    assert [domain.name for domain in found] == domains


@pytest.mark.parametrize(("topology", "controller"), [(True, True), (False, False)])
def test_providers_belong_to_their_cluster(topology: bool, controller: bool) -> None:
    spec = {"topology": TOPOLOGY["topology"]} if topology else {}
    for update in plan_ownership(of(spec)):
        assert isinstance(update.after, dict)
        (ref,) = update.after["metadata"]["ownerReferences"]
        assert (ref["kind"], ref.get("controller", False)) == ("Cluster", controller)
        assert update.after["metadata"]["labels"] == {"cluster.x-k8s.io/cluster-name": "homelab"}
    assert len(list(plan_ownership(of(spec)))) == 2
