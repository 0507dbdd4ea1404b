"""The variables of a ClusterClass, as its author defines them and as they are found to be."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.clusterclass.schema import VariableSchema
from capstan.api.facts import ATOMIC_LIST, Facts, Required, Text256, entries, items
from capstan.api.struct import Struct


class VariableMetadata(Struct, frozen=True, kw_only=True):
    """Labels and annotations of a variable, for whoever shows it.

    annotations: annotations.
    labels: labels.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class ClassVariable(Struct, frozen=True, kw_only=True):
    """One variable, to which each Cluster of the class may give a value.

    deprecated_v1_beta1_metadata: labels and annotations that clients of v1beta1 gave it.
    name: its name.
    required: whether every Cluster must give a value.
    schema: what its values look like.
    """

    deprecated_v1_beta1_metadata: VariableMetadata = VariableMetadata()
    name: Required[Text256] = ""
    required: Required[bool | None] = None
    schema: Required[VariableSchema] = VariableSchema()


class VariableDefinition(Struct, frozen=True, kw_only=True):
    """What one definition of a variable says.

    deprecated_v1_beta1_metadata: labels and annotations that clients of v1beta1 gave it.
    from_: `inline`, or the patch whose extension defines it.
    required: whether every Cluster must give a value.
    schema: what its values look like.
    """

    deprecated_v1_beta1_metadata: VariableMetadata = VariableMetadata()
    from_: Required[Text256] = ""
    required: Required[bool | None] = None
    schema: Required[VariableSchema] = VariableSchema()


class VariableStatus(Struct, frozen=True, kw_only=True):
    """A variable as it was found.

    definitions: what each of its definitions says.
    definitions_conflict: whether they say different things.
    name: its name.
    """

    definitions: Required[Annotated[tuple[VariableDefinition, ...], items(1, 100), ATOMIC_LIST]] = ()
    definitions_conflict: bool | None = None
    name: Required[Text256] = ""
