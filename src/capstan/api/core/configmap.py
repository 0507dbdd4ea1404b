"""ConfigMap: small texts that anyone may read."""

from __future__ import annotations

from capstan.api.meta import TypedObject


class ConfigMap(TypedObject, frozen=True, kw_only=True):
    """Small texts for programs to read.

    data: texts by key.
    binary_data: bytes by key, base64 on the wire; no key is in both.
    immutable: true when the values never change again.
    """

    data: dict[str, str] = {}
    binary_data: dict[str, bytes] = {}
    immutable: bool | None = None
