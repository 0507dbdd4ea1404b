"""What a Machine takes over from its bootstrap config and its infra machine, and what it still waits for (2.2)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.machine import Machine
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.contract import (
    data_secret_name,
    is_data_secret_created,
    is_provisioned,
    provider_id,
    wished_failure_domain,
)
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.runtime.plan import Waiting


def with_progress(snapshot: MachineSnapshot, machine: Machine) -> Machine:
    """The Machine's spec with the data Secret's name, the provider ID and the failure domain it got."""
    spec, bootstrap, infrastructure = machine.spec, snapshot.bootstrap, snapshot.infrastructure
    if bootstrap is not None and not spec.bootstrap.data_secret_name and is_data_secret_created(bootstrap):
        name = data_secret_name(bootstrap)
        if name and not bootstrap.deleting:
            spec = msgspec.structs.replace(
                spec, bootstrap=msgspec.structs.replace(spec.bootstrap, data_secret_name=name)
            )
    if is_infrastructure_usable(snapshot):
        wished = wished_failure_domain(infrastructure)
        spec = msgspec.structs.replace(
            spec,
            provider_id=provider_id(infrastructure),
            failure_domain=spec.failure_domain if wished is None else wished,
        )
    return machine if spec == machine.spec else msgspec.structs.replace(machine, spec=spec)


def is_infrastructure_usable(snapshot: MachineSnapshot) -> bool:
    """Provisioned by its flag, now or once, and with the provider ID that the contract demands; not on its way out."""
    found = snapshot.infrastructure
    was_provisioned = snapshot.machine.status.initialization.infrastructure_provisioned is True
    return not found.deleting and (was_provisioned or is_provisioned(found)) and bool(provider_id(found))


def is_bootstrap_ready(snapshot: MachineSnapshot) -> bool:
    """The bootstrap data exists: its Secret is named by the user, or by a config that made it and stays."""
    machine, bootstrap = snapshot.machine, snapshot.bootstrap
    if machine.spec.bootstrap.data_secret_name is not None:
        return True
    if bootstrap is None or bootstrap.deleting:
        return False
    return is_data_secret_created(bootstrap) and bool(data_secret_name(bootstrap))


def explain_update(before: Machine, after: Machine) -> str:
    """What the Machine takes over, in words."""
    taken = []
    if before.spec.bootstrap != after.spec.bootstrap:
        taken.append(f"its bootstrap data is in Secret {after.spec.bootstrap.data_secret_name}")
    if before.spec.provider_id != after.spec.provider_id:
        taken.append(f"its host is {after.spec.provider_id}")
    if before.spec.failure_domain != after.spec.failure_domain:
        taken.append(f"it is placed in failure domain {after.spec.failure_domain}")
    if before.metadata != after.metadata:
        taken.append("its label and owner say where it belongs")
    return ", ".join(taken)


def waiting_on(snapshot: MachineSnapshot) -> tuple[Waiting, ...]:
    """Everything that has to come from somebody else before the Machine is a node."""
    return tuple(_waiting_on(snapshot))


def _waiting_on(snapshot: MachineSnapshot) -> Iterator[Waiting]:
    machine, bootstrap, infrastructure = snapshot.machine, snapshot.bootstrap, snapshot.infrastructure
    if bootstrap is not None and not is_bootstrap_ready(snapshot):
        yield _wait_for(
            "BootstrapConfigReady", bootstrap.kind, bootstrap.name, "to create the bootstrap data", bootstrap.problem
        )
    elif bootstrap is None and not is_bootstrap_ready(snapshot):
        yield Waiting(
            "BootstrapConfigReady",
            "WaitingForDataSecret",
            "Machine waits for spec.bootstrap.configRef or spec.bootstrap.dataSecretName: neither is set",
        )
    if infrastructure.deleting:
        text = f"Machine loses its host: {infrastructure.kind} {infrastructure.name} is being deleted"
        yield Waiting("InfrastructureReady", "Deleting", text)
    elif not is_infrastructure_usable(snapshot):
        provisioned = is_provisioned(infrastructure)
        what = "to report spec.providerID" if provisioned else "to provision the host"
        yield _wait_for("InfrastructureReady", infrastructure.kind, infrastructure.name, what, infrastructure.problem)
    elif machine.status.node_ref is None and snapshot.node is None:
        wanted = f"a Node with spec.providerID {snapshot.provider_id}"
        problem = snapshot.node_conflict or snapshot.nodes_problem
        message = f"Machine waits for {wanted}" + (f": {problem}" if problem else " in the workload cluster")
        yield Waiting("NodeHealthy", "InspectionFailed", message)


def _wait_for(condition: str, kind: str, name: str, what: str, problem: str) -> Waiting:
    tail = f": {problem}" if problem else ""
    return Waiting(condition, f"WaitingFor{kind}", f"Machine waits for {kind} {name} {what}{tail}")


def seconds_until_available(snapshot: MachineSnapshot) -> float | None:
    """What is left of `minReadySeconds`, for the one thing here that only time brings."""
    wanted = snapshot.machine.spec.min_ready_seconds or 0
    ready = find_condition(snapshot.machine.status.conditions, "Ready")
    if not wanted or ready is None or ready.status != "True" or ready.last_transition_time is None:
        return None
    left = wanted - (snapshot.now - ready.last_transition_time).total_seconds()
    return left if left > 0 else None
