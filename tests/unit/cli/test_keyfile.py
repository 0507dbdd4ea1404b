"""Which key a data directory is opened with, and that a change of it can be interrupted anywhere."""

from __future__ import annotations

import base64
from pathlib import Path
from random import Random

import pytest

from capstan.cli.keyfile import CREDENTIAL, KeyFile, decode_key, encode_key
from capstan.cli.place import Place
from capstan.store.sealing import SealError, kek_id

KEY = bytes(range(32))


def key_file(root: Path, environment: dict[str, str] | None = None) -> KeyFile:
    return KeyFile(Place(root), Random(1).randbytes, environment or {})


def test_the_first_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = key_file(tmp_path / "data").find(None)
    path = tmp_path / "data" / "encryption.key"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    again = key_file(tmp_path / "data")
    assert again.find(None) == again.find(kek_id(made)) == made and again.is_ours


def test_a_key_that_is_needed_and_missing_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(
        SealError, match=rf"id {kek_id(KEY)} is not in {tmp_path}/encryption.key; put the key file back"
    ):
        key_file(tmp_path).find(kek_id(KEY))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [KEY, base64.b64encode(KEY), encode_key(KEY), base64.b64encode(KEY) + b"\n"])
def test_a_credential_comes_first(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CREDENTIAL).write_bytes(content)
    found = key_file(tmp_path / "data", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.find(None) == found.find(kek_id(KEY)) == KEY and not found.is_ours
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", [b"", b"short", base64.b64encode(KEY[:31]), b"\xff" * 31, b"capstan-key-v1:!!!"])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SealError, match="does not hold a key of 32 bytes") as refused:
        decode_key(content, tmp_path / "file")
    assert not content or content.decode("latin-1") not in str(refused.value)


def test_a_change_that_is_interrupted_before_the_store_took_it_is_forgotten(tmp_path: Path) -> None:
    old = key_file(tmp_path).find(None)
    new = KeyFile(Place(tmp_path), Random(2).randbytes, {}).begin_change()
    assert old != new and key_file(tmp_path).find(kek_id(old)) == old


def test_a_change_that_is_interrupted_after_the_store_took_it_is_finished(tmp_path: Path) -> None:
    key_file(tmp_path).find(None)
    new = KeyFile(Place(tmp_path), Random(2).randbytes, {}).begin_change()
    assert key_file(tmp_path).find(kek_id(new)) == new
    assert decode_key((tmp_path / "encryption.key").read_bytes(), tmp_path) == new
    assert [path.name for path in tmp_path.iterdir()] == ["encryption.key"]
