"""Version contracts: which form of machine configuration a Talos release understands (talos.md 5.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from capstan.providers.talos.config.errors import ConfigError

_VERSION = re.compile(r"^v?(\d+)\.(\d+)(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$")


@dataclass(frozen=True, slots=True, order=True)
class Contract:
    """The major and minor version that generated configurations must suit; at or below the node's own."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"

    @property
    def has_secretbox(self) -> bool:
        return self > Contract(1, 2)

    @property
    def has_disk_quota(self) -> bool:
        return self >= Contract(1, 5)

    @property
    def has_kubeprism(self) -> bool:
        return self >= Contract(1, 6)

    @property
    def has_host_dns(self) -> bool:
        return self >= Contract(1, 7)

    @property
    def has_rsa_service_account(self) -> bool:
        return self >= Contract(1, 7)

    @property
    def has_host_dns_forwarding(self) -> bool:
        """Also the label that keeps control planes out of load balancers, and the cluster's name for workers."""
        return self >= Contract(1, 8)

    @property
    def has_network_documents(self) -> bool:
        """HostnameConfig and its like; also grubUseUKICmdline, and no more switches for RBAC and its like."""
        return self >= Contract(1, 12)

    @property
    def has_empty_network_section(self) -> bool:
        return self < Contract(1, 13)

    @property
    def is_in_documents(self) -> bool:
        """Kubernetes, discovery, install and sysctls in documents of their own."""
        return self >= Contract(1, 14)


OLDEST = Contract(1, 2)
NEWEST = Contract(1, 14)


def parse_contract(talos_version: str) -> Contract:
    """The contract of `talosVersion` (`v1.11`, `1.11.3`); empty means the newest. A version that is newer than
    all known gets the newest known form, which newer releases read. Raises ConfigError."""
    if not talos_version:
        return NEWEST
    match = _VERSION.match(talos_version.strip())
    if match is None:
        raise ConfigError("not a Talos version; write it as v1.13 or v1.13.2", "talosVersion")
    contract = Contract(int(match[1]), int(match[2]))
    if contract < OLDEST:
        raise ConfigError(
            f"Talos {contract} is too old; the oldest version that is supported is {OLDEST}", "talosVersion"
        )
    return min(contract, NEWEST)
