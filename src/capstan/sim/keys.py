"""Keys and random bytes of the simulated world: everything follows from the seed, and nothing of it is secret."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

#: Order of the curve P-256 (SEC 2): private keys are 1 to this less one.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FIXTURES_PER_SIZE = 2


class SeededKeys:
    """Implements `capstan.runtime.keys.KeySource`. Equal seeds and equal order of calls give equal keys.

    RSA keys come from a few committed fixtures, in turn: two callers may get the same one.
    """

    def __init__(self, seed: int | str = 0) -> None:
        self._seed = str(seed).encode()
        self._drawn = 0
        self._rsa = 0

    def token(self, size_bytes: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(b"%s/%d" % (self._seed, self._drawn)).digest(size_bytes)

    def ed25519(self) -> CertificateIssuerPrivateKeyTypes:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.token(32))

    def ecdsa_p256(self) -> CertificateIssuerPrivateKeyTypes:
        return ec.derive_private_key(1 + int.from_bytes(self.token(40), "big") % (_P256_ORDER - 1), ec.SECP256R1())

    async def rsa(self, bits: int) -> CertificateIssuerPrivateKeyTypes:
        self._rsa += 1
        return _fixture(bits, 1 + self._rsa % _FIXTURES_PER_SIZE)

    def number(self, bits: int) -> int:
        """A number below two to the `bits`."""
        return int.from_bytes(self.token((bits + 7) // 8), "big") >> (-bits % 8)


@cache
def _fixture(bits: int, number: int) -> CertificateIssuerPrivateKeyTypes:
    file = resources.files("capstan.sim") / "fixtures" / f"rsa-{bits}-{number}.pem"
    if not file.is_file():
        raise ValueError(f"the simulated world has RSA keys of 2048 and 4096 bits, not of {bits}")
    key = load_pem_private_key(file.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
