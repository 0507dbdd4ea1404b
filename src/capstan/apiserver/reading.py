"""Reads: one object, and lists in pages with the resourceVersion rules of Kubernetes."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from capstan.api.errors import ApiError, FieldCause, bad_request, expired, invalid, not_found
from capstan.api.objects import Obj
from capstan.api.verbs import ListOptions
from capstan.apiserver.backend import Backend, view
from capstan.apiserver.conversion import prepare
from capstan.apiserver.resources import Target
from capstan.apiserver.selectors import metadata_name, selector
from capstan.store.entry import Entry
from capstan.store.protocol import CompactedError, Store

#: How long a read waits for a revision that is not there yet.
PATIENCE_SECONDS = 3.0

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of a list as entries. `remaining` is None when it is not known or nothing remains."""

    entries: Sequence[Entry]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


class Lister:
    """The reading half of the verbs."""

    def __init__(self, backend: Backend, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._backend = backend
        self._patience = patience_seconds

    async def get(self, target: Target, name: str, resource_version: str = "") -> Entry:
        """The object as it is now, which has to be at least as new as `resource_version`. Raises 404, 504."""
        if resource_version:
            await reached(self._backend.store, parse_resource_version(resource_version), self._patience)
        entry = await self._backend.store.get(target.served.prefix, target.namespace, name)
        if entry is None:
            raise not_found(target.served.group_resource, name)
        await prepare(target.served, (entry,), target.version.name)
        return entry

    async def list(self, target: Target, options: ListOptions) -> EntryPage:
        """One page. Raises 400 (selectors, token), 410 (revision gone), 422 (options), 504 (revision ahead)."""
        served = target.served
        check_list_options(options)
        matches = selector(options.label_selector, options.field_selector, served, target.version)
        after, revision = await self._start(target, options)
        name = metadata_name(options.field_selector)
        if name and target.namespace and not revision:
            entry = await self._backend.store.get(served.prefix, target.namespace, name)
            await prepare(served, () if entry is None else (entry,), target.version.name)
            found = [entry] if entry is not None and (matches is None or matches(self._view(target, entry))) else []
            return EntryPage(found, self._backend.store.revision)
        limit = options.limit if matches is None else 0
        try:
            page = await self._backend.store.list(
                served.prefix, target.namespace, after=after, limit=limit, revision=revision
            )
        except CompactedError:
            raise self._expired(after) from None
        await prepare(served, page.entries, target.version.name)
        if matches is None:
            more = page.remaining > 0
            token = continue_token(page.revision, page.entries[-1]) if more else ""
            return EntryPage(page.entries, page.revision, token, page.remaining if more else None)
        selected: list[Entry] = []
        for entry in page.entries:
            if not matches(self._view(target, entry)):
                continue
            if options.limit and len(selected) == options.limit:
                return EntryPage(selected, page.revision, continue_token(page.revision, selected[-1]))
            selected.append(entry)
        return EntryPage(selected, page.revision)

    def _view(self, target: Target, entry: Entry) -> Obj:
        return view(target.served, entry, target.version.name)

    async def _start(self, target: Target, options: ListOptions) -> tuple[tuple[str, str] | None, int]:
        """After which key, and at which revision (0: now) to read."""
        if options.continue_token:
            after, revision = parse_continue_token(options.continue_token, target.namespace)
            if revision > self._backend.store.revision:
                # A token of a time that this store does not know, as after a restore: its client starts again.
                raise self._expired(None)
            return after, max(0, revision)
        revision = parse_resource_version(options.resource_version)
        await reached(self._backend.store, revision, self._patience)
        if options.resource_version_match == "Exact":
            return None, revision
        if revision and options.limit and not options.resource_version_match:
            return None, revision
        return None, 0

    def _expired(self, after: tuple[str, str] | None) -> ApiError:
        error = expired(_EXPIRED if after else "The resourceVersion for the provided list is too old.")
        if after:
            error.details["continue"] = encode_continue(-1, after)
        return error


def check_list_options(options: ListOptions) -> None:
    """Raises 422 for combinations that mean nothing."""
    match, version = options.resource_version_match, options.resource_version
    causes = []
    path = "resourceVersionMatch"
    if options.send_initial_events:
        message = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(FieldCause("sendInitialEvents", message, "FieldValueForbidden"))
    if match and match not in ("Exact", "NotOlderThan"):
        message = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"'
        causes.append(FieldCause(path, message, "FieldValueNotSupported"))
    elif match and options.continue_token:
        message = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
        causes.append(FieldCause(path, message, "FieldValueForbidden"))
    elif match and not version:
        message = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        causes.append(FieldCause(path, message, "FieldValueForbidden"))
    elif match == "Exact" and version == "0":
        message = 'Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'
        causes.append(FieldCause(path, message, "FieldValueForbidden"))
    if causes:
        raise invalid("ListOptions.meta.k8s.io", "", causes)
    if options.continue_token and version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")


def parse_resource_version(text: str) -> int:
    """A decimal without leading zeros; the empty one is 0. Raises 400."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 39 or (len(text) > 1 and text[0] == "0"):
        raise bad_request(f'invalid resource version "{text[:64]}"')
    return int(text)


def check_not_ahead(revision: int, newest: int) -> None:
    """Raises 504."""
    if revision > newest:
        raise ApiError(
            504,
            "Timeout",
            f"Too large resource version: {revision}, current: {newest}",
            {},
            (FieldCause("", "Too large resource version", "ResourceVersionTooLarge"),),
            retry_after_seconds=1,
        )


async def reached(store: Store, revision: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the store has a revision that somebody has seen elsewhere. Raises 504 when it does not come."""
    if revision <= store.revision:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    changes = await store.watch("", store.revision)
    try:
        while store.revision < revision and (left := deadline - loop.time()) > 0:
            await changes.next(left)
    finally:
        changes.close()
    check_not_ahead(revision, store.revision)


def continue_token(revision: int, last: Entry) -> str:
    return encode_continue(revision, last.key)


def encode_continue(revision: int, after: tuple[str, str]) -> str:
    body = {"v": "meta.k8s.io/v1", "rv": revision, "start": f"{after[0]}/{after[1]}\x00"}
    return base64.urlsafe_b64encode(orjson.dumps(body)).decode().rstrip("=")


def parse_continue_token(token: str, namespace: str) -> tuple[tuple[str, str], int]:
    """The key to go on after and the revision (-1: the newest). Raises 400: tokens are untrusted input."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        body = orjson.loads(raw)
        start, revision, version = body["start"], body["rv"], body["v"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid: the token cannot be read") from None
    if (
        version != "meta.k8s.io/v1"
        or not isinstance(start, str)
        or type(revision) is not int
        or revision < -1
        or not revision
    ):
        raise bad_request("continue key is not valid: it is not of this server")
    space, slash, name = start.rstrip("\x00").partition("/")
    if not slash or not name or "/" in name or name in (".", "..") or (namespace and space != namespace):
        raise bad_request("continue key is not valid: it points elsewhere")
    return (space, name), revision
