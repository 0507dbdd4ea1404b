"""One HTTP exchange as values: the request as the server core sees it, and what it answers. No web framework."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj
from capstan.api.verbs import User

JSON = "application/json"
_NO_CACHE = "no-cache, private"


@dataclass(slots=True, eq=False)
class Request:
    """`path` is decoded once; `headers` are looked up in lower case. `user` is who the connection's client
    certificate names, None when there is none; `certificate` is that certificate as Python's ssl gives it.
    `peer` is the address that it came from, `target` the path and query as they were sent."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User | None = None
    certificate: Mapping[str, Any] | None = None
    peer: str = ""
    target: str = ""

    def param(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default

    def header_values(self, name: str) -> Sequence[str]:
        """Every value of a header that may come several times, in their order."""
        several = getattr(self.headers, "getall", None)
        if several is not None:
            return list(several(name, ()))
        return [self.headers[name]] if name in self.headers else []

    @property
    def impersonation(self) -> Sequence[tuple[str, str]]:
        """The Impersonate-* headers with their names in lower case, in their order."""
        return [
            (lowered, value)
            for name, value in self.headers.items()
            if name[:1] in "iI" and (lowered := name.lower()).startswith("impersonate-")
        ]

    def flag(self, name: str) -> bool:
        """A boolean parameter. Raises 400."""
        text = self.param(name).lower()
        if text in ("", "false", "0"):
            return False
        if text in ("true", "1"):
            return True
        raise bad_request(f'invalid value "{self.param(name)[:40]}" for {name}: must be true or false')

    def number(self, name: str) -> int:
        """A whole number, 0 when absent. Raises 400."""
        text = self.param(name)
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise bad_request(f'invalid value "{text[:40]}" for {name}: must be a whole number')
        return int(text)


@dataclass(slots=True)
class Response:
    """An answer: a whole body, or a stream of chunks for watches. Who sends the stream calls `finished` at its
    end, whatever the end is. `may_gzip` is for streams that begin with a long list; `error` is
    the refusal that the body tells of, `object_name` the object that was written."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": _NO_CACHE})
    warnings: tuple[str, ...] = ()
    stream: AsyncIterator[bytes] | None = None
    finished: Callable[[], None] | None = None
    may_gzip: bool = False
    error: ApiError | None = None
    object_name: str = ""


def json_response(status: int, body: Obj, warnings: tuple[str, ...] = ()) -> Response:
    return Response(status, orjson.dumps(body), warnings=warnings)


def text_response(status: int, text: str) -> Response:
    return Response(status, text.encode(), "text/plain; charset=utf-8")


def error_response(error: ApiError) -> Response:
    """The Status of a refusal. A `continue` among its details is the token of an expired list: it belongs to
    the metadata."""
    body = error.status()
    details = body.get("details", {})
    if "continue" in details:
        body["metadata"] = {"continue": details.pop("continue")}
        if not details:
            del body["details"]
    response = json_response(error.code, body)
    response.error = error
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def warning_header(text: str) -> str:
    """A warning as RFC 7234 has it: one line, quotes and control characters escaped or gone."""
    cleaned = "".join(c if c.isprintable() else " " for c in text)
    return '299 - "' + cleaned.replace("\\", "\\\\").replace('"', '\\"') + '"'
