"""The known name nearest to an unknown one, for `did you mean`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Longer names are nobody's slip of a key, and comparing them costs their length squared.
MAX_LENGTH = 64


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a reader most likely meant, whatever its case; empty when none is near."""
    by_folded = {other.casefold(): other for other in known}
    folded = name.casefold()
    if folded in by_folded:
        return by_folded[folded]
    if len(name) > MAX_LENGTH:
        return ""
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else ""
