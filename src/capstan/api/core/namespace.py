"""Namespace: a room for names."""

from __future__ import annotations

from capstan.api.core.conditions import CoreCondition
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class NamespaceSpec(Struct, frozen=True, kw_only=True):
    """What keeps the namespace.

    finalizers: who must agree before the namespace goes; a namespace starts with "kubernetes".
    """

    finalizers: tuple[str, ...] = ()


class NamespaceStatus(Struct, frozen=True, kw_only=True):
    """How far the namespace has got.

    phase: Active or Terminating.
    conditions: what a deletion still waits for.
    """

    phase: str = ""
    conditions: tuple[CoreCondition, ...] = ()


class Namespace(TypedObject, frozen=True, kw_only=True):
    """A room for names: objects with the same name can live in different namespaces.

    spec: what keeps the namespace.
    status: how far the namespace has got.
    """

    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()
