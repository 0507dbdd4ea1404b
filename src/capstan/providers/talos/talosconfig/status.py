"""How a TalosConfig stands: conditions of both flavours, and the fields that Machines read (talos.md 1.1)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.bootstrap.talosconfig import BootstrapInitialization, TalosConfig, TalosConfigDeprecated
from capstan.api.errors import is_conflict
from capstan.api.meta import Condition, LegacyCondition
from capstan.api.rules.conditions import FALSE, TRUE, Reasons, put_condition, put_conditions, summarize
from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    INFO,
    legacy_false,
    legacy_true,
    put_legacies,
    put_legacy,
    summarize_legacy,
)
from capstan.api.rules.progress import paused_condition
from capstan.providers.talos.talosconfig.plan import (
    CLIENT_CONFIG_AVAILABLE,
    DATA_SECRET_AVAILABLE,
    WriteBootstrapData,
    WriteTalosconfig,
    data_secret_name,
    find_config_error,
)
from capstan.providers.talos.talosconfig.snapshot import TalosConfigSnapshot
from capstan.runtime.plan import Outcomes

_READY = Reasons(issue="NotReady", unknown="ReadyUnknown", info="Ready")


def compute_status(snapshot: TalosConfigSnapshot, outcomes: Outcomes) -> TalosConfig | None:
    """The TalosConfig with its status as it is now; None while nothing can be said of it. While it is paused only
    `Paused` moves."""
    config, status = snapshot.config, snapshot.config.status
    if snapshot.deleting or (snapshot.cluster is None and not snapshot.paused):
        return None
    if snapshot.paused:
        conditions = put_condition(
            status.conditions, _paused(snapshot), generation=config.metadata.generation, now=snapshot.now
        )
        return msgspec.structs.replace(config, status=msgspec.structs.replace(status, conditions=conditions))
    if snapshot.machine is None:
        return None
    created = snapshot.data_written or bool(snapshot.adopted_secret) or _is_written(outcomes)
    if created:
        status = msgspec.structs.replace(
            status,
            data_secret_name=data_secret_name(snapshot),
            initialization=BootstrapInitialization(data_secret_created=True),
        )
    pairs = tuple(_conditions(snapshot, outcomes, created=created))
    status = msgspec.structs.replace(
        status,
        conditions=_with_ready(snapshot, [_paused(snapshot), *(new for new, _old in pairs)]),
        deprecated=_deprecated(snapshot, [old for _new, old in pairs]),
    )
    if outcomes.error is None:
        status = msgspec.structs.replace(status, observed_generation=config.metadata.generation)
    return msgspec.structs.replace(config, status=status)


def _paused(snapshot: TalosConfigSnapshot) -> Condition:
    by_cluster = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    return paused_condition("TalosConfig", by_cluster, snapshot.config.metadata.annotations)


def _is_written(outcomes: Outcomes) -> bool:
    return any(outcome.done for outcome in outcomes.of(WriteBootstrapData))


def _conditions(
    snapshot: TalosConfigSnapshot, outcomes: Outcomes, *, created: bool
) -> Iterator[tuple[Condition, LegacyCondition]]:
    """Each in the new form and in the old one."""
    if created:
        yield _good(DATA_SECRET_AVAILABLE, "; ".join(snapshot.collisions))
        client = _client_config(snapshot, outcomes)
        if client is not None:
            yield client
        return
    refused = None if snapshot.infrastructure_problem else find_config_error(snapshot)
    failed = outcomes.error or refused
    if failed is not None:
        yield _bad(DATA_SECRET_AVAILABLE, "InternalError", "DataSecretGenerationFailed", ERROR, str(failed))
    else:
        reason = "WaitingForClusterInfrastructure"
        yield _bad(DATA_SECRET_AVAILABLE, "NotAvailable", reason, INFO, snapshot.infrastructure_problem)


def _client_config(snapshot: TalosConfigSnapshot, outcomes: Outcomes) -> tuple[Condition, LegacyCondition] | None:
    if not snapshot.is_control_plane:
        return None
    if outcomes.error is not None and not is_conflict(outcomes.error):
        why = str(outcomes.error)
        return _bad(CLIENT_CONFIG_AVAILABLE, "InternalError", "ClientConfigGenerationFailed", ERROR, why)
    if snapshot.client_config is None and not outcomes.of(WriteTalosconfig):
        return None
    return _good(CLIENT_CONFIG_AVAILABLE)


def _good(type: str, message: str = "") -> tuple[Condition, LegacyCondition]:
    return Condition(type=type, status=TRUE, reason="Available", message=message), legacy_true(type)


def _bad(type: str, reason: str, old_reason: str, severity: str, message: str) -> tuple[Condition, LegacyCondition]:
    new = Condition(type=type, status=FALSE, reason=reason, message=message)
    return new, legacy_false(type, old_reason, severity, message)


def _with_ready(snapshot: TalosConfigSnapshot, new: list[Condition]) -> tuple[Condition, ...]:
    generation, now = snapshot.config.metadata.generation, snapshot.now
    conditions = put_conditions(snapshot.config.status.conditions, new, generation=generation, now=now)
    ready = summarize(conditions, "Ready", [DATA_SECRET_AVAILABLE], reasons=_READY)
    return put_condition(conditions, ready, generation=generation, now=now)


def _deprecated(snapshot: TalosConfigSnapshot, new: list[LegacyCondition]) -> TalosConfigDeprecated:
    old = snapshot.config.status.deprecated
    conditions = put_legacies(old.v1beta.conditions, new, now=snapshot.now)
    ready = summarize_legacy(conditions, [DATA_SECRET_AVAILABLE])
    if ready is not None:
        conditions = put_legacy(conditions, ready, now=snapshot.now)
    return msgspec.structs.replace(old, v1beta=msgspec.structs.replace(old.v1beta, conditions=conditions))
