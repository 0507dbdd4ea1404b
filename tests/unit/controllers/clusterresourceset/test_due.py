"""ClusterResourceSet: what is applied to a cluster now, by what its record says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.world import START

from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.cluster.cluster import Cluster
from capstan.api.core.configmap import ConfigMap
from capstan.api.struct import decode
from capstan.controllers.clusterresourceset.snapshot import ResourceSetSnapshot, Source, Target


def due(strategy: str, resources: list[Any] | None, digest: str = "", part: str = "cni") -> bool:
    """Whether ConfigMap cp is applied; `resources` are those of the record, None for no record at all."""
    declared = decode({"metadata": {"name": "cni"}, "spec": {"strategy": strategy}}, ClusterResourceSet)
    binding = {"bindings": [{"clusterResourceSetName": part, "resources": resources or []}]}
    record = None if resources is None else decode({"spec": binding}, ClusterResourceSetBinding)
    ref = decode({"spec": {"resources": [{"kind": "ConfigMap", "name": "cp"}]}}, ClusterResourceSet).spec.resources[0]
    source = Source(ref, decode({"metadata": {"name": "cp"}}, ConfigMap), digest=digest)
    target = Target(decode({"metadata": {"name": "homelab"}}, Cluster), record)
    return bool(ResourceSetSnapshot(resource_set=declared, now=START, sources=(source,)).due(target))


def entry(applied: bool, digest: str = "", kind: str = "ConfigMap") -> dict[str, Any]:
    return {"kind": kind, "name": "cp", "applied": applied, "hash": digest}


@pytest.mark.parametrize(
    ("strategy", "resources", "digest", "expected"),
    [
        ("Reconcile", None, "", True),
        ("Reconcile", [], "", True),
        ("Reconcile", [entry(False)], "", True),
        ("Reconcile", [entry(True, "111")], "222", True),
        ("Reconcile", [entry(True, "111")], "111", False),
        ("ApplyOnce", None, "", True),
        ("ApplyOnce", [entry(False)], "", True),
        ("ApplyOnce", [entry(True)], "", False),
        ("ApplyOnce", [entry(True, "111")], "222", False),
        # A Secret of that name is something else.
        ("ApplyOnce", [entry(True, kind="Secret")], "", True),
    ],
)
def test_what_is_due(strategy: str, resources: list[Any] | None, digest: str, expected: bool) -> None:
    assert due(strategy, resources, digest) is expected


def test_what_another_set_has_applied_does_not_count() -> None:
    assert due("ApplyOnce", [entry(True)], part="other")
