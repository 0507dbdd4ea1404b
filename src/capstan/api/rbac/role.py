"""Role and ClusterRole: what may be done, in one namespace or everywhere."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.facts import ATOMIC_LIST, Required
from capstan.api.meta import LabelSelector, TypedObject
from capstan.api.struct import Struct


class PolicyRule(Struct, frozen=True, kw_only=True):
    """What is allowed: verbs on resources of API groups, or on paths that are no resources.

    verbs: what may be done; `*` is everything.
    api_groups: the groups of the resources; the empty one is the core group, `*` is every group.
    resources: plural names, with a subresource after a slash; `*` is all of them.
    resource_names: only objects with these names; empty allows every name.
    non_resource_urls: paths outside the API groups; a trailing `*` stands for the rest.
    """

    verbs: Required[Annotated[tuple[str, ...], ATOMIC_LIST]] = ()
    api_groups: Annotated[tuple[str, ...], ATOMIC_LIST] = ()
    resources: Annotated[tuple[str, ...], ATOMIC_LIST] = ()
    resource_names: Annotated[tuple[str, ...], ATOMIC_LIST] = ()
    non_resource_urls: Annotated[tuple[str, ...], ATOMIC_LIST] = msgspec.field(default=(), name="nonResourceURLs")


class AggregationRule(Struct, frozen=True, kw_only=True):
    """Which ClusterRoles another one is made of.

    cluster_role_selectors: ClusterRoles that any of these select give their rules.
    """

    cluster_role_selectors: Annotated[tuple[LabelSelector, ...], ATOMIC_LIST] = ()


class Role(TypedObject, frozen=True, kw_only=True):
    """What may be done in one namespace.

    rules: what is allowed; nothing takes away what a rule gives.
    """

    rules: Annotated[tuple[PolicyRule, ...], ATOMIC_LIST] = ()


class ClusterRole(TypedObject, frozen=True, kw_only=True):
    """What may be done everywhere, or in the namespaces in which it is bound.

    rules: what is allowed; with an aggregation rule the server keeps them.
    aggregation_rule: the ClusterRoles that the rules are collected from.
    """

    rules: Annotated[tuple[PolicyRule, ...], ATOMIC_LIST] = ()
    aggregation_rule: AggregationRule | None = None
