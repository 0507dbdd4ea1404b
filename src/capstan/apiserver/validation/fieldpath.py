"""Simple field paths of rules and selectable fields (`.spec.color`, `.spec['a-b']`) followed through a schema. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_TOKEN = re.compile(r"\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\['(?P<quoted>(?:[^'\\]|\\['\\nrt])*)'\]|(?P<index>\[)")


class FieldPathError(ValueError):
    """A path that cannot be followed; the text says why."""


def steps_of(path: str, *, brackets: bool = True) -> list[str]:
    """The names on a path. Errors: FieldPathError."""
    steps, place = [], 0
    while place < len(path):
        found = _TOKEN.match(path, place)
        if found is None or found["index"]:
            if path[place] == "[":
                raise FieldPathError("expected single quoted string but got " + path[place + 1 : place + 2])
            if path[place] == "." and place + 1 == len(path):
                raise FieldPathError("unexpected end of JSON path")
            raise FieldPathError(f"expected [ or . but got: {path[place : place + 20]}")
        if found["name"] is None and not brackets:
            raise FieldPathError("array notation is not allowed")
        quoted = found["quoted"]
        steps.append(found["name"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        place = found.end()
    if not steps:
        raise FieldPathError("unexpected end of JSON path")
    return steps


def follow(path: str, schema: Schema, *, brackets: bool = True) -> tuple[list[str], Schema]:
    """The names on a path, and the schema at its end. Errors: FieldPathError."""
    steps = steps_of(path, brackets=brackets)
    for step in steps:
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        if step in properties:
            schema = properties[step]
        elif isinstance(additional, dict) and brackets:
            schema = additional
        else:
            raise FieldPathError("does not refer to a valid field")
    return steps, schema


def normalized(path: str, schema: Schema) -> str:
    """A path as fields are written in messages: properties after dots, keys of maps in brackets. Errors:
    FieldPathError."""
    text = ""
    for step in steps_of(path):
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        if step in properties:
            text, schema = f"{text}.{step}", properties[step]
        elif isinstance(additional, dict):
            text, schema = f"{text}[{step}]", additional
        else:
            raise FieldPathError("does not refer to a valid field")
    return text


def path_problem(path: str, schema: Schema) -> str:
    """Why a path cannot be followed, or the empty string."""
    try:
        follow(path, schema)
    except FieldPathError as error:
        return str(error)
    return ""
