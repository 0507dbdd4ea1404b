"""What the server fills in and refuses: defaults, allocated addresses, immutable fields, words of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import ListOptions, WriteOptions
from tests.unit.apiserver.builtins.examples import EXAMPLES, POD, TEMPLATE
from tests.unit.apiserver.builtins.test_every_kind import Kinds, run

OPTIONS = WriteOptions()


async def _make(world: Kinds, group: str, kind: str, fields: Obj, name: str = "x", namespace: str = "default") -> Obj:
    resource = world.builtin(group, kind)
    place = namespace if resource.namespaced else ""
    return (await world.verbs.create(resource, place, {"metadata": {"name": name}, **fields}, OPTIONS)).object


async def _change(world: Kinds, group: str, kind: str, patch: Any, name: str = "x", subresource: str = "") -> Obj:
    resource = world.builtin(group, kind)
    place = "default" if resource.namespaced else ""
    return (await world.verbs.patch(resource, place, name, "merge", patch, OPTIONS, subresource)).object


DEFAULTS: list[tuple[str, str, Obj, dict[str, Any]]] = [
    (
        "apps",
        "Deployment",
        EXAMPLES[("apps", "Deployment")],
        {
            "spec.replicas": 1,
            "spec.strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "spec.revisionHistoryLimit": 10,
            "spec.progressDeadlineSeconds": 600,
            "spec.template.spec.restartPolicy": "Always",
            "spec.template.spec.dnsPolicy": "ClusterFirst",
            "spec.template.spec.terminationGracePeriodSeconds": 30,
            "spec.template.spec.schedulerName": "default-scheduler",
            "spec.template.spec.containers.0.imagePullPolicy": "Always",
            "spec.template.spec.containers.0.terminationMessagePath": "/dev/termination-log",
        },
    ),
    (
        "apps",
        "StatefulSet",
        EXAMPLES[("apps", "StatefulSet")],
        {
            "spec.updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "spec.podManagementPolicy": "OrderedReady",
        },
    ),
    (
        "apps",
        "DaemonSet",
        EXAMPLES[("apps", "DaemonSet")],
        {"spec.updateStrategy.rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}, "spec.revisionHistoryLimit": 10},
    ),
    (
        "batch",
        "CronJob",
        EXAMPLES[("batch", "CronJob")],
        {"spec.suspend": False, "spec.concurrencyPolicy": "Allow", "spec.successfulJobsHistoryLimit": 3},
    ),
    (
        "batch",
        "Job",
        EXAMPLES[("batch", "Job")],
        {"spec.backoffLimit": 6, "spec.completions": 1, "spec.parallelism": 1},
    ),
    (
        "",
        "Pod",
        {
            "spec": {
                **POD,
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
                "containers": [
                    {
                        "name": "c",
                        "image": "i:1.2",
                        "ports": [{"containerPort": 80}],
                        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
                        "livenessProbe": {"httpGet": {"port": "http"}},
                    }
                ],
            }
        },
        {
            "spec.serviceAccountName": "default",
            "spec.enableServiceLinks": True,
            "spec.volumes.0.secret.defaultMode": 420,
            "spec.containers.0.imagePullPolicy": "IfNotPresent",
            "spec.containers.0.ports.0.protocol": "TCP",
            "spec.containers.0.resources.requests": {"cpu": "1", "memory": "1Gi"},
            "spec.containers.0.livenessProbe.periodSeconds": 10,
            "spec.containers.0.livenessProbe.httpGet.scheme": "HTTP",
            "status.phase": "Pending",
            "status.qosClass": "Guaranteed",
        },
    ),
    (
        "",
        "Service",
        {"spec": {"ports": [{"port": 80}]}},
        {
            "spec.type": "ClusterIP",
            "spec.ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            "spec.sessionAffinity": "None",
            "spec.ipFamilies": ["IPv4"],
            "spec.internalTrafficPolicy": "Cluster",
        },
    ),
    (
        "",
        "ReplicationController",
        {"spec": {"template": TEMPLATE}},
        {"spec.selector": {"app": "a"}, "metadata.labels": {"app": "a"}, "spec.replicas": 1},
    ),
    (
        "",
        "LimitRange",
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}]}},
        {"spec.limits.0.default": {"cpu": "2"}, "spec.limits.0.defaultRequest": {"cpu": "2", "memory": "1Mi"}},
    ),
    ("", "PersistentVolumeClaim", {}, {"spec.volumeMode": "Filesystem", "status.phase": "Pending"}),
    ("networking.k8s.io", "NetworkPolicy", {}, {"spec.podSelector": {}, "spec.policyTypes": ["Ingress"]}),
    (
        "storage.k8s.io",
        "StorageClass",
        {"provisioner": "p"},
        {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    ),
    ("scheduling.k8s.io", "PriorityClass", {}, {"preemptionPolicy": "PreemptLowerPriority", "value": 0}),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        EXAMPLES[("autoscaling", "HorizontalPodAutoscaler")],
        {"spec.minReplicas": 1, "spec.metrics.0.resource.target.averageUtilization": 80},
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
        EXAMPLES[("admissionregistration.k8s.io", "MutatingWebhookConfiguration")],
        {
            "webhooks.0.failurePolicy": "Fail",
            "webhooks.0.matchPolicy": "Equivalent",
            "webhooks.0.timeoutSeconds": 10,
            "webhooks.0.reinvocationPolicy": "Never",
            "webhooks.0.rules.0.scope": "*",
            "webhooks.0.namespaceSelector": {},
        },
    ),
]


def _at(obj: Any, path: str) -> Any:
    for name in path.split("."):
        obj = obj[int(name)] if name.isdigit() else obj[name]
    return obj


@pytest.mark.parametrize(("group", "kind", "fields", "wanted"), DEFAULTS, ids=[f"{g} {k}" for g, k, _, _ in DEFAULTS])
def test_defaults(group: str, kind: str, fields: Obj, wanted: dict[str, Any]) -> None:
    async def body(world: Kinds) -> None:
        made = await _make(world, group, kind, fields)
        assert {path: _at(made, path) for path in wanted} == wanted
        if kind == "Job":
            return  # its selector, which the server made, never changes
        # What the server filled in comes back when a client does not send it along.
        resource = world.builtin(group, kind)
        place = "default" if resource.namespaced else ""
        again = (await world.verbs.update(resource, place, "x", {"metadata": {"name": "x"}, **fields}, OPTIONS)).object
        assert {path: _at(again, path) for path in wanted} == wanted

    run(body)


def _workload(**more: Any) -> Obj:
    return {"spec": {**EXAMPLES[("apps", "Deployment")]["spec"], **more}}


def _pod(**more: Any) -> Obj:
    return {"spec": {"containers": [{"name": "c", "image": "i", **more}]}}


REFUSED: list[tuple[str, str, Obj, str]] = [
    ("apps", "Deployment", {"spec": {"template": TEMPLATE}}, "spec.selector: Required value"),
    ("apps", "Deployment", _workload(selector={"matchLabels": {"app": "b"}}), "`selector` does not match template"),
    ("apps", "Deployment", _workload(selector={}), "empty selector is invalid"),
    ("apps", "Deployment", _workload(replicas=-1), "must be greater than or equal to 0"),
    ("apps", "Deployment", _workload(strategy={"type": "Blue"}), 'Unsupported value: "Blue"'),
    (
        "apps",
        "Deployment",
        _workload(template={**TEMPLATE, "spec": {**POD, "restartPolicy": "Never"}}),
        'spec.template.spec.restartPolicy: Unsupported value: "Never"',
    ),
    ("", "Pod", {"spec": {}}, "spec.containers: Required value"),
    ("", "Pod", {"spec": {"containers": [{"name": "c"}]}}, "spec.containers[0].image: Required value"),
    ("", "Pod", {"spec": {"containers": [{"image": "i"}]}}, "spec.containers[0].name: Required value"),
    (
        "",
        "Pod",
        _pod(volumeMounts=[{"name": "v", "mountPath": "/"}]),
        "spec.containers[0].volumeMounts[0].name: Not found",
    ),
    ("", "Pod", _pod(ports=[{"containerPort": 70000}]), "must be between 1 and 65535, inclusive"),
    ("", "Pod", _pod(imagePullPolicy="Sometimes"), 'Unsupported value: "Sometimes"'),
    ("", "Service", {"spec": {}}, "spec.ports: Required value"),
    ("", "Service", {"spec": {"type": "ExternalName"}}, "spec.externalName: Required value"),
    ("", "Service", {"spec": {"ports": [{"port": 1}, {"port": 2}]}}, "spec.ports[0].name: Required value"),
    ("", "Service", {"spec": {"ports": [{"port": 1}], "clusterIP": "nine"}}, "must be a valid IP address"),
    ("", "Service", {"spec": {"ports": [{"port": 1}], "clusterIP": "10.96.0.1"}}, "provided IP is already allocated"),
    ("", "Event", {"involvedObject": {"namespace": "other"}}, "does not match event.namespace"),
    ("batch", "Job", {"spec": {"template": {"spec": POD}}}, 'supported values: "OnFailure", "Never"'),
    (
        "batch",
        "CronJob",
        {
            "spec": {
                "schedule": "* * *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
            }
        },
        "expected exactly 5 fields, found 3",
    ),
    ("policy", "PodDisruptionBudget", {"spec": {"minAvailable": 1, "maxUnavailable": 1}}, "cannot be both set"),
    ("networking.k8s.io", "Ingress", {"spec": {}}, "either `defaultBackend` or `rules` must be specified"),
    ("networking.k8s.io", "ServiceCIDR", {"spec": {"cidrs": ["ten"]}}, "must be a valid CIDR value"),
    ("networking.k8s.io", "IPAddress", EXAMPLES[("networking.k8s.io", "IPAddress")], "must be a valid IP address"),
    ("scheduling.k8s.io", "PriorityClass", {"value": 2000000000}, "maximum allowed value"),
    ("storage.k8s.io", "StorageClass", {}, "provisioner: Required value"),
    (
        "certificates.k8s.io",
        "CertificateSigningRequest",
        {"spec": {"signerName": "a/b"}},
        "spec.request: Required value",
    ),
    (
        "certificates.k8s.io",
        "CertificateSigningRequest",
        {"spec": {"signerName": "a/b", "request": "bm8=", "usages": ["signing"]}},
        "PEM block type must be CERTIFICATE REQUEST",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        {"webhooks": [{"name": "short", "sideEffects": "Some", "clientConfig": {}}]},
        "should be a domain with at least three segments",
    ),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        {"spec": {"maxReplicas": 0}},
        "spec.scaleTargetRef.kind: Required value",
    ),
]


@pytest.mark.parametrize(("group", "kind", "fields", "why"), REFUSED, ids=[f"{k} {w}" for _, k, _, w in REFUSED])
def test_refusals(group: str, kind: str, fields: Obj, why: str) -> None:
    async def body(world: Kinds) -> None:
        before = world.store.revision
        with pytest.raises(ApiError) as caught:
            await _make(world, group, kind, fields)
        assert (caught.value.code, caught.value.reason) == (422, "Invalid")
        assert why in caught.value.message
        assert world.store.revision == before

    run(body)


FIXED: list[tuple[str, str, Obj, str]] = [
    ("apps", "Deployment", {"spec": {"selector": {"matchLabels": {"app": "a", "b": "c"}}}}, "spec.selector"),
    ("storage.k8s.io", "StorageClass", {"provisioner": "other"}, "provisioner"),
    ("node.k8s.io", "RuntimeClass", {"handler": "other"}, "handler"),
    ("apps", "ControllerRevision", {"data": {"a": "c"}}, "data"),
    ("discovery.k8s.io", "EndpointSlice", {"addressType": "IPv6"}, "addressType"),
    ("storage.k8s.io", "VolumeAttributesClass", {"parameters": {"a": "c"}}, "parameters"),
]


@pytest.mark.parametrize(("group", "kind", "patch", "path"), FIXED, ids=[f"{k} {p}" for _, k, _, p in FIXED])
def test_what_never_changes(group: str, kind: str, patch: Obj, path: str) -> None:
    async def body(world: Kinds) -> None:
        await _make(world, group, kind, EXAMPLES[(group, kind)])
        with pytest.raises(ApiError) as caught:
            await _change(world, group, kind, patch)
        assert f"{path}: Invalid value" in caught.value.message
        assert "field is immutable" in caught.value.message

    run(body)


def test_addresses_of_services_differ_and_stay() -> None:
    async def body(world: Kinds) -> None:
        made = [await _make(world, "", "Service", {"spec": {"ports": [{"port": 80}]}}, f"s{n}") for n in range(30)]
        addresses = [service["spec"]["clusterIP"] for service in made]
        assert len(set(addresses)) == 30 and "10.96.0.1" not in addresses
        assert all(service["spec"]["clusterIPs"] == [address] for service, address in zip(made, addresses, strict=True))
        resource = world.builtin("", "Service")
        bare = {"metadata": {"name": "s0"}, "spec": {"ports": [{"port": 81}]}}
        kept = (await world.verbs.update(resource, "default", "s0", bare, OPTIONS)).object
        assert kept["spec"]["clusterIP"] == addresses[0]
        with pytest.raises(ApiError) as caught:
            await _change(world, "", "Service", {"spec": {"clusterIP": "10.96.7.7"}}, "s0")
        assert "may not change once set" in caught.value.message
        headless = await _make(world, "", "Service", {"spec": {"clusterIP": "None"}}, "headless")
        assert headless["spec"]["clusterIPs"] == ["None"]
        external = await _make(world, "", "Service", {"spec": {"type": "ExternalName", "externalName": "a.b"}}, "ext")
        assert "clusterIP" not in external["spec"]
        ports = [(await _make(world, "", "Service", _node_port(), f"n{n}"))["spec"]["ports"][0] for n in range(3)]
        assert [port["nodePort"] for port in ports] == [30000, 30001, 30002]

    run(body)


def _node_port() -> Obj:
    return {"spec": {"type": "NodePort", "ports": [{"port": 80}]}}


def test_jobs_select_their_own_pods() -> None:
    async def body(world: Kinds) -> None:
        job = await _make(world, "batch", "Job", EXAMPLES[("batch", "Job")])
        uid = job["metadata"]["uid"]
        assert job["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert labels["batch.kubernetes.io/job-name"] == "x"
        assert labels["batch.kubernetes.io/controller-uid"] == uid

    run(body)


def test_pods_change_little_and_go_at_once() -> None:
    async def body(world: Kinds) -> None:
        pod = await _make(world, "", "Pod", {"spec": POD})
        image = {"spec": {"containers": [{**pod["spec"]["containers"][0], "image": "j"}]}}
        assert (await _change(world, "", "Pod", image))["spec"]["containers"][0]["image"] == "j"
        with pytest.raises(ApiError) as caught:
            await _change(world, "", "Pod", {"spec": {"hostNetwork": True}})
        assert "pod updates may not change fields other than" in caught.value.message
        assert (await world.delete("Pod", "x"))["status"] == "Success"

    run(body)


def test_events_are_one_store_in_two_groups() -> None:
    async def body(world: Kinds) -> None:
        old, new = world.builtin("", "Event"), world.builtin("events.k8s.io", "Event")
        body = {
            "metadata": {"name": "new"},
            "regarding": {"namespace": "default", "name": "p", "kind": "Pod"},
            "note": "said",
            "reason": "Because",
            "action": "Doing",
            "type": "Normal",
            "reportingController": "example.com/c",
            "reportingInstance": "c-0",
            "eventTime": "2026-01-01T00:00:00.5Z",
        }
        made = (await world.verbs.create(new, "default", body, OPTIONS)).object
        assert (made["apiVersion"], made["note"]) == ("events.k8s.io/v1", "said")
        seen = await world.verbs.get(old, "default", "new")
        assert (seen["apiVersion"], seen["message"], seen["reportingComponent"]) == ("v1", "said", "example.com/c")
        assert seen["involvedObject"]["name"] == "p" and seen["eventTime"] == "2026-01-01T00:00:00.500000Z"
        involved = {
            "involvedObject": {"namespace": "default", "name": "q", "kind": "Pod"},
            "message": "old",
            "count": 2,
        }
        await _make(world, "", "Event", {**involved, "source": {"component": "k"}}, "old")
        view = await world.verbs.get(new, "default", "old")
        assert (view["note"], view["deprecatedCount"], view["deprecatedSource"]) == ("old", 2, {"component": "k"})
        patched = await world.verbs.patch(new, "default", "old", "strategic", {"note": "changed"}, OPTIONS)
        assert patched.object["note"] == "changed"
        assert (await world.verbs.get(old, "default", "old"))["message"] == "changed"
        selected = await world.verbs.list(new, "default", ListOptions(field_selector="regarding.name=q"))
        assert [event["metadata"]["name"] for event in selected.items] == ["old"]
        both = await world.verbs.list(old, "default", ListOptions(field_selector="involvedObject.kind=Pod"))
        assert [event["metadata"]["name"] for event in both.items] == ["new", "old"]

    run(body)


def test_autoscalers_in_both_versions() -> None:
    async def body(world: Kinds) -> None:
        served = world.server.registry.by_kind("autoscaling", "HorizontalPodAutoscaler")
        assert served is not None
        one, two = served.resource("v1"), served.resource("v2")
        target = {"kind": "Deployment", "name": "d"}
        spec = {"maxReplicas": 3, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 55}
        made = (await world.verbs.create(one, "default", {"metadata": {"name": "x"}, "spec": spec}, OPTIONS)).object
        assert made["spec"]["targetCPUUtilizationPercentage"] == 55
        view = await world.verbs.get(two, "default", "x")
        assert view["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 55
        pods = {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "Value", "averageValue": "1"}}}
        metrics = [*view["spec"]["metrics"], pods]
        await world.verbs.patch(two, "default", "x", "merge", {"spec": {"metrics": metrics}}, OPTIONS)
        older = await world.verbs.get(one, "default", "x")
        assert older["spec"]["targetCPUUtilizationPercentage"] == 55 and "metrics" not in older["spec"]
        # A change through the older version loses nothing of what only the newer one knows.
        older = {**older, "spec": {**older["spec"], "maxReplicas": 7}}
        await world.verbs.update(one, "default", "x", older, OPTIONS)
        newest = await world.verbs.get(two, "default", "x")
        assert (newest["spec"]["maxReplicas"], newest["spec"]["metrics"]) == (7, metrics)
        assert "annotations" not in newest["metadata"]

    run(body)


def test_certificate_requests_are_decided_through_approval() -> None:
    async def body(world: Kinds) -> None:
        group, kind = "certificates.k8s.io", "CertificateSigningRequest"
        made = await _make(world, group, kind, {"spec": {**EXAMPLES[(group, kind)]["spec"], "username": "eve"}})
        assert made["spec"]["username"] == "admin"
        approved = {"type": "Approved", "status": "True", "reason": "R"}
        through_status = await _change(world, group, kind, {"status": {"conditions": [approved]}}, "x", "status")
        assert "conditions" not in through_status.get("status", {})
        decided = await _change(world, group, kind, {"status": {"conditions": [approved]}}, "x", "approval")
        assert decided["status"]["conditions"][0]["type"] == "Approved"
        both = {"status": {"conditions": [approved, {**approved, "type": "Denied"}]}}
        with pytest.raises(ApiError) as caught:
            await _change(world, group, kind, both, "x", "approval")
        assert "mutually exclusive" in caught.value.message
        with pytest.raises(ApiError):
            await _change(world, group, kind, {"status": {"conditions": None}}, "x", "approval")
        other = await _change(world, group, kind, {"spec": {"signerName": "a/b"}})
        assert other["spec"] == made["spec"]

    run(body)


def test_scale_of_workloads_tells_the_selector_as_text() -> None:
    async def body(world: Kinds) -> None:
        await _make(world, "apps", "Deployment", EXAMPLES[("apps", "Deployment")])
        scale = await _change(world, "apps", "Deployment", {"spec": {"replicas": 4}}, "x", "scale")
        assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 4}, "app=a")
        await _make(world, "", "ReplicationController", EXAMPLES[("", "ReplicationController")])
        scale = await _change(world, "", "ReplicationController", {"spec": {"replicas": 2}}, "x", "scale")
        assert scale["status"]["selector"] == "app=a"

    run(body)


def test_values_are_kept_as_kubernetes_writes_them() -> None:
    async def body(world: Kinds) -> None:
        template = {
            "metadata": {"creationTimestamp": None, "labels": {"app": "a"}},
            "spec": {
                "nodeSelector": {},
                "containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": 2}}}],
            },
        }
        made = await _make(world, "apps", "Deployment", _workload(template=template, minReadySeconds=0, paused=False))
        assert made["spec"]["template"]["metadata"] == {"labels": {"app": "a"}}
        assert "nodeSelector" not in made["spec"]["template"]["spec"]
        assert made["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "2"}}
        assert not {"minReadySeconds", "paused"} & made["spec"].keys()

    run(body)
