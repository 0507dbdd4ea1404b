"""The home lab of the examples in a virtual world: its manifests as values to edit, and what it tells its users."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.runtime.eventlog import fields_of
from capstan.sim.datacenter import PVE_SECRET, DatacenterSettings
from capstan.sim.proxmox.delays import BRISK
from capstan.sim.world import World

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "homelab" / "cluster.yaml"
CONTROL_PLANE, WORKERS = "homelab-control-plane", "homelab-workers"
#: PVE takes its time, so that there are moments between an effect and its end.
SETTINGS = DatacenterSettings(seed=7, pve_delays=BRISK)

_DOCUMENTS: list[Obj] = [document for document in yaml.safe_load_all(EXAMPLE.read_text()) if document]


def documents() -> list[Obj]:
    """The manifests, to edit."""
    return deepcopy(_DOCUMENTS)


def document(found: Iterable[Obj], kind: str, name: str = "") -> Obj:
    """One of the manifests."""
    return next(d for d in found if d["kind"] == kind and name in ("", d["metadata"]["name"]))


def small(found: list[Obj], control_planes: int = 1, workers: int = 1) -> list[Obj]:
    """The same with so many machines."""
    document(found, "TalosControlPlane")["spec"]["replicas"] = control_planes
    document(found, "MachineDeployment")["spec"]["replicas"] = workers
    return found


def text(found: Iterable[Obj]) -> str:
    return yaml.safe_dump_all(found)


class _Listening(logging.Handler):
    """Keeps what the engine logs."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        fields = {**fields_of(record), "event": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exc_info"] = record.exc_info[1]
        self._lines.append(f"{record.levelname.lower()} {fields!r}")


class HomeLab:
    """One world with one home lab. `run` plays a scenario and checks at its end that nothing secret was told."""

    def __init__(self, settings: DatacenterSettings = SETTINGS, manifests: list[Obj] | None = None) -> None:
        self.settings = settings
        self.manifests = manifests if manifests is not None else documents()
        self.logs: list[str] = []
        self._secrets = {PVE_SECRET}
        self._always: frozenset[str] = frozenset()
        self.world: World

    def run(self, scenario: Callable[[HomeLab], Coroutine[Any, Any, None]]) -> None:
        ours, listening = logging.getLogger("capstan.runtime"), _Listening(self.logs)
        before = ours.level
        ours.setLevel(logging.DEBUG)
        ours.addHandler(listening)
        try:
            with World(self.settings) as self.world:
                self.world.run(scenario(self))
                self.world.run(self.check_secrets())
        finally:
            ours.removeHandler(listening)
            ours.setLevel(before)
        bugs = [line for line in self.logs if line.startswith("error")]
        assert not bugs, "bugs were logged:\n" + "\n".join(bugs)

    # -- what a user does

    async def apply(self) -> None:
        if not self._always:
            self._always = frozenset(await self._everything())
        await self.world.apply(text(self.manifests))

    async def add(self, manifest: Obj) -> None:
        """One more object beside the manifests."""
        await self.world.apply(text([manifest]))

    async def patch(self, kind: str, name: str, patch: Obj) -> None:
        resource = _kind(kind).resource()
        await self.world.plane.client.patch(resource, "default", name, patch)

    async def delete(self, kind: str, name: str) -> None:
        resource = _kind(kind).resource()
        await self.world.plane.client.delete(resource, "default" if resource.namespaced else "", name)

    async def delete_all(self) -> None:
        """Everything at once, as `kubectl delete -f` with all the manifests."""
        await self.world.delete(text(self.manifests))

    async def all(self, kind: str) -> list[Obj]:
        return list((await self.world.plane.client.list(_kind(kind).resource())).items)

    async def get(self, kind: str, name: str) -> Obj:
        return await self.world.plane.client.get(_kind(kind).resource(), "default", name)

    # -- what a user sees

    async def until(self, check: Callable[[], Awaitable[bool]], seconds: float = 3600.0) -> None:
        await self.world.until(check, seconds)

    async def is_ready(self, control_planes: int, workers: int) -> bool:
        machines = await self.all("Machine")
        owned = [m for m in machines if "cluster.x-k8s.io/control-plane" in m["metadata"].get("labels", {})]
        if (len(owned), len(machines) - len(owned)) != (control_planes, workers):
            return False
        if any(state(m, "Ready") != "True" for m in machines):
            return False
        parts = [
            await self.get("Cluster", "homelab"),
            await self.get("TalosControlPlane", CONTROL_PLANE),
            await self.get("MachineDeployment", WORKERS),
        ]
        return all(state(part, "Available") == "True" for part in parts)

    async def ready(self, control_planes: int = 1, workers: int = 2, seconds: float = 3600.0) -> None:
        await self.until(lambda: self.is_ready(control_planes, workers), seconds)

    async def deleted(self, seconds: float = 3600.0) -> None:
        """Nothing of the manifests is left, here or in the datacenter."""

        # What the server collects by itself is no effect of a controller, so `until` would not see it.
        for _ in range(int(seconds)):
            if not await self.left() and not self.world.datacenter.leftovers():
                return
            await asyncio.sleep(1)
        raise AssertionError(f"left: {await self.left()}, {self.world.datacenter.leftovers()}")

    async def left(self) -> list[str]:
        """What is there besides what was there before anything was applied."""
        return [name for name in await self._everything() if name not in self._always]

    async def _everything(self) -> list[str]:
        found: list[str] = []
        for kind in SCHEME.kinds:
            if kind.kind not in ("Event", "Lease", "CustomResourceDefinition"):
                found += [f"{kind.kind} {o['metadata']['name']}" for o in await self.all(kind.kind)]
        return found

    async def told(self, kind: str, condition: str, part: str, name: str = "", seconds: float = 900.0) -> str:
        """Wait until the condition of an object of that kind says so; gives `reason: message`."""
        answer = ""

        async def is_told() -> bool:
            nonlocal answer
            for obj in await self.all(kind):
                if name in ("", obj["metadata"]["name"]):
                    answer = _said(obj, condition)
                    if part in answer:
                        return True
            return False

        try:
            await self.until(is_told, seconds)
        except TimeoutError as error:
            shown = "\n".join(_said_all(obj) for obj in await self.all(kind))
            raise AssertionError(f"no {kind} says {part!r} in {condition}:\n{shown}\n{error}") from None
        return answer

    async def events(self, reason: str = "") -> list[str]:
        return [e["message"] for e in await self.all("Event") if reason in ("", e["reason"])]

    async def calmly(self, seconds: float = 1800.0, writes: int = 40, reconciles: int = 800) -> None:
        """While nothing changes little is done: no hot loop. The bounds are for the whole time."""
        points, before = self.world.gate.points, self.reconciles()
        lines = len(self.world.trace.lines)
        await asyncio.sleep(seconds)
        done = self.world.gate.points - points
        shown = "\n".join(self.world.trace.lines[lines:][-40:])
        assert done <= 2 * writes, f"{done / 2} effects in {seconds} s:\n{shown}"
        worked = {name: count - before.get(name, 0) for name, count in self.reconciles().items()}
        assert sum(worked.values()) <= reconciles, f"{worked} reconciles in {seconds} s:\n{shown}"

    def reconciles(self) -> dict[str, int]:
        return dict(self.world.plane.manager.metrics.reconciles)

    def pve_reads(self) -> int:
        return sum(1 for operation, _ in self.world.datacenter.pve_api.calls if operation.startswith("GET"))

    # -- what nobody may see

    def hide(self, *secrets: str) -> None:
        self._secrets.update(secrets)

    async def check_secrets(self) -> None:
        """No value of a Secret stands in another object, an Event, the trace or the log."""
        for secret in await self.all("Secret"):
            for value in secret.get("data", {}).values():
                self._secrets.update(_long_words(base64.b64decode(value)))
        said = [*self.world.trace.lines, *self.logs]
        for kind in SCHEME.kinds:
            if kind.kind != "Secret":
                said += [repr(obj) for obj in await self.all(kind.kind)]
        spoken = "\n".join(said)
        assert not [secret for secret in self._secrets if secret in spoken]


def state(obj: Obj, condition: str) -> str:
    found = [c for c in obj.get("status", {}).get("conditions", ()) if c["type"] == condition]
    return str(found[0]["status"]) if found else ""


def _said(obj: Obj, condition: str) -> str:
    found = [c for c in obj.get("status", {}).get("conditions", ()) if c["type"] == condition]
    return f"{found[0].get('reason', '')}: {found[0].get('message', '')}" if found else ""


def _said_all(obj: Obj) -> str:
    conditions = obj.get("status", {}).get("conditions", ())
    return f"{obj['metadata']['name']}" + "".join(f"\n  {c['type']} {_said(obj, c['type'])}" for c in conditions)


def _long_words(value: bytes) -> set[str]:
    """What in a Secret is worth keeping: long words that are no names, addresses or certificates."""
    body = re.sub(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", b"", value, flags=re.DOTALL)
    found = set(re.findall(r"(?<![\w+/=-])[A-Za-z0-9+/]{32,}={0,2}(?![\w+/=.:-])", body.decode(errors="replace")))
    return {word for word in found if not word.startswith("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS")}


def _kind(name: str) -> Any:
    return next(kind for kind in SCHEME.kinds if kind.kind == name)
