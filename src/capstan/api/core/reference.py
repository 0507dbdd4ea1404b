"""References to objects, as the kinds of several groups write them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import ATOMIC_MAP, Facts, Required, Subdomain, default
from capstan.api.struct import Struct


class NameReference(Struct, frozen=True, kw_only=True):
    """An object of a known kind in a known namespace.

    name: its name.
    """

    name: Required[Subdomain] = ""


class SecretReference(Struct, frozen=True, kw_only=True):
    """A Secret.

    name: its name.
    namespace: its namespace; the referring object's own where empty.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    name: str = ""
    namespace: str = ""


class LocalReference(Struct, frozen=True, kw_only=True):
    """An object of a known kind in the same namespace.

    name: its name.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    name: Annotated[str, default("")] = ""


class ObjectReference(Struct, frozen=True, kw_only=True):
    """Any object, as Kubernetes' core group refers to it.

    api_version: its API group and version.
    kind: its kind.
    namespace: its namespace.
    name: its name.
    uid: its identity.
    resource_version: the revision that is meant.
    field_path: the part of it that is meant.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    api_version: str = ""
    field_path: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    uid: str = ""
