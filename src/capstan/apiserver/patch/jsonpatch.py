"""JSON patches of clients: within limits, and refused as Kubernetes refuses them."""

from __future__ import annotations

from typing import Any

import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.rules import jsonpatch
from capstan.api.rules.jsonpatch import PatchError

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024


def apply_json_patch(document: Any, patch: Any) -> Any:
    """`document` after all operations of `patch`, or ApiError and nothing done.

    Errors: 400 when `patch` is not a list of operations, 413 beyond the limits, 422 when an operation does not fit.
    """
    if isinstance(patch, list) and len(patch) > MAX_OPERATIONS:
        raise _too_large(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}")
    try:
        return jsonpatch.apply_json_patch(document, patch, _Copies().count)
    except PatchError as error:
        raise _refusal(error) from None


class _Copies:
    """How much the copies of one patch amount to."""

    def __init__(self) -> None:
        self._size_bytes = 0

    def count(self, value: Any) -> None:
        self._size_bytes += len(orjson.dumps(value))
        if self._size_bytes > MAX_COPIED_BYTES:
            raise _too_large(f"The size of copied values in a JSON patch may not exceed {MAX_COPIED_BYTES} bytes")


def _too_large(why: str) -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")


def _refusal(error: PatchError) -> ApiError:
    if error.malformed:
        return bad_request(f"error decoding patch: {error}")
    shown = f"operation {error.index} ({error.op} {error.pointer!r}): {error.why}"
    message = f"the server rejected our request due to an error in our request: {shown}"
    return ApiError(422, "Invalid", message)
