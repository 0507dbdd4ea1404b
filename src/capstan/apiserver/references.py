"""Which version a reference has that an older client reads: the one that the definition of its kind names.

Newer versions of Cluster API's kinds refer to provider objects by group and kind. Their definitions say by labels which
of their versions follow which contract, and the newest of those is what older clients are shown.
"""

from __future__ import annotations

from dataclasses import replace

from capstan.api.cluster.conversion.references import with_served_versions, with_written_versions
from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL
from capstan.api.kinds import Kind
from capstan.api.objects import Obj
from capstan.apiserver.discovery import version_priority
from capstan.apiserver.resources import Registry, Served


def with_served_references(kind: Kind, served: Served, registry: Registry) -> Served:
    """The kind with references that are converted by what is served here; the kind itself if it has none."""
    if not kind.references:
        return served
    hub = kind.storage.name

    def version_of(group: str, name: str) -> str:
        return contract_version(registry.by_kind(group, name))

    def convert(obj: Obj, to_version: str) -> Obj:
        if to_version != hub:
            return kind.convert(with_served_versions(obj, kind.references, version_of), to_version)
        after = kind.convert(obj, to_version)
        return after if after is obj else with_written_versions(after, obj, kind.references, version_of)

    return replace(served, convert=convert)


def contract_version(served: Served | None) -> str:
    """The version that follows the newest contract; of several the most stable and newest. Empty if none does."""
    if served is None:
        return ""
    named = served.labels.get(CONTRACT_V1BETA2_LABEL) or served.labels.get(CONTRACT_V1BETA1_LABEL) or ""
    return min(named.split("_"), key=version_priority)
