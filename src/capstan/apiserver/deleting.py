"""Deletes: preconditions, finalizers, what becomes of dependents, and when an object is gone at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from capstan.api.errors import ApiError, forbidden, not_found
from capstan.api.kinds import AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.verbs import Answer, DeleteOptions, Propagation, User
from capstan.apiserver.admission import Attributes
from capstan.apiserver.backend import Backend, encode_value, view
from capstan.apiserver.conversion import prepare
from capstan.apiserver.metadata import check_preconditions
from capstan.apiserver.namespaces import ALWAYS, is_namespace, terminating_namespace
from capstan.apiserver.resources import Served, Target
from capstan.apiserver.writing import Unwritten, is_finished, refuse
from capstan.store.entry import Entry
from capstan.store.protocol import MismatchError, Put, Remove

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
CRD_PREFIX = "apiextensions.k8s.io/customresourcedefinitions"
_PODS = "/pods"
_MAX_TRIES = 100


class Deleter:
    """The deleting half of the verbs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def delete(self, target: Target, name: str, options: DeleteOptions, user: User) -> Answer:
        served = target.served
        if is_namespace(served) and name in ALWAYS:
            raise forbidden(served.group_resource, name, "this namespace may not be deleted")
        for _ in range(_MAX_TRIES):
            entry = await self._backend.store.get(served.prefix, target.namespace, name)
            if entry is None:
                raise not_found(served.group_resource, name)
            check_preconditions(target, entry.object["metadata"], options.uid, options.resource_version)
            try:
                return await self._attempt(target, entry, options, user)
            except MismatchError:
                continue
        raise ApiError(504, "Timeout", f"{served.group_resource} {name} changed again and again while it was deleted")

    async def _attempt(self, target: Target, entry: Entry, options: DeleteOptions, user: User) -> Answer:
        served, old = target.served, entry.object
        found = await self._backend.lookups(served, old)
        admission = served.admit(AdmissionRequest("DELETE", old, None, found, options.dry_run, user.name))
        refuse(served, entry.name, admission.causes)
        warnings = admission.warnings + await self._allowed(target, entry, options, user)
        new = self._marked(served, old, options)
        if is_finished(served, new):
            if not options.dry_run:
                await self._backend.commit([Remove(served.prefix, entry.namespace, entry.name, entry.revision)])
            return Answer(deleted_status(served, old), warnings)
        if new == old or options.dry_run:
            shown = entry if new == old else Unwritten(*_place(entry), entry.revision, encode_value(new))
            await prepare(served, (shown,), target.version.name)
            return Answer(view(served, shown, target.version.name), warnings)
        put = Put(served.prefix, entry.namespace, entry.name, encode_value(new), entry.revision)
        written = (await self._backend.commit([put]))[0]
        await prepare(served, (written,), target.version.name)
        return Answer(view(served, written, target.version.name), warnings)

    async def _allowed(self, target: Target, entry: Entry, options: DeleteOptions, user: User) -> tuple[str, ...]:
        """What the chain warns about a delete that it lets through."""
        asked = Attributes("DELETE", target, entry.name, "", entry.object, None, user, options.dry_run, options)
        _, warnings = await self._backend.chain.mutate(asked)
        return warnings + await self._backend.chain.validate(asked)

    def _marked(self, served: Served, old: Obj, options: DeleteOptions) -> Obj:
        """The object as the request leaves it: marked as being deleted, with the finalizers of its propagation."""
        metadata: dict[str, Any] = dict(old["metadata"])
        finalizers = wanted_finalizers(served, metadata.get("finalizers") or [], options.propagation)
        metadata.pop("finalizers", None)
        if finalizers:
            metadata["finalizers"] = finalizers
        marked = {**old, "metadata": metadata}
        grace = grace_seconds(served, old, options)
        if metadata.get("deletionTimestamp"):
            if grace < (metadata.get("deletionGracePeriodSeconds") or 0):
                # A later delete may shorten what is left of the time, never prolong it.
                metadata["deletionTimestamp"] = self._after(grace)
                metadata["deletionGracePeriodSeconds"] = grace
            return marked
        metadata["deletionTimestamp"] = self._after(grace)
        metadata["deletionGracePeriodSeconds"] = grace
        if metadata.get("generation"):
            metadata["generation"] += 1
        return terminating_namespace(marked) if is_namespace(served) else marked

    def _after(self, seconds: int) -> str:
        """A moment from now, as metav1.Time prints it."""
        return (self._backend.clock().astimezone(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def grace_seconds(served: Served, obj: Obj, options: DeleteOptions) -> int:
    """How long an object may take to end by itself: pods that a node runs do, nothing else does."""
    spec, phase = obj.get("spec") or {}, (obj.get("status") or {}).get("phase")
    if served.prefix != _PODS or not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    if options.grace_period_seconds is not None:
        return options.grace_period_seconds
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _place(entry: Entry) -> tuple[str, str, str]:
    return entry.prefix, entry.namespace, entry.name


def wanted_finalizers(served: Served, present: list[str], propagation: Propagation) -> list[str]:
    """The finalizers of an object that is deleted this way. Without a choice those that it has decide."""
    finalizers = list(present)
    if propagation:
        finalizers = [f for f in finalizers if f not in (FOREGROUND, ORPHAN)]
        if propagation == "Foreground":
            finalizers.append(FOREGROUND)
        elif propagation == "Orphan":
            finalizers.append(ORPHAN)
    if served.prefix == CRD_PREFIX and CRD_CLEANUP not in finalizers:
        finalizers.append(CRD_CLEANUP)
    return finalizers


def deleted_status(served: Served, obj: Obj) -> Obj:
    """The Status that answers a delete that is done."""
    metadata = obj["metadata"]
    details = {"name": metadata["name"], "kind": served.plural, "uid": metadata["uid"]}
    if served.group:
        details["group"] = served.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def for_each(options: DeleteOptions, uid: str) -> DeleteOptions:
    """The options of a deletecollection for one object, bound to its identity."""
    return replace(options, uid=uid)
