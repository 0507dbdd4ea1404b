"""References of the v1beta1 kinds."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from capstan.api.facts import ATOMIC_MAP, Facts, Required
from capstan.api.struct import Struct


class PoolTypedReference(Struct, frozen=True, kw_only=True):
    """The pool.

    api_group: the API group.
    kind: the kind.
    name: the name.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    api_group: str = ""
    kind: Required[str] = msgspec.field(default_factory=str)
    name: Required[str] = msgspec.field(default_factory=str)
