"""The parameters of `capstan generate`, from their JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from capstan.generate import json_schema
from docs.generators.markdown import code, notice, table


def parameters_page() -> str:
    """One table: every key of a parameter file."""
    schema: dict[str, Any] = json_schema()
    definitions = schema["$defs"]
    root = _resolved(schema, definitions)
    rows = list(_rows(root, definitions, ""))
    return "\n".join(
        (
            notice("`capstan.generate.json_schema()`"),
            "# Parameters of `capstan generate`\n",
            "Keys of the file that `capstan generate cluster --config FILE` reads. `capstan generate config` writes a "
            "commented file,\n`capstan generate config --schema` prints the JSON schema. Unknown keys are refused.\n",
            table(("Key", "Type", "Default", "Description"), rows),
        )
    )


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference points at."""
    ref = schema.get("$ref") or next((part["$ref"] for part in schema.get("anyOf", ()) if "$ref" in part), "")
    return definitions[ref.rpartition("/")[2]] if ref else schema


def _rows(schema: dict[str, Any], definitions: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in schema["properties"].items():
        here = f"{path}{name}"
        is_list = field.get("type") == "array"
        inner = _resolved(field["items"] if is_list and "items" in field else field, definitions)
        nested = "properties" in inner
        default = "" if nested else _default(field, name in schema.get("required", ()))
        yield code(here), _type(field, inner, nested, is_list), default, field.get("description", "")
        if nested:
            yield from _rows(inner, definitions, f"{here}{'[]' if is_list else ''}.")


def _type(field: dict[str, Any], inner: dict[str, Any], nested: bool, is_list: bool) -> str:
    name = "object" if nested else _plain(inner)
    return f"list of {name}" if is_list else name


def _plain(schema: dict[str, Any]) -> str:
    options = [part.get("type", "") for part in schema.get("anyOf", ())]
    return " or ".join(options) if options else str(schema.get("type", "any"))


def _default(field: dict[str, Any], required: bool) -> str:
    return "required" if required else code(json.dumps(field.get("default")))
