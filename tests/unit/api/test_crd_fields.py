"""Every field, limit, column and rule of the upstream CRDs is in the definitions that Capstan generates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capstan.api.crd import crd_of
from capstan.api.kinds import Kind
from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME

_DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "crds"

OWN_KINDS = [kind for kind in SCHEME.kinds if not kind.builtin]


def upstream(kind: Kind) -> Obj:
    file = _DATA / f"{kind.resource().group_resource}.json"
    if not _DATA.is_dir():
        pytest.skip("the upstream CRDs are not beside the checkout (../shared/data/crds)")
    parsed: Obj = json.loads(file.read_text())
    return parsed


def facts(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every keyword of a schema by the path of its field; descriptions left out."""
    for keyword, value in schema.items():
        if keyword == "properties":
            for name, child in value.items():
                yield f"{path}.{name}", "exists"
                yield from facts(child, f"{path}.{name}")
        elif keyword in ("items", "additionalProperties") and isinstance(value, dict):
            yield from facts(value, f"{path}[]" if keyword == "items" else f"{path}{{}}")
        elif keyword == "required":
            yield from ((f"{path}.{name}: required", True) for name in value)
        elif keyword == "x-kubernetes-validations":
            yield f"{path}: rules", sorted((rule["rule"], rule["message"]) for rule in value)
        elif keyword == "enum":
            yield f"{path}: enum", sorted(value)
        elif keyword != "description":
            yield f"{path}: {keyword}", value


def by_version(crd: Obj) -> dict[str, Obj]:
    return {v["name"]: v for v in crd["spec"]["versions"]}


@pytest.mark.parametrize("kind", OWN_KINDS, ids=lambda kind: kind.kind)
def test_schema_has_every_field_and_fact(kind: Kind) -> None:
    theirs, ours = by_version(upstream(kind)), by_version(crd_of(kind))
    assert theirs.keys() == ours.keys()
    for name, version in theirs.items():
        expected = dict(facts(version["schema"]["openAPIV3Schema"], ""))
        actual = dict(facts(ours[name]["schema"]["openAPIV3Schema"], ""))
        assert actual == expected, name


@pytest.mark.parametrize("kind", OWN_KINDS, ids=lambda kind: kind.kind)
def test_names_columns_and_subresources(kind: Kind) -> None:
    theirs, ours = upstream(kind), crd_of(kind)
    assert ours["spec"]["names"] == theirs["spec"]["names"]
    assert ours["spec"]["scope"] == theirs["spec"]["scope"]
    assert ours["spec"]["group"] == theirs["spec"]["group"]
    own = by_version(ours)
    for name, version in by_version(theirs).items():
        same = ("served", "storage", "deprecated", "additionalPrinterColumns")
        assert [own[name].get(part) for part in same] == [version.get(part) for part in same], name
        assert (own[name].get("subresources") or {}) == (version.get("subresources") or {}), name
