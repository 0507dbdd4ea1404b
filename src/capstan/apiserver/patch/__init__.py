"""What a PATCH request makes of an object: JSON patch, merge patch, strategic merge patch. Pure.

Server-side apply is in `capstan.apiserver.apply`: it needs to know who owns what.
"""

from __future__ import annotations

from typing import Any

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj
from capstan.api.rules.mergepatch import merge_patch
from capstan.api.verbs import PatchType
from capstan.apiserver.depth import refuse_depth
from capstan.apiserver.patch.jsonpatch import apply_json_patch
from capstan.apiserver.patch.merge import without_server_owned_nulls
from capstan.apiserver.patch.strategic import apply_strategic_patch

__all__ = ["apply_patch", "refuse_strategic"]

#: What servers accept in the Content-Type of a PATCH, as the 415 answer lists it.
ACCEPTED_FOR_BUILTIN = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/strategic-merge-patch+json",
)
ACCEPTED_FOR_CUSTOM = ACCEPTED_FOR_BUILTIN[:3]


def apply_patch(patch_type: PatchType, current: Obj, patch: Any, schema: dict[str, Any] | None) -> Obj:
    """The object after `patch`. `schema` tells a strategic patch its merge keys; without one the built-in
    kinds' own are used, found by `current`'s apiVersion and kind.

    Guarantees: `current` and `patch` are not changed; what the patch does not touch is shared with `current`.
    Errors: ApiError 400 (not a patch), 413 (too many operations, too much copied), 422 (a JSON patch that does not
    fit the object).
    """
    if patch_type == "json":
        result = _object(apply_json_patch(current, patch), "JSON patch")
        refuse_depth(result, "the result of the JSON patch")
        return result
    if not isinstance(patch, dict):
        raise bad_request(f"error decoding patch: a {patch_type} patch must be an object, not {_named(patch)}")
    refuse_depth(patch, "error decoding patch")
    patch = without_server_owned_nulls(patch)
    if patch_type == "merge":
        return _object(merge_patch(current, patch), "merge patch")
    return apply_strategic_patch(current, patch, schema)


def refuse_strategic(custom: bool = True) -> ApiError:
    """415: strategic merge patches are for built-in kinds only, because others have no merge keys."""
    return unsupported_patch_type(custom)


def unsupported_patch_type(custom: bool) -> ApiError:
    """415 with the types that this resource accepts."""
    accepted = ", ".join(ACCEPTED_FOR_CUSTOM if custom else ACCEPTED_FOR_BUILTIN)
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, "UnsupportedMediaType", message)


def _object(result: Any, what: str) -> Obj:
    if not isinstance(result, dict):
        raise bad_request(f"the {what} does not leave an object but {_named(result)}")
    return result


def _named(value: Any) -> str:
    names = {
        type(None): "null",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "an object")
