"""Protobuf bodies: messages written by Google's own encoder from descriptors that are stated here."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.errors import ApiError
from capstan.api.kubernetes.kinds import builtin_kinds
from capstan.api.kubernetes.messages import FORMS, message
from capstan.api.kubernetes.messages import SCALARS as PLAIN
from capstan.apiserver.protobuf import MAGIC, decode_body, message_of

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "bool": Field.TYPE_BOOL,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
    "double": Field.TYPE_DOUBLE,
}

#: message -> fields as `name type number`; a type in brackets repeats. Maps are repeated entries, as on the wire.
PROTO = {
    "Str": ["key string 1", "value string 2"],
    "Bin": ["key string 1", "value bytes 2"],
    "Qty": ["key string 1", "value Quantity 2"],
    "Quantity": ["string string 1"],
    "Time": ["seconds int64 1", "nanos int32 2"],
    "IntOrString": ["type int64 1", "intVal int32 2", "strVal string 3"],
    "Raw": ["Raw bytes 1"],
    "Owner": ["kind string 1", "name string 3", "uid string 4", "apiVersion string 5", "controller bool 6"],
    "Managed": ["manager string 1", "operation string 2", "apiVersion string 3", "time Time 4", "fieldsV1 Raw 7"],
    "Meta": [
        "name string 1",
        "generateName string 2",
        "namespace string 3",
        "selfLink string 4",
        "uid string 5",
        "resourceVersion string 6",
        "generation int64 7",
        "creationTimestamp Time 8",
        "labels [Str] 11",
        "annotations [Str] 12",
        "ownerReferences [Owner] 13",
        "finalizers [string] 14",
        "managedFields [Managed] 17",
    ],
    "ConfigMap": ["metadata Meta 1", "data [Str] 2", "binaryData [Bin] 3", "immutable bool 4"],
    "Secret": ["metadata Meta 1", "data [Bin] 2", "type string 3", "stringData [Str] 4", "immutable bool 5"],
    "NsSpec": ["finalizers [string] 1"],
    "NsStatus": ["phase string 1"],
    "Namespace": ["metadata Meta 1", "spec NsSpec 2", "status NsStatus 3"],
    "LeaseSpec": [
        "holderIdentity string 1",
        "leaseDurationSeconds int32 2",
        "acquireTime Time 3",
        "renewTime Time 4",
        "leaseTransitions int32 5",
    ],
    "Lease": ["metadata Meta 1", "spec LeaseSpec 2"],
    "Ref": ["kind string 1", "namespace string 2", "name string 3", "uid string 4"],
    "Source": ["component string 1", "host string 2"],
    "Event": [
        "metadata Meta 1",
        "involvedObject Ref 2",
        "reason string 3",
        "message string 4",
        "source Source 5",
        "firstTimestamp Time 6",
        "lastTimestamp Time 7",
        "count int32 8",
        "type string 9",
        "eventTime Time 10",
    ],
    "EmptyDir": ["medium string 1"],
    "VolumeSource": ["emptyDir EmptyDir 2"],
    "Volume": ["name string 1", "volumeSource VolumeSource 2"],
    "Get": ["path string 1", "port IntOrString 2"],
    "Handler": ["httpGet Get 2"],
    "Probe": ["handler Handler 1", "periodSeconds int32 4"],
    "Resources": ["limits [Qty] 1"],
    "Container": ["name string 1", "image string 2", "resources Resources 8", "livenessProbe Probe 10"],
    "PodSpec": ["volumes [Volume] 1", "containers [Container] 2", "terminationGracePeriodSeconds int64 4"],
    "Pod": ["metadata Meta 1", "spec PodSpec 2"],
    "Rule": ["verbs [string] 1", "apiGroups [string] 2", "resources [string] 3"],
    "Role": ["metadata Meta 1", "rules [Rule] 2"],
    "Attributes": ["namespace string 1", "verb string 2", "group string 3", "resource string 5"],
    "ReviewSpec": ["resourceAttributes Attributes 1"],
    "Review": ["metadata Meta 1", "spec ReviewSpec 2"],
    "Preconditions": ["uid string 1"],
    "DeleteOptions": [
        "gracePeriodSeconds int64 1",
        "preconditions Preconditions 2",
        "propagationPolicy string 4",
        "dryRun [string] 5",
    ],
    "Named": ["key string 1", "value Props 2"],
    "PropsOrArray": ["schema Props 1"],
    "PropsOrBool": ["allows bool 1", "schema Props 2"],
    "Props": [
        "type string 5",
        "default Raw 8",
        "minimum double 11",
        "enum [Raw] 20",
        "items PropsOrArray 24",
        "properties [Named] 29",
        "additionalProperties PropsOrBool 30",
        "keys [string] 41",
    ],
    "Validation": ["openAPIV3Schema Props 1"],
    "CrdVersion": ["name string 1", "served bool 2", "storage bool 3", "schema Validation 4"],
    "CrdSpec": ["group string 1", "scope string 4", "versions [CrdVersion] 7"],
    "Crd": ["metadata Meta 1", "spec CrdSpec 2"],
    "TypeMeta": ["apiVersion string 1", "kind string 2"],
    "Unknown": ["typeMeta TypeMeta 1", "raw bytes 2", "contentEncoding string 3", "contentType string 4"],
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="capstan_test.proto", package="t", syntax="proto2")
    for name, fields in PROTO.items():
        message = file.message_type.add(name=name)
        for text in fields:
            field_name, kind, number = text.split()
            field = message.field.add(name=field_name, number=int(number))
            field.label = Field.LABEL_REPEATED if kind.startswith("[") else Field.LABEL_OPTIONAL
            kind = kind.strip("[]")
            if kind in SCALARS:
                field.type = SCALARS[kind]
            else:
                field.type, field.type_name = Field.TYPE_MESSAGE, f".t.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}")) for name in PROTO}


CLASSES = _classes()


def _fill(message: Any, value: dict[str, Any]) -> Any:
    for name, part in value.items():
        if isinstance(part, dict):
            inner = getattr(message, name)
            inner.SetInParent()
            _fill(inner, part)
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            for item in part:
                _fill(getattr(message, name).add(), item)
        elif isinstance(part, list):
            getattr(message, name).extend(part)
        else:
            setattr(message, name, part)
    return message


def _body(api_version: str, kind: str, message: str, value: dict[str, Any]) -> bytes:
    raw = _fill(CLASSES[message](), value).SerializeToString()
    envelope = {"typeMeta": {"apiVersion": api_version, "kind": kind}, "raw": raw}
    return MAGIC + bytes(_fill(CLASSES["Unknown"](), envelope).SerializeToString())


def _decoded(api_version: str, kind: str, message: str, value: dict[str, Any]) -> dict[str, Any]:
    obj = decode_body(_body(api_version, kind, message, value))
    assert (obj.pop("apiVersion"), obj.pop("kind")) == (api_version, kind)
    return obj


#: What Go clients write for an empty ObjectMeta: every plain field, empty.
GO_META = {
    "name": "x",
    "generateName": "",
    "namespace": "",
    "selfLink": "",
    "uid": "",
    "resourceVersion": "",
    "generation": 0,
    "creationTimestamp": {},
}


def test_config_maps_and_secrets() -> None:
    value = {
        "metadata": {**GO_META, "labels": [{"key": "a", "value": "b"}, {"key": "empty", "value": ""}]},
        "data": [{"key": "k", "value": "v"}],
        "binaryData": [{"key": "b", "value": b"\x00\xff"}],
        "immutable": False,
    }
    assert _decoded("v1", "ConfigMap", "ConfigMap", value) == {
        "metadata": {"name": "x", "labels": {"a": "b", "empty": ""}},
        "data": {"k": "v"},
        "binaryData": {"b": base64.b64encode(b"\x00\xff").decode()},
        "immutable": False,
    }
    secret = {"metadata": GO_META, "data": [{"key": "p", "value": b"word"}], "type": "Opaque"}
    assert _decoded("v1", "Secret", "Secret", secret) == {
        "metadata": {"name": "x"},
        "data": {"p": "d29yZA=="},
        "type": "Opaque",
    }


def test_metadata() -> None:
    meta = {
        **GO_META,
        "creationTimestamp": {"seconds": 1767225600},
        "generation": 3,
        "ownerReferences": [{"kind": "K", "name": "n", "uid": "u", "apiVersion": "a/v1", "controller": True}],
        "finalizers": ["a/b"],
        "managedFields": [{"manager": "m", "fieldsV1": {"Raw": b'{"f:data":{}}'}}],
    }
    assert _decoded("v1", "ConfigMap", "ConfigMap", {"metadata": meta})["metadata"] == {
        "name": "x",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 3,
        "ownerReferences": [{"kind": "K", "name": "n", "uid": "u", "apiVersion": "a/v1", "controller": True}],
        "finalizers": ["a/b"],
        "managedFields": [{"manager": "m", "fieldsV1": {"f:data": {}}}],
    }


def test_leases_have_microseconds() -> None:
    spec = {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "renewTime": {"seconds": 1767225600, "nanos": 1234000},
        "leaseTransitions": 0,
    }
    assert _decoded("coordination.k8s.io/v1", "Lease", "Lease", {"spec": spec})["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-01-01T00:00:00.001234Z",
        "leaseTransitions": 0,
    }


def test_events() -> None:
    event = {
        "metadata": GO_META,
        "involvedObject": {"kind": "Machine", "namespace": "ns", "name": "m", "uid": ""},
        "reason": "R",
        "message": "said",
        "source": {"component": "c", "host": ""},
        "lastTimestamp": {"seconds": 1767225600},
        "firstTimestamp": {},
        "count": 2,
        "type": "Normal",
        "eventTime": {},
    }
    found = _decoded("v1", "Event", "Event", event)
    assert found["involvedObject"] == {"kind": "Machine", "namespace": "ns", "name": "m"}
    assert found["lastTimestamp"] == "2026-01-01T00:00:00Z"
    assert "firstTimestamp" not in found
    assert "eventTime" not in found
    assert (found["count"], found["type"], found["source"]) == (2, "Normal", {"component": "c"})


def test_pods_inline_what_json_inlines() -> None:
    spec = {
        "volumes": [{"name": "tmp", "volumeSource": {"emptyDir": {"medium": ""}}}],
        "containers": [
            {
                "name": "c",
                "image": "i",
                "resources": {"limits": [{"key": "cpu", "value": {"string": "500m"}}]},
                "livenessProbe": {
                    "handler": {"httpGet": {"path": "/", "port": {"type": 1, "strVal": "http"}}},
                    "periodSeconds": 10,
                },
            }
        ],
        "terminationGracePeriodSeconds": 0,
    }
    assert _decoded("v1", "Pod", "Pod", {"metadata": GO_META, "spec": spec})["spec"] == {
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [
            {
                "name": "c",
                "image": "i",
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 10},
            }
        ],
        "terminationGracePeriodSeconds": 0,
    }


def test_roles_reviews_and_options() -> None:
    role = {"metadata": GO_META, "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}
    assert _decoded("rbac.authorization.k8s.io/v1", "Role", "Role", role)["rules"] == [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    ]
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": ""}}}
    found = _decoded("authorization.k8s.io/v1", "SelfSubjectAccessReview", "Review", review)
    assert found["spec"] == {"resourceAttributes": {"verb": "get", "resource": "secrets"}}
    options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background", "preconditions": {"uid": "u"}}
    for api_version in ("v1", "meta.k8s.io/v1", "coordination.k8s.io/v1"):
        assert _decoded(api_version, "DeleteOptions", "DeleteOptions", options) == options


def test_definitions() -> None:
    schema = {
        "type": "object",
        "properties": [
            {"key": "size", "value": {"type": "integer", "default": {"Raw": b"3"}, "minimum": 0.0}},
            {"key": "list", "value": {"type": "array", "items": {"schema": {"type": "string"}}}},
            {"key": "free", "value": {"additionalProperties": {"allows": True}}},
            {"key": "map", "value": {"additionalProperties": {"allows": True, "schema": {}}}},
            {"key": "enum", "value": {"enum": [{"Raw": b'"a"'}, {"Raw": b"1"}], "keys": ["k"]}},
        ],
    }
    spec = {
        "group": "g",
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": False, "schema": {"openAPIV3Schema": schema}}],
    }
    found = _decoded("apiextensions.k8s.io/v1", "CustomResourceDefinition", "Crd", {"spec": spec})["spec"]["versions"][
        0
    ]
    assert (found["served"], found["storage"]) == (True, False)
    assert found["schema"]["openAPIV3Schema"]["properties"] == {
        "size": {"type": "integer", "default": 3, "minimum": 0},
        "list": {"type": "array", "items": {"type": "string"}},
        "free": {"additionalProperties": True},
        "map": {"additionalProperties": {}},
        "enum": {"enum": ["a", 1], "x-kubernetes-list-map-keys": ["k"]},
    }


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("apps/v1beta1", "Deployment"),
        ("example.com/v1", "Widget"),
        ("v1", "Container"),
        ("v1", "PodTemplateSpec"),
        ("autoscaling/v3", "HorizontalPodAutoscaler"),
        ("v1", ""),
    ],
)
def test_kinds_that_are_not_known_are_415(api_version: str, kind: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_body(_body(api_version, kind, "ConfigMap", {}))
    assert caught.value.code == 415
    assert (f"{kind} in {api_version}" if kind else "without a kind") in caught.value.message


def test_other_bytes_are_400() -> None:
    with pytest.raises(ApiError) as caught:
        decode_body(b"{}")
    assert caught.value.code == 400


def test_every_type_that_a_kind_contains_is_known() -> None:
    seen: set[str] = set()
    todo = [kind.message for kind in builtin_kinds()] + ["autoscaling.Scale", "meta.Status", "meta.DeleteOptions"]
    assert all(message_of(kind.api_version, kind.kind) == kind.message for kind in builtin_kinds())
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        numbers = [field.number for field in message(name).fields]
        assert len(set(numbers)) == len(numbers), name
        for field in message(name).fields:
            if field.type not in PLAIN and field.type not in FORMS:
                todo.append(field.type)
    assert len(seen) > 450


@given(st.binary(max_size=200), st.sampled_from(["ConfigMap", "Pod", "Event"]))
def test_any_bytes_give_an_object_or_a_refusal(raw: bytes, kind: str) -> None:
    envelope = {"typeMeta": {"apiVersion": "v1", "kind": kind}, "raw": raw}
    body = MAGIC + CLASSES["Unknown"].SerializeToString(_fill(CLASSES["Unknown"](), envelope))
    for candidate in (body, MAGIC + raw):
        try:
            assert decode_body(candidate)["kind"] == kind
        except ApiError as refused:
            assert refused.code in (400, 415)


def test_deep_messages_are_refused() -> None:
    props: dict[str, Any] = {}
    for _ in range(60):
        props = {"items": {"schema": props}}
    spec = {"versions": [{"name": "v", "schema": {"openAPIV3Schema": props}}]}
    with pytest.raises(ApiError) as caught:
        _decoded("apiextensions.k8s.io/v1", "CustomResourceDefinition", "Crd", {"spec": spec})
    assert caught.value.code == 400
