"""Why a webhook configuration is refused: whom it calls, and match conditions that do not compile. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.apiserver.webhooks.admission.hook import Hook, hooks_of
from capstan.apiserver.webhooks.clientconfig import ca_bundle_faults, service_faults, url_faults

_MOST_CONDITIONS = 64


def configuration_faults(new: Obj, old: Obj | None) -> Iterator[FieldCause]:
    """All of one configuration. Conditions and bundles that were there before do not stop other changes."""
    trusted = {_bundle(webhook) for webhook in _webhooks(old)}
    known = {c.source for hook in (hooks_of(old) if old else ()) for c in hook.conditions.conditions}
    for number, (webhook, hook) in enumerate(zip(_webhooks(new), hooks_of(new), strict=True)):
        yield from _client_faults(webhook, f"webhooks[{number}].clientConfig", trusted)
        yield from _condition_faults(webhook, f"webhooks[{number}].matchConditions")
        yield from _uncompiled(hook, known)


def _webhooks(configuration: Obj | None) -> list[Obj]:
    return list((configuration or {}).get("webhooks") or ())


def _bundle(webhook: Mapping[str, Any]) -> str:
    return str((webhook.get("clientConfig") or {}).get("caBundle") or "")


def _client_faults(webhook: Mapping[str, Any], field: str, trusted: set[str]) -> Iterator[FieldCause]:
    client, bundle = webhook.get("clientConfig") or {}, _bundle(webhook)
    if client.get("url"):
        yield from url_faults(str(client["url"]), f"{field}.url")
    elif client.get("service"):
        yield from service_faults(client["service"], f"{field}.service")
    if bundle and bundle not in trusted:
        yield from ca_bundle_faults(bundle, f"{field}.caBundle")


def _condition_faults(webhook: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """Conditions need names of their own."""
    conditions = webhook.get("matchConditions") or ()
    if len(conditions) > _MOST_CONDITIONS:
        why = f"Too many: {len(conditions)}: must have at most {_MOST_CONDITIONS} items"
        yield FieldCause(field, why, "FieldValueTooMany")
    seen: set[str] = set()
    for number, condition in enumerate(conditions):
        name = str(condition.get("name") or "")
        if not name:
            yield FieldCause(f"{field}[{number}].name", "Required value", "FieldValueRequired")
        elif name in seen:
            yield FieldCause(f"{field}[{number}].name", f'Duplicate value: "{name}"', "FieldValueDuplicate")
        if not condition.get("expression"):
            yield FieldCause(f"{field}[{number}].expression", "Required value", "FieldValueRequired")
        seen.add(name)


def _uncompiled(hook: Hook, known: set[str]) -> Iterator[FieldCause]:
    failed = [condition.source for condition in hook.conditions.conditions if condition.error]
    for source, cause in zip(failed, hook.conditions.causes(), strict=True):
        if source and source not in known:
            yield cause
