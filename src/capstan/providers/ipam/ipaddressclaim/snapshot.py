"""What the decision about one claim needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.meta import controller_of
from capstan.providers.ipam.pools import IPPool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSnapshot:
    """`address` is the IPAddress of the claim's name. `taken` are all addresses of the pool, read only while the
    claim has none; `twins` are other IPAddresses of the pool with the claim's address."""

    now: datetime
    claim: IPAddressClaim
    cluster_name: str = ""
    cluster: Cluster | None = None
    pool: IPPool | None = None
    address: IPAddress | None = None
    taken: tuple[IPAddress, ...] = ()
    twins: tuple[IPAddress, ...] = ()

    @property
    def paused_by(self) -> str:
        """Who pauses this claim, in words; empty when nobody does. Nothing is given out or taken back meanwhile."""
        if self.cluster is not None and self.cluster.spec.paused:
            return f"Cluster {self.cluster_name} is paused"
        if PAUSED_ANNOTATION in self.claim.metadata.annotations:
            return f"the claim has the {PAUSED_ANNOTATION} annotation"
        if self.pool is not None and PAUSED_ANNOTATION in self.pool.metadata.annotations:
            return f"{self.pool_text} has the {PAUSED_ANNOTATION} annotation"
        return ""

    @property
    def pool_text(self) -> str:
        """The pool as messages name it."""
        ref = self.claim.spec.pool_ref
        return f"{ref.kind} {ref.name}"

    @property
    def owns_address(self) -> bool:
        """Whether the IPAddress of the claim's name is controlled by this very claim."""
        if self.address is None:
            return False
        owner = controller_of(self.address.metadata)
        return owner is not None and owner.uid == self.claim.metadata.uid
