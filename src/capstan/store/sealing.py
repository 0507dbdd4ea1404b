"""How values are encrypted on their way to a disk: AES-256-GCM per record, bound to its key in the store.

A sealed value is `k8s:enc:aesgcm:v1:<id of the data key>:` and then a nonce of 96 random bits and the ciphertext
with its tag. The associated data is the record's place (prefix, namespace, name), so a value that was moved to
another record does not open. Data keys are kept beside the data, wrapped by a key-encryption key (KEK) that is not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 6
_MARK = b"k8s:enc:"
_SCHEME = b"k8s:enc:aesgcm:v1:"
_WRAPPED = b"capstan data key "

#: What is encrypted unless more is asked for: the store's prefix of Secrets.
SECRETS = ("/secrets",)
#: In place of prefixes: every kind.
EVERYTHING = "*"


class SealError(Exception):
    """A value or a key does not open: it was changed, moved, or sealed with a key that is not here."""


class Sealing(Protocol):
    """What a store needs to keep values encrypted. Both directions are pure but for the nonce."""

    def seal(self, prefix: str, namespace: str, name: str, value: bytes) -> bytes:
        """The bytes to keep for a record; the value itself where its kind is not encrypted."""
        ...

    def open(self, prefix: str, namespace: str, name: str, stored: bytes) -> bytes:
        """The value of kept bytes, encrypted or not. Raises SealError."""
        ...

    def is_current(self, prefix: str, stored: bytes) -> bool:
        """Whether `seal` would keep the record in the same way; if not, it is to be written again."""
        ...


class Unsealed:
    """No encryption: for stores of tests and simulated worlds. Refuses values that somebody else encrypted."""

    def seal(self, prefix: str, namespace: str, name: str, value: bytes) -> bytes:
        return value

    def open(self, prefix: str, namespace: str, name: str, stored: bytes) -> bytes:
        if stored.startswith(_MARK):
            raise SealError("it is encrypted and no key was given")
        return stored

    def is_current(self, prefix: str, stored: bytes) -> bool:
        return True


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """The data keys by id, one of which seals what is written now. Never printed."""

    keys: Mapping[str, bytes]
    current: str

    @staticmethod
    def make(token: Callable[[int], bytes] = os.urandom) -> KeyRing:
        return KeyRing({}, "").with_new_key(token)

    def with_new_key(self, token: Callable[[int], bytes] = os.urandom) -> KeyRing:
        """The same keys and a new one, which is current."""
        new = token(_ID_BYTES).hex()
        return KeyRing({**self.keys, new: token(KEY_BYTES)}, new)

    def only_current(self) -> KeyRing:
        return replace(self, keys={self.current: self.keys[self.current]})

    def wrapped(self, kek: bytes, token: Callable[[int], bytes] = os.urandom) -> bytes:
        """The ring as a JSON document that only the KEK opens; it is kept with the data."""
        cipher = AESGCM(kek)
        keys = {}
        for name, key in self.keys.items():
            nonce = token(_NONCE_BYTES)
            keys[name] = base64.b64encode(nonce + cipher.encrypt(nonce, key, _WRAPPED + name.encode())).decode()
        return orjson.dumps({"kek": kek_id(kek), "current": self.current, "keys": keys})

    @staticmethod
    def unwrapped(document: bytes, kek: bytes) -> KeyRing:
        """Raises SealError that names the KEK that would be needed."""
        try:
            ring = orjson.loads(document)
            needed, current, wrapped = str(ring["kek"]), str(ring["current"]), dict(ring["keys"])
            raw = {name: base64.b64decode(key, validate=True) for name, key in wrapped.items()}
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, binascii.Error):
            raise SealError("the list of data keys is damaged") from None
        if needed != kek_id(kek):
            raise SealError(f"the data keys are wrapped by key {needed}, the key given is {kek_id(kek)}")
        cipher = AESGCM(kek)
        try:
            keys = {
                name: cipher.decrypt(key[:_NONCE_BYTES], key[_NONCE_BYTES:], _WRAPPED + name.encode())
                for name, key in raw.items()
            }
        except (InvalidTag, ValueError):
            raise SealError("a data key does not open: it was changed") from None
        if current not in keys:
            raise SealError("the current data key is missing")
        return KeyRing(keys, current)


def kek_id(kek: bytes) -> str:
    """A name for a KEK that tells nothing of it."""
    return hashlib.sha256(b"capstan kek id\0" + kek).hexdigest()[:12]


def kek_id_of(document: bytes) -> str:
    """Which KEK opens a wrapped ring. Raises SealError."""
    try:
        return str(orjson.loads(document)["kek"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise SealError("the list of data keys is damaged") from None


class Sealer:
    """`Sealing` with a key ring. `use` changes the ring while others seal and open, from any thread."""

    def __init__(
        self, ring: KeyRing, prefixes: Collection[str] = SECRETS, token: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._everything = EVERYTHING in prefixes
        self._prefixes = frozenset(prefixes)
        self._token = token
        self.use(ring)

    @property
    def ring(self) -> KeyRing:
        return self._ring

    def use(self, ring: KeyRing) -> None:
        self._ring = ring
        self._ciphers = {name.encode(): AESGCM(key) for name, key in ring.keys.items()}
        head = _SCHEME + ring.current.encode() + b":"
        # One value, so that a thread that seals meanwhile sees the old pair or the new one.
        self._writing = (head, self._ciphers[ring.current.encode()])

    def covers(self, prefix: str) -> bool:
        return self._everything or prefix in self._prefixes

    def seal(self, prefix: str, namespace: str, name: str, value: bytes) -> bytes:
        if not self.covers(prefix):
            return value
        head, cipher = self._writing
        nonce = self._token(_NONCE_BYTES)
        return head + nonce + cipher.encrypt(nonce, value, _place(prefix, namespace, name))

    def open(self, prefix: str, namespace: str, name: str, stored: bytes) -> bytes:
        if not stored.startswith(_MARK):
            return stored
        key, _, sealed = stored[len(_SCHEME) :].partition(b":")
        if not stored.startswith(_SCHEME) or not sealed:
            raise SealError("it is not in a form that this version reads")
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise SealError(f"data key {key[:16].decode('ascii', 'replace')} is not among the keys")
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(prefix, namespace, name))
        except (InvalidTag, ValueError):
            raise SealError("it was changed or belongs to another object") from None

    def is_current(self, prefix: str, stored: bytes) -> bool:
        if not self.covers(prefix):
            return not stored.startswith(_MARK)
        return stored.startswith(self._writing[0])

    def __repr__(self) -> str:
        return f"Sealer(current={self._ring.current})"


def _place(prefix: str, namespace: str, name: str) -> bytes:
    return "\0".join((prefix, namespace, name)).encode()


#: Gives the KEK with an id, or the one to begin with when there is no id yet. Raises SealError.
FindKek = Callable[[str | None], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Encryption:
    """What a store is opened with to keep `prefixes` encrypted: the KEK, which lies elsewhere, or how to find it
    once it is known which one is needed. Never printed."""

    kek: bytes | FindKek
    prefixes: Collection[str] = SECRETS
    token: Callable[[int], bytes] = os.urandom

    def found(self, document: bytes | None) -> Encryption:
        """The same with the KEK at hand that opens the kept ring. Raises SealError."""
        if isinstance(self.kek, bytes):
            return self
        return replace(self, kek=self.kek(None if document is None else kek_id_of(document)))

    @property
    def key(self) -> bytes:
        """The KEK, after `found`."""
        assert isinstance(self.kek, bytes), "the KEK was not looked for yet"
        return self.kek

    def sealer(self, document: bytes | None) -> Sealer:
        """A sealer with the ring that was kept, or a new one. Raises SealError when the KEK does not open it."""
        ring = KeyRing.make(self.token) if document is None else KeyRing.unwrapped(document, self.key)
        return Sealer(ring, self.prefixes, self.token)

    def wrapped(self, ring: KeyRing) -> bytes:
        return ring.wrapped(self.key, self.token)


def seal_document(kek: bytes, purpose: str, content: bytes, token: Callable[[int], bytes] = os.urandom) -> bytes:
    """Something else than a record, sealed by the KEK itself for one purpose."""
    nonce = token(_NONCE_BYTES)
    return _SCHEME + kek_id(kek).encode() + b":" + nonce + AESGCM(kek).encrypt(nonce, content, purpose.encode())


def open_document(kek: bytes, purpose: str, sealed: bytes) -> bytes:
    """Raises SealError."""
    head = _SCHEME + kek_id(kek).encode() + b":"
    body = sealed[len(head) :]
    try:
        if not sealed.startswith(head):
            raise SealError("it was sealed with another key")
        return AESGCM(kek).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError):
        raise SealError("it was changed") from None
