"""Kubernetes' own kinds as this server serves them: made from the facts, one way for all.

Most of them are only kept here. Those that run something elsewhere say so when they are created.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Final

from msgspec import structs

from capstan.api.kinds import Admission, AdmissionRequest, ScalePaths
from capstan.api.kubernetes import rules
from capstan.api.kubernetes.kinds import BuiltinKind, builtin_kind, builtin_kinds
from capstan.api.kubernetes.normal import normalised
from capstan.api.kubernetes.rules import autoscaling, events
from capstan.api.kubernetes.schema import checked_schema, published_schema
from capstan.apiserver.resources import Served, ServedVersion
from capstan.apiserver.validation import Validator

#: Kinds of which the objects run something on a cluster that has nodes.
_RUNNING: Final = frozenset(
    (
        ("", "Pod"),
        ("", "ReplicationController"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("batch", "CronJob"),
        ("batch", "Job"),
    )
)
NOTHING_RUNS: Final = "this server has no nodes: the {kind} is stored, but nothing runs its pods here"


@cache
def builtin_validator(message: str) -> Validator:
    """What holds requests against the facts of a kind; all servers share it."""
    return Validator(checked_schema(message))


def served_builtins(present: Sequence[Served]) -> Iterator[Served]:
    """All built-in kinds that are not among `present`, and the second views of those that have one."""
    known = {(served.group, served.kind) for served in present}
    for kind in builtin_kinds():
        if (kind.group, kind.kind) not in known:
            yield served_builtin(kind, warns=True)
    if ("events.k8s.io", "Event") not in known:
        yield _events_of_the_new_group()


def as_builtin(group: str, kind: str, *, warns: bool = False) -> Served | None:
    """One built-in kind by its name; None when there is none in the facts."""
    found = builtin_kind(group, kind)
    return served_builtin(found, warns=warns) if found is not None else None


def served_builtin(kind: BuiltinKind, *, warns: bool = False) -> Served:
    """A kind as clients see it. With `warns` a create tells when nothing will come of it."""
    admit: Callable[[AdmissionRequest], Admission] = partial(rules.admit, kind.group, kind.kind)
    if warns and (kind.group, kind.kind) in _RUNNING:
        admit = partial(_admit_with_warning, admit, NOTHING_RUNS.format(kind=kind.kind))
    served = Served(
        group=kind.group,
        kind=kind.kind,
        plural=kind.plural,
        versions=(_version(kind, kind.version, kind.message, kind.fields),),
        storage=kind.version,
        singular=kind.kind.lower(),
        short_names=kind.short_names,
        categories=kind.categories,
        namespaced=kind.namespaced,
        builtin=True,
        admit=admit,
        lookups=partial(rules.lookups, kind.group, kind.kind),
        generation=kind.generation,
        upsert=kind.upsert,
        born_with_status=kind.born_with_status,
        status_with_metadata=not kind.status_only,
        free_names=kind.free_names,
    )
    if kind.kind == "HorizontalPodAutoscaler":
        older = _version(kind, "v1", "autoscaling.HorizontalPodAutoscaler", ())
        return replace(served, versions=(*served.versions, older), convert=autoscaling.converted)
    return served


def _version(kind: BuiltinKind, name: str, message: str, fields: tuple[str, ...]) -> ServedVersion:
    own = ("status", "scale", "finalize")
    return ServedVersion(
        name=name,
        schema=partial(published_schema, message),
        validator=partial(builtin_validator, message),
        status="status" in kind.subresources,
        scale=_scale_paths(kind) if "scale" in kind.subresources else None,
        selectable=fields,
        subresources=tuple(one for one in kind.subresources if one not in own),
        message=message,
        normal=partial(normalised, message),
    )


def _scale_paths(kind: BuiltinKind) -> ScalePaths:
    """The selector of a Scale is a text; those of workloads are objects, which `scale` writes as one."""
    return ScalePaths(label_selector=".spec.selector")


def _events_of_the_new_group() -> Served:
    """events.k8s.io/v1: the same objects as v1's."""
    core = builtin_kind("", "Event")
    assert core is not None
    served = served_builtin(core)
    message = "events.Event"
    version = _version(core, "v1", message, events.FIELDS)
    return replace(
        served,
        group="events.k8s.io",
        versions=(version,),
        storage=events.CORE,
        convert=events.converted,
        kept_at=served.prefix,
    )


def _admit_with_warning(
    admit: Callable[[AdmissionRequest], Admission], warning: str, request: AdmissionRequest
) -> Admission:
    admission = admit(request)
    if request.operation != "CREATE":
        return admission
    return structs.replace(admission, warnings=(*admission.warnings, warning))
