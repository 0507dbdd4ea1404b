"""What is read from provider objects, in both contract versions; and templates cloned."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from capstan.api.meta import OwnerReference
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules import contract
from capstan.api.rules.contract import Counters, Domain, External, InvalidConditionError, clone_template, conditions_of
from capstan.api.rules.progress import Mirrored, external_condition

GROUP = "infrastructure.cluster.x-k8s.io"
FAILED = f'Failure detected from referenced resource {GROUP}/v1, Kind=Thing with name "a": m'


def external(version: str = "v1beta2", **fields: Obj) -> External:
    obj = {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": {"name": "a", "uid": "u"}, **fields}
    return External(GroupKind(GROUP, "Thing"), "a", Resource(GROUP, "v1", "things", "Thing"), version, obj)


@pytest.mark.parametrize(
    ("read", "version", "status"),
    [
        (contract.is_provisioned, "v1beta2", {"initialization": {"provisioned": True}}),
        (contract.is_provisioned, "v1beta1", {"ready": True}),
        (contract.is_data_secret_created, "v1beta2", {"initialization": {"dataSecretCreated": True}}),
        (contract.is_data_secret_created, "v1beta1", {"ready": True}),
        (contract.is_control_plane_initialized, "v1beta2", {"initialization": {"controlPlaneInitialized": True}}),
        (contract.is_control_plane_initialized, "v1beta1", {"initialized": True}),
    ],
)
def test_flags_stand_where_their_contract_has_them(read, version, status) -> None:  # type: ignore[no-untyped-def]
    other = "v1beta1" if version == "v1beta2" else "v1beta2"
    assert read(external(version, status=status))
    assert not read(external(other, status=status))
    assert not read(external(version))
    assert not read(External(GroupKind(GROUP, "Thing"), "a"))


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2"])
@pytest.mark.parametrize(
    ("read", "fields", "expected", "unreported"),
    [
        (contract.provider_id, {"spec": {"providerID": "x://1"}}, "x://1", ""),
        (contract.data_secret_name, {"status": {"dataSecretName": "s"}}, "s", ""),
        (contract.wished_failure_domain, {"spec": {"failureDomain": "a"}}, "a", None),
        (contract.placed_failure_domain, {"status": {"failureDomain": "b"}}, "b", None),
        (contract.is_interruptible, {"status": {"interruptible": True}}, True, False),
        (contract.is_externally_managed, {"status": {"externalManagedControlPlane": True}}, True, False),
        (contract.failure, {"status": {"failureReason": "R", "failureMessage": "m"}}, ("R", FAILED), ("", "")),
        (contract.wished_version, {"spec": {"version": "v1.34.0"}}, "v1.34.0", ""),
        (
            contract.addresses,
            {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname"}]}},
            (("InternalIP", "10.0.0.1"), ("Hostname", "")),
            None,
        ),
        (
            contract.reported_versions,
            {"status": {"version": "v1", "versions": [{"version": "v2", "replicas": 1}, {"version": "v3"}]}},
            (("v2", 1), ("v3", None)),
            (),
        ),
    ],
)
def test_paths_that_both_contracts_share(  # type: ignore[no-untyped-def]
    read, fields, expected, unreported, version: str
) -> None:
    assert read(external(version, **fields)) == expected
    assert read(external(version)) == unreported
    # What has another type than the contract says counts as not reported.
    wrong = {part: dict.fromkeys(inner, 7) for part, inner in fields.items()}
    assert read(external(version, **wrong)) == unreported


@pytest.mark.parametrize(
    "reported", [{"b": {"controlPlane": True}, "a": {}}, [{"name": "b", "controlPlane": True}, {"name": "a"}]]
)
def test_failure_domains_are_sorted_from_a_map_or_a_list(reported: object) -> None:
    found = external(status={"failureDomains": reported})
    assert contract.failure_domains(found) == (Domain("a"), Domain("b", True))


def test_endpoint_needs_host_and_port() -> None:
    assert contract.control_plane_endpoint(external(spec={"controlPlaneEndpoint": {"host": "", "port": 0}})) is None
    assert contract.control_plane_endpoint(external(spec={"controlPlaneEndpoint": {"host": "h", "port": 1}})) == (
        "h",
        1,
    )


def test_counters_of_both_contracts() -> None:
    new = external(spec={"replicas": 3}, status={"replicas": 3, "availableReplicas": 2, "upToDateReplicas": 1})
    assert contract.control_plane_counters(new) == Counters(3, 3, None, 2, 1)
    old = external(
        "v1beta1", spec={"replicas": 3}, status={"unavailableReplicas": 5, "updatedReplicas": 2, "version": "v1.34.0"}
    )
    assert contract.control_plane_counters(old) == Counters(3, None, None, 0, 2, (("v1.34.0", None),))


@pytest.mark.parametrize(
    ("wished", "status", "expected"),
    [
        ("v1.34.0", {}, False),
        ("v1.34.0", {"version": "v1.34.0"}, False),
        ("v1.34.0", {"version": "v1.33.9"}, True),
        ("v1.34.0", {"version": "v1.34.0-rc.1"}, True),
        ("v1.34.0-rc.10", {"version": "v1.34.0-rc.9"}, True),
        ("v1.34.0", {"version": "v1.35.0"}, False),
        ("v1.34.0+2", {"version": "v1.34.0+1"}, True),
        ("v1.34.0+1", {"version": "v1.34.0+2"}, False),
        ("v1.34.0+a", {"version": "v1.34.0+b"}, True),
        ("v1.34.0+c", {"versions": [{"version": "v1.34.0+a"}, {"version": "v1.34.0+b"}]}, True),
        ("v1.34.0", {"versions": [{"version": "v1.33.9"}, {"version": "v1.34.0"}]}, True),
        ("v1.33.9", {"versions": [{"version": "v1.34.0", "replicas": 1}]}, False),
        ("v1.34.0", {"version": ""}, False),
        ("v1.34.0", {"versions": [{"version": "no version"}]}, False),
        ("v1.34.0", {"version": "v1.33.0", "versions": [{"version": "v1.34.0"}]}, False),
        ("v1.34.0", {"versions": [{"version": "v1.34.0"}, {"version": "v1.33.0", "replicas": 0}]}, True),
        ("", {"version": "v1.34.0"}, False),
    ],
)
def test_a_control_plane_that_is_upgrading(wished: str, status: Obj, expected: bool) -> None:
    assert contract.is_upgrading(external(spec={"version": wished}, status=status)) is expected


def test_conditions_of_the_newer_kind_come_first() -> None:
    newer = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    older = {"type": "Ready", "status": "False", "reason": "X"}
    (found,) = conditions_of(external(status={"conditions": [older], "v1beta2": {"conditions": [newer]}}).object)
    assert (found.status, found.reason) == ("True", "NoReasonReported")
    assert found.last_transition_time == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "status",
    [{}, {"conditions": None}, {"conditions": []}, {"conditions": "x"}, {"v1beta2": {}}, {"conditions": ["x", None]}],
)
def test_nothing_is_reported(status: Obj) -> None:
    assert conditions_of(external(status=status).object) == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"type": "Ready"}, "status must be set for the Ready condition"),
        ({"status": "True"}, "type must be set for all conditions"),
        (
            {"type": "Ready", "status": "Perhaps"},
            "status for the Ready condition must be one of True, False, Unknown",
        ),
        (
            {"type": "Ready", "status": "True", "lastTransitionTime": "yesterday"},
            "failed to unmarshal lastTransitionTime value: yesterday",
        ),
    ],
)
def test_what_is_reported_wrongly_is_said(entry: Obj, problem: str) -> None:
    for status, path in (
        ({"conditions": [entry]}, "status.conditions"),
        ({"v1beta2": {"conditions": [entry]}, "conditions": []}, "status.v1beta2.conditions"),
    ):
        with pytest.raises(InvalidConditionError) as told:
            conditions_of(external(status=status).object)
        assert str(told.value) == f"failed to convert {path} from Thing to []metav1.Condition: {problem}"


def test_a_time_may_be_empty() -> None:
    entry = {"type": "Ready", "status": "False", "lastTransitionTime": ""}
    (found,) = conditions_of(external(status={"conditions": [entry]}).object)
    assert (found.reason, found.last_transition_time) == ("NoReasonReported", None)


def test_cloning_a_template() -> None:
    template = external(
        spec={"template": {"metadata": {"labels": {"a": "1", "b": "1"}, "annotations": {"x": "1"}}, "spec": {"n": 2}}}
    )
    owner = OwnerReference(api_version="v1", kind="K", name="o", uid="u", controller=True)
    made = clone_template(
        template,
        Resource(GROUP, "v2", "machines", "LabMachine"),
        name="m",
        namespace="ns",
        cluster_name="home",
        labels={"b": "2"},
        annotations={"y": "2"},
        owner=owner,
    )
    assert made["apiVersion"] == f"{GROUP}/v2"
    assert made["kind"] == "LabMachine"
    assert made["spec"] == {"n": 2}
    meta = made["metadata"]
    assert meta["labels"] == {"a": "1", "b": "2", "cluster.x-k8s.io/cluster-name": "home"}
    assert meta["annotations"] == {
        "x": "1",
        "y": "2",
        "cluster.x-k8s.io/cloned-from-name": "a",
        "cluster.x-k8s.io/cloned-from-groupkind": f"Thing.{GROUP}",
    }
    assert meta["ownerReferences"] == [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "u", "controller": True}]


def test_a_template_that_has_nothing_gives_an_object_that_has_nothing() -> None:
    made = clone_template(
        external(),
        Resource(GROUP, "v2", "machines", "LabMachine"),
        name="m",
        namespace="ns",
        cluster_name="home",
        labels={},
        annotations={},
    )
    assert "spec" not in made
    assert "ownerReferences" not in made["metadata"]
    assert (made["kind"], made["metadata"]["name"], made["metadata"]["namespace"]) == ("LabMachine", "m", "ns")


RULE = Mirrored("InfrastructureReady", "Ready", "Ready", "NotReady", "status.initialization.provisioned", "cluster")
READY = {"type": "Ready", "status": "True"}
BROKEN = {"type": "Ready", "status": "False", "reason": "NoRoom", "message": "full"}


@pytest.mark.parametrize(
    ("found", "flags", "expected"),
    [
        (external(), (False, False, False), ("False", "NotReady", "Thing status.initialization.provisioned is false")),
        (external(), (True, False, False), ("True", "Ready", "")),
        (external(status={"conditions": [READY]}), (True, False, False), ("True", "Ready", "")),
        (external(status={"conditions": [BROKEN]}), (True, True, False), ("False", "NoRoom", "full")),
        (
            external(status={"conditions": [{"status": "True"}]}),
            (False, False, False),
            (
                "Unknown",
                "InvalidConditionReported",
                "failed to convert status.conditions from Thing to []metav1.Condition: "
                "type must be set for all conditions",
            ),
        ),
        (
            External(GroupKind(GROUP, "Thing"), "a"),
            (False, False, False),
            ("False", "ObjectDoesNotExist", "Thing does not exist: create Thing a, or correct the reference to it"),
        ),
        (
            External(GroupKind(GROUP, "Thing"), "a"),
            (False, True, False),
            ("False", "ObjectDeleted", "Thing has been deleted while the cluster still exists"),
        ),
        (
            External(GroupKind(GROUP, "Thing"), "a"),
            (False, True, True),
            ("False", "ObjectDeleted", "Thing has been deleted"),
        ),
        (
            External(GroupKind(GROUP, "Thing"), "a", problem="no CRD", problem_reason="ProviderMissing"),
            (False, False, False),
            ("Unknown", "ProviderMissing", "Waiting: no CRD"),
        ),
    ],
)
def test_what_a_provider_object_means(found, flags, expected) -> None:  # type: ignore[no-untyped-def]
    done, was_done, deleting = flags
    condition = external_condition(RULE, found, done=done, was_done=was_done, deleting=deleting)
    assert (condition.status, condition.reason, condition.message) == expected
