"""The variables of a ClusterClass, as v1beta1 has them."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.v1beta1.clusterclass.schema import VariableSchema
from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.facts import Required, Text256, items
from capstan.api.struct import Struct


class VariableMetadata(TemplateMetadata, frozen=True, kw_only=True):
    """Labels and annotations of a variable, for whoever shows it."""


class ClassVariable(Struct, frozen=True, kw_only=True):
    """One variable, to which each Cluster of the class may give a value.

    metadata: labels and annotations, for whoever shows it.
    name: its name.
    required: whether every Cluster must give a value.
    schema: what its values look like.
    """

    metadata: VariableMetadata = VariableMetadata()
    name: Required[Text256] = ""
    required: Required[bool | None] = None
    schema: Required[VariableSchema] = VariableSchema()


class VariableDefinition(Struct, frozen=True, kw_only=True):
    """What one definition of a variable says.

    from_: `inline`, or the patch whose extension defines it.
    metadata: labels and annotations, for whoever shows it.
    required: whether every Cluster must give a value.
    schema: what its values look like.
    """

    from_: Required[Text256] = ""
    metadata: VariableMetadata = VariableMetadata()
    required: Required[bool | None] = None
    schema: Required[VariableSchema] = VariableSchema()


class VariableStatus(Struct, frozen=True, kw_only=True):
    """A variable as it was found.

    definitions: what each of its definitions says.
    definitions_conflict: whether they say different things.
    name: its name.
    """

    definitions: Required[Annotated[tuple[VariableDefinition, ...], items(None, 100)]] = ()
    definitions_conflict: bool | None = None
    name: Required[Text256] = ""
