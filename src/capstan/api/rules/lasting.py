"""When a state that should pass has lasted long enough to be worth an Event: manifests may come in any order."""

from __future__ import annotations

from datetime import datetime, timedelta

#: Objects of one `kubectl apply` come within seconds; what is missing for longer is missing.
PATIENCE = timedelta(seconds=30)


def patience_left(since: datetime | None, now: datetime) -> float:
    """Seconds until it is worth telling; 0 when it is."""
    return max((since + PATIENCE - now).total_seconds(), 0.0) if since is not None else PATIENCE.total_seconds()
