"""Who may do what: the question as a value, the answer, and the refusal in the words that Kubernetes uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.resources import Served

MASTERS = "system:masters"
_BY_NAME = "metadata.name="


class Attributes(msgspec.Struct, frozen=True):
    """What is asked for: a verb on a resource, or on a path that is none (then `path` is set)."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""

    @property
    def plural(self) -> str:
        """The resource with its subresource, as rules name it: `pods/status`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def group_resource(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, and why (or why not, where there is more to say than that no rule allows it)."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Impersonated(User):
    """Somebody whom `by` speaks for. Being in system:masters is then worth what the rules say of that group:
    nobody passes them by."""

    by: User | None = None


class Authorizer(Protocol):
    """Decides from what is known at the moment; never waits."""

    def decide(self, user: User, attributes: Attributes) -> Decision: ...


def passes_by(user: User) -> bool:
    """Whether the rules are not asked: for the holder of the local admin certificate and the server's own parts."""
    return MASTERS in user.groups and not isinstance(user, Impersonated)


def attributes_of(verb: str, served: Served, namespace: str = "", name: str = "", subresource: str = "") -> Attributes:
    """A request to a resource. A namespace is in itself: rights inside it can reach the object."""
    if name and served.plural == "namespaces" and not served.group:
        namespace = name
    return Attributes(verb, served.group, served.plural, namespace, name, subresource)


def selected_name(field_selector: str) -> str:
    """The one name that a list or watch selects, which makes it a request about that object."""
    for requirement in field_selector.split(",") if _BY_NAME[:-1] in field_selector else ():
        name = requirement.strip().removeprefix(_BY_NAME).removeprefix("=")
        if requirement.strip().startswith(_BY_NAME) and name:
            return name
    return ""


def authorize(authorizer: Authorizer, user: User, attributes: Attributes) -> None:
    """Raises 403 unless the user may do this."""
    decision = authorizer.decide(user, attributes)
    if not decision.allowed:
        raise refusal(user, attributes, decision.reason)


def refusal(user: User, attributes: Attributes, reason: str = "") -> ApiError:
    """403 that says who, what and where."""
    more = f": {reason}" if reason else ""
    if attributes.path:
        text = f'forbidden: User "{user.name}" cannot {attributes.verb} path "{attributes.path}"{more}'
        return ApiError(403, "Forbidden", text, {})
    place = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    resource = attributes.group_resource
    about = f'{resource} "{attributes.name}"' if attributes.name else resource
    text = (
        f'{about} is forbidden: User "{user.name}" cannot {attributes.verb} resource "{attributes.plural}" '
        f'in API group "{attributes.group}" {place}{more}'
    )
    details = {"kind": attributes.resource} | ({"group": attributes.group} if attributes.group else {})
    if attributes.name:
        details["name"] = attributes.name
    return ApiError(403, "Forbidden", text, details)


def quoted(values: Sequence[str]) -> str:
    """A list of texts as messages show it: `["a" "b"]`."""
    return "[" + " ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "]"
