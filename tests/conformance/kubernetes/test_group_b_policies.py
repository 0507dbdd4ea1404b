"""Group B: admission policies that are asked about Deployments, which this server only stores."""

from __future__ import annotations

from typing import Any

from tests.conformance.kubernetes.definitions import soon
from tests.conformance.kubernetes.harness import Kube, Obj, Refused

GROUP = "admissionregistration.k8s.io/v1"


def _deployment(name: str, replicas: int) -> Obj:
    labels = {"app": "nginx"}
    pod = {"containers": [{"name": "nginx", "image": "nginx"}]}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _matches(kube: Kube) -> Obj:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    chosen = {"matchLabels": {"kubernetes.io/metadata.name": kube.namespace}}
    return {"resourceRules": [rule], "namespaceSelector": chosen}


async def _policy(kube: Kube, sort: str, spec: Obj, **bound: Any) -> None:
    """A policy and what binds it."""
    plural = f"{sort}admissionpolic"
    name = f"{kube.namespace}.policy.example.com"
    whole = {"metadata": {"name": name}, "spec": {"matchConstraints": _matches(kube), **spec}}
    await kube.create(f"/apis/{GROUP}/{plural}ies", whole)
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, **bound}}
    await kube.create(f"/apis/{GROUP}/{plural}ybindings", binding)


async def _validates(kube: Kube, spec: Obj) -> None:
    """Deployments of one replica are refused, as soon as the policy is known; those of two are let in."""
    await _policy(kube, "validating", spec, validationActions=["Deny"])
    path = kube.path("apps/v1", "deployments")

    async def refused() -> str:
        try:
            await kube.create(path, _deployment("marker", 1), dryRun="All")
        except Refused as answer:
            assert (answer.answer.status, answer.answer.body["reason"]) == (422, "Invalid")
            return str(answer.answer.body["message"])
        return ""

    message = await soon(refused, "the policy never denied")
    assert "ValidatingAdmissionPolicy" in message and "denied request" in message
    assert (await kube.create(path, _deployment("replicated", 2)))["spec"]["replicas"] == 2


def test_validates_a_deployment(against: Any) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment"""

    async def body(kube: Kube) -> None:
        rules = [
            {"expression": "object.spec.replicas > 1", "messageExpression": "'wants replicas, has ' + string(1)"},
            {"expression": "namespaceObject.metadata.name == object.metadata.namespace"},
        ]
        await _validates(kube, {"validations": rules})

    against(body)


def test_validates_with_variables(against: Any) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer
    variables."""

    async def body(kube: Kube) -> None:
        variables = [
            {"name": "replicas", "expression": "object.spec.replicas"},
            {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
        ]
        rules = [{"expression": "variables.replicas > 1"}, {"expression": "!variables.oddReplicas"}]
        await _validates(kube, {"variables": variables, "validations": rules})

    against(body)


async def _mutates(kube: Kube, spec: Obj) -> None:
    await _policy(kube, "mutating", {"reinvocationPolicy": "Never", "failurePolicy": "Fail", **spec})
    path = kube.path("apps/v1", "deployments")

    async def changed() -> Obj:
        made: Obj = await kube.create(path, _deployment("replicated", 1), dryRun="All")
        return made if made["metadata"]["labels"].get("environment") else {}

    made = await soon(changed, "the policy never changed anything")
    assert made["metadata"]["labels"] == {"app": "nginx", "environment": "test"}
    assert made["spec"]["replicas"] == 1


def test_mutates_a_deployment(against: Any) -> None:
    """[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment"""

    async def body(kube: Kube) -> None:
        expression = 'Object{metadata: Object.metadata{labels: {"environment": "test"}}}'
        change = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
        await _mutates(kube, {"mutations": [change]})

    against(body)


def test_mutates_with_variables(against: Any) -> None:
    """[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with
    variables"""

    async def body(kube: Kube) -> None:
        expression = '[JSONPatch{op: "add", path: "/metadata/labels/environment", value: variables.environment}]'
        await _mutates(
            kube,
            {
                "variables": [{"name": "environment", "expression": "'te' + 'st'"}],
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
            },
        )

    against(body)
