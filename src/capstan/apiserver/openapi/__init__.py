"""OpenAPI of what is served, built on first request: v3 in one document for each group version, v2 in one for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime

from capstan.api.errors import ApiError
from capstan.apiserver.exchange import JSON, Request, Response
from capstan.apiserver.openapi.document import group_version_document
from capstan.apiserver.openapi.published import Document, Version2, made_document
from capstan.apiserver.resources import Registry, Served, ServedVersion, no_such_resource

__all__ = ["OPENAPI", "OPENAPI_V2", "OPENAPI_V3", "Document", "OpenApi"]

#: Where the documents are.
OPENAPI, OPENAPI_V2, OPENAPI_V3 = "/openapi/", "/openapi/v2", "/openapi/v3"
#: What clients may ask for, and what they are told that they get: with the `@` Go cannot read the type.
_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_ASKED = ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", _PROTOBUF)
_YEAR = 31_536_000
_CHECK = "no-cache, private"


class OpenApi:
    """The documents of one server's registry. A group version is built again only when one of its kinds changed."""

    def __init__(self, registry: Registry, server_version: str, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock
        self._registry = registry
        self._server_version = server_version
        self._generation = -1
        self._kinds: dict[str, tuple[tuple[Served, ServedVersion], ...]] = {}
        # Path -> what it was built from, and the document.
        self._kept: dict[str, tuple[tuple[tuple[Served, ServedVersion], ...], Document]] = {}
        self._index: Document | None = None
        self._version2 = Version2(server_version)

    def answer(self, request: Request) -> Response:
        """For `/openapi/v2`, `/openapi/v3` and below. Raises 404 for group versions that are not served."""
        path = request.path.rstrip("/")
        if path == OPENAPI_V2:
            return self._answer_version2(request)
        wanted = path.removeprefix(OPENAPI_V3).strip("/")
        if not path.startswith(OPENAPI_V3):
            raise no_such_resource()
        if not wanted:
            return _response(request, self.index(), {"Cache-Control": _CHECK})
        document = self.document(wanted)
        if document is None:
            raise no_such_resource()
        asked = request.param("hash")
        if asked and asked != document.hash:
            # The URL names an older document: send the reader to the present one, as kube-apiserver does.
            location = f"{OPENAPI_V3}/{wanted}?hash={document.hash}"
            return Response(301, b"", JSON, {"Location": location, "Cache-Control": _CHECK})
        return _response(request, document, self._forever() if asked else {"Cache-Control": _CHECK})

    def _forever(self) -> dict[str, str]:
        """A document under its hash never changes."""
        headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
        if self._clock is not None:
            headers["Expires"] = format_datetime(self._clock() + timedelta(seconds=_YEAR), usegmt=True)
        return headers

    def _answer_version2(self, request: Request) -> Response:
        """The document in the first form of the Accept header that there is."""
        self._refresh()
        for part in (request.headers.get("accept") or "*/*").split(","):
            media = part.partition(";")[0].strip().lower()
            if media in _ASKED:
                return _response(request, self._version2.protobuf(self._kinds), {"Cache-Control": _CHECK}, _PROTOBUF)
            if media in (JSON, "application/*", "*/*"):
                return _response(request, self._version2.json(self._kinds), {"Cache-Control": _CHECK})
        raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {JSON}, {_ASKED[0]}")

    def index(self) -> Document:
        """`{"paths": {"api/v1": {"serverRelativeURL": ...}}}`; builds every document, for their hashes."""
        self._refresh()
        if self._index is None:
            paths = {}
            for path in sorted(self._kinds):
                document = self.document(path)
                if document is not None:
                    paths[path] = {"serverRelativeURL": f"{OPENAPI_V3}/{path}?hash={document.hash}"}
            self._index = made_document({"paths": paths})
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
        document = made_document(group_version_document(kinds, self._server_version))
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


def _response(request: Request, document: Document, headers: dict[str, str], media: str = JSON) -> Response:
    headers = {**headers, "ETag": document.etag, "Vary": "Accept"}
    if document.etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(304, b"", media, headers)
    return Response(200, document.body, media, headers)
