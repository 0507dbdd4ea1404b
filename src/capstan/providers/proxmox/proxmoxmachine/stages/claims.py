"""The address claims of a machine, as the stages need them."""

from __future__ import annotations

from capstan.api.rules.owners import add_labels, with_metadata, with_owner
from capstan.api.struct import encode
from capstan.providers.proxmox.proxmoxmachine.network import NoPool, PoolClaim, claim_name, new_claim, pool_claims
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.resources import CLAIMS
from capstan.runtime.plan import Create, Update


def missing_claims(s: Snapshot) -> tuple[Create, ...]:
    """The claims that the machine needs and that are not there yet."""
    if s.infra is None:
        return ()
    claims = pool_claims(s.machine, s.infra)
    if isinstance(claims, NoPool):
        return ()
    return tuple(_create_claim(s, claim) for claim in claims if claim_name(s.machine, claim) not in s.addresses)


def adopted_claims(s: Snapshot) -> tuple[Update, ...]:
    """Claims of the machine that lost their owner or their label get them back: a backup keeps no owners."""
    if s.infra is None or s.machine.metadata.deletion_timestamp is not None:
        return ()
    updates: list[Update] = []
    claims = pool_claims(s.machine, s.infra)
    for claim in () if isinstance(claims, NoPool) else claims:
        found = s.addresses.get(claim_name(s.machine, claim))
        if found is None or found.claim.metadata.deletion_timestamp is not None:
            continue
        wanted, before = new_claim(s.machine, cluster_name(s), claim).metadata, found.claim
        owners = with_owner(before.metadata.owner_references, wanted.owner_references[0])
        after = add_labels(with_metadata(before, owner_references=owners), wanted.labels)
        if after != before:
            why = f"{claim.device} of ProxmoxMachine {s.machine.metadata.name} has its address from it"
            updates.append(Update(reason=why, resource=CLAIMS, before=before, after=after))
    return tuple(updates)


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
