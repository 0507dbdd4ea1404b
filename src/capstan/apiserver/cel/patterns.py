"""Regular expressions of the language: RE2, compiled once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from capstan.apiserver.cel.errors import CelEvaluationError


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


_OPTIONS = _quiet()


@lru_cache(maxsize=2048)
def pattern_of(pattern: str) -> Any:
    """A compiled pattern. Errors: CelEvaluationError."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        shown = error.args[0] if error.args else error
        text = shown.decode(errors="replace") if isinstance(shown, bytes) else str(shown)
        raise CelEvaluationError(f"error parsing regexp: {text}") from None
