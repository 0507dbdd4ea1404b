"""How cells are made: of what stands at a path of an object, and the columns of a kind together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.columns import Cells, column, human_age
from capstan.apiserver.scale import selector_text

#: One cell of an object at a moment.
Cell = Callable[[Obj, datetime], Any]
#: Of some kinds, by group and kind: the definitions of their columns, and the cells of a row.
Rows = Mapping[tuple[str, str], tuple[list[Obj], Cells]]

NONE: Final = "<none>"
UNSET: Final = "<unset>"
_INTEGERS: Final = ("Desired", "Current", "Ready", "Up-to-date", "Available", "Active", "Value")
_TYPES: Final = {**dict.fromkeys(_INTEGERS, "integer"), "Created At": "date"}


def at(path: str, absent: Any = "") -> Cell:
    def cell(obj: Obj, _: datetime) -> Any:
        value = value_at(obj, path)
        return absent if value is None else value

    return cell


def text(path: str, absent: str = NONE) -> Cell:
    def cell(obj: Obj, _: datetime) -> str:
        value = value_at(obj, path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return absent if value in (None, "") else str(value)

    return cell


def number(path: str) -> Cell:
    return at(path, 0)


def count(path: str) -> Cell:
    return lambda obj, _: len(value_at(obj, path) or ())


def joined(path: str, absent: str = NONE) -> Cell:
    return lambda obj, _: ",".join(str(one) for one in value_at(obj, path) or ()) or absent


def since(path: str, absent: str = NONE) -> Cell:
    return lambda obj, now: human_age(value_at(obj, path), now) if value_at(obj, path) else absent


def selector(path: str, absent: str = NONE) -> Cell:
    return lambda obj, _: selector_text(value_at(obj, path) or {}) or absent


def age(obj: Obj, now: datetime) -> str:
    return human_age(obj["metadata"].get("creationTimestamp"), now)


def created(obj: Obj, _: datetime) -> Any:
    return obj["metadata"].get("creationTimestamp", "")


def _name(obj: Obj, _: datetime) -> str:
    return str(obj["metadata"].get("name", ""))


def some(found: list[str], most: int = 3, absent: str = NONE) -> str:
    """The first few, and how many more there are."""
    more = f" + {len(found) - most} more..." if len(found) > most else ""
    return ",".join(found[:most]) + more if found else absent


def made(wide: Iterable[tuple[str, Cell]] = (), /, **columns: Cell) -> tuple[list[Obj], Cells]:
    """Columns from keyword names (`Up_to_date` is `Up-to-date`, two underscores a space); Name first, wide last."""
    shown = [("Name", _name), *((_title(name), cell) for name, cell in columns.items())]
    further = list(wide)
    cells = [cell for _, cell in (*shown, *further)]
    definitions = [column(title, _TYPES.get(title, "string")) for title, _ in shown]
    definitions += [column(title, priority=1) for title, _ in further]
    return definitions, lambda obj, now: [cell(obj, now) for cell in cells]


def _title(name: str) -> str:
    return name.replace("__", " ").replace("_", "-")


def named(path: str, absent: str = "") -> Cell:
    """Of a reference, namespace and name."""

    def cell(obj: Obj, _: datetime) -> str:
        ref = value_at(obj, path)
        return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else absent

    return cell
