"""The protobuf messages of the built-in kinds, and which message a kind is; parsed once, when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from capstan.apiserver.protobuf.corefields import CORE
from capstan.apiserver.protobuf.groupfields import GROUPS


@dataclass(frozen=True, slots=True)
class Member:
    """One field: its JSON name, the type of its value (or of its items), and what absence means."""

    name: str
    type: str
    shape: str = ""  # "", "list" or "map"
    presence: bool = False
    always: bool = False
    inline: bool = False


Message = dict[int, Member]

_RBAC = "rbac.authorization.k8s.io/v1"
_AUTHENTICATION = "authentication.k8s.io/v1"
_AUTHORIZATION = "authorization.k8s.io/v1"

#: (apiVersion, kind) -> message.
KINDS: dict[tuple[str, str], str] = {
    **{("v1", n): n for n in ("ConfigMap", "Secret", "Namespace", "ServiceAccount", "Event", "Node", "Pod")},
    ("coordination.k8s.io/v1", "Lease"): "Lease",
    ("events.k8s.io/v1", "Event"): "events.Event",
    **{(_RBAC, n): n for n in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")},
    **{(_AUTHENTICATION, n): n for n in ("SelfSubjectReview", "TokenRequest", "TokenReview")},
    **{(_AUTHORIZATION, n): n for n in ("SelfSubjectAccessReview", "SubjectAccessReview")},
    **{(_AUTHORIZATION, n): n for n in ("LocalSubjectAccessReview", "SelfSubjectRulesReview")},
    ("autoscaling/v1", "Scale"): "Scale",
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "CustomResourceDefinition",
    ("v1", "Status"): "Status",
    ("meta.k8s.io/v1", "Status"): "Status",
}

#: These are the same message in every group and version: clients send the options in the resource's own.
IN_EVERY_GROUP = {"DeleteOptions": "DeleteOptions"}


@cache
def messages() -> dict[str, Message]:
    """All messages by name."""
    found: dict[str, Message] = {}
    current: Message = {}
    for line in (CORE + GROUPS).splitlines():
        words = line.split()
        if not line.startswith(" "):
            current = found[words.pop(0)] = {}
        for word in words:
            number, _, rest = word.partition("=")
            current[int(number)] = _member(rest)
    return found


def _member(text: str) -> Member:
    flag = text[-1] if text[-1] in "*!^" else ""
    name, _, kind = (text[:-1] if flag else text).rpartition(":")
    shape = {"[": "list", "{": "map"}.get(kind[0], "")
    inner = kind[1:-1] if shape else kind
    return Member(name, inner, shape, flag == "*", flag == "!", flag == "^")
