"""MachineDrainRule as v1beta1 has it: the same fields as in v1beta2."""

from __future__ import annotations

import msgspec

from capstan.api.cluster.machinedrainrule import MachineDrainRuleSpec
from capstan.api.facts import Required
from capstan.api.meta import ObjectMeta, TypedObject


class MachineDrainRule(TypedObject, frozen=True, kw_only=True):
    """Says how pods are treated when the nodes of Machines are drained. Rules apply in the order of their names.

    metadata: its name, and what all objects have.
    spec: what is wanted.
    """

    metadata: Required[ObjectMeta] = msgspec.field(default_factory=ObjectMeta)
    spec: Required[MachineDrainRuleSpec] = MachineDrainRuleSpec()
