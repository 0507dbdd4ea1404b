"""What the engine counts, as a scraper reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from capstan.api.objects import Key
from capstan.runtime.metrics import BUCKETS, Metrics
from capstan.runtime.queue import WorkQueue


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_reconciles_have_the_names_of_both_dashboards() -> None:
    metrics = Metrics()
    queue: WorkQueue[Key] = WorkQueue()
    metrics.watch("machine", 10, queue)
    metrics.watch("cluster", 5, WorkQueue[Key]())
    metrics.reconciled("machine", "success", 0.004)
    metrics.reconciled("machine", "requeue_after", 0.3)
    metrics.reconciled("machine", "error", 100.0)
    found = samples(metrics)
    for prefix in ("controller_runtime_reconcile", "capi_reconcile"):
        by_result = {
            r: found[f"{prefix}_total", (("controller", "machine"), ("result", r))] for r in ("success", "error")
        }
        assert by_result == {"success": 1.0, "error": 1.0}
        assert found[f"{prefix}_total", (("controller", "cluster"), ("result", "success"))] == 0.0
        seconds = f"{prefix}_time_seconds"
        counts = [
            found[f"{seconds}_bucket", (("controller", "machine"), ("le", le))] for le in ("0.005", "0.3", "+Inf")
        ]
        assert counts == [1.0, 2.0, 3.0]
        assert found[f"{seconds}_sum", (("controller", "machine"),)] == 100.304
        assert len([key for key in found if key[0] == f"{seconds}_bucket"]) == 2 * (len(BUCKETS) + 1)
    assert found["controller_runtime_reconcile_errors_total", (("controller", "machine"),)] == 1.0
    assert found["controller_runtime_max_concurrent_reconciles", (("controller", "cluster"),)] == 5.0
    assert metrics.reconciles == {"machine": 3}


def test_queues_are_asked_when_somebody_looks() -> None:
    metrics = Metrics()
    queue: WorkQueue[Key] = WorkQueue()
    metrics.watch("machine", 10, queue)
    for name in ("a", "b", "a"):
        queue.add(Key("default", name))
    found = samples(metrics)
    label = (("controller", "machine"), ("name", "machine"))
    assert (found["workqueue_depth", label], found["workqueue_adds_total", label]) == (2.0, 2.0)
    assert found["workqueue_retries_total", label] == 0.0


def test_clusters_that_are_gone_are_not_told_of() -> None:
    metrics, key = Metrics(), Key("default", "homelab")
    metrics.connected(key, True)
    metrics.probed(key, True)
    metrics.probed(key, False)
    place = (("cluster_name", "homelab"), ("cluster_namespace", "default"))
    assert samples(metrics)["capi_cluster_cache_connection_up", place] == 1.0
    assert samples(metrics)["capi_cluster_cache_healthcheck", place] == 0.0
    probes = samples(metrics)["capi_cluster_cache_healthchecks_total", (*place, ("status", "success"))]
    assert probes == 1.0
    metrics.forget(key)
    assert not [name for name, labels in samples(metrics) if ("cluster_name", "homelab") in labels]


def test_the_process_tells_of_itself() -> None:
    metrics = Metrics()
    metrics.watch_process()
    assert samples(metrics)["process_resident_memory_bytes", ()] > 1_000_000
