"""Admission webhooks: what they are asked, what of their answers counts, and what is said when they fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.admission.notes import collect
from tests.unit.apiserver.webhooks.gate import CONFIGMAPS, GROUP, Gate, denied, patch, run


async def _refused(call: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        await call
    return refused.value


def test_the_question_is_complete() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook())
        user = User("ann", ("team", "system:masters"), "u1", {"k": ("v",)})
        await gate.configure("m", {"a": "1"}, user)
        await gate.patch("", "configmaps", "m", {"data": {"a": "2"}}, "default")
        await gate.delete("", "configmaps", "m", "default")
        created, updated, deleted = gate.asked
        kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
        resource = {"group": "", "version": "v1", "resource": "configmaps"}
        assert created["uid"] and len({r["uid"] for r in gate.asked}) == 3
        assert (created["kind"], created["requestKind"]) == (kind, kind)
        assert (created["resource"], created["requestResource"]) == (resource, resource)
        assert "subResource" not in created
        assert (created["name"], created["namespace"], created["operation"]) == ("m", "default", "CREATE")
        who = {"username": "ann", "uid": "u1", "groups": ["team", "system:masters"], "extra": {"k": ["v"]}}
        assert created["userInfo"] == who
        assert (created["object"]["data"], created["oldObject"], created["dryRun"]) == ({"a": "1"}, None, False)
        assert created["options"]["kind"] == "CreateOptions"
        assert (updated["object"]["data"], updated["oldObject"]["data"]) == ({"a": "2"}, {"a": "1"})
        assert (deleted["object"], deleted["oldObject"]["data"]) == (None, {"a": "2"})
        assert [r["operation"] for r in gate.asked] == ["CREATE", "UPDATE", "DELETE"]

    run(body)


@pytest.mark.parametrize(
    ("status", "code", "reason", "message"),
    [
        ({"message": "not here"}, 403, "Forbidden", ": not here"),
        ({"message": "odd", "code": 422, "reason": "Invalid"}, 422, "Invalid", ": odd"),
        ({"message": "odd", "code": 200}, 403, "Forbidden", ": odd"),
        ({"reason": "Conflict", "code": 409}, 409, "Conflict", ": Conflict"),
        ({}, 403, "Forbidden", " without explanation"),
    ],
)
def test_denials(status: Obj, code: int, reason: str, message: str) -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook())
        gate.decide = lambda _: {"allowed": False, "status": status}
        refused = await _refused(gate.configure("m", {}))
        assert (refused.code, refused.reason) == (code, reason)
        assert refused.message == f'admission webhook "w.example.com" denied the request{message}'

    run(body)


def test_the_first_denial_by_name_is_the_answer() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook("z.example.com"), name="b")
        await gate.configure_hooks("validating", gate.webhook("y.example.com"), name="a")
        gate.decide = lambda _: denied()
        assert '"y.example.com"' in (await _refused(gate.configure("m", {}))).message
        assert len(gate.asked) == 2

    run(body)


def test_long_denials_are_cut() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook())
        gate.decide = lambda _: denied("x" * 100_000)
        assert len((await _refused(gate.configure("m", {}))).message) < 1200

    run(body)


async def _redirect(request: web.Request, _review: Any) -> web.Response:
    return web.Response(status=302, headers={"Location": "https://169.254.169.254/latest/meta-data"})


async def _huge(_request: web.Request, _review: Any) -> web.Response:
    return web.Response(body=b'{"x":"' + b"y" * 9_000_000 + b'"}')


async def _nonsense(_request: web.Request, _review: Any) -> web.Response:
    return web.Response(text="[]")


async def _failing(_request: web.Request, _review: Any) -> web.Response:
    return web.Response(status=500, text="inner state " * 1000)


async def _wrong_uid(_request: web.Request, review: Any) -> web.Response:
    response = {"uid": "other", "allowed": True}
    return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})


async def _wrong_kind(_request: web.Request, review: Any) -> web.Response:
    response = {"uid": review["request"]["uid"], "allowed": True}
    return web.json_response({"apiVersion": "v1", "kind": "Review", "response": response})


async def _empty(_request: web.Request, review: Any) -> web.Response:
    return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview"})


async def _slow(_request: web.Request, _review: Any) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


BAD = [
    (_redirect, "redirects are not followed"),
    (_huge, "the answer is larger than"),
    (_nonsense, "not a JSON object"),
    (_failing, "the server answered 500"),
    (_wrong_uid, 'expected response.uid="'),
    (_wrong_kind, "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got v1, Kind=Review"),
    (_empty, "webhook response was absent"),
    (_slow, "context deadline exceeded"),
]


@pytest.mark.parametrize(("answer", "why"), BAD, ids=[f.__name__.strip("_") for f, _ in BAD])
def test_bad_answers_fail_closed_or_are_ignored(answer: Any, why: str) -> None:
    async def body(gate: Gate) -> None:
        ignored = gate.webhook("ignored.example.com", failurePolicy="Ignore", timeoutSeconds=1)
        await gate.configure_hooks("mutating", ignored, name="a")
        gate.answer = answer
        notes: dict[str, str] = {}
        collect(notes)
        await gate.configure("kept", {})
        assert notes == {"failed-open.mutation.webhook.admission.k8s.io/round_0_index_0": "ignored.example.com"}
        await gate.configure_hooks("validating", gate.webhook("closed.example.com", timeoutSeconds=1), name="b")
        refused = await _refused(gate.configure("m", {}))
        assert (refused.code, refused.reason) == (500, "InternalError")
        start = 'Internal error occurred: failed calling webhook "closed.example.com": '
        assert refused.message.startswith(start)
        assert why in refused.message
        assert len(refused.message) < 1500

    run(body)


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/x", "https://[::ffff:169.254.169.254]/", "https://0.0.0.0/", "https://[fe80::1]/"]
)
def test_addresses_of_metadata_are_never_called(url: str) -> None:
    async def body(gate: Gate) -> None:
        client = {"url": url, "caBundle": gate.hook.ca_bundle}
        await gate.configure_hooks("validating", gate.webhook(clientConfig=client))
        assert "is not allowed for webhooks" in (await _refused(gate.configure("m", {}))).message

    run(body)


REFUSED: list[tuple[Obj, str]] = [
    ({"clientConfig": {"url": "http://example.com/"}}, "'https' is the only allowed URL scheme"),
    ({"clientConfig": {"url": "file:///etc/passwd"}}, "'https' is the only allowed URL scheme"),
    ({"clientConfig": {"url": "unix:/run/x"}}, "host must be specified"),
    ({"clientConfig": {"url": "https://u:p@example.com/"}}, "user information is not permitted"),
    ({"clientConfig": {"url": "https://example.com/?a=b"}}, "query parameters are not permitted"),
    ({"clientConfig": {}}, "exactly one of url or service is required"),
    ({"clientConfig": {"url": "https://h/", "caBundle": "eA=="}}, "unable to load root certificates"),
    ({"clientConfig": {"service": {"name": "s", "namespace": "n", "port": 70000}}}, "between 1 and 65535"),
    ({"sideEffects": None}, "sideEffects: Required value"),
    ({"sideEffects": "Some"}, "Unsupported value"),
    ({"admissionReviewVersions": ["v2"]}, "must include at least one of v1, v1beta1"),
    ({"timeoutSeconds": 31}, "the timeout value must be between 1 and 30 seconds"),
    ({"failurePolicy": "Perhaps"}, "Unsupported value"),
    ({"matchPolicy": "Near"}, "Unsupported value"),
    ({"rules": [{**CONFIGMAPS, "operations": ["LOOK"]}]}, "Unsupported value"),
    ({"rules": [{**CONFIGMAPS, "apiGroups": ["*", "apps"]}]}, "if '*' is present"),
    ({"rules": [{**CONFIGMAPS, "scope": "Galaxy"}]}, "Unsupported value"),
    ({"matchConditions": [{"name": "a", "expression": "1 + 1"}]}, "must evaluate to bool"),
    ({"matchConditions": [{"name": "a", "expression": "nothing.x"}]}, "compilation failed"),
    ({"matchConditions": [{"name": "a", "expression": "true"}] * 2}, "Duplicate value"),
    ({"matchConditions": [{"expression": "true"}]}, "Required value"),
]


@pytest.mark.parametrize(("change", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_configurations_that_are_refused(change: Obj, why: str) -> None:
    async def body(gate: Gate) -> None:
        refused = await _refused(gate.configure_hooks("mutating", gate.webhook(**change)))
        assert refused.code in (400, 422)
        assert why in refused.message

    run(body)


IDENTITY: list[tuple[Obj, str]] = [
    ({"op": "replace", "path": "/metadata/name", "value": "other"}, "may not change metadata.name"),
    ({"op": "replace", "path": "/metadata/namespace", "value": "kube-system"}, "may not change metadata.namespace"),
    ({"op": "replace", "path": "/metadata/uid", "value": "x"}, "may not change metadata.uid"),
    ({"op": "replace", "path": "/kind", "value": "Secret"}, "may not change kind"),
    ({"op": "remove", "path": "/metadata"}, "left no metadata"),
    ({"op": "replace", "path": "/nothing/here", "value": 1}, "patched the object badly"),
]


@pytest.mark.parametrize(("operation", "why"), IDENTITY, ids=[why for _, why in IDENTITY])
def test_patches_that_make_another_object_are_refused(operation: Obj, why: str) -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("mutating", gate.webhook())
        gate.decide = lambda _: patch(operation)
        refused = await _refused(gate.configure("m", {}))
        assert refused.code == 500
        assert why in refused.message

    run(body)


def test_what_the_server_owns_is_not_patched() -> None:
    async def body(gate: Gate) -> None:
        rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}]
        await gate.configure_hooks("mutating", gate.webhook(rules=rules))
        gate.decide = lambda _: patch(
            {"op": "add", "path": "/metadata/deletionTimestamp", "value": "2026-01-01T00:00:00Z"},
            {"op": "add", "path": "/metadata/generation", "value": 77},
            {"op": "add", "path": "/metadata/creationTimestamp", "value": "2001-01-01T00:00:00Z"},
            {"op": "add", "path": "/status", "value": {"replicas": 9}},
        )
        made = (await gate.deploy("web")).object
        assert "deletionTimestamp" not in made["metadata"]
        assert (made["metadata"]["generation"], made["metadata"]["creationTimestamp"][:4]) == (1, "2026")
        assert not made.get("status")

    run(body)


def test_what_a_patch_makes_is_checked_and_belongs_to_the_manager_of_the_request() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("mutating", gate.webhook())
        gate.decide = lambda _: patch({"op": "add", "path": "/data", "value": {"not/a/key": "x"}})
        assert (await _refused(gate.configure("m", {}))).code == 422
        gate.decide = lambda _: patch({"op": "add", "path": "/data/added", "value": "x"})
        body = {"metadata": {"name": "m"}, "data": {"own": "1"}}
        made = (await gate.create("", "configmaps", body, "default", field_manager="ann")).object
        assert made["data"] == {"own": "1", "added": "x"}
        (entry,) = made["metadata"]["managedFields"]
        assert entry["manager"] == "ann"
        assert set(entry["fieldsV1"]["f:data"]) == {".", "f:own", "f:added"}

    run(body)


def test_deletes_can_be_denied_but_not_changed() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure("m", {})
        await gate.configure_hooks("mutating", gate.webhook())
        gate.decide = lambda _: patch({"op": "add", "path": "/data", "value": {}})
        refused = await _refused(gate.delete("", "configmaps", "m", "default"))
        assert "attempted to modify the object, which is not supported for this operation" in refused.message

    run(body)


def test_warnings_and_audit_annotations_get_through() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook())
        gate.decide = lambda _: {
            "allowed": True,
            "warnings": ["mind the gap", "mind the gap", "x" * 1000, "a\r\nb"],
            "auditAnnotations": {"seen": "yes"},
        }
        notes: dict[str, str] = {}
        collect(notes)
        answer = await gate.configure("m", {})
        assert answer.warnings == ("mind the gap", "x" * 256, "a  b")
        assert notes == {"w.example.com/seen": "yes"}

    run(body)


def test_dry_runs_need_webhooks_without_effects() -> None:
    async def body(gate: Gate) -> None:
        await gate.configure_hooks("validating", gate.webhook(sideEffects="NoneOnDryRun"))
        answer = await gate.create("", "configmaps", {"metadata": {"name": "m"}}, "default", dry_run=True)
        assert answer.object["metadata"]["name"] == "m"
        assert gate.asked[0]["dryRun"] is True

    run(body)


def test_webhooks_are_asked_again_when_others_changed_the_object_after_them() -> None:
    async def body(gate: Gate) -> None:
        first = gate.webhook("a.example.com", reinvocationPolicy="IfNeeded")
        first["clientConfig"] = {**first["clientConfig"], "url": gate.hook.url + "/first"}
        await gate.configure_hooks("mutating", first, gate.webhook("b.example.com"))

        def decide(request: Obj) -> Obj:
            data = request["object"].get("data") or {}
            count = int(data.get("count", "0")) + 1
            return patch({"op": "add", "path": "/data", "value": {"count": str(count)}})

        gate.decide = decide
        made = (await gate.configure("m", {"count": "0"})).object
        # The first, the second, and the first once more; never a third round.
        assert made["data"] == {"count": "3"}
        assert len(gate.asked) == 3

    run(body)


def test_selectors_and_conditions() -> None:
    async def body(gate: Gate) -> None:
        conditions = [
            {"name": "no-leases", "expression": "request.resource.resource != 'leases'"},
            {"name": "named", "expression": "object.metadata.name.startsWith('x')"},
        ]
        wanted = {
            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["default"]}]
        }
        labelled = {"matchLabels": {"a": "b"}}
        await gate.configure_hooks("validating", gate.webhook(namespaceSelector=wanted), name="a")
        await gate.configure_hooks("validating", gate.webhook(objectSelector=labelled), name="b")
        await gate.configure_hooks("validating", gate.webhook(matchConditions=conditions), name="c")
        await gate.configure("m", {})
        assert gate.asked == []
        await gate.configure("n", {}, labels={"a": "b"})
        await gate.configure("xo", {})
        body = {"metadata": {"name": "m"}}
        await gate.create("", "configmaps", body, "kube-public")
        assert [request["name"] for request in gate.asked] == ["n", "xo", "m"]

    run(body)


def test_a_condition_that_fails() -> None:
    async def body(gate: Gate) -> None:
        condition = [{"name": "c", "expression": "object.data.missing == 'x'"}]
        open_ = gate.webhook("open.example.com", matchConditions=condition, failurePolicy="Ignore")
        await gate.configure_hooks("validating", open_, name="a")
        await gate.configure("m", {"a": "b"})
        await gate.configure_hooks("validating", gate.webhook(matchConditions=condition), name="b")
        refused = await _refused(gate.configure("n", {"a": "b"}))
        assert (refused.code, refused.reason) == (403, "Forbidden")
        assert "resulted in error" in refused.message
        assert gate.asked == []

    run(body)


def test_a_scale_is_shown_as_a_scale_and_can_be_patched() -> None:
    async def body(gate: Gate) -> None:
        await gate.deploy("web", 1)
        rules = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["*/scale"]}]
        await gate.configure_hooks("mutating", gate.webhook(rules=rules))
        gate.decide = lambda _: patch({"op": "replace", "path": "/spec/replicas", "value": 5})
        answer = await gate.patch("apps", "deployments", "web", {"spec": {"replicas": 3}}, "default", "scale")
        assert answer.object["spec"] == {"replicas": 5}
        (asked,) = gate.asked
        assert asked["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        assert (asked["subResource"], asked["requestSubResource"]) == ("scale", "scale")
        assert (asked["object"]["spec"], asked["oldObject"]["spec"]) == ({"replicas": 3}, {"replicas": 1})
        assert (await gate.get("apps", "deployments", "web", "default"))["spec"]["replicas"] == 5

    run(body)


def test_the_kinds_that_decide_are_not_decided_about() -> None:
    async def body(gate: Gate) -> None:
        every = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]
        await gate.configure_hooks("validating", gate.webhook(rules=every), name="a")
        await gate.configure_hooks("mutating", gate.webhook(rules=every), name="b")
        gate.decide = lambda _: denied()
        assert (await _refused(gate.configure("m", {}))).code == 403
        patched = {"metadata": {"labels": {"a": "b"}}}
        for plural, name in (("validatingwebhookconfigurations", "a"), ("mutatingwebhookconfigurations", "b")):
            await gate.patch(GROUP, plural, name, patched)
            await gate.delete(GROUP, plural, name)
        await gate.settle()
        await gate.configure("m", {})

    run(body)


def test_services_are_found_by_their_endpoints() -> None:
    async def body(gate: Gate) -> None:
        spec = {"ports": [{"name": "https", "port": 443, "targetPort": 9443}]}
        await gate.create("", "services", {"metadata": {"name": "hook"}, "spec": spec}, "default")
        service = {"namespace": "default", "name": "hook", "path": "/here"}
        client = {"service": service, "caBundle": gate.hook.ca_bundle}
        await gate.configure_hooks("validating", gate.webhook(clientConfig=client))
        refused = await _refused(gate.configure("m", {}))
        assert 'service "hook" not found in namespace "default"' in refused.message
        labels = {"kubernetes.io/service-name": "hook"}
        ports = [{"name": "https", "port": gate.hook.port, "protocol": "TCP"}]
        endpoints = {"addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": ports}
        slices = {"metadata": {"name": "hook-1", "labels": labels}, **endpoints}
        await gate.create("discovery.k8s.io", "endpointslices", slices, "default")
        await gate.configure("m", {})
        assert len(gate.asked) == 1

    run(body)
