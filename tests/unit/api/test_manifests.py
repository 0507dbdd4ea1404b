"""Manifests as users write them: each object converts, is admitted without refusal, and decodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from capstan.api.kinds import AdmissionRequest, Kind, Query
from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.api.struct import decode

_EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def documents() -> list[Any]:
    files = sorted(_EXAMPLES.rglob("*.yaml"))
    parsed = [(file, obj) for file in files for obj in yaml.safe_load_all(file.read_text()) if obj]
    return [pytest.param(obj, id=f"{file.parent.name}-{obj['kind']}") for file, obj in parsed if kind_of(obj)]


def kind_of(obj: Obj) -> Kind | None:
    return SCHEME.by_kind(obj["apiVersion"].rpartition("/")[0], obj["kind"])


def without_nulls(value: Any) -> Any:
    """As the API server takes them: a null is an absent field."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("written", documents())
def test_examples_are_taken(written: Obj) -> None:
    kind = kind_of(written)
    assert kind is not None
    version = written["apiVersion"].rpartition("/")[2]
    obj = without_nulls({**written, "metadata": {"namespace": "default", **written["metadata"]}})
    known = kind.version(version)
    assert known is not None
    assert decode(obj, known.struct).metadata.name == written["metadata"]["name"]
    stored = kind.convert(obj, kind.storage.name)
    found: dict[Query, list[Obj]] = {query: [] for query in kind.lookups(stored)}
    admission = kind.admit(AdmissionRequest("CREATE", None, stored, found=found))
    assert admission.causes == ()
    assert admission.object is not None
    assert isinstance(decode(admission.object, kind.storage.struct), kind.storage.struct)
    assert kind.convert(admission.object, version)["apiVersion"] == written["apiVersion"]
