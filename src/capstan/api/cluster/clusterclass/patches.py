"""How a ClusterClass changes its templates for each Cluster: JSON patches, or an extension that makes them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.reference import TemplateApiVersion
from capstan.api.facts import (
    ATOMIC_LIST,
    AnyValue,
    Facts,
    KindName,
    Required,
    Text256,
    Text512,
    Text10240,
    entries,
    items,
    length,
    one_of,
)
from capstan.api.struct import Struct


class JSONPatchValue(Struct, frozen=True, kw_only=True):
    """Where a value comes from.

    template: a Go template over the variables; what it gives is read as YAML.
    variable: a variable, or a part of one, such as network.cidrs[0].
    """

    template: Text10240 = ""
    variable: Text256 = ""


class JSONPatch(Struct, frozen=True, kw_only=True):
    """One change.

    op: add, replace or remove.
    path: the JSON pointer to what is changed; it begins with /spec.
    value: the value, as it is.
    value_from: where the value comes from.
    """

    op: Required[Annotated[str, one_of("add", "replace", "remove")]] = ""
    path: Required[Text512] = ""
    value: AnyValue = None
    value_from: JSONPatchValue | None = None


class ClassNames(Struct, frozen=True, kw_only=True):
    """Classes of workers by their names.

    names: the names; one that begins or ends with * stands for several.
    """

    names: Annotated[tuple[Text256, ...], items(None, 100), ATOMIC_LIST] = ()


class PatchResources(Struct, frozen=True, kw_only=True):
    """Which templates are changed, by what they are used for.

    control_plane: whether those of the control plane are.
    infrastructure_cluster: whether that of the infrastructure is.
    machine_deployment_class: those of classes of MachineDeployments.
    machine_pool_class: those of classes of MachinePools.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    control_plane: bool | None = None
    infrastructure_cluster: bool | None = None
    machine_deployment_class: ClassNames | None = None
    machine_pool_class: ClassNames | None = None


class PatchSelector(Struct, frozen=True, kw_only=True):
    """Which templates are changed.

    api_version: their API group and version, as the class refers to them.
    kind: their kind.
    match_resources: what they are used for.
    """

    api_version: Required[TemplateApiVersion] = ""
    kind: Required[KindName] = ""
    match_resources: Required[PatchResources] = PatchResources()


class PatchDefinition(Struct, frozen=True, kw_only=True):
    """Changes of some templates.

    json_patches: the changes, in their order.
    selector: which templates are changed.
    """

    json_patches: Required[Annotated[tuple[JSONPatch, ...], items(1, 100), ATOMIC_LIST]] = ()
    selector: Required[PatchSelector] = PatchSelector()


class ExternalPatch(Struct, frozen=True, kw_only=True):
    """Changes that extensions make.

    discover_variables_extension: the extension that says which variables there are.
    generate_patches_extension: the extension that makes the changes.
    settings: what the extensions are told.
    validate_topology_extension: the extension that looks at the result.
    """

    discover_variables_extension: Text512 = ""
    generate_patches_extension: Text512 = ""
    settings: dict[str, str] = {}
    validate_topology_extension: Text512 = ""


class ClassPatch(Struct, frozen=True, kw_only=True):
    """Changes that belong together.

    definitions: the changes, if they are written here.
    description: what they are for.
    enabled_if: a Go template that gives true where they are to be made; always, where empty.
    external: the extensions that make the changes.
    name: its name.
    """

    definitions: Annotated[tuple[PatchDefinition, ...], items(None, 100), ATOMIC_LIST] | None = None
    description: Annotated[str, length(1, 1024)] = ""
    enabled_if: Text256 = ""
    external: ExternalPatch | None = None
    name: Required[Text256] = ""
