"""Randomness and private keys as they are passed in. Keys are made in a thread, RSA from a reserve made ahead."""

from __future__ import annotations

from typing import Protocol

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
