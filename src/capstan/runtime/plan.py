"""The decision as a value: what to do, why, and what is waited for.

A plan is made by a pure function from a snapshot. The executor carries its actions out in order and has
nothing left to decide. The reasons and the waiting texts are what users read in events, conditions, logs,
`capstan describe` and the golden files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from capstan.api.objects import Key, Obj, Resource
from capstan.api.verbs import Handover


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object by its place. `uid` is set where the identity matters and becomes a precondition of writes."""

    resource: Resource
    key: Key
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One effect. `reason` says in plain words why it is right now. Providers add their own subclasses.

    The actions of one `part` stand or fall together: when one fails, the rest of its part is left out and the others
    go on. A failure outside of any part ends the plan. `on_failure` is told, with the error, when the action failed.
    """

    reason: str
    part: str = ""
    on_failure: Emit | None = None

    @property
    def summary(self) -> str:
        """One line that names the action and what it acts on."""
        return type(self).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Action):
    """Create `object`. AlreadyExists counts as done when the existing object has the same controller owner
    (names are derived, so a repeated plan asks for the same object). With `manager` it is made by a server-side apply,
    so that this manager owns what the object says; with `handover` another one owns its labels and annotations, where
    the server can do both at once."""

    resource: Resource
    object: Obj
    manager: str = ""
    handover: Handover | None = None

    @property
    def summary(self) -> str:
        return f"create {self.resource.kind} {self.object['metadata']['name']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Action):
    """Send what differs between `before` and `after` as merge patches, to the object and to its status.

    `before` must be what was observed (an object or a typed view of it); its resourceVersion and uid are the
    preconditions unless `guarded` is false (then only the uid is).
    """

    resource: Resource
    before: Any
    after: Any
    guarded: bool = True

    @property
    def summary(self) -> str:
        metadata = self.before["metadata"] if isinstance(self.before, dict) else None
        name = metadata["name"] if metadata else self.before.metadata.name
        return f"update {self.resource.kind} {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Action):
    """Server-side apply, by force, of `object`: all that `manager` states of an object that is there. What it stated
    before and does not state now goes, unless somebody else owns it. `uid` and `resource_version`, as observed, are
    preconditions. `owners` are managedFields to write before (see `put_right`); None: they are right."""

    resource: Resource
    object: Obj
    manager: str
    uid: str
    resource_version: str
    owners: tuple[Obj, ...] | None = None

    @property
    def summary(self) -> str:
        return f"update {self.resource.kind} {self.object['metadata']['name']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Action):
    """Delete an object. NotFound counts as done. `resource_version` makes the delete conditional."""

    target: ObjectRef
    resource_version: str = ""
    propagation: Literal["", "Background", "Foreground", "Orphan"] = "Background"

    @property
    def summary(self) -> str:
        return f"delete {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit(Action):
    """Record an Event about the subject (or `about`). `reason` is the message; `name` the Event's reason."""

    name: str
    type: Literal["Normal", "Warning"] = "Normal"
    about: ObjectRef | None = None

    @property
    def summary(self) -> str:
        return f"event {self.name}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that is not done and that somebody else has to do. `condition` is the condition type that it
    concerns, `reason` CamelCase, `message` plain words that name who waits for what."""

    condition: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`requeue_after` (seconds) is for what cannot be watched; what can be watched wakes by its watch. `final` says
    that nothing follows from the actions: what they write does not wake the subject again, only others' writes do."""

    subject: ObjectRef
    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    requeue_after: float | None = None
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The result of an action whose handler wrote to our own API server by itself: caches know `written` at once.
    Results of actions that have more to tell are subclasses."""

    resource: Resource
    written: Obj


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action: its result (the object written, the task's end), or the typed error."""

    action: Action
    result: Any = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of a plan in order. Actions that were not tried, because of one that failed, are not in it."""

    items: tuple[Outcome, ...] = ()

    @property
    def error(self) -> Exception | None:
        """The first error, if any."""
        return next((o.error for o in self.items if o.error is not None), None)

    def of(self, action_type: type[Action]) -> tuple[Outcome, ...]:
        return tuple(o for o in self.items if isinstance(o.action, action_type))
