"""The address claims of a machine, as the stages need them."""

from __future__ import annotations

from capstan.api.struct import encode
from capstan.providers.proxmox.proxmoxmachine.network import NoPool, PoolClaim, claim_name, new_claim, pool_claims
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.resources import CLAIMS
from capstan.runtime.plan import Create


def missing_claims(s: Snapshot) -> tuple[Create, ...]:
    """The claims that the machine needs and that are not there yet."""
    if s.infra is None:
        return ()
    claims = pool_claims(s.machine, s.infra)
    if isinstance(claims, NoPool):
        return ()
    return tuple(_create_claim(s, claim) for claim in claims if claim_name(s.machine, claim) not in s.addresses)


def _create_claim(s: Snapshot, claim: PoolClaim) -> Create:
    view = new_claim(s.machine, cluster_name(s), claim)
    why = f"{claim.device} draws an address from pool {claim.pool_name}"
    return Create(reason=why, resource=CLAIMS, object=encode(view))


def cluster_name(s: Snapshot) -> str:
    return s.cluster.metadata.name if s.cluster is not None else ""


def known_claims(s: Snapshot) -> tuple[PoolClaim, ...]:
    """The addresses that the machine draws from pools; none while it is not known from which."""
    claims = pool_claims(s.machine, s.infra) if s.infra is not None else ()
    return () if isinstance(claims, NoPool) else claims
