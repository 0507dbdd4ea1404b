"""Who may call what: the roles of a client certificate against the method's (talos.md 4.3 and 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.providers.talos.channel import RpcError

ADMIN, OPERATOR, READER, BACKUP = "os:admin", "os:operator", "os:reader", "os:etcd:backup"
KNOWN_ROLES = frozenset({ADMIN, OPERATOR, READER, BACKUP, "os:meta:writer", "os:image:verifier", "os:impersonator"})

PERMISSION_DENIED = 7

_ADMIN_ONLY = frozenset(
    {
        "ApplyConfiguration", "Bootstrap", "Copy", "Read", "Reset", "Rollback", "Upgrade", "Kubeconfig",
        "EtcdForfeitLeadership", "EtcdLeaveCluster", "EtcdRecover", "EtcdRemoveMemberByID", "EtcdDowngradeValidate",
        "EtcdDowngradeEnable", "EtcdDowngradeCancel", "GenerateClientConfiguration", "MetaWrite", "MetaDelete",
        "Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy",
    }
)  # fmt: skip
_OPERATOR = frozenset(
    {"Reboot", "Shutdown", "Restart", "ServiceStart", "ServiceStop", "ServiceRestart", "EtcdAlarmDisarm",
     "EtcdDefragment", "PacketCapture", "ImagePull"}
)  # fmt: skip
_BACKUP = frozenset({"EtcdSnapshot", "EtcdMemberList", "EtcdStatus", "EtcdAlarmList"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Roles of who calls. `in_maintenance`: nobody was asked for a certificate."""

    roles: frozenset[str]
    in_maintenance: bool = False


#: Without a certificate, in maintenance mode.
ANYBODY = Caller(frozenset({READER}), in_maintenance=True)


def require_role(method: str, caller: Caller) -> None:
    """Raises RpcError PermissionDenied."""
    name = method.rpartition("/")[2]
    if caller.in_maintenance and name == "ApplyConfiguration":
        return
    allowed = {ADMIN}
    if name not in _ADMIN_ONLY:
        allowed |= {OPERATOR} if name != "EtcdSnapshot" else {OPERATOR, BACKUP}
        if name not in _OPERATOR and name != "EtcdSnapshot":
            allowed |= {READER}
        if name in _BACKUP:
            allowed |= {BACKUP}
    if not allowed & caller.roles:
        raise RpcError(PERMISSION_DENIED, "not authorized")
