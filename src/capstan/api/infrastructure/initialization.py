"""The initialization status of the v1beta2 contract."""

from __future__ import annotations

from typing import ClassVar

from capstan.api.facts import Facts, entries
from capstan.api.struct import Struct


class InfrastructureInitialization(Struct, frozen=True, kw_only=True):
    """Steps that happen once in the object's life.

    provisioned: true once everything has been made.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    provisioned: bool | None = None
