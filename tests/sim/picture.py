"""What a world looks like at its end, as text that two runs can be compared by: every object, every VM and every Node.

Two runs draw other random bytes and are not equally fast, so times, UIDs, nonces, keys and card addresses are left out.
A name that ends in derived letters is told by the number of the child (`homelab-workers#1#0`), which the letters and
the owner's UID give away: so it is seen whether a run has made the same machines. Which of two that are made at the
same moment comes to which host, VMID and address is no promise: all that are taken are told, and not by whom.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import count
from typing import Any

from capstan.api.objects import Obj
from capstan.api.rules.names import SUFFIX_LENGTH, suffix
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.runtime.client.local import LocalClient
from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.proxmox.vm import Vm
from tests.sim.homelab import HomeLab

#: What comes and goes by itself, and what every server has.
_LEFT_OUT = ("Event", "Lease", "CustomResourceDefinition", "ServiceAccount", "Namespace")
_MOST_CHILDREN = 200
_ADMIN = User("tests", ("system:masters", "system:authenticated"))
_RANDOM = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<time>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\b[0-9a-f]{24}([0-9a-f]{8})?\b"), "<nonce>"),
    (re.compile(r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b"), "<card>"),
    (re.compile(r"UPID:[^\"]*"), "<task>"),
    (re.compile(r"\bpve\d\b"), "<host>"),
    (re.compile(r"(?<![\d.])192\.168\.0\.2\d\b(?!-)"), "<address>"),
    (re.compile(r'(?<=vmid\\":)\d+|(?<="virtualMachineID": )\d+'), "0"),
    (re.compile(r"\b\d+/vm-\d+-"), "<vm>"),
)
_VM_KEYS = ("memory", "cores", "sockets", "tags", "ide0", "onboot", "scsi0")

Picture = dict[str, str]


async def draw(lab: HomeLab) -> Picture:
    """A line of JSON for each thing, by its kind and name."""
    found: list[Obj] = []
    for kind in SCHEME.kinds:
        if kind.kind not in _LEFT_OUT and kind.group != "rbac.authorization.k8s.io":
            found += await lab.all(kind.kind)
    things = {f"{obj['kind']} {obj['metadata']['name']}": _plain(obj) for obj in found}
    for vmid, vm in lab.world.datacenter.pve.vms.items():
        if vmid != TEMPLATE_ID:
            things[f"VM {vm.name}"] = _vm(vm)
    taken = [obj["spec"]["address"] for obj in found if obj["kind"] == "IPAddress"]
    for node in await nodes(lab):
        things[f"Node {node['metadata']['name']}"] = _node(node)
    names = told_by_number(found)
    told = {_scrubbed(key, names): _scrubbed(json.dumps(thing, sort_keys=True), names) for key, thing in things.items()}
    return {**told, "taken": json.dumps({"addresses": sorted(taken), "vmids": sorted(lab.world.datacenter.pve.vms)})}


def compare(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Where two pictures differ, a line for each field."""
    lines = [f"missing: {key}" for key in sorted(expected.keys() - found.keys())]
    lines += [f"only now: {key}" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(expected.keys() & found.keys()):
        before, now = dict(_leaves(json.loads(expected[key]))), dict(_leaves(json.loads(found[key])))
        for path in sorted(before.keys() | now.keys()):
            if before.get(path) != now.get(path):
                lines.append(f"{key} {path}: {before.get(path)} without a crash, {now.get(path)} now")
    return lines


async def nodes(lab: HomeLab) -> list[Obj]:
    """The Nodes of the workload clusters that answer."""
    resource = SCHEME.by_kind("", "Node")
    assert resource is not None
    found: list[Obj] = []
    for workload in lab.world.datacenter.workloads():
        if workload.is_available:
            client = LocalClient(workload.kubernetes.verbs(_ADMIN))
            found += (await client.list(resource.resource())).items
    return found


def told_by_number(found: list[Obj]) -> dict[str, str]:
    """For each name that was derived: the owner's, and which of its children it is."""
    controllers: dict[str, tuple[str, str]] = {}
    for obj in found:
        for ref in obj["metadata"].get("ownerReferences", ()):
            if obj["kind"] in ("MachineSet", "Machine") and ref.get("controller"):
                controllers[obj["metadata"]["name"]] = (ref["name"], ref["uid"])
    told: dict[str, str] = {}
    for name in sorted(controllers, key=len):
        owner, uid = controllers[name]
        told[name] = f"{told.get(owner, owner)}#{_number(uid, name)}"
    return told


def _number(owner_uid: str, name: str) -> str:
    for number in count():
        if suffix(owner_uid, number) == name[-SUFFIX_LENGTH:]:
            return str(number)
        if number > _MOST_CHILDREN:
            return f"({name})"
    raise AssertionError("count() has no end")


def _plain(obj: Obj) -> Obj:
    metadata = obj["metadata"]
    status = dict(obj.get("status") or {})
    if "observedGeneration" in status:
        status["observedGeneration"] = status["observedGeneration"] == metadata.get("generation")
    plain = {
        "labels": metadata.get("labels", {}),
        "annotations": metadata.get("annotations", {}),
        "finalizers": sorted(metadata.get("finalizers", ())),
        "owners": sorted(f"{r['kind']} {r['name']} {r.get('controller')}" for r in metadata.get("ownerReferences", ())),
        "isDeleted": "deletionTimestamp" in metadata,
        "spec": obj.get("spec"),
        "status": status,
    }
    if obj["kind"] == "Secret":
        plain["keys"] = sorted(obj.get("data", {}))
    return plain


def _vm(vm: Vm) -> Obj:
    config = {key: value for key, value in vm.config.items() if key in _VM_KEYS}
    return {"running": vm.running, "lock": vm.lock, "config": config}


def _node(node: Obj) -> Obj:
    metadata, spec = node["metadata"], node.get("spec", {})
    ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    return {"ready": ready, "labels": labels, "annotations": annotations, "spec": spec}


def _scrubbed(text: str, names: Mapping[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
        # The hash of a template in a label ends as the set's name does.
        text = text.replace(name[-SUFFIX_LENGTH - 1 :], names[name][names[name].rindex("#") :])
    for pattern, word in _RANDOM:
        text = pattern.sub(word, text)
    return text


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Paths and values; conditions are told by their types."""
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in _leaves(part, f"{path}.{key}")]
    if isinstance(value, list) and value and all(isinstance(item, dict) and "type" in item for item in value):
        return [leaf for item in value for leaf in _leaves(item, f"{path}[{item['type']}]")]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{path}[{number}]")]
    return [(path, json.dumps(value))]
