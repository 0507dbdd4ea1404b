"""Where the key-encryption key of a data directory lies: a file of its own, or a credential of systemd."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from capstan.cli.place import Place, write_private
from capstan.store.sealing import KEY_BYTES, SealError, kek_id

#: The name of the credential: `LoadCredentialEncrypted=capstan-key:/etc/capstan/key.cred`.
CREDENTIAL = "capstan-key"
_HEAD = "capstan-key-v1:"


def encode_key(key: bytes) -> bytes:
    return f"{_HEAD}{base64.b64encode(key).decode()}\n".encode()


def decode_key(content: bytes, path: Path) -> bytes:
    """A key file: our line, plain base64, or 32 bytes as they are. Raises SealError; the content is not shown."""
    if len(content) == KEY_BYTES:
        return content
    try:
        key = base64.b64decode(content.decode("ascii").strip().removeprefix(_HEAD), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise SealError(f"{path} does not hold a key of {KEY_BYTES} bytes (in base64)")
    return key


def read_key(path: Path) -> bytes:
    """Raises SealError."""
    try:
        return decode_key(path.read_bytes(), path)
    except OSError as error:
        raise SealError(f"{path} cannot be read: {error.strerror}") from None


class KeyFile:
    """The KEK of one data directory; `find` is what a store asks when it is opened."""

    def __init__(self, place: Place, token: Callable[[int], bytes], environment: Mapping[str, str]) -> None:
        self._place = place
        self._token = token
        directory = environment.get("CREDENTIALS_DIRECTORY", "")
        self._credential = Path(directory) / CREDENTIAL if directory else None

    @property
    def is_ours(self) -> bool:
        """Whether the key lies in the data directory, so that Capstan may change it."""
        return self._credential is None or not self._credential.exists()

    def at_hand(self) -> list[bytes]:
        """All keys that are there. Raises SealError."""
        return [key for _, key in self._candidates()]

    def find(self, needed: str | None) -> bytes:
        """The key with this id; without one, the key to begin with, made if there is none. Raises SealError."""
        candidates = list(self._candidates())
        if needed is None:
            return candidates[0][1] if candidates else self._make()
        for path, key in candidates:
            if kek_id(key) == needed:
                if path == self._next:
                    # A change of the key was interrupted after the store had taken the new one.
                    os.replace(path, self._place.encryption_key)
                return key
        places = " nor in ".join(str(path) for path in self._paths())
        raise SealError(f"the key with id {needed} is not in {places}; put the key file back")

    def begin_change(self) -> bytes:
        """A new key, kept beside the present one until the store has taken it."""
        key = self._token(KEY_BYTES)
        write_private(self._next, encode_key(key))
        return key

    def end_change(self) -> None:
        os.replace(self._next, self._place.encryption_key)

    @property
    def _next(self) -> Path:
        return self._place.encryption_key.with_suffix(".key.next")

    def _paths(self) -> Iterator[Path]:
        if self._credential is not None:
            yield self._credential
        yield self._place.encryption_key

    def _candidates(self) -> Iterator[tuple[Path, bytes]]:
        for path in (*self._paths(), self._next):
            if path.exists():
                yield path, read_key(path)

    def _make(self) -> bytes:
        key = self._token(KEY_BYTES)
        write_private(self._place.encryption_key, encode_key(key))
        return key
