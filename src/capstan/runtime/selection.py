"""Which objects the controllers of this process work on: those with a label, and those of a Cluster with it."""

from __future__ import annotations

from collections.abc import Callable

from capstan.api.cluster.names import CLUSTER_NAME_LABEL, WATCH_FILTER_LABEL
from capstan.api.objects import Key, Obj
from capstan.runtime.cache import Cache
from capstan.runtime.informer import Entry, Informer


class Selection:
    """Everything when `value` is empty. An object's own label decides; where it has none, that of its Cluster does, so
    that what controllers make for a Cluster needs no label of its own."""

    def __init__(self, cache: Cache, value: str) -> None:
        self._cache = cache
        self._value = value

    def has(self, obj: Obj) -> bool:
        if not self._value:
            return True
        labels = obj["metadata"].get("labels") or {}
        own = labels.get(WATCH_FILTER_LABEL)
        if own is None:
            name = (obj.get("spec") or {}).get("clusterName") or labels.get(CLUSTER_NAME_LABEL)
            own = self._of_cluster(Key(obj["metadata"].get("namespace", ""), name)) if name else None
        return bool(own == self._value)

    def on_change(self, wake: Callable[[Key], None]) -> None:
        """Tell of Clusters whose label comes, goes or changes."""
        clusters = self._clusters() if self._value else None
        if clusters is None:
            return

        def changed(old: Entry | None, new: Entry | None) -> None:
            if new is not None and _label(old) != _label(new):
                wake(new.key)

        clusters.on_change(changed)

    def _of_cluster(self, key: Key) -> str | None:
        clusters = self._clusters()
        return _label(clusters.get(key)) if clusters is not None else None

    def _clusters(self) -> Informer | None:
        kind = self._cache.scheme.by_kind("cluster.x-k8s.io", "Cluster")
        return self._cache.existing(kind.resource()) if kind is not None else None


def _label(entry: Entry | None) -> str | None:
    labels = (entry.object["metadata"].get("labels") or {}) if entry is not None else {}
    found: str | None = labels.get(WATCH_FILTER_LABEL)
    return found
