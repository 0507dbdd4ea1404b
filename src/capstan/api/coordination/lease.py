"""Lease: who holds something, and until when."""

from __future__ import annotations

from datetime import datetime

from capstan.api.facts import Int32
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class LeaseSpec(Struct, frozen=True, kw_only=True):
    """Who holds the lease. Times go on the wire with exactly six decimals.

    holder_identity: who holds it; empty when nobody does.
    lease_duration_seconds: how long after renew_time it lasts.
    acquire_time: when the holder got it.
    renew_time: when the holder last said that it still holds it.
    lease_transitions: how often the holder changed.
    strategy: how holders agree on the next one.
    preferred_holder: who should take over.
    """

    holder_identity: str = ""
    lease_duration_seconds: Int32 | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: Int32 | None = None
    strategy: str = ""
    preferred_holder: str = ""


class Lease(TypedObject, frozen=True, kw_only=True):
    """Who holds something, and until when.

    spec: the holder and the times.
    """

    spec: LeaseSpec = LeaseSpec()
