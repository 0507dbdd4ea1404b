"""Objects as a `meta.k8s.io/v1` Table: the columns that kubectl prints (kubernetes-api.md A11). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import orjson

from capstan.api.kinds import Column
from capstan.api.objects import Obj
from capstan.apiserver.cells import builtin_columns
from capstan.apiserver.columns import Cells, human_age
from capstan.apiserver.jsonpath import compile_path

IncludeObject = Literal["None", "Metadata", "Object"]

NAME = "Name must be unique within a namespace."
AGE = Column(
    "Age", ".metadata.creationTimestamp", "date", description="When the object was created, as the time since then."
)


def to_table(
    objects: Sequence[Obj],
    columns: Sequence[Column],
    now: datetime,
    *,
    include_object: IncludeObject = "Metadata",
    group: str = "",
    kind: str = "",
    metadata: Obj | None = None,
    headers: bool = True,
) -> Obj:
    """The Table of `objects`. Built-in kinds (`group`, `kind`) have their own columns; others `columns`, or
    Age when there are none. `metadata` is the list's (resourceVersion, continue, ...); watches leave the
    column definitions out after the first event (`headers` false)."""
    builtin = builtin_columns(group, kind)
    definitions, cells_of = builtin if builtin is not None else custom_columns(columns)
    rows = [{"cells": cells_of(obj, now), "object": _included(obj, include_object)} for obj in objects]
    if include_object == "None":
        for row in rows:
            del row["object"]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata if metadata is not None else {},
        "columnDefinitions": definitions if headers else None,
        "rows": rows,
    }


def custom_columns(columns: Sequence[Column]) -> tuple[list[Obj], Cells]:
    """Column definitions and the cells of a row for printer columns; NAME is always first."""
    shown = tuple(columns) or (AGE,)
    definitions = [_definition("Name", "string", "name", NAME, 0)]
    definitions += [_definition(c.name, c.type, c.format, c.description or c.json_path, c.priority) for c in shown]
    readers = [_reader(column) for column in shown]

    def cells(obj: Obj, now: datetime) -> list[Any]:
        return [obj["metadata"].get("name", ""), *[read(obj, now) for read in readers]]

    return definitions, cells


def partial_metadata(obj: Obj) -> Obj:
    """A PartialObjectMetadata of `obj`."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj.get("metadata", {})}


def _included(obj: Obj, include: IncludeObject) -> Obj | None:
    if include == "None":
        return None
    return obj if include == "Object" else partial_metadata(obj)


def _definition(name: str, type_: str, format_: str, description: str, priority: int) -> Obj:
    return {"name": name, "type": type_, "format": format_, "description": description, "priority": priority}


def _reader(column: Column) -> Callable[[Obj, datetime], Any]:
    find = compile_path(column.json_path)
    wanted = column.type

    def read(obj: Obj, now: datetime) -> Any:
        found = find(obj)
        return cell_of(found[0], wanted, now) if len(found) == 1 else _joined(found, wanted, now)

    return read


def _joined(found: Sequence[Any], wanted: str, now: datetime) -> Any:
    if not found:
        return None
    # Several matches print as kubectl prints them: one after the other for strings, the first for the rest.
    if wanted == "string":
        return " ".join(str(cell_of(value, wanted, now)) for value in found)
    return cell_of(found[0], wanted, now)


def cell_of(value: Any, wanted: str, now: datetime) -> Any:
    """One value as a cell of type `wanted`; a value of another type is an empty cell."""
    if value is None:
        return None
    if wanted == "integer":
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if wanted == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if wanted == "boolean":
        return value if isinstance(value, bool) else None
    if wanted == "date":
        return human_age(value, now)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
