"""Turns what Proxmox VE says when it refuses into typed errors that say what to do.

PVE puts its message into the HTTP reason phrase and answers nearly everything with status 500; tasks end with the
same texts in their exit status. Both go through `classify`. Every error here is a TransientError: the cause lies
in PVE, where nothing can be watched, so the only way to notice that it is gone is to try again, slowly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from capstan.api.errors import TransientError


class PveError(TransientError):
    """A refusal by Proxmox VE. `reason` is CamelCase, `text` what PVE said, `call` what was asked."""

    reason_name = "ProxmoxError"
    pause_seconds: float | None = None

    def __init__(self, text: str, call: str = "", status: int = 0) -> None:
        super().__init__(self._message(text, call), self.pause_seconds, self.reason_name)
        self.text = text
        self.call = call
        self.status = status

    def _message(self, text: str, call: str) -> str:
        return f"Proxmox VE refused {call}: {text}" if call else f"Proxmox VE: {text}"


class NotFound(PveError):
    """The VM, volume, node or storage does not exist."""

    reason_name = "NotFound"


class AlreadyExists(PveError):
    """The VMID or file is taken."""

    reason_name = "AlreadyExists"


class Locked(PveError):
    """A lock is held: by an operation in the VM's config (`lock`), or on a file or a storage."""

    reason_name = "Locked"
    pause_seconds = 3.0


class ChangedMeanwhile(PveError):
    """The digest does not match: somebody else wrote the config since it was read."""

    reason_name = "ChangedMeanwhile"


class StorageFull(PveError):
    """No space left on a storage."""

    reason_name = "StorageFull"
    pause_seconds = 30.0

    def _message(self, text: str, call: str) -> str:
        return f"{super()._message(text, call)}; free space on the storage or choose another one (spec.storage)"


class NodeOffline(PveError):
    """The node that owns the VM or storage does not answer the node that was asked (HTTP 595)."""

    reason_name = "NodeOffline"
    pause_seconds = 10.0

    def _message(self, text: str, call: str) -> str:
        node = re.search(r"/nodes/([^/ ]+)", call)
        shown = f"node {node[1]} of Proxmox VE does not answer" if node else "a node of Proxmox VE does not answer"
        return f"{shown} ({text}): bring it back, then what is on it is looked after again"


class NoQuorum(PveError):
    """The Proxmox VE cluster has lost its quorum: it can be read but not changed."""

    reason_name = "NoQuorum"
    pause_seconds = 10.0


class LocalStorage(PveError):
    """A clone to another node needs shared storage, and a disk of the source is on local storage."""

    reason_name = "TemplateOnLocalStorage"
    pause_seconds = 30.0


class NotRunning(PveError):
    """The VM is not running."""

    reason_name = "NotRunning"


class AlreadyRunning(PveError):
    """The VM runs already."""

    reason_name = "AlreadyRunning"


class AgentUnavailable(PveError):
    """The guest agent is not configured, not running, or does not answer in time."""

    reason_name = "GuestAgentUnavailable"


class InvalidParameters(PveError):
    """HTTP 400: `fields` holds the text for each parameter."""

    reason_name = "InvalidParameters"
    pause_seconds = 30.0

    def __init__(self, text: str, call: str = "", status: int = 400, fields: Mapping[str, str] | None = None) -> None:
        self.fields = dict(fields or {})
        shown = "; ".join(f"{name}: {message.strip()}" for name, message in sorted(self.fields.items()))
        super().__init__(f"{text.rstrip('.')}: {shown}" if shown else text, call, status)


class NotImplementedByServer(PveError):
    """HTTP 501: no such path or method; usually a wrong URL or a very old release."""

    reason_name = "NotImplemented"
    pause_seconds = 30.0


class TaskGone(PveError):
    """The task's log was rotated away; what became of it shows in the VM alone."""

    reason_name = "TaskGone"


class Unreachable(PveError):
    """No endpoint took the request: it had no effect."""

    reason_name = "ProxmoxUnreachable"
    pause_seconds = 10.0

    def _message(self, text: str, call: str) -> str:
        return f"Proxmox VE cannot be reached: {text}"


class OutcomeUnknown(PveError):
    """The request was sent but its answer was lost (or HTTP 596 to 599): look before asking again."""

    reason_name = "OutcomeUnknown"
    pause_seconds = 2.0

    def _message(self, text: str, call: str) -> str:
        return f"the answer of Proxmox VE to {call or 'a request'} was lost: {text}"


class Unauthorized(PveError):
    """HTTP 401: the token is not accepted."""

    reason_name = "Unauthorized"
    pause_seconds = 15.0

    def _message(self, text: str, call: str) -> str:
        return (
            f"Proxmox VE does not accept the API token ({text}): check the token id (user@realm!name), its secret and "
            "that it has not expired"
        )


class PermissionDenied(PveError):
    """HTTP 403: `privileges` (any one of them is enough) are missing on `acl_path`. Somebody has to grant them, which
    takes its time: it is tried again at growing distances, as the queue does it."""

    reason_name = "PermissionDenied"

    def __init__(self, text: str, call: str = "", status: int = 403) -> None:
        self.acl_path, self.privileges = _missing_privileges(text)
        super().__init__(text, call, status)

    def _message(self, text: str, call: str) -> str:
        if not self.privileges:
            return f"the API token may not {call}: {text}"
        wanted = " or ".join(self.privileges)
        return (
            f"the API token lacks the privilege {wanted} on {self.acl_path} (for {call or 'a request'}): grant a role "
            "that has it there, to the user and, unless privilege separation is off, to the token as well"
        )


_DENIED = re.compile(r"Permission check failed \((?P<path>/[^,)]*), (?P<privileges>[A-Za-z.|,; ]+)\)")


def _missing_privileges(text: str) -> tuple[str, tuple[str, ...]]:
    match = _DENIED.search(text)
    if match is None:
        return "", ()
    names = re.split(r"[|,; ]+", match["privileges"].strip())
    return match["path"], tuple(name for name in names if name)


#: First match decides. The texts are those of qemu-server, pve-storage, pve-cluster and pve-common.
_TEXTS: tuple[tuple[re.Pattern[str], type[PveError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error)
    for pattern, error in (
        (r"got timeout$|can't lock file|is locked|unable to acquire lock|got lock timeout", Locked),
        (r"lock request timeout|cfs-lock .* error|trying to acquire (cfs )?lock", Locked),
        (r"checksum mismatch|detected modified configuration", ChangedMeanwhile),
        (r"no space left|not enough (free )?space|insufficient free space|out of (disk )?space", StorageFull),
        (r"free space .* (exhausted|too (small|low))|exceeds? (the )?available (storage )?space", StorageFull),
        (r"data% .* full|thin pool .* (full|exceeds)|quota exceeded|out of data space", StorageFull),
        (r"no quorum|not quorate|cluster not ready", NoQuorum),
        (r"uses local storage|on local storage|can't clone .* local|is not shared", LocalStorage),
        (r"guest agent is not running|no qemu guest agent|guest-ping|guest agent .* timeout", AgentUnavailable),
        (r"qmp command 'guest-", AgentUnavailable),
        (r"already running", AlreadyRunning),
        (r"is not running|not running$", NotRunning),
        (
            r"already exists|refusing to override existing file|file exists|already defined|already in use",
            AlreadyExists,
        ),
        (r"no such task|no such log|unable to parse worker upid", TaskGone),
        (r"does not exist|no such (vm|volume|file|logical|pool|storage|node)|unable to find|not found", NotFound),
        (r"no route to host|connection refused|hostname lookup .* failed|node .* (offline|down)", NodeOffline),
        (r"only root can|permission check failed|permission denied", PermissionDenied),
    )
)


def classify_text(text: str, call: str = "", status: int = 0) -> PveError:
    """The typed error for a text of PVE: a reason phrase of status 500, or the end of a task."""
    for pattern, error in _TEXTS:
        if pattern.search(text.strip()):
            return error(text.strip(), call, status)
    return PveError(text.strip(), call, status)


def classify(status: int, reason: str, fields: Mapping[str, str] | None, call: str) -> PveError:
    """The typed error for one refused request (proxmox.md 3.1)."""
    text = reason.strip() or f"HTTP {status}"
    if status == 400:
        return _bad_parameters(text, fields or {}, call)
    if status == 401:
        return Unauthorized(text, call, status)
    if status == 403:
        return PermissionDenied(text, call, status)
    if status == 404:
        return NotFound(text, call, status)
    if status == 501:
        return NotImplementedByServer(text, call, status)
    if status == 595:
        return NodeOffline(text, call, status)
    if status in (502, 503, 504) or 596 <= status <= 599:
        return OutcomeUnknown(text, call, status)
    return classify_text(text, call, status)


def _bad_parameters(text: str, fields: Mapping[str, str], call: str) -> PveError:
    shown = " ".join(fields.values())
    if "no such task" in shown:
        return TaskGone(shown.strip(), call, 400)
    if "already exists" in shown:
        return AlreadyExists(shown.strip(), call, 400)
    return InvalidParameters(text, call, 400, fields)
