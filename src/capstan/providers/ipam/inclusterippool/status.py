"""How full a pool is.

`total` counts what the pool may give out, `used` every IPAddress of the pool, `outOfRange` those of them that the
pool would not give out today. How those count against `free` is the stock's to say.
"""

from __future__ import annotations

import msgspec

from capstan.providers.ipam.inclusterippool.snapshot import P, PoolSnapshot
from capstan.providers.ipam.stock import stock_of
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: PoolSnapshot[P], _outcomes: Outcomes) -> P | None:
    """The pool with its counts; None when its addresses cannot be read, which admission does not let in."""
    pool = snapshot.pool
    try:
        stock = stock_of(pool.spec)
    except ValueError:
        return None
    status = msgspec.structs.replace(pool.status, ip_addresses=stock.counts(snapshot.addresses))
    return msgspec.structs.replace(pool, status=status)
