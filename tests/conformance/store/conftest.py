"""A new store of each kind, for every test of the suite."""

from .test_store import one_member, with_store

__all__ = ["one_member", "with_store"]
