"""The link of the admission chain that asks webhooks: mutating ones one after the other, validating ones at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec.structs import replace

from capstan.api.errors import ApiError, bad_request, forbidden, invalid
from capstan.api.objects import Obj
from capstan.apiserver.admission import Attributes
from capstan.apiserver.admission.notes import note
from capstan.apiserver.authorization import Authorizer
from capstan.apiserver.backend import Backend
from capstan.apiserver.conversion import converted
from capstan.apiserver.patch import apply_patch
from capstan.apiserver.policies.evaluation import Evaluation, ExpressionError, Seen
from capstan.apiserver.policies.matching import is_exempt, matched_version, namespace_of, subject_of
from capstan.apiserver.resources import Served, Target
from capstan.apiserver.scale import scale_of, scaled
from capstan.apiserver.webhooks.admission.faults import configuration_faults
from capstan.apiserver.webhooks.admission.hook import Hook
from capstan.apiserver.webhooks.admission.review import Verdict, denial, failure, internal, question, verdict
from capstan.apiserver.webhooks.admission.view import GROUP, MUTATING, VALIDATING, Webhooks
from capstan.apiserver.webhooks.client import WebhookClient, WebhookError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Round:
    """The mutating webhooks on their way through one write. `warnings` are all so far; `again` are those that want
    to see what others changed after them."""

    new: Obj | None
    warnings: list[str]
    called: list[Hook]
    again: set[tuple[str, str]]


class WebhookChain:
    """Implements `admission.Chain`.

    Guarantees: configurations of webhooks and policies are never shown to webhooks; a webhook with side effects is
    not called in a dry run; whoever fails open leaves a warning in the log and a note in the audit event.
    """

    def __init__(self, backend: Backend, webhooks: Webhooks, client: WebhookClient, authorizer: Authorizer) -> None:
        self._backend = backend
        self._webhooks = webhooks
        self._client = client
        self._authorizer = authorizer

    async def mutate(self, attributes: Attributes) -> tuple[Obj | None, tuple[str, ...]]:
        hooks = self._webhooks.hooks(MUTATING)
        if not hooks or is_exempt(attributes):
            return attributes.new, ()
        namespace = await namespace_of(self._backend, attributes)
        going = _Round(attributes.new, [], [], set())
        await self._go_round(attributes, namespace, hooks, going, 0)
        if going.again:
            again = [hook for hook in hooks if hook.key in going.again]
            await self._go_round(attributes, namespace, again, going, 1)
        return going.new, tuple(dict.fromkeys(going.warnings))

    async def _go_round(
        self, attributes: Attributes, namespace: Obj | None, hooks: Sequence[Hook], going: _Round, number: int
    ) -> None:
        """Each of the webhooks sees what those before it made of the object."""
        for index, hook in enumerate(hooks):
            seen = await self._matching(hook, replace(attributes, new=going.new), namespace)
            if seen is None:
                continue
            new = await self._mutated(hook, seen, going, f"round_{number}_index_{index}")
            if new != going.new:
                going.new = new
                going.again |= {earlier.key for earlier in going.called if earlier.reinvoked}
            going.called.append(hook)

    async def _mutated(self, hook: Hook, seen: Seen, going: _Round, place: str) -> Obj | None:
        found = await self._asked(hook, seen, place, mutating=True)
        if found is None:
            return going.new
        going.warnings += found.warnings
        self._noted(hook, found)
        changed = found.allowed and bool(found.patch)
        told = {"configuration": hook.configuration, "webhook": hook.name, "mutated": changed}
        note(f"mutation.webhook.admission.k8s.io/{place}", orjson.dumps(told).decode())
        if not found.allowed:
            raise denial(hook.name, found.result)
        if not changed:
            return going.new
        if seen.new is None or going.new is None:
            why = "attempted to modify the object, which is not supported for this operation"
            raise internal(f'admission webhook "{hook.name}" {why}')
        return await self._patched(hook, seen, going.new, found.patch)

    async def _patched(self, hook: Hook, seen: Seen, whole: Obj, patch: Any) -> Obj:
        """The object in its stored version after a webhook's patch."""
        target, served = seen.attributes.target, seen.attributes.target.served
        try:
            shown = apply_patch("json", seen.new or {}, patch, None)
            if seen.attributes.subresource == "scale":
                asked = _in_version(target, seen.version)
                shown = scaled(asked, await converted(served, whole, seen.version), _of_same_object(shown))
        except ApiError as error:
            raise internal(f'admission webhook "{hook.name}" patched the object badly: {error.message}') from None
        _check_identity(hook, seen, shown)
        return await converted(served, shown, served.storage)

    async def validate(self, attributes: Attributes) -> tuple[str, ...]:
        _check_configuration(attributes)
        hooks = self._webhooks.hooks(VALIDATING)
        if not hooks or is_exempt(attributes):
            return ()
        namespace = await namespace_of(self._backend, attributes)
        asking = []
        for index, hook in enumerate(hooks):
            seen = await self._matching(hook, attributes, namespace)
            if seen is not None:
                asking.append((hook, self._asked(hook, seen, f"round_0_index_{index}", mutating=False)))
        answers = await asyncio.gather(*(call for _, call in asking), return_exceptions=True)
        warnings: list[str] = []
        refusals: list[BaseException] = []
        for (hook, _), found in zip(asking, answers, strict=True):
            if isinstance(found, BaseException):
                refusals.append(found)
            elif found is not None:
                warnings += found.warnings
                self._noted(hook, found)
                if not found.allowed:
                    refusals.append(denial(hook.name, found.result))
        if refusals:
            raise refusals[0]
        return tuple(dict.fromkeys(warnings))

    async def _matching(self, hook: Hook, attributes: Attributes, namespace: Obj | None) -> Seen | None:
        """The write as a webhook is to see it; None when it is not about it. Raises ApiError."""
        version = matched_version(hook.constraints, subject_of(attributes, namespace))
        if version is None:
            return None
        old, new = await self._shown(attributes, attributes.old, version), None
        if attributes.new is not None:
            new = await self._shown(attributes, attributes.new, version)
        seen = Seen(attributes, version, old, new, namespace, self._authorizer)
        if not hook.conditions.conditions:
            return seen
        try:
            return seen if Evaluation(hook.conditions, seen.values(None)).applies() else None
        except ExpressionError as error:
            if hook.fails_open:
                return None
            raise forbidden(attributes.target.served.group_resource, attributes.name, str(error)) from None

    async def _shown(self, attributes: Attributes, obj: Obj | None, version: str) -> Obj | None:
        if obj is None:
            return None
        shown = await converted(attributes.target.served, obj, version)
        target = _in_version(attributes.target, version)
        return scale_of(target, shown) if attributes.subresource == "scale" else shown

    async def _asked(self, hook: Hook, seen: Seen, place: str, *, mutating: bool) -> Verdict | None:
        """The verdict; None where a failure does not matter. Raises ApiError."""
        if seen.attributes.dry_run and hook.has_effects:
            raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
        uid = self._backend.new_uid()
        try:
            if not hook.review:
                raise WebhookError("webhook does not accept known AdmissionReview versions (v1, v1beta1)")
            try:
                answer = await self._client.post(hook.client, question(uid, hook.review, seen), hook.timeout_seconds)
            except WebhookError as error:
                raise WebhookError(f"failed to call webhook: {error}") from None
            try:
                return verdict(answer, uid, hook.review, mutating=mutating)
            except WebhookError as error:
                raise WebhookError(f"received invalid webhook response: {error}") from None
        except WebhookError as error:
            if not hook.fails_open:
                raise failure(hook.name, str(error)) from None
            log.warning("admission goes on without webhook %s of %s: %s", hook.name, hook.configuration, error)
            sort = "mutation" if mutating else "validating"
            note(f"failed-open.{sort}.webhook.admission.k8s.io/{place}", hook.name)
            return None

    def _noted(self, hook: Hook, found: Verdict) -> None:
        for key, value in found.notes:
            note(f"{hook.name}/{key}", value)


def _in_version(target: Target, version: str) -> Target:
    """The same target in the version that a webhook names."""
    return Target(target.served, target.served.version(version) or target.version, target.namespace)


def _of_same_object(scale: Obj) -> Obj:
    """A patched Scale without what would be a precondition of a request."""
    return {**scale, "metadata": {}}


def _check_identity(hook: Hook, seen: Seen, shown: Obj) -> None:
    """A patch makes no other object of an object. Raises ApiError."""
    before = seen.new or {}
    if seen.attributes.subresource == "scale":
        return
    metadata = shown.get("metadata")
    if not isinstance(metadata, dict):
        raise internal(f'admission webhook "{hook.name}" left no metadata')
    for name in ("apiVersion", "kind"):
        if shown.get(name) != before.get(name):
            raise internal(f'admission webhook "{hook.name}" may not change {name}')
    for name in ("name", "namespace", "uid"):
        if metadata.get(name) != before["metadata"].get(name):
            raise internal(f'admission webhook "{hook.name}" may not change metadata.{name}')


def _check_configuration(attributes: Attributes) -> None:
    """A configuration that could not be worked with is refused. Raises ApiError 422."""
    served: Served = attributes.target.served
    new = attributes.new
    if new is None or served.group != GROUP or served.plural not in (VALIDATING, MUTATING):
        return
    causes = tuple(configuration_faults(new, attributes.old))
    if causes:
        raise invalid(served.group_kind, attributes.name, causes)
