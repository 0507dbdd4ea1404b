"""Who may do what: API tokens, and privileges on paths that pass down to what lies below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from capstan.sim.proxmox.errors import PveError, denied

_VM_CONFIG = tuple(
    f"VM.Config.{part}" for part in ("Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit")
)
#: What the built-in role Administrator holds of what the simulated calls ask for.
ADMINISTRATOR = frozenset(
    (
        *_VM_CONFIG,
        *("VM.Allocate", "VM.Audit", "VM.Clone", "VM.PowerMgmt", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"),
        *("Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit"),
        *("Sys.Audit", "Sys.Modify", "Sys.AccessNetwork", "SDN.Use", "SDN.Audit", "Pool.Allocate", "Pool.Audit"),
    )
)


@dataclass(slots=True)
class Token:
    """`user@realm!name` and its secret. `grants` are privileges by path, with propagation."""

    id: str
    secret: str = field(repr=False)
    grants: dict[str, frozenset[str]] = field(default_factory=lambda: {"/": ADMINISTRATOR})

    def privileges(self, path: str) -> frozenset[str]:
        """The most specific grant on the way down to `path` decides."""
        while path not in self.grants and path != "/":
            path = path.rpartition("/")[0] or "/"
        return self.grants.get(path, frozenset())

    def require(self, path: str, *any_of: str) -> None:
        """Raises 403 unless one of the privileges holds on the path."""
        held = self.privileges(path)
        if not any(privilege in held for privilege in any_of):
            raise denied(path, "|".join(any_of))

    def has(self, path: str, *any_of: str) -> bool:
        held = self.privileges(path)
        return any(privilege in held for privilege in any_of)


class Tokens:
    """The tokens that a cluster knows."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = {token.id: token for token in tokens}

    def authenticate(self, token_id: str, secret: str) -> Token:
        token = self._tokens.get(token_id)
        if token is None:
            user = token_id.partition("!")[0]
            raise PveError(401, f"no such user ('{user}')" if user else "No ticket")
        if token.secret != secret:
            raise PveError(401, "invalid token value!")
        return token

    def add(self, token: Token) -> None:
        self._tokens[token.id] = token

    def get(self, token_id: str) -> Token:
        return self._tokens[token_id]
