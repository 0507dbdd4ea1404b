"""Python's clients: calls, and watches that see each change in order; an operator of kopf in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.surroundings import widget
from tests.e2e.programs import BIN, KUBECTL, Program, run

GROUP = {"group": "clients.example.io", "version": "v1", "plural": "widgets"}
PATIENCE = 40
LIFE = [("ADDED", 1), ("MODIFIED", 2), ("DELETED", 2)]
GROW = {"spec": {"size": 2}}

#: These clients leave sockets and loops behind, and use what Python no longer likes.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _kubectl(kubeconfig: Path, *arguments: str) -> str:
    done = run(KUBECTL, *arguments, environment={"KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def namespace(kubeconfig: Path, request: pytest.FixtureRequest) -> str:
    name = str(request.node.name).replace("_", "-")
    _kubectl(kubeconfig, "create", "namespace", name)
    return name


def test_kubernetes(kubeconfig: Path, namespace: str) -> None:
    from kubernetes import client, config, watch

    api = config.new_client_from_config(str(kubeconfig))
    try:
        custom, where = client.CustomObjectsApi(api), {**GROUP, "namespace": namespace}
        start = custom.list_namespaced_custom_object(**where)["metadata"]["resourceVersion"]
        custom.create_namespaced_custom_object(**where, body=widget("one"))
        custom.patch_namespaced_custom_object(**where, name="one", body=GROW)
        custom.delete_namespaced_custom_object(**where, name="one")
        seen = []
        for event in watch.Watch().stream(
            custom.list_namespaced_custom_object, **where, resource_version=start, timeout_seconds=PATIENCE
        ):
            seen.append((event["type"], event["object"]["spec"]["size"]))
            if event["type"] == "DELETED":
                break
        assert seen == LIFE
    finally:
        api.close()


def test_kubernetes_asyncio(kubeconfig: Path, namespace: str) -> None:
    from kubernetes_asyncio import client, config, watch

    async def main() -> None:
        await config.load_kube_config(str(kubeconfig))
        async with client.ApiClient() as api:
            core = client.CoreV1Api(api)
            made = await core.create_namespaced_config_map(
                namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="typed"), data={"a": "b"})
            )
            changed = await core.patch_namespaced_config_map("typed", namespace, {"data": {"c": "d"}})
            assert changed.data == {"a": "b", "c": "d"} and changed.metadata.uid == made.metadata.uid
            custom, where = client.CustomObjectsApi(api), {**GROUP, "namespace": namespace}
            start = (await custom.list_namespaced_custom_object(**where))["metadata"]["resourceVersion"]

            async def act() -> None:
                await custom.create_namespaced_custom_object(**where, body=widget("one"))
                await custom.patch_namespaced_custom_object(
                    **where, name="one", body=GROW, _content_type="application/merge-patch+json"
                )
                await custom.delete_namespaced_custom_object(**where, name="one")

            acting = asyncio.create_task(act())
            seen = []
            async with watch.Watch() as stream:
                async for event in stream.stream(
                    custom.list_namespaced_custom_object, **where, resource_version=start, timeout_seconds=PATIENCE
                ):
                    seen.append((event["type"], event["object"]["spec"]["size"]))
                    if event["type"] == "DELETED":
                        break
            await acting
            assert seen == LIFE

    asyncio.run(main())


def test_lightkube(kubeconfig: Path, namespace: str) -> None:
    from lightkube import AsyncClient, KubeConfig
    from lightkube.generic_resource import create_namespaced_resource
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import ConfigMap
    from lightkube.types import PatchType

    kind = create_namespaced_resource(GROUP["group"], GROUP["version"], "Widget", GROUP["plural"])

    async def main() -> None:
        client = AsyncClient(KubeConfig.from_file(str(kubeconfig)), namespace=namespace)
        applied = await client.apply(
            ConfigMap(metadata=ObjectMeta(name="one"), data={"a": "b"}), field_manager="lightkube"
        )
        assert applied.data == {"a": "b"}
        listed = client.list(kind)
        assert [one async for one in listed] == []
        start = listed.resourceVersion

        async def act() -> None:
            await client.create(kind(metadata=ObjectMeta(name="one"), spec={"size": 1}))
            await client.patch(kind, "one", GROW, patch_type=PatchType.MERGE)
            await client.delete(kind, "one")

        acting = asyncio.create_task(act())
        seen = []
        async with aclosing(client.watch(kind, resource_version=start)) as watching:
            async for event, found in watching:
                seen.append((event, found["spec"]["size"]))
                if event == "DELETED":
                    break
        await acting
        await client.close()
        assert seen == LIFE

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


# It warns of every Kubernetes that is newer than itself.
@pytest.mark.filterwarnings("ignore:Kubernetes version:UserWarning")
def test_kr8s(kubeconfig: Path, namespace: str) -> None:
    import kr8s.asyncio
    from kr8s.asyncio.objects import ConfigMap, new_class

    kind = new_class("Widget", "clients.example.io/v1", namespaced=True, plural="widgets")

    async def main() -> None:
        api = await kr8s.asyncio.api(kubeconfig=str(kubeconfig), namespace=namespace)
        names = [one.name async for one in api.get("configmaps", namespace=namespace)]
        assert names == ["kube-root-ca.crt"]
        config = await ConfigMap({"metadata": {"name": "one", "namespace": namespace}, "data": {"a": "b"}}, api=api)
        await config.create()
        assert await config.exists()
        body = widget("one")
        body["metadata"]["namespace"] = namespace
        one: Any = await kind(body, api=api)
        await one.create()
        seen: list[tuple[str, int]] = []
        async with aclosing(api.watch(kind, namespace=namespace)) as watching:
            async for event, found in watching:
                seen.append((event, found.spec.size))
                if event == "ADDED":
                    await one.patch(GROW)
                elif event == "MODIFIED":
                    await one.delete()
                else:
                    break
        assert seen == LIFE

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


_OPERATOR = """
import kopf

@kopf.on.startup()
def configure(settings, **_):
    settings.posting.enabled = True
    settings.scanning.disabled = False

@kopf.on.create("clients.example.io", "v1", "widgets")
def created(spec, patch, body, **_):
    patch.status["phase"] = f"made with {spec['size']}"
    kopf.info(body, reason="Made", message="the operator was here")

@kopf.on.update("clients.example.io", "v1", "widgets", field="spec.size")
def resized(new, patch, **_):
    patch.status["phase"] = f"now {new}"

@kopf.on.delete("clients.example.io", "v1", "widgets")
def gone(**_):
    pass

@kopf.on.event("cluster.x-k8s.io", "v1beta2", "clusters")
def seen(event, **_):
    pass
"""


def test_kopf(kubeconfig: Path, namespace: str, tmp_path: Path) -> None:
    operator = tmp_path / "operator.py"
    operator.write_text(_OPERATOR)
    command = (str(BIN / "kopf"), "run", "--standalone", f"--namespace={namespace}", str(operator))
    program = Program(sys.executable, *command, environment={"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path)})
    try:
        program.wait_for("Initial authentication has finished")
        _kubectl(kubeconfig, "-n", namespace, "create", "-f", str(_written(tmp_path)))
        wait = ("-n", namespace, "wait", "widget/one", f"--timeout={PATIENCE}s")
        _kubectl(kubeconfig, *wait, "--for=jsonpath={.status.phase}=made with 3")
        _kubectl(kubeconfig, "-n", namespace, "patch", "widget", "one", "--type=merge", "-p", '{"spec":{"size":5}}')
        _kubectl(kubeconfig, *wait, "--for=jsonpath={.status.phase}=now 5")
        found = _kubectl(kubeconfig, "-n", namespace, "get", "widget", "one", "-o", "jsonpath={.metadata.finalizers}")
        assert "kopf" in found
        # The finalizer of the operator holds the object until its handler has run.
        assert "deleted" in _kubectl(kubeconfig, "-n", namespace, "delete", "widget", "one", f"--timeout={PATIENCE}s")
        assert "the operator was here" in _kubectl(kubeconfig, "-n", namespace, "get", "events")
    finally:
        program.end()


def _written(directory: Path) -> Path:
    path = directory / "one.json"
    path.write_text(json.dumps(widget("one", 3)))
    return path
