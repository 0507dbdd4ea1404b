"""The least that an object of each built-in kind must say, by group and kind."""

from __future__ import annotations

import base64
from typing import Any

POD = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
SELECTOR = {"matchLabels": {"app": "a"}}
JOB_POD = {**POD, "restartPolicy": "Never"}
WORKLOAD = {"spec": {"selector": SELECTOR, "template": TEMPLATE}}
CSR = base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\n").decode()
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
WEBHOOK = {
    "name": "a.example.com",
    "clientConfig": {"url": "https://example.com"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "rules": [RULE],
}
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
ADMISSION, NETWORK, STORAGE = "admissionregistration.k8s.io", "networking.k8s.io", "storage.k8s.io"
FLOW, RBAC = "flowcontrol.apiserver.k8s.io", "rbac.authorization.k8s.io"

EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("", "Event"): {"involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}},
    ("", "Pod"): {"spec": POD},
    ("", "PodTemplate"): {"template": {"spec": POD}},
    ("", "Service"): {"spec": {"ports": [{"port": 80}]}},
    ("", "ReplicationController"): {"spec": {"template": TEMPLATE}},
    ("apps", "ControllerRevision"): {"revision": 1, "data": {"a": "b"}},
    ("apps", "DaemonSet"): WORKLOAD,
    ("apps", "Deployment"): WORKLOAD,
    ("apps", "ReplicaSet"): WORKLOAD,
    ("apps", "StatefulSet"): WORKLOAD,
    ("batch", "CronJob"): {"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": JOB_POD}}}}},
    ("batch", "Job"): {"spec": {"template": {"spec": JOB_POD}}},
    ("autoscaling", "HorizontalPodAutoscaler"): {
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}}
    },
    (NETWORK, "Ingress"): {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
    (NETWORK, "IPAddress"): {"spec": {"parentRef": {"resource": "services", "name": "s"}}},
    (NETWORK, "ServiceCIDR"): {"spec": {"cidrs": ["10.1.0.0/24"]}},
    ("discovery.k8s.io", "EndpointSlice"): {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]},
    (STORAGE, "StorageClass"): {"provisioner": "p"},
    (STORAGE, "CSINode"): {"spec": {"drivers": [{"name": "d", "nodeID": "n"}]}},
    (STORAGE, "CSIStorageCapacity"): {"storageClassName": "s"},
    (STORAGE, "VolumeAttachment"): {
        "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
    },
    (STORAGE, "VolumeAttributesClass"): {"driverName": "d", "parameters": {"a": "b"}},
    ("node.k8s.io", "RuntimeClass"): {"handler": "h"},
    ("certificates.k8s.io", "CertificateSigningRequest"): {
        "spec": {"request": CSR, "signerName": "example.com/s", "usages": ["digital signature"]}
    },
    ("certificates.k8s.io", "ClusterTrustBundle"): {"spec": {"trustBundle": "-----BEGIN CERTIFICATE-----\n"}},
    (FLOW, "FlowSchema"): {"spec": {"priorityLevelConfiguration": {"name": "exempt"}}},
    (FLOW, "PriorityLevelConfiguration"): {
        "spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    },
    (ADMISSION, "MutatingWebhookConfiguration"): {"webhooks": [WEBHOOK]},
    (ADMISSION, "ValidatingWebhookConfiguration"): {"webhooks": [WEBHOOK]},
    (ADMISSION, "ValidatingAdmissionPolicy"): {
        "spec": {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
    },
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): {"spec": {"policyName": "p", "validationActions": ["Deny"]}},
    (ADMISSION, "MutatingAdmissionPolicy"): {
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}],
        }
    },
    (ADMISSION, "MutatingAdmissionPolicyBinding"): {"spec": {"policyName": "p"}},
    ("apiregistration.k8s.io", "APIService"): {
        "spec": {
            "group": "example.com",
            "version": "v1",
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "service": {"namespace": "default", "name": "s"},
        }
    },
    (RBAC, "RoleBinding"): {"roleRef": ROLE_REF},
    (RBAC, "ClusterRoleBinding"): {"roleRef": ROLE_REF},
    ("storagemigration.k8s.io", "StorageVersionMigration"): {"spec": {"resource": {"resource": "secrets"}}},
    ("resource.k8s.io", "ResourceSlice"): {
        "spec": {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}}
    },
}

#: Kinds whose names have a form.
NAMES = {
    (NETWORK, "IPAddress"): ("10.0.0.1", "10.0.0.2"),
    ("apiregistration.k8s.io", "APIService"): ("v1.example.com", "v2.example.com"),
}
