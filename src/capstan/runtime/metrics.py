"""Counters of the engine, in Prometheus' names for controllers (controller_runtime_*)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

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

    def reconciled(self, controller: str, result: str, seconds: float) -> None:
        self._reconciles.labels(controller, result).inc()
        self._seconds.labels(controller).observe(seconds)
        self.reconciles[controller] = self.reconciles.get(controller, 0) + 1

    def text(self) -> bytes:
        """The exposition format, as `/metrics` serves it."""
        return generate_latest(self.registry)
