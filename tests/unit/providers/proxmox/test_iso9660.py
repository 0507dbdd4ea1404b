"""The data ISO reads back as it was written, through both trees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.providers.proxmox.iso9660 import SECTOR, read_iso, volume_label, write_iso

names = st.sampled_from(["user-data", "meta-data", "network-config", "vendor-data"])


@given(st.dictionaries(names, st.binary(max_size=3 * SECTOR)))
def test_what_is_written_is_read(files: dict[str, bytes]) -> None:
    image = write_iso(files)
    assert read_iso(image) == files
    assert len(image) % SECTOR == 0
    assert image == write_iso(dict(reversed(files.items())))
    assert volume_label(image) == "cidata"


def test_readers_without_joliet_see_the_same_names() -> None:
    image = bytearray(write_iso({"user-data": b"x", "meta-data": b"", "network-config": b"y" * SECTOR}))
    image[17 * SECTOR + 88 : 17 * SECTOR + 91] = b"   "  # No Joliet escape sequence: the plain tree is read.
    assert read_iso(bytes(image)) == {"user-data": b"x", "meta-data": b"", "network-config": b"y" * SECTOR}


def test_other_data_is_refused() -> None:
    with pytest.raises(ValueError, match="not an ISO 9660 image"):
        read_iso(bytes(40 * SECTOR))
