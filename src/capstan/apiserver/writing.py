"""Creates and changes: from the body of a request to one revision in the store, or to the refusal of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import orjson
from msgspec import structs

from capstan.api.errors import ApiError, FieldCause, already_exists, conflict, forbidden, invalid, not_found
from capstan.api.kinds import AdmissionRequest, Operation
from capstan.api.objects import Obj
from capstan.api.rules.takeover import handed_over
from capstan.api.verbs import Answer, User, WriteOptions
from capstan.apiserver.admission import Attributes
from capstan.apiserver.apply.ownership import Applied, Ownership, Write
from capstan.apiserver.backend import Backend, StoredAnswer, encode_value, internal_error, view
from capstan.apiserver.conversion import converted, prepare, to_stored
from capstan.apiserver.metadata import (
    MODIFIED,
    PROTECTED,
    addressed,
    carried_over,
    check_finalizer_change,
    check_metadata,
    check_preconditions,
    content,
    generated_name,
    has_generation,
    metadata_of,
    resource_version_on_create,
)
from capstan.apiserver.namespaces import check_namespace, is_namespace, new_namespace, updated_namespace
from capstan.apiserver.resources import Served, Target
from capstan.apiserver.schemas import conform
from capstan.store.entry import Entry
from capstan.store.protocol import MismatchError, Put, Remove

_MAX_TRIES = 100
_GENERATED_NAME_TRIES = 8

#: Subresources of which a request takes the status, and nothing else.
_STATUS_ONLY = frozenset(("status", "approval"))
#: Subresources that change the object as a request to the object itself does.
_OF_THE_WHOLE = frozenset(("", "scale"))


# A msgspec Struct, like all values that each request makes anew: a frozen dataclass takes ten times as long to make.
class Step(msgspec.Struct, frozen=True):
    """One write on its way: what it is about, and what was there. `old` is in the stored version, `before` in that
    of the request; both are None for a create. `sent` are the managedFields that the client sent, `applied` is what
    an apply has found."""

    target: Target
    operation: Operation
    name: str
    subresource: str
    old: Obj | None
    before: Obj | None
    options: WriteOptions
    user: User
    sent: Any = None
    applied: Applied | None = None

    def faces(self, new: Obj) -> Iterator[Attributes]:
        """The same as the admission chain sees it: a write of all at once is one of the object, one of its status,
        or both."""
        whole = Attributes(
            self.operation,
            self.target,
            self.name,
            self.subresource,
            self.old,
            new,
            self.user,
            self.options.dry_run,
            self.options,
        )
        if self.subresource != "*":
            yield whole
            return
        old = self.old or {}
        if _without(new, "status") != _without(old, "status") or new == old:
            yield structs.replace(whole, subresource="")
        if new.get("status") != old.get("status"):
            yield structs.replace(whole, subresource="status")


class Change(msgspec.Struct, frozen=True):
    """A write to an existing object. `make` gives the whole body, in the version of the request, from the
    present object. `subresource` limits what is taken of it: all but status, status, finalize, or `*` for all.
    `may_create` is asked before the change makes what is missing, and raises 403 for who may not. `config` is what
    an apply states; there is nothing to make then."""

    name: str
    make: Callable[[Obj], Obj]
    options: WriteOptions
    user: User
    subresource: str = ""
    unconditional: bool = True
    may_create: Callable[[], None] = lambda: None
    config: Callable[[Obj | None], Obj] | None = None

    def write(self, target: Target) -> Write:
        """The same as ownership sees it."""
        return Write(target, self.options, self.subresource)


class Writer:
    """The writing half of the verbs. Nothing is half-written: one revision, or an ApiError."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ownership = Ownership(backend.timestamp)

    async def create(self, target: Target, obj: Obj, options: WriteOptions, user: User) -> Answer:
        metadata = metadata_of(obj)
        if metadata.get("resourceVersion") not in (None, ""):
            raise resource_version_on_create()
        if metadata.get("name") or not metadata.get("generateName"):
            return await self._create_named(target, obj, options, user)
        for attempt in range(_GENERATED_NAME_TRIES):
            name = generated_name(str(metadata["generateName"]), self._backend.new_suffix())
            named = {**obj, "metadata": {**metadata, "name": name}}
            try:
                return await self._create_named(target, named, options, user)
            except ApiError as error:
                if error.reason != "AlreadyExists" or attempt == _GENERATED_NAME_TRIES - 1:
                    raise
        raise internal_error("no free name was found")

    async def _create_named(
        self, target: Target, obj: Obj, options: WriteOptions, user: User, applied: Applied | None = None
    ) -> Answer:
        served = target.served
        await check_namespace(self._backend, target)
        body = addressed(target, obj, "")
        metadata = body["metadata"]
        if self._backend.registry.is_closing(served):
            why = "create not allowed while custom resource definition is terminating"
            raise forbidden(served.group_resource, str(metadata.get("name", "")), why)
        refuse(served, metadata.get("name", ""), check_metadata(served, metadata))
        if target.version.status and not served.born_with_status:
            body = _without(body, "status")
        body, warnings = conform(target, body, None, options)
        new = self._born(served, await to_stored(target, body))
        sent = metadata.get("managedFields")
        step = Step(target, "CREATE", str(metadata["name"]), "", None, None, options, user, sent, applied)
        new, more = await self._admitted(step, new)
        new = await self._owned(step, new)
        refuse(served, step.name, check_metadata(served, new["metadata"]))
        more += await self._validated(step, new)
        entry = await self._put(served, new, None, options)
        await prepare(served, (entry,), target.version.name)
        return StoredAnswer(served, entry, target.version.name, warnings + more, created=True)

    def _born(self, served: Served, obj: Obj) -> Obj:
        """A new object's metadata: what the server sets, and nothing of what a client cannot."""
        dropped = ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation")
        given = obj["metadata"]
        metadata = {k: v for k, v in given.items() if k not in dropped and v not in ({}, [], None)}
        metadata["uid"] = self._backend.new_uid()
        metadata["creationTimestamp"] = self._backend.timestamp()
        if has_generation(served):
            metadata["generation"] = 1
        new = {**obj, "metadata": metadata}
        return new_namespace(new) if is_namespace(served) else new

    async def change(self, target: Target, change: Change) -> Answer:
        """Carry out a change; when another write comes between, look again and repeat. A resourceVersion in the
        body then no longer fits, which is the conflict that its sender asked for."""
        served = target.served
        for _ in range(_MAX_TRIES):
            entry = await self._backend.store.get(served.prefix, target.namespace, change.name)
            if entry is None:
                return await self._missing(target, change)
            try:
                return await self._attempt(target, entry, change)
            except MismatchError:
                continue
        raise ApiError(
            504, "Timeout", f"{served.group_resource} {change.name} changed again and again while it was written"
        )

    async def _missing(self, target: Target, change: Change) -> Answer:
        served = target.served
        if served.upsert and not change.unconditional and not change.subresource:
            change.may_create()
            body = change.make({})
            return await self._create_named(target, addressed(target, body, change.name), change.options, change.user)
        if change.config is not None and not change.subresource:
            change.may_create()
            return await self._create_applied(target, change, change.config(None))
        raise not_found(served.group_resource, change.name)

    async def _create_applied(self, target: Target, change: Change, config: Obj) -> Answer:
        """An apply of what does not exist. A uid or resourceVersion in it is a precondition that does not hold."""
        body = addressed(target, config, change.name)
        metadata = body["metadata"]
        if metadata.get("uid") or metadata.get("resourceVersion") not in (None, "", "0"):
            uid = metadata.get("uid", "")
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: " if uid else MODIFIED
            raise conflict(target.served.group_resource, change.name, why)
        applied = await self._ownership.applied(change.write(target), None, body)
        return await self._create_named(target, body, change.options, change.user, applied)

    async def _attempt(self, target: Target, entry: Entry, change: Change) -> Answer:
        served, options = target.served, change.options
        old = entry.object
        await prepare(served, (entry,), target.version.name)
        before = view(served, entry, target.version.name)
        applied = None
        if change.config is not None:
            config = addressed(target, change.config(before), change.name)
            applied = await self._ownership.applied(change.write(target), before, config)
        body = addressed(target, change.make(before) if applied is None else applied.object, change.name)
        sent = body["metadata"]
        if not (change.unconditional or served.builtin or sent.get("resourceVersion")):
            path, message = "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
            raise invalid(served.group_kind, change.name, [FieldCause(path, message)])
        check_preconditions(target, old["metadata"], str(sent.get("uid") or ""), str(sent.get("resourceVersion") or ""))
        body = taken(target, before, body, change.subresource)
        body, warnings = conform(target, body, before, options)
        new = self._succeeded(target, old, await to_stored(target, body), change.subresource)
        entries = sent.get("managedFields")
        step = Step(
            target, "UPDATE", change.name, change.subresource, old, before, options, change.user, entries, applied
        )
        new, more = await self._admitted(step, new)
        new = await self._owned(step, new)
        refuse(served, change.name, check_metadata(served, new["metadata"]))
        refuse(served, change.name, check_finalizer_change(old["metadata"], new["metadata"]))
        new = _counted(target, old, new)
        more += await self._validated(step, new)
        if new == old:
            return StoredAnswer(served, entry, target.version.name, warnings + more)
        written = await self._put(served, new, entry, options)
        await prepare(served, (written,), target.version.name)
        return StoredAnswer(served, written, target.version.name, warnings + more)

    def _succeeded(self, target: Target, old: Obj, new: Obj, subresource: str) -> Obj:
        """The next state: what this request may not touch comes from the stored object."""
        if subresource in _STATUS_ONLY:
            kept = {**old, "status": new.get("status")}
            if target.served.status_with_metadata:
                kept["metadata"] = carried_over(old["metadata"], new["metadata"])
            return kept if kept["status"] is not None else {k: v for k, v in kept.items() if k != "status"}
        new = {**new, "metadata": carried_over(old["metadata"], new["metadata"])}
        if target.version.status and subresource != "*":
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        return updated_namespace(old, new, subresource) if is_namespace(target.served) else new

    async def _admitted(self, step: Step, new: Obj) -> tuple[Obj, tuple[str, ...]]:
        """The object after the kind's own admission and after the chain, and what they warn about."""
        new, warnings = await self._own_admission(step, new)
        mutated = new
        more: tuple[str, ...] = ()
        for attributes in step.faces(new):
            present = attributes if mutated is new else structs.replace(attributes, new=mutated)
            found, told = await self._backend.chain.mutate(present)
            mutated, more = found or mutated, more + told
        if mutated is new:
            return new, warnings + more
        # What others made of it has to pass as if it had been sent: the kind's own defaults and rules are last.
        new, warnings = await self._own_admission(step, await self._conformed_again(step, new, mutated))
        return new, warnings + more

    async def _validated(self, step: Step, new: Obj) -> tuple[str, ...]:
        """What the chain warns about an object that it lets through."""
        warnings: tuple[str, ...] = ()
        for attributes in step.faces(new):
            warnings += await self._backend.chain.validate(attributes)
        return warnings

    async def _owned(self, step: Step, new: Obj) -> Obj:
        """The object with who owns which field of it."""
        old = step.old
        kept = None if old is None else old["metadata"].get("managedFields")
        if step.applied is not None:
            changed = old is None or any(_but_managed(new, name) != _but_managed(old, name) for name in {**new, **old})
            entries = self._ownership.settled(step.applied, kept, changed=changed)
            if old is None and entries and step.options.handover is not None:
                entries = handed_over(entries, step.options.field_manager, step.options.handover)
        elif old is not None and new == old and (step.sent is None or step.sent == kept):
            return new
        else:
            write = Write(step.target, step.options, step.subresource)
            shown = await converted(step.target.served, new, step.target.version.name)
            entries = await self._ownership.written(write, step.before, shown, step.sent)
        metadata = {k: v for k, v in new["metadata"].items() if k != "managedFields"}
        if entries:
            metadata["managedFields"] = entries
        return {**new, "metadata": metadata}

    async def _own_admission(self, step: Step, new: Obj) -> tuple[Obj, tuple[str, ...]]:
        served = step.target.served
        found = await self._backend.lookups(served, new)
        request = AdmissionRequest(
            step.operation, step.old, new, found, step.options.dry_run, step.user.name, step.subresource
        )
        admission = served.admit(request)
        refuse(served, new["metadata"]["name"], _in_version(step.target, admission.causes))
        return admission.object or new, admission.warnings

    async def _conformed_again(self, step: Step, new: Obj, mutated: Obj) -> Obj:
        """What the chain made of an object, within the bounds of the request and of the schema."""
        target = step.target
        metadata = {k: v for k, v in metadata_of(mutated).items() if k not in PROTECTED}
        metadata |= {k: v for k, v in new["metadata"].items() if k in PROTECTED}
        body = {**mutated, "metadata": metadata}
        if step.old is None and target.version.status and not target.served.born_with_status:
            body = {**_without(body, "status"), **({"status": new["status"]} if "status" in new else {})}
        body = await converted(target.served, body, target.version.name)
        body, _ = conform(target, body, step.before, replace(step.options, field_validation="Ignore"))
        body = await to_stored(target, body)
        return body if step.old is None else self._succeeded(target, step.old, body, step.subresource)

    async def _put(self, served: Served, new: Obj, entry: Entry | None, options: WriteOptions) -> Entry:
        """One revision. An object that only waited for its finalizers is removed with its last state."""
        metadata = new["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        value = encode_value(new)
        expected = 0 if entry is None else entry.revision
        if options.dry_run:
            if entry is None and await self._backend.store.get(served.prefix, namespace, name):
                raise already_exists(served.group_resource, name)
            return Unwritten(served.prefix, namespace, name, expected, value)
        if is_finished(served, new):
            removed = Remove(served.prefix, namespace, name, expected, value)
            return (await self._backend.commit([removed]))[0]
        try:
            return (await self._backend.commit([Put(served.prefix, namespace, name, value, expected)]))[0]
        except MismatchError:
            if entry is None:
                raise already_exists(served.group_resource, name) from None
            raise


class Unwritten(Entry):
    """The answer of a dry run: an entry that is in no store, without a resourceVersion when it would be new."""

    __slots__ = ()

    @property
    def json(self) -> bytes:
        return super().json if self.revision else self.value

    @property
    def object(self) -> Obj:
        decoded: Obj = orjson.loads(self.json)
        return decoded


def is_finished(served: Served, obj: Obj) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if metadata.get("deletionGracePeriodSeconds"):
        return False
    return not (is_namespace(served) and (obj.get("spec") or {}).get("finalizers"))


def taken(target: Target, before: Obj, body: Obj, subresource: str) -> Obj:
    """What a request to a subresource may say: the rest of the body is replaced before it is looked at."""
    if subresource in _STATUS_ONLY:
        metadata = body["metadata"] if target.served.status_with_metadata else before["metadata"]
        return {**before, "metadata": metadata, "status": body.get("status")}
    if subresource in _OF_THE_WHOLE and target.version.status:
        return {**body, "status": before["status"]} if "status" in before else _without(body, "status")
    return body


def _but_managed(obj: Obj, name: str) -> Any:
    """A top-level field, metadata without its managedFields."""
    value = obj.get(name)
    if name != "metadata" or not isinstance(value, dict):
        return value
    return {k: v for k, v in value.items() if k != "managedFields"}


def _counted(target: Target, old: Obj, new: Obj) -> Obj:
    """The object with its generation one higher when what it counts has changed."""
    status, generation = target.version.status, old["metadata"].get("generation")
    if not generation or new is old or content(new, status=status) == content(old, status=status):
        return new
    return {**new, "metadata": {**new["metadata"], "generation": generation + 1}}


def _without(obj: Obj, name: str) -> Obj:
    return {k: v for k, v in obj.items() if k != name}


def _in_version(target: Target, causes: Sequence[FieldCause]) -> Sequence[FieldCause]:
    """The causes with the fields' names of the version that the request is in: rules know the stored one."""
    version = target.version.name
    if version == target.served.storage:
        return causes
    return [replace(cause, field=target.served.field_in(cause.field, version)) for cause in causes]


def refuse(served: Served, name: Any, causes: Any) -> None:
    """Raises 422 when there are causes."""
    if causes:
        raise invalid(served.group_kind, str(name), tuple(causes))
