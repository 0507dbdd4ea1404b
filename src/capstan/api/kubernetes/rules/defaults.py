"""The values that Kubernetes writes where a client left them out. Pure.

A table mirrors the object: a missing key gets its value; a nested object is filled in, and made when it is missing,
unless its key ends in `?`; a list of one table fills in every item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from capstan.api.kubernetes.rules.podspec import POD_SPEC
from capstan.api.objects import Obj

Table = Mapping[str, Any]


def filled(obj: Obj, table: Table) -> Obj:
    """`obj` with what `table` says of the keys that it lacks; the very object when it lacks nothing."""
    changed: Obj = {}
    for key, value in table.items():
        name = key.rstrip("?")
        present = obj.get(name)
        if present is None:
            if key == name:
                changed[name] = filled({}, value) if isinstance(value, dict) else value
            continue
        new = _filled_value(present, value)
        if new is not present:
            changed[name] = new
    return {**obj, **changed} if changed else obj


def _filled_value(present: Any, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(present, dict):
        return filled(present, value)
    if isinstance(value, list) and value and isinstance(value[0], dict) and isinstance(present, list):
        new = [filled(item, value[0]) if isinstance(item, dict) else item for item in present]
        return present if all(a is b for a, b in zip(new, present, strict=True)) else new
    return present


def _template(**more: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": POD_SPEC}, **more}}


_MATCH: Final = {
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "resourceRules?": [{"scope": "*"}],
    "excludeResourceRules?": [{"scope": "*"}],
}
_WEBHOOK: Final = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
    "rules?": [{"scope": "*"}],
    "clientConfig?": {"service?": {"port": 443}},
}
_ADMISSION: Final = "admissionregistration.k8s.io"
_STORAGE: Final = "storage.k8s.io"

DEFAULTS: Final[Mapping[tuple[str, str], Table]] = {
    ("", "PodTemplate"): {"template": {"spec": POD_SPEC}},
    ("", "ReplicationController"): {"spec": {"template?": {"spec": POD_SPEC}}},
    ("", "Endpoints"): {"subsets?": [{"ports?": [{"protocol": "TCP"}]}]},
    ("", "PersistentVolume"): {"spec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}},
    ("", "PersistentVolumeClaim"): {"spec": {"volumeMode": "Filesystem"}},
    ("", "LimitRange"): {"spec": {}},
    ("", "Pod"): {"spec": {**POD_SPEC, "enableServiceLinks": True}},
    ("apps", "Deployment"): _template(strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600, replicas=1),
    ("apps", "ReplicaSet"): _template(replicas=1),
    ("apps", "StatefulSet"): _template(
        replicas=1,
        podManagementPolicy="OrderedReady",
        updateStrategy={},
        revisionHistoryLimit=10,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
        **{"volumeClaimTemplates?": [{"spec": {"volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}]},
    ),
    ("apps", "DaemonSet"): _template(updateStrategy={}, revisionHistoryLimit=10),
    ("batch", "Job"): _template(
        backoffLimit=6, completionMode="NonIndexed", suspend=False, podReplacementPolicy="TerminatingOrFailed"
    ),
    ("batch", "CronJob"): {
        "spec": {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": {"template": {"spec": POD_SPEC}}},
        }
    },
    ("autoscaling", "HorizontalPodAutoscaler"): {"spec": {"minReplicas": 1}},
    ("networking.k8s.io", "NetworkPolicy"): {
        "spec": {
            "podSelector": {},
            "ingress?": [{"ports?": [{"protocol": "TCP"}]}],
            "egress?": [{"ports?": [{"protocol": "TCP"}]}],
        }
    },
    ("networking.k8s.io", "IngressClass"): {"spec?": {"parameters?": {"scope": "Cluster"}}},
    ("discovery.k8s.io", "EndpointSlice"): {"ports?": [{"name": "", "protocol": "TCP"}]},
    (_STORAGE, "StorageClass"): {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    (_STORAGE, "CSIDriver"): {
        "spec": {
            "attachRequired": True,
            "podInfoOnMount": False,
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "volumeLifecycleModes": ["Persistent"],
            "requiresRepublish": False,
            "seLinuxMount": False,
        }
    },
    ("scheduling.k8s.io", "PriorityClass"): {"preemptionPolicy": "PreemptLowerPriority"},
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): {"spec": {"matchingPrecedence": 1000}},
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): {
        "spec": {
            "limited?": {
                "nominalConcurrencyShares": 30,
                "lendablePercent": 0,
                "limitResponse?": {"queuing?": {"queues": 64, "handSize": 8, "queueLengthLimit": 50}},
            },
            "exempt?": {"nominalConcurrencyShares": 0, "lendablePercent": 0},
        }
    },
    (_ADMISSION, "ValidatingWebhookConfiguration"): {"webhooks?": [_WEBHOOK]},
    (_ADMISSION, "MutatingWebhookConfiguration"): {"webhooks?": [{**_WEBHOOK, "reinvocationPolicy": "Never"}]},
    (_ADMISSION, "ValidatingAdmissionPolicy"): {"spec": {"failurePolicy": "Fail", "matchConstraints?": _MATCH}},
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): {"spec": {"matchResources?": _MATCH}},
    (_ADMISSION, "MutatingAdmissionPolicy"): {"spec": {"failurePolicy": "Fail", "matchConstraints?": _MATCH}},
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): {"spec": {"matchResources?": _MATCH}},
    ("apiregistration.k8s.io", "APIService"): {"spec": {"service?": {"port": 443}}},
}
