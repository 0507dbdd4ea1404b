"""Which ConfigMaps and Secrets hold the manifests, and when they are applied."""

from __future__ import annotations

from typing import Annotated

from capstan.api.addons.names import APPLY_ONCE, RECONCILE
from capstan.api.facts import Required, length, one_of
from capstan.api.struct import Struct

Strategy = Annotated[str, one_of(APPLY_ONCE, RECONCILE)]
ResourceKind = Annotated[str, one_of("Secret", "ConfigMap")]
ResourceName = Annotated[str, length(1, 253)]


class ResourceRef(Struct, frozen=True, kw_only=True):
    """A ConfigMap or Secret whose values are manifests.

    kind: ConfigMap or Secret.
    name: its name, in the namespace of the set.
    """

    kind: Required[ResourceKind] = ""
    name: Required[ResourceName] = ""
