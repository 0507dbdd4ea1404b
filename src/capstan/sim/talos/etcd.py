"""One etcd cluster of simulated machines: members, quorum, leader, and what it refuses (talos.md 7.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from capstan.sim.workload.cluster import WorkloadCluster


class EtcdRefusal(Exception):
    """etcd's answer to a change of membership that it will not make. `retriable`: it may, once it is healthy."""

    def __init__(self, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.retriable = retriable


@dataclass(slots=True, eq=False)
class EtcdMember:
    """`name` is empty until its process has started; `up` says whether it runs now."""

    id: int
    address: str
    name: str = ""
    is_learner: bool = False
    up: bool = False


@dataclass(slots=True, eq=False)
class EtcdCluster:
    """Members by id. The Kubernetes of this etcd lives and dies with its data: `workload`."""

    id: int
    workload: WorkloadCluster
    members: dict[int, EtcdMember] = field(default_factory=dict)
    _leader: int = 0

    @property
    def voters(self) -> list[EtcdMember]:
        return [member for member in self.members.values() if not member.is_learner]

    @property
    def has_quorum(self) -> bool:
        voters = self.voters
        return sum(1 for voter in voters if voter.up) > len(voters) // 2

    @property
    def leader(self) -> EtcdMember | None:
        """Stays with its member while that is up; then the first that can."""
        if not self.has_quorum:
            return None
        current = self.members.get(self._leader)
        if current is None or not current.up or current.is_learner:
            current = next(voter for voter in self.voters if voter.up)
            self._leader = current.id
        return current

    def forfeit(self, member: EtcdMember) -> EtcdMember | None:
        """Move leadership away from a member; None when it does not lead."""
        if self.leader is not member:
            return None
        heir = next((voter for voter in self.voters if voter is not member and voter.up), None)
        if heir is None:
            raise EtcdRefusal("cannot forfeit leadership, only one member")
        self._leader = heir.id
        return heir

    def can_add_learner(self) -> bool:
        """etcd allows one learner at a time."""
        return self.has_quorum and not any(member.is_learner for member in self.members.values())

    def add_learner(self, member: EtcdMember) -> None:
        member.is_learner = True
        self.members[member.id] = member

    def promote(self, member: EtcdMember) -> None:
        member.is_learner = False

    def remove(self, member_id: int) -> EtcdMember:
        """Take a member out. etcd's strict-reconfig-check: never without quorum, never so that it would be lost,
        never the only one. Raises KeyError for an unknown id."""
        member = self.members[member_id]
        if not self.has_quorum:
            raise EtcdRefusal("etcdserver: request timed out", retriable=True)
        if not member.is_learner:
            rest = [voter for voter in self.voters if voter is not member]
            started = sum(1 for voter in rest if voter.name)
            if started < len(rest) // 2 + 1:
                raise EtcdRefusal("etcdserver: re-configuration failed due to not enough started members")
            running = sum(1 for voter in rest if voter.up)
            if member.up and running < len(rest) // 2 + 1:
                raise EtcdRefusal("etcdserver: unhealthy cluster", retriable=True)
        del self.members[member_id]
        member.up = False
        return member
