"""Holds a custom object against its schema, and what its scale subresource reads against what that can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from capstan.api.errors import FieldCause
from capstan.api.kinds import ScalePaths
from capstan.api.objects import Obj
from capstan.apiserver.definitions.causes import invalid
from capstan.apiserver.validation import FieldValidation, Validated, Validator

_MAX_REPLICAS = 2**31 - 1


class CustomValidator(Validator):
    """The validator of one version of a user's kind."""

    def __init__(self, schema: dict[str, Any], scale: ScalePaths | None = None) -> None:
        super().__init__(schema)
        self._scale = scale

    def apply(
        self,
        obj: Obj,
        old: Obj | None = None,
        *,
        mode: FieldValidation = "",
        duplicates: Sequence[str] = (),
    ) -> Validated:
        checked = super().apply(obj, old, mode=mode, duplicates=duplicates)
        if self._scale is None:
            return checked
        faults = tuple(scale_faults(checked.object, self._scale))
        return replace(checked, causes=checked.causes + faults) if faults else checked


def scale_faults(obj: Obj, scale: ScalePaths) -> Iterator[FieldCause]:
    """The numbers of replicas are int32 and not negative, the selector is a string."""
    for path in (scale.spec_replicas, scale.status_replicas):
        value = _found(obj, path)
        if value is None:
            continue
        if type(value) is not int:
            yield invalid(path, 0, f"{path} accessor error: the value is not an integer")
        elif value < 0:
            yield invalid(path, value, "should be a non-negative integer")
        elif value > _MAX_REPLICAS:
            yield invalid(path, value, f"should be less than or equal to {_MAX_REPLICAS}")
    if scale.label_selector:
        selector = _found(obj, scale.label_selector)
        if selector is not None and not isinstance(selector, str):
            yield invalid(scale.label_selector, "", f"{scale.label_selector} accessor error: the value is not a string")


def _found(obj: Any, path: str) -> Any:
    for step in path.lstrip(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj
