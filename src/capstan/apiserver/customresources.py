"""What a user's CustomResourceDefinition says: whether it is valid, and the kind that is served for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.kinds import Column, ScalePaths
from capstan.api.objects import Obj
from capstan.apiserver.discovery import version_priority
from capstan.apiserver.jsonpath import PathError, compile_path
from capstan.apiserver.resources import Served, ServedVersion
from capstan.apiserver.structural import structural_faults
from capstan.apiserver.validation import Validator
from capstan.apiserver.validation.fielderror import quoted

_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KIND = re.compile(r"[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_SIMPLE_PATH = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_\-]*)+")
_COLUMN_TYPES = ("integer", "number", "string", "boolean", "date")
_SCOPES = ("Cluster", "Namespaced")
_PROTECTED_GROUPS = (".k8s.io", ".kubernetes.io")
_APPROVED = "api-approved.kubernetes.io"
_MAX_SELECTABLE = 8


def with_defaults(crd: Obj) -> Obj:
    """The definition with what the server fills in: singular, list kind, conversion strategy."""
    spec = crd.get("spec", {})
    names = dict(spec.get("names", {}))
    if not names.get("singular"):
        names["singular"] = str(names.get("kind", "")).lower()
    if not names.get("listKind"):
        names["listKind"] = f"{names.get('kind', '')}List"
    conversion = spec.get("conversion") or {"strategy": "None"}
    return {**crd, "spec": {**spec, "names": names, "conversion": conversion}}


def definition_faults(crd: Obj, old: Obj | None = None) -> tuple[FieldCause, ...]:
    """Why a definition (with defaults) is refused; empty when it is not. `old` is the stored one on updates."""
    spec = crd.get("spec", {})
    faults = [*_name_faults(crd), *_names_faults(spec), *_versions_faults(spec), *_conversion_faults(spec)]
    if old is not None:
        faults += _change_faults(spec, old.get("spec", {}))
    return tuple(faults)


def kind_of_crd(crd: Obj) -> Served:
    """The kind that a valid definition makes."""
    spec = crd["spec"]
    names = spec["names"]
    versions = sorted(spec["versions"], key=lambda v: version_priority(v["name"]))
    return Served(
        group=spec["group"],
        kind=names["kind"],
        plural=names["plural"],
        versions=tuple(_version(v) for v in versions if v.get("served")),
        storage=next(v["name"] for v in versions if v.get("storage")),
        singular=names.get("singular") or names["kind"].lower(),
        list_kind=names.get("listKind", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        namespaced=spec.get("scope") == "Namespaced",
        custom=True,
    )


def established_status(crd: Obj, served: Iterable[Served], now: datetime) -> Obj:
    """The status of a definition: its names are accepted unless another kind of the group has them."""
    spec = crd["spec"]
    old = crd.get("status", {})
    clash = name_clash(crd, served)
    accepted = old.get("acceptedNames") or {"plural": "", "kind": ""}
    conditions = [
        _condition(old, "NamesAccepted", not clash, "NamesConflict" if clash else "NoConflicts", clash, now),
        _established(old, not clash, now),
    ]
    stored = list(old.get("storedVersions") or ())
    storage = next((v["name"] for v in spec["versions"] if v.get("storage")), "")
    if storage and storage not in stored:
        stored.append(storage)
    return {
        **old,
        "acceptedNames": accepted if clash else spec["names"],
        "conditions": _merged(old.get("conditions") or (), conditions),
        "storedVersions": stored,
    }


def name_clash(crd: Obj, served: Iterable[Served]) -> str:
    """Which name another kind of the same group already has; empty for none."""
    spec, names = crd["spec"], crd["spec"]["names"]
    others = [k for k in served if k.group == spec["group"] and k.plural != names["plural"]]
    resources = {name for k in others for name in (k.plural, k.singular, *k.short_names)}
    kinds = {name for k in others for name in (k.kind, k.kind_of_list)}
    for name in (names["plural"], names.get("singular", ""), *(names.get("shortNames") or ())):
        if name in resources:
            return f"{quoted(name)} is already in use"
    for name in (names["kind"], names.get("listKind", "")):
        if name in kinds:
            return f"{quoted(name)} is already in use"
    return ""


def _established(old: Obj, accepted: bool, now: datetime) -> Obj:
    # Once established a definition stays so, even when a later rename clashes.
    was = any(c["type"] == "Established" and c["status"] == "True" for c in old.get("conditions") or ())
    if accepted or was:
        return _condition(old, "Established", True, "InitialNamesAccepted", "the initial names have been accepted", now)
    return _condition(old, "Established", False, "NotAccepted", "not all names are accepted", now)


def _condition(old: Obj, type_: str, true: bool, reason: str, message: str, now: datetime) -> Obj:
    status = "True" if true else "False"
    before = next((c for c in old.get("conditions") or () if c["type"] == type_), None)
    since = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if before is not None and before["status"] == status:
        since = before.get("lastTransitionTime", since)
    text = message or "no conflicts found"
    return {"type": type_, "status": status, "reason": reason, "message": text, "lastTransitionTime": since}


def _merged(old: Iterable[Obj], new: list[Obj]) -> list[Obj]:
    types = {condition["type"] for condition in new}
    return [*(c for c in old if c["type"] not in types), *new]


def _version(version: Mapping[str, Any]) -> ServedVersion:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    subresources = version.get("subresources") or {}
    warning = version.get("deprecationWarning") or ""
    return ServedVersion(
        name=version["name"],
        schema=_constant(schema),
        validator=_validator(schema),
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
        status="status" in subresources,
        scale=_scale(subresources["scale"]) if "scale" in subresources else None,
        deprecated=bool(version.get("deprecated")),
        deprecation_warning=warning,
        selectable=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
    )


def _constant(schema: Obj | None) -> Callable[[], Obj | None]:
    return lambda: schema


def _validator(schema: Obj | None) -> Callable[[], Validator | None]:
    """Compiles the schema when the first object of the kind comes, and keeps it for as long as it is served."""

    @cache
    def compiled() -> Validator | None:
        return Validator(schema) if schema is not None else None

    return compiled


def _column(column: Mapping[str, Any]) -> Column:
    return Column(
        name=column["name"],
        json_path=column["jsonPath"],
        type=column.get("type", "string"),
        priority=column.get("priority", 0),
        description=column.get("description", ""),
        format=column.get("format", ""),
    )


def _scale(scale: Mapping[str, Any]) -> ScalePaths:
    return ScalePaths(scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath", ""))


def _invalid(field: str, value: Any, why: str) -> FieldCause:
    return FieldCause(field, f"Invalid value: {quoted(str(value))}: {why}", "FieldValueInvalid")


def _required(field: str, why: str = "") -> FieldCause:
    return FieldCause(field, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def _unsupported(field: str, value: Any, allowed: Iterable[str]) -> FieldCause:
    values = ", ".join(quoted(a) for a in allowed)
    message = f"Unsupported value: {quoted(str(value))}: supported values: {values}"
    return FieldCause(field, message, "FieldValueNotSupported")


def _name_faults(crd: Obj) -> Iterator[FieldCause]:
    metadata, spec = crd.get("metadata", {}), crd.get("spec", {})
    group = spec.get("group", "")
    plural = spec.get("names", {}).get("plural", "")
    wanted = f"{plural}.{group}"
    if metadata.get("name") != wanted:
        yield _invalid(
            "metadata.name", metadata.get("name", ""), f'must be spec.names.plural+"."+spec.group ({wanted})'
        )
    if not group:
        yield _required("spec.group")
    elif not _SUBDOMAIN.fullmatch(group) or "." not in group:
        yield _invalid("spec.group", group, "should be a domain with at least one dot")
    elif group.endswith(_PROTECTED_GROUPS) and _APPROVED not in (metadata.get("annotations") or {}):
        # Cluster API's own groups carry the annotation; others must not take names that Kubernetes owns.
        why = f"protected groups must have approval annotation {_APPROVED}"
        yield _required("metadata.annotations[api-approved.kubernetes.io]", why)


def _names_faults(spec: Obj) -> Iterator[FieldCause]:
    names = spec.get("names", {})
    for field, pattern in (("plural", _LABEL), ("singular", _LABEL), ("kind", _KIND), ("listKind", _KIND)):
        value = names.get(field)
        if not value:
            yield _required(f"spec.names.{field}")
        elif not pattern.fullmatch(value):
            yield _invalid(f"spec.names.{field}", value, "must be a DNS-1035 label")
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        yield _invalid("spec.names.listKind", names["kind"], "kind and listKind may not be the same")
    for index, short in enumerate(names.get("shortNames") or ()):
        if not _LABEL.fullmatch(short):
            yield _invalid(f"spec.names.shortNames[{index}]", short, "must be a DNS-1035 label")
    if not spec.get("scope"):
        yield _required("spec.scope")
    elif spec["scope"] not in _SCOPES:
        yield _unsupported("spec.scope", spec["scope"], _SCOPES)


def _versions_faults(spec: Obj) -> Iterator[FieldCause]:
    versions = spec.get("versions") or []
    names = [version.get("name", "") for version in versions]
    if not versions:
        yield _required("spec.versions", "must have at least one version")
        return
    if len(set(names)) != len(names):
        yield _invalid("spec.versions", names, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield _invalid("spec.versions", names, "must have exactly one version marked as storage version")
    if spec.get("preserveUnknownFields"):
        yield _invalid("spec.preserveUnknownFields", "true", "must be false; preserve them in the schema instead")
    for index, version in enumerate(versions):
        yield from _version_faults(version, f"spec.versions[{index}]")


def _version_faults(version: Obj, field: str) -> Iterator[FieldCause]:
    if not _LABEL.fullmatch(version.get("name", "")):
        yield _invalid(f"{field}.name", version.get("name", ""), "must be a DNS-1035 label")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        yield _required(f"{field}.schema.openAPIV3Schema", "schemas are required")
    else:
        yield from structural_faults(schema, f"{field}.schema.openAPIV3Schema")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column_faults(column, f"{field}.additionalPrinterColumns[{index}]")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale_faults(scale, f"{field}.subresources.scale")
    selectable = version.get("selectableFields") or ()
    if len(selectable) > _MAX_SELECTABLE:
        yield FieldCause(
            f"{field}.selectableFields",
            f"Too many: {len(selectable)}: must have at most {_MAX_SELECTABLE} items",
            "FieldValueTooMany",
        )
    for index, selected in enumerate(selectable):
        if not _SIMPLE_PATH.fullmatch(selected.get("jsonPath", "")):
            where = f"{field}.selectableFields[{index}].jsonPath"
            yield _invalid(where, selected.get("jsonPath", ""), "is an invalid path: must be a simple field path")


def _column_faults(column: Obj, field: str) -> Iterator[FieldCause]:
    if not column.get("name"):
        yield _required(f"{field}.name")
    if column.get("type") not in _COLUMN_TYPES:
        yield _unsupported(f"{field}.type", column.get("type", ""), _COLUMN_TYPES)
    path = column.get("jsonPath", "")
    if not path:
        yield _required(f"{field}.jsonPath")
        return
    try:
        compile_path(path)
    except PathError as error:
        yield _invalid(f"{field}.jsonPath", path, str(error))


def _scale_faults(scale: Obj, field: str) -> Iterator[FieldCause]:
    for name, prefix in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path = scale.get(name, "")
        if not path:
            yield _required(f"{field}.{name}")
        elif not _SIMPLE_PATH.fullmatch(path) or not path.startswith(prefix):
            yield _invalid(f"{field}.{name}", path, f"should be a json path under {prefix[:-1]}")
    selector = scale.get("labelSelectorPath")
    if selector and not (_SIMPLE_PATH.fullmatch(selector) and selector.startswith((".spec.", ".status."))):
        yield _invalid(f"{field}.labelSelectorPath", selector, "should be a json path under either .spec or .status")


def _conversion_faults(spec: Obj) -> Iterator[FieldCause]:
    strategy = (spec.get("conversion") or {}).get("strategy", "None")
    if strategy == "Webhook":
        why = "conversion webhooks are not available on this server; use strategy None"
        yield FieldCause("spec.conversion.strategy", f"Forbidden: {why}", "FieldValueForbidden")
    elif strategy != "None":
        yield _unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))


def _change_faults(new: Obj, old: Obj) -> Iterator[FieldCause]:
    for field in ("group", "scope"):
        if new.get(field) != old.get(field):
            yield _invalid(f"spec.{field}", new.get(field, ""), "field is immutable")
    for field in ("plural", "kind"):
        if new.get("names", {}).get(field) != old.get("names", {}).get(field):
            yield _invalid(f"spec.names.{field}", new.get("names", {}).get(field, ""), "field is immutable")
