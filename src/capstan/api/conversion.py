"""How an object changes its version: a table of moved fields, and what is remembered so that nothing is lost.

One version of a kind is its hub (the stored one); every other version is a spoke that converts to and from it.

Guarantees:
* Nothing is changed in place; parts that do not change are shared between input and output.
* Fields that no table names stay where they are, known or not.
* hub -> spoke -> hub gives the same object. What a spoke cannot express travels in the annotation
  `cluster.x-k8s.io/conversion-data` (Cluster API's: the hub's object without metadata, as JSON). On the way back
  each part that the spoke's client left alone is taken from there; what the client edited wins.
* What a spoke expresses and the hub cannot (the version in a reference, for one) is kept on the hub in
  `capstan.dev/converted-from` where losing it would show, and is used up on the way down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from capstan.api.errors import ApiError
from capstan.api.fieldnames import FieldNames
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj
from capstan.api.omission import without_empties
from capstan.api.schema import structural_schema

DATA_ANNOTATION: Final = "cluster.x-k8s.io/conversion-data"
FACTS_ANNOTATION: Final = "capstan.dev/converted-from"


_SAME_NAMES: Final = FieldNames()


class _Absent:
    """The type of ABSENT: a field that is not there, which is not the same as null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = _Absent()

Path = tuple[str, ...]
Translate = Callable[[Any], Any]

#: Parts that stay when moving fields away leaves them empty: their presence means something.
_STRUCTURAL = frozenset({"spec", "status", "template", "topology"})


def same(value: Any) -> Any:
    """The translation of a value that looks the same in both versions."""
    return value


def dropped(_value: Any) -> Any:
    """The translation of a field that the other version does not have."""
    return ABSENT


def unless_empty(value: Any) -> Any:
    """Empty strings and zeros mean "not set" where the older version has a pointer."""
    return ABSENT if value in ("", 0) and value is not False else value


def true_only(value: Any) -> Any:
    """False and "not set" are one value in the older version."""
    return value if value else ABSENT


@dataclass(frozen=True, slots=True)
class Move:
    """One field: its path in the spoke and in the hub, and how its value translates either way. A translation
    may give ABSENT; then the field is left out."""

    spoke: Path
    hub: Path
    up: Translate = same
    down: Translate = same


def move(spoke: str, hub: str, up: Translate = same, down: Translate = same) -> Move:
    """A `Move` from dotted paths."""
    return Move(tuple(spoke.split(".")), tuple(hub.split(".")), up, down)


def under(at: str, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Moves of a part, or of the items of a list, as seen from the root: only their places, for names of fields."""
    return tuple(move(f"{at}.{'.'.join(one.spoke)}", f"{at}.{'.'.join(one.hub)}") for one in moves)


def stay(path: str, up: Translate = same, down: Translate = same) -> Move:
    """A field that keeps its path and translates its value."""
    return move(path, path, up, down)


@dataclass(eq=False)
class UnreadableValueError(ApiError):
    """400: a value that cannot be read in its own version. `field` is where it is, `why` the rest of the message."""

    field: str = ""
    why: str = ""


def _placed(step: str, error: ApiError) -> ApiError:
    """The error with one more step of the way to the value."""
    if error.code != 400:
        return error
    inner, why = (error.field, error.why) if isinstance(error, UnreadableValueError) else ("", error.message)
    field = f"{step}.{inner}" if inner and not inner.startswith("[") else step + inner
    return UnreadableValueError(error.code, error.reason, f"{field}: {why}", field=field, why=why)


def upgrade(part: Obj, moves: Sequence[Move]) -> Obj:
    """`part` of a spoke's object as the hub has it."""
    return _relocate(part, [(m.spoke, m.hub, m.up) for m in moves])


def downgrade(part: Obj, moves: Sequence[Move]) -> Obj:
    """`part` of a hub's object as the spoke has it."""
    return _relocate(part, [(m.hub, m.spoke, m.down) for m in moves])


def _relocate(part: Obj, steps: Sequence[tuple[Path, Path, Translate]]) -> Obj:
    """Take every value first, then put them: paths of the two versions may cross (`status.conditions`)."""
    taken: list[tuple[Path, Any]] = []
    for source, target, translate in steps:
        value = find(part, source)
        if value is ABSENT:
            continue
        part = without(part, source)
        try:
            translated = translate(value)
        except ApiError as error:
            raise _placed(".".join(source), error) from None
        if translated is not ABSENT:
            taken.append((target, translated))
    part = _without_empty_parents(part, (source for source, _, _ in steps))
    for target, value in taken:
        part = replaced(part, target, value)
    return part


def _without_empty_parents(part: Obj, paths: Iterable[Path]) -> Obj:
    parents = {path[:depth] for path in paths for depth in range(1, len(path)) if path[depth - 1] not in _STRUCTURAL}
    for parent in sorted(parents, key=len, reverse=True):
        if find(part, parent) == {}:
            part = without(part, parent)
    return part


def find(part: Any, path: Path) -> Any:
    """The value at a path, or ABSENT."""
    for name in path:
        if not isinstance(part, dict) or name not in part:
            return ABSENT
        part = part[name]
    return part


def without(part: Obj, path: Path) -> Obj:
    """`part` without the value at a path that exists."""
    name, rest = path[0], path[1:]
    if rest:
        return {**part, name: without(part[name], rest)}
    return {key: value for key, value in part.items() if key != name}


def replaced(part: Obj, path: Path, value: Any) -> Obj:
    """`part` with a value at a path; parents are made as needed."""
    name, rest = path[0], path[1:]
    if not rest:
        return {**part, name: value}
    child = part.get(name)
    return {**part, name: replaced(child if isinstance(child, dict) else {}, rest, value)}


def translated(part: Obj, path: Path, translate: Translate) -> Obj:
    """`part` with the value at a path translated, if there is one."""
    value = find(part, path)
    if value is ABSENT:
        return part
    after = translate(value)
    if after is value:
        return part
    return without(part, path) if after is ABSENT else replaced(part, path, after)


def each(translate: Callable[[Obj], Obj]) -> Translate:
    """Translates every item of a list of objects."""

    def of_list(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [_item(index, item) for index, item in enumerate(value)]

    def _item(index: int, item: Any) -> Any:
        try:
            return translate(item) if isinstance(item, dict) else item
        except ApiError as error:
            raise _placed(f"[{index}]", error) from None

    return of_list


def restore(full: Any, unedited: Any, edited: Any) -> Any:
    """What the hub holds after a spoke's client wrote.

    `full` is the hub's value before, `unedited` what is left of it after a round trip through the spoke, `edited`
    what came up. Where the last two agree the client changed nothing and `full` stands; elsewhere the edit wins.
    """
    if edited is unedited or edited == unedited:
        return full
    if isinstance(full, dict) and isinstance(unedited, dict) and isinstance(edited, dict):
        merged = {}
        for name in {**edited, **full}:
            value = restore(full.get(name, ABSENT), unedited.get(name, ABSENT), edited.get(name, ABSENT))
            if value is not ABSENT:
                merged[name] = value
        return merged
    if isinstance(full, list) and isinstance(unedited, list) and isinstance(edited, list):
        return _restore_items(full, unedited, edited)
    return edited


def _restore_items(full: list[Any], unedited: list[Any], edited: list[Any]) -> list[Any]:
    """Items are paired by their identifying field; those without one with their equals, the rest of them in order
    as long as none was added or taken away."""
    if len(full) != len(unedited):
        return edited
    by_identity = {_identity(before): (kept, before) for kept, before in zip(full, unedited, strict=True)}
    found = {_identity(item) for item in edited}
    rest = [pair for identity, pair in by_identity.items() if identity not in found]
    if len(edited) != len(full):
        rest = []
    items = []
    for item in edited:
        pair = by_identity.get(_identity(item))
        if pair is None:
            pair = rest.pop(0) if rest and not _is_identified(item) else (item, item)
        items.append(restore(*pair, item))
    return items


def _is_identified(item: Any) -> bool:
    return not _identity(item).startswith(("{", "["))


def _identity(item: Any) -> str:
    if isinstance(item, dict):
        for name in ("name", "type", "zone", "net", "class", "from"):
            if isinstance(item.get(name), str):
                return f"{name}={item[name]}"
        if isinstance(item.get("machine"), dict):
            return f"machine={item['machine'].get('name')}"
    return msgspec.json.encode(item, order="sorted").decode()


@dataclass(frozen=True, slots=True)
class Spoke:
    """The two directions between one older version and the hub. Both get and give whole objects; `apiVersion`
    and the annotation with the hub's data are not their concern. `remembers`: as the kind's, where None. `fields`
    are its names of the hub's fields."""

    up: Callable[[Obj], Obj]
    down: Callable[[Obj], Obj]
    remembers: bool | None = None
    fields: FieldNames = _SAME_NAMES


@dataclass(frozen=True, slots=True)
class Converter:
    """`Kind.convert` of a kind with a hub and spokes. `remembers`: the hub's data travels with the spoke. `struct`
    describes the hub: fields that it wants to be left out rather than empty are left out on the way up. `settled`
    are fields of the hub that no client of a spoke changes: what the hub's data has of them stands."""

    hub: str
    spokes: Mapping[str, Spoke]
    remembers: bool = True
    struct: type[TypedObject] | None = None
    settled: tuple[Path, ...] = ()

    def __call__(self, obj: Obj, to_version: str) -> Obj:
        """Raises ApiError (400) when a value cannot be read in its own version."""
        group, _, from_version = obj["apiVersion"].rpartition("/")
        if from_version == to_version:
            return obj
        if from_version != self.hub:
            obj = self._up(obj, self.spokes[from_version])
        if to_version != self.hub:
            obj = self._down(obj, self.spokes[to_version])
        return {**obj, "apiVersion": f"{group}/{to_version}"}

    def field_in(self, field: str, version: str) -> str:
        """What a version calls a field of the hub, for refusals: `spec.list[0].name`."""
        spoke = self.spokes.get(version)
        return field if spoke is None else spoke.fields.in_spoke(field)

    def meant(self, field: str, version: str) -> tuple[str, ...]:
        """What a version has for a field that it does not know and another version does."""
        spoke = self.spokes.get(version)
        if spoke is not None:
            return spoke.fields.meant_in_spoke(field)
        found = (name for other in self.spokes.values() for name in other.fields.meant_in_hub(field))
        return tuple(dict.fromkeys(found))

    def _up(self, obj: Obj, spoke: Spoke) -> Obj:
        obj, text = _without_annotation(obj, DATA_ANNOTATION)
        after = self._raised(obj, spoke)
        full = _read(text)
        if not full:
            return after
        try:
            unedited = self._raised(spoke.down({**full, "metadata": obj.get("metadata", {})}), spoke)
            kept: Obj = restore(_body(full), _body(unedited), _body(after))
        except (ApiError, AttributeError, KeyError, TypeError):
            return after  # Valid JSON that was never an object of the hub: as good as unreadable.
        for path in self.settled:
            kept = _with_former(kept, path, full)
        head: Obj = {name: after[name] for name in ("apiVersion", "kind", "metadata") if name in after}
        return _with_own_facts({**head, **kept}, take_facts(unedited)[1])

    def _raised(self, obj: Obj, spoke: Spoke) -> Obj:
        after = spoke.up(obj)
        return after if self.struct is None else without_empties(after, structural_schema(self.struct))

    def _down(self, obj: Obj, spoke: Spoke) -> Obj:
        after = spoke.down(obj)
        if not (self.remembers if spoke.remembers is None else spoke.remembers):
            return after
        return _with_annotation(after, DATA_ANNOTATION, msgspec.json.encode(_body(obj), order="sorted").decode())


def with_facts(obj: Obj, facts: Mapping[str, Any]) -> Obj:
    """`obj` of the hub with what only the spoke can express; without a trace if there is nothing."""
    known = {name: value for name, value in facts.items() if value}
    if not known:
        return _without_annotation(obj, FACTS_ANNOTATION)[0]
    return _with_annotation(obj, FACTS_ANNOTATION, msgspec.json.encode(known, order="sorted").decode())


def take_facts(obj: Obj) -> tuple[Obj, Obj]:
    """`obj` of the hub without the annotation, and the facts that were in it."""
    obj, text = _without_annotation(obj, FACTS_ANNOTATION)
    return obj, _read(text)


def _with_own_facts(obj: Obj, derived: Obj) -> Obj:
    """`obj` without the facts that the way down and up makes by itself: the spoke's client did not write them."""
    obj, facts = take_facts(obj)
    return with_facts(obj, {name: value for name, value in facts.items() if derived.get(name) != value})


def _with_former(obj: Obj, path: Path, former: Obj) -> Obj:
    """`obj` with what `former` has at a path, or without it."""
    value = find(former, path)
    if value is not ABSENT:
        return replaced(obj, path, value)
    return obj if find(obj, path) is ABSENT else without(obj, path)


def _body(obj: Obj) -> Obj:
    return {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}


def _read(text: str) -> Obj:
    """Annotations are the users' to break: what cannot be read counts as not there."""
    try:
        value = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _with_annotation(obj: Obj, name: str, text: str) -> Obj:
    return replaced(obj, ("metadata", "annotations", name), text)


def _without_annotation(obj: Obj, name: str) -> tuple[Obj, str]:
    text = find(obj, ("metadata", "annotations", name))
    if text is ABSENT:
        return obj, ""
    obj = without(obj, ("metadata", "annotations", name))
    if not obj["metadata"]["annotations"]:
        obj = without(obj, ("metadata", "annotations"))
    return obj, text if isinstance(text, str) else ""
