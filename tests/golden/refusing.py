"""Plays requests that are to be refused against a whole API server, and shows each refusal as kubectl prints it.

The requests are data (`refusals/*.yaml`): for each kind an object that is let in, and the changes that are not. A
change is a merge patch on it (lists are replaced, null takes away); a key that has `/` in it is a path into lists.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from capstan.api.errors import ApiError
from capstan.api.kinds import Kind
from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

FOLDER = Path(__file__).parent / "refusals"
#: What kubectl asks for unless told otherwise.
STRICT = WriteOptions(field_manager="kubectl-edit", field_validation="Strict")
VERBS = ("create", "update", "status", "scale", "delete", "patch")


class Refusal(msgspec.Struct, frozen=True):
    """One request that is to be refused. `rule` is what it breaks, `verb` and `change` the request, `fields` where
    the refusal has to point to; `base` is the object before, `beside` what else is there, `before` a change of the
    object that has come first."""

    kind: Kind
    version: str
    rule: str
    verb: str
    change: Any
    fields: tuple[str, ...]
    base: Obj
    beside: tuple[Obj, ...] = ()
    before: Any = None

    @property
    def title(self) -> str:
        return f"{self.kind.kind} {self.version}: {self.rule}"


def chapters() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def refusals(chapter: str) -> list[Refusal]:
    """All requests of one file."""
    found = []
    for group in yaml.safe_load((FOLDER / f"{chapter}.yaml").read_text(encoding="utf-8")):
        base = group["base"]
        name, _, version = base["apiVersion"].rpartition("/")
        kind = SCHEME.by_kind(name, base["kind"])
        assert kind is not None, base["kind"]
        for entry in group["refused"]:
            verb = next(verb for verb in VERBS if verb in entry)
            fields = entry["field"] if isinstance(entry["field"], list) else [entry["field"]]
            beside = (*group.get("beside", []), *entry.get("beside", []))
            found.append(
                Refusal(
                    kind, version, entry["rule"], verb, entry[verb], tuple(fields), base, beside, entry.get("before")
                )
            )
    return found


def merged(value: Any, change: Any) -> Any:
    """The value after a merge patch; a key with `/` in it is a path whose numbers are places in lists."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = dict(value) if isinstance(value, dict) else {}
    for name, part in change.items():
        if name.startswith(("spec/", "metadata/", "status/")):
            result = _put(copy.deepcopy(result), name.split("/"), part)
        elif part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result


def _put(obj: Obj, path: list[str], part: Any) -> Obj:
    inner: Any = obj
    for name in path[:-1]:
        inner = inner[int(name)] if isinstance(inner, list) else inner.setdefault(name, {})
    last: Any = int(path[-1]) if isinstance(inner, list) else path[-1]
    if part is None:
        del inner[last]
    else:
        inner[last] = part
    return obj


class Counter:
    """One server with nothing in it."""

    def __init__(self) -> None:
        drawn = itertools.count()
        self.server = ApiServer(
            MemoryStore(),
            scheme=SCHEME,
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            token=lambda size: hashlib.sha256(str(next(drawn)).encode()).digest()[:size],
        )
        self.verbs = self.server.verbs(User("admin", ("system:masters",)))

    async def put(self, obj: Obj) -> Obj:
        """Create an object with its status."""
        group, _, version = obj["apiVersion"].rpartition("/")
        kind = SCHEME.by_kind(group, obj["kind"])
        assert kind is not None, obj["kind"]
        resource = kind.resource(version)
        namespace = obj["metadata"].get("namespace", "default") if kind.namespaced else ""
        made = (await self.verbs.create(resource, namespace, obj, STRICT)).object
        if "status" not in obj:
            return made
        made = {**made, "status": obj["status"]}
        return (await self.verbs.update(resource, namespace, made["metadata"]["name"], made, STRICT, "status")).object

    async def answer(self, asked: Refusal) -> ApiError | None:
        """What the request is refused with; None where it is let in."""
        await self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        resource = asked.kind.resource(asked.version)
        namespace = "default" if asked.kind.namespaced else ""
        name = asked.base["metadata"]["name"]
        for other in asked.beside:
            await self.put(other)
        base = merged(asked.base, asked.before) if asked.before else asked.base
        if asked.verb != "create":
            base = await self.put(base)
        try:
            if asked.verb == "create":
                await self.verbs.create(resource, namespace, merged(base, asked.change), STRICT)
            elif asked.verb == "delete":
                await self.verbs.delete(resource, namespace, name, DeleteOptions())
            elif asked.verb == "patch":
                await self.verbs.patch(resource, namespace, name, "merge", asked.change, STRICT)
            elif asked.verb == "scale":
                await self.verbs.patch(resource, namespace, name, "merge", asked.change, STRICT, "scale")
            else:
                subresource = "" if asked.verb == "update" else asked.verb
                await self.verbs.update(resource, namespace, name, merged(base, asked.change), STRICT, subresource)
        except ApiError as error:
            return error
        return None


def as_kubectl_prints(error: ApiError) -> str:
    """The refusal on a user's screen: a line for each cause, equal ones once."""
    status = error.status()
    details = status.get("details") or {}
    if error.reason != "Invalid":
        return f"Error from server ({error.reason}): {error.message}"
    causes = details.get("causes") or []
    told = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    head = f'The {details["kind"]} "{details["name"]}" is invalid: '
    if len(told) == 1:
        return head + told[0]
    return "\n".join([head, *(f"* {line}" for line in told)])


def shown_change(asked: Refusal) -> str:
    return "" if asked.change is None else msgspec.json.encode(asked.change).decode()
