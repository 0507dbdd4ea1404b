"""Counters of the engine, in Prometheus' names for controllers (controller_runtime_*), and of its connections to
workload clusters in those of Cluster API (capi_cluster_cache_*)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from capstan.api.objects import Key

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """One registry for one process; nothing global, so that many worlds can live in one interpreter."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            "controller_runtime_reconcile", "Reconciles", ("controller", "result"), registry=self.registry
        )
        self._seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Time of a reconcile",
            ("controller",),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.reconciles: dict[str, int] = {}
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

    def reconciled(self, controller: str, result: str, seconds: float) -> None:
        self._reconciles.labels(controller, result).inc()
        self._seconds.labels(controller).observe(seconds)
        self.reconciles[controller] = self.reconciles.get(controller, 0) + 1

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

    def text(self) -> bytes:
        """The exposition format, as `/metrics` serves it."""
        return generate_latest(self.registry)
