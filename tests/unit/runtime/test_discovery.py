"""What a server says that it serves: in lists of one version, and in one document of all groups."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Resource
from capstan.runtime.client.discovery import aggregated_resources, listed_resources

LIST: dict[str, Any] = {
    "kind": "APIResourceList",
    "groupVersion": "metrics.k8s.io/v1beta1",
    "resources": [
        {"name": "nodes", "kind": "NodeMetrics", "namespaced": False},
        {"name": "pods", "kind": "PodMetrics", "namespaced": True},
        {"name": "pods/log", "kind": "PodMetrics", "namespaced": True},
    ],
}
DOCUMENT: dict[str, Any] = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "metrics.k8s.io"},
            "versions": [
                {"version": "v1", "resources": [{"resource": "others", "responseKind": {"kind": "Other"}}]},
                {
                    "version": "v1beta1",
                    "resources": [
                        {"resource": "nodes", "responseKind": {"kind": "NodeMetrics"}, "scope": "Cluster"},
                        {"resource": "pods", "responseKind": {"kind": "PodMetrics"}, "scope": "Namespaced"},
                        {"resource": "only-subresources", "scope": "Namespaced"},
                    ],
                },
            ],
        }
    ],
}
METRICS = [
    Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", False),
    Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", True),
]


def test_a_list_of_one_version() -> None:
    assert listed_resources(LIST) == METRICS
    assert listed_resources({"kind": "APIResourceList", "groupVersion": "v1"}) == []


def test_the_document_of_all_groups() -> None:
    assert aggregated_resources(DOCUMENT, "metrics.k8s.io", "v1beta1") == METRICS
    assert aggregated_resources(DOCUMENT, "metrics.k8s.io", "v2") == []
    assert aggregated_resources(DOCUMENT, "custom.metrics.k8s.io", "v1beta1") == []
    assert aggregated_resources({"kind": "APIGroupList", "groups": []}, "metrics.k8s.io", "v1beta1") == []
