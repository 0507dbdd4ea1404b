"""CustomResourceDefinition: how a server learns a kind. Schemas inside it stay plain JSON."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from capstan.api.core.conditions import CoreCondition
from capstan.api.facts import KEEP_UNKNOWN, Int32, Int64, Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class CustomResourceNames(Struct, frozen=True, kw_only=True):
    """What the kind is called.

    plural: the name in URLs.
    singular: the name for one, in commands.
    kind: the name in objects.
    list_kind: the name of lists of it.
    short_names: abbreviations in commands.
    categories: groups of kinds in commands, such as all.
    """

    plural: Required[str] = ""
    singular: str = ""
    kind: Required[str] = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class CustomResourceSchema(Struct, frozen=True, kw_only=True):
    """Which fields the objects have.

    open_api_v3_schema: a structural OpenAPI v3 schema.
    """

    open_api_v3_schema: Annotated[dict[str, Any], KEEP_UNKNOWN] = msgspec.field(default={}, name="openAPIV3Schema")


class CustomResourceScale(Struct, frozen=True, kw_only=True):
    """Where the scale subresource finds its numbers.

    spec_replicas_path: the JSON path of the wanted number.
    status_replicas_path: the JSON path of the observed number.
    label_selector_path: the JSON path of the selector of what is counted.
    """

    spec_replicas_path: Required[str] = ""
    status_replicas_path: Required[str] = ""
    label_selector_path: str = ""


class CustomResourceSubresources(Struct, frozen=True, kw_only=True):
    """Which subresources are served.

    status: status is written apart from the rest.
    scale: kubectl scale works.
    """

    status: dict[str, Any] | None = None
    scale: CustomResourceScale | None = None


class CustomResourceColumn(Struct, frozen=True, kw_only=True):
    """One column of tables.

    name: its title.
    json_path: where its value is.
    type: integer, number, string, boolean or date.
    format: more about the type.
    priority: 0 is always shown, higher only with -o wide.
    description: what it means.
    """

    name: Required[str] = ""
    json_path: Required[str] = msgspec.field(default="", name="jsonPath")
    type: Required[str] = ""
    format: str = ""
    priority: Int32 | None = None
    description: str = ""


class SelectableField(Struct, frozen=True, kw_only=True):
    """A field that field selectors may use.

    json_path: where it is.
    """

    json_path: Required[str] = msgspec.field(default="", name="jsonPath")


class CustomResourceVersion(Struct, frozen=True, kw_only=True):
    """One version of the kind.

    name: such as v1beta2.
    served: whether clients may use it.
    storage: whether objects are kept in it; true for exactly one.
    deprecated: whether clients are warned.
    deprecation_warning: the warning.
    schema: which fields the objects have.
    subresources: which subresources are served.
    additional_printer_columns: the columns of tables.
    selectable_fields: the fields that field selectors may use.
    """

    name: Required[str] = ""
    served: Required[bool] = msgspec.field(default_factory=bool)
    storage: Required[bool] = msgspec.field(default_factory=bool)
    deprecated: bool | None = None
    deprecation_warning: str | None = None
    schema: CustomResourceSchema | None = None
    subresources: CustomResourceSubresources | None = None
    additional_printer_columns: tuple[CustomResourceColumn, ...] = ()
    selectable_fields: tuple[SelectableField, ...] = ()


class WebhookServiceReference(Struct, frozen=True, kw_only=True):
    """The Service that answers for a webhook.

    namespace: where it is.
    name: its name.
    path: the path of the URL.
    port: its port; 443 when none is given.
    """

    namespace: Required[str] = ""
    name: Required[str] = ""
    path: str | None = None
    port: Int32 | None = None


class WebhookClientConfig(Struct, frozen=True, kw_only=True):
    """Where a webhook is.

    url: its https URL; either this or service is given.
    service: its Service.
    ca_bundle: the certificates (PEM) to trust instead of the system's.
    """

    url: str | None = None
    service: WebhookServiceReference | None = None
    ca_bundle: str | None = msgspec.field(default=None, name="caBundle")


class WebhookConversion(Struct, frozen=True, kw_only=True):
    """The webhook that converts objects.

    client_config: where it is.
    conversion_review_versions: the ConversionReview versions that it understands, the preferred first.
    """

    client_config: WebhookClientConfig | None = None
    conversion_review_versions: tuple[str, ...] = ()


class CustomResourceConversion(Struct, frozen=True, kw_only=True):
    """How objects change their version.

    strategy: None or Webhook.
    webhook: whom to ask.
    """

    strategy: Required[str] = ""
    webhook: WebhookConversion | None = None


class CustomResourceDefinitionSpec(Struct, frozen=True, kw_only=True):
    """What the kind is.

    group: its API group.
    names: what it is called.
    scope: Namespaced or Cluster.
    versions: its versions.
    conversion: how objects change their version.
    preserve_unknown_fields: false; true is history.
    """

    group: Required[str] = ""
    names: Required[CustomResourceNames] = CustomResourceNames()
    scope: Required[str] = ""
    versions: Required[tuple[CustomResourceVersion, ...]] = ()
    conversion: CustomResourceConversion | None = None
    preserve_unknown_fields: bool | None = None


class CustomResourceDefinitionStatus(Struct, frozen=True, kw_only=True):
    """What the server made of it.

    conditions: Established says that it is served, NamesAccepted that no other kind has its names.
    accepted_names: the names that are served.
    stored_versions: versions that objects may still be kept in.
    observed_generation: the metadata.generation that this is about.
    """

    conditions: tuple[CoreCondition, ...] = ()
    accepted_names: CustomResourceNames | None = None
    stored_versions: tuple[str, ...] = ()
    observed_generation: Int64 | None = None


class CustomResourceDefinition(TypedObject, frozen=True, kw_only=True):
    """How a server learns a kind.

    spec: what the kind is.
    status: what the server made of it.
    """

    spec: Required[CustomResourceDefinitionSpec] = CustomResourceDefinitionSpec()
    status: CustomResourceDefinitionStatus = CustomResourceDefinitionStatus()
