"""A deployment, its sets and their machines as the published rollout traces have them, and the text of a trace.

The planner under test is the real one: the deployment's whole plan is made each round, and what it does to the sets
is carried out here. The sets and machines are simple: a new machine is available at once, an update in place takes
one round.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    ACKNOWLEDGED_MOVE_ANNOTATION,
    DISABLE_MACHINE_CREATE_ANNOTATION,
    MACHINE_DEPLOYMENT_FINALIZER,
    MOVE_MACHINES_ANNOTATION,
    PENDING_MOVE_ANNOTATION,
    RECEIVE_MACHINES_ANNOTATION,
    REVISION_ANNOTATION,
    UPDATE_IN_PROGRESS_ANNOTATION,
)
from capstan.api.objects import GroupKind
from capstan.api.rules.contract import External
from capstan.api.struct import decode
from capstan.controllers.machinedeployment.plan import plan
from capstan.controllers.machinedeployment.plan.limits import max_unavailable
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.runtime.plan import Apply, Create, Delete, Update

START = datetime(2026, 1, 1, tzinfo=UTC)
UPDATING, PENDING = "\N{LARGE YELLOW CIRCLE}", "\N{LARGE ORANGE CIRCLE}"
_IN_PLACE = (MOVE_MACHINES_ANNOTATION, RECEIVE_MACHINES_ANNOTATION, ACKNOWLEDGED_MOVE_ANNOTATION)
_SET = re.compile(r"    (ms\d+): (\d+)/(\d+) replicas, .* \((.*)\)")


def number(name: str) -> int:
    return int(re.sub(r"\D", "", name))


@dataclass
class Unit:
    """One machine: its name, and where its update in place stands."""

    name: str
    updating: bool = False
    pending: bool = False
    deleting: bool = False


@dataclass
class Group:
    """One set: what it is asked for, what it reported last, and its machines."""

    name: str
    version: str
    uid: str
    created: datetime
    replicas: int = 0
    annotations: dict[str, str] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    reported: int = 0
    available: int = 0
    up_to_date: int = 0

    def report(self, wanted_version: str) -> None:
        self.reported = len(self.units)
        self.available = sum(not u.updating for u in self.units)
        self.up_to_date = self.available if self.version == wanted_version else 0

    def is_pending(self, unit: Unit) -> bool:
        return unit.pending and unit.name not in self.annotations.get(ACKNOWLEDGED_MOVE_ANNOTATION, "").split(",")

    def names(self) -> str:
        marks = [
            u.name + (PENDING if self.is_pending(u) else "") + (UPDATING if u.updating else "")
            for u in sorted(self.units, key=lambda u: number(u.name))
        ]
        return ",".join(marks)

    def line(self) -> str:
        counts = f"{self.available} available, {self.up_to_date} upToDate"
        return f"{self.reported}/{self.replicas} replicas, {counts} ({self.names()})"


class RolloutWorld:
    """Plays one trace and writes it down."""

    def __init__(self, trace: str) -> None:
        head = trace.split("[MD controller]")[0]
        self.title = head.splitlines()[0]
        self.strategy = re.search(r"\[Test\] (Rollout .*)", head).group(1)  # type: ignore[union-attr]
        self.on_delete = "onDelete" in self.strategy
        self.in_place = "In-place" in self.title
        self.initial = re.search(r"    md: .*", head).group(0)  # type: ignore[union-attr]
        self.desired = int(re.search(r"md: \d+/(\d+)", head).group(1))  # type: ignore[union-attr]
        groups = [match.groups() for match in _SET.finditer(head)]
        self.groups: list[Group] = []
        for at, (name, _, replicas, units) in enumerate(groups):
            # Of two sets at the start, the second has the wanted template already.
            version = "v2" if at else "v1"
            group = Group(name, version, f"uid-{name}", START + timedelta(seconds=at), int(replicas))
            group.units = [Unit(unit) for unit in units.split(",")]
            group.report("none")
            self.groups.append(group)
        self.lines: list[str] = []
        self.known: dict[str, str] = {}
        self.next_unit = max(number(u.name) for g in self.groups for u in g.units) + 1
        self.deployment_annotations: dict[str, str] = {}

    # The text

    def play(self) -> str:
        self._say("[Test] Initial state", self.initial, *(f"    {g.name}: {g.line()}" for g in self.groups))
        self._say(f"[Test] {self.strategy}")
        users = {1: 0, 4: 1, 7: 2} if self.on_delete else {}
        victims = [u.name for u in self.groups[0].units]
        for iteration in range(1, 100):
            done = self._is_done()
            known = {u.name for g in self.groups for u in g.units}
            self._deployment_round(iteration)
            for group in self.groups:
                self._set_round(group, iteration)
            if iteration in users and users[iteration] < len(victims):
                self._user_deletes(victims[users[iteration]], iteration)
            if self.on_delete:
                self._machine_rounds(iteration, known)
            if done:
                break
        counts = self._totals()
        self._say("[Test] Final state", f"    md: {counts}", *(f"    {g.name}: {g.line()}" for g in self.groups))
        return "\n".join(self.lines)

    def _say(self, *lines: str) -> None:
        self.lines.extend(lines)

    def _totals(self) -> str:
        replicas, available = sum(g.reported for g in self.groups), sum(g.available for g in self.groups)
        up_to_date = 0 if self.on_delete else sum(g.up_to_date for g in self.groups)
        return f"{replicas}/{self.desired} replicas, {available} available, {up_to_date} upToDate"

    def _is_done(self) -> bool:
        current = self.groups[-1]
        settled = all(g.replicas == g.reported == len(g.units) == 0 for g in self.groups[:-1])
        counts = {current.up_to_date, current.available, current.reported, current.replicas, self.desired}
        return settled and len(counts) == 1

    # The deployment

    def _deployment_round(self, iteration: int) -> None:
        self._say(f"[MD controller] Iteration {iteration}, Reconcile md", "[MD controller] - Result of rollout planner")
        before = {g.name: (g.replicas, dict(g.annotations)) for g in self.groups}
        reasons: dict[str, str] = {}
        for action in plan(self._snapshot()).actions:
            if isinstance(action, Create):
                self._create(action)
                reasons[self.groups[-1].name] = action.reason
            elif isinstance(action, Apply):
                after = decode(action.object, MachineSet)
                self._update(after)
                reasons[after.metadata.name] = action.reason
            elif isinstance(action, Update):
                self.deployment_annotations = dict(action.after.metadata.annotations)
            else:
                assert not isinstance(action, Delete), "a set goes only once the deployment says that it is complete"
        self._say(f"    md: md: {self._totals()}")
        for group in self.groups:
            self._tell(group, before.get(group.name), reasons.get(group.name, ""))
        least = self.desired - max_unavailable(self._deployment())
        if not self.on_delete and sum(g.available for g in self.groups) < least:
            self._say("[Toleration] tolerate maxUnavailable breach")

    def _tell(self, group: Group, before: tuple[int, dict[str, str]] | None, reason: str) -> None:
        is_current = group is self.groups[-1]
        old, annotations = before if before is not None else (0, group.annotations)
        shown = f"{group.reported}/{group.replicas}"
        if before is not None and old != group.replicas:
            shown = f"from {group.reported}/{old} to {shown}"
        counts = f"{group.available} available, {group.up_to_date} upToDate ({group.names()})"
        self._say(f"    {group.name}: {shown} replicas, {counts}")
        if before is None:
            self._say(f"      - MachineSet {group.name} created, it is now the current MachineSet")
        diff = _difference(group, old, annotations)
        what = "current" if is_current else "old"
        if old != group.replicas:
            word = "up" if group.replicas > old else "down"
            size = f"from {old} to {group.replicas} replicas ({group.replicas - old:+d})"
            self._say(f"      - Scaled {word} {what} MachineSet {group.name} {size}")
            why = reason.split(": ", 1)[1]
            for made, shown_as in self.known.items():
                why = why.replace(made, shown_as)
            self._say(f"        - Reason: {why}")
        elif diff:
            self._say(f"      - Updated {what} MachineSet {group.name}")
        if diff and before is not None:
            self._say(f"        - Diff: {diff}")

    def _create(self, action: Create) -> None:
        metadata = action.object["metadata"]
        name = f"ms{len(self.groups) + 1}"
        self.known[metadata["name"]] = name
        group = Group(name, "v2", f"uid-{name}", START + timedelta(hours=1))
        for other in self.groups:
            marks = {k: v.replace(metadata["name"], name) for k, v in other.annotations.items()}
            other.annotations = marks
        group.replicas = action.object["spec"].get("replicas", 0)
        group.annotations = dict(metadata["annotations"])
        self.groups.append(group)

    def _update(self, after: MachineSet) -> None:
        group = next(g for g in self.groups if g.name == after.metadata.name)
        group.replicas = after.spec.replicas or 0
        # The traces keep a mark that is no longer planned; a real server drops it with the patch.
        kept = {k: v for k, v in group.annotations.items() if k in _IN_PLACE}
        marks = {k: self.known.get(v, v) for k, v in after.metadata.annotations.items()}
        group.annotations = {**kept, **marks}

    def _snapshot(self) -> MachineDeploymentSnapshot:
        template = External(GroupKind("lab", "LabMachineTemplate"), name="lab", object={"metadata": {"name": "lab"}})
        cluster = decode({"apiVersion": "v1", "kind": "Cluster", "metadata": {"name": "c", "uid": "c"}}, Cluster)
        return MachineDeploymentSnapshot(
            deployment=self._deployment(),
            now=START + timedelta(days=1),
            cluster=cluster,
            machine_sets=tuple(self._machine_set(g) for g in self.groups),
            machines=tuple(self._machine(g, u) for g in self.groups for u in g.units),
            infrastructure=template,
            updatable=frozenset(g.name for g in self.groups) if self.in_place else frozenset(),
        )

    def _deployment(self) -> MachineDeployment:
        limits = re.findall(r"Max\w+=(\d+)", self.strategy)
        rolling = {"maxSurge": int(limits[0]), "maxUnavailable": int(limits[1])} if limits else {}
        strategy = {"type": "OnDelete"} if self.on_delete else {"type": "RollingUpdate", "rollingUpdate": rolling}
        metadata = {
            "name": "md",
            "namespace": "default",
            "uid": "md",
            "finalizers": [MACHINE_DEPLOYMENT_FINALIZER],
            "annotations": self.deployment_annotations,
        }
        spec = {"clusterName": "c", "replicas": self.desired, "rollout": {"strategy": strategy}, **_template("v2")}
        body = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineDeployment", "metadata": metadata}
        return decode({**body, "spec": spec}, MachineDeployment)

    def _machine_set(self, group: Group) -> MachineSet:
        spec = {"clusterName": "c", "replicas": group.replicas, **_template(group.version)}
        status = {
            "replicas": group.reported,
            "availableReplicas": group.available,
            "upToDateReplicas": group.up_to_date,
        }
        metadata = {"name": group.name, "namespace": "default", "uid": group.uid, "annotations": group.annotations}
        body = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineSet", "metadata": metadata}
        decoded = decode({**body, "spec": spec, "status": status}, MachineSet)
        meta = msgspec.structs.replace(decoded.metadata, creation_timestamp=group.created)
        return msgspec.structs.replace(decoded, metadata=meta)

    def _machine(self, group: Group, unit: Unit) -> Machine:
        annotations = {}
        if unit.updating:
            annotations[UPDATE_IN_PROGRESS_ANNOTATION] = ""
        if unit.pending:
            annotations[PENDING_MOVE_ANNOTATION] = ""
        owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineSet", "name": group.name, "uid": group.uid}
        metadata: dict[str, Any] = {"name": unit.name, "namespace": "default", "annotations": annotations}
        metadata["ownerReferences"] = [{**owner, "controller": True}]
        return decode({"apiVersion": "v1", "kind": "Machine", "metadata": metadata}, Machine)

    # The sets and the machines

    def _set_round(self, group: Group, iteration: int) -> None:
        self._say(f"[MS controller] Iteration {iteration}, Reconcile {group.name}: {group.line()}")
        self._update_in_place(group)
        surplus = sum(not group.is_pending(u) for u in group.units) - group.replicas
        if surplus > 0:
            self._shrink(group, surplus)
        elif surplus < 0 and group.annotations.get(DISABLE_MACHINE_CREATE_ANNOTATION) != "true":
            self._grow(group, -surplus)
        group.report("v2")

    def _update_in_place(self, group: Group) -> None:
        waiting = [u for u in group.units if group.is_pending(u)]
        if waiting:
            names = ",".join(u.name for u in waiting)
            text = "moved from an old MachineSet still pending acknowledge from machine deployment md"
            self._say(f"[MS controller] - Replicas {names} {text}")
        # A surplus goes before it is updated.
        if len(group.units) - len(waiting) > group.replicas:
            return
        done = [u for u in group.units if u.updating and not u.pending]
        for unit in done:
            unit.updating = False
        for unit in group.units:
            unit.pending = group.is_pending(unit)
        if done:
            names = ",".join(u.name for u in done)
            self._say(f"[MS controller] - Replicas {names} completed in-place update")

    def _shrink(self, group: Group, surplus: int) -> None:
        order = sorted(group.units, key=lambda u: (not u.updating, number(u.name)))
        chosen = order[:surplus]
        target = next((g for g in self.groups if g.name == group.annotations.get(MOVE_MACHINES_ANNOTATION)), None)
        group.units = [u for u in group.units if u not in chosen]
        what = "deleted" if target is None else f"moved to {target.name}"
        if target is not None:
            for unit in chosen:
                target.units.append(Unit(unit.name, updating=True, pending=True))
        names = ",".join(u.name for u in chosen)
        size = f"{len(group.units)}/{group.replicas}"
        self._say(f"[MS controller] - {group.name} scale down to {size} replicas ({names} {what})")

    def _grow(self, group: Group, missing: int) -> None:
        made = [Unit(f"m{self.next_unit + n}") for n in range(missing)]
        self.next_unit += missing
        group.units.extend(made)
        names = ",".join(u.name for u in made)
        size = f"{len(group.units)}/{group.replicas}"
        self._say(f"[MS controller] - {group.name} scale up to {size} replicas ({names} created)")

    def _user_deletes(self, name: str, iteration: int) -> None:
        self._say(f"[User] Iteration {iteration}, Deleting machine {name}")
        next(u for g in self.groups for u in g.units if u.name == name).deleting = True

    def _machine_rounds(self, iteration: int, known: set[str]) -> None:
        """One round of each machine that was there when the iteration began."""
        for group in self.groups:
            for unit in [u for u in group.units if u.name in known]:
                self._say(f"[M controller] Iteration {iteration}, Reconcile {unit.name}")
                if unit.deleting:
                    group.units.remove(unit)
                    self._say(f"[M controller] - {unit.name} finalizer removed")


def _template(version: str) -> dict[str, Any]:
    reference = {"apiGroup": "lab", "kind": "LabMachineTemplate", "name": "lab"}
    return {"template": {"spec": {"clusterName": "c", "version": version, "infrastructureRef": reference}}}


def _difference(group: Group, old: int, annotations: dict[str, str]) -> str:
    shown = (REVISION_ANNOTATION, *_IN_PLACE, DISABLE_MACHINE_CREATE_ANNOTATION)
    parts = [f"replicas {group.replicas}"] if old != group.replicas else []
    for name in shown:
        value = group.annotations.get(name)
        if value is not None and value != annotations.get(name):
            parts.append(f"{name}: {value}")
    return ",".join(parts)
