"""Where the log goes: standard error, one line an event. Secrets never reach it; stack traces only with --verbose."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(verbose: bool) -> None:
    """Warnings and what was done; with `verbose` every step."""
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s %(message)s")
    for chatty in ("hpack", "grpclib", "h2", "asyncio"):
        # Frame by frame, they would bury every step of ours.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if verbose:
        processors.append(structlog.processors.format_exc_info)
    else:
        processors.append(_without_trace)
    processors.append(structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _without_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The error's own words instead of its trace."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}"
    return event
