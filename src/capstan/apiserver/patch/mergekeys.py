"""Which lists of built-in kinds a strategic merge patch merges, and by which key (kubernetes-api.md A10).

The facts are the `patchStrategy` and `patchMergeKey` tags of the Kubernetes API types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capstan.api.objects import Obj


@dataclass(frozen=True, slots=True)
class Field:
    """How one field merges. Lists are replaced unless `merge`; `key` names the merge key of a list of
    objects (empty for a set of scalars). `fields` are those of the object, or of each item."""

    merge: bool = False
    key: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)

    def child(self, name: str) -> Field:
        return self.fields.get(name, PLAIN)


#: Objects merge, lists are replaced: the rule of every field that says nothing else.
PLAIN = Field()


def _by(key: str, **fields: Field) -> Field:
    return Field(True, key, fields)


def _object(**fields: Field) -> Field:
    return Field(fields=fields)


SET = Field(merge=True)

METADATA = _object(finalizers=SET, ownerReferences=_by("uid"))

_CONDITIONS = _by("type")
_CONTAINER = {
    "env": _by("name"),
    "ports": _by("containerPort"),
    "volumeDevices": _by("devicePath"),
    "volumeMounts": _by("mountPath"),
}
_POD_SPEC = _object(
    containers=_by("name", **_CONTAINER),
    ephemeralContainers=_by("name", **_CONTAINER),
    hostAliases=_by("ip"),
    imagePullSecrets=_by("name"),
    initContainers=_by("name", **_CONTAINER),
    resourceClaims=_by("name"),
    schedulingGates=_by("name"),
    topologySpreadConstraints=_by("topologyKey"),
    volumes=_by("name", projected=_object()),
)
_POD_TEMPLATE = _object(metadata=METADATA, spec=_POD_SPEC)
_WORKLOAD = {"spec": _object(template=_POD_TEMPLATE), "status": _object(conditions=_CONDITIONS)}

#: By (group, kind): the fields below the top level that merge; `metadata` is everyone's.
KINDS: dict[tuple[str, str], dict[str, Field]] = {
    ("", "ServiceAccount"): {"secrets": _by("name"), "imagePullSecrets": _by("name")},
    ("", "Pod"): {
        "spec": _POD_SPEC,
        "status": _object(
            conditions=_CONDITIONS, podIPs=_by("ip"), hostIPs=_by("ip"), resourceClaimStatuses=_by("name")
        ),
    },
    ("", "PodTemplate"): {"template": _POD_TEMPLATE},
    ("", "Node"): {
        "spec": _object(podCIDRs=SET),
        "status": _object(conditions=_CONDITIONS, addresses=_by("type")),
    },
    ("", "Namespace"): {"status": _object(conditions=_CONDITIONS)},
    ("", "Service"): {"spec": _object(ports=_by("port")), "status": _object(conditions=_CONDITIONS)},
    ("", "ReplicationController"): _WORKLOAD,
    ("apps", "Deployment"): _WORKLOAD,
    ("apps", "DaemonSet"): _WORKLOAD,
    ("apps", "ReplicaSet"): _WORKLOAD,
    ("apps", "StatefulSet"): _WORKLOAD,
    ("batch", "Job"): _WORKLOAD,
    ("batch", "CronJob"): {"spec": _object(jobTemplate=_object(metadata=METADATA, spec=_WORKLOAD["spec"]))},
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): {"webhooks": _by("name")},
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): {"webhooks": _by("name")},
}


def builtin_rules(group: str, kind: str) -> Field:
    """The merge rules of a built-in kind below the top level, metadata apart."""
    return Field(fields=KINDS.get((group, kind), {}))


def rules_of(obj: Obj, schema: dict[str, Any] | None) -> Field:
    """The merge rules of an object: those that `schema` states, else the built-in kind's."""
    if schema is not None and states_rules(schema):
        rules = from_schema(schema)
        return Field(fields={"metadata": METADATA, **rules.fields})
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    own = KINDS.get((group, str(obj.get("kind", ""))), {})
    return Field(fields={"metadata": METADATA, **own})


def states_rules(schema: Mapping[str, Any]) -> bool:
    """Whether a schema has patch extensions anywhere (`x-kubernetes-patch-strategy`)."""
    if "x-kubernetes-patch-strategy" in schema:
        return True
    parts = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(isinstance(part, dict) and states_rules(part) for part in parts)


def from_schema(schema: Mapping[str, Any]) -> Field:
    """The rules in a schema's `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`."""
    strategies = str(schema.get("x-kubernetes-patch-strategy", "")).split(",")
    items = schema.get("items")
    inner = items if isinstance(items, dict) else schema
    fields = {n: from_schema(s) for n, s in inner.get("properties", {}).items() if isinstance(s, dict)}
    telling = {n: f for n, f in fields.items() if f.merge or f.fields}
    return Field("merge" in strategies, str(schema.get("x-kubernetes-patch-merge-key", "")), telling)
