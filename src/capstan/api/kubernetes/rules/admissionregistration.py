"""Rules of webhook configurations and admission policies, as far as they are about form. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import duplicate, invalid, not_supported, required, value_at
from capstan.api.objects import Obj

_SIDE_EFFECTS: Final = ("None", "NoneOnDryRun")
_OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES: Final = ("*", "Cluster", "Namespaced")
_CHOICES: Final = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "reinvocationPolicy": ("IfNeeded", "Never"),
}
_PLAIN: Final = {"operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions"}


def _configuration(_: AdmissionRequest, new: Obj) -> Admission:
    return Admission(new, tuple(_webhook_faults(new)))


def _webhook_faults(new: Obj) -> Iterator[FieldCause]:
    seen: set[str] = set()
    for index, webhook in enumerate(new.get("webhooks") or ()):
        path = f"webhooks[{index}]"
        name = webhook.get("name", "")
        if len(name.split(".")) < 3:
            yield invalid(f"{path}.name", name, "should be a domain with at least three segments separated by dots")
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
        if not webhook.get("sideEffects"):
            yield required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun")
        elif webhook["sideEffects"] not in _SIDE_EFFECTS:
            yield not_supported(f"{path}.sideEffects", webhook.get("sideEffects"), _SIDE_EFFECTS)
        versions = webhook.get("admissionReviewVersions") or ()
        if not versions:
            yield required(f"{path}.admissionReviewVersions", "must specify one of v1, v1beta1")
        elif not {"v1", "v1beta1"} & set(versions):
            yield invalid(f"{path}.admissionReviewVersions", list(versions), "must include at least one of v1, v1beta1")
        seconds = webhook.get("timeoutSeconds", 10)
        if not 1 <= seconds <= 30:
            yield invalid(f"{path}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds")
        client = webhook.get("clientConfig") or {}
        if bool(client.get("url")) == bool(client.get("service")):
            yield required(f"{path}.clientConfig", "exactly one of url or service is required")
        yield from _choice_faults(webhook, path)
        yield from _rule_faults(webhook, path)


def _choice_faults(webhook: Obj, path: str) -> Iterator[FieldCause]:
    for name, choices in _CHOICES.items():
        if webhook.get(name) not in (*choices, None):
            yield not_supported(f"{path}.{name}", webhook[name], choices)


def _rule_faults(webhook: Obj, path: str) -> Iterator[FieldCause]:
    for index, rule in enumerate(webhook.get("rules") or ()):
        for name in ("operations", "apiGroups", "apiVersions", "resources"):
            if not rule.get(name):
                yield required(f"{path}.rules[{index}].{name}")
            elif name != "resources" and "*" in rule[name] and len(rule[name]) > 1:
                why = f"if '*' is present, must not specify other {_PLAIN[name]}"
                yield invalid(f"{path}.rules[{index}].{name}", rule[name], why)
        for number, operation in enumerate(rule.get("operations") or ()):
            if operation not in _OPERATIONS:
                yield not_supported(f"{path}.rules[{index}].operations[{number}]", operation, _OPERATIONS)
        if rule.get("scope") not in (*_SCOPES, None):
            yield not_supported(f"{path}.rules[{index}].scope", rule["scope"], _SCOPES)


def _policy(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource:
        return Admission(new)
    causes = []
    if not value_at(new, "spec.matchConstraints"):
        causes.append(required("spec.matchConstraints"))
    elif not value_at(new, "spec.matchConstraints.resourceRules"):
        causes.append(required("spec.matchConstraints.resourceRules"))
    return Admission(new, tuple(causes))


def _validating_policy(request: AdmissionRequest, new: Obj) -> Admission:
    admission = _policy(request, new)
    spec = new.get("spec") or {}
    if request.subresource or spec.get("validations") or spec.get("auditAnnotations"):
        return admission
    path = "spec.validations"
    cause = required(path, "validations or auditAnnotations must contain at least one item")
    return Admission(new, (*admission.causes, cause))


def _binding(_: AdmissionRequest, new: Obj) -> Admission:
    causes = []
    if not value_at(new, "spec.policyName"):
        causes.append(required("spec.policyName"))
    if new["kind"] == "ValidatingAdmissionPolicyBinding" and not value_at(new, "spec.validationActions"):
        causes.append(required("spec.validationActions"))
    return Admission(new, tuple(causes))


RULES: Final = {
    "ValidatingWebhookConfiguration": _configuration,
    "MutatingWebhookConfiguration": _configuration,
    "ValidatingAdmissionPolicy": _validating_policy,
    "MutatingAdmissionPolicy": _policy,
    "ValidatingAdmissionPolicyBinding": _binding,
    "MutatingAdmissionPolicyBinding": _binding,
}
