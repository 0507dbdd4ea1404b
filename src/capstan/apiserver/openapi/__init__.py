"""OpenAPI v3 of what is served: an index and one document for each group version, built on first request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from capstan.apiserver.exchange import JSON, Request, Response
from capstan.apiserver.openapi.document import group_version_document
from capstan.apiserver.resources import Registry, Served, ServedVersion, no_such_resource

__all__ = ["OPENAPI_V3", "Document", "OpenApi"]

#: Where the documents are.
OPENAPI_V3 = "/openapi/v3"
_YEAR = "31536000"


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a document and their hash, which is also its ETag and part of its URL."""

    body: bytes
    hash: str

    @property
    def etag(self) -> str:
        return f'"{self.hash}"'


class OpenApi:
    """The documents of one server's registry. A group version is built again only when one of its kinds changed."""

    def __init__(self, registry: Registry, server_version: str) -> None:
        self._registry = registry
        self._server_version = server_version
        self._generation = -1
        self._kinds: dict[str, tuple[tuple[Served, ServedVersion], ...]] = {}
        # Path -> what it was built from, and the document.
        self._kept: dict[str, tuple[tuple[tuple[Served, ServedVersion], ...], Document]] = {}
        self._index: Document | None = None

    def answer(self, request: Request) -> Response:
        """For `/openapi/v3` and below. Raises 404 for group versions that are not served."""
        path = request.path.rstrip("/")
        wanted = path.removeprefix(OPENAPI_V3).strip("/")
        if not path.startswith(OPENAPI_V3):
            raise no_such_resource()
        if not wanted:
            return _response(request, self.index(), {"Cache-Control": "no-cache, private"})
        document = self.document(wanted)
        if document is None:
            raise no_such_resource()
        asked = request.param("hash")
        if asked and asked != document.hash:
            # The URL names an older document: send the reader to the present one, as kube-apiserver does.
            location = f"{OPENAPI_V3}/{wanted}?hash={document.hash}"
            return Response(301, b"", JSON, {"Location": location, "Cache-Control": "no-cache, private"})
        forever = f"public, max-age={_YEAR}, immutable" if asked else "no-cache, private"
        return _response(request, document, {"Cache-Control": forever})

    def index(self) -> Document:
        """`{"paths": {"api/v1": {"serverRelativeURL": ...}}}`; builds every document, for their hashes."""
        self._refresh()
        if self._index is None:
            paths = {}
            for path in sorted(self._kinds):
                document = self.document(path)
                if document is not None:
                    paths[path] = {"serverRelativeURL": f"{OPENAPI_V3}/{path}?hash={document.hash}"}
            self._index = _document({"paths": paths})
        return self._index

    def document(self, path: str) -> Document | None:
        """The document of `api/v1` or `apis/<group>/<version>`; None when that is not served."""
        self._refresh()
        kinds = self._kinds.get(path)
        if kinds is None:
            return None
        kept = self._kept.get(path)
        if kept is not None and _is_same(kept[0], kinds):
            return kept[1]
        document = _document(group_version_document(kinds, self._server_version))
        self._kept[path] = (kinds, document)
        return document

    def _refresh(self) -> None:
        if self._generation == self._registry.generation:
            return
        self._generation = self._registry.generation
        self._index = None
        found: dict[str, list[tuple[Served, ServedVersion]]] = {}
        for served in sorted(self._registry.all(), key=lambda kind: kind.plural):
            for version in served.versions:
                path = f"apis/{served.group}/{version.name}" if served.group else f"api/{version.name}"
                found.setdefault(path, []).append((served, version))
        self._kinds = {path: tuple(kinds) for path, kinds in found.items()}
        self._kept = {path: kept for path, kept in self._kept.items() if path in found}


def _is_same(before: Iterable[tuple[Served, ServedVersion]], now: Iterable[tuple[Served, ServedVersion]]) -> bool:
    return [id(kind) for kind, _ in before] == [id(kind) for kind, _ in now]


def _document(value: Mapping[str, object]) -> Document:
    body = orjson.dumps(value)
    return Document(body, hashlib.sha256(body).hexdigest().upper())


def _response(request: Request, document: Document, headers: dict[str, str]) -> Response:
    headers = {**headers, "ETag": document.etag, "Vary": "Accept"}
    if request.headers.get("if-none-match") == document.etag:
        return Response(304, b"", JSON, headers)
    return Response(200, document.body, JSON, headers)
