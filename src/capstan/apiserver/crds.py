"""Definitions: Capstan's own kinds shown as CustomResourceDefinitions, and users' definitions put into service."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from capstan.api.crd import crd_of
from capstan.api.errors import ApiError, is_not_found
from capstan.api.kinds import Admission, AdmissionRequest, Kind
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.backend import Backend, encode_value
from capstan.apiserver.customresources import definition_faults, established_status, kind_of_crd, with_defaults
from capstan.apiserver.deleting import CRD_CLEANUP, CRD_PREFIX, Deleter
from capstan.apiserver.resources import Served, Target
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry
from capstan.store.protocol import MismatchError, Put

log = logging.getLogger(__name__)

USER = User("system:apiserver", ("system:masters",))


def admit_definition(request: AdmissionRequest) -> Admission:
    """Admission of a definition: its defaults, and everything that makes it invalid."""
    if request.new is None:
        return Admission(None)
    new = with_defaults(request.new)
    if request.subresource == "status" or new["metadata"].get("deletionTimestamp"):
        return Admission(new)
    return Admission(new, definition_faults(new, request.old))


def with_definition_rules(served: Served) -> Served:
    """The kind CustomResourceDefinition as a server serves it; any other kind as it is."""
    return replace(served, admit=admit_definition) if served.prefix == CRD_PREFIX else served


class OwnDefinitions:
    """The program's kinds as definitions that everybody may read and nobody can change."""

    def __init__(self, backend: Backend, kinds: Sequence[Kind]) -> None:
        self._backend = backend
        self._kinds = {kind.resource().group_resource: kind for kind in kinds if not kind.builtin}

    def guard(self, target: Target, name: str) -> str:
        """The warning for a write to one of them; the empty string for everything else."""
        if target.served.prefix != CRD_PREFIX or name not in self._kinds:
            return ""
        return f"{name} is built into Capstan: its definition is a read-only copy, and this request changed nothing"

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    async def write(self) -> None:
        """Store what is missing or differs, as after an upgrade; the rest is left as it is."""
        if self._backend.registry.by_plural("apiextensions.k8s.io", "customresourcedefinitions") is None:
            return
        for name, kind in self._kinds.items():
            entry = await self._backend.store.get(CRD_PREFIX, "", name)
            wanted = self._definition(kind, entry.object if entry is not None else None)
            if entry is not None and wanted == entry.object:
                continue
            put = Put(CRD_PREFIX, "", name, encode_value(wanted), entry.revision if entry is not None else 0)
            try:
                await self._backend.store.commit([put])
            except MismatchError:
                log.warning("definition %s was written by another server", name)

    def _definition(self, kind: Kind, old: Obj | None) -> Obj:
        """The definition as it is stored, with identity and times of the one that is there."""
        crd = with_defaults(crd_of(kind))
        before: Obj = old["metadata"] if old is not None else {}
        generation = before.get("generation", 0) + (0 if old is not None and old.get("spec") == crd["spec"] else 1)
        metadata = {
            **crd["metadata"],
            "uid": before.get("uid") or self._backend.new_uid(),
            "creationTimestamp": before.get("creationTimestamp") or self._backend.timestamp(),
            "generation": generation,
        }
        if "resourceVersion" in before:
            metadata["resourceVersion"] = before["resourceVersion"]
        status = old.get("status", {}) if old is not None else {}
        made = {**crd, "metadata": {k: v for k, v in metadata.items() if v != {}}, "status": status}
        return {**made, "status": established_status(made, (), self._backend.clock())}


class DefinitionController:
    """Follows users' definitions: serves what they define, says so in their status, and cleans up after them."""

    def __init__(self, backend: Backend, writer: Writer, deleter: Deleter, own: OwnDefinitions) -> None:
        self._backend = backend
        self._writer = writer
        self._deleter = deleter
        self._own = own
        self._known: dict[str, Obj] = {}
        self._ending: dict[str, str] = {}
        self._rounds = Rounds(backend.store, "definition", self._look, self._concerned)
        self._start = 0

    async def load(self) -> None:
        """Serve what is defined already, before the first request."""
        self._start = await self._rounds.begin(CRD_PREFIX)
        await self._rounds.work()

    async def run(self) -> None:
        """Until cancelled."""
        await self._rounds.follow(self._start)

    def _concerned(self, change: Change) -> Iterator[str]:
        entry = change.entry
        if entry.prefix == CRD_PREFIX:
            yield entry.name
        elif change.deleted and entry.prefix in self._ending:
            yield self._ending[entry.prefix]

    async def _look(self, name: str) -> None:
        if name in self._own:
            return
        entry = await self._backend.store.get(CRD_PREFIX, "", name)
        if entry is None:
            self._forget(name)
        elif entry.object["metadata"].get("deletionTimestamp"):
            await self._end(entry)
        else:
            await self._serve(entry)

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._backend.registry.remove(known["group"], known["names"]["plural"])

    async def _serve(self, entry: Entry) -> None:
        """First in service, then established: a client that waits for the condition finds the resource."""
        registry, crd = self._backend.registry, entry.object
        spec = crd["spec"]
        status = established_status(crd, registry.all(), self._backend.clock())
        accepted = any(c["type"] == "Established" and c["status"] == "True" for c in status["conditions"])
        if accepted and self._known.get(entry.name) != spec:
            registry.add(kind_of_crd(crd))
            self._known[entry.name] = spec
        if status != crd.get("status"):
            await self._change(entry.name, lambda current: {**current, "status": status}, "status")

    async def _end(self, entry: Entry) -> None:
        """Delete all objects of the kind; when the last is gone, let the definition go."""
        spec, registry = entry.object["spec"], self._backend.registry
        plural = spec["names"]["plural"]
        served = registry.by_plural(spec["group"], plural)
        if served is not None and served.custom:
            registry.close(spec["group"], plural)
            self._ending[served.prefix] = entry.name
            if await self._delete_all(served):
                return
            self._ending.pop(served.prefix, None)
        self._known.setdefault(entry.name, spec)
        finalizers = entry.object["metadata"].get("finalizers") or []
        if CRD_CLEANUP not in finalizers:
            return

        def release(current: Obj) -> Obj:
            metadata = current["metadata"]
            left = [f for f in metadata.get("finalizers") or () if f != CRD_CLEANUP]
            return {**current, "metadata": {**metadata, "finalizers": left}}

        await self._change(entry.name, release, "")

    async def _delete_all(self, served: Served) -> bool:
        """Whether any are left."""
        page = await self._backend.store.list(served.prefix)
        for entry in page.entries:
            metadata = entry.object["metadata"]
            if metadata.get("deletionTimestamp"):
                continue
            how = DeleteOptions(uid=metadata["uid"], propagation="Background")
            try:
                await self._deleter.delete(served.stored(entry.namespace), entry.name, how, USER)
            except ApiError as error:
                if not is_not_found(error):
                    raise
        return bool((await self._backend.store.list(served.prefix, limit=1)).entries)

    async def _change(self, name: str, make: object, subresource: str) -> None:
        served = self._backend.registry.by_plural("apiextensions.k8s.io", "customresourcedefinitions")
        assert served is not None and callable(make)
        try:
            await self._writer.change(served.stored(""), Write(name, make, WriteOptions(), USER, subresource))
        except ApiError as error:
            if not is_not_found(error):
                raise
