"""Documents as they are sent, and the one of version 2, put together from parts that each group version keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from capstan.apiserver.openapi import gnostic
from capstan.apiserver.openapi.document import definition_name, group_version_document
from capstan.apiserver.openapi.metatypes import META_TYPES, SCALE_TYPES
from capstan.apiserver.openapi.version2 import version2_definitions, version2_paths
from capstan.apiserver.resources import Served, ServedVersion

#: The kinds of one group version.
Kinds = tuple[tuple[Served, ServedVersion], ...]

_SHARED = {**META_TYPES, **SCALE_TYPES}


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a document and their hash, which is also its ETag and part of its URL."""

    body: bytes
    hash: str

    @property
    def etag(self) -> str:
        return f'"{self.hash}"'


def made_document(value: Mapping[str, object]) -> Document:
    return _hashed(orjson.dumps(value))


def _hashed(body: bytes) -> Document:
    return Document(body, hashlib.sha256(body).hexdigest().upper())


@dataclass(frozen=True, slots=True)
class _Part:
    """What one group version adds to the document: the members of `paths` and of `definitions`, without braces."""

    kinds: Kinds
    json: tuple[bytes, bytes]
    protobuf: tuple[bytes, bytes]


class Version2:
    """The document of version 2. A part is made again only when one of its kinds changed."""

    def __init__(self, server_version: str) -> None:
        self._info = {"title": "Kubernetes", "version": server_version}
        self._parts: dict[str, _Part] = {}
        self._made: dict[str, tuple[list[int], Document]] = {}
        self._shared: _Part | None = None

    def json(self, kinds: Mapping[str, Kinds]) -> Document:
        return self._document("json", kinds)

    def protobuf(self, kinds: Mapping[str, Kinds]) -> Document:
        return self._document("protobuf", kinds)

    def _document(self, form: str, kinds: Mapping[str, Kinds]) -> Document:
        parts = [self._shared_part(), *(self._part(path, kinds[path]) for path in sorted(kinds))]
        self._parts = {path: part for path, part in self._parts.items() if path in kinds}
        identity = [id(part) for part in parts]
        made = self._made.get(form)
        if made is None or made[0] != identity:
            made = self._made[form] = (identity, _hashed(self._joined(form, parts)))
        return made[1]

    def _joined(self, form: str, parts: list[_Part]) -> bytes:
        if form == "protobuf":
            paths, definitions = (b"".join([part.protobuf[side] for part in parts]) for side in (0, 1))
            return gnostic.document(self._info, paths, definitions)
        paths, definitions = (b",".join([part.json[side] for part in parts if part.json[side]]) for side in (0, 1))
        head = orjson.dumps({"swagger": "2.0", "info": self._info})
        return b"".join((head[:-1], b',"paths":{', paths, b'},"definitions":{', definitions, b"},", _SECURITY, b"}"))

    def _shared_part(self) -> _Part:
        if self._shared is None:
            self._shared = _made_part((), {}, version2_definitions(_SHARED, {}))
        return self._shared

    def _part(self, path: str, kinds: Kinds) -> _Part:
        kept = self._parts.get(path)
        if kept is not None and [id(served) for served, _ in kept.kinds] == [id(served) for served, _ in kinds]:
            return kept
        document = group_version_document(kinds, self._info["version"])
        schemas = {name: s for name, s in document["components"]["schemas"].items() if name not in _SHARED}
        whole = {definition_name(served, version.name): _keeps_all(version) for served, version in kinds}
        part = _made_part(kinds, version2_paths(document["paths"]), version2_definitions(schemas, whole))
        self._parts[path] = part
        return part


_SECURITY = orjson.dumps(
    {
        "securityDefinitions": {
            "BearerToken": {
                "description": "A bearer token.",
                "type": "apiKey",
                "name": "authorization",
                "in": "header",
            }
        },
        "security": [{"BearerToken": []}],
    }
)[1:-1]


def _keeps_all(version: ServedVersion) -> bool:
    schema = version.schema()
    return schema is not None and bool(schema.get("x-kubernetes-preserve-unknown-fields"))


def _made_part(kinds: Kinds, paths: dict[str, object], definitions: dict[str, object]) -> _Part:
    return _Part(
        kinds,
        (orjson.dumps(paths)[1:-1], orjson.dumps(definitions)[1:-1]),
        (gnostic.encoded_paths(paths), gnostic.encoded_definitions(definitions)),
    )
