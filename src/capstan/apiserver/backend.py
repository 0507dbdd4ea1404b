"""What every part of one API server shares: its store, its kinds, its clock and its source of randomness."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.kinds import Query
from capstan.api.objects import Obj
from capstan.api.verbs import Answer
from capstan.apiserver.admission import Chain, NoChain
from capstan.apiserver.resources import Registry, Served
from capstan.store.entry import Entry
from capstan.store.protocol import Store, StoreError, UnreadableError, Write

log = logging.getLogger(__name__)

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_TIME = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


@dataclass(slots=True, eq=False)
class Backend:
    """`clock` gives aware UTC; `token(n)` gives n random bytes. Neither is taken from anywhere else.
    `chain` is asked about every write; what reads its configuration from the store puts itself here."""

    store: Store
    registry: Registry
    clock: Callable[[], datetime]
    token: Callable[[int], bytes]
    chain: Chain = field(default_factory=NoChain)

    def timestamp(self) -> str:
        """Now, as metav1.Time prints it."""
        # The encoder of JSON writes a time in a tenth of what `isoformat` takes, and every write has one.
        return orjson.dumps(self.clock().astimezone(UTC), option=_TIME)[1:-1].decode()

    def new_uid(self) -> str:
        """A version 4 UUID from the token source."""
        raw = bytearray(self.token(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def new_suffix(self) -> str:
        """The five characters that `generateName` appends."""
        return "".join(_NAME_ALPHABET[byte % len(_NAME_ALPHABET)] for byte in self.token(5))

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        """Write to the store. Raises MismatchError, or ApiError: 503 when the store cannot write, 500 when what is
        to be replaced cannot be read."""
        try:
            return await self.store.commit(batch)
        except UnreadableError:
            raise
        except StoreError as error:
            log.error("the store failed: %s", error)
            message = f"the store takes no writes: {error}"
            raise ApiError(503, "ServiceUnavailable", message, retry_after_seconds=1) from None

    async def find(self, query: Query) -> Sequence[Obj]:
        """Stored objects for an admission decision, in their stored version."""
        served = self.registry.by_kind(query.group, query.kind)
        if served is None:
            return ()
        if query.name:
            entry = await self.store.get(served.prefix, query.namespace, query.name)
            return () if entry is None else (entry.object,)
        page = await self.store.list(served.prefix, query.namespace)
        return [entry.object for entry in page.entries]

    async def lookups(self, served: Served, new: Obj | None) -> Mapping[Query, Sequence[Obj]]:
        if new is None:
            return {}
        return {query: await self.find(query) for query in served.lookups(new)}


def encode_value(obj: Obj) -> bytes:
    """The bytes that the store keeps: apiVersion, kind and metadata first, without the resourceVersion."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    ordered: dict[str, Any] = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    for name, value in obj.items():
        if name not in ordered:
            ordered[name] = value
    try:
        return orjson.dumps(ordered)
    except (TypeError, RecursionError) as error:
        raise bad_request(f"the object cannot be encoded as JSON: {error}") from None


def view(served: Served, entry: Entry, version: str) -> Obj:
    """The object of an entry in one version; shared, converted once for each revision."""
    if version == served.storage and not served.custom:
        return entry.object
    if entry.views is None:
        entry.views = {}
    # A user's definition can change under its objects: its views are kept with the definition they are made by.
    key = (version, served) if served.custom else version
    converted: Obj | None = entry.views.get(key)
    if converted is None:
        converted = entry.object
        # Users' definitions change their storage version: what was kept before stays as it is.
        kept_as = converted["apiVersion"] if served.custom else served.api_version(served.storage)
        if kept_as != served.api_version(version):
            converted = served.convert(converted, version)
        if served.custom:
            converted = served.as_defined(version, converted)
        entry.views[key] = converted
    return converted


def view_json(served: Served, entry: Entry, version: str) -> bytes:
    """The same on the wire. The stored version is sent as it is kept."""
    if version == served.storage and not served.custom:
        return entry.json
    return orjson.dumps(view(served, entry, version))


class StoredAnswer(Answer):
    """The answer of a write that left an entry: decoded only for who asks for the object, since the wire takes the
    bytes as they are kept."""

    __slots__ = ("entry", "served", "version")

    def __init__(
        self, served: Served, entry: Entry, version: str, warnings: tuple[str, ...] = (), *, created: bool = False
    ) -> None:
        self.served = served
        self.entry = entry
        self.version = version
        self.warnings = warnings
        self.created = created

    @property
    def object(self) -> Obj:  # type: ignore[override]
        return view(self.served, self.entry, self.version)


def internal_error(message: str) -> ApiError:
    return ApiError(500, "InternalError", message)
