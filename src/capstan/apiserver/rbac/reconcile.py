"""Default roles and bindings at the start: what is missing is made, what was taken from them is given back.

Whoever wants to keep a changed one sets its annotation rbac.authorization.kubernetes.io/autoupdate to "false".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from capstan.api.errors import ApiError, is_already_exists
from capstan.api.objects import Obj
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.rbac.defaults import AUTOUPDATE, GROUP, cluster_role_bindings, cluster_roles
from capstan.apiserver.rbac.rules import not_covered, rules_of
from capstan.apiserver.writing import Change, Writer


async def make_default_roles(backend: Backend, writer: Writer, user: User) -> None:
    """Nothing is written when nothing is missing. All writes go out together, so that the store can group them."""
    for plural, wanted in (("clusterroles", cluster_roles()), ("clusterrolebindings", cluster_role_bindings())):
        await asyncio.gather(*(_ensure(backend, writer, user, plural, obj) for obj in wanted))


async def _ensure(backend: Backend, writer: Writer, user: User, plural: str, wanted: Obj) -> None:
    served = backend.registry.by_plural(GROUP, plural)
    if served is None:
        return
    name = wanted["metadata"]["name"]
    entry = await backend.store.get(served.prefix, "", name)
    if entry is None:
        try:
            await writer.create(served.stored(""), wanted, WriteOptions(), user)
        except ApiError as error:
            if not is_already_exists(error):
                raise
        return
    if restored(entry.object, wanted) != entry.object:
        change = Change(name, lambda current: restored(current, wanted), WriteOptions(), user)
        await writer.change(served.stored(""), change)


def restored(current: Obj, wanted: Obj) -> Obj:
    """A default object with all that it has to have; what was added to it stays. Pure."""
    metadata = current["metadata"]
    if (metadata.get("annotations") or {}).get(AUTOUPDATE) == "false":
        return current
    full = dict(current)
    for part in ("labels", "annotations"):
        merged = {**(metadata.get(part) or {}), **wanted["metadata"][part]}
        if merged != metadata.get(part):
            full["metadata"] = {**full["metadata"], part: merged}
    if "aggregationRule" in wanted:
        full["aggregationRule"] = wanted["aggregationRule"]
    elif "rules" in wanted:
        missing = not_covered(rules_of(current), rules_of(wanted))
        if missing:
            full["rules"] = [*(current.get("rules") or ()), *(rule.object() for rule in missing)]
    elif current.get("roleRef") == wanted["roleRef"]:
        subjects = current.get("subjects") or []
        full["subjects"] = [*subjects, *_missing_subjects(subjects, wanted["subjects"])]
    return full


def _missing_subjects(present: list[Obj], wanted: list[Obj]) -> Iterator[Obj]:
    known = {(subject.get("kind"), subject.get("name")) for subject in present}
    return (subject for subject in wanted if (subject["kind"], subject["name"]) not in known)
