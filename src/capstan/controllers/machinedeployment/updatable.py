"""Asks which of a deployment's sets have Machines that can take the present template while they run (7.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet, MachineSetSpec
from capstan.api.cluster.reference import ContractReference
from capstan.api.errors import TransientError
from capstan.api.meta import ObjectMeta
from capstan.api.objects import Obj
from capstan.api.struct import encode
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.external import read_external
from capstan.runtime.reader import Reader
from capstan.runtime.updater import InPlaceUpdater, Templates

#: How long an answer about two sets holds: their templates never change.
KEPT = timedelta(hours=24)


class UpdatableSets:
    """Keeps the answers, so that a rollout asks once for each pair of sets."""

    def __init__(self, updater: InPlaceUpdater) -> None:
        self._updater = updater
        self._answers: dict[tuple[str, bytes], tuple[bool, datetime]] = {}

    async def find(self, reader: Reader, snapshot: MachineDeploymentSnapshot) -> frozenset[str]:
        """The names of the sets. Nobody is asked about sets that hand nothing over: empty ones, those that have the
        present template or are too old for it, and all of them once the current set has every replica. Errors of the
        updater are those of the reconcile."""
        current = snapshot.current or _next_set(snapshot.deployment)
        if (current.spec.replicas or 0) >= snapshot.desired:
            return frozenset()
        giving = [
            s
            for s in snapshot.machine_sets
            if s.status.replicas and not snapshot.is_expired(s) and snapshot.differences(s)
        ]
        return frozenset([s.metadata.name for s in giving if await self._can_update(reader, s, current)])

    async def _can_update(self, reader: Reader, old: MachineSet, current: MachineSet) -> bool:
        key, now = (old.metadata.uid, msgspec.json.encode(current.spec.template.spec)), reader.now()
        for pair in [pair for pair, (_, until) in self._answers.items() if until <= now]:
            del self._answers[pair]
        if key not in self._answers:
            have, want = await _templates(reader, old), await _templates(reader, current)
            # A template that is missing may be back soon: nobody has answered yet.
            if have is None or want is None or (have.bootstrap is None) != (want.bootstrap is None):
                return False
            self._answers[key] = (await self._updater.can_update(have, want), now + KEPT)
        return self._answers[key][0]


def _next_set(deployment: MachineDeployment) -> MachineSet:
    """The set that is about to be made, as far as its Machines are concerned."""
    metadata = ObjectMeta(namespace=deployment.metadata.namespace)
    template, cluster = deployment.spec.template, deployment.spec.cluster_name
    return MachineSet(metadata=metadata, spec=MachineSetSpec(template=template, cluster_name=cluster))


async def _templates(reader: Reader, machine_set: MachineSet) -> Templates | None:
    """None when one of them does not exist. One that could not be looked at is an error: without an answer Machines
    would be replaced for good."""
    spec, namespace = machine_set.spec.template.spec, machine_set.metadata.namespace
    refs = (spec.infrastructure_ref, spec.bootstrap.config_ref)
    infrastructure, bootstrap = [None if ref is None else await _read(reader, namespace, ref) for ref in refs]
    if infrastructure is None or (bootstrap is None and spec.bootstrap.config_ref is not None):
        return None
    return Templates(encode(machine_set), infrastructure, bootstrap)


async def _read(reader: Reader, namespace: str, ref: ContractReference) -> Obj | None:
    found = await read_external(reader, ref.api_group, ref.kind, namespace, ref.name)
    if found.problem and not found.is_nobody:
        raise TransientError(f"{found.kind} {found.name} cannot be read: {found.problem}", reason=found.problem_reason)
    return found.object
