"""The contract table of Cluster API path by path (13.2): what stands there in an object of a foreign provider is what
the core reads, in the contract version that has it there, and nothing is read from the other version's path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules import contract
from capstan.api.rules.contract import Domain, External

BOTH = ("v1beta1", "v1beta2")
GROUP = "example.org"

Read = Callable[[External], Any]


def counter(name: str) -> Read:
    return lambda found: getattr(contract.control_plane_counters(found), name)


#: Who reports it, the path, the contracts that have it there, what stands there, what reads it, what is read.
PATHS: list[tuple[str, str, tuple[str, ...], Any, Read, Any]] = [
    ("InfraCluster", "status.initialization.provisioned", ("v1beta2",), True, contract.is_provisioned, True),
    ("InfraCluster", "status.ready", ("v1beta1",), True, contract.is_provisioned, True),
    (
        "InfraCluster",
        "spec.controlPlaneEndpoint",
        BOTH,
        {"host": "h", "port": 6443},
        contract.control_plane_endpoint,
        ("h", 6443),
    ),
    (
        "InfraCluster",
        "status.failureDomains",
        BOTH,
        [{"name": "a", "controlPlane": True, "attributes": {"x": "y"}}],
        lambda found: [(domain.name, domain.control_plane) for domain in contract.failure_domains(found)],
        [("a", True)],
    ),
    (
        "InfraCluster",
        "status.failureDomains",
        BOTH,
        {"a": {"controlPlane": True}},
        contract.failure_domains,
        (Domain("a", True),),
    ),
    ("InfraMachine", "spec.providerID", BOTH, "x://1", contract.provider_id, "x://1"),
    ("InfraMachine", "status.initialization.provisioned", ("v1beta2",), True, contract.is_provisioned, True),
    ("InfraMachine", "status.ready", ("v1beta1",), True, contract.is_provisioned, True),
    ("InfraMachine", "status.failureDomain", BOTH, "a", contract.placed_failure_domain, "a"),
    ("InfraMachine", "spec.failureDomain", BOTH, "a", contract.wished_failure_domain, "a"),
    (
        "InfraMachine",
        "status.addresses",
        BOTH,
        [{"type": "InternalIP", "address": "10.0.0.1"}],
        contract.addresses,
        (("InternalIP", "10.0.0.1"),),
    ),
    ("InfraMachine", "status.interruptible", BOTH, True, contract.is_interruptible, True),
    ("BootstrapConfig", "status.dataSecretName", BOTH, "s", contract.data_secret_name, "s"),
    (
        "BootstrapConfig",
        "status.initialization.dataSecretCreated",
        ("v1beta2",),
        True,
        contract.is_data_secret_created,
        True,
    ),
    ("BootstrapConfig", "status.ready", ("v1beta1",), True, contract.is_data_secret_created, True),
    (
        "ControlPlane",
        "status.initialization.controlPlaneInitialized",
        ("v1beta2",),
        True,
        contract.is_control_plane_initialized,
        True,
    ),
    ("ControlPlane", "status.initialized", ("v1beta1",), True, contract.is_control_plane_initialized, True),
    (
        "ControlPlane",
        "spec.controlPlaneEndpoint",
        BOTH,
        {"host": "h", "port": 6443},
        contract.control_plane_endpoint,
        ("h", 6443),
    ),
    ("ControlPlane", "spec.replicas", BOTH, 3, counter("desired"), 3),
    ("ControlPlane", "status.replicas", BOTH, 3, counter("replicas"), 3),
    ("ControlPlane", "status.readyReplicas", BOTH, 2, counter("ready"), 2),
    ("ControlPlane", "status.availableReplicas", ("v1beta2",), 2, counter("available"), 2),
    ("ControlPlane", "status.upToDateReplicas", ("v1beta2",), 1, counter("up_to_date"), 1),
    ("ControlPlane", "status.updatedReplicas", ("v1beta1",), 1, counter("up_to_date"), 1),
    ("ControlPlane", "spec.version", BOTH, "v1.34.0", contract.wished_version, "v1.34.0"),
    ("ControlPlane", "status.version", BOTH, "v1.33.0", contract.reported_versions, (("v1.33.0", None),)),
    (
        "ControlPlane",
        "status.versions",
        BOTH,
        [{"version": "v1.33.0", "replicas": 2}],
        contract.reported_versions,
        (("v1.33.0", 2),),
    ),
    ("ControlPlane", "status.externalManagedControlPlane", BOTH, True, contract.is_externally_managed, True),
    (
        "any",
        "status.failureReason",
        BOTH,
        "Broken",
        lambda found: contract.failure(found)[0],
        "Broken",
    ),
]
IDS = [f"{kind} {path} {type(value).__name__}" for kind, path, _, value, _, _ in PATHS]


def external(version: str, path: str, value: Any) -> External:
    obj: Any = value
    for name in reversed(path.split(".")):
        obj = {name: obj}
    whole: Obj = {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": {"name": "a", "uid": "u"}, **obj}
    return External(GroupKind(GROUP, "Thing"), "a", Resource(GROUP, "v1", "things", "Thing"), version, whole)


@pytest.mark.parametrize(("kind", "path", "versions", "value", "read", "expected"), PATHS, ids=IDS)
def test_what_stands_at_a_path_is_read(
    kind: str, path: str, versions: tuple[str, ...], value: Any, read: Read, expected: Any
) -> None:
    nothing = read(external("v1beta2", "metadata.labels", {}))
    assert nothing != expected
    for version in BOTH:
        found = read(external(version, path, value))
        assert (found == expected) is (version in versions), f"{kind} {path} in {version}: {found}"


def test_unavailable_replicas_are_counted_from_the_wish() -> None:
    fields = {"replicas": 3}
    found = external("v1beta1", "spec", fields)
    assert found.object is not None
    found.object["status"] = {"unavailableReplicas": 1}
    assert contract.control_plane_counters(found).available == 2


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v1beta2", "status.conditions"),
        ("v1beta1", "status.v1beta2.conditions"),
        ("v1beta2", "status.v1beta2.conditions"),
    ],
)
def test_the_ready_condition_is_found_at_its_path(version: str, path: str) -> None:
    told = {
        "type": "Ready",
        "status": "False",
        "reason": "Waits",
        "message": "no disk",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    found = external(version, path, [told])
    assert [(c.type, c.message) for c in contract.conditions_of(found.object)] == [("Ready", "no disk")]
