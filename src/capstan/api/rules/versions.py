"""Which versions go together: Talos with Kubernetes, kubelets with API servers, one upgrade step with another."""

from __future__ import annotations

import re
from collections.abc import Mapping

Minor = tuple[int, int]

_VERSION = re.compile(r"^v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?$")

#: Talos minor to the oldest and newest Kubernetes minor that it runs (talos.md 6.1).
TALOS_KUBERNETES: Mapping[Minor, tuple[Minor, Minor]] = {
    (1, 9): ((1, 27), (1, 32)),
    (1, 10): ((1, 28), (1, 33)),
    (1, 11): ((1, 29), (1, 34)),
    (1, 12): ((1, 30), (1, 35)),
    (1, 13): ((1, 31), (1, 36)),
    (1, 14): ((1, 32), (1, 37)),
    (1, 15): ((1, 33), (1, 38)),
}

#: A kubelet may be this many minors older than its API server, never newer (Kubernetes' version skew policy).
OLDEST_KUBELET_MINORS = 3


def parse_minor(version: str) -> Minor | None:
    """Major and minor of `v1.33.4`, `1.33` or `v1.13.0-rc.1`; None for what is no version."""
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else None


def talos_problem(talos_version: str, kubernetes_version: str) -> str:
    """Why this Talos does not run this Kubernetes, in words; empty when it does or when it is not known."""
    talos, kubernetes = parse_minor(talos_version), parse_minor(kubernetes_version)
    known = TALOS_KUBERNETES.get(talos) if talos else None
    if known is None or kubernetes is None or known[0] <= kubernetes <= known[1]:
        return ""
    return (
        f"Talos {talos_version} runs Kubernetes {_text(known[0])} to {_text(known[1])}, not {kubernetes_version}: "
        "choose a version in that range, or another Talos"
    )


def kubelet_problem(kubelet_version: str, api_server_version: str) -> str:
    """Why a kubelet may not join this API server; empty when it may."""
    kubelet, server = parse_minor(kubelet_version), parse_minor(api_server_version)
    if kubelet is None or server is None:
        return ""
    if kubelet > server:
        return f"a kubelet of {kubelet_version} is newer than the API server's {api_server_version}"
    if kubelet[0] != server[0] or server[1] - kubelet[1] > OLDEST_KUBELET_MINORS:
        return (
            f"a kubelet of {kubelet_version} is more than {OLDEST_KUBELET_MINORS} minor versions older than "
            f"the API server's {api_server_version}"
        )
    return ""


def upgrade_problem(from_version: str, to_version: str) -> str:
    """Why Kubernetes cannot go from one version to the other in one step; empty when it can."""
    before, after = parse_minor(from_version), parse_minor(to_version)
    if before is None or after is None:
        return ""
    if after < before:
        return f"Kubernetes cannot go back from {from_version} to {to_version}"
    if after[0] != before[0] or after[1] - before[1] > 1:
        step = (before[0], before[1] + 1)
        return f"Kubernetes goes one minor version at a time: {from_version} to {_text(step)} first"
    return ""


def _text(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"
