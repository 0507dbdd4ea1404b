"""Rules of the patches of a class (cluster-api-core.md 15.7): what they change, and where the values come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.admission.clusterclass.builtinvariables import BUILTIN_VARIABLES
from capstan.api.cluster.admission.clusterclass.layout import items_at
from capstan.api.cluster.admission.clusterclass.selectors import selector_causes
from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, required_value, shown
from capstan.api.rules.fields import mapping_at, text_at
from capstan.api.rules.gotemplate import template_problem
from capstan.api.rules.nearest import nearest

_INLINE: Final = "inline"
_OPERATIONS: Final = ("add", "remove", "replace")


def patch_causes(new: Obj) -> Iterator[FieldCause]:
    """Every patch, by itself and beside the others."""
    seen: set[str] = set()
    for index, patch in enumerate(items_at(new, "spec.patches")):
        field = f"spec.patches[{index}]"
        yield from _name_causes(text_at(patch, "name"), seen, f"{field}.name")
        yield from _enabled_causes(text_at(patch, "enabledIf"), f"{field}.enabledIf")
        yield from _way_causes(patch, field)
        yield from _definition_causes(patch, new, f"{field}.definitions")
        seen.add(text_at(patch, "name"))


def _name_causes(name: str, seen: set[str], field: str) -> Iterator[FieldCause]:
    if not name:
        yield required_value(field, "patch name must be defined")
    elif name == _INLINE:
        yield required_value(field, f"{shown(name)} can not be used as the name of a patch")
    if name in seen:
        why = f"patch names must be unique. Patch with name {shown(name)} is defined more than once"
        yield invalid_value(field, name, why)


def _enabled_causes(template: str, field: str) -> Iterator[FieldCause]:
    problem = template_problem(template)
    if problem:
        yield invalid_value(field, template, f"template can not be parsed: {problem}")


def _way_causes(patch: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """A patch is written here, or made by an extension."""
    inline, external = patch.get("definitions") is not None, patch.get("external") is not None
    if not inline and not external:
        yield required_value(field, "one of definitions or external must be defined")
    if inline and external:
        yield invalid_value(field, text_at(patch, "name"), "only one of definitions or external can be defined")
    if external:
        given = mapping_at(patch, "external")
        if not text_at(given, "generatePatchesExtension") and not text_at(given, "validateTopologyExtension"):
            why = "one of validateTopologyExtension and generatePatchesExtension must be defined"
            yield invalid_value(f"{field}.external", dict(given), why)


def _definition_causes(patch: Mapping[str, Any], new: Obj, field: str) -> Iterator[FieldCause]:
    variables = [text_at(variable, "name") for variable in items_at(new, "spec.variables")]
    for index, definition in enumerate(items_at(patch, "definitions")):
        for place, change in enumerate(items_at(definition, "jsonPatches")):
            yield from _change_causes(change, variables, f"{field}[{index}].jsonPatches[{place}]")
        yield from selector_causes(mapping_at(definition, "selector"), new, f"{field}[{index}].selector")


def _change_causes(change: Mapping[str, Any], variables: list[str], field: str) -> Iterator[FieldCause]:
    operation, path = text_at(change, "op"), text_at(change, "path")
    if operation not in _OPERATIONS:
        values = ", ".join(shown(one) for one in _OPERATIONS)
        why = f"Unsupported value: {shown(operation)}: supported values: {values}"
        yield FieldCause(f"{field}.op", why, "FieldValueNotSupported")
    if not path.startswith("/spec"):
        yield invalid_value(f"{field}.path", path, 'jsonPatch path must start with "/spec"')
    yield from _index_causes(operation, path, f"{field}.path")
    if operation in ("add", "replace"):
        yield from _value_causes(change, variables, field)


def _index_causes(operation: str, path: str, field: str) -> Iterator[FieldCause]:
    """Items of lists can be put first or last; which item is which is not known before."""
    for part in path.split("/"):
        if not re.fullmatch(r"[+-]?\d+", part):
            continue
        if operation == "add" and int(part):
            yield invalid_value(field, path, 'arrays can only be accessed using "0" (prepend) or "-" (append)')
        elif operation in ("replace", "remove"):
            yield invalid_value(field, path, f"elements in arrays can not be accessed in a {operation} operation")


def _value_causes(change: Mapping[str, Any], variables: list[str], field: str) -> Iterator[FieldCause]:
    """The value is written here, or comes from somewhere. A `value: null` is a value as well."""
    source = change.get("valueFrom")
    if "value" not in change and source is None:
        yield invalid_value(field, dict(change), "jsonPatch must define one of value or valueFrom")
    if source is None:
        return
    if "value" in change:
        yield invalid_value(field, dict(change), "jsonPatch can not define both value and valueFrom")
    template, variable = text_at(source, "template"), text_at(source, "variable")
    if not template and not variable:
        yield invalid_value(f"{field}.valueFrom", source, "valueFrom must set either template or variable")
    if template and variable:
        yield invalid_value(f"{field}.valueFrom", source, "valueFrom can not set both template and variable")
    problem = template_problem(template)
    if problem:
        yield invalid_value(f"{field}.valueFrom.template", template, f"template can not be parsed: {problem}")
    if variable:
        yield from _variable_causes(variable, variables, f"{field}.valueFrom.variable")


def _variable_causes(variable: str, variables: list[str], field: str) -> Iterator[FieldCause]:
    """Only the variable itself is looked for, not the part of its value that is meant."""
    if variable.startswith("builtin."):
        if variable not in BUILTIN_VARIABLES:
            yield invalid_value(field, variable, "not a defined builtin variable" + _meant(variable, BUILTIN_VARIABLES))
        return
    name = re.split(r"[\[.]", variable.lstrip("[."), maxsplit=1)[0]
    if name not in variables:
        yield invalid_value(field, variable, f"variable with name {variable} cannot be found" + _meant(name, variables))


def _meant(name: str, known: Iterable[str]) -> str:
    guess = nearest(name, known)
    return f": did you mean {guess}?" if guess else ""
