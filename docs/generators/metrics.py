"""The metrics of a management plane, from the tables and the registry that `/metrics` is written from."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.objects import Key
from capstan.insight.metrics.families import KINDS, Conditions, Info, KindMetrics, States
from capstan.runtime.metrics import Metrics
from capstan.runtime.queue import WorkQueue
from docs.generators.markdown import code, notice, table

_PLACE = ("name", "namespace", "uid")


def metrics_page() -> str:
    """Two tables: the engine's counters, and the state of objects."""
    return "\n".join(
        (
            notice("`capstan.runtime.metrics` and `capstan.insight.metrics`"),
            "# Metrics\n",
            "What `/metrics` of a management plane says, besides the `apiserver_*` of its API server. How to read it: "
            "[how-to](../how-to/metrics-and-flags.md).\n",
            "## The engine\n",
            table(("Metric", "Type", "Labels", "What it says"), _engine()),
            "## The state of objects\n",
            "As kube-state-metrics shows it with Cluster API's configuration, from the caches, when somebody asks. All "
            "have the labels `name`,\n`namespace` and `uid`. A state is 1 where it holds and 0 elsewhere, an info is "
            "always 1, an instant is in seconds.\n",
            table(("Metric", "More labels", "What it says"), (row for kind in KINDS for row in _state(kind))),
        )
    )


def _engine() -> Iterator[tuple[str, str, str, str]]:
    metrics = Metrics()
    metrics.watch("machine", 1, WorkQueue[Key]())
    metrics.reconciled("machine", "success", 0.0)
    metrics.connected(Key("default", "homelab"), True)
    metrics.probed(Key("default", "homelab"), True)
    for family in metrics.registry.collect():
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        suffix = "_total" if family.type == "counter" else ""
        yield code(f"{family.name}{suffix}"), family.type, ", ".join(map(code, labels)), family.documentation
    yield code("process_*"), "", "", "Processor time, memory and files of the process"
    yield code("capstan_store_revision"), "counter", "", "Writes since the store was made"


def _state(kind: KindMetrics) -> Iterator[tuple[str, str, str]]:
    own = list(kind.labels)
    for family in kind.families:
        if isinstance(family, Conditions):
            head = f"{kind.prefix}_status_condition"
            yield code(head), _labels([*own, "type", "status"]), "The state of each condition"
            name = f"{head}_last_transition_time"
            yield code(name), _labels([*own, "type", "status"]), "Since when each condition is as it is"
            continue
        more = list(family.labels) if isinstance(family, Info) else []
        more += [family.label] if isinstance(family, States) else []
        yield code(f"{kind.prefix}_{family.name}"), _labels([*own, *more]), family.text


def _labels(names: list[str]) -> str:
    return ", ".join(code(name) for name in names if name not in _PLACE)
