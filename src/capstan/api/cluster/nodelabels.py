"""Which labels and annotations of Machines and MachinePools go on to their Nodes (cluster-api-core.md 2.4)."""

from __future__ import annotations

from capstan.api.cluster.names import MANAGED_NODE_DOMAIN, NODE_RESTRICTION_DOMAIN, NODE_ROLE_DOMAIN


def is_node_label(key: str) -> bool:
    is_role = key.partition("/")[0] == NODE_ROLE_DOMAIN
    return is_role or _in_domain(key, NODE_RESTRICTION_DOMAIN) or is_node_annotation(key)


def is_node_annotation(key: str) -> bool:
    return _in_domain(key, MANAGED_NODE_DOMAIN)


def _in_domain(key: str, parent: str) -> bool:
    domain = key.partition("/")[0]
    return domain == parent or domain.endswith(f".{parent}")
