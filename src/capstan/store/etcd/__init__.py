"""The store in an etcd cluster, for several API servers at once."""

from __future__ import annotations

from capstan.store.etcd.address import EtcdAddress
from capstan.store.etcd.store import EtcdStore

__all__ = ["EtcdAddress", "EtcdStore"]
