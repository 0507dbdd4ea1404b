"""Definitions: Capstan's own kinds shown as CustomResourceDefinitions, and users' definitions put into service."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from capstan.api.crd import crd_of
from capstan.api.errors import ApiError, is_not_found
from capstan.api.kinds import Admission, AdmissionRequest, Kind, convert_by_name_only
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.backend import Backend, encode_value
from capstan.apiserver.customresources import conversion_webhook, kind_of_crd, with_defaults
from capstan.apiserver.definitions.conditions import TakenNames, defined_status, is_true, stored_versions, terminating
from capstan.apiserver.definitions.namebook import NameBook
from capstan.apiserver.definitions.rules import definition_faults
from capstan.apiserver.definitions.validator import DefinitionValidator
from capstan.apiserver.definitions.warnings import definition_warnings
from capstan.apiserver.deleting import CRD_CLEANUP, CRD_PREFIX, Deleter
from capstan.apiserver.resources import Served, ServedVersion, Target
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.validation import Validator
from capstan.apiserver.webhooks.client import WebhookClient
from capstan.apiserver.webhooks.conversion import WebhookConverter
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry
from capstan.store.protocol import MismatchError, Put

log = logging.getLogger(__name__)

USER = User("system:apiserver", ("system:masters",))


def admit_definition(request: AdmissionRequest) -> Admission:
    """Admission of a definition: its defaults, and everything that makes it invalid or is worth a warning."""
    if request.new is None:
        return Admission(None)
    new = with_defaults(request.new)
    if request.subresource in ("status", "*"):
        return Admission(new)
    new = {**new, "status": {**(new.get("status") or {}), "storedVersions": stored_versions(new)}}
    old = request.old
    if old is not None and old.get("spec") == new["spec"] and old.get("metadata") == new["metadata"]:
        return Admission(new)
    return Admission(new, definition_faults(new, old), definition_warnings(new, old))


def with_definition_rules(served: Served) -> Served:
    """The kind CustomResourceDefinition as a server serves it; any other kind as it is."""
    if served.prefix != CRD_PREFIX:
        return served
    versions = tuple(_checked(version) for version in served.versions)
    return replace(served, admit=admit_definition, versions=versions)


def _checked(version: ServedVersion) -> ServedVersion:
    """The version with the validator that looks into the schemas of a definition too."""

    @cache
    def validator() -> Validator | None:
        schema = version.schema()
        return DefinitionValidator(schema) if schema is not None else version.validator()

    return replace(version, validator=validator)


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
                # Large, and rarely looked at again: the bytes are enough.
                entry.forget()
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
        return {**made, "status": defined_status(made, TakenNames(), self._backend.clock())}


class DefinitionController:
    """Follows users' definitions: serves what they define, says so in their status, and cleans up after them."""

    def __init__(
        self,
        backend: Backend,
        writer: Writer,
        deleter: Deleter,
        own: OwnDefinitions,
        webhooks: WebhookClient | None = None,
    ) -> None:
        self._backend = backend
        self._writer = writer
        self._deleter = deleter
        self._own = own
        self._webhooks = webhooks or WebhookClient()
        #: What each definition that is served was when it was put into service.
        self._known: dict[str, tuple[Obj, Obj]] = {}
        self._ending: dict[str, str] = {}
        self._names = NameBook(backend.registry)
        self._rounds = Rounds(backend.store, "definition", self._look, self._concerned)
        self._start = 0

    async def load(self) -> None:
        """Serve what is defined already, before the first request."""
        self._start = await self._rounds.begin(CRD_PREFIX)
        for entry in (await self._backend.store.list(CRD_PREFIX)).entries:
            self._names.note(entry.object)
            if entry.name in self._own:
                entry.forget()
        await self._rounds.work()

    async def run(self) -> None:
        """Until cancelled."""
        await self._rounds.follow(self._start)

    def _concerned(self, change: Change) -> Iterator[str]:
        entry = change.entry
        if entry.prefix == CRD_PREFIX:
            yield entry.name
            yield from self._names.waiting(entry.object["spec"]["group"], entry.name)
        elif change.deleted and entry.prefix in self._ending:
            yield self._ending[entry.prefix]

    async def _look(self, name: str) -> None:
        entry = await self._backend.store.get(CRD_PREFIX, "", name)
        if entry is None:
            self._forget(name)
        elif name in self._own:
            self._names.note(entry.object)
            entry.forget()
        elif entry.object["metadata"].get("deletionTimestamp"):
            await self._end(entry)
        else:
            await self._serve(entry)

    def _forget(self, name: str) -> None:
        self._names.forget(name)
        known = self._known.pop(name, None)
        if known is not None:
            spec, _ = known
            self._ending.pop(f"{spec['group']}/{spec['names']['plural']}", None)
            self._backend.registry.remove(spec["group"], spec["names"]["plural"])

    async def _serve(self, entry: Entry) -> None:
        """First in service, then established: a client that waits for the condition finds the resource."""
        crd, now = entry.object, self._backend.clock()
        taken = self._names.taken_besides(crd)
        status = defined_status(crd, taken, now)
        defined = {**crd, "status": status}
        self._names.note(defined)
        served = (crd["spec"], status["acceptedNames"])
        if is_true(defined, "Established") and (self._known.get(entry.name) != served or self._is_relabelled(crd)):
            self._backend.registry.add(kind_of_crd(defined, self._converter(crd)))
            self._known[entry.name] = served
        if status != crd.get("status"):
            await self._change(entry.name, _with_status(lambda current: defined_status(current, taken, now)), "status")

    def _is_relabelled(self, crd: Obj) -> bool:
        """Labels say which versions follow a contract: references of older clients are shown with those."""
        served = self._backend.registry.by_plural(crd["spec"]["group"], crd["spec"]["names"]["plural"])
        return served is not None and served.custom and served.labels != (crd["metadata"].get("labels") or {})

    def _converter(self, crd: Obj) -> WebhookConverter | None:
        webhook = conversion_webhook(crd)
        return None if webhook is None else WebhookConverter(self._webhooks, webhook, self._backend.new_uid)

    async def _end(self, entry: Entry) -> None:
        """Delete all objects of the kind; when the last is gone, let the definition go."""
        crd, registry = entry.object, self._backend.registry
        if CRD_CLEANUP not in (crd["metadata"].get("finalizers") or ()):
            return
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        served = registry.by_plural(group, plural)
        if served is None and is_true(crd, "Established"):
            # After a restart nobody served it yet.
            served = kind_of_crd(crd, self._converter(crd))
            registry.add(served)
            self._known[entry.name] = (crd["spec"], crd["status"].get("acceptedNames") or {})
        if served is None or not served.custom or entry.name not in self._known:
            await self._release(entry.name, "NeverEstablished", "resource was never established")
            return
        registry.close(group, plural)
        self._ending[served.prefix] = entry.name
        if not is_true(crd, "Terminating"):
            await self._change(entry.name, _with_status(self._terminating), "status")
        if not await self._delete_all(served):
            await self._release(entry.name, "InstanceDeletionCompleted", "removed all instances")

    def _terminating(self, crd: Obj) -> Obj:
        text = "CustomResource deletion is in progress"
        return terminating(crd, True, "InstanceDeletionInProgress", text, self._backend.clock())

    async def _release(self, name: str, reason: str, message: str) -> None:
        """Nothing is left: the definition's finalizer goes, and with the last one the definition."""
        now = self._backend.clock()

        def release(current: Obj) -> Obj:
            metadata = current["metadata"]
            left = [f for f in metadata.get("finalizers") or () if f != CRD_CLEANUP]
            status = terminating(current, False, reason, message, now)
            return {**current, "metadata": {**metadata, "finalizers": left}, "status": status}

        await self._change(name, release, "*")

    async def _delete_all(self, served: Served) -> bool:
        """Whether any are left. Objects go whatever their webhook says: nobody gets to see them."""
        blind = replace(served, converter=None, convert=convert_by_name_only)
        page = await self._backend.store.list(served.prefix)
        for entry in page.entries:
            metadata = entry.object["metadata"]
            if metadata.get("deletionTimestamp"):
                continue
            how = DeleteOptions(uid=metadata["uid"], propagation="Background")
            try:
                await self._deleter.delete(blind.stored(entry.namespace), entry.name, how, USER)
            except ApiError as error:
                if not is_not_found(error):
                    raise
        return bool((await self._backend.store.list(served.prefix, limit=1)).entries)

    async def _change(self, name: str, make: Callable[[Obj], Obj], subresource: str) -> None:
        served = self._backend.registry.by_plural("apiextensions.k8s.io", "customresourcedefinitions")
        assert served is not None
        try:
            await self._writer.change(served.stored(""), Write(name, make, WriteOptions(), USER, subresource))
        except ApiError as error:
            if not is_not_found(error):
                raise


def _with_status(status: Callable[[Obj], Obj]) -> Callable[[Obj], Obj]:
    """Changes the status that is there when it is written: what others wrote to it meanwhile stays."""
    return lambda current: {**current, "status": status(current)}
