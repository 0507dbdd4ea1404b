"""Holds a definition against the shape of CustomResourceDefinitions, the schemas inside it included."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.definitions.schemaprops import clean_schema
from capstan.apiserver.validation import FieldValidation, Validated, Validator, unknown_fields
from capstan.apiserver.validation.unknown import describe_unknown


class DefinitionValidator(Validator):
    """What is missing is left to the rules of definitions, which say it in Kubernetes' words."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__(_without_required(schema))

    def apply(
        self,
        obj: Obj,
        old: Obj | None = None,
        *,
        mode: FieldValidation = "",
        duplicates: Sequence[str] = (),
    ) -> Validated:
        found: list[str] = []

        def unknown(field: str, name: str, known: Collection[str]) -> None:
            found.append(describe_unknown(f"{field}.{name}", name, known))

        obj = _with_clean_schemas(obj, unknown)
        # The rest is looked at as well before the unknown keywords are an error.
        checked = super().apply(obj, old, mode="Warn" if found and mode == "Strict" else mode, duplicates=duplicates)
        warnings = unknown_fields(obj, [*checked.warnings, *found], mode) if found else checked.warnings
        return Validated(checked.object, checked.causes, warnings)


def _with_clean_schemas(crd: Obj, unknown: Any) -> Obj:
    spec = crd.get("spec")
    versions = spec.get("versions") if isinstance(spec, dict) else None
    if not isinstance(versions, list):
        return crd
    cleaned = [_clean_version(version, f"spec.versions[{index}]", unknown) for index, version in enumerate(versions)]
    if all(after is before for before, after in zip(versions, cleaned, strict=True)):
        return crd
    return {**crd, "spec": {**crd["spec"], "versions": cleaned}}


def _clean_version(version: Any, field: str, unknown: Any) -> Any:
    schema = version.get("schema") if isinstance(version, dict) else None
    if not isinstance(schema, dict) or schema.get("openAPIV3Schema") is None:
        return version
    props = schema["openAPIV3Schema"]
    cleaned = clean_schema(props, f"{field}.schema.openAPIV3Schema", unknown)
    return version if cleaned is props else {**version, "schema": {**schema, "openAPIV3Schema": cleaned}}


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _without_required(v) for k, v in schema.items() if k != "required" or not isinstance(v, list)}
    return schema
