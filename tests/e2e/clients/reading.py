"""What kubectl reads: discovery, lists as tables and otherwise, watches, descriptions, schemas, rights."""

from __future__ import annotations

import asyncio
import json

from tests.e2e.clients.surroundings import Kubectl, line, widget


async def version(k: Kubectl) -> None:
    assert "Server Version: v1." in await k("version")
    assert (await k.json("version"))["serverVersion"]["gitVersion"].startswith("v1.")


async def api_versions(k: Kubectl) -> None:
    assert {"v1", "clients.example.io/v1", "cluster.x-k8s.io/v1beta2"} <= set((await k("api-versions")).split())


async def api_resources(k: Kubectl) -> None:
    names = (await k("api-resources", "-o", "name")).split()
    assert {"configmaps", "widgets.clients.example.io", "clusters.cluster.x-k8s.io"} <= set(names)
    wide = await k("api-resources", "--api-group=clients.example.io", "-o", "wide")
    assert "wdg" in wide and "create,delete,deletecollection,get,list,patch,update,watch" in wide.replace(" ", "")
    assert "configmaps" not in (await k("api-resources", "--namespaced=false", "-o", "name")).split()


async def get_table(k: Kubectl) -> None:
    for name, size in (("first", 3), ("second", 11)):
        await k("create", "-f", "-", stdin=widget(name, size))
    header, first, second = (await k("get", "widgets")).splitlines()
    assert header.split() == ["NAME", "SIZE"]
    assert (first.split(), second.split()) == (["first", "3"], ["second", "11"])
    assert "second" in await k("get", "wdg", "second", "--no-headers", "--show-labels")
    assert "kind=widget" in await k("get", "widget/first", "--show-labels")
    assert "No resources found" in (await k.end("get", "widgets", "-l", "kind=none"))[2]


async def get_outputs(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one", 3))
    assert (await k("get", "widgets", "-o", "name")).strip() == "widget.clients.example.io/one"
    assert "size: 3" in await k("get", "widget", "one", "-o", "yaml")
    assert (await k.json("get", "widget", "one"))["spec"] == {"size": 3, "replicas": 1}
    assert await k("get", "widgets", "-o", "jsonpath={.items[*].spec.size}") == "3"
    assert await k("get", "widgets", "-o", "custom-columns=N:.metadata.name,S:.spec.size") == "N     S\none   3\n"
    assert await k("get", "widget", "one", "-o", "go-template={{.spec.size}}") == "3"
    assert (await k("get", "wdg", "-o", "wide")).split() == ["NAME", "SIZE", "one", "3"]


async def get_everywhere(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget(k.namespace))
    rows = [row.split() for row in (await k("get", "widgets", "-A")).splitlines()]
    assert rows[0] == ["NAMESPACE", "NAME", "SIZE"] and [k.namespace, k.namespace, "1"] in rows


async def get_several(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    await k("create", "cm", "one")
    names = (await k("get", "widgets,cm", "-o", "name")).split()
    assert {"widget.clients.example.io/one", "configmap/one", "configmap/kube-root-ca.crt"} == set(names)
    assert (await k("get", "widget/one", "cm/one", "-o", "name")).split() == [*names[:1], "configmap/one"]
    assert 'widgets.clients.example.io "none" not found' in await k.fails("get", "widget", "none")
    assert await k("get", "widget", "none", "--ignore-not-found") == ""
    assert "doesn't have a resource type" in await k.fails("get", "gadgets")


async def get_sorted(k: Kubectl) -> None:
    for name, size in (("a", 3), ("b", 1), ("c", 2)):
        await k("create", "-f", "-", stdin=widget(name, size))
    table = await k("get", "widgets", "--sort-by=.spec.size", "--no-headers")
    assert [row.split()[0] for row in table.splitlines()] == ["b", "c", "a"]
    names = await k("get", "widgets", "--sort-by=.metadata.name", "-o", "name", "--chunk-size=2")
    assert len(names.split()) == 3


async def get_selected(k: Kubectl) -> None:
    for name in ("a", "b"):
        await k("create", "cm", name)
        await k("label", "cm", name, f"name={name}")
    for selector in ("--selector=name=b", "--selector=name in (b,c)", "--field-selector=metadata.name=b"):
        assert await k("get", "cm", selector, "-o", "name") == "configmap/b\n"
    assert await k("get", "cm", "-l", "!name", "-o", "name") == "configmap/kube-root-ca.crt\n"


async def get_raw(k: Kubectl) -> None:
    assert await k("get", "--raw", "/readyz") == "ok"
    listed = json.loads(await k("get", "--raw", f"/api/v1/namespaces/{k.namespace}/configmaps?limit=1"))
    assert listed["kind"] == "ConfigMapList"
    assert "NotFound" in await k.fails("get", "--raw", "/apis/none.example.io/v1")


async def get_watch(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one", 3))
    async with k.going("get", "widgets", "--watch") as watching:
        assert (await line(watching)).split() == ["NAME", "SIZE"]
        assert (await line(watching)).split() == ["one", "3"]
        await k("create", "-f", "-", stdin=widget("two", 4))
        assert (await line(watching)).split() == ["two", "4"]


async def get_watch_one(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    async with k.going("get", "widget", "one", "--watch", "-o", "jsonpath={.spec.size}{'\\n'}") as watching:
        assert await line(watching) == "1"
        await k("patch", "widget", "one", "--type=merge", "-p", '{"spec":{"size":7}}')
        assert await line(watching) == "7"


async def get_watch_only(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("old"))
    async with k.going("get", "widgets", "--watch-only", "-o", "name", "--output-watch-events") as watching:
        # It says nothing when it has begun: something is made anew until it tells of that.
        told = asyncio.create_task(line(watching))
        for made in range(100):
            await k("create", "-f", "-", stdin=widget(f"new-{made}"))
            if told.done():
                break
        event = await told
        assert "old" not in event and "widget.clients.example.io/new-" in event


async def describe(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one", 3))
    text = await k("describe", "widget", "one")
    assert "Name:         one" in text and "Size:" in text and text.endswith("Events:      <none>\n")
    about = await k("describe", "namespace", k.namespace)
    assert "Status:       Active" in about and "No LimitRange resource." in about
    await k("create", "secret", "generic", "hidden", "--from-literal=password=xyzzy")
    hidden = await k("describe", "secret", "hidden")
    assert "password:  5 bytes" in hidden and "xyzzy" not in hidden


async def events(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    about = (await k.json("get", "widget", "one"))["metadata"]
    involved = {
        "apiVersion": "clients.example.io/v1",
        "kind": "Widget",
        "name": "one",
        "namespace": k.namespace,
        "uid": about["uid"],
    }
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "one.1", "namespace": k.namespace},
        "involvedObject": involved,
        "reason": "Seen",
        "message": "somebody looked",
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "source": {"component": "matrix"},
    }
    await k("create", "-f", "-", stdin=event)
    assert "somebody looked" in await k("events", "--for=widget/one")
    assert "somebody looked" in await k("describe", "widget", "one")
    assert "somebody looked" in await k("get", "events")
    assert "No events found" in "".join((await k.end("events", "--for=widget/none"))[1:])


async def explain(k: Kubectl) -> None:
    whole = await k("explain", "widgets")
    assert "KIND:       Widget" in whole and "GROUP:      clients.example.io" in whole
    assert "How large it is." in await k("explain", "widgets.spec.size")
    assert "count" in await k("explain", "widget", "--recursive")
    assert "KIND:       ConfigMap" in await k("explain", "configmaps.data")
    assert "does not exist" in await k.fails("explain", "widgets.spec.none")


async def own_kinds(k: Kubectl) -> None:
    assert "KIND:       Cluster" in await k("explain", "clusters.spec", "--api-version=cluster.x-k8s.io/v1beta2")
    cluster = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": {"name": "seen"},
        "spec": {
            "paused": True,
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io",
                "kind": "ProxmoxCluster",
                "name": "seen",
            },
        },
    }
    assert await k("create", "-f", "-", stdin=cluster) == "cluster.cluster.x-k8s.io/seen created\n"
    header, row = (await k("get", "clusters")).splitlines()
    assert header.split()[0] == "NAME" and row.split()[0] == "seen"
    older = await k.json("get", "clusters.v1beta1.cluster.x-k8s.io", "seen")
    assert older["apiVersion"] == "cluster.x-k8s.io/v1beta1"
    assert "Paused:" in await k("describe", "cluster", "seen")


async def auth_can_i(k: Kubectl) -> None:
    assert await k("auth", "can-i", "create", "widgets") == "yes\n"
    assert "no" in await k.fails("auth", "can-i", "create", "widgets", "--as=nobody")


async def auth_list(k: Kubectl) -> None:
    header, *rules = (await k("auth", "can-i", "--list")).splitlines()
    assert header.split()[0] == "Resources" and any(rule.startswith("*.*") for rule in rules)


async def auth_whoami(k: Kubectl) -> None:
    assert "system:masters" in await k("auth", "whoami")
    assert "Username" in await k("auth", "whoami", "--as=jane", "--as-group=developers")


async def cluster_info(k: Kubectl) -> None:
    assert "Kubernetes control plane" in await k("cluster-info")


async def rollout_of_what_has_none(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    for verb in ("status", "history", "restart"):
        text = await k.fails("rollout", verb, "widget/one")
        wanted = ("no status viewer", "no history viewer", "restarting is not supported", 'no kind "Widget"')
        assert any(words in text for words in wanted), text


ROWS = {
    "version": version,
    "api-versions": api_versions,
    "api-resources": api_resources,
    "get": get_table,
    "get-outputs": get_outputs,
    "get-all-namespaces": get_everywhere,
    "get-several": get_several,
    "get-sorted": get_sorted,
    "get-selected": get_selected,
    "get-raw": get_raw,
    "get-watch": get_watch,
    "get-watch-one": get_watch_one,
    "get-watch-only": get_watch_only,
    "describe": describe,
    "events": events,
    "explain": explain,
    "own-kinds": own_kinds,
    "auth-can-i": auth_can_i,
    "auth-list": auth_list,
    "auth-whoami": auth_whoami,
    "cluster-info": cluster_info,
    "rollout": rollout_of_what_has_none,
}
