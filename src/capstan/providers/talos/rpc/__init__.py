"""Protobuf messages and methods of the Talos machine API and of COSI State, by their full names."""

from __future__ import annotations

from capstan.providers.talos.rpc.messages import Method, enum_value, message, method, methods

__all__ = ["Method", "enum_value", "message", "method", "methods"]
