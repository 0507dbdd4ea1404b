"""Versions as people write them, and their order."""

from __future__ import annotations

import pytest

from capstan.api.rules.semver import SemVer, compare, compare_builds_too, order_key, parse_tolerant


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.34.0", SemVer(1, 34, 0)),
        (" 1.34 ", SemVer(1, 34, 0)),
        ("1", SemVer(1, 0, 0)),
        ("1.034.1", SemVer(1, 34, 1)),
        ("v1.34.0-rc.1+vmware.2", SemVer(1, 34, 0, "rc.1", "vmware.2")),
        ("1.34-rc.1", None),
        ("v", None),
        ("1.2.3.4", None),
        ("one", None),
        ("1.2.3+", None),
    ],
)
def test_what_is_a_version(text: str, version: SemVer | None) -> None:
    assert parse_tolerant(text) == version


@pytest.mark.parametrize(
    ("a", "b", "without", "with_builds"),
    [
        ("1.2.3", "1.2.3", 0, 0),
        ("1.2.3", "1.10.0", -1, -1),
        ("1.2.3-rc.1", "1.2.3", -1, -1),
        ("1.2.3-rc.10", "1.2.3-rc.9", 1, 1),
        ("1.2.3-1", "1.2.3-a", -1, -1),
        ("1.2.3+1", "1.2.3+2", 0, -1),
        ("1.2.3+10", "1.2.3+9", 0, 1),
        ("1.2.3+a", "1.2.3+b", 0, 2),
        ("1.2.3+1", "1.2.3+a", 0, -1),
        ("1.2.3", "1.2.3+a", 0, -1),
        ("1.2.3+a.1", "1.2.3+a", 0, 1),
    ],
)
def test_the_order(a: str, b: str, without: int, with_builds: int) -> None:
    first, second = parse_tolerant(a), parse_tolerant(b)
    assert first is not None and second is not None
    assert compare(first, second) == without
    assert compare_builds_too(first, second) == with_builds
    assert str(first) == a


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("v1.9.9", "v1.10.0"),
        ("v1.34.1", "v1.34.10"),
        ("v1.34.0-a", "v1.34.0"),
        ("v1.34.0-rc.9", "v1.34.0-rc.10"),
        ("v1.34.0", "v1.34.0+rke2-r1"),
        ("v1.34.0-rc.1", "v1.34.0+rke2-r1"),
        ("v1.34.0+2", "v1.34.0+10"),
        ("main", "v1.0.0"),
        ("", "v0.0.1"),
    ],
)
def test_sorting(older: str, newer: str) -> None:
    assert order_key(older) < order_key(newer)
