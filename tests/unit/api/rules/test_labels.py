"""Which names, label keys and label values Kubernetes takes."""

from __future__ import annotations

import pytest

from capstan.api.rules.labels import label_value_faults, metadata_causes, qualified_name_faults, subdomain_faults


@pytest.mark.parametrize("value", ["", "a", "A-b_c.9", "x" * 63])
def test_label_values_that_are_taken(value: str) -> None:
    assert list(label_value_faults(value)) == []


@pytest.mark.parametrize("value", ["-a", "a-", "a b", "ä", "a\n", "x" * 64])
def test_label_values_that_are_refused(value: str) -> None:
    assert len(list(label_value_faults(value))) == 1


@pytest.mark.parametrize("key", ["a", "cluster.x-k8s.io/cluster-name", "a.b/C_d", "n" * 63])
def test_label_keys_that_are_taken(key: str) -> None:
    assert list(qualified_name_faults(key)) == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "name part must be non-empty"),
        ("a/", "name part must be non-empty"),
        ("/a", "prefix part must be non-empty"),
        ("A.b/c", "prefix part a lowercase RFC 1123 subdomain"),
        ("a/b/c", "one '/'"),
        ("n" * 64, "no more than 63 bytes"),
        ("-a", "name part must consist of"),
    ],
)
def test_label_keys_that_are_refused(key: str, says: str) -> None:
    assert [says in fault for fault in qualified_name_faults(key)] == [True]


@pytest.mark.parametrize(("name", "faults"), [("a.b-c", 0), ("", 1), ("A", 1), ("a..b", 1), ("a" * 254, 1)])
def test_subdomains(name: str, faults: int) -> None:
    assert len(list(subdomain_faults(name))) == faults


def test_metadata_of_a_template() -> None:
    causes = list(metadata_causes({"labels": {"-": "-"}, "annotations": {"Big/Ok": "x" * 2**18}}, "spec.m"))
    assert [cause.field for cause in causes] == ["spec.m.labels", "spec.m.labels", "spec.m.annotations"]
    assert causes[-1].reason == "FieldValueTooLong"
