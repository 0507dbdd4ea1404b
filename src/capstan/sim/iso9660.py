"""Reads the files of a small ISO 9660 image, as a guest does that mounts a CD: Rock Ridge names first, then Joliet's.

Independent of the writer in the Proxmox provider on purpose: each checks the other. Source: ECMA-119, SUSP 1.12,
RRIP 1.12 and the Joliet specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SECTOR = 2048
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255
_JOLIET_ESCAPES = (b"%/@", b"%/C", b"%/E")


class NotAnIso(ValueError):
    """The bytes are no ISO 9660 image, or one that is cut short."""


@dataclass(frozen=True, slots=True)
class IsoImage:
    """`label` is the volume's; `files` are those of the root directory, by name."""

    label: str
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Volume:
    label: str
    root: bytes
    joliet: bool


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    extent: int
    size: int
    is_directory: bool
    rock_ridge: bool


def read_iso(image: bytes) -> IsoImage:
    """Raises NotAnIso."""
    volumes = list(_volumes(image))
    primary = next((v for v in volumes if not v.joliet), None)
    if primary is None:
        raise NotAnIso("there is no primary volume descriptor")
    records = list(_records(image, primary))
    joliet = next((v for v in volumes if v.joliet), None)
    if joliet is not None and not any(record.rock_ridge for record in records):
        records = list(_records(image, joliet))
    files = {r.name: _extent(image, r.extent, r.size) for r in records if not r.is_directory}
    return IsoImage(primary.label, files)


def _volumes(image: bytes) -> Iterator[_Volume]:
    for number in range(16, 64):
        sector = _extent(image, number, _SECTOR)
        if sector[1:6] != b"CD001":
            raise NotAnIso("a volume descriptor lacks its CD001 mark")
        kind = sector[0]
        if kind == _TERMINATOR:
            return
        joliet = kind == _SUPPLEMENTARY and any(sector[88:120].startswith(escape) for escape in _JOLIET_ESCAPES)
        if kind == _PRIMARY or joliet:
            label = sector[40:72].decode("utf-16-be" if joliet else "ascii", "replace").rstrip(" \0")
            yield _Volume(label, sector[156:190], joliet)


def _records(image: bytes, volume: _Volume) -> Iterator[_Record]:
    """The directory records of the root, without `.` and `..`."""
    extent, size = struct.unpack_from("<I", volume.root, 2)[0], struct.unpack_from("<I", volume.root, 10)[0]
    directory = _extent(image, extent, size)
    position = 0
    while position < len(directory):
        length = directory[position]
        if length == 0:  # records do not cross sectors: the rest of this one is empty
            position += _SECTOR - position % _SECTOR
            continue
        record = directory[position : position + length]
        position += length
        if length < 34 or (record[33:34] in (b"\0", b"\1") and record[32] == 1):
            continue
        yield _record(image, record, volume.joliet)


def _record(image: bytes, record: bytes, joliet: bool) -> _Record:
    name_length = record[32]
    raw = record[33 : 33 + name_length]
    name, rock_ridge = "", False
    if joliet:
        name = raw.decode("utf-16-be", "replace").partition(";")[0]
    else:
        system_use = record[33 + name_length + (1 - name_length % 2) :]
        name = _alternate_name(image, system_use)
        rock_ridge = bool(name)
        # Without extensions Linux shows names in lower case, without version and trailing dot.
        name = name or raw.decode("ascii", "replace").partition(";")[0].rstrip(".").lower()
    return _Record(
        name=name,
        extent=struct.unpack_from("<I", record, 2)[0],
        size=struct.unpack_from("<I", record, 10)[0],
        is_directory=bool(record[25] & 2),
        rock_ridge=rock_ridge,
    )


def _alternate_name(image: bytes, system_use: bytes) -> str:
    """The Rock Ridge NM entries of a record, continuation areas included."""
    name = b""
    position = 0
    while position + 4 <= len(system_use):
        signature, length = system_use[position : position + 2], system_use[position + 2]
        if length < 4:
            break
        body = system_use[position + 4 : position + length]
        if signature == b"NM":
            name += body[1:]
        if signature == b"CE" and len(body) >= 24:
            block, offset, size = (struct.unpack_from("<I", body, at)[0] for at in (0, 8, 16))
            return (name + _alternate_name(image, _extent(image, block, offset + size)[offset:]).encode()).decode()
        position += length
    return name.decode("utf-8", "replace")


def _extent(image: bytes, block: int, size: int) -> bytes:
    found = image[block * _SECTOR : block * _SECTOR + size]
    if len(found) < size:
        raise NotAnIso("the image ends inside of an extent")
    return found
