"""Seeded keys: equal seeds give equal keys, different ones do not."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from capstan.sim.keys import SeededKeys


def _drawn(seed: int) -> list[bytes]:
    keys = SeededKeys(seed)
    made = (keys.ed25519(), keys.ecdsa_p256())
    pems = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in made]
    return [keys.token(16), *pems, bytes([keys.number(7)])]


def test_equal_seeds_give_equal_keys() -> None:
    assert _drawn(1) == _drawn(1)


def test_other_seeds_give_other_keys() -> None:
    assert not set(_drawn(1)[:3]) & set(_drawn(2)[:3])


@pytest.mark.parametrize("bits", [2048, 4096])
def test_rsa_keys_come_from_fixtures(bits: int) -> None:
    key = asyncio.run(SeededKeys().rsa(bits))
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == bits


def test_other_rsa_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="not of 1024"):
        asyncio.run(SeededKeys().rsa(1024))
