"""A backup as one file: a tar of the database, the sealed identity of the plane, and a description of both.

Members, in this order: `capstan-backup.json` (format, when and of what it was made, checksums), `state.db` (Secrets
in it are ciphertext), `identity.sealed` (the certificates, their keys and the kubeconfig, encrypted with the data
directory's key), and only if asked for `encryption.key` (that key, which opens all of the rest).
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from capstan.cli.keyfile import decode_key, encode_key
from capstan.cli.place import Place, write_private
from capstan.store.protocol import StoreError
from capstan.store.sealing import SealError, open_document, seal_document

FORMAT = 1
_DESCRIPTION, _DATABASE, _IDENTITY, _KEY = "capstan-backup.json", "state.db", "identity.sealed", "encryption.key"
_PURPOSE = "capstan backup: identity"
#: An identity is a few certificates; a description is a few lines.
_SMALL_BYTES = 16 * 1024 * 1024
_COPY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Description:
    """What a backup says of itself. `kek` is the id of the key that opens it."""

    format: int
    version: str
    made: str
    revision: int
    kek: str
    sha256: Mapping[str, str]


def write_archive(
    target: Path, place: Place, database: Path, kek: bytes, about: Mapping[str, Any], *, with_keys: bool
) -> None:
    """Make the file, for its owner alone, and sync it. `about` is the description without format and checksums."""
    identity = seal_document(kek, _PURPOSE, _identity(place))
    small = {_IDENTITY: identity} | ({_KEY: encode_key(kek)} if with_keys else {})
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in small.items()}
    with database.open("rb") as file:
        sums[_DATABASE] = hashlib.file_digest(file, "sha256").hexdigest()
    description = Description(format=FORMAT, sha256=sums, **about)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, _DESCRIPTION, orjson.dumps(asdict(description), option=orjson.OPT_INDENT_2))
            with database.open("rb") as file:
                member = _member(_DATABASE, os.fstat(file.fileno()).st_size)
                tar.addfile(member, file)
            for name, content in small.items():
                _add(tar, name, content)
        raw.flush()
        os.fsync(raw.fileno())


def unpack_archive(archive: Path, target: Path, keys: Mapping[str, bytes]) -> tuple[Description, bytes]:
    """Unpack into an empty directory and check all but the database's inside. `keys` are those at hand, by id.

    Gives the description and the key that opens it. Raises StoreError or SealError that say what is wrong."""
    try:
        with tarfile.open(archive, "r:") as tar:
            members = _members(archive, tar)
            description = _description(archive, tar, members)
            for name in description.sha256:
                _extract(archive, tar, members, name, target, description.sha256[name])
    except (tarfile.TarError, EOFError) as error:
        raise StoreError(f"{archive} is not a whole backup of Capstan: {error}") from None
    kek = _kek(archive, target, description, keys)
    try:
        _unpack_identity(open_document(kek, _PURPOSE, (target / _IDENTITY).read_bytes()), target)
    except SealError as error:
        raise StoreError(f"{archive}: the identity cannot be decrypted: {error}") from None
    (target / _IDENTITY).unlink()
    write_private(target / _KEY, encode_key(kek))
    return description, kek


def _members(archive: Path, tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """By name; nothing but plain files with the names that we give is ever looked at."""
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        if (
            member.name not in (_DESCRIPTION, _DATABASE, _IDENTITY, _KEY)
            or not member.isreg()
            or member.name in members
        ):
            raise StoreError(f"{archive} holds {member.name[:80]!r}, which is no part of a backup")
        members[member.name] = member
    for name in (_DESCRIPTION, _DATABASE, _IDENTITY):
        if name not in members:
            raise StoreError(f"{archive} is not a backup of Capstan: it holds no {name}")
    return members


def _description(archive: Path, tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> Description:
    try:
        raw = orjson.loads(_opened(tar, members[_DESCRIPTION]).read(_SMALL_BYTES))
        if raw["format"] > FORMAT:
            made_by = str(raw.get("version", "a newer version"))
            raise StoreError(
                f"{archive} has format {raw['format']} (made by Capstan {made_by}), this version reads up to {FORMAT}"
            )
        description = Description(**raw)
        complete = set(description.sha256) == set(members) - {_DESCRIPTION}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        complete = False
    if not complete:
        raise StoreError(f"{archive} is not a backup of Capstan: its description is damaged")
    return description


def _extract(
    archive: Path, tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str, target: Path, wanted: str
) -> None:
    digest = hashlib.sha256()
    descriptor = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for part in _parts(_opened(tar, members[name])):
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != wanted:
        raise StoreError(f"{archive} is damaged: the checksum of {name} is another")


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_COPY_BYTES):
        yield part


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None, "a regular file"
    return file


def _kek(archive: Path, target: Path, description: Description, keys: Mapping[str, bytes]) -> bytes:
    if description.kek in keys:
        return keys[description.kek]
    if _KEY in description.sha256:
        return decode_key((target / _KEY).read_bytes(), archive)
    raise StoreError(
        f"{archive} was made without its key: give the encryption.key with id {description.kek} by --key-file"
    )


def _identity(place: Place) -> bytes:
    """The files that make the plane who it is: all below pki/, and the kubeconfig."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        paths = [path for path in sorted(place.pki.rglob("*")) if path.is_file() and not path.is_symlink()]
        for path in [*paths, *([place.kubeconfig] if place.kubeconfig.is_file() else [])]:
            _add(tar, str(path.relative_to(place.root)), path.read_bytes())
    return content.getvalue()


def _unpack_identity(content: bytes, target: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        for member in tar:
            relative = Path(member.name)
            if not member.isreg() or relative.is_absolute() or ".." in relative.parts:
                raise StoreError(f"the identity holds {member.name[:80]!r}, which is no part of one")
            write_private(target / relative, _opened(tar, member).read())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_member(name, len(content)), io.BytesIO(content))
