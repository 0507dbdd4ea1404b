"""The Machines that stand for the single machines which the pool's provider shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import IN_PLACE_FIELDS, Machine, MachineBootstrap
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, POOL_NAME_LABEL
from capstan.api.cluster.reference import ContractReference
from capstan.api.meta import Condition, ObjectMeta
from capstan.api.objects import Obj
from capstan.api.rules.conditions import FALSE, TRUE, find_condition, put_conditions
from capstan.api.rules.contract import text
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import owner_reference
from capstan.api.rules.takeover import Claim
from capstan.api.struct import encode
from capstan.controllers.machinepool.snapshot import RESOURCE, MachinePoolSnapshot
from capstan.runtime.intent import plan_apply, shown, stated
from capstan.runtime.plan import Action, Create, Update

#: Owns the Machines of pools.
MANAGER: Final = "machinepool-controller"

_MACHINE = MACHINE.resource()
_IN_PLACE = Claim(in_place=tuple(("spec", name) for name in IN_PLACE_FIELDS))


def pool_labels(snapshot: MachinePoolSnapshot) -> dict[str, str]:
    """What marks the machines of a pool, the provider's and ours."""
    pool = snapshot.pool
    return {POOL_NAME_LABEL: must_format_value(pool.metadata.name), CLUSTER_NAME_LABEL: pool.spec.cluster_name}


def plan_machines(snapshot: MachinePoolSnapshot) -> Iterator[Action]:
    """One Machine for each of the provider's machines, kept as the pool's template says. Machines whose provider
    object is gone are not removed here: they go with it."""
    shown_by = {infra["metadata"]["name"]: infra for infra in snapshot.infra_machines}
    for machine in snapshot.machines:
        infra = shown_by.pop(machine.spec.infrastructure_ref.name, None)
        kept = [] if infra is None else list(_keep(snapshot, machine, infra))
        yield from kept
        after = _compared(snapshot, machine)
        # One change at a time: the second would be built on what the first has changed.
        if after != machine and not kept:
            yield Update(resource=_MACHINE, before=machine, after=after, reason="it follows its MachinePool")
    for name, infra in shown_by.items():
        if not infra["metadata"].get("deletionTimestamp"):
            reason = f"{infra['kind']} {name} has none"
            intent = _intent(snapshot, infra, None)
            yield Create(resource=_MACHINE, object=intent, manager=MANAGER, reason=reason)


def _intent(snapshot: MachinePoolSnapshot, infra: Obj, machine: Machine | None) -> Obj:
    """All that the pool states of a Machine. What never changes stays as it is on one that is there."""
    pool, template = snapshot.pool, snapshot.pool.spec.template
    group = snapshot.infrastructure.group_kind.group
    name = infra["metadata"]["name"] if machine is None else machine.metadata.name
    known = machine.spec if machine is not None else template.spec
    spec = msgspec.structs.replace(
        template.spec,
        cluster_name=pool.spec.cluster_name,
        bootstrap=MachineBootstrap(data_secret_name=""),
        failure_domain=known.failure_domain,
        infrastructure_ref=ContractReference(api_group=group, kind=infra["kind"], name=infra["metadata"]["name"]),
        provider_id="",
        version=_version(snapshot, infra) or ("" if machine is None else known.version),
    )
    meta = ObjectMeta(
        name=name,
        namespace=pool.metadata.namespace,
        labels={**template.metadata.labels, **pool_labels(snapshot)},
        annotations=dict(template.metadata.annotations),
        owner_references=(owner_reference(RESOURCE.api_version, RESOURCE.kind, pool.metadata, controller=True),),
    )
    wanted = Machine(api_version=_MACHINE.api_version, kind=_MACHINE.kind, metadata=meta, spec=spec)
    intent: Obj = stated(encode(wanted))
    return intent


def _keep(snapshot: MachinePoolSnapshot, machine: Machine, infra: Obj) -> Iterator[Action]:
    if machine.metadata.deletion_timestamp is not None:
        return
    have, intent = shown(machine, machine.spec), _intent(snapshot, infra, machine)
    yield from plan_apply(_MACHINE, have, intent, MANAGER, "it follows its MachinePool", claim=_IN_PLACE)


def _compared(snapshot: MachinePoolSnapshot, machine: Machine) -> Machine:
    """The Machine that says whether it is as wanted. Its provider keeps it so: what is out of date is deleted."""
    status, reason, message = TRUE, "UpToDate", ""
    if machine.metadata.deletion_timestamp is not None:
        status, reason, message = FALSE, "NotUpToDate", "Machine is being deleted"
    new = Condition(type="UpToDate", status=status, reason=reason, message=message)
    old, generation = machine.status.conditions, machine.metadata.generation
    told = find_condition(old, new.type)
    if told is not None and (told.status, told.reason, told.message) == (status, reason, message):
        return machine
    conditions = put_conditions(old, [new], generation=generation, now=snapshot.now)
    return msgspec.structs.replace(machine, status=msgspec.structs.replace(machine.status, conditions=conditions))


def _version(snapshot: MachinePoolSnapshot, infra: Obj) -> str:
    """The version that its Node really has; empty before there is one."""
    provider_id = text(infra, "spec", "providerID")
    node = next((n for n in snapshot.nodes if provider_id and n.spec.provider_id == provider_id), None)
    return node.status.node_info.kubelet_version if node is not None and node.status.node_info is not None else ""
