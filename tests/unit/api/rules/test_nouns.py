"""Nouns have the plurals of English, and agree with the number before them."""

from __future__ import annotations

import pytest

from capstan.api.rules.nouns import counted, plural


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("Machine", "Machines"),
        ("Proxy", "Proxies"),
        ("Gateway", "Gateways"),
        ("Mesh", "Meshes"),
        ("address", "addresses"),
    ],
)
def test_plural(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 new replicas"), (1, "1 new replica"), (2, "2 new replicas"), (21, "21 new replicas")],
)
def test_counted(number: int, expected: str) -> None:
    assert counted(number, "new replica") == expected
