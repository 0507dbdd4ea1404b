"""Secrets and ConfigMaps: what the server fills in and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.core.admission import admit_config_map, admit_secret
from capstan.api.kinds import Admission, AdmissionRequest


def _secret(new: dict[str, Any], old: dict[str, Any] | None = None) -> Admission:
    return admit_secret(AdmissionRequest("UPDATE" if old else "CREATE", old, {"metadata": {"name": "s"}, **new}))


def _config(new: dict[str, Any], old: dict[str, Any] | None = None) -> Admission:
    return admit_config_map(AdmissionRequest("UPDATE" if old else "CREATE", old, {"metadata": {"name": "c"}, **new}))


def test_plain_texts_end_up_in_data() -> None:
    found = _secret({"data": {"a": "eA==", "b": "eQ=="}, "stringData": {"b": "z"}})
    assert found.object == {"metadata": {"name": "s"}, "type": "Opaque", "data": {"a": "eA==", "b": "eg=="}}
    assert found.causes == ()
    whole = {"metadata": {"name": "s"}, "type": "x/y", "data": {}}
    assert admit_secret(AdmissionRequest("CREATE", None, whole)).object is whole


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (_secret({"data": {"": "eA=="}}), "data[]"),
        (_secret({"data": {"a b": "eA=="}}), "data[a b]"),
        (_secret({"data": {"..x": "eA=="}}), "data[..x]"),
        (_secret({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}), "data[tls.key]"),
        (_secret({"data": {"a": "A" * 1_500_000}}), "data"),
        (_secret({"type": "b"}, {"type": "a"}), "type"),
        (_secret({"immutable": True, "data": {"a": ""}}, {"immutable": True, "data": {}}), "data"),
        (_secret({}, {"immutable": True}), "immutable"),
        (_config({"data": {"": ""}}), "data[]"),
        (_config({"data": {"a": ""}, "binaryData": {"a": ""}}), "data[a]"),
        (_config({"data": {"a": "A" * 1_100_000}}), "data"),
        (_config({"immutable": True, "binaryData": {"a": ""}}, {"immutable": True}), "binaryData"),
    ],
)
def test_what_is_refused(found: Admission, field: str) -> None:
    assert [cause.field for cause in found.causes] == [field]


def test_refusals_never_hold_a_value() -> None:
    found = _secret({"data": {"bad key": "Y2FuYXJ5"}, "stringData": {"": "canary"}})
    assert len(found.causes) == 2
    assert not any("canary" in cause.message or "Y2FuYXJ5" in cause.message for cause in found.causes)
