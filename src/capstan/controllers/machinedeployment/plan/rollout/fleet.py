"""What a rollout is planned on: the sets of one deployment, and what becomes of each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.controllers.machinedeployment.plan.limits import max_surge, max_unavailable

_EPOCH = datetime.fromtimestamp(0, UTC)


def by_age(machine_set: MachineSet) -> tuple[datetime, str]:
    """Oldest first, then by name."""
    return machine_set.metadata.creation_timestamp or _EPOCH, machine_set.metadata.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The sets of one deployment as they are. `current` has the deployment's template (and may not exist yet, with
    no replicas); `old` are the others, oldest first; `machines` are those of each set by its name; `updatable`
    names the old sets whose Machines can become the current set's without being replaced."""

    deployment: MachineDeployment
    current: MachineSet
    old: Sequence[MachineSet] = ()
    machines: Mapping[str, Sequence[Machine]] = field(default_factory=dict)
    updatable: frozenset[str] = frozenset()

    @property
    def sets(self) -> tuple[MachineSet, ...]:
        return (*self.old, self.current)

    @property
    def desired(self) -> int:
        return self.deployment.spec.replicas or 0

    @property
    def surge(self) -> int:
        return max_surge(self.deployment)

    @property
    def least_available(self) -> int:
        return max(self.desired - max_unavailable(self.deployment), 0)

    @property
    def available(self) -> int:
        return sum(s.status.available_replicas or 0 for s in self.sets)

    def machines_of(self, machine_set: MachineSet) -> Sequence[Machine]:
        return self.machines.get(machine_set.metadata.name, ())


@dataclass(slots=True)
class Rollout:
    """What becomes of the sets, by name: how large they are to be, why, and which Machines move between them.
    Built up by the planner's steps in their order; a set that is not in `replicas` keeps its size."""

    replicas: dict[str, int] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    move_to: dict[str, str] = field(default_factory=dict)
    receive_from: tuple[str, ...] = ()
    acknowledged: tuple[str, ...] = ()
    #: How many Machines the current set took over in this round: they count among its replicas already.
    taken_over: int = 0
    #: Whether only sizes change, as the deployment is paused.
    paused: bool = False

    def size(self, machine_set: MachineSet) -> int:
        """The size that the set is to have, as far as it is planned."""
        return self.replicas.get(machine_set.metadata.name, replicas_of(machine_set))

    def resize(self, machine_set: MachineSet, replicas: int, note: str = "") -> None:
        self.replicas[machine_set.metadata.name] = replicas
        if note:
            self.note(machine_set, note)

    def note(self, machine_set: MachineSet, text: str) -> None:
        self.notes.setdefault(machine_set.metadata.name, []).append(text)


def replicas_of(machine_set: MachineSet) -> int:
    """How many Machines the set is asked for."""
    return machine_set.spec.replicas or 0


def existing(machine_set: MachineSet) -> int:
    """How many Machines the set says that it has."""
    return machine_set.status.replicas or 0


def machines_in(fleet: Fleet, rollout: Rollout) -> int:
    """Machines that there are or will be in all sets together."""
    return sum(max(rollout.size(s), existing(s)) for s in fleet.sets)
