"""Who may do what: members of system:masters everything, everybody else nothing. RBAC takes this place later."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.resources import Served

MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for: a verb on a resource, or on a path that is none."""

    verb: str
    served: Served | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""


def authorize(user: User, attributes: Attributes) -> None:
    """Raises 403 unless the user may do this."""
    if MASTERS in user.groups:
        return
    served = attributes.served
    if served is None:
        text = f'forbidden: User "{user.name}" cannot {attributes.verb} path "{attributes.path}"'
        raise ApiError(403, "Forbidden", text, {})
    plural = f"{served.plural}/{attributes.subresource}" if attributes.subresource else served.plural
    place = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    about = f'{served.group_resource} "{attributes.name}"' if attributes.name else served.group_resource
    text = (
        f'{about} is forbidden: User "{user.name}" cannot {attributes.verb} resource "{plural}" '
        f'in API group "{served.group}" {place}'
    )
    details = {"kind": served.plural} | ({"group": served.group} if served.group else {})
    if attributes.name:
        details["name"] = attributes.name
    raise ApiError(403, "Forbidden", text, details)
