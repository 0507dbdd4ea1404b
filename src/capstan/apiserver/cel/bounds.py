"""Bounds of what one call may make or do, checked before it does it.

Kubernetes charges some calls for their arguments and not for their results, which are lazy there or never as large.
Here a call that would outgrow every request is stopped as if it had cost too much.
"""

from __future__ import annotations

from capstan.apiserver.cel.errors import CostExceeded

#: Code points of a text, items of a list, and comparisons of items with one another.
LONGEST_TEXT = 20_000_000
LONGEST_LIST = 2_000_000
MOST_COMPARISONS = 20_000_000
#: Items that a call may make for its usual price, and how many more cost a unit.
_FREE_ITEMS, _ITEMS_A_UNIT = 10_000, 10


def check_text(length: int) -> None:
    """Errors: CostExceeded."""
    if length > LONGEST_TEXT:
        raise CostExceeded()


def check_list(length: int) -> None:
    """Errors: CostExceeded."""
    if length > LONGEST_LIST:
        raise CostExceeded()


def check_comparisons(first: int, second: int) -> None:
    """Errors: CostExceeded."""
    if first * second > MOST_COMPARISONS:
        raise CostExceeded()


def surcharge(items: int) -> int:
    """What a list costs beyond its usual price because of its length."""
    return max(0, items - _FREE_ITEMS) // _ITEMS_A_UNIT
