"""ExtensionConfig, a service that is asked at points in the life of a cluster."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import (
    Facts,
    Int32,
    Positive32,
    Required,
    Text63,
    Text256,
    Text512,
    entries,
    format_of,
    items,
    keyed_by,
    length,
    one_of,
)
from capstan.api.meta import Condition, LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct

FailurePolicy = Annotated[str, one_of("Ignore", "Fail")]


class ExtensionService(Struct, frozen=True, kw_only=True):
    """A Service of the management cluster.

    name: its name.
    namespace: its namespace.
    path: the path below which it answers.
    port: its port.
    """

    name: Required[Text63] = ""
    namespace: Required[Text63] = ""
    path: Text512 = ""
    port: Int32 | None = None


class ExtensionClientConfig(Struct, frozen=True, kw_only=True):
    """How the service is reached: by its URL, or as a Service.

    ca_bundle: the certificates that its own must come from, PEM.
    service: the Service.
    url: the URL.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    ca_bundle: Annotated[str, format_of("byte"), length(1, 51200)] = ""
    service: ExtensionService | None = None
    url: Text512 = ""


class ExtensionConfigSpec(Struct, frozen=True, kw_only=True):
    """Where the service is, and for whom.

    client_config: how it is reached.
    namespace_selector: the namespaces whose clusters it is asked about.
    settings: values that every call carries.
    """

    client_config: Required[ExtensionClientConfig] = ExtensionClientConfig()
    namespace_selector: LabelSelector | None = None
    settings: dict[str, str] = {}


class HookReference(Struct, frozen=True, kw_only=True):
    """A point in the life of a cluster.

    api_version: its API group and version.
    hook: its name.
    """

    api_version: Required[Text512] = ""
    hook: Required[Text256] = ""


class ExtensionHandler(Struct, frozen=True, kw_only=True):
    """One thing that the service can be asked.

    failure_policy: whether its failure counts: Ignore or Fail.
    name: its name.
    request_hook: when it is asked.
    timeout_seconds: how long it may take.
    """

    failure_policy: FailurePolicy = ""
    name: Required[Text512] = ""
    request_hook: Required[HookReference] = HookReference()
    timeout_seconds: Positive32 | None = None


class ExtensionConfigV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of the older contract see.

    conditions: how things stand, one by one.
    """

    conditions: tuple[LegacyCondition, ...] = ()


class ExtensionConfigDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of the older contract see.
    """

    v1beta1: ExtensionConfigV1Beta1Status = ExtensionConfigV1Beta1Status()


class ExtensionConfigStatus(Struct, frozen=True, kw_only=True):
    """What the service said of itself.

    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    handlers: what it can be asked.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: ExtensionConfigDeprecatedStatus = ExtensionConfigDeprecatedStatus()
    handlers: Annotated[tuple[ExtensionHandler, ...], items(None, 512), keyed_by("name")] = ()


class ExtensionConfig(TypedObject, frozen=True, kw_only=True):
    """Names a service that takes part in the life of clusters.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ExtensionConfigSpec] = ExtensionConfigSpec()
    status: ExtensionConfigStatus = ExtensionConfigStatus()
