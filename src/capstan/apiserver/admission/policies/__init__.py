"""ValidatingAdmissionPolicy and MutatingAdmissionPolicy: rules in CEL that decide about writes, without a network.

`Policies` keeps what is configured as it changes; `PolicyChain` is the link of the admission chain that asks it.
"""

from __future__ import annotations

from capstan.apiserver.admission.policies.chain import PolicyChain
from capstan.apiserver.admission.policies.view import Policies
from capstan.apiserver.admission.policies.warnings import PolicyStatus

__all__ = ["Policies", "PolicyChain", "PolicyStatus"]
