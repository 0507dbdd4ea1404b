"""Log lines with fields, on the standard library's logging: what happened in a few words, and to what as names and
values."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

#: The attribute of a log record that has the fields.
FIELDS = "fields"


class EventLog:
    """What one module logs. Values are shown only when the line is written."""

    __slots__ = ("_log",)

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: Any) -> None:
        self._write(logging.ERROR, event, fields, exc_info)

    def _write(self, level: int, event: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
        if self._log.isEnabledFor(level):
            self._log.log(level, event, exc_info=error, extra={FIELDS: fields})


def fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """The fields of a line; none when the standard library's own functions wrote it."""
    found: Mapping[str, Any] = getattr(record, FIELDS, {})
    return found
