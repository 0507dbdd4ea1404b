"""Addresses of etcd clusters: what they say, and what is refused with a reason."""

from __future__ import annotations

import pytest

from capstan.store.etcd import EtcdAddress
from capstan.store.etcd.layout import Layout, end_of, packed_last, unpacked_last


def test_members_prefix_and_files() -> None:
    found = EtcdAddress.parse("etcd://10.0.0.1:2379,[fd00::2]:2380,db/x/y?ca=/a&cert=/b&key=%2Fc")
    assert found == EtcdAddress((("10.0.0.1", 2379), ("fd00::2", 2380), ("db", 2379)), "/x/y", "/a", "/b", "/c")
    assert EtcdAddress.parse("etcd://localhost").root == EtcdAddress.parse("etcd://127.0.0.1:2379/").root == "/capstan"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://127.0.0.1", "begins with etcd://"),
        ("etcd://", "at least one member"),
        ("etcd://127.0.0.1:x", "that is no port"),
        ("etcd://:2379", "host:port"),
        ("etcd://u:secret@127.0.0.1", "takes client certificates"),
        ("etcd://10.0.0.1", "another machine"),
        ("etcd://10.0.0.1?ca=/a&cert=/b", "key is missing"),
        ("etcd://127.0.0.1?tls=no", "unknown option tls"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        EtcdAddress.parse(text)
    assert "secret" not in str(error.value)


def test_keys_are_read_back_and_do_not_overlap() -> None:
    layout = Layout("/capstan")
    for place in (("g.example.org/things", "a", "x"), ("/configmaps", "", "system:x"), ("g/things", "a-b", "y")):
        assert layout.parse(layout.object(*place)) == place
    assert layout.everything <= layout.last < end_of(layout.everything)
    assert not layout.last.startswith(layout.objects) and not b"/capstan2/objects/x".startswith(layout.everything)


def test_what_was_deleted_is_read_back() -> None:
    removed = [(0, b"/c/objects/x", b""), (7, b"/c/objects/y", b"\0" * 300)]
    assert unpacked_last(packed_last(removed)) == {key: (place, value) for place, key, value in removed}
