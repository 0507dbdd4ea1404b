"""Writes the state of objects in Prometheus' text format, from what is cached, when somebody asks.

Not with the client library, which counts what the process does: it takes 0.4 s of processor time for the conditions of
1,000 Machines alone, and nothing else runs meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from capstan.api.kinds import Scheme
from capstan.api.objects import Obj
from capstan.insight.metrics.families import KINDS, Conditions, Info, KindMetrics, Number, Path, States
from capstan.runtime.cache import Cache

#: Gives the objects of a kind, in its stored version; nothing of a kind that is not cached.
Objects = Callable[[str, str], Iterable[Obj]]

_ESCAPED: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

#: One object with the labels that all its samples begin with.
_Subject = tuple[str, Obj]


def cached(cache: Cache, scheme: Scheme) -> Objects:
    """What the caches of a process hold; nothing is read for it."""

    def objects(group: str, kind: str) -> Iterable[Obj]:
        found = scheme.by_kind(group, kind)
        informer = cache.existing(found.resource()) if found is not None else None
        return [entry.object for entry in informer.entries()] if informer is not None else ()

    return objects


def state_text(objects: Objects) -> str:
    """All families of all kinds that have objects."""
    lines: list[str] = []
    for kind in KINDS:
        subjects = [(_place(kind, obj), obj) for obj in objects(kind.group, kind.kind)]
        if subjects:
            for family in kind.families:
                lines += _family(kind, family, subjects)
    return "\n".join([*lines, ""]) if lines else ""


def _place(kind: KindMetrics, obj: Obj) -> str:
    meta = obj["metadata"]
    known = {"name": meta["name"], "namespace": meta.get("namespace", ""), "uid": meta.get("uid", "")}
    return _labels({**known, **{label: _text(_at(obj, path)) for label, path in kind.labels.items()}})


def _family(
    kind: KindMetrics, family: Info | Number | States | Conditions, subjects: Sequence[_Subject]
) -> Iterator[str]:
    if isinstance(family, Conditions):
        yield from _conditions(kind, subjects)
        return
    name = f"{kind.prefix}_{family.name}"
    samples = [sample for subject in subjects for sample in _samples(name, family, subject)]
    if samples:
        yield from _head(name, f"{family.text} ({kind.kind})")
        yield from samples


def _head(name: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} gauge"


def _samples(name: str, family: Info | Number | States, subject: _Subject) -> Iterator[str]:
    place, obj = subject
    if isinstance(family, Number):
        number = _number(_at(obj, family.path))
        if number is not None or family.zero:
            yield f"{name}{{{place}}} {number or 0}"
        return
    if isinstance(family, States):
        held = _at(obj, family.path)
        yield from (f'{name}{{{place},{family.label}="{word}"}} {1 if word == held else 0}' for word in family.words)
        return
    found = _at(obj, family.path)
    for entry in found if isinstance(found, list) else [] if found is None else [found]:
        labels = _labels({label: _text(_at(entry, path)) for label, path in family.labels.items()})
        yield f"{name}{{{place}{',' if labels else ''}{labels}}} 1"


def _conditions(kind: KindMetrics, subjects: Sequence[_Subject]) -> Iterator[str]:
    """Two families from one walk."""
    states, since = f"{kind.prefix}_status_condition", f"{kind.prefix}_status_condition_last_transition_time"
    held: list[str] = []
    times: list[str] = []
    for place, obj in subjects:
        for condition in (obj.get("status") or {}).get("conditions") or ():
            label = f'{place},type="{condition["type"].translate(_ESCAPED)}"'
            status = condition["status"]
            head = f"{states}{{{label},status="
            held.append(
                f'{head}"True"}} {int(status == "True")}\n{head}"False"}} {int(status == "False")}\n'
                f'{head}"Unknown"}} {int(status == "Unknown")}'
            )
            moment = _instant(condition.get("lastTransitionTime") or "")
            if moment is not None:
                times.append(f'{since}{{{label},status="{status}"}} {moment}')
    if held:
        yield from _head(states, f"The state of each condition ({kind.kind})")
        yield from held
    if times:
        yield from _head(since, f"Since when each condition is as it is ({kind.kind})")
        yield from times


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _labels(values: dict[str, str]) -> str:
    """Labels without a value are left out."""
    return ",".join(f'{label}="{text.translate(_ESCAPED)}"' for label, text in values.items() if text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _number(value: Any) -> float | int | None:
    """A switch is 0 or 1, an instant its seconds, a share a part of one; None when there is nothing to count."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or not value:
        return None
    try:
        if value.endswith("%"):
            return float(value[:-1]) / 100
        return _instant(value) if "T" in value else float(value)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _instant(text: str) -> float | None:
    """Most conditions of a cluster became as they are within the same minutes."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
