"""Whether a policy or binding is about a write: rules of resources, selectors of namespaces and objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.objects import Obj
from capstan.api.rules.selectors import selects
from capstan.apiserver.admission import Attributes
from capstan.apiserver.backend import Backend

_ANY = "*"
_NAMESPACES = "/namespaces"
#: The kinds that decide about writes are never decided about: nobody locks himself out.
_OWN_GROUP = "admissionregistration.k8s.io"
_REVIEWS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: the write and the labels of its namespace (None where it is in none)."""

    attributes: Attributes
    namespace_labels: Mapping[str, str] | None


async def namespace_of(backend: Backend, attributes: Attributes) -> Obj | None:
    """The namespace that a write is in."""
    if not attributes.target.namespace:
        return None
    entry = await backend.store.get(_NAMESPACES, "", attributes.target.namespace)
    return None if entry is None else entry.object


def subject_of(attributes: Attributes, namespace: Obj | None) -> Subject:
    """What is asked about. A namespace is selected by its own labels."""
    served = attributes.target.served
    shown = namespace
    if (served.group, served.kind) == ("", "Namespace"):
        shown = attributes.new or attributes.old
    return Subject(attributes, None if shown is None else labels_of(shown))


def is_exempt(attributes: Attributes) -> bool:
    """Whether policies are not asked at all."""
    served = attributes.target.served
    return served.group == _OWN_GROUP or (served.group in _REVIEWS and served.is_virtual)


def matched_version(constraints: Mapping[str, Any], subject: Subject) -> str | None:
    """The version in which the rules name the resource of a write, None if they are not about it."""
    if not _selected(constraints, subject):
        return None
    if any(_version_of(rule, subject.attributes, "Exact") for rule in constraints.get("excludeResourceRules") or ()):
        return None
    rules = constraints.get("resourceRules") or ()
    policy = str(constraints.get("matchPolicy") or "Equivalent")
    for equivalent in ("Exact", policy):
        for rule in rules:
            version = _version_of(rule, subject.attributes, equivalent)
            if version is not None:
                return version
    return None


def matches_resources(constraints: Mapping[str, Any] | None, subject: Subject) -> bool:
    """The same for a binding, where no rules mean all resources."""
    if not constraints:
        return True
    if constraints.get("resourceRules"):
        return matched_version(constraints, subject) is not None
    excluded = any(
        _version_of(rule, subject.attributes, "Exact") for rule in constraints.get("excludeResourceRules") or ()
    )
    return _selected(constraints, subject) and not excluded


def _version_of(rule: Mapping[str, Any], attributes: Attributes, policy: str) -> str | None:
    served = attributes.target.served
    if not (
        _among(rule.get("operations"), attributes.operation)
        and _among(rule.get("apiGroups"), served.group)
        and _resource(rule.get("resources") or (), served.plural, attributes.subresource)
        and _scope(str(rule.get("scope") or _ANY), attributes)
        and _named(rule.get("resourceNames"), attributes.name)
    ):
        return None
    own = attributes.target.version.name
    versions = rule.get("apiVersions") or ()
    if _among(versions, own):
        return own
    if policy != "Equivalent":
        return None
    return next((version.name for version in served.versions if version.name in versions), None)


def _among(values: Sequence[str] | None, value: str) -> bool:
    return values is not None and (_ANY in values or value in values)


def _named(names: Sequence[str] | None, name: str) -> bool:
    return not names or name in names


def _resource(patterns: Sequence[str], plural: str, subresource: str) -> bool:
    for pattern in patterns:
        wanted, slash, below = pattern.partition("/")
        if wanted not in (_ANY, plural):
            continue
        if below == _ANY or (below == subresource if slash else not subresource):
            return True
    return False


def _scope(scope: str, attributes: Attributes) -> bool:
    if scope == _ANY:
        return True
    namespaced = attributes.target.served.namespaced
    return namespaced if scope == "Namespaced" else not namespaced


def _selected(constraints: Mapping[str, Any], subject: Subject) -> bool:
    labels = subject.namespace_labels
    if labels is not None and not selects(constraints.get("namespaceSelector"), labels):
        return False
    objects = [obj for obj in (subject.attributes.new, subject.attributes.old) if obj is not None]
    return any(selects(constraints.get("objectSelector"), labels_of(obj)) for obj in objects)


def labels_of(obj: Obj) -> Mapping[str, str]:
    found: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return found
