"""Which representation a client accepts: the object itself, a Table, or only metadata; as JSON or YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from capstan.api.errors import ApiError

Form = Literal["Object", "Table", "PartialObjectMetadata"]

JSON = "application/json"
YAML = "application/yaml"
_REMEMBERED_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of an Accept header: the media type and its parameters."""

    media: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the answer is made as. `version` is that of meta.k8s.io for a Table or metadata."""

    form: Form = "Object"
    media: str = JSON
    version: str = "v1"


def clauses(header: str) -> Sequence[Clause]:
    """The clauses in their order; those with q=0 are left out. Parameters come in any order."""
    found = []
    for part in header.split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        if not media:
            continue
        parameters = {}
        for piece in rest:
            name, _, value = piece.partition("=")
            parameters[name.strip().lower()] = value.strip().strip('"')
        if parameters.get("q") not in ("0", "0.0"):
            found.append(Clause(media.lower(), parameters))
    return found


def negotiate(header: str, *, is_list: bool, transforms: bool = True) -> Accepted:
    """The first clause that this server can answer. Raises 406 when there is none."""
    if len(header) > _REMEMBERED_LENGTH:
        return _negotiated.__wrapped__(header, is_list, transforms)
    return _negotiated(header, is_list, transforms)


@lru_cache(256)
def _negotiated(header: str, is_list: bool, transforms: bool) -> Accepted:
    """Clients send the same few headers all the time."""
    offered = clauses(header)
    if not offered:
        return Accepted()
    for clause in offered:
        accepted = _accept(clause, is_list=is_list, transforms=transforms)
        if accepted is not None:
            return accepted
    raise not_acceptable((JSON, YAML))


def negotiate_watch(header: str, *, tables: bool) -> Accepted:
    """The same for a watch: a line is JSON in any case; a streaming list has no Tables. Raises 406."""
    offered = clauses(header)
    if not offered:
        return Accepted()
    for clause in offered:
        accepted = _accept(clause, is_list=False, transforms=True) or _accept(clause, is_list=True, transforms=True)
        if accepted is not None and accepted.media == JSON and (tables or accepted.form != "Table"):
            return accepted
    raise not_acceptable((f"{JSON};stream=watch",))


def not_acceptable(offers: Sequence[str]) -> ApiError:
    message = "only the following media types are accepted: " + ", ".join(offers)
    return ApiError(406, "NotAcceptable", message)


def _accept(clause: Clause, *, is_list: bool, transforms: bool) -> Accepted | None:
    if clause.media in (JSON, "*/*", "application/*"):
        media = JSON
    elif clause.media in (YAML, "application/x-yaml", "text/yaml"):
        media = YAML
    else:
        return None
    wanted = clause.parameters.get("as")
    if not wanted:
        return Accepted("Object", media)
    version = clause.parameters.get("v", "")
    if not transforms or clause.parameters.get("g") != "meta.k8s.io" or version not in ("v1", "v1beta1"):
        return None
    if wanted == "Table":
        return Accepted("Table", media, version)
    if wanted == ("PartialObjectMetadataList" if is_list else "PartialObjectMetadata"):
        return Accepted("PartialObjectMetadata", media, version)
    return None
