"""OpenAPI v3 documents in the words of version 2, without what version 2 cannot say. Pure.

Version 2 knows neither `nullable` nor alternatives. A node that has them, or keeps unknown fields, is published
without a type, so that clients which check it accept every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Obj = dict[str, Any]
Schema = Mapping[str, Any]

_V3, _V2 = "#/components/schemas/", "#/definitions/"
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_JUNCTORS = ("allOf", "anyOf", "oneOf", "not")
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def version2_paths(paths: Schema) -> Obj:
    """The paths of a document."""
    return {path: _path_item(item) for path, item in paths.items()}


def version2_definitions(schemas: Schema, kinds: Mapping[str, bool]) -> Obj:
    """The definitions of a document. `kinds` are those of users that keep unknown fields as a whole (True) or not:
    of the first nothing is told but what they are."""
    found: Obj = {}
    for name, schema in schemas.items():
        if kinds.get(name):
            gvk = "x-kubernetes-group-version-kind"
            found[name] = {"type": "object", gvk: schema[gvk]}
        else:
            found[name] = version2_schema(schema)
    return found


def version2_schema(schema: Schema) -> Obj:
    """One schema and all below it."""
    reference = _reference(schema)
    if reference:
        described = {"description": schema["description"]} if "description" in schema else {}
        extensions = {name: value for name, value in schema.items() if name.startswith("x-")}
        return {**described, "$ref": reference.replace(_V3, _V2), **extensions}
    shown: Obj = {
        name: value for name, value in schema.items() if name not in _JUNCTORS and name not in ("nullable", "default")
    }
    if schema.get("nullable") or schema.get(_PRESERVE):
        shown.pop("items", None)
        shown.pop("properties", None)
        if schema.get("nullable") or schema.get("type") == "object":
            shown.pop("type", None)
    if shown.get("type") == "array" and "items" not in shown:
        del shown["type"]
    properties = shown.get("properties")
    if isinstance(properties, Mapping):
        shown["properties"] = {name: version2_schema(part) for name, part in properties.items()}
        absent = {name for name, part in properties.items() if part.get("nullable")}
        _without_required(shown, absent)
    for part in ("items", "additionalProperties"):
        if isinstance(shown.get(part), Mapping):
            shown[part] = version2_schema(shown[part])
    return shown


def _without_required(shown: Obj, absent: set[str]) -> None:
    """A field that may be null cannot be required: clients would miss it."""
    if not absent or "required" not in shown:
        return
    left = [name for name in shown["required"] if name not in absent]
    if left:
        shown["required"] = left
    else:
        del shown["required"]


def _reference(schema: Schema) -> str:
    """What a node refers to, plainly or as the only part of allOf."""
    if "$ref" in schema:
        return str(schema["$ref"])
    parts = schema.get("allOf")
    if isinstance(parts, Sequence) and len(parts) == 1 and "$ref" in parts[0]:
        return str(parts[0]["$ref"])
    return ""


def _path_item(item: Schema) -> Obj:
    shown: Obj = {name: _operation(item[name]) for name in _METHODS if name in item}
    if item.get("parameters"):
        shown["parameters"] = [_parameter(parameter) for parameter in item["parameters"]]
    return shown


def _operation(operation: Schema) -> Obj:
    shown: Obj = {k: v for k, v in operation.items() if k not in ("requestBody", "responses", "parameters")}
    parameters = []
    body = operation.get("requestBody")
    if body:
        shown["consumes"] = list(body["content"])
        schema = next(iter(body["content"].values()))["schema"]
        parameters.append({"name": "body", "in": "body", "required": True, "schema": version2_schema(schema)})
    parameters += [_parameter(parameter) for parameter in operation.get("parameters") or ()]
    if parameters:
        shown["parameters"] = parameters
    produces: dict[str, None] = {}
    responses: Obj = {}
    for code, response in (operation.get("responses") or {}).items():
        responses[code] = {"description": response.get("description", "")}
        content = response.get("content") or {}
        produces.update(dict.fromkeys(content))
        if content:
            responses[code]["schema"] = version2_schema(next(iter(content.values()))["schema"])
    if produces:
        shown["produces"] = list(produces)
    shown["schemes"] = ["https"]
    shown["responses"] = responses
    return shown


def _parameter(parameter: Schema) -> Obj:
    return {**{k: v for k, v in parameter.items() if k != "schema"}, **(parameter.get("schema") or {})}
