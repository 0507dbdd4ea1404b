"""Where the log goes: standard error, one line an event. Secrets never reach it; stack traces only with --verbose."""

from __future__ import annotations

import logging
import sys

from capstan.runtime.eventlog import FIELDS, fields_of

_FORM = "%(asctime)s %(levelname)-7s %(name)s %(message)s"


def configure_logs(verbose: bool) -> None:
    """Warnings and what was done; with `verbose` every step."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(verbose))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[handler])
    for chatty in ("hpack", "grpclib", "h2", "asyncio"):
        # Frame by frame, they would bury every step of ours.
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Lines(logging.Formatter):
    """A line's words, then its fields as name=value. Of an error that came with fields, its own words instead of its
    trace, unless traces are wanted."""

    def __init__(self, traces: bool) -> None:
        super().__init__(_FORM)
        self._traces = traces

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = dict(fields_of(record))
        if hasattr(record, FIELDS) and not self._traces and record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            fields["error"] = f"{type(error).__name__}: {error}"
            record.exc_info = record.exc_text = None
        shown = "".join(f" {name}={value!r}" for name, value in fields.items())
        return super().formatMessage(record) + shown
