"""Randomness and private keys as they are passed in. RSA keys are made in a thread, from a reserve made ahead."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes


class KeySource(Protocol):
    """The one source of random bytes and keys. The simulated world's is seeded."""

    def token(self, size_bytes: int) -> bytes:
        """Unpredictable bytes."""
        ...

    def ed25519(self) -> CertificateIssuerPrivateKeyTypes: ...

    def ecdsa_p256(self) -> CertificateIssuerPrivateKeyTypes: ...

    async def rsa(self, bits: int) -> CertificateIssuerPrivateKeyTypes:
        """An RSA key; 4096 bits cost about 0.4 s of a core, in a thread, unless one is in reserve."""
        ...


def _generate_rsa(bits: int) -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


class SystemKeys:
    """Keys from the operating system's randomness.

    The first request for an RSA size starts a reserve of that size: from then on `reserve` keys are made ahead,
    one at a time, while nobody waits. OpenSSL releases the interpreter, so the event loop goes on.
    """

    def __init__(self, reserve: int = 2) -> None:
        self._reserve_size = reserve
        self._ready: dict[int, deque[RSAPrivateKey]] = {}
        self._making: set[int] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rsa")

    def token(self, size_bytes: int) -> bytes:
        return os.urandom(size_bytes)

    def ed25519(self) -> CertificateIssuerPrivateKeyTypes:
        return ed25519.Ed25519PrivateKey.generate()

    def ecdsa_p256(self) -> CertificateIssuerPrivateKeyTypes:
        return ec.generate_private_key(ec.SECP256R1())

    async def rsa(self, bits: int) -> CertificateIssuerPrivateKeyTypes:
        ready = self._ready.setdefault(bits, deque())
        if ready:
            key = ready.popleft()
        else:
            key = await asyncio.get_running_loop().run_in_executor(self._pool, _generate_rsa, bits)
        self._refill(bits)
        return key

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _refill(self, bits: int) -> None:
        if bits in self._making or len(self._ready[bits]) >= self._reserve_size:
            return
        self._making.add(bits)
        loop = asyncio.get_running_loop()
        made = self._pool.submit(_generate_rsa, bits)

        def store(future: Future[RSAPrivateKey]) -> None:
            if not future.cancelled() and not loop.is_closed():
                loop.call_soon_threadsafe(self._store, bits, future.result())

        made.add_done_callback(store)

    def _store(self, bits: int, key: RSAPrivateKey) -> None:
        self._making.discard(bits)
        self._ready[bits].append(key)
        self._refill(bits)
