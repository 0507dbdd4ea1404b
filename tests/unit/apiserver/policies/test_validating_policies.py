"""ValidatingAdmissionPolicy: what upstream's tests of it expect, at a server in the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.admission.notes import collect
from tests.unit.apiserver.policies.conftest import CONFIGMAPS, Body, Place

At = Callable[[Body], None]
FEW = {
    "validations": [
        {
            "expression": "object.spec.replicas > 1",
            "messageExpression": "'wants replicas > 1, got ' + string(object.spec.replicas)",
        }
    ]
}


def test_a_deployment_is_validated(at: At) -> None:
    async def body(place: Place) -> None:
        await place.policy("few", dict(FEW))
        with pytest.raises(ApiError) as refused:
            await place.deploy("one", 1)
        text = "ValidatingAdmissionPolicy 'few' with binding 'few' denied request: wants replicas > 1, got 1"
        assert (refused.value.code, refused.value.reason) == (422, "Invalid")
        assert refused.value.message == f'deployments.apps "one" is forbidden: {text}'
        assert refused.value.status()["details"]["causes"][0]["message"] == text
        assert (await place.deploy("two", 2)).object["spec"]["replicas"] == 2
        with pytest.raises(ApiError, match="got 0"):
            await place.patch("apps", "deployments", "two", {"spec": {"replicas": 0}}, "default")
        assert (await place.get("apps", "deployments", "two", "default"))["spec"]["replicas"] == 2

    at(body)


def test_expressions_refer_to_variables(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {
            "variables": [
                {"name": "replicas", "expression": "object.spec.replicas"},
                {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
                {"name": "failing", "expression": "object.spec.nothing"},
            ],
            "validations": [
                {"expression": "variables.replicas > 1", "message": "too few", "reason": "Forbidden"},
                {"expression": "variables.oddReplicas || object.metadata.name == 'any'"},
            ],
        }
        await place.policy("odd", spec)
        with pytest.raises(ApiError) as refused:
            await place.deploy("one", 1)
        assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
        with pytest.raises(ApiError) as refused:
            await place.deploy("four", 4)
        assert refused.value.message.endswith(
            "denied request: failed expression: variables.oddReplicas || object.metadata.name == 'any'"
        )
        await place.deploy("three", 3)

    at(body)


def test_an_expression_that_does_not_compile_is_refused_with_its_place(at: At) -> None:
    async def body(place: Place) -> None:
        with pytest.raises(ApiError) as refused:
            await place.policy("bad", {"validations": [{"expression": "object.x +"}, {"expression": "1 + 1"}]})
        assert (refused.value.code, refused.value.reason) == (422, "Invalid")
        causes = {cause.field: cause.message for cause in refused.value.causes}
        assert "compilation failed: ERROR: <input>:1:11: Syntax error" in causes["spec.validations[0].expression"]
        assert causes["spec.validations[1].expression"].endswith("must evaluate to bool but got int")

    at(body)


def test_types_are_checked_and_told_in_the_status(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {
            "validations": [{"expression": "object.spec.replicas == '1'"}, {"expression": "object.spec.replicas > 0"}]
        }
        await place.policy("typed", spec)
        status = (await place.get("admissionregistration.k8s.io", "validatingadmissionpolicies", "typed"))["status"]
        (warning,) = status["typeChecking"]["expressionWarnings"]
        assert status["observedGeneration"] == 1
        assert warning["fieldRef"] == "spec.validations[0].expression"
        assert warning["warning"].startswith(
            "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no"
        )
        await place.policy("fine", {"validations": [{"expression": "object.metadata.labels['a'] == 'b'"}]})
        fine = await place.get("admissionregistration.k8s.io", "validatingadmissionpolicies", "fine")
        assert fine["status"]["typeChecking"] == {}

    at(body)


def test_actions_warn_and_audit_do_not_deny(at: At) -> None:
    async def body(place: Place) -> None:
        await place.policy("few", dict(FEW), bind={"validationActions": ["Warn", "Audit"]})
        answer = await place.deploy("one", 1)
        (warning,) = [w for w in answer.warnings if "Validation failed" in w]
        assert warning == (
            "Validation failed for ValidatingAdmissionPolicy 'few' with binding 'few': wants replicas > 1, got 1"
        )

    at(body)


def test_failures_and_annotations_go_to_the_audit_log(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {
            **FEW,
            "auditAnnotations": [
                {"key": "count", "valueExpression": "string(object.spec.replicas)"},
                {"key": "none", "valueExpression": "null"},
            ],
        }
        await place.policy("few", spec, bind={"validationActions": ["Audit"]})
        notes: dict[str, str] = {}
        collect(notes)
        await place.deploy("one", 1)
        assert notes["few/count"] == "1"
        assert "few/none" not in notes
        (failure,) = json.loads(notes["validation.policy.admission.k8s.io/validation_failure"])
        assert failure == {
            "message": "wants replicas > 1, got 1",
            "policy": "few",
            "binding": "few",
            "expressionIndex": 0,
            "validationActions": ["Audit"],
        }

    at(body)


@pytest.mark.parametrize(("policy", "passes"), [("Fail", False), ("Ignore", True)])
def test_a_failing_expression_follows_the_failure_policy(at: At, policy: str, passes: bool) -> None:
    async def body(place: Place) -> None:
        spec = {"failurePolicy": policy, "validations": [{"expression": "object.spec.nothing == 1"}]}
        await place.policy("failing", spec)
        if passes:
            await place.deploy("one")
            return
        with pytest.raises(ApiError) as refused:
            await place.deploy("one")
        assert refused.value.message.endswith(
            "denied request: expression 'object.spec.nothing == 1' resulted in error: no such key: nothing"
        )

    at(body)


def test_match_conditions_skip_a_policy(at: At) -> None:
    async def body(place: Place) -> None:
        conditions = [
            {"name": "not-me", "expression": "request.userInfo.username != 'exempt'"},
            {"name": "named", "expression": "object.metadata.name.startsWith('x')"},
        ]
        spec: dict[str, Any] = {
            "matchConditions": conditions,
            "validations": [{"expression": "false", "message": "no"}],
        }
        await place.policy("never", spec, rules=CONFIGMAPS)
        await place.configure("allowed", {})
        with pytest.raises(ApiError, match="denied request: no"):
            await place.configure("x1", {})
        exempt = User("exempt", ("system:masters",))
        await place.configure("x2", {}, exempt)

    at(body)


def test_params_come_from_the_binding(at: At) -> None:
    async def body(place: Place) -> None:
        await place.configure("limit", {"max": "2"}, labels={"limits": "yes"})
        spec = {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "validations": [{"expression": "object.spec.replicas <= int(params.data.max)"}],
        }
        await place.policy("max", dict(spec), bind={"paramRef": {"name": "limit", "parameterNotFoundAction": "Deny"}})
        await place.deploy("two", 2)
        with pytest.raises(ApiError, match=r"failed expression: object\.spec\.replicas <= int"):
            await place.deploy("three", 3)
        await place.patch("", "configmaps", "limit", {"data": {"max": "5"}}, "default")
        await place.deploy("three", 3)
        await place.delete("", "configmaps", "limit", "default")
        with pytest.raises(
            ApiError, match="failed to configure binding: no params found for policy binding with `Deny`"
        ):
            await place.deploy("one", 1)

    at(body)


def test_params_are_selected_by_labels_and_may_be_missing(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "validations": [{"expression": "object.spec.replicas <= int(params.data.max)"}],
        }
        ref = {"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Allow"}
        await place.policy("max", spec, bind={"paramRef": ref})
        await place.deploy("nine", 9)
        await place.configure("a", {"max": "8"}, labels={"limits": "yes"})
        await place.configure("b", {"max": "3"}, labels={"limits": "yes"})
        with pytest.raises(ApiError, match="denied request"):
            await place.deploy("four", 4)
        await place.deploy("three", 3)

    at(body)


def test_selectors_rules_and_bindings_narrow_what_is_asked(at: At) -> None:
    async def body(place: Place) -> None:
        no = {"validations": [{"expression": "false", "message": "no"}]}
        selector = {"objectSelector": {"matchExpressions": [{"key": "guarded", "operator": "Exists"}]}}
        await place.policy("guarded", {**no, "matchConstraints": selector}, rules=CONFIGMAPS)
        elsewhere = {"matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}}
        await place.policy("elsewhere", dict(no), rules=CONFIGMAPS, bind=elsewhere)
        excluded = {"excludeResourceRules": [{**CONFIGMAPS[0], "operations": ["CREATE"]}]}
        await place.policy("updates", {**no, "matchConstraints": excluded}, rules=CONFIGMAPS)
        await place.configure("free", {})
        with pytest.raises(ApiError, match="'guarded'"):
            await place.configure("held", {}, labels={"guarded": "x"})
        with pytest.raises(ApiError, match="'updates'"):
            await place.patch("", "configmaps", "free", {"data": {"a": "b"}}, "default")
        with pytest.raises(ApiError, match="'updates'"):
            await place.delete("", "configmaps", "free", "default")
        await place.create("", "namespaces", {"metadata": {"name": "other"}})
        with pytest.raises(ApiError, match="'elsewhere'"):
            await place.create("", "configmaps", {"metadata": {"name": "c"}}, "other")

    at(body)


def test_an_expression_sees_the_request_the_old_object_the_namespace_and_rights(at: At) -> None:
    async def body(place: Place) -> None:
        checks = [
            "request.operation == 'UPDATE' ? oldObject.data.a == '1' && object.data.a == '2' : oldObject == null",
            "namespaceObject.metadata.name == request.namespace && request.name == object.metadata.name",
            "request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap' && request.kind.group == ''",
            "request.userInfo.groups.exists(g, g == 'system:masters') && !request.dryRun",
            "authorizer.group('').resource('secrets').namespace('default').check('delete').allowed()",
            "authorizer.requestResource.check('create').allowed()",
            "!authorizer.serviceAccount('default', 'none').path('/x').check('get').allowed()",
        ]
        spec = {"validations": [{"expression": text} for text in checks]}
        rules = [{**CONFIGMAPS[0], "operations": ["CREATE", "UPDATE"]}]
        await place.policy("all", spec, rules=rules)
        await place.configure("c", {"a": "1"})
        await place.patch("", "configmaps", "c", {"data": {"a": "2"}}, "default")
        with pytest.raises(ApiError, match=r"oldObject.data.a == '1'"):
            await place.patch("", "configmaps", "c", {"data": {"a": "3"}}, "default")

    at(body)


def test_policies_are_never_asked_about_policies(at: At) -> None:
    async def body(place: Place) -> None:
        everything = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]
        await place.policy("locked", {"validations": [{"expression": "false"}]}, rules=everything)
        with pytest.raises(ApiError):
            await place.configure("c", {})
        await place.delete("admissionregistration.k8s.io", "validatingadmissionpolicies", "locked")
        await place.settle()
        await place.configure("c", {})

    at(body)


def test_an_expensive_expression_is_stopped(at: At) -> None:
    async def body(place: Place) -> None:
        text = "lists.range(2000).all(x, lists.range(2000).all(y, x * y >= 0))"
        await place.policy("costly", {"validations": [{"expression": text}]}, rules=CONFIGMAPS)
        with pytest.raises(ApiError, match="operation cancelled: actual cost limit exceeded"):
            await place.configure("c", {})

    at(body)


def test_policies_are_in_force_after_a_restart(at: At) -> None:
    async def body(place: Place) -> None:
        await place.policy("few", dict(FEW))
        await place.server.stop()
        again = Place()
        await place.settle()
        again.store = place.store
        again.server = type(place.server)(
            place.store,
            scheme=place.server.scheme,
            clock=place.server.now,
            token=again._token,
            stored_kinds=True,
        )
        await again.server.start()
        try:
            with pytest.raises(ApiError, match="'few'"):
                await again.deploy("one", 1)
        finally:
            await again.server.stop()

    at(body)


def test_a_dry_run_is_asked_about_too(at: At) -> None:
    async def body(place: Place) -> None:
        await place.policy("dry", {"validations": [{"expression": "!request.dryRun"}]}, rules=CONFIGMAPS)
        with pytest.raises(ApiError, match=r"failed expression: !request\.dryRun"):
            await place.create("", "configmaps", {"metadata": {"name": "c"}}, "default", dry_run=True)

    at(body)
