"""What kubectl writes: creating, applying in both ways, patching, scaling, waiting, deleting."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import yaml

from tests.e2e.clients.surroundings import Kubectl, Obj, line, widget


def _config_map(name: str, **data: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def create_file(k: Kubectl) -> None:
    assert await k("create", "-f", "-", stdin=widget("one")) == "widget.clients.example.io/one created\n"
    assert "AlreadyExists" in await k.fails("create", "-f", "-", stdin=widget("one"))
    wrong = widget("two", colour="red")
    assert 'unknown field "spec.colour"' in await k.fails("create", "-f", "-", stdin=wrong)
    assert "Invalid value: 0" in await k.fails("create", "-f", "-", stdin=widget("two", 0))
    generated = {**widget(""), "metadata": {"generateName": "many-"}}
    assert (await k("create", "-f", "-", "-o", "name", stdin=generated)).startswith("widget.clients.example.io/many-")


async def create_kinds(k: Kubectl) -> None:
    """These send protobuf from 1.32 on."""
    made = (
        ("configmap", "cm1", "--from-literal=a=b"),
        ("secret", "generic", "secret1", "--from-literal=password=xyzzy"),
        ("serviceaccount", "account1"),
        ("role", "role1", "--verb=get,list", "--resource=widgets.clients.example.io"),
        ("rolebinding", "binding1", "--role=role1", f"--serviceaccount={k.namespace}:account1"),
        ("quota", "quota1", "--hard=secrets=10"),
    )
    for arguments in made:
        assert (await k("create", *arguments)).endswith(" created\n")
    assert (await k.json("get", "cm", "cm1"))["data"] == {"a": "b"}
    assert (await k.json("get", "secret", "secret1"))["data"] == {"password": "eHl6enk="}
    rule = {"apiGroups": ["clients.example.io"], "resources": ["widgets"], "verbs": ["get", "list"]}
    assert (await k.json("get", "role", "role1"))["rules"] == [rule]
    allowed = ("auth", "can-i", "list", "widgets", f"--as=system:serviceaccount:{k.namespace}:account1")
    for _ in range(50):
        # Rights become known a moment after they were written.
        if (await k.end(*allowed))[1] == "yes\n":
            break
    assert await k(*allowed) == "yes\n"


async def create_namespace(k: Kubectl) -> None:
    name = f"{k.namespace}-more"
    assert await k("create", "namespace", name) == f"namespace/{name} created\n"
    assert (await k.json("get", "ns", name))["metadata"]["labels"] == {"kubernetes.io/metadata.name": name}
    assert f'namespace "{name}" deleted' in await k("delete", "namespace", name)
    assert "NotFound" in await k.fails("get", "ns", name)


async def create_token(k: Kubectl) -> None:
    await k("create", "sa", "robot")
    token = (await k("create", "token", "robot", "--duration=1h")).strip()
    assert token.count(".") == 2


async def apply(k: Kubectl) -> None:
    for body, changed in (
        (widget("one", parts=[{"name": "a", "count": 1}]), widget("one", 2, parts=[{"name": "a", "count": 2}])),
        (_config_map("one", a="first", b="kept"), _config_map("one", a="second")),
    ):
        assert "created" in await k("apply", "-f", "-", stdin=body)
        assert "unchanged" in await k("apply", "-f", "-", stdin=body)
        assert "configured" in await k("apply", "-f", "-", stdin=changed)
        found = await k.json("get", body["kind"], "one")
        # What the second manifest leaves out is taken away.
        assert found.get("data") == changed.get("data")
    assert (await k.json("get", "widget", "one"))["spec"]["parts"] == [{"name": "a", "count": 2}]
    assert "ConfigMap" in await k("apply", "view-last-applied", "cm/one", "-o", "yaml")


async def apply_many(k: Kubectl) -> None:
    documents = [_config_map(f"many-{number}", n=str(number)) for number in range(5)]
    text = yaml.safe_dump_all(documents)
    assert (await k("apply", "-f", "-", stdin=text)).count("created") == 5
    text = yaml.safe_dump_all(documents[:2])
    pruned = ("--prune", "--all", "--prune-allowlist=core/v1/ConfigMap")
    printed = await k("apply", *pruned, "--namespace", k.namespace, "-f", "-", stdin=text)
    assert printed.count("unchanged") == 2 and printed.count("pruned") == 3


async def apply_server_side(k: Kubectl) -> None:
    assert "serverside-applied" in await k("apply", "--server-side", "-f", "-", stdin=widget("one", 1))
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    refused = await k.fails(*other, stdin=widget("one", 2))
    assert "conflict with" in refused and ".spec.size" in refused
    assert "serverside-applied" in await k(*other, "--force-conflicts", stdin=widget("one", 2))
    owners = (await k.json("get", "widget", "one", "--show-managed-fields"))["metadata"]["managedFields"]
    assert {(one["manager"], one["operation"]) for one in owners} == {("kubectl", "Apply"), ("other", "Apply")}


async def apply_from_client_to_server(k: Kubectl) -> None:
    """Its own client-side fields become the server's, so that what is left out later goes away."""
    await k("apply", "-f", "-", stdin=_config_map("one", a="1", b="2"))
    assert "serverside-applied" in await k("apply", "--server-side", "-f", "-", stdin=_config_map("one", a="1", b="2"))
    await k("apply", "--server-side", "-f", "-", stdin=_config_map("one", a="1"))
    found = await k.json("get", "cm", "one", "--show-managed-fields")
    assert found["data"] == {"a": "1"}
    assert "kubectl-client-side-apply" not in [one["manager"] for one in found["metadata"]["managedFields"]]


async def dry_run(k: Kubectl) -> None:
    for verb in (("create",), ("apply",), ("apply", "--server-side")):
        assert "(server dry run)" in await k(*verb, "--dry-run=server", "-f", "-", stdin=widget("none"))
    assert "NotFound" in await k.fails("get", "widget", "none")
    assert "Invalid value" in await k.fails("apply", "--dry-run=server", "-f", "-", stdin=widget("none", 0))
    assert "created (dry run)" in await k("create", "--dry-run=client", "-f", "-", stdin=widget("none"))


async def diff(k: Kubectl) -> None:
    await k("apply", "-f", "-", stdin=widget("one", 1))
    assert await k("diff", "-f", "-", stdin=widget("one", 1)) == ""
    printed = await k.fails("diff", "-f", "-", stdin=widget("one", 2))
    assert "-  size: 1" in printed and "+  size: 2" in printed
    printed = await k.fails("diff", "--server-side", "--force-conflicts", "-f", "-", stdin=widget("one", 2))
    assert "+  size: 2" in printed
    assert "+  size: 1" in await k.fails("diff", "-f", "-", stdin=widget("new", 1))
    assert (await k.json("get", "widget", "one"))["spec"]["size"] == 1


async def edit(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=_config_map("one", a="first"))
    assert "configmap/one edited" in await k("edit", "cm", "one")
    assert (await k.json("get", "cm", "one"))["data"] == {"a": "second"}
    await k("create", "-f", "-", stdin=widget("one", parts=[{"name": "first"}]))
    assert "edited" in await k("edit", "widget", "one")
    assert (await k.json("get", "widget", "one"))["spec"]["parts"] == [{"name": "second"}]


async def edit_status(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    status = ("--type=merge", "--subresource=status", "-p", '{"status":{"phase":"first"},"spec":{"size":9}}')
    await k("patch", "widget", "one", *status)
    assert "edited" in await k("edit", "widget", "one", "--subresource=status")
    found = await k.json("get", "widget", "one")
    assert (found["status"]["phase"], found["spec"]["size"]) == ("second", 1)
    assert "second" in await k("get", "widget", "one", "--subresource=status", "-o", "yaml")


async def patch(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one", 1, parts=[{"name": "a"}]))
    await k("patch", "widget", "one", "--type=merge", "-p", '{"spec":{"size":2}}')
    await k("patch", "widget", "one", "--type=json", "-p", '[{"op":"add","path":"/spec/parts/0/count","value":3}]')
    found = (await k.json("get", "widget", "one"))["spec"]
    assert (found["size"], found["parts"]) == (2, [{"name": "a", "count": 3}])
    assert "patched (no change)" in await k("patch", "widget", "one", "--type=merge", "-p", '{"spec":{"size":2}}')
    # A kind without Go types has no strategic merge; the client says so in words of its own, or in the server's.
    assert "strategic-merge-patch+json is not supported" in (
        await k.fails("patch", "widget", "one", "-p", '{"spec":{"size":3}}')
    )
    await k("create", "-f", "-", stdin=_config_map("one", a="1", b="2"))
    await k("patch", "cm", "one", "-p", '{"data":{"a":null,"c":"3"}}')
    assert (await k.json("get", "cm", "one"))["data"] == {"b": "2", "c": "3"}
    assert "is invalid" in await k.fails("patch", "widget", "one", "--type=merge", "-p", '{"spec":{"size":"no"}}')


async def label(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    assert "labeled" in await k("label", "widget", "one", "tier=front")
    assert "already has a value" in await k.fails("label", "widget", "one", "tier=back")
    await k("label", "widget", "one", "tier=back", "--overwrite")
    assert await k("get", "widgets", "-l", "tier=back", "-o", "name") == "widget.clients.example.io/one\n"
    assert "unlabeled" in await k("label", "widget", "one", "tier-")
    assert (await k.json("get", "widget", "one"))["metadata"]["labels"] == {"kind": "widget"}


async def annotate(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    assert "annotated" in await k("annotate", "widgets", "--all", "example.io/note=hello")
    assert (await k.json("get", "widget", "one"))["metadata"]["annotations"] == {"example.io/note": "hello"}
    await k("annotate", "widget", "one", "example.io/note-")
    assert "annotations" not in (await k.json("get", "widget", "one"))["metadata"]


async def scale(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    assert "scaled" in await k("scale", "widget", "one", "--replicas=4")
    assert "scaled" in await k("scale", "widget/one", "--current-replicas=4", "--replicas=5")
    assert "Expected replicas to be 1" in await k.fails("scale", "widget/one", "--current-replicas=1", "--replicas=6")
    assert (await k.json("get", "widget", "one"))["spec"]["replicas"] == 5


_CONDITION = {"type": "Ready", "status": "True", "reason": "Set", "message": "", "lastTransitionTime": "2026-01-01"}


async def wait(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    assert "condition not met" in await k.fails("wait", "widget/one", "--for=condition=Ready", "--timeout=0s")
    assert "timed out" in await k.fails("wait", "widget/one", "--for=condition=Ready", "--timeout=1s")
    async with k.going("wait", "widget/one", "--for=condition=Ready", "--timeout=40s") as waiting:
        status = json.dumps({"status": {"conditions": [_CONDITION], "phase": "Running"}})
        await k("patch", "widget", "one", "--type=merge", "--subresource=status", "-p", status)
        assert await line(waiting) == "widget.clients.example.io/one condition met"
    assert "condition met" in await k("wait", "widget", "one", "--for=jsonpath={.status.phase}=Running")
    assert "condition met" in await k("wait", "widgets", "--all", "--for=condition=Ready")
    async with k.going("wait", "widget/one", "--for=delete", "--timeout=40s") as waiting:
        await k("delete", "widget", "one")
        assert await waiting.wait() == 0
    if k.version >= (1, 31):
        async with k.going("wait", "widget/later", "--for=create", "--timeout=40s") as waiting:
            await k("create", "-f", "-", stdin=widget("later"))
            assert await line(waiting) == "widget.clients.example.io/later condition met"


async def delete(k: Kubectl) -> None:
    for name in ("one", "two", "three", "four"):
        await k("create", "-f", "-", stdin=widget(name))
    assert 'widget.clients.example.io "one" deleted' in await k("delete", "widget", "one")
    assert "deleted" in await k("delete", "widget", "two", "--now")
    assert "deleted" in await k("delete", "widget", "three", "--cascade=foreground")
    await k("create", "-f", "-", stdin=widget("five"))
    assert (await k("delete", "widgets", "--all")).count("deleted") == 2
    assert "NotFound" in await k.fails("delete", "widget", "one")
    assert await k("delete", "widget", "one", "--ignore-not-found") == ""
    assert await k("get", "widgets", "-o", "name") == ""


async def delete_waits(k: Kubectl) -> None:
    held = widget("held")
    held["metadata"]["finalizers"] = ["example.io/hold"]
    await k("create", "-f", "-", stdin=held)
    async with k.going("delete", "widget", "held", "--timeout=40s") as deleting:
        await k("wait", "widget/held", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=30s")
        assert deleting.returncode is None
        await k("patch", "widget", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        assert await asyncio.wait_for(deleting.wait(), 40) == 0


async def replace(k: Kubectl) -> None:
    await k("create", "-f", "-", stdin=widget("one"))
    before = await k.json("get", "widget", "one")
    assert "replaced" in await k("replace", "-f", "-", stdin=widget("one", 5))
    stale: Any = {**before, "spec": {"size": 6}}
    assert "the object has been modified" in await k.fails("replace", "-f", "-", stdin=stale)
    assert "replaced" in await k("replace", "--force", "-f", "-", stdin=widget("one", 7))
    after = await k.json("get", "widget", "one")
    assert after["spec"]["size"] == 7 and after["metadata"]["uid"] != before["metadata"]["uid"]


async def definitions(k: Kubectl) -> None:
    """A kind of its own, from its definition to its first object and away again."""
    group = f"{k.namespace}.example.io"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gizmos.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "gizmos", "kind": "Gizmo"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    await k("apply", "-f", "-", stdin=definition)
    await k("wait", "--for=condition=Established", f"crd/gizmos.{group}", "--timeout=30s")
    gizmo = {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "one"}}
    assert "created" in await k("apply", "-f", "-", stdin=gizmo)
    assert "one" in await k("get", f"gizmos.{group}")
    assert "deleted" in await k("delete", "crd", f"gizmos.{group}")


ROWS = {
    "create": create_file,
    "create-kinds": create_kinds,
    "create-namespace": create_namespace,
    "create-token": create_token,
    "apply": apply,
    "apply-prune": apply_many,
    "apply-server-side": apply_server_side,
    "apply-from-client-to-server": apply_from_client_to_server,
    "dry-run": dry_run,
    "diff": diff,
    "edit": edit,
    "edit-status": edit_status,
    "patch": patch,
    "label": label,
    "annotate": annotate,
    "scale": scale,
    "wait": wait,
    "delete": delete,
    "delete-waits": delete_waits,
    "replace": replace,
    "definitions": definitions,
}
