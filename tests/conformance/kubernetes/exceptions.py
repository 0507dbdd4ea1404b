"""Group B tests that have no counterpart here yet, each with its reason; the others are in `test_group_b_*`."""

from __future__ import annotations

EXCEPTIONS = {
    "[sig-api-machinery] ValidatingAdmissionPolicy should validate against a Deployment": (
        "the policy is stored; whether it is enforced is the admission chain's, and its test belongs there"
    ),
    "[sig-api-machinery] ValidatingAdmissionPolicy should allow expressions to refer variables": (
        "as the one before it: it asks for enforcement"
    ),
    "[sig-api-machinery] MutatingAdmissionPolicy should mutate a Deployment": (
        "the policy is stored; whether it is enforced is the admission chain's, and its test belongs there"
    ),
    "[sig-api-machinery] MutatingAdmissionPolicy should mutate a Deployment with variables": (
        "as the one before it: it asks for enforcement"
    ),
}
