"""Writes and reads the small ISO 9660 images that carry NoCloud data: a few files in the root directory.

The layout follows ECMA-119, with a Joliet tree beside the plain one, because the names (`user-data`) are not legal
in plain ISO 9660 and readers differ in which tree they look at. The same files always give the same bytes: there
is no time in the image.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

SECTOR = 2048
_SYSTEM_AREA = 16
_EPOCH = bytes((126, 1, 1, 0, 0, 0, 0))  # 2026-01-01 00:00:00 UTC, as directory records write it
_NO_TIME = b"0" * 16 + b"\0"
_PRIMARY, _JOLIET = 1, 2


def write_iso(files: Mapping[str, bytes], label: str = "cidata") -> bytes:
    """An image with `files` in its root. Names are at most 28 characters of ASCII; no directories."""
    names = sorted(files)
    # 16 descriptors start; then the two path tables (L and M) and root directories, then the contents.
    table = _SYSTEM_AREA + 3
    root = table + 4
    first = root + 2
    extents: dict[str, tuple[int, int]] = {}
    position = first
    for name in names:
        extents[name] = (position, len(files[name]))
        position += _sectors(len(files[name]))
    image = [bytes(_SYSTEM_AREA * SECTOR)]
    for kind in (_PRIMARY, _JOLIET):
        place = root + kind - 1
        image.append(_descriptor(kind, label, position, table + 2 * (kind - 1), place))
    image.append(_pad(b"\xffCD001\x01"))
    for kind in (_PRIMARY, _JOLIET):
        place = root + kind - 1
        image.append(_pad(struct.pack("<BBIHBB", 1, 0, place, 1, 0, 0)))
        image.append(_pad(struct.pack(">BBIHBB", 1, 0, place, 1, 0, 0)))
    for kind in (_PRIMARY, _JOLIET):
        image.append(_directory(kind, root + kind - 1, [(name, *extents[name]) for name in names]))
    image += [_pad(files[name]) for name in names]
    return b"".join(image)


def read_iso(image: bytes) -> dict[str, bytes]:
    """The files in the root of an image, by their Joliet names if it has them. Raises ValueError for other data."""
    kind, offset, length = _root_of(image)
    result: dict[str, bytes] = {}
    end = offset + length
    while offset < end:
        size = image[offset]
        if size == 0:  # Records do not cross sectors; the rest of this one is empty.
            offset = (offset // SECTOR + 1) * SECTOR
            continue
        record = image[offset : offset + size]
        name, is_directory = record[33 : 33 + record[32]], bool(record[25] & 2)
        if not is_directory:
            start, count = _place(record)
            result[_shown(name, kind)] = image[start : start + count]
        offset += size
    return result


def volume_label(image: bytes) -> str:
    """The label of the primary volume, without its padding."""
    start = _SYSTEM_AREA * SECTOR
    return image[start + 40 : start + 72].decode("ascii").rstrip()


def _shown(name: bytes, kind: int) -> str:
    text = name.decode("utf-16-be") if kind == _JOLIET else name.decode("ascii").lower()
    return text.split(";")[0].rstrip(".")


def _root_of(image: bytes) -> tuple[int, int, int]:
    """Which tree to read, and where its root directory is, in bytes."""
    found: dict[int, bytes] = {}
    for sector in range(_SYSTEM_AREA, len(image) // SECTOR):
        descriptor = image[sector * SECTOR : (sector + 1) * SECTOR]
        if descriptor[1:6] != b"CD001" or descriptor[0] == 255:
            break
        found[descriptor[0]] = descriptor
    kind = _JOLIET if found.get(_JOLIET, b"")[88:91] in (b"%/@", b"%/C", b"%/E") else _PRIMARY
    if kind not in found:
        raise ValueError("not an ISO 9660 image")
    return (kind, *_place(found[kind][156:190]))


def _place(record: bytes) -> tuple[int, int]:
    """Where the extent of a directory record starts, and how long it is, in bytes."""
    sector, length = struct.unpack("<I4xI", record[2:14])
    return sector * SECTOR, length


def _sectors(size: int) -> int:
    return -(-size // SECTOR)


def _pad(content: bytes) -> bytes:
    return content.ljust(_sectors(len(content)) * SECTOR, b"\0")


def _both(value: int) -> bytes:
    """32 bits in both byte orders."""
    return struct.pack("<I", value) + struct.pack(">I", value)


def _both16(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _text(value: str, length: int, kind: int) -> bytes:
    if kind == _JOLIET:
        encoded = value.encode("utf-16-be")[:length]
        return (encoded + "\0 ".encode("ascii") * length)[: length - length % 2].ljust(length, b"\0")
    return value.encode("ascii")[:length].ljust(length)


def _record(name: bytes, sector: int, size: int, *, directory: bool = False) -> bytes:
    length = 33 + len(name) + (len(name) + 1) % 2
    head = struct.pack("<BB", length, 0) + _both(sector) + _both(size) + _EPOCH
    head += struct.pack("<BBB", 2 if directory else 0, 0, 0) + _both16(1) + struct.pack("<B", len(name))
    return (head + name).ljust(length, b"\0")


def _directory(kind: int, place: int, files: Sequence[tuple[str, int, int]]) -> bytes:
    """One sector is enough for the handful of files that there are."""
    records = [_record(b"\0", place, SECTOR, directory=True), _record(b"\1", place, SECTOR, directory=True)]
    for name, sector, size in files:
        shown = name.encode("utf-16-be") if kind == _JOLIET else f"{name.upper()};1".encode("ascii")
        records.append(_record(shown, sector, size))
    content = b"".join(records)
    if len(content) > SECTOR:
        raise ValueError("too many files for one directory sector")
    return _pad(content)


def _descriptor(kind: int, label: str, sectors: int, table: int, root: int) -> bytes:
    """A primary or (Joliet, UCS-2 level 3) supplementary volume descriptor."""
    parts = [
        struct.pack("<B", kind) + b"CD001\x01\0",
        _text("", 32, kind),
        _text(label, 32, kind),
        bytes(8),
        _both(sectors),
        (b"%/E" if kind == _JOLIET else b"").ljust(32, b"\0"),
        _both16(1) + _both16(1) + _both16(SECTOR) + _both(10),
        struct.pack("<II", table, 0) + struct.pack(">II", table + 1, 0),
        _record(b"\0", root, SECTOR, directory=True),
        *(_text("", 128, kind) for _ in range(4)),
        *(_text("", 37, kind) for _ in range(3)),
        _NO_TIME * 4 + b"\x01\0",
    ]
    return _pad(b"".join(parts))
