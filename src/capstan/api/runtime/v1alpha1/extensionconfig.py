"""ExtensionConfig, a service that is asked at points in the life of a cluster, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.facts import Int32, Required, Text512, format_of, items, keyed_by, length
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.runtime.extensionconfig import ExtensionService, FailurePolicy, HookReference
from capstan.api.struct import Struct


class ExtensionClientConfig(Struct, frozen=True, kw_only=True):
    """How the service is reached: by its URL, or as a Service. Unlike in v1beta2 it may be empty, and the fields of a
    struct stand in one place with its rules: where versions differ in either, each has its own.

    ca_bundle: the certificates that its own must come from, PEM.
    service: the Service.
    url: the URL.
    """

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
    timeout_seconds: Int32 | None = None


class ExtensionConfigStatus(Struct, frozen=True, kw_only=True):
    """What the service said of itself.

    conditions: how things stand, one by one.
    handlers: what it can be asked.
    v1beta2: what clients of v1beta2 see.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    handlers: Annotated[tuple[ExtensionHandler, ...], items(None, 512), keyed_by("name")] = ()
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class ExtensionConfig(TypedObject, frozen=True, kw_only=True):
    """Names a service that takes part in the life of clusters.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ExtensionConfigSpec = ExtensionConfigSpec()
    status: ExtensionConfigStatus = ExtensionConfigStatus()
