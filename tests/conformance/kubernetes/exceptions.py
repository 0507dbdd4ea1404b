"""Conformance tests of groups B and C that have no counterpart here, each with its reason."""

from __future__ import annotations

EXCEPTIONS = {
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod": (
        "attaching asks a node for a stream; this server has no nodes and answers before any webhook would be asked"
    ),
}
