"""The objects that a binding hands to its policy as `params`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capstan.api.objects import Obj
from capstan.api.rules.selectors import selects
from capstan.apiserver.backend import Backend, view
from capstan.apiserver.conversion import prepare
from capstan.apiserver.policies.matching import labels_of
from capstan.apiserver.resources import Served
from capstan.store.entry import Entry


class ParamsError(Exception):
    """A binding cannot be carried out; the text says why."""


async def find_params(
    backend: Backend, kind: Mapping[str, Any] | None, ref: Mapping[str, Any] | None, namespace: str
) -> Sequence[Obj | None]:
    """The parameters; one None where a policy takes none. Errors: ParamsError."""
    if not kind or not ref:
        return (None,)
    group, _, version = str(kind.get("apiVersion", "")).rpartition("/")
    served = backend.registry.by_kind(group, str(kind.get("kind", "")))
    if served is None or served.version(version) is None:
        shown = f"{kind.get('apiVersion')}, Kind={kind.get('kind')}"
        raise ParamsError(f"paramKind kind `{shown}` not known")
    place = _namespace(served, str(ref.get("namespace") or ""), namespace)
    entries = await _entries(backend, served, place, ref)
    if not entries and ref.get("parameterNotFoundAction", "Deny") != "Allow":
        raise ParamsError("no params found for policy binding with `Deny` parameterNotFoundAction")
    await prepare(served, entries, version)
    return [view(served, entry, version) for entry in entries]


def _namespace(served: Served, named: str, own: str) -> str:
    if not served.namespaced:
        if named:
            raise ParamsError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    if not named and not own:
        raise ParamsError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return named or own


async def _entries(backend: Backend, served: Served, namespace: str, ref: Mapping[str, Any]) -> list[Entry]:
    name, selector = ref.get("name"), ref.get("selector")
    if name:
        if selector:
            raise ParamsError("paramRef.name and paramRef.selector are mutually exclusive")
        entry = await backend.store.get(served.prefix, namespace, str(name))
        return [] if entry is None else [entry]
    if selector is None:
        raise ParamsError("one of name or selector must be provided")
    page = await backend.store.list(served.prefix, namespace)
    return [entry for entry in page.entries if selects(selector, labels_of(entry.object))]
