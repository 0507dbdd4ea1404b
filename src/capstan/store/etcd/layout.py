"""How objects lie in etcd: keys, values, and the numbers that revisions get.

* `<root>/objects/<prefix>/<namespace>/<name>` holds an object: a byte for the form, one for the place of the write in
  its transaction, and the (perhaps encrypted) value.
* `<root>/last` is put by each transaction that deletes: what was deleted, at which place of the transaction, and its
  last state where that is another than the stored one. Watchers of all replicas get it with the delete itself; it is
  one key, so it never grows.
* `<root>/keys` is the ring of data keys, wrapped; `<root>/compaction` is how replicas agree on who compacts.

etcd gives all writes of a transaction one revision, the store promises one for each: a revision of ours is etcd's
times 100 and the place in the transaction. Without its last two digits it is what etcdctl calls `mod_revision`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from capstan.store.protocol import MAX_BATCH, StoreError

_FORM = 1
_LENGTH = 4


def revision_of(etcd: int, place: int = 0) -> int:
    return etcd * MAX_BATCH + place


def etcd_revision(revision: int) -> int:
    return revision // MAX_BATCH


def end_of(prefix: bytes) -> bytes:
    """The end of the range of all keys with a prefix."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys under one root."""

    root: str

    @property
    def everything(self) -> bytes:
        return f"{self.root}/".encode()

    @property
    def objects(self) -> bytes:
        return f"{self.root}/objects/".encode()

    @property
    def last(self) -> bytes:
        return f"{self.root}/last".encode()

    @property
    def keys(self) -> bytes:
        return f"{self.root}/keys".encode()

    @property
    def compaction(self) -> bytes:
        return f"{self.root}/compaction".encode()

    def object(self, prefix: str, namespace: str, name: str) -> bytes:
        return self.objects + f"{prefix}/{namespace}/{name}".encode()

    def parse(self, key: bytes) -> tuple[str, str, str]:
        """Prefix, namespace and name. Neither of the latter two has a slash in it."""
        prefix, namespace, name = key[len(self.objects) :].decode().rsplit("/", 2)
        return prefix, namespace, name


def packed(place: int, value: bytes) -> bytes:
    return bytes((_FORM, place)) + value


def unpacked(stored: bytes) -> tuple[int, bytes]:
    """The place and the value. Raises StoreError for what another version wrote."""
    if len(stored) < 2 or stored[0] != _FORM:
        raise StoreError("etcd holds values in a form that this version of Capstan does not read")
    return stored[1], stored[2:]


def packed_last(removed: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """Place, key and last state (empty: the stored one) of each delete."""
    parts = [bytes((_FORM,))]
    for place, key, value in removed:
        sizes = (len(key).to_bytes(_LENGTH), len(value).to_bytes(_LENGTH))
        parts += [bytes((place,)), *sizes, key, value]
    return b"".join(parts)


def unpacked_last(stored: bytes) -> Mapping[bytes, tuple[int, bytes]]:
    """The same by key. Raises StoreError for what another version wrote."""
    if stored[:1] != bytes((_FORM,)):
        raise StoreError("etcd holds values in a form that this version of Capstan does not read")
    found, at = {}, 1
    while at < len(stored):
        place, at = stored[at], at + 1
        key_size, value_size = (int.from_bytes(stored[i : i + _LENGTH]) for i in (at, at + _LENGTH))
        at += 2 * _LENGTH
        key, value = stored[at : at + key_size], stored[at + key_size : at + key_size + value_size]
        found[key] = (place, value)
        at += key_size + value_size
    return found
