"""The options of a request, from its query and body: lists and watches, writes, deletes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast, get_args

from capstan.api.errors import FieldCause, bad_request, invalid
from capstan.api.verbs import DeleteOptions, ListOptions, Propagation, WriteOptions
from capstan.apiserver.exchange import Request


@dataclass(frozen=True, slots=True)
class WireWriteOptions(WriteOptions):
    """Write options with what only a request on the wire can have: keys that occur twice in the body, and whether
    it says anything of force, and whether it is an apply."""

    duplicates: tuple[str, ...] = ()
    applies: bool = False
    force_given: bool = False


def list_options(request: Request) -> ListOptions:
    """Raises 400 for values that cannot be read."""
    return ListOptions(
        label_selector=request.param("labelSelector"),
        field_selector=request.param("fieldSelector"),
        limit=request.number("limit"),
        continue_token=request.param("continue"),
        resource_version=request.param("resourceVersion"),
        resource_version_match=request.param("resourceVersionMatch"),
        timeout_seconds=request.number("timeoutSeconds") or None,
        allow_bookmarks=request.flag("allowWatchBookmarks"),
        send_initial_events=request.flag("sendInitialEvents"),
    )


def write_options(request: Request) -> WireWriteOptions:
    """Raises 422 for values that Kubernetes does not know."""
    query = request.query
    return _write_options(
        request.param("fieldValidation"),
        request.param("fieldManager"),
        tuple(query.get("dryRun", ())),
        request.headers.get("user-agent", "") or "unknown",
        request.flag("force"),
        "force" in query,
    )


@lru_cache(512)
def _write_options(
    validation: str, manager: str, dry_run: tuple[str, ...], user_agent: str, force: bool, force_given: bool
) -> WireWriteOptions:
    """A client sends the same options with each of its writes."""
    causes = []
    if validation not in ("", "Ignore", "Warn", "Strict"):
        message = f'Unsupported value: "{validation[:40]}": supported values: "Ignore", "Strict", "Warn"'
        causes.append(FieldCause("fieldValidation", message, "FieldValueNotSupported"))
    if len(manager) > 128 or not manager.isprintable():
        message = "Invalid value: must be at most 128 printable characters"
        causes.append(FieldCause("fieldManager", message))
    if causes:
        raise invalid("CreateOptions.meta.k8s.io", "", causes)
    return WireWriteOptions(
        dry_run=_is_dry_run(dry_run),
        field_manager=manager,
        user_agent=user_agent,
        field_validation=validation,  # type: ignore[arg-type]
        force=force,
        force_given=force_given,
    )


def check_apply_options(options: WriteOptions, *, apply: bool) -> None:
    """Raises 422: an apply must name its manager, and only an apply can be forced."""
    cause = None
    if apply and not options.field_manager:
        cause = FieldCause("fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
    elif not apply and (options.force or getattr(options, "force_given", False)):
        message = "Forbidden: may not be specified for non-apply patch"
        cause = FieldCause("force", message, "FieldValueForbidden")
    if cause is not None:
        raise invalid("PatchOptions.meta.k8s.io", "", [cause])


def delete_options(request: Request, body: Mapping[str, Any] | None) -> DeleteOptions:
    """From the body where there is one, else from the query. Raises 400 and 422."""
    if body:
        conditions = body.get("preconditions") or {}
        chosen, orphan = body.get("propagationPolicy") or "", body.get("orphanDependents")
        grace, dry_run = body.get("gracePeriodSeconds"), body.get("dryRun") or ()
        if not isinstance(conditions, Mapping):
            raise bad_request("preconditions must be an object")
    else:
        conditions, orphan = {}, None
        if request.param("orphanDependents"):
            orphan = request.flag("orphanDependents")
        chosen = request.param("propagationPolicy")
        grace = request.number("gracePeriodSeconds") if request.param("gracePeriodSeconds") else None
        dry_run = request.query.get("dryRun", ())
    if orphan is not None and not chosen:
        chosen = "Orphan" if orphan else "Background"
    if chosen not in get_args(Propagation):
        message = f'Unsupported value: "{chosen}": supported values: "Background", "Foreground", "Orphan"'
        cause = FieldCause("propagationPolicy", message, "FieldValueNotSupported")
        raise invalid("DeleteOptions.meta.k8s.io", "", [cause])
    if grace is not None and (type(grace) is not int or grace < 0):
        raise bad_request("gracePeriodSeconds must be a whole number that is not negative")
    options = DeleteOptions(
        uid=str(conditions.get("uid") or ""),
        resource_version=str(conditions.get("resourceVersion") or ""),
        propagation=cast(Propagation, chosen),
        grace_period_seconds=grace,
    )
    return replace(options, dry_run=_is_dry_run(dry_run))


def _is_dry_run(values: Any) -> bool:
    wanted = [value for value in values if value != ""]
    if any(value != "All" for value in wanted):
        message = f'Unsupported value: "{str(wanted)[:60]}": supported values: "All"'
        raise invalid("Options.meta.k8s.io", "", [FieldCause("dryRun", message, "FieldValueNotSupported")])
    return bool(wanted)
