"""The known name nearest to an unknown one, for `did you mean`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a reader most likely meant, whatever its case; empty when none is near."""
    by_folded = {other.casefold(): other for other in known}
    exact = by_folded.get(name.casefold())
    if exact is not None:
        return exact
    found = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else ""
