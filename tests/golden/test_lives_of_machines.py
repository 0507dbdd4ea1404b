"""What happens to a Machine and its Cluster, story by story: what is done, and what their conditions say then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from capstan.api.errors import ApiError
from capstan.api.objects import GroupKind, Key, Obj
from capstan.controllers.cluster.controller import ClusterController
from capstan.controllers.machine.controller import MachineController
from capstan.runtime.nodeactions import DeleteNode
from capstan.runtime.nodes import CONNECTING, UNREACHABLE
from capstan.runtime.plan import Action
from tests.golden.text import assert_golden
from tests.unit.controllers.lab import joined, node, provide
from tests.unit.controllers.pods import machine_name
from tests.unit.controllers.world import CONTROL_PLANE, INFRA, NAMESPACE, START, World, strings

_NO_DRAIN = ("exclude-node-draining", "exclude-wait-for-node-volume-detach")


class Diary:
    """The actions and Events of one Machine (and of its Cluster, where that is told of), and after each look the
    phases and conditions that changed."""

    def __init__(self, title: str, world: World, name: str, *, with_cluster: bool = False) -> None:
        self.world = world
        self.name = name
        self.lines = [f"# {title}", ""]
        self._subjects = [("Machine", name), *([("Cluster", "homelab")] if with_cluster else [])]
        self._known: dict[str, str] = {}
        self._note(tell=False)

    def follow(self, name: str) -> None:
        """From now on it is about another Machine."""
        self._subjects[0] = ("Machine", name)
        self._note(tell=False)

    def say(self, text: str) -> None:
        self.lines += ["", f"-- {text}"]

    def look(self, *, after: float = 0, rounds: int = 3, provided: bool = False) -> None:
        """Time passes, then the controllers have their rounds; providers before each, if they are there."""
        self.world.now += timedelta(seconds=after)
        for _ in range(rounds):
            if provided:
                provide(self.world)
            for kind, name in reversed(self._subjects):
                self._reconcile(kind, name)
        self._note()

    def _reconcile(self, kind: str, name: str) -> None:
        world = self.world
        if world.find(kind, name) is None:
            return
        wanted: type[Any] = {"Machine": MachineController, "Cluster": ClusterController}[kind]
        world.trace.clear()
        world.events.clear()
        world.reconcile(next(c for c in world.controllers if isinstance(c, wanted)), Key(NAMESPACE, name))
        told = [line.partition(": ")[2] for line in world.trace]
        self.lines += [line for line in told if not line.startswith("event ")]
        self.lines += [f"event {event}" for event in world.events]

    def _note(self, *, tell: bool = True) -> None:
        for kind, name in self._subjects:
            found = self.world.find(kind, name)
            if found is None and not tell:
                continue
            for place, text in _states(kind, name, found):
                if self._known.get(place) != text:
                    self._known[place] = text
                    self.lines += text.splitlines() if tell else []

    def text(self) -> str:
        """With names that are easier to read than those of a set's Machines."""
        text, read = strings(self.lines), ("worker", "other")
        for place in self.world.created:
            if place[0].kind == "Machine" and place[1].name.startswith("workers-"):
                kept = place[1].name == self.name
                text = text.replace(place[1].name, read[0] if kept else read[1])
        return text


def _states(kind: str, name: str, found: Obj | None) -> list[tuple[str, str]]:
    """What there is to tell of an object, each with the place where it stands."""
    if found is None:
        return [(kind, f"{kind} {name} is gone")]
    status = found.get("status", {})
    told = [(f"{kind} phase", f"{kind} {name}: {status.get('phase', '-')}")]
    for c in status.get("conditions", ()):
        lines = "".join(f"\n      {line}" for line in c["message"].splitlines())
        told.append((f"{kind} {c['type']}", f"  {kind} {c['type']}={c['status']} {c['reason']}{lines}"))
    return told


def _worker(title: str, *, with_cluster: bool = False, annotations: tuple[str, ...] = ()) -> Diary:
    world = joined()
    name = machine_name(world)
    marks = {f"machine.cluster.x-k8s.io/{key}": "" for key in annotations}
    world.edit("Machine", name, {"metadata": {"annotations": marks}})
    return Diary(title, world, name, with_cluster=with_cluster)


def _pop(world: World, kind: str, name: str) -> None:
    world.objects.pop(next(place for place in world.objects if place[0].kind == kind and place[1].name == name))


def test_a_machine_that_nobody_manages() -> None:
    world = joined(0)
    meta = {"name": "solo", "namespace": NAMESPACE}
    spec = {
        "clusterName": "homelab",
        "bootstrap": {"dataSecretName": "given"},
        "infrastructureRef": {"apiGroup": INFRA, "kind": "LabMachine", "name": "solo"},
    }
    diary = Diary("a Machine that a user declares by hand, with bootstrap data of his own", world, "solo")
    diary.say("it is declared; its LabMachine is not there yet")
    world.put({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": meta, "spec": spec})
    diary.look()
    diary.say("its LabMachine is declared")
    world.put({"apiVersion": f"{INFRA}/v1", "kind": "LabMachine", "metadata": meta, "spec": {}})
    diary.look(after=10, provided=True)
    owners = world.get("Machine", "solo")["metadata"]["ownerReferences"]
    diary.lines.append("owners: " + ", ".join(f"{o['kind']} {o['name']}" for o in owners))
    diary.say("it is deleted")
    world.delete("Machine", "solo")
    diary.look(after=60, provided=True, rounds=5)
    assert_golden("machine_stand_alone.txt", diary.text())


def test_a_control_plane_that_runs_elsewhere() -> None:
    diary = _worker("the control plane moves to somebody else and has no Machines to stay: two workers are deleted")
    world = diary.world
    world.delete("Machine", "homelab-cp")
    diary.say("it does not say so: there might be no cluster left that the Node belongs to")
    world.delete("Machine", diary.name)
    diary.look(after=10, provided=True, rounds=4)
    assert world.find("Node", diary.name) is not None
    diary.say("it says that it is managed elsewhere; the other worker is deleted")
    world.edit("LabControlPlane", "homelab", {"status": {"externalManagedControlPlane": True}})
    other = machine_name(world)
    diary.follow(other)
    world.delete("Machine", other)
    diary.look(after=10, provided=True, rounds=5)
    assert world.find("Node", other) is None
    assert_golden("machine_external_control_plane.txt", diary.text())


def test_a_node_that_may_not_be_deleted() -> None:
    diary = _worker("the cluster refuses to delete the Node; the Machine has 30 seconds for it", annotations=_NO_DRAIN)
    world = diary.world
    world.edit("Machine", diary.name, {"spec": {"deletion": {"nodeDeletionTimeoutSeconds": 30}}})

    def refuse(action: Action) -> ApiError | None:
        return ApiError(403, "Forbidden", "a webhook says no") if isinstance(action, DeleteNode) else None

    world.refuse = refuse
    world.delete("Machine", diary.name)
    diary.look(provided=True, rounds=3)
    diary.say("after ten seconds")
    diary.look(after=10, rounds=1)
    diary.say("after thirty seconds")
    diary.look(after=20, rounds=1)
    assert world.find("Node", diary.name) is not None
    assert_golden("machine_node_refused.txt", diary.text())


def test_a_provider_id_that_two_nodes_claim() -> None:
    diary = _worker("two Nodes claim the provider ID of one Machine")
    world = diary.world
    diary.say("a second Node appears with the ID of the first")
    world.put(node("twin", provider_id=f"lab://{diary.name}"))
    diary.look()
    diary.say("it goes")
    _pop(world, "Node", "twin")
    diary.look(after=10)
    assert_golden("machine_provider_id_conflict.txt", diary.text())


def test_a_host_that_is_lost() -> None:
    diary = _worker("the host of a Machine is lost after it was provisioned", with_cluster=True)
    world = diary.world
    diary.say("somebody deletes the LabMachine without its Machine")
    _pop(world, "LabMachine", diary.name)
    diary.look()
    failure = world.get("Machine", diary.name)["status"]["deprecated"]["v1beta1"]
    diary.lines.append(f"v1beta1 failure {failure['failureReason']}: {failure['failureMessage']}")
    diary.say("its Node is removed, too")
    _pop(world, "Node", diary.name)
    diary.look(after=10)
    diary.say("the Machine is deleted: there is nothing to drain")
    world.delete("Machine", diary.name)
    diary.look(after=10, provided=True)
    assert_golden("machine_host_lost.txt", diary.text())


def test_a_cluster_that_falls_silent() -> None:
    diary = _worker("the API of the workload cluster falls silent for six minutes", with_cluster=True)
    world = diary.world
    diary.say("for ten seconds: that says nothing")
    world.reachable, world.silence, world.last_seen = False, CONNECTING, START + timedelta(minutes=1)
    world.now = START + timedelta(minutes=1)
    diary.look(after=10)
    diary.say("for a minute")
    world.silence = UNREACHABLE
    diary.look(after=50)
    diary.say("for five minutes and a second")
    diary.look(after=241)
    diary.say("it answers again")
    world.reachable = True
    diary.look(after=59)
    assert_golden("machine_silent_cluster.txt", diary.text())


def test_what_goes_on_to_a_node() -> None:
    diary = _worker("labels, taints and revisions of a Machine reach its Node and leave it again")
    world = diary.world

    def tell() -> None:
        found = world.get("Node", diary.name)
        meta, own = found["metadata"], "cluster.x-k8s.io/"
        marks = {k: v for k, v in meta["annotations"].items() if k.startswith(own) and k.endswith("-from-machine")}
        diary.lines += [f"label {k}={v}" for k, v in sorted(meta.get("labels", {}).items())]
        taints = found["spec"].get("taints") or ()
        diary.lines += [f"taint {t['key']}={t.get('value', '')}:{t['effect']}" for t in taints]
        diary.lines += [f"record {k.removeprefix(own)}: {v}" for k, v in sorted(marks.items())]

    tell()
    diary.say("labels and taints are added")
    labels = {"node.cluster.x-k8s.io/tier": "gold", "node-role.kubernetes.io/worker": "", "private": "no"}
    always = {"key": "dedicated", "value": "gold", "effect": "NoSchedule", "propagation": "Always"}
    once = {"key": "booting", "effect": "NoSchedule", "propagation": "OnInitialization"}
    world.edit("Machine", diary.name, {"metadata": {"labels": labels}, "spec": {"taints": [always, once]}})
    diary.look()
    tell()
    diary.say("a newer revision of its MachineDeployment is rolled out")
    revision = {"machinedeployment.clusters.x-k8s.io/revision": "2"}
    world.edit("MachineDeployment", "workers", {"metadata": {"annotations": revision}})
    diary.look()
    tell()
    diary.say("the labels and taints are taken away, the host may be taken back by its owner at any time")
    world.edit("Machine", diary.name, {"metadata": {"labels": dict.fromkeys(labels)}, "spec": {"taints": None}})
    world.edit("LabMachine", diary.name, {"status": {"interruptible": True}})
    diary.look()
    tell()
    assert_golden("machine_node_marks.txt", diary.text())


def test_a_control_plane_that_cannot_be_found() -> None:
    diary = _worker("the control plane object of a running cluster is deleted by force", with_cluster=True)
    world = diary.world
    world.objects.pop((GroupKind(CONTROL_PLANE, "LabControlPlane"), Key(NAMESPACE, "homelab")))
    diary.look()
    diary.say("and the Cluster after it; its other Machines are gone already")
    for obj in world.all("Machine"):
        _pop(world, "Machine", obj["metadata"]["name"])
    for kind in ("MachineSet", "MachineDeployment"):
        for obj in world.all(kind):
            _pop(world, kind, obj["metadata"]["name"])
    world.delete("Cluster", "homelab")
    diary.look(after=10, provided=True)
    assert_golden("cluster_control_plane_lost.txt", diary.text())
