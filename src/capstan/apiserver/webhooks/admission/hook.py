"""One webhook of a configuration as a value: when it is asked, how, and what a failure means. Compiled once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.policies.compiled import Compiled, compiled
from capstan.apiserver.webhooks.clientconfig import ClientConfig, client_config

#: The AdmissionReview versions that this server speaks, the preferred one first.
REVIEW_VERSIONS = ("v1", "v1beta1")
_WITHOUT_EFFECTS = ("None", "NoneOnDryRun")


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook. `constraints` are its rules and selectors in the form that policies have; `conditions` its match
    conditions. `review` is the first AdmissionReview version of its list that this server speaks, or empty."""

    configuration: str
    name: str
    constraints: Mapping[str, Any]
    client: ClientConfig
    timeout_seconds: int
    fails_open: bool
    has_effects: bool
    reinvoked: bool
    review: str
    conditions: Compiled

    @property
    def key(self) -> tuple[str, str]:
        return self.configuration, self.name


def hooks_of(configuration: Obj) -> Iterator[Hook]:
    """The webhooks of a configuration, in its order."""
    for number, webhook in enumerate(configuration.get("webhooks") or ()):
        yield _hook(str(configuration["metadata"]["name"]), number, webhook)


def _hook(configuration: str, number: int, webhook: Mapping[str, Any]) -> Hook:
    name = str(webhook.get("name", ""))
    spoken = [version for version in webhook.get("admissionReviewVersions") or () if version in REVIEW_VERSIONS]
    return Hook(
        configuration,
        name,
        {
            "resourceRules": webhook.get("rules") or (),
            "matchPolicy": webhook.get("matchPolicy"),
            "namespaceSelector": webhook.get("namespaceSelector"),
            "objectSelector": webhook.get("objectSelector"),
        },
        client_config(webhook.get("clientConfig") or {}),
        int(webhook.get("timeoutSeconds") or 10),
        webhook.get("failurePolicy") == "Ignore",
        webhook.get("sideEffects") not in _WITHOUT_EFFECTS,
        webhook.get("reinvocationPolicy") == "IfNeeded",
        spoken[0] if spoken else "",
        _conditions(name, number, webhook),
    )


def _conditions(name: str, number: int, webhook: Mapping[str, Any]) -> Compiled:
    """Match conditions are those of a policy, at another place."""
    spec = {"matchConditions": webhook.get("matchConditions") or (), "failurePolicy": webhook.get("failurePolicy")}
    found = compiled({"kind": "Webhook", "metadata": {"name": name}, "spec": spec})
    moved = tuple(
        replace(condition, path=condition.path.replace("spec.", f"webhooks[{number}].", 1))
        for condition in found.conditions
    )
    return replace(found, conditions=moved)
