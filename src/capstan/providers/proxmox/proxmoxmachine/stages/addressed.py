"""Stage `addressed`: every claim has its address."""

from __future__ import annotations

from capstan.api.rules.conditions import find_condition
from capstan.providers.proxmox.proxmoxmachine.network import NoPool, claim_name, find_conflict, pool_claims, why_pending
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.claims import missing_claims
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    PROVISIONED,
    REFUSED_SECONDS,
    SETTLED_SECONDS,
    Step,
    is_settled,
    waiting,
)
from capstan.runtime.plan import Emit


def addressed(s: Snapshot) -> Step | None:
    """Every claim has its address."""
    if is_settled(s):
        return None
    assert s.infra is not None
    claims = pool_claims(s.machine, s.infra)
    if isinstance(claims, NoPool):
        return Step(waiting=waiting("WaitingForStaticIPAllocation", claims.message), requeue_after=REFUSED_SECONDS)
    missing = tuple(missing_claims(s))
    problems: list[str] = []
    for claim in claims:
        name = claim_name(s.machine, claim)
        found = s.addresses.get(name)
        conflict = find_conflict(s.machine, claim, found) if found is not None else ""
        if conflict or found is None or found.address is None:
            problems.append(conflict or why_pending(found, name, claim.pool_name))
    if not missing and not problems:
        return None
    message = "; ".join(problems)
    exhausted = any(
        c.status == "False" for a in s.addresses.values() for c in a.claim.status.conditions if c.type == "Ready"
    )
    known = find_condition(s.machine.status.conditions, PROVISIONED)
    news = exhausted and (known is None or known.message != message)
    told = (Emit(reason=message, name="WaitingForStaticIPAllocation", type="Warning"),) if news else ()
    return Step((*missing, *told), waiting("WaitingForStaticIPAllocation", message), SETTLED_SECONDS)
