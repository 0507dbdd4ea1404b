"""Group B: kinds that are only stored take the whole course of API operations. The ids are the upstream names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.kubernetes.certificates import certificate
from tests.conformance.kubernetes.harness import Kube
from tests.conformance.kubernetes.operations import Course, walk

CONDITION = {
    "type": "StatusUpdate",
    "status": "True",
    "reason": "E2E",
    "message": "Set from an e2e test",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
_POD = {"containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}
_RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
_BACKEND = {"service": {"name": "default-backend", "port": {"number": 80}}}
_ADMISSION, _NETWORK, _STORAGE = "admissionregistration.k8s.io/v1", "networking.k8s.io/v1", "storage.k8s.io/v1"
_FLOW = "flowcontrol.apiserver.k8s.io/v1"

COURSES = {
    "[sig-api-machinery] API priority and fairness should support FlowSchema API operations": Course(
        _FLOW,
        "flowschemas",
        "FlowSchema",
        {
            "spec": {
                "matchingPrecedence": 10000,
                "priorityLevelConfiguration": {"name": "global-default"},
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [
                    {
                        "subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
                        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                    }
                ],
            }
        },
        namespaced=False,
        status={"conditions": [{**CONDITION, "type": "Dangling"}]},
        annotates_status=False,
    ),
    "[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations": Course(
        _FLOW,
        "prioritylevelconfigurations",
        "PriorityLevelConfiguration",
        {
            "spec": {
                "type": "Limited",
                "limited": {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}},
            }
        },
        namespaced=False,
        status={"conditions": [CONDITION]},
        annotates_status=False,
    ),
    "[sig-api-machinery] ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations": Course(
        _ADMISSION,
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        {
            "spec": {
                "matchConstraints": {"resourceRules": [_RULE]},
                "validations": [{"expression": "object.spec.replicas <= 5"}],
            }
        },
        namespaced=False,
        status={"conditions": [CONDITION]},
        annotates_status=False,
    ),
    "[sig-api-machinery] ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations": (
        Course(
            _ADMISSION,
            "validatingadmissionpolicybindings",
            "ValidatingAdmissionPolicyBinding",
            {"spec": {"policyName": "replicalimit-policy.example.com", "validationActions": ["Deny"]}},
            namespaced=False,
        )
    ),
    "[sig-api-machinery] MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations": Course(
        _ADMISSION,
        "mutatingadmissionpolicies",
        "MutatingAdmissionPolicy",
        {
            "spec": {
                "matchConstraints": {"resourceRules": [_RULE]},
                "reinvocationPolicy": "Never",
                "mutations": [
                    {
                        "patchType": "ApplyConfiguration",
                        "applyConfiguration": {"expression": 'Object{metadata: Object.metadata{labels: {"a": "b"}}}'},
                    }
                ],
            }
        },
        namespaced=False,
    ),
    "[sig-api-machinery] MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations": Course(
        _ADMISSION,
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        {"spec": {"policyName": "policy.example.com"}},
        namespaced=False,
    ),
    "[sig-api-machinery] StorageVersionMigration should support StorageVersionMigration CRUD operations": Course(
        "storagemigration.k8s.io/v1",
        "storageversionmigrations",
        "StorageVersionMigration",
        {"spec": {"resource": {"group": "", "resource": "configmaps"}}},
        namespaced=False,
        status={"conditions": [{**CONDITION, "type": "Running"}]},
        annotates_status=False,
    ),
    "[sig-auth] ClusterTrustBundle should support CRUD operations": Course(
        "certificates.k8s.io/v1",
        "clustertrustbundles",
        "ClusterTrustBundle",
        {"spec": {"trustBundle": certificate().decode()}},
        namespaced=False,
    ),
    "[sig-apps] CronJob should support CronJob API operations": Course(
        "batch/v1",
        "cronjobs",
        "CronJob",
        {
            "spec": {
                "schedule": "* */1 * * ?",
                "concurrencyPolicy": "Allow",
                "jobTemplate": {"spec": {"template": {"spec": {**_POD, "restartPolicy": "OnFailure"}}}},
            }
        },
        status={"lastScheduleTime": "2026-01-01T00:00:00Z"},
    ),
    "[sig-network] EndpointSlice should support creating EndpointSlice API operations": Course(
        "discovery.k8s.io/v1",
        "endpointslices",
        "EndpointSlice",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"], "conditions": {"ready": True}}]},
    ),
    "[sig-network] Ingress API should support creating Ingress API operations": Course(
        _NETWORK,
        "ingresses",
        "Ingress",
        {
            "spec": {
                "defaultBackend": _BACKEND,
                "rules": [
                    {"host": "foo", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": _BACKEND}]}}
                ],
            }
        },
        status={"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}},
    ),
    "[sig-network] IngressClass API should support creating IngressClass API operations": Course(
        _NETWORK, "ingressclasses", "IngressClass", {"spec": {"controller": "example.com/controller"}}, namespaced=False
    ),
    "[sig-network] Service CIDRs and IPAddress API should support IPAddress API operations": Course(
        _NETWORK,
        "ipaddresses",
        "IPAddress",
        {"spec": {"parentRef": {"resource": "services", "name": "test-service", "namespace": "default"}}},
        namespaced=False,
        names=("192.168.1.1", "192.168.1.2", "2001:db8::1"),
    ),
    "[sig-network] Service CIDRs and IPAddress API should support ServiceCIDR API operations": Course(
        _NETWORK,
        "servicecidrs",
        "ServiceCIDR",
        {"spec": {"cidrs": ["10.200.0.0/24"]}},
        namespaced=False,
        status={"conditions": [{**CONDITION, "type": "Ready", "status": "False"}]},
    ),
    "[sig-node] RuntimeClass should support RuntimeClasses API operations": Course(
        "node.k8s.io/v1", "runtimeclasses", "RuntimeClass", {"handler": "conformance-runtime"}, namespaced=False
    ),
    "[sig-node] PodTemplates should run the lifecycle of PodTemplates": Course(
        "v1", "podtemplates", "PodTemplate", {"template": {"spec": _POD}}
    ),
    "[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection": Course(
        "v1",
        "limitranges",
        "LimitRange",
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "500m"}, "min": {"cpu": "50m"}}]}},
    ),
    "[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass": Course(
        _STORAGE, "storageclasses", "StorageClass", {"provisioner": "e2e-fake-provisioner"}, namespaced=False
    ),
    "[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver": Course(
        _STORAGE, "csidrivers", "CSIDriver", {"spec": {"attachRequired": False}}, namespaced=False
    ),
    "[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode": Course(
        _STORAGE,
        "csinodes",
        "CSINode",
        {"spec": {"drivers": [{"name": "e2e-driver", "nodeID": "e2e-node"}]}},
        namespaced=False,
    ),
    "[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations": Course(
        _STORAGE, "csistoragecapacities", "CSIStorageCapacity", {"storageClassName": "e2e-class", "capacity": "1Gi"}
    ),
    "[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment": Course(
        _STORAGE,
        "volumeattachments",
        "VolumeAttachment",
        {"spec": {"attacher": "e2e-attacher", "nodeName": "node", "source": {"persistentVolumeName": "pv"}}},
        namespaced=False,
        status={"attached": True},
    ),
    "[sig-storage] VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass": Course(
        _STORAGE,
        "volumeattributesclasses",
        "VolumeAttributesClass",
        {"driverName": "e2e-driver", "parameters": {"iops": "1000"}},
        namespaced=False,
    ),
}


@pytest.mark.parametrize("name", COURSES)
def test_kind(against: Any, name: str) -> None:
    course = COURSES[name]

    async def body(kube: Kube) -> None:
        await walk(kube, course)

    against(body)
