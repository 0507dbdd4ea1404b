"""ValidatingAdmissionPolicy and MutatingAdmissionPolicy: rules in CEL that decide about writes, without a network.

`Policies` keeps what is configured as it changes; `PolicyChain` is the link of the admission chain that asks it.
"""

from __future__ import annotations

from capstan.apiserver.policies.chain import PolicyChain
from capstan.apiserver.policies.view import Policies
from capstan.apiserver.policies.warnings import PolicyStatus

__all__ = ["Policies", "PolicyChain", "PolicyStatus"]
