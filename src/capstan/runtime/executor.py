"""Carries a plan out, in order, with nothing left to decide. Stops at the first failure, or leaves out its part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from capstan.api.errors import (
    ApiError,
    TerminalError,
    TransientError,
    already_exists,
    is_already_exists,
    is_conflict,
    is_not_found,
)
from capstan.api.objects import Obj, Resource
from capstan.api.struct import encode
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Handler
from capstan.runtime.eventlog import EventLog
from capstan.runtime.events import Recorder
from capstan.runtime.plan import Action, Apply, Create, Delete, Emit, ObjectRef, Outcome, Outcomes, Plan, Update
from capstan.runtime.plan import Written as OwnWrite

log = EventLog(__name__)

#: Told before each action is carried out: the trace of the simulated world, and its crashes.
BeforeAction = Callable[[Plan, Action], None]

#: Told of every object that a write gave back, so that caches know it at once.
Written = Callable[[Resource, Obj], None]


def nothing(*_args: Any) -> None:
    """For who does not want to be told."""


class Executor:
    """Knows the actions that every controller has; the rest goes to the handlers of its controller."""

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        handlers: Mapping[type[Action], Handler] | None = None,
        *,
        written: Written = nothing,
        before: BeforeAction = nothing,
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._written = written
        self._before = before
        self._handlers: dict[type[Action], Callable[[Any, ObjectRef], Awaitable[Any]]] = {
            Create: self._create,
            Update: self._update,
            Apply: self._apply,
            Delete: self._delete,
            Emit: self._emit,
        }
        for action_type, handler in (handlers or {}).items():
            self._handlers[action_type] = _without_subject(handler)

    async def run(self, plan: Plan) -> Outcomes:
        """The outcomes, up to and with the first failure outside of a part. Errors that are not ours to expect are
        raised."""
        outcomes: list[Outcome] = []
        failed: set[str] = set()
        for action in plan.actions:
            if action.part in failed:
                continue
            outcome = await self._carry_out(plan, action)
            outcomes.append(outcome)
            if outcome.error is None:
                continue
            await self._tell_failure(plan, action, outcome.error)
            if not action.part:
                break
            failed.add(action.part)
        return Outcomes(tuple(outcomes))

    async def _tell_failure(self, plan: Plan, action: Action, error: Exception) -> None:
        """A conflict is none: the plan is made again from what is there now."""
        told = action.on_failure
        if told is None or (isinstance(error, ApiError) and is_conflict(error)):
            return
        message = f"{told.reason}: {error}"
        await self._recorder.record(told.about or plan.subject, told.type, told.name, message)

    async def _carry_out(self, plan: Plan, action: Action) -> Outcome:
        self._before(plan, action)
        try:
            result = await self._handlers[type(action)](action, plan.subject)
        except (ApiError, TransientError, TerminalError) as error:
            log.info("not done", subject=str(plan.subject), action=action.summary, error=str(error))
            return Outcome(action, error=error)
        if isinstance(result, OwnWrite):
            self._written(result.resource, result.written)
        log.info("done", subject=str(plan.subject), action=action.summary, reason=action.reason)
        return Outcome(action, result)

    async def _create(self, action: Create, subject: ObjectRef) -> Obj:
        created = await (self._made(action) if action.manager else self._created(action))
        self._written(action.resource, created)
        return created

    async def _created(self, action: Create) -> Obj:
        try:
            return await self._client.create(action.resource, action.object)
        except ApiError as error:
            if not is_already_exists(error):
                raise
            return _accepted(action, await self._existing(action))

    async def _made(self, action: Create) -> Obj:
        """By an apply. It would take over what is in the way, so it is looked first."""
        try:
            existing = await self._existing(action)
        except ApiError as error:
            if not is_not_found(error):
                raise
            resource, manager = action.resource, action.manager
            return await self._client.apply(resource, action.object, manager=manager, handover=action.handover)
        return _accepted(action, existing)

    async def _existing(self, action: Create) -> Obj:
        metadata = action.object["metadata"]
        return await self._client.get(action.resource, metadata.get("namespace", ""), metadata["name"])

    async def _apply(self, action: Apply, subject: ObjectRef) -> Obj:
        metadata = {**action.object["metadata"], "uid": action.uid, "resourceVersion": action.resource_version}
        if action.owners is not None:
            change = {"uid": action.uid, "resourceVersion": action.resource_version, "managedFields": [*action.owners]}
            namespace, name = metadata.get("namespace", ""), metadata["name"]
            righted = await self._client.patch(action.resource, namespace, name, {"metadata": change})
            self._written(action.resource, righted)
            metadata["resourceVersion"] = righted["metadata"]["resourceVersion"]
        intent = {**action.object, "metadata": metadata}
        applied = await self._client.apply(action.resource, intent, manager=action.manager)
        self._written(action.resource, applied)
        return applied

    async def _update(self, action: Update, subject: ObjectRef) -> Obj:
        updated = await self._client.commit(
            action.resource, as_object(action.before), as_object(action.after), guarded=action.guarded
        )
        self._written(action.resource, updated)
        return updated

    async def _delete(self, action: Delete, subject: ObjectRef) -> None:
        target = action.target
        try:
            await self._client.delete(
                target.resource,
                target.key.namespace,
                target.key.name,
                uid=target.uid,
                resource_version=action.resource_version,
                propagation=action.propagation,
            )
        except ApiError as error:
            if not is_not_found(error):
                raise

    async def _emit(self, action: Emit, subject: ObjectRef) -> None:
        await self._recorder.record(action.about or subject, action.type, action.name, action.reason)


def as_object(view: Any) -> Obj:
    """The object of a typed view; an object stays itself."""
    return view if isinstance(view, dict) else encode(view)


def _accepted(action: Create, existing: Obj) -> Obj:
    """The object that is in the way, when it is the one that this plan asked for before. Raises AlreadyExists."""
    if _controller_uid(existing) != _controller_uid(action.object):
        raise already_exists(action.resource.group_resource, action.object["metadata"]["name"])
    return existing


def _controller_uid(obj: Obj) -> str:
    refs = obj["metadata"].get("ownerReferences") or ()
    return next((ref["uid"] for ref in refs if ref.get("controller")), "")


def _without_subject(handler: Handler) -> Callable[[Any, ObjectRef], Awaitable[Any]]:
    return lambda action, _subject: handler(action)
