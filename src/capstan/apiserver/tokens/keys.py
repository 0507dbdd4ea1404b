"""The keys of ServiceAccount tokens: one signs, all verify. Tokens are JWS in compact form (RFC 7515)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from capstan.api.objects import Obj

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

#: Longer texts are no tokens of ours.
MAX_TOKEN_BYTES = 8 * 1024
_MIN_RSA_BITS = 2048


class TokenError(Exception):
    """A token that is not to be trusted. The text says why, without the token."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, what it is called in tokens (`kid`), and the one algorithm that it is used with."""

    public: PublicKey
    kid: str
    algorithm: str

    def jwk(self) -> Obj:
        """The key as RFC 7517 has it."""
        common = {"use": "sig", "kid": self.kid, "alg": self.algorithm}
        numbers = self.public.public_numbers()
        if isinstance(numbers, ec.EllipticCurvePublicNumbers):
            return {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32), **common}
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), **common}


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What signs, and what is accepted. The private key shows in no repr."""

    verifying: Sequence[VerifyingKey]
    _private: PrivateKey = field(repr=False)

    def sign(self, claims: Obj) -> str:
        """A token that says this."""
        from jwt.api_jws import PyJWS

        key = self.verifying[0]
        return PyJWS().encode(orjson.dumps(claims), self._private, key.algorithm, {"kid": key.kid, "typ": None})

    def open(self, token: str) -> Obj:
        """The claims of a token that one of these keys signed, with the algorithm of that key. Raises TokenError."""
        from jwt.api_jws import PyJWS
        from jwt.exceptions import PyJWTError

        if len(token) > MAX_TOKEN_BYTES or not token.isascii():
            raise TokenError("it is too long or not a token at all")
        verifier = PyJWS()
        try:
            kid = verifier.get_unverified_header(token).get("kid")
            key = next((key for key in self.verifying if key.kid == kid), None)
            if key is None:
                raise TokenError("its key is not known")
            claims: Any = orjson.loads(verifier.decode(token, key.public, [key.algorithm]))
        except (PyJWTError, ValueError) as error:
            raise TokenError(f"it cannot be verified: {type(error).__name__}") from None
        if not isinstance(claims, dict):
            raise TokenError("its claims are no object")
        return claims

    def jwks(self) -> Obj:
        """The public keys, for others who verify these tokens."""
        return {"keys": [key.jwk() for key in self.verifying]}


def key_ring(pem: bytes) -> KeyRing:
    """The ring of a private key (PEM): ECDSA P-256, or RSA of at least 2048 bits. Raises ValueError."""
    private = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the key of ServiceAccount tokens must be ECDSA P-256 or RSA")
    return KeyRing((verifying_key(private.public_key()),), private)


def made_key_ring(token: Callable[[int], bytes]) -> KeyRing:
    """A ring that lasts as long as the process, from its source of randomness (FIPS 186-5, A.2.1)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    secret = int.from_bytes(token(32) + token(8), "big") % (order - 1) + 1
    private = ec.derive_private_key(secret, ec.SECP256R1())
    return KeyRing((verifying_key(private.public_key()),), private)


def verifying_key(public: PublicKey) -> VerifyingKey:
    """A public key by the name that kube-apiserver gives it: the SHA-256 of its SubjectPublicKeyInfo."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    kid = _text(hashlib.sha256(der).digest())
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < _MIN_RSA_BITS:
            raise ValueError(f"an RSA key of {public.key_size} bits is too short for tokens")
        return VerifyingKey(public, kid, "RS256")
    if not isinstance(public.curve, ec.SECP256R1):
        raise ValueError("of elliptic curves only P-256 is used for tokens")
    return VerifyingKey(public, kid, "ES256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int, size: int = 0) -> str:
    return _text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
