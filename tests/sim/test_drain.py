"""A node of the lab is emptied: a disruption budget holds its pod back, and pods take their time to stop."""

from __future__ import annotations

import asyncio
import base64

from capstan.api.objects import Key, Obj, Resource
from capstan.runtime.client.protocol import Client
from tests.sim.homelab import HomeLab, documents, small

PODS = Resource("", "v1", "pods", "Pod")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
CONTAINER = {"name": "web", "image": "example.invalid/web"}


async def workload(lab: HomeLab) -> Client:
    """The workload cluster, as its administrator reaches it."""

    secret = await lab.get("Secret", "homelab-kubeconfig")
    kubeconfig = base64.b64decode(secret["data"]["value"])
    return await lab.world.datacenter.workload_clients.client(Key("default", "homelab"), kubeconfig)


async def guard_web(client: Client) -> None:
    """A namespace of whose pods one must always be ready."""
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}})
    budget: Obj = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    meta = {"name": "web", "namespace": "web"}
    await client.create(
        BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": budget}
    )


async def run_pod(client: Client, name: str, node: str) -> None:
    """A pod that is ready, and takes 45 s to stop."""
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 45, "containers": [CONTAINER]}
    metadata = {"name": name, "namespace": "web", "labels": {"app": "web"}}
    await client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await client.patch(PODS, "web", name, {"status": status}, subresource="status")


def test_a_budget_holds_a_pod_until_another_is_ready() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        machine = next(m for m in await lab.all("Machine") if "workers" in m["metadata"]["name"])
        name, node = machine["metadata"]["name"], machine["status"]["nodeRef"]["name"]
        client = await workload(lab)
        await guard_web(client)
        await run_pod(client, "web-0", node)
        await lab.delete("Machine", name)
        said = await lab.told("Machine", "Deleting", "disruption budget", name)
        assert said.startswith("DrainingNode: Drain not completed yet")
        assert "* Pod web/web-0: cannot evict pod as it would violate the pod's disruption budget." in said
        assert "The disruption budget web needs 1 healthy pods and has 1 currently" in said
        before = lab.reconciles()["machine"]
        await asyncio.sleep(600)
        assert lab.reconciles()["machine"] - before <= 75, "two looks a minute are three reconciles"
        assert (await client.get(PODS, "web", "web-0"))["metadata"].get("deletionTimestamp") is None
        await run_pod(client, "web-1", "elsewhere")
        await lab.told("Machine", "Deleting", "deletionTimestamp set", name, seconds=60)
        evicted = lab.world.loop.time()
        await lab.until(lambda: is_gone(lab, name), 600)
        assert lab.world.loop.time() - evicted > 40, "the host waits until the pod has stopped"
        assert [p["metadata"]["name"] for p in (await client.list(PODS)).items] == ["web-1"]
        assert f'success draining Machine\'s node "{node}"' in await lab.events("SuccessfulDrainNode")

    HomeLab(manifests=small(documents())).run(story)


async def is_gone(lab: HomeLab, name: str) -> bool:
    return name not in [m["metadata"]["name"] for m in await lab.all("Machine")]
