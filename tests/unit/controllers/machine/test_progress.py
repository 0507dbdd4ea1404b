"""What a Machine takes over from its bootstrap config and its host, case by case, and what older readers see of it
(2.2, 2.8)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.unit.controllers.machine.build import machine, missing, provider, said, snapshot, unreadable

from capstan.api.cluster.machine import Machine
from capstan.api.objects import Obj
from capstan.api.rules.contract import External
from capstan.controllers.machine.plan.progress import with_progress
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.controllers.machine.status import compute_status
from capstan.runtime.plan import Outcomes


def after(found: MachineSnapshot) -> Machine:
    """The Machine once spec and status are written."""
    moved = dataclasses.replace(found, machine=with_progress(found, found.machine))
    return compute_status(moved, Outcomes())


def old(found: External) -> External:
    return dataclasses.replace(found, contract="v1beta1")


DATA: Obj = {"initialization": {"dataSecretCreated": True}, "dataSecretName": "secret-data"}
PAUSED = {"annotations": {"cluster.x-k8s.io/paused": "true"}}
NAMED = machine(
    spec={"bootstrap": {"configRef": {"apiGroup": "b", "kind": "LabConfig", "name": "m"}, "dataSecretName": "first"}},
    status={"initialization": {"bootstrapDataSecretCreated": True}},
)


@pytest.mark.parametrize(
    ("given", "bootstrap", "secret", "created"),
    [
        (machine(), unreadable("LabConfig"), None, None),
        (machine(), missing("LabConfig"), None, None),
        (machine(), provider("LabConfig", status={"initialization": {"dataSecretCreated": False}}), None, None),
        (machine(), provider("LabConfig", status=DATA), "secret-data", True),
        (machine(), provider("LabConfig", status=DATA, metadata=PAUSED), "secret-data", True),
        (machine(), old(provider("LabConfig", status={"ready": True, "dataSecretName": "s"})), "s", True),
        (machine(), provider("LabConfig", status={"initialization": {"dataSecretCreated": True}}), None, None),
        (
            machine(),
            provider("LabConfig", status=DATA, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
            None,
            None,
        ),
        (NAMED, provider("LabConfig", status=DATA), "first", True),
        (NAMED, provider("LabConfig"), "first", True),
        (machine(deleting=1), missing("LabConfig"), None, None),
    ],
    ids=[
        "cannot be read",
        "not there",
        "not ready",
        "ready",
        "ready and paused",
        "ready, of the older contract",
        "ready without a Secret",
        "ready and on its way out",
        "named already",
        "not ready any more",
        "gone with its machine",
    ],
)
def test_bootstrap_data(given: Machine, bootstrap: External, secret: str | None, created: bool | None) -> None:
    found = after(snapshot(given, bootstrap=bootstrap))
    assert found.spec.bootstrap.data_secret_name == secret
    assert found.status.initialization.bootstrap_data_secret_created == created


def test_a_secret_of_the_users_own_sets_no_flag() -> None:
    own = snapshot(machine(spec={"bootstrap": {"dataSecretName": "mine"}}), bootstrap=None)
    assert after(own).status.initialization.bootstrap_data_secret_created is None


READY: Obj = {"initialization": {"provisioned": True}}
HOST: Obj = {"spec": {"providerID": "test://id-1"}}
ALL: Obj = {
    "spec": {"providerID": "test://id-1", "failureDomain": "wished"},
    "status": {
        **READY,
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "10.0.0.2"}],
        "failureDomain": "placed",
    },
}
BEFORE = machine(
    spec={"providerID": "test://old", "failureDomain": "before"},
    status={
        "initialization": {"infrastructureProvisioned": True},
        "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}],
        "failureDomain": "before",
    },
)

Host = tuple[str, bool | None, tuple[str, ...], str, str]
UNKNOWN: Host = ("", None, (), "", "")
KNOWN: Host = ("test://old", True, ("10.0.0.9",), "before", "before")
EVERYTHING: Host = ("test://id-1", True, ("10.0.0.1", "10.0.0.2"), "wished", "placed")


def host(found: Machine) -> Host:
    """Provider ID, flag, addresses, wished and real failure domain."""
    return (
        found.spec.provider_id,
        found.status.initialization.infrastructure_provisioned,
        tuple(address.address for address in found.status.addresses),
        found.spec.failure_domain,
        found.status.failure_domain,
    )


@pytest.mark.parametrize(
    ("given", "infrastructure", "expected"),
    [
        (machine(), unreadable("LabMachine"), UNKNOWN),
        (machine(), missing("LabMachine"), UNKNOWN),
        (machine(), provider("LabMachine", **{**ALL, "status": {"initialization": {"provisioned": False}}}), UNKNOWN),
        (machine(), provider("LabMachine", **HOST, status=READY), ("test://id-1", True, (), "", "")),
        (machine(), old(provider("LabMachine", **HOST, status={"ready": True})), ("test://id-1", True, (), "", "")),
        (
            machine(),
            provider("LabMachine", spec={**HOST["spec"], "failureDomain": "wished"}, status=READY),
            ("test://id-1", True, (), "wished", ""),
        ),
        (
            machine(),
            provider("LabMachine", **HOST, status={**READY, "failureDomain": "placed"}),
            ("test://id-1", True, (), "", "placed"),
        ),
        (machine(), provider("LabMachine", **ALL), EVERYTHING),
        (machine(), provider("LabMachine", **ALL, metadata=PAUSED), EVERYTHING),
        (machine(), provider("LabMachine", status=READY), UNKNOWN),
        (BEFORE, provider("LabMachine", **{**ALL, "status": {**ALL["status"], "initialization": {}}}), EVERYTHING),
        (BEFORE, provider("LabMachine", **ALL), EVERYTHING),
        (
            BEFORE,
            provider("LabMachine", **HOST, status=READY),
            ("test://id-1", True, ("10.0.0.9",), "before", "before"),
        ),
        (BEFORE, unreadable("LabMachine"), KNOWN),
        (BEFORE, missing("LabMachine"), KNOWN),
        (BEFORE, provider("LabMachine", **ALL, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), KNOWN),
    ],
    ids=[
        "cannot be read",
        "not there",
        "not provisioned",
        "provisioned",
        "provisioned, of the older contract",
        "with a wished failure domain",
        "with a failure domain",
        "with everything",
        "with everything, and paused",
        "without a provider ID",
        "no longer provisioned",
        "changed later",
        "with less than before",
        "cannot be read any more",
        "gone",
        "on its way out",
    ],
)
def test_the_host(given: Machine, infrastructure: External, expected: Host) -> None:
    assert host(after(snapshot(given, infrastructure=infrastructure))) == expected


def test_a_host_that_vanishes_is_a_failure_to_older_readers() -> None:
    found = after(snapshot(BEFORE, infrastructure=missing("LabMachine"))).status.deprecated.v1beta1
    assert found.failure_reason == "InvalidConfiguration"
    text = "Machine infrastructure resource LabMachine default/m has been deleted after provisioning was completed"
    assert found.failure_message == text
    leaving = machine(deleting=1, status={"initialization": {"infrastructureProvisioned": True}})
    gone = after(snapshot(leaving, infrastructure=missing("LabMachine"))).status.deprecated.v1beta1
    assert (gone.failure_reason, gone.failure_message) == ("", "")


# The older conditions

WELL = provider("LabMachine", **HOST, status=READY)
MADE = provider("LabConfig", status=DATA)


def legacy(type: str, severity: str, reason: str, message: str = "") -> Obj:
    status = "False" if severity else "True"
    return {"type": type, "status": status, "severity": severity, "reason": reason, "message": message}


def reporting(*conditions: Obj) -> Machine:
    return machine(status={"deprecated": {"v1beta1": {"conditions": list(conditions)}}})


Told = tuple[str, str, str, str]
GOOD: Told = ("True", "", "", "")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            snapshot(infrastructure=WELL, bootstrap=MADE),
            {"InfrastructureReady": GOOD, "BootstrapReady": GOOD, "Ready": GOOD},
        ),
        (
            snapshot(
                infrastructure=provider("LabMachine", said("Ready", "False", "m", "Custom"), **HOST), bootstrap=MADE
            ),
            {"InfrastructureReady": ("False", "", "Custom", "m"), "Ready": ("False", "", "Custom", "1 of 2 completed")},
        ),
        (
            snapshot(infrastructure=provider("LabMachine", said("Ready", "True", "m"), **HOST), bootstrap=MADE),
            {"InfrastructureReady": GOOD, "Ready": GOOD},
        ),
        (
            snapshot(infrastructure=provider("LabMachine"), bootstrap=MADE),
            {
                "InfrastructureReady": ("False", "Info", "WaitingForInfrastructure", ""),
                "Ready": ("False", "Info", "WaitingForInfrastructure", "1 of 2 completed"),
            },
        ),
        (
            snapshot(infrastructure=WELL, bootstrap=provider("LabConfig", said("Ready", "False", "m", "Custom"))),
            {"BootstrapReady": ("False", "", "Custom", "m")},
        ),
        (
            snapshot(infrastructure=WELL, bootstrap=provider("LabConfig")),
            {
                "BootstrapReady": ("False", "Info", "WaitingForDataSecret", ""),
                "Ready": ("False", "Info", "WaitingForDataSecret", ""),
            },
        ),
        (
            snapshot(
                NAMED, infrastructure=WELL, bootstrap=provider("LabConfig", said("Ready", "False", "m", "Custom"))
            ),
            {"BootstrapReady": GOOD},
        ),
        (snapshot(), {"Ready": ("False", "Info", "WaitingForInfrastructure", "0 of 2 completed")}),
        (
            snapshot(
                reporting(legacy("OwnerRemediated", "Warning", "WaitingForRemediation", "MHC failed")),
                infrastructure=WELL,
                bootstrap=MADE,
            ),
            {"Ready": ("False", "Warning", "WaitingForRemediation", "MHC failed")},
        ),
        (
            snapshot(
                reporting(legacy("HealthCheckSucceeded", "Warning", "NodeNotFound")),
                infrastructure=WELL,
                bootstrap=MADE,
            ),
            {"Ready": ("False", "Warning", "NodeNotFound", "")},
        ),
        (
            snapshot(
                reporting(legacy("DrainingSucceeded", "Warning", "DrainingFailed")), infrastructure=WELL, bootstrap=MADE
            ),
            {"Ready": ("False", "Warning", "DrainingFailed", "")},
        ),
        (
            snapshot(infrastructure=WELL, bootstrap=MADE, node_conflict="two"),
            {"NodeHealthy": ("Unknown", "", "NodeInspectionFailed", "two"), "Ready": GOOD},
        ),
        (
            snapshot(infrastructure=WELL, bootstrap=MADE),
            {
                "NodeHealthy": (
                    "False",
                    "Warning",
                    "NodeProvisioning",
                    "Waiting for a node with matching ProviderID to exist",
                )
            },
        ),
        (snapshot(), {"NodeHealthy": ("False", "Info", "WaitingForNodeRef", "")}),
        (
            snapshot(machine(deleting=1), infrastructure=missing("LabMachine"), bootstrap=missing("LabConfig")),
            {
                "InfrastructureReady": ("False", "Info", "Deleted", ""),
                "BootstrapReady": ("False", "Info", "Deleted", ""),
            },
        ),
        (
            snapshot(machine(deleting=1)),
            {
                "InfrastructureReady": ("False", "Info", "Deleting", ""),
                "BootstrapReady": ("False", "Info", "Deleting", ""),
            },
        ),
    ],
)
def test_the_older_conditions(found: MachineSnapshot, expected: dict[str, Told]) -> None:
    listed: Any = after(found).status.deprecated.v1beta1.conditions
    told = {c.type: (c.status, c.severity, c.reason, c.message) for c in listed}
    assert {type: told.get(type) for type in expected} == expected
