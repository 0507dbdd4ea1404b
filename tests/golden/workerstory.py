"""Tells what becomes of workers, as lines with the seconds since the beginning: what users did, what the controllers
decided and why, the events, and what a condition says at the end of a chapter."""

from __future__ import annotations

import re
from datetime import timedelta

from capstan.api.objects import Obj
from tests.golden.text import assert_golden
from tests.unit.controllers.lab import node, provide
from tests.unit.controllers.world import World, condition, strings

_TOLD = re.compile(r"(MachineDeployment|MachineSet|MachineHealthCheck|ClusterResourceSet) \S+: (?P<what>.*)", re.DOTALL)
_MACHINE = re.compile(r"Machine \S+: (?P<what>(?:update of|ask) .*)")
#: What is no news: owners, labels and counters of names.
_QUIET = re.compile(r"event |create Lab|\(it says|\(it belongs|follows? (its|the)|finalizer|belongs to Cluster")
_NAME = re.compile(r"\bworkers-[a-z0-9]{5}(?:-[a-z0-9]{5})?\b")
_ROUNDS = 60


class Story:
    """One world, told."""

    def __init__(self, world: World, title: str) -> None:
        self.world = world
        self._begin = world.now
        self._lines = [f"# {title}", ""]
        self._names: dict[str, str] = {}
        world.trace.clear()
        world.events.clear()
        for machine in self.machines():
            self._named(machine["metadata"]["name"].rpartition("-")[0])
            self._named(machine["metadata"]["name"])

    # What users do, and time

    def does(self, text: str) -> None:
        """A heading: what somebody does now."""
        self._lines += [*([""] if self._lines[-1] else []), f"{self._clock()}  ## {text}"]

    def edit(self, text: str, patch: Obj, kind: str = "MachineDeployment", name: str = "workers") -> None:
        self.does(text)
        self.world.edit(kind, name, patch)

    def settle(self) -> None:
        """Until nobody has anything to do."""
        for _ in range(_ROUNDS):
            moved = provide(self.world)
            moved |= bool(self.world.round())
            self._flush()
            if not moved:
                return
            self.world.now += timedelta(seconds=1)
        raise AssertionError("the world does not come to rest:\n" + "\n".join(self._lines[-20:]))

    def later(self, seconds: float) -> None:
        self.world.now += timedelta(seconds=seconds)
        self.settle()

    def breaks(self, *machines: Obj) -> None:
        """Their kubelets report that they are not ready."""
        for machine in machines:
            name = machine["metadata"]["name"]
            broken = node(name, "False")
            ready = next(c for c in broken["status"]["conditions"] if c["type"] == "Ready")
            since = self.world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ready.update(lastTransitionTime=since, reason="KubeletNotReady")
            self.world.put({**broken, "metadata": self.world.get("Node", name)["metadata"]})

    # What is told

    def machines(self) -> list[Obj]:
        return [m for m in self.world.all("Machine") if m["metadata"]["name"].startswith("workers")]

    def says(self, kind: str, name: str, *types: str) -> None:
        """What conditions of an object are at this time."""
        for type in types:
            found = condition(self.world.get(kind, name), type)
            head, *rest = found["message"].splitlines() or [""]
            self._say(f"   {kind} {name}: {type} is {found['status']} ({found['reason']}) {head}".rstrip())
            self._lines += [self._masked(f"{'':7}     {line}") for line in rest]

    def counts(self) -> None:
        """How large the sets are: Machines there and wanted."""
        for found in sorted(self.world.all("MachineSet"), key=lambda s: self._named(s["metadata"]["name"])):
            have, want = found["status"].get("replicas", 0), found["spec"]["replicas"]
            version = found["spec"]["template"]["spec"]["version"]
            self._say(f"   MachineSet {found['metadata']['name']}: {have} of {want} Machines, version {version}")

    def write(self, file: str) -> None:
        assert_golden(file, strings(self._lines))

    def _flush(self) -> None:
        for line in self.world.trace:
            found = _TOLD.match(line) or _MACHINE.match(line)
            if found is not None and not _QUIET.search(found["what"]):
                self._say(" ".join(found["what"].split()))
        for event in self.world.events:
            if event.startswith("Warning") or "Unhealthy" in event:
                self._say(f"Event {event}")
        self.world.trace.clear()
        self.world.events.clear()

    def _clock(self) -> str:
        return f"{(self.world.now - self._begin).total_seconds():5.0f} s"

    def _say(self, text: str) -> None:
        self._lines.append(self._masked(f"{self._clock()}  {text}"))

    def _masked(self, text: str) -> str:
        """Names by their letters: Machine A of set 1."""
        return _NAME.sub(lambda found: self._named(found[0]), text)

    def _named(self, name: str) -> str:
        if name not in self._names:
            is_machine = name.count("-") == 2
            number = sum((n.count("-") == 2) == is_machine for n in self._names)
            self._names[name] = chr(ord("A") + number) if is_machine else f"workers-{number + 1}"
        return self._names[name]
