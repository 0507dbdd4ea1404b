"""Why a CustomResourceDefinition is refused: names, versions, schemas, subresources, columns, conversion. Pure.

Field paths are Kubernetes': what all versions say alike stands at the top (`spec.validation`, `spec.subresources`,
`spec.additionalPrinterColumns`), as in its internal form, from which its messages come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.apiserver.definitions.approval import approval_of, is_protected
from capstan.apiserver.definitions.causes import (
    duplicate,
    forbidden,
    invalid,
    label_problem,
    one_of,
    required,
    subdomain_problem,
    too_many,
)
from capstan.apiserver.definitions.schemas import whole_schema_faults
from capstan.apiserver.validation.fieldpath import FieldPathError, follow
from capstan.apiserver.webhooks.clientconfig import ca_bundle_faults, service_faults, url_faults
from capstan.apiserver.webhooks.conversion import REVIEW_VERSIONS

MAX_SELECTABLE = 8
APPROVED = "api-approved.kubernetes.io"

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = (*("binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password"),)
_SELECTABLE_TYPES = ("string", "boolean", "integer")


def definition_faults(crd: Obj, old: Obj | None = None) -> tuple[FieldCause, ...]:
    """Why a definition (with defaults) is refused; empty when it is not. `old` is the stored one on updates."""
    spec = crd.get("spec") or {}
    before = (old or {}).get("spec") or {}
    faults = [*_name_faults(crd), *_group_faults(spec), *_version_faults(spec), *_names_faults(spec.get("names") or {})]
    faults += _part_faults(spec, before)
    faults += _conversion_faults(spec.get("conversion") or {}, old)
    if old is not None:
        faults += _change_faults(spec, old)
        faults += stored_version_faults(crd)
    faults += _approval_faults(crd, old)
    if spec.get("preserveUnknownFields") and not before.get("preserveUnknownFields"):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        faults.append(invalid("spec.preserveUnknownFields", True, why))
    return tuple(faults)


def stored_version_faults(crd: Obj) -> Iterator[FieldCause]:
    """Versions that objects may be kept in stay in the spec, and the storage version is one of them."""
    stored = list((crd.get("status") or {}).get("storedVersions") or ())
    field, versions = "status.storedVersions", crd["spec"].get("versions") or ()
    if not stored:
        yield invalid(field, stored, "must have at least one stored version")
        return
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            yield invalid(field, stored, f"must have the storage version {version.get('name')}")
    names = {version.get("name") for version in versions}
    for index, name in enumerate(stored):
        if name not in names:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            yield invalid(f"{field}[{index}]", name, why)


def _name_faults(crd: Obj) -> Iterator[FieldCause]:
    name, spec = (crd.get("metadata") or {}).get("name", ""), crd.get("spec") or {}
    problems = [subdomain_problem(name)] if subdomain_problem(name) else []
    if name != f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}":
        problems.append('must be spec.names.plural+"."+spec.group')
    for problem in problems:
        yield invalid("metadata.name", name, problem)


def _group_faults(spec: Obj) -> Iterator[FieldCause]:
    group = spec.get("group") or ""
    if not group:
        yield required("spec.group")
    elif problem := subdomain_problem(group):
        yield invalid("spec.group", group, problem)
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    yield from one_of("spec.scope", spec.get("scope") or "", ("Cluster", "Namespaced"))


def _version_faults(spec: Obj) -> Iterator[FieldCause]:
    versions = spec.get("versions") or []
    names = [version.get("name") or "" for version in versions]
    for index, name in enumerate(names):
        if problem := label_problem(name):
            yield invalid(f"spec.versions[{index}].name", name, problem)
        yield from _deprecation_faults(versions[index], f"spec.versions[{index}].deprecationWarning")
        if (versions[index].get("schema") or {}).get("openAPIV3Schema") is None:
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
    if len(set(names)) != len(names):
        yield invalid("spec.versions", names, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", names, "must have exactly one version marked as storage version")


def _deprecation_faults(version: Obj, field: str) -> Iterator[FieldCause]:
    text = version.get("deprecationWarning")
    if text is None:
        return
    if not version.get("deprecated"):
        yield invalid(field, text, "can only be set for deprecated versions")
        return
    if len(text) > 256:
        yield invalid(field, text, "must be <= 256 characters long")
    if not text:
        yield invalid(field, text, "must not be an empty string")
    at = next((index for index, char in enumerate(text) if not char.isprintable()), None)
    if at is not None:
        why = f"must only contain printable UTF-8 characters; non-printable character found at index {at}"
        yield invalid(field, text, why)


def _names_faults(names: Obj) -> Iterator[FieldCause]:
    for field in ("plural", "singular", "kind", "listKind"):
        if not names.get(field):
            yield required(f"spec.names.{field}")
    for field in ("plural", "singular"):
        if names.get(field) and (problem := label_problem(names[field])):
            yield invalid(f"spec.names.{field}", names[field], problem)
    for field in ("kind", "listKind"):
        if names.get(field) and (problem := label_problem(names[field].lower())):
            why = f"may have mixed case, but should otherwise match: {problem}"
            yield invalid(f"spec.names.{field}", names[field], why)
    for field in ("shortNames", "categories"):
        for index, name in enumerate(names.get(field) or ()):
            if problem := label_problem(name):
                yield invalid(f"spec.names.{field}[{index}]", name, problem)
    if names.get("kind") and names["kind"] == names.get("listKind"):
        yield invalid("spec.names.listKind", names["kind"], "kind and listKind may not be the same")


def _part_faults(spec: Obj, before: Obj) -> Iterator[FieldCause]:
    """What versions say of schema, subresources, columns and selectable fields: once where all say the same."""
    versions: Sequence[Obj] = spec.get("versions") or ()
    old = {version.get("name"): version for version in before.get("versions") or ()}
    for field, top in (
        ("schema", "validation"),
        ("subresources", "subresources"),
        ("additionalPrinterColumns", "additionalPrinterColumns"),
        ("selectableFields", "selectableFields"),
    ):
        parts = [version.get(field) for version in versions]
        if parts and all(part == parts[0] for part in parts):
            places: list[tuple[str, Obj]] = [(f"spec.{top}", versions[0])]
        else:
            places = [(f"spec.versions[{index}].{field}", version) for index, version in enumerate(versions)]
        for place, version in places:
            yield from _part(field, place, version, old.get(version.get("name")), versions)


def _part(field: str, place: str, version: Obj, old: Obj | None, versions: Sequence[Obj]) -> Iterator[FieldCause]:
    part = version.get(field)
    if not part:
        return
    if field == "schema":
        schema = part.get("openAPIV3Schema")
        if schema is not None:
            hoisted = place.startswith("spec.validation")
            looked = versions if hoisted else (version,)
            status = any("status" in (v.get("subresources") or {}) for v in looked)
            unchanged = old is not None and old.get("schema") == part
            yield from whole_schema_faults(schema, f"{place}.openAPIV3Schema", status, unchanged)
    elif field == "subresources":
        yield from _scale_faults(part.get("scale"), place)
    elif field == "additionalPrinterColumns":
        for index, column in enumerate(part):
            yield from _column_faults(column, f"{place}[{index}]")
    else:
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        unchanged = old is not None and old.get(field) == part
        yield from _selectable_faults(part, schema, place, unchanged)


def _column_faults(column: Obj, field: str) -> Iterator[FieldCause]:
    if not column.get("name"):
        yield required(f"{field}.name")
    wanted = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not column.get("type"):
        yield required(f"{field}.type", wanted)
    elif column["type"] not in _COLUMN_TYPES:
        yield invalid(f"{field}.type", column["type"], wanted)
    if column.get("format") and column["format"] not in _COLUMN_FORMATS:
        yield invalid(f"{field}.format", column["format"], f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not column.get("jsonPath"):
        yield required(f"{field}.JSONPath")
    else:
        yield from _path_faults(column["jsonPath"], f"{field}.JSONPath")


def _path_faults(path: str, field: str) -> Iterator[FieldCause]:
    if not path.startswith("."):
        yield invalid(field, path, "must be a simple json path starting with .")


def _scale_faults(scale: Obj | None, place: str) -> Iterator[FieldCause]:
    if scale is None:
        return
    for name, prefix in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path, field = scale.get(name) or "", f"{place}.scale.{name}"
        if not path:
            yield required(field)
        elif not path.startswith("."):
            yield from _path_faults(path, field)
        elif not path.startswith(prefix):
            yield invalid(field, path, f"should be a json path under {prefix[:-1]}")
    path, field = scale.get("labelSelectorPath") or "", f"{place}.scale.labelSelectorPath"
    if path and not path.startswith("."):
        yield from _path_faults(path, field)
    elif path and not path.startswith((".spec.", ".status.")):
        yield invalid(field, path, "should be a json path under either .spec or .status")


def _selectable_faults(fields: Sequence[Obj], schema: Obj | None, place: str, unchanged: bool) -> Iterator[FieldCause]:
    if schema is None:
        yield invalid(place, "", "may only be set when validations.schema is included")
        return
    seen: set[tuple[str, ...]] = set()
    for index, selectable in enumerate(fields):
        field, path = f"{place}[{index}].jsonPath", selectable.get("jsonPath") or ""
        if not path:
            yield required(field)
            continue
        try:
            steps, found = follow(path, schema, brackets=False)
        except FieldPathError as error:
            yield invalid(field, path, f"is an invalid path: {error}")
            continue
        if steps[0] == "metadata":
            yield invalid(field, path, "must not point to fields in metadata")
        if found.get("type") not in _SELECTABLE_TYPES:
            why = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            yield invalid(field, path, why)
        if tuple(steps) in seen:
            yield duplicate(field, path)
        seen.add(tuple(steps))
    if len(seen) > MAX_SELECTABLE and not unchanged:
        yield too_many(place, len(seen), MAX_SELECTABLE)


def _conversion_faults(conversion: Obj, old: Obj | None) -> Iterator[FieldCause]:
    field, webhook = "spec.conversion", conversion.get("webhook") or {}
    config, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    yield from one_of(f"{field}.strategy", conversion.get("strategy") or "", ("None", "Webhook"))
    if conversion.get("strategy") != "Webhook":
        why = "should not be set when strategy is not set to Webhook"
        if config is not None:
            yield forbidden(f"{field}.webhookClientConfig", why)
        if versions:
            yield forbidden(f"{field}.conversionReviewVersions", why)
        return
    if config is None:
        yield required(f"{field}.webhookClientConfig", "required when strategy is set to Webhook")
    else:
        yield from _config_faults(config, f"{field}.webhookClientConfig", old)
    yield from _review_faults(versions, f"{field}.conversionReviewVersions", old)


def _config_faults(config: Mapping[str, Any], field: str, old: Obj | None) -> Iterator[FieldCause]:
    url, service, bundle = config.get("url"), config.get("service"), config.get("caBundle") or ""
    if (url is None) == (service is None):
        yield required(field, "exactly one of url or service is required")
    elif url is not None:
        yield from url_faults(url, f"{field}.url")
    elif service is not None:
        yield from service_faults(service, f"{field}.service")
    if bundle and old is not None and is_established(old):
        before = (((old["spec"].get("conversion") or {}).get("webhook") or {}).get("clientConfig") or {}).get(
            "caBundle"
        )
        # A bundle that was bad before does not stop other changes.
        if not (before and any(ca_bundle_faults(before, ""))):
            yield from ca_bundle_faults(bundle, f"{field}.caBundle")


def _review_faults(versions: Sequence[str], field: str, old: Obj | None) -> Iterator[FieldCause]:
    if not versions:
        yield required(field)
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(f"{field}[{index}]", version, "duplicate version")
        elif problem := label_problem(version):
            yield invalid(f"{field}[{index}]", version, problem)
    before = (((old or {}).get("spec") or {}).get("conversion") or {}).get("webhook") or {}
    stored = before.get("conversionReviewVersions") or ()
    recognised = set(REVIEW_VERSIONS)
    if not recognised & set(versions) and (not stored or recognised & set(stored)):
        yield invalid(field, list(versions), f"must include at least one of {', '.join(sorted(recognised))}")


def is_established(crd: Obj) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def _change_faults(new: Obj, old_crd: Obj) -> Iterator[FieldCause]:
    old, names, before = old_crd["spec"], new.get("names") or {}, old_crd["spec"].get("names") or {}
    if is_established(old_crd):
        if new.get("scope") != old.get("scope"):
            yield invalid("spec.scope", new.get("scope"), "field is immutable")
        if names.get("kind") != before.get("kind"):
            yield invalid("spec.names.kind", names.get("kind"), "field is immutable")
    if new.get("group") != old.get("group"):
        yield invalid("spec.group", new.get("group"), "field is immutable")
    if names.get("plural") != before.get("plural"):
        yield invalid("spec.names.plural", names.get("plural"), "field is immutable")


def _approval_faults(crd: Obj, old: Obj | None) -> Iterator[FieldCause]:
    if not is_protected((crd.get("spec") or {}).get("group") or ""):
        return
    state, why = approval_of(crd)
    if old is not None and approval_of(old)[0] == state:
        return
    field = f"metadata.annotations[{APPROVED}]"
    if state == "Missing":
        yield required(field, why)
    elif state == "Invalid":
        yield invalid(field, (crd["metadata"].get("annotations") or {}).get(APPROVED), why)
