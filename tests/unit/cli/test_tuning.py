"""How the controllers of a plane are told to work: gates, checks, what they leave alone, how much at a time."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from click.testing import CliRunner

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.server import ApiServer
from capstan.cli.commands.up import up
from capstan.cli.gates import GATES, gated, parse_gates
from capstan.cli.tuning import WORKERS, Tuning, unchecked
from capstan.controllers import core_controllers
from capstan.providers.ipam import ipam_controllers
from capstan.providers.proxmox import proxmox_controllers
from capstan.providers.talos import talos_controllers
from capstan.runtime.controller import Controller
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.sim.loop import run
from capstan.store.memory import MemoryStore


def controllers(**choices: Any) -> list[Controller[Any, Any]]:
    nothing = cast(Any, None)
    return [
        *core_controllers(nothing, nothing, nothing, **choices),
        *ipam_controllers(),
        *proxmox_controllers(nothing, nothing, nothing),
        *talos_controllers(nothing, nothing, nothing),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--feature-gates", "MachinePol=false"], "unknown feature gate 'MachinePol': there are ClusterTopology,"),
        (["--feature-gates", "MachinePool"], "feature gate MachinePool must be true or false, not ''"),
        (["--feature-gates", "MachinePool=true,ClusterTopology=true"], "ClusterTopology cannot be switched on: "),
        (["--feature-gates", "PriorityQueue=false"], "PriorityQueue cannot be switched off: "),
        (
            ["--machineset-preflight-checks", "KubernetesSkew"],
            "unknown preflight check(s) KubernetesSkew: there are All",
        ),
        (["--namespace", "Team_A"], "--namespace: 'Team_A' is no name of a namespace"),
        (["--watch-filter", "a b"], "--watch-filter: 'a b' is no value of a label"),
        (["--sync-period", "soon"], '--sync-period: time: invalid duration "soon"'),
        (["--sync-period", "1s"], "--sync-period must be at least 10s, or 0s for never"),
        (["--clustercache-client-qps", "0"], "'--clustercache-client-qps': 0.0 is not in the range x>0"),
        (["--machine-concurrency", "0"], "'--machine-concurrency': 0 is not in the range x>=1"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(options: list[str], said: str) -> None:
    result = CliRunner().invoke(up, ["--data-dir", "/nowhere", *options])
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_gates_are_as_they_are_here_unless_they_are_switched() -> None:
    assert parse_gates([]) == {name: gate.is_on for name, gate in GATES.items()} == Tuning().gates
    chosen = parse_gates(["MachinePool=false, ClusterTopology=false", "MachineTaintPropagation=False"])
    assert [name for name, is_on in chosen.items() if is_on != GATES[name].is_on] == [
        "MachinePool",
        "MachineTaintPropagation",
    ]


def test_checks_that_are_not_named_are_not_made() -> None:
    assert unchecked([]) == unchecked(["KubernetesVersionSkew,All"]) == frozenset()
    assert unchecked(["KubernetesVersionSkew", "ControlPlaneIsStable"]) == {
        "ControlPlaneVersionSkew",
        "KubeadmVersionSkew",
    }


def test_the_numbers_of_workers_are_those_of_the_controllers() -> None:
    own = {controller.name: controller.concurrency for controller in controllers()}
    assert {name: own[name] for name in WORKERS} == WORKERS
    tuning = Tuning(workers={"clusterresourceset": 3})
    chosen = {name: tuning.workers_of(name) for name in own if tuning.workers_of(name)}
    assert chosen == {"clusterresourceset": 3, "clusterresourcesetbinding": 3}


def test_without_the_gate_nobody_works_on_pools() -> None:
    assert "machinepool" in {controller.name for controller in controllers()}
    assert "machinepool" not in {controller.name for controller in controllers(with_pools=False)}


TAINT = {"key": "example.com/gpu", "effect": "NoSchedule", "propagation": "Always"}


def declared(kind: str, **spec: Any) -> Obj:
    reference = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "LabMachine", "name": "p"}
    machine = {"clusterName": "c", "bootstrap": {"dataSecretName": "d"}, "infrastructureRef": reference, **spec}
    meta = {"name": "p", "namespace": "default"}
    wanted = machine if kind == "Machine" else {"clusterName": "c", "template": {"spec": machine}}
    return {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": kind, "metadata": meta, "spec": wanted}


@pytest.mark.parametrize(
    ("gates", "wanted", "why"),
    [
        ("", declared("Machine", taints=[TAINT]), ""),
        ("", declared("MachinePool"), ""),
        (
            "MachinePool=false",
            declared("MachinePool"),
            "spec: Forbidden: can be set only if the MachinePool feature flag is enabled",
        ),
        ("MachineTaintPropagation=false", declared("Machine"), ""),
        (
            "MachineTaintPropagation=false",
            declared("Machine", taints=[TAINT]),
            "spec.taints: Forbidden: taints are not allowed to be set when the feature gate MachineTaintPropagation is "
            "disabled",
        ),
    ],
)
def test_what_a_gate_would_have_to_act_on_is_refused(gates: str, wanted: Obj, why: str) -> None:
    async def story() -> None:
        clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(1)
        scheme = gated(SCHEME, parse_gates([gates]))
        server = ApiServer(MemoryStore(), scheme=scheme, clock=clock.now, token=keys.token)
        await server.start()
        verbs = server.verbs(User("admin", ("system:masters",)))
        kind = scheme.by_kind("cluster.x-k8s.io", wanted["kind"])
        assert kind is not None
        try:
            await verbs.create(kind.resource(), "default", wanted, WriteOptions())
        except ApiError as error:
            assert why and why in error.message
        else:
            assert not why
        await server.stop()

    run(story())
