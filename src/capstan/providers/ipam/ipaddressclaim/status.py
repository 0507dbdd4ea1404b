"""How a claim stands: the address that it was given, or what it waits for."""

from __future__ import annotations

import msgspec

from capstan.api.core.reference import NameReference
from capstan.api.errors import is_already_exists, is_conflict
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.rules.conditions import FALSE, TRUE, set_condition
from capstan.providers.ipam.ipaddressclaim.plan import ALLOCATION_FAILED, READY, is_bound, plan
from capstan.providers.ipam.ipaddressclaim.snapshot import ClaimSnapshot
from capstan.runtime.plan import Create, Outcomes


def compute_status(snapshot: ClaimSnapshot, outcomes: Outcomes) -> IPAddressClaim | None:
    """The claim with its status; None while its IPAddress is on the way, and when the claim is on its way out."""
    # A plan that creates waits for nothing; asking it again would search the pool again.
    waiting = () if outcomes.of(Create) else plan(snapshot).waiting_on
    error = outcomes.error
    if waiting:
        return _with_ready(snapshot, FALSE, waiting[0].reason, waiting[0].message)
    if error is not None:
        if is_conflict(error) or is_already_exists(error):
            return None
        return _with_ready(snapshot, FALSE, ALLOCATION_FAILED, str(error))
    if snapshot.claim.metadata.deletion_timestamp is not None or not is_bound(snapshot):
        return None
    return _with_ready(snapshot, TRUE, READY, "")


def _with_ready(snapshot: ClaimSnapshot, status: str, reason: str, message: str) -> IPAddressClaim:
    claim = snapshot.claim
    conditions = set_condition(
        claim.status.conditions,
        type=READY,
        status=status,
        reason=reason,
        message=message,
        generation=claim.metadata.generation,
        now=snapshot.now,
    )
    after = msgspec.structs.replace(claim.status, conditions=conditions)
    if status == TRUE:
        after = msgspec.structs.replace(after, address_ref=NameReference(name=claim.metadata.name))
    return msgspec.structs.replace(claim, status=after)
