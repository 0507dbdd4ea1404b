"""The policy file: which rule decides, and what is no policy."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from capstan.api.verbs import User
from capstan.apiserver.audit.policy import DEFAULT_POLICY, PolicyError, parse_policy
from capstan.apiserver.exchange import Request
from capstan.apiserver.requestinfo import request_info

POLICY = parse_policy(
    yaml.safe_load(
        """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
  resources: [{group: "", resources: [endpoints, services]}]
- level: None
  userGroups: [system:authenticated]
  nonResourceURLs: ["/api*", /version]
- level: Request
  resources: [{group: "", resources: [configmaps], resourceNames: [one]}]
  namespaces: [kube-system]
- level: RequestResponse
  resources: [{group: apps, resources: ["*/scale", deployments]}]
  omitManagedFields: true
- level: Metadata
  omitStages: [ResponseStarted]
"""
    )
)


@pytest.mark.parametrize(
    ("method", "path", "user", "level"),
    [
        ("GET", "/api/v1/services?watch", User("system:kube-proxy"), "None"),
        ("GET", "/api/v1/services", User("system:kube-proxy"), "Metadata"),
        ("GET", "/api/v1/pods?watch", User("system:kube-proxy"), "Metadata"),
        ("GET", "/api/v1", User("a", ("system:authenticated",)), "None"),
        ("GET", "/version", User("a", ("system:authenticated",)), "None"),
        ("GET", "/version", User("a"), "Metadata"),
        ("GET", "/version", None, "Metadata"),
        ("GET", "/api/v1/namespaces/kube-system/configmaps/one", User("a"), "Request"),
        ("GET", "/api/v1/namespaces/kube-system/configmaps/two", User("a"), "Metadata"),
        ("GET", "/api/v1/namespaces/default/configmaps/one", User("a"), "Metadata"),
        ("PATCH", "/apis/apps/v1/namespaces/x/deployments/y", User("a"), "RequestResponse"),
        ("PATCH", "/apis/apps/v1/namespaces/x/deployments/y/scale", User("a"), "RequestResponse"),
        ("PATCH", "/apis/apps/v1/namespaces/x/deployments/y/status", User("a"), "Metadata"),
        ("PATCH", "/apis/other/v1/namespaces/x/deployments/y", User("a"), "Metadata"),
    ],
)
def test_the_first_rule_that_matches_decides(method: str, path: str, user: User | None, level: str) -> None:
    path, _, watch = path.partition("?")
    info = request_info(Request(method, path, {"watch": ["true"]} if watch else {}))
    verdict = POLICY.decide(user, info)
    assert verdict.level == level
    if level != "None":
        assert "RequestReceived" in verdict.omit_stages
        assert verdict.omit_managed_fields is (level == "RequestResponse")


@pytest.mark.parametrize(
    ("method", "path", "level"),
    [
        ("GET", "/api/v1/namespaces/x/configmaps/y", "None"),
        ("GET", "/api/v1/namespaces/x/secrets", "Metadata"),
        ("POST", "/api/v1/namespaces/x/secrets", "Metadata"),
        ("POST", "/api/v1/namespaces/x/configmaps", "Metadata"),
        ("DELETE", "/api/v1/namespaces/x", "Metadata"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/x/leases/y", "None"),
        ("POST", "/api/v1/namespaces/x/events", "None"),
        ("GET", "/version", "None"),
    ],
)
def test_without_a_file(method: str, path: str, level: str) -> None:
    assert DEFAULT_POLICY.decide(User("a"), request_info(Request(method, path))).level == level


RULE = {"level": "Metadata"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"apiVersion": "audit.k8s.io/v1beta1"}, "audit.k8s.io/v1"),
        ({"kind": "List"}, "Policy"),
        ({"rules": []}, "at least one rule"),
        ({"rules": "x"}, "at least one rule"),
        ({"rulez": []}, "'rulez'"),
        ({"omitStages": ["Never"]}, "'Never'"),
        ({"rules": [{"level": "All"}]}, r"rules\[0\].level"),
        ({"rules": [RULE, {**RULE, "user": ["x"]}]}, r"rules\[1\].*'user'"),
        ({"rules": [{**RULE, "verbs": "get"}]}, r"rules\[0\].verbs"),
        ({"rules": [{**RULE, "resources": [{"resourceNames": ["x"]}]}]}, "need resources"),
        ({"rules": [{**RULE, "resources": ["x"]}]}, "must be an object"),
        ({"rules": [{**RULE, "resources": [{"group": 1}]}]}, "must be a string"),
        ({"rules": [{**RULE, "nonResourceURLs": ["/x"], "namespaces": ["y"]}]}, "either"),
        ({"rules": ["x"]}, "must be an object"),
    ],
)
def test_what_is_no_policy(change: dict[str, Any], where: str) -> None:
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [RULE], **change}
    with pytest.raises(PolicyError, match=where):
        parse_policy(document)
    with pytest.raises(PolicyError):
        parse_policy(None)
