"""The link of the admission chain that asks the policies about a write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.errors import invalid
from capstan.api.objects import Obj
from capstan.apiserver.admission import Attributes
from capstan.apiserver.admission.notes import note
from capstan.apiserver.authorization import Authorizer
from capstan.apiserver.backend import Backend
from capstan.apiserver.conversion import converted
from capstan.apiserver.policies.compiled import compiled
from capstan.apiserver.policies.evaluation import Seen
from capstan.apiserver.policies.matching import (
    is_exempt,
    matched_version,
    matches_resources,
    namespace_of,
    subject_of,
)
from capstan.apiserver.policies.mutating import mutated
from capstan.apiserver.policies.mutating import refusal as mutation_refusal
from capstan.apiserver.policies.outcome import Outcome
from capstan.apiserver.policies.params import ParamsError, find_params
from capstan.apiserver.policies.validating import Denial, judge, refusal
from capstan.apiserver.policies.view import MUTATING, VALIDATING, Hook, Policies


@dataclass(frozen=True, slots=True)
class _Matching:
    """A policy that is about the write, and the bindings of it that are too."""

    hook: Hook
    version: str
    bindings: tuple[Obj, ...]


class PolicyChain:
    """Implements `admission.Chain`."""

    def __init__(self, backend: Backend, policies: Policies, authorizer: Authorizer) -> None:
        self._backend = backend
        self._policies = policies
        self._authorizer = authorizer

    async def mutate(self, attributes: Attributes) -> tuple[Obj | None, tuple[str, ...]]:
        hooks = self._policies.hooks(MUTATING)
        if not hooks or attributes.new is None or is_exempt(attributes):
            return attributes.new, ()
        namespace = await namespace_of(self._backend, attributes)
        matching = list(_matching(hooks, attributes, namespace))
        new = await self._mutated(attributes, namespace, matching, attributes.new)
        again = [found for found in matching if found.hook.policy.spec.get("reinvocationPolicy") == "IfNeeded"]
        if again and new is not attributes.new and new != attributes.new:
            new = await self._mutated(attributes, namespace, again, new)
        return (attributes.new if new == attributes.new else new), ()

    async def _mutated(
        self, attributes: Attributes, namespace: Obj | None, matching: Sequence[_Matching], new: Obj
    ) -> Obj:
        for found in matching:
            policy = found.hook.policy
            seen = await self._seen(attributes, found.version, namespace)
            for binding in found.bindings:
                name, spec = binding["metadata"]["name"], binding.get("spec") or {}
                shown = await converted(attributes.target.served, new, found.version)
                try:
                    params = await self._params(policy.spec, spec, attributes)
                except ParamsError as error:
                    if policy.fails_open:
                        continue
                    why = f"failed to configure binding: {error}"
                    raise mutation_refusal(attributes, policy.name, name, why) from None
                result = shown
                for param in params:
                    result = mutated(policy, name, seen, result, param)
                if result is not shown:
                    new = await converted(attributes.target.served, result, attributes.target.served.storage)
        return new

    async def validate(self, attributes: Attributes) -> tuple[str, ...]:
        _check_policy(attributes)
        hooks = self._policies.hooks(VALIDATING)
        if not hooks or is_exempt(attributes):
            return ()
        namespace = await namespace_of(self._backend, attributes)
        outcome = Outcome()
        for found in _matching(hooks, attributes, namespace):
            seen = await self._seen(attributes, found.version, namespace)
            for binding in found.bindings:
                await self._judged(found.hook, binding, seen, outcome)
        for key, value in outcome.annotations():
            note(key, value)
        if outcome.denials:
            raise refusal(attributes, outcome.denials[0])
        return tuple(outcome.warnings)

    async def _judged(self, hook: Hook, binding: Obj, seen: Seen, outcome: Outcome) -> None:
        """One binding: what it warns about, denies and notes is added."""
        policy, spec = hook.policy, binding.get("spec") or {}
        name = str(binding["metadata"]["name"])
        try:
            params = await self._params(policy.spec, spec, seen.attributes)
        except ParamsError as error:
            if not policy.fails_open:
                outcome.denials.append(Denial(policy.name, name, f"failed to configure binding: {error}"))
            return
        actions = spec.get("validationActions") or ()
        for param in params:
            outcome.add(policy.name, judge(policy, name, seen, param), actions)

    async def _params(
        self, policy: Mapping[str, Any], binding: Mapping[str, Any], attributes: Attributes
    ) -> Sequence[Obj | None]:
        namespace = attributes.target.namespace
        return await find_params(self._backend, policy.get("paramKind"), binding.get("paramRef"), namespace)

    async def _seen(self, attributes: Attributes, version: str, namespace: Obj | None) -> Seen:
        served = attributes.target.served
        old = None if attributes.old is None else await converted(served, attributes.old, version)
        new = None if attributes.new is None else await converted(served, attributes.new, version)
        return Seen(attributes, version, old, new, namespace, self._authorizer)


def _matching(hooks: Sequence[Hook], attributes: Attributes, namespace: Obj | None) -> Iterator[_Matching]:
    subject = subject_of(attributes, namespace)
    for hook in hooks:
        version = matched_version(hook.policy.spec.get("matchConstraints") or {}, subject)
        if version is None:
            continue
        bindings = tuple(
            binding
            for binding in hook.bindings
            if matches_resources((binding.get("spec") or {}).get("matchResources"), subject)
        )
        if bindings:
            yield _Matching(hook, version, bindings)


def _check_policy(attributes: Attributes) -> None:
    """A policy whose expressions do not compile is refused. Raises ApiError 422."""
    served, new = attributes.target.served, attributes.new
    if new is None or attributes.subresource or served.group != "admissionregistration.k8s.io":
        return
    if served.plural not in (VALIDATING, MUTATING):
        return
    old = attributes.old
    if old is not None and old.get("spec") == new.get("spec"):
        return
    causes = tuple(compiled(new).causes())
    if causes:
        raise invalid(served.group_kind, attributes.name, causes)
