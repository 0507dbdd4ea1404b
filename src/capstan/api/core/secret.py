"""Secret: small things that few may read. Its values never show in a repr."""

from __future__ import annotations

from capstan.api.meta import TypedObject


class Secret(TypedObject, frozen=True, kw_only=True):
    """Small things that few may read, such as credentials and keys.

    type: what the Secret is for; decides which keys it must have.
    data: the values, base64 on the wire.
    string_data: values as plain text; written only, they end up in data.
    immutable: true when the values never change again.
    """

    type: str = ""
    data: dict[str, bytes] = {}
    string_data: dict[str, str] = {}
    immutable: bool | None = None

    def __repr__(self) -> str:
        keys = ", ".join(sorted({*self.data, *self.string_data}))
        return f"Secret({self.metadata.namespace}/{self.metadata.name}, type={self.type!r}, keys=[{keys}])"
