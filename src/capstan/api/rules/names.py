"""Names that are derived, never drawn: from the owner's UID and a counter, so that asking twice asks for the same.

The five characters at the end of a child's name look as upstream's random ones do (same alphabet), but are a
permutation of the counter that the owner's UID chooses: no two counters of one owner ever share a name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

#: Kubernetes' alphabet for generated suffixes: no vowels, nothing that looks like something else.
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5
MAX_NAME_LENGTH = 63

#: How many children an owner has named so far. The next name takes this counter, and it only grows.
NAMED_ANNOTATION = "capstan.dev/children-named"

_SUFFIXES = len(SUFFIX_ALPHABET) ** SUFFIX_LENGTH
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_PLACEHOLDER = re.compile(r"\{\{-?\s*(?:\.([A-Za-z.]+))\s*-?\}\}")


def fnv32a(value: bytes) -> int:
    """FNV-1a, 32 bits."""
    digest = 0x811C9DC5
    for byte in value:
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    return digest


def must_format_value(name: str) -> str:
    """`name` where it is a valid label value, else a hash of it that is one (cluster-api-core.md 0.9)."""
    if _LABEL_VALUE.fullmatch(name):
        return name
    digest = base64.urlsafe_b64encode(fnv32a(name.encode()).to_bytes(4, "big")).decode().rstrip("=")
    return f"hash_{digest}_z"


def suffix(owner_uid: str, counter: int) -> str:
    """Five characters for the owner's child number `counter`; distinct for distinct counters."""
    seed = int.from_bytes(hashlib.sha256(owner_uid.encode()).digest()[:16], "big")
    # A factor that shares no divisor with the number of suffixes (a power of 3) makes this a permutation.
    factor = (seed % (_SUFFIXES // 3)) * 3 + 1
    number = (factor * counter + (seed >> 64)) % _SUFFIXES
    characters = []
    for _ in range(SUFFIX_LENGTH):
        number, digit = divmod(number, len(SUFFIX_ALPHABET))
        characters.append(SUFFIX_ALPHABET[digit])
    return "".join(characters)


def with_suffix(prefix: str, tail: str) -> str:
    """`prefix-tail`, the prefix cut so that it all fits into a label."""
    head = f"{prefix}-"[: MAX_NAME_LENGTH - len(tail)]
    return f"{head}{tail}"


def derived_name(prefix: str, owner_uid: str, counter: int) -> str:
    """The name of the owner's child number `counter`."""
    return with_suffix(prefix, suffix(owner_uid, counter))


class NameTemplateError(ValueError):
    """A naming template that cannot be followed; the text says why."""


def render_name(template: str, values: Mapping[str, str]) -> str:
    """A name from a template such as `{{ .machineSet.name }}-{{ .random }}`.

    Known fields are the keys of `values`; anything else a Go template can do is refused. A name that is too long
    is cut and ends in `values["random"]`.
    """

    def fill(match: re.Match[str]) -> str:
        field = match.group(1)
        if field not in values:
            raise NameTemplateError(f"the naming template has no field .{field}; it has {_fields(values)}")
        return values[field]

    name = _PLACEHOLDER.sub(fill, template)
    if "{{" in name or "}}" in name:
        raise NameTemplateError(f"the naming template {template!r} can use only {_fields(values)}")
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - SUFFIX_LENGTH] + values["random"]
    return name


def _fields(values: Mapping[str, str]) -> str:
    return ", ".join(f".{name}" for name in values)


def named_so_far(annotations: Mapping[str, str]) -> int:
    """The counter that an owner keeps in its annotations; 0 when there is none."""
    text = annotations.get(NAMED_ANNOTATION, "")
    return int(text) if text.isdigit() else 0


def free_counters(annotations: Mapping[str, str], owner_uid: str, taken: Iterable[str]) -> Iterator[int]:
    """Counters for new children: from the kept one upwards, without those whose suffix a name in `taken` has."""
    used = {name[-SUFFIX_LENGTH:] for name in taken}
    return (n for n in count(named_so_far(annotations)) if suffix(owner_uid, n) not in used)


def counted(annotations: Mapping[str, str], owner_uid: str, names: Iterable[str]) -> Mapping[str, str]:
    """The annotations with a counter that no child in `names` is ahead of: a process may end between making a child
    and counting it, and its name would come again once it is gone."""
    number = next(free_counters(annotations, owner_uid, names))
    return annotations if number == named_so_far(annotations) else {**annotations, NAMED_ANNOTATION: str(number)}


def template_hash(template: Mapping[str, Any]) -> int:
    """A number for a machine template: equal for equal templates. Never compared, only shown in a label."""
    return fnv32a(json.dumps(template, sort_keys=True, separators=(",", ":"), default=str).encode())
