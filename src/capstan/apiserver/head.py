"""The head of an answer as bytes: status line and headers, of which those that repeat are made once."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http import HTTPStatus

from capstan.apiserver.exchange import Response, warning_header


@cache
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


@cache
def _line(name: str, value: str) -> bytes:
    """A header whose values are few."""
    return f"{name}: {value}\r\n".encode()


def date_line(now: datetime) -> bytes:
    """The Date header of answers in this second."""
    return f"Date: {format_datetime(now.astimezone(UTC), usegmt=True)}\r\n".encode()


_FEW = frozenset(("Cache-Control", "Vary", "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"))


def answer_head(
    response: Response, length: int | None, date: bytes, *, encoding: str = "", close: bool = False
) -> bytes:
    """All up to the empty line. `length` None means chunks. Header values were made by this server, but parts of
    them may come from a client: line breaks never get through."""
    parts = [_status_line(response.status), _line("Content-Type", response.content_type), date]
    for name, value in response.headers.items():
        parts.append(_line(name, value) if name in _FEW else _free(name, value))
    for text in response.warnings:
        parts.append(_free("Warning", warning_header(text)))
    if encoding:
        parts.append(_line("Content-Encoding", encoding))
    if close:
        parts.append(b"Connection: close\r\n")
    parts.append(b"Transfer-Encoding: chunked\r\n\r\n" if length is None else b"Content-Length: %d\r\n\r\n" % length)
    return b"".join(parts)


def _free(name: str, value: str) -> bytes:
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    return f"{name}: {value}\r\n".encode()
