"""Reads the provider object behind a reference into a value, what went wrong included."""

from __future__ import annotations

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import GroupKind
from capstan.api.rules.contract import External
from capstan.runtime.reader import Reader


async def read_external(reader: Reader, group: str, kind: str, namespace: str, name: str) -> External:
    """The object, its resource and its contract. A kind that nothing serves is a `problem`, not an exception."""
    group_kind = GroupKind(group, kind)
    try:
        resource, contract = await reader.resolve(group_kind)
        found = await reader.get_object(group_kind, namespace, name)
    except (TransientError, ApiError) as error:
        return External(group_kind, name, problem=str(error), problem_reason=error.reason)
    return External(group_kind, name, resource, contract, found)
