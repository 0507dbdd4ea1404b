"""How full a pool is.

`total` counts what the pool may give out, `used` every IPAddress of the pool, `outOfRange` those of them that the
pool would not give out today. `free` is total less used, so addresses out of range count against it.
"""

from __future__ import annotations

import msgspec

from capstan.api.ipam.addresses import MAX_COUNT, AddressSet, parse_address
from capstan.api.ipam.pool import IPPoolCounts
from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.providers.ipam.pools import members
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: PoolSnapshot[P], _outcomes: Outcomes) -> P | None:
    """The pool with its counts; None when its addresses cannot be read, which admission does not let in."""
    pool = snapshot.pool
    try:
        available = members(pool.spec)
    except ValueError:
        return None
    used = len(snapshot.addresses)
    counts = IPPoolCounts(
        total=min(available.size, MAX_COUNT),
        used=used,
        free=min(available.size - used, MAX_COUNT),
        out_of_range=sum(_is_outside(available, address.spec.address) for address in snapshot.addresses),
    )
    status = msgspec.structs.replace(pool.status, ip_addresses=counts)
    return msgspec.structs.replace(pool, status=status)


def _is_outside(available: AddressSet, address: str) -> bool:
    """Texts that are no address are not counted."""
    parsed = parse_address(address)
    return parsed is not None and not available.contains(*parsed)
