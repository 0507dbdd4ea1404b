"""The Machines that stand for the single machines which the pool's provider shows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine, MachineBootstrap
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, POOL_NAME_LABEL
from capstan.api.cluster.reference import ContractReference
from capstan.api.meta import Condition, ObjectMeta
from capstan.api.objects import Obj
from capstan.api.rules.conditions import FALSE, TRUE, find_condition, put_conditions
from capstan.api.rules.contract import text
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import owner_reference, with_metadata, with_owner
from capstan.api.struct import encode
from capstan.controllers.machinepool.snapshot import RESOURCE, MachinePoolSnapshot
from capstan.runtime.plan import Action, Create, Update

_MACHINE = MACHINE.resource()


def pool_labels(snapshot: MachinePoolSnapshot) -> dict[str, str]:
    """What marks the machines of a pool, the provider's and ours."""
    pool = snapshot.pool
    return {POOL_NAME_LABEL: must_format_value(pool.metadata.name), CLUSTER_NAME_LABEL: pool.spec.cluster_name}


def plan_machines(snapshot: MachinePoolSnapshot) -> Iterator[Action]:
    """One Machine for each of the provider's machines, kept as the pool's template says. Machines whose provider
    object is gone are not removed here: they go with it."""
    shown = {infra["metadata"]["name"]: infra for infra in snapshot.infra_machines}
    for machine in snapshot.machines:
        infra = shown.pop(machine.spec.infrastructure_ref.name, None)
        after = _compared(snapshot, machine if infra is None else _kept(snapshot, machine, infra))
        if after != machine:
            reason = "it follows its MachinePool"
            yield Update(resource=_MACHINE, before=machine, after=after, reason=reason)
    for name, infra in shown.items():
        if not infra["metadata"].get("deletionTimestamp"):
            reason = f"{infra['kind']} {name} has none"
            yield Create(resource=_MACHINE, object=encode(_new_machine(snapshot, infra)), reason=reason)


def _new_machine(snapshot: MachinePoolSnapshot, infra: Obj) -> Machine:
    pool, template = snapshot.pool, snapshot.pool.spec.template
    group = snapshot.infrastructure.group_kind.group
    name = infra["metadata"]["name"]
    spec = msgspec.structs.replace(
        template.spec,
        cluster_name=pool.spec.cluster_name,
        bootstrap=MachineBootstrap(data_secret_name=""),
        infrastructure_ref=ContractReference(api_group=group, kind=infra["kind"], name=name),
        provider_id="",
        version=_version(snapshot, infra),
    )
    meta = ObjectMeta(
        name=name,
        namespace=pool.metadata.namespace,
        labels={**template.metadata.labels, **pool_labels(snapshot)},
        annotations=dict(template.metadata.annotations),
        owner_references=(owner_reference(RESOURCE.api_version, RESOURCE.kind, pool.metadata, controller=True),),
    )
    return Machine(api_version=_MACHINE.api_version, kind=_MACHINE.kind, metadata=meta, spec=spec)


def _kept(snapshot: MachinePoolSnapshot, machine: Machine, infra: Obj) -> Machine:
    pool, template = snapshot.pool, snapshot.pool.spec.template.metadata
    owner = owner_reference(RESOURCE.api_version, RESOURCE.kind, pool.metadata, controller=True)
    after = with_metadata(
        machine,
        labels={**machine.metadata.labels, **template.labels, **pool_labels(snapshot)},
        annotations={**machine.metadata.annotations, **template.annotations},
        owner_references=with_owner(machine.metadata.owner_references, owner),
    )
    version = _version(snapshot, infra) or machine.spec.version
    return msgspec.structs.replace(after, spec=msgspec.structs.replace(machine.spec, version=version))


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
