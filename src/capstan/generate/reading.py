"""From a decoded parameter file to checked `Parameters`: every problem with its path and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from capstan.api.rules.nearest import nearest
from capstan.generate.checks import check
from capstan.generate.parameters import Parameters, Part


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at `path` (dotted, as in the file), and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ParameterError(Exception):
    """The parameters cannot be used; `problems` says all of why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read_parameters(document: Any) -> Parameters:
    """Raises ParameterError with every unknown key, or the first wrong value, or every broken rule."""
    if not isinstance(document, Mapping):
        raise ParameterError((Problem("", "a parameter file is a mapping of keys to values"),))
    unknown = tuple(_unknown_keys(document, Parameters, ""))
    if unknown:
        raise ParameterError(unknown)
    try:
        parameters = msgspec.convert(document, Parameters)
    except msgspec.ValidationError as error:
        raise ParameterError((_problem(str(error)),)) from None
    broken = tuple(Problem(path, message) for path, message in check(parameters))
    if broken:
        raise ParameterError(broken)
    return parameters


def _problem(text: str) -> Problem:
    """msgspec puts the path behind the message: `... - at `$.network.prefix``."""
    message, _, path = text.partition(" - at `$")
    missing = re.match(r"Object missing required field `(\w+)`", message)
    where = path.removesuffix("`").removeprefix(".")
    if missing:
        return Problem(f"{where}.{missing[1]}".removeprefix("."), "is required")
    return Problem(where, message[:1].lower() + message[1:])


def _unknown_keys(document: Mapping[str, Any], part: type[Part], path: str) -> list[Problem]:
    problems: list[Problem] = []
    known = dict(zip(part.__struct_encode_fields__, part.__struct_fields__, strict=True))
    hints = get_type_hints(part)
    for key, value in document.items():
        where = f"{path}.{key}".removeprefix(".")
        if key not in known:
            guess = nearest(str(key), known)
            hint = f"; did you mean {guess}?" if guess else f"; known are {', '.join(known)}"
            problems.append(Problem(where, f"unknown key{hint}"))
            continue
        problems += _nested(value, hints[known[key]], where)
    return problems


def _nested(value: Any, hint: Any, where: str) -> list[Problem]:
    if isinstance(hint, type) and issubclass(hint, Part) and isinstance(value, Mapping):
        return _unknown_keys(value, hint, where)
    arguments = getattr(hint, "__args__", ())
    if isinstance(value, list) and arguments and isinstance(arguments[0], type) and issubclass(arguments[0], Part):
        nested = [
            _unknown_keys(item, arguments[0], f"{where}[{number}]")
            for number, item in enumerate(value)
            if isinstance(item, Mapping)
        ]
        return [problem for problems in nested for problem in problems]
    return []
