"""What a user's CustomResourceDefinition makes: its defaults, and the kind that is served for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from capstan.api.kinds import Column, ScalePaths, convert_by_name_only
from capstan.api.objects import Obj
from capstan.apiserver.converter import Converter
from capstan.apiserver.definitions.customvalidator import CustomValidator
from capstan.apiserver.discovery import version_priority
from capstan.apiserver.resources import Served, ServedVersion
from capstan.apiserver.validation import Validator
from capstan.apiserver.webhooks.conversion import not_at_once


def with_defaults(crd: Obj) -> Obj:
    """The definition with what the server fills in: singular, list kind, conversion strategy, webhook port."""
    spec = crd.get("spec") or {}
    names = dict(spec.get("names") or {})
    kind = str(names.get("kind") or "")
    if not names.get("singular"):
        names["singular"] = kind.lower()
    if not names.get("listKind") and kind:
        names["listKind"] = f"{kind}List"
    conversion = _conversion(spec.get("conversion") or {"strategy": "None"})
    return {**crd, "spec": {**spec, "names": names, "conversion": conversion}}


def _conversion(conversion: Obj) -> Obj:
    """The conversion with the port of its Service."""
    webhook = conversion.get("webhook") or {}
    config = webhook.get("clientConfig") or {}
    service = config.get("service")
    if not service or service.get("port") is not None:
        return conversion
    config = {**config, "service": {**service, "port": 443}}
    return {**conversion, "webhook": {**webhook, "clientConfig": config}}


def kind_of_crd(crd: Obj, converter: Converter | None = None) -> Served:
    """The kind that a valid definition makes, under the names that it was given. `converter` asks its webhook."""
    spec, accepted = crd["spec"], (crd.get("status") or {}).get("acceptedNames") or {}
    names = {**spec["names"], **accepted} if accepted.get("plural") and accepted.get("kind") else spec["names"]
    versions = sorted(spec["versions"], key=lambda v: version_priority(v["name"]))
    return Served(
        group=spec["group"],
        kind=names["kind"],
        plural=names["plural"],
        versions=tuple(_version(v, spec, versions) for v in versions if v.get("served")),
        storage=next(v["name"] for v in versions if v.get("storage")),
        singular=names.get("singular") or names["kind"].lower(),
        list_kind=names.get("listKind") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        labels=crd["metadata"].get("labels") or {},
        namespaced=spec.get("scope") == "Namespaced",
        custom=True,
        convert=convert_by_name_only if converter is None else not_at_once,
        converter=converter,
    )


def conversion_webhook(crd: Obj) -> Obj | None:
    """The webhook that converts the objects of a definition, if one does."""
    conversion = crd["spec"].get("conversion") or {}
    return conversion.get("webhook") or {} if conversion.get("strategy") == "Webhook" else None


def _version(version: Mapping[str, Any], spec: Obj, versions: Sequence[Obj]) -> ServedVersion:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    subresources = version.get("subresources") or {}
    scale = _scale(subresources["scale"]) if subresources.get("scale") is not None else None
    return ServedVersion(
        name=version["name"],
        schema=_constant(schema),
        validator=_validator(schema, scale),
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
        status=subresources.get("status") is not None,
        scale=scale,
        deprecated=bool(version.get("deprecated")),
        deprecation_warning=_deprecation_warning(version, spec, versions) if version.get("deprecated") else "",
        selectable=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
    )


def _deprecation_warning(version: Mapping[str, Any], spec: Obj, versions: Sequence[Obj]) -> str:
    """What users of a deprecated version are told: the definition's own words, or what to use instead."""
    own = version.get("deprecationWarning")
    if own is not None:
        return str(own)
    group, kind = spec["group"], spec["names"]["kind"]
    text = f"{group}/{version['name']} {kind} is deprecated"
    better = [v["name"] for v in versions[: versions.index(version)] if v.get("served") and not v.get("deprecated")]
    return f"{text}; use {group}/{better[0]} {kind}" if better else text


def _constant(schema: Obj | None) -> Callable[[], Obj | None]:
    return lambda: schema


def _validator(schema: Obj | None, scale: ScalePaths | None) -> Callable[[], Validator | None]:
    """Compiles the schema when the first object of the kind comes, and keeps it for as long as it is served."""

    @cache
    def compiled() -> Validator | None:
        return CustomValidator(schema, scale) if schema is not None else None

    return compiled


def _column(column: Mapping[str, Any]) -> Column:
    return Column(
        name=column["name"],
        json_path=column["jsonPath"],
        type=column.get("type", "string"),
        priority=column.get("priority") or 0,
        description=column.get("description") or "",
        format=column.get("format") or "",
    )


def _scale(scale: Mapping[str, Any]) -> ScalePaths:
    return ScalePaths(scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath") or "")
