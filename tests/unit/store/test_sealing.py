"""Sealed values open where they were sealed, by whom they were sealed for, and nowhere else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.store.sealing import (
    EVERYTHING,
    Encryption,
    KeyRing,
    Sealer,
    SealError,
    Unsealed,
    kek_id,
    kek_id_of,
    open_document,
    seal_document,
)

KEK = bytes(range(32))
PLACE = ("/secrets", "default", "token")
VALUE = b'{"metadata":{"name":"token"},"data":{"password":"hunter2-canary"}}'

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def sealer(*prefixes: str, seed: int = 1) -> Sealer:
    token = Random(seed).randbytes
    return Sealer(KeyRing.make(token), prefixes or ("/secrets",), token)


@given(st.tuples(words, words, words), st.binary(max_size=200).map(lambda raw: b"{" + raw))
def test_what_is_sealed_opens_at_its_place(place: tuple[str, str, str], value: bytes) -> None:
    one = sealer(EVERYTHING)
    sealed = one.seal(*place, value)
    assert one.open(*place, sealed) == value
    assert sealed.startswith(b"k8s:enc:aesgcm:v1:" + one.ring.current.encode() + b":")
    assert len(value) < 8 or value not in sealed


@given(st.tuples(words, words, words), st.tuples(words, words, words))
def test_it_opens_at_no_other_place(place: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    if place != other:
        one = sealer(EVERYTHING)
        with pytest.raises(SealError, match="belongs to another object"):
            one.open(*other, one.seal(*place, VALUE))


@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    one = sealer()
    sealed = bytearray(one.seal(*PLACE, VALUE))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    try:
        assert one.open(*PLACE, bytes(sealed)) != VALUE  # the mark itself is gone: it is taken for plain text
        assert at < len(b"k8s:enc:")
    except SealError:
        pass


@pytest.mark.parametrize("keep", [20, 32, 40, 60])
def test_what_is_cut_off_does_not_open(keep: int) -> None:
    one = sealer()
    with pytest.raises(SealError):
        one.open(*PLACE, one.seal(*PLACE, VALUE)[:keep])


def test_equal_values_look_different() -> None:
    one = sealer()
    assert one.seal(*PLACE, VALUE) != one.seal(*PLACE, VALUE)


def test_only_chosen_kinds_are_sealed_and_plain_values_open() -> None:
    one = sealer()
    assert one.seal("/configmaps", "default", "x", VALUE) == VALUE
    assert one.open(*PLACE, VALUE) == VALUE
    assert one.is_current("/configmaps", VALUE) and not one.is_current("/secrets", VALUE)
    assert not one.is_current("/configmaps", sealer(EVERYTHING).seal("/configmaps", "", "x", VALUE))


def test_a_new_key_seals_and_the_old_one_opens_until_it_is_dropped() -> None:
    one = sealer()
    old = one.seal(*PLACE, VALUE)
    one.use(one.ring.with_new_key(Random(2).randbytes))
    new = one.seal(*PLACE, VALUE)
    assert one.open(*PLACE, old) == one.open(*PLACE, new) == VALUE
    assert one.is_current("/secrets", new) and not one.is_current("/secrets", old)
    first = old.split(b":")[4].decode()
    one.use(one.ring.only_current())
    assert one.open(*PLACE, new) == VALUE
    with pytest.raises(SealError, match=f"data key {first} is not among the keys"):
        one.open(*PLACE, old)


def test_a_ring_opens_with_its_kek_alone() -> None:
    ring = KeyRing.make().with_new_key()
    document = ring.wrapped(KEK)
    assert KeyRing.unwrapped(document, KEK) == ring
    assert kek_id_of(document) == kek_id(KEK)
    for key in ring.keys.values():
        assert key not in document
    other = bytes(32)
    with pytest.raises(SealError, match=f"wrapped by key {kek_id(KEK)}, the key given is {kek_id(other)}"):
        KeyRing.unwrapped(document, other)
    with pytest.raises(SealError, match="damaged"):
        KeyRing.unwrapped(document[:-3], KEK)
    name = ring.current.encode()
    with pytest.raises(SealError, match=r"does not open|missing"):
        KeyRing.unwrapped(document.replace(name, name[::-1]), KEK)


def test_the_kek_is_looked_for_by_its_id() -> None:
    asked: list[str | None] = []

    def find(needed: str | None) -> bytes:
        asked.append(needed)
        return KEK

    encryption = Encryption(find).found(None)
    document = encryption.wrapped(encryption.sealer(None).ring)
    Encryption(find).found(document).sealer(document)
    assert asked == [None, kek_id(KEK)]


def test_without_a_key_nothing_sealed_is_shown() -> None:
    plain = Unsealed()
    assert plain.open(*PLACE, plain.seal(*PLACE, VALUE)) == VALUE
    with pytest.raises(SealError, match="encrypted and no key was given"):
        plain.open(*PLACE, sealer().seal(*PLACE, VALUE))


def test_documents_open_for_their_purpose_alone() -> None:
    sealed = seal_document(KEK, "identity", b"private key")
    assert open_document(KEK, "identity", sealed) == b"private key"
    for kek, purpose, content in ((KEK, "other", sealed), (bytes(32), "identity", sealed), (KEK, "identity", b"")):
        with pytest.raises(SealError):
            open_document(kek, purpose, content)


def test_keys_are_never_printed() -> None:
    ring = KeyRing.make(Random(1).randbytes)
    shown = f"{ring!r} {sealer()!r} {Encryption(KEK)!r} {ring} {Encryption(KEK)}"
    for key in (KEK, *ring.keys.values()):
        assert repr(key)[2:-1] not in shown and key.hex() not in shown
