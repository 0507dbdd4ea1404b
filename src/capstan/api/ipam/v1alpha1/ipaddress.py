"""IPAddress, an address that a claim has got, as v1alpha1 has it."""

from __future__ import annotations

from capstan.api.ipam.v1beta1.ipaddress import IPAddressSpec
from capstan.api.meta import TypedObject


class IPAddress(TypedObject, frozen=True, kw_only=True):
    """An address that a claim has got from a pool.

    spec: what is wanted.
    """

    spec: IPAddressSpec = IPAddressSpec()
