"""How the controllers of a plane work, as the command line says it, under the names of Cluster API's manager."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from capstan.api.cluster.conversion.durations import seconds_of
from capstan.api.errors import ApiError
from capstan.api.rules.labels import label_value_faults
from capstan.cli.gates import GATES, PREFLIGHT_CHECKS, parse_gates

#: The checks of MachineSets, and the word for all of them.
CHECKS: Final = ("ControlPlaneIsStable", "ControlPlaneVersionSkew", "KubeadmVersionSkew", "KubernetesVersionSkew")
ALL: Final = "All"

#: Controllers whose number of workers can be chosen, and how many they have otherwise. IP addresses are given out one
#: after the other; what only counts is done at once.
WORKERS: Final[Mapping[str, int]] = {
    "cluster": 10,
    "machine": 10,
    "machineset": 10,
    "machinedeployment": 10,
    "machinepool": 10,
    "machinehealthcheck": 10,
    "clusterresourceset": 10,
    "proxmoxcluster": 10,
    "proxmoxmachine": 256,
    "talosconfig": 10,
    "taloscontrolplane": 10,
}
_LEAST_SYNC: Final = 10.0
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Tuning:
    """`gates` are all of them; `unchecked` the preflight checks that are not made. Objects outside of `namespace`
    (all when empty), and those that `watch_filter` does not name, are left alone. Everything is looked at again every
    `sync_seconds` (0 for never). Workload clusters are asked `qps` times a second, after the first `burst`. `workers`
    are by controller."""

    gates: Mapping[str, bool] = field(default_factory=lambda: {name: gate.is_on for name, gate in GATES.items()})
    unchecked: frozenset[str] = frozenset()
    namespace: str = ""
    watch_filter: str = ""
    sync_seconds: float = 600.0
    qps: float = 100.0
    burst: int = 200
    workers: Mapping[str, int] = field(default_factory=dict)

    def workers_of(self, controller: str) -> int:
        """0 for its own number."""
        return self.workers.get(controller.replace("binding", ""), 0)


def tuning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for a command."""
    for option in reversed((*_CHOICES, *_PACES, *(_workers_option(name) for name in WORKERS))):
        command = option(command)
    return command


def _workers_option(name: str) -> Callable[..., Any]:
    also = ", and of their bindings" if name == "clusterresourceset" else ""
    return click.option(
        f"--{name}-concurrency",
        type=click.IntRange(min=1),
        default=WORKERS[name],
        show_default=True,
        help=f"How many objects the controller of {name}s works on at a time{also}.",
    )


_CHOICES: Final = (
    click.option(
        "--feature-gates",
        multiple=True,
        metavar="NAME=true|false[,...]",
        help=f"Switch {', '.join(name for name, gate in GATES.items() if not gate.fixed)} on or off; all are on.",
    ),
    click.option(
        "--machineset-preflight-checks",
        "preflight_checks",
        multiple=True,
        metavar="CHECK[,...]",
        help=f"Checks that MachineSets make before they create Machines, instead of {ALL}: {', '.join(CHECKS)}.",
    ),
    click.option(
        "--namespace",
        "only_namespace",
        default="",
        help="Work on the objects of this namespace only; by default of all.",
    ),
    click.option(
        "--watch-filter",
        default="",
        metavar="VALUE",
        help="Work on objects only that have the label cluster.x-k8s.io/watch-filter with this value, or whose Cluster "
        "has it.",
    ),
)
_PACES: Final = (
    click.option(
        "--sync-period",
        default="10m",
        show_default=True,
        metavar="DURATION",
        help="How often everything is looked at again, though nothing changed; 0s for never.",
    ),
    click.option(
        "--clustercache-client-qps",
        "cluster_qps",
        type=click.FloatRange(min=0, min_open=True),
        default=100.0,
        show_default=True,
        help="Requests a second to each workload cluster.",
    ),
    click.option(
        "--clustercache-client-burst",
        "cluster_burst",
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        help="Requests at once to a workload cluster before that counts.",
    ),
)


def tuning_of(given: dict[str, Any]) -> Tuning:
    """From the parameters of a command, which are taken out of them. Errors: click.BadParameter."""
    gates = parse_gates(given.pop("feature_gates"))
    return Tuning(
        gates=gates,
        unchecked=frozenset((ALL,)) if not gates[PREFLIGHT_CHECKS] else unchecked(given.pop("preflight_checks", ())),
        namespace=_namespace(given.pop("only_namespace")),
        watch_filter=_filter(given.pop("watch_filter")),
        sync_seconds=_period(given.pop("sync_period")),
        qps=given.pop("cluster_qps"),
        burst=given.pop("cluster_burst"),
        workers={name: given.pop(f"{name}_concurrency") for name in WORKERS},
    )


def unchecked(texts: Sequence[str]) -> frozenset[str]:
    """The checks that are not made when only these are. Errors: click.BadParameter."""
    wanted = {name.strip() for text in texts for name in text.split(",") if name.strip()}
    unknown = sorted(wanted.difference((*CHECKS, ALL)))
    if unknown:
        there = ", ".join((ALL, *CHECKS))
        raise click.BadParameter(f"unknown preflight check(s) {', '.join(unknown)}: there are {there}")
    return frozenset() if not wanted or ALL in wanted else frozenset(CHECKS) - wanted


def _namespace(text: str) -> str:
    if text and not _NAMESPACE.fullmatch(text):
        raise click.BadParameter(f"--namespace: {text!r} is no name of a namespace")
    return text


def _filter(text: str) -> str:
    for fault in label_value_faults(text):
        raise click.BadParameter(f"--watch-filter: {text!r} is no value of a label: {fault}")
    return text


def _period(text: str) -> float:
    try:
        seconds = float(seconds_of(text))
    except ApiError as error:
        raise click.BadParameter(f"--sync-period: {error.message}") from None
    if seconds != 0 and seconds < _LEAST_SYNC:
        raise click.BadParameter("--sync-period must be at least 10s, or 0s for never")
    return seconds
