"""Counters of the engine: of reconciles in the names of controller-runtime (controller_runtime_*, workqueue_*) and of
Cluster API (capi_reconcile_*), of connections to workload clusters in those of Cluster API (capi_cluster_cache_*)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from capstan.api.objects import Key

Result = Literal["success", "error", "requeue", "requeue_after"]
RESULTS: Final[tuple[Result, ...]] = ("error", "requeue", "requeue_after", "success")

#: Upper bounds of the buckets, in seconds: those that both names have elsewhere, so that queries hold.
BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0),
    *(30.0, 40.0, 50.0, 60.0),
)


class Queue(Protocol):
    """What is told of a work queue."""

    @property
    def added(self) -> int: ...
    @property
    def retried(self) -> int: ...
    @property
    def working(self) -> int: ...
    def __len__(self) -> int: ...


@dataclass(slots=True)
class _Series:
    """What is counted of one controller."""

    counts: dict[Result, int] = field(default_factory=lambda: dict.fromkeys(RESULTS, 0))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    workers: int = 0
    queue: Queue | None = None

    def cumulated(self) -> list[tuple[str, float]]:
        total, found = 0, []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.buckets, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class _Reconciles(Collector):
    """Gives the same numbers under each of their names; nothing is computed before somebody asks."""

    def __init__(self, series: dict[str, _Series]) -> None:
        self._series = series

    def collect(self) -> Iterator[Metric]:
        yield from self._of("controller_runtime_reconcile", "Reconciles")
        yield from self._of("capi_reconcile", "Reconciles")
        errors = CounterMetricFamily(
            "controller_runtime_reconcile_errors", "Reconciles that failed", labels=("controller",)
        )
        for name, one in self._series.items():
            errors.add_metric((name,), one.counts["error"])
        yield errors
        yield from self._of_queues()

    def _of(self, prefix: str, text: str) -> Iterator[Metric]:
        totals = CounterMetricFamily(prefix, text, labels=("controller", "result"))
        seconds = HistogramMetricFamily(f"{prefix}_time_seconds", "Time of a reconcile", labels=("controller",))
        for name, one in self._series.items():
            for result, count in one.counts.items():
                totals.add_metric((name, result), count)
            seconds.add_metric((name,), one.cumulated(), one.seconds)
        yield totals
        yield seconds

    def _of_queues(self) -> Iterator[Metric]:
        label = ("controller",)
        most = GaugeMetricFamily("controller_runtime_max_concurrent_reconciles", "Workers", labels=label)
        active = GaugeMetricFamily("controller_runtime_active_workers", "Workers that reconcile", labels=label)
        names = ("controller", "name")
        depth = GaugeMetricFamily("workqueue_depth", "Keys that wait", labels=names)
        adds = CounterMetricFamily("workqueue_adds", "Keys that were handed over", labels=names)
        retries = CounterMetricFamily("workqueue_retries", "Keys that came back after a failure", labels=names)
        for name, one in self._series.items():
            if one.queue is None:
                continue
            most.add_metric((name,), one.workers)
            active.add_metric((name,), one.queue.working)
            depth.add_metric((name, name), len(one.queue))
            adds.add_metric((name, name), one.queue.added)
            retries.add_metric((name, name), one.queue.retried)
        yield from (most, active, depth, adds, retries)


class Metrics:
    """One registry for one process; nothing global, so that many worlds can live in one interpreter."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._series: dict[str, _Series] = {}
        self.registry.register(_Reconciles(self._series))
        cluster = ("cluster_name", "cluster_namespace")
        self._connected = Gauge(
            "capi_cluster_cache_connection_up", "Whether a cluster is connected", cluster, registry=self.registry
        )
        self._healthy = Gauge(
            "capi_cluster_cache_healthcheck", "Whether the last probe succeeded", cluster, registry=self.registry
        )
        self._probes = Counter(
            "capi_cluster_cache_healthchecks", "Probes of clusters", (*cluster, "status"), registry=self.registry
        )

    @property
    def reconciles(self) -> dict[str, int]:
        """By controller, how often it worked."""
        return {name: sum(one.counts.values()) for name, one in self._series.items() if any(one.counts.values())}

    def watch(self, controller: str, workers: int, queue: Queue) -> None:
        """Tell of this controller from now on, whether it has worked yet or not."""
        one = self._of(controller)
        one.workers, one.queue = workers, queue

    def reconciled(self, controller: str, result: Result, seconds: float) -> None:
        one = self._of(controller)
        one.counts[result] += 1
        one.buckets[bisect_left(BUCKETS, seconds)] += 1
        one.seconds += seconds

    def _of(self, controller: str) -> _Series:
        return self._series.setdefault(controller, _Series())

    def connected(self, cluster: Key, is_connected: bool) -> None:
        self._connected.labels(cluster.name, cluster.namespace).set(is_connected)

    def probed(self, cluster: Key, is_healthy: bool) -> None:
        place = (cluster.name, cluster.namespace)
        self._healthy.labels(*place).set(is_healthy)
        self._probes.labels(*place, "success" if is_healthy else "error").inc()

    def forget(self, cluster: Key) -> None:
        """A cluster that is gone is not counted any more."""
        place = (cluster.name, cluster.namespace)
        for metric in (self._connected, self._healthy):
            metric.remove(*place)
        for status in ("success", "error"):
            self._probes.remove(*place, status)

    def watch_process(self) -> None:
        """Tell of the processor time, memory and files of this process (process_*)."""
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """The exposition format, as `/metrics` serves it."""
        return generate_latest(self.registry)
