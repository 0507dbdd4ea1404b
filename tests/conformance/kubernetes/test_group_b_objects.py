"""Group B: certificate requests, services and endpoints, nodes, pod templates, priorities, volumes, kubectl."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.kubernetes.certificates import certificate, request
from tests.conformance.kubernetes.harness import MERGE, STRATEGIC, Kube, Obj, Refused, encoded


def test_certificate_requests(against: Any) -> None:
    """[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations"""

    async def body(kube: Kube) -> None:
        path, signer = "/apis/certificates.k8s.io/v1/certificatesigningrequests", f"example.com/{kube.namespace}"
        usages = ["digital signature", "key encipherment", "server auth"]
        spec = {"request": encoded(request()), "signerName": signer, "expirationSeconds": 3600, "usages": usages}
        names = []
        for _ in range(3):
            made = await kube.create(path, {"metadata": {"generateName": "e2e-example-csr-"}, "spec": spec})
            names.append(made["metadata"]["name"])
        one = f"{path}/{names[2]}"
        assert made["spec"]["username"] and made["spec"]["expirationSeconds"] == 3600
        assert len((await kube.get(path, fieldSelector=f"spec.signerName={signer}"))["items"]) == 3
        patched = await kube.patch(one, {"metadata": {"annotations": {"patched": "true"}}}, MERGE)
        patched["metadata"]["annotations"]["updated"] = "true"
        assert (await kube.replace(one, patched))["metadata"]["annotations"]["updated"] == "true"
        await _approved(kube, one)
        await _issued(kube, one)
        await kube.delete(one)
        assert await kube.is_gone(one)
        await kube.delete(path, fieldSelector=f"spec.signerName={signer}")
        assert (await kube.get(path, fieldSelector=f"spec.signerName={signer}"))["items"] == []

    against(body)


async def _approved(kube: Kube, path: str) -> None:
    assert (await kube.get(f"{path}/approval"))["kind"] == "CertificateSigningRequest"
    condition = {"type": "ApprovalPatch", "status": "True", "reason": "e2e"}
    patch = {"metadata": {"annotations": {"patchedapproval": "true"}}, "status": {"conditions": [condition]}}
    patched = await kube.patch(f"{path}/approval", patch, MERGE)
    assert [c["type"] for c in patched["status"]["conditions"]] == ["ApprovalPatch"]
    assert patched["metadata"]["annotations"]["patchedapproval"] == "true"
    patched["status"]["conditions"].append({"type": "Approved", "status": "True", "reason": "E2E", "message": "set"})
    updated = await kube.replace(f"{path}/approval", patched)
    assert [c["type"] for c in updated["status"]["conditions"]] == ["ApprovalPatch", "Approved"]


async def _issued(kube: Kube, path: str) -> None:
    pem = encoded(certificate())
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"certificate": pem}}
    patched = await kube.patch(f"{path}/status", patch, MERGE)
    assert (patched["status"]["certificate"], patched["metadata"]["annotations"]["patchedstatus"]) == (pem, "true")
    patched["status"]["conditions"].append({"type": "StatusUpdate", "status": "True", "reason": "E2E"})
    updated = await kube.replace(f"{path}/status", patched)
    assert updated["status"]["conditions"][-1]["type"] == "StatusUpdate"
    assert "Approved" in [c["type"] for c in updated["status"]["conditions"]]


def test_endpoints_lifecycle(against: Any) -> None:
    """[sig-network] Services should test the lifecycle of an Endpoint"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "endpoints")
        subset = {"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
        labels = {"testendpoint-static": "true"}
        made = await kube.create(path, {"metadata": {"name": "e", "labels": labels}, "subsets": [subset]})
        everywhere = kube.path("v1", "endpoints", namespace="")
        listed = await kube.get(everywhere, labelSelector="testendpoint-static=true")
        assert "e" in [i["metadata"]["name"] for i in listed["items"]]
        made["subsets"][0]["ports"][0]["port"] = 8080
        updated = await kube.replace(f"{path}/e", made)
        assert updated["subsets"][0]["ports"][0]["port"] == 8080
        patch = {"metadata": {"labels": {"test-service": "patched"}}, "subsets": [{"addresses": [{"ip": "10.0.0.25"}]}]}
        patched = await kube.patch(f"{path}/e", patch, STRATEGIC)
        assert (patched["metadata"]["labels"]["test-service"], patched["subsets"][0]["addresses"]) == (
            "patched",
            [{"ip": "10.0.0.25"}],
        )
        await kube.delete(path, labelSelector="testendpoint-static=true")
        assert await kube.is_gone(f"{path}/e")

    against(body)


def _service(name: str, **spec: Any) -> Obj:
    port = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}
    labels = {"test-service-static": "true"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"ports": [port], **spec}}


def test_service_status_lifecycle(against: Any) -> None:
    """[sig-network] Services should complete a service status lifecycle"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "services")
        made = await kube.create(path, _service("s", type="LoadBalancer"))
        assert made["spec"]["clusterIP"] and made["spec"]["ports"][0]["nodePort"]
        version = (await kube.get(path))["metadata"]["resourceVersion"]
        async with kube.watch(path, resourceVersion=version) as watch:
            ingress = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
            patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": ingress}
            patched = await kube.patch(f"{path}/s/status", patch, MERGE)
            assert patched["status"] == ingress
            seen = await watch.until_named("MODIFIED", "s")
            assert seen["metadata"]["annotations"]["patchedstatus"] == "true"
            condition = {
                "type": "StatusUpdate",
                "status": "True",
                "reason": "E2E",
                "message": "Set from an e2e test",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            patched["status"]["conditions"] = [condition]
            updated = await kube.replace(f"{path}/s/status", patched)
            assert updated["status"]["conditions"] == [condition]
            labels = {"metadata": {"labels": {"test-service": "patched"}}}
            assert (await kube.patch(f"{path}/s", labels, STRATEGIC))["status"] == updated["status"]
            updated["metadata"]["resourceVersion"] = (await kube.get(f"{path}/s"))["metadata"]["resourceVersion"]
            updated["metadata"].setdefault("annotations", {})["updated"] = "yes"
            await kube.replace(f"{path}/s", updated)
            await kube.delete(f"{path}/s")
            await watch.until_named("DELETED", "s")

    against(body)


def test_services_delete_collection(against: Any) -> None:
    """[sig-network] Services should delete a collection of services"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "services")
        for number, kind in enumerate(("ClusterIP", "ClusterIP", "ExternalName")):
            more: Obj = {"externalName": "example.com"} if kind == "ExternalName" else {}
            await kube.create(path, _service(f"e2e-svc-{number}", type=kind, **more))
        await kube.create(path, {"metadata": {"name": "kept"}, "spec": {"ports": [{"port": 1}]}})
        assert len((await kube.get(path, labelSelector="test-service-static=true"))["items"]) == 3
        await kube.delete(path, labelSelector="test-service-static=true")
        assert [i["metadata"]["name"] for i in (await kube.get(path))["items"]] == ["kept"]

    against(body)


def test_service_in_all_namespaces(against: Any) -> None:
    """[sig-network] Services should find a service from listing all namespaces"""

    async def body(kube: Kube) -> None:
        listed = await kube.get("/api/v1/services")
        assert ("default", "kubernetes") in [
            (i["metadata"]["namespace"], i["metadata"]["name"]) for i in listed["items"]
        ]

    against(body)


def test_secure_master_service(against: Any) -> None:
    """[sig-network] Services should provide secure master service"""

    async def body(kube: Kube) -> None:
        service = await kube.get("/api/v1/namespaces/default/services/kubernetes")
        assert [(p["name"], p["port"]) for p in service["spec"]["ports"]] == [("https", 443)]

    against(body)


def test_endpoints_of_the_api_server(against: Any) -> None:
    """[sig-network] EndpointSlice should have Endpoints and EndpointSlices pointing to API Server"""

    async def body(kube: Kube) -> None:
        endpoints = await kube.get("/api/v1/namespaces/default/endpoints/kubernetes")
        assert len(endpoints["subsets"]) == 1
        slices = await kube.get(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            labelSelector="kubernetes.io/service-name=kubernetes",
        )
        found = [a for one in slices["items"] for end in one["endpoints"] for a in end["addresses"]]
        assert set(found) == {a["ip"] for a in endpoints["subsets"][0]["addresses"]}
        assert slices["items"][0]["ports"][0]["port"] == endpoints["subsets"][0]["ports"][0]["port"]

    against(body)


def test_pod_templates_collection(against: Any) -> None:
    """[sig-node] PodTemplates should delete a collection of pod templates"""

    async def body(kube: Kube) -> None:
        path, label = kube.path("v1", "podtemplates"), {"podtemplate-set": "true"}
        template = {"metadata": {"labels": label}, "spec": {"containers": [{"name": "token-test", "image": "i"}]}}
        for name in ("test-podtemplate-1", "test-podtemplate-2", "test-podtemplate-3"):
            await kube.create(path, {"metadata": {"name": name, "labels": label}, "template": template})
        assert len((await kube.get(path, labelSelector="podtemplate-set=true"))["items"]) == 3
        await kube.delete(path, labelSelector="podtemplate-set=true")
        assert (await kube.get(path, labelSelector="podtemplate-set=true"))["items"] == []

    against(body)


def test_pod_template_replaced(against: Any) -> None:
    """[sig-node] PodTemplates should replace a pod template"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "podtemplates")
        template = {"spec": {"containers": [{"name": "e2e", "image": "i"}]}}
        made = await kube.create(path, {"metadata": {"name": "p", "labels": {"a": "b"}}, "template": template})
        made["metadata"]["annotations"] = {"updated": "true"}
        assert (await kube.replace(f"{path}/p", made))["metadata"]["annotations"]["updated"] == "true"

    against(body)


def test_node_lifecycle(against: Any) -> None:
    """[sig-node] Node Lifecycle should run through the lifecycle of a node"""

    async def body(kube: Kube) -> None:
        name = f"e2e-fake-node-{kube.namespace}"
        status: Obj = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "reason": "E2E"}]}
        await kube.create("/api/v1/nodes", {"metadata": {"name": name}, "status": status})
        path = f"/api/v1/nodes/{name}"
        assert (await kube.get(path))["status"]["conditions"][0]["status"] == "True"
        patched = await kube.patch(path, {"metadata": {"labels": {name: "patched"}}}, STRATEGIC)
        assert patched["metadata"]["labels"][name] == "patched"
        patched["metadata"]["labels"][name] = "updated"
        assert (await kube.replace(path, patched))["metadata"]["labels"][name] == "updated"
        replaced = await kube.get(path)
        replaced["status"]["phase"] = "Terminated"
        assert (await kube.replace(f"{path}/status", replaced))["status"]["phase"] == "Terminated"
        await kube.delete("/api/v1/nodes", labelSelector=f"{name}=updated")
        assert await kube.is_gone(path)

    against(body)


def test_priority_classes(against: Any) -> None:
    """[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be
    operated with different HTTP methods [Conformance]"""

    async def body(kube: Kube) -> None:
        path = "/apis/scheduling.k8s.io/v1/priorityclasses"
        names = [f"p1-{kube.namespace}", f"p2-{kube.namespace}"]
        for value, name in enumerate(names, 1):
            await kube.create(path, {"metadata": {"name": name}, "value": value, "description": "created"})
        with pytest.raises(Refused) as caught:
            await kube.patch(f"{path}/{names[0]}", {"value": 3}, MERGE)
        assert caught.value.answer.status == 422
        assert "field is immutable" in caught.value.answer.body["message"]
        patched = await kube.patch(f"{path}/{names[0]}", {"description": "patched"}, MERGE)
        assert (patched["description"], patched["value"]) == ("patched", 1)
        patched["description"] = "updated"
        assert (await kube.replace(f"{path}/{names[0]}", patched))["description"] == "updated"
        for name in names:
            await kube.delete(f"{path}/{name}")
            assert await kube.is_gone(f"{path}/{name}")

    against(body)


def test_volume_attachment_status(against: Any) -> None:
    """[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status"""

    async def body(kube: Kube) -> None:
        path = "/apis/storage.k8s.io/v1/volumeattachments"
        source = {"persistentVolumeName": "pv"}
        spec = {"attacher": "e2e-test.csi.k8s.io", "nodeName": "node", "source": source}
        name = f"va-{kube.namespace}"
        made = await kube.create(path, {"metadata": {"name": name}, "spec": spec})
        patched = await kube.patch(f"{path}/{name}/status", {"status": {"attached": True}}, MERGE)
        assert patched["status"]["attached"] is True
        patched["status"]["attached"] = False
        updated = await kube.replace(f"{path}/{name}/status", patched)
        assert (updated["status"].get("attached", False), updated["spec"]) == (False, made["spec"])

    against(body)


def test_csi_inline_volume_in_a_pod(against: Any) -> None:
    """[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API"""

    async def body(kube: Kube) -> None:
        source = {"driver": "e2e.example.com", "volumeAttributes": {"key1": "value1"}}
        mount = {"name": "pod-volume", "mountPath": "/mnt", "readOnly": True}
        spec = {
            "containers": [{"name": "c", "image": "i", "volumeMounts": [mount]}],
            "volumes": [{"name": "pod-volume", "csi": source}],
        }
        path = kube.path("v1", "pods")
        made = await kube.create(path, {"metadata": {"name": "p"}, "spec": spec})
        assert [v["csi"] for v in made["spec"]["volumes"] if "csi" in v] == [source]
        listed = await kube.get(path)
        assert [p["metadata"]["name"] for p in listed["items"]] == ["p"]
        await kube.delete(f"{path}/p", {"gracePeriodSeconds": 0})
        await kube.until_gone(f"{path}/p")

    against(body)


async def _good(kube: Kube, *arguments: str, text: str = "") -> str:
    status, out, err = await kube.kubectl(*arguments, text=text)
    assert status == 0, err
    return out


def _deployment(image: str) -> str:
    spec = {"containers": [{"name": "httpd", "image": image}]}
    template = {"metadata": {"labels": {"app": "httpd"}}, "spec": spec}
    body = {"replicas": 1, "selector": {"matchLabels": {"app": "httpd"}}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": body})


def test_cluster_info(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in
    cluster-info"""

    async def body(kube: Kube) -> None:
        assert "Kubernetes control plane" in await _good(kube, "cluster-info")

    against(body)


def test_kubectl_diff(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments"""

    async def body(kube: Kube) -> None:
        await _good(kube, "create", "-f", "-", text=_deployment("httpd:2.4.38"))
        status, out, err = await kube.kubectl("diff", "-f", "-", text=_deployment("busybox:1.29"))
        assert status == 1, err
        for line in ("-      - image: httpd:2.4.38", "+      - image: busybox:1.29"):
            assert line.replace(" ", "") in out.replace(" ", "")

    against(body)


def test_kubectl_run(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never"""

    async def body(kube: Kube) -> None:
        await _good(
            kube, "run", "e2e-test-httpd-pod", "--restart=Never", "--image=httpd:2.4.38", "--pod-running-timeout=2m"
        )
        pod = await kube.get(kube.path("v1", "pods", "e2e-test-httpd-pod"))
        assert pod["spec"]["containers"][0]["image"] == "httpd:2.4.38"
        assert pod["spec"]["restartPolicy"] == "Never"
        await _good(kube, "delete", "pods", "e2e-test-httpd-pod")

    against(body)


def test_kubectl_dry_run(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods"""

    async def body(kube: Kube) -> None:
        await _good(kube, "run", "httpd", "--image=httpd:2.4.38", "--labels=run=httpd")
        patch = '{"spec":{"containers":[{"name":"httpd","image":"busybox:1.29"}]}}'
        await _good(kube, "patch", "pod", "httpd", "-p", patch, "--dry-run=server")
        pod = await kube.get(kube.path("v1", "pods", "httpd"))
        assert pod["spec"]["containers"][0]["image"] == "httpd:2.4.38"

    against(body)
