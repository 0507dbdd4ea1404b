"""etcd's membership rules: quorum, one learner at a time, and what is refused."""

from __future__ import annotations

import pytest

from capstan.sim.talos.etcd import EtcdCluster, EtcdMember, EtcdRefusal
from capstan.sim.workload.cluster import WorkloadCluster


def _cluster(*up: bool) -> EtcdCluster:
    def no_kubernetes() -> None:
        raise AssertionError("etcd alone needs no Kubernetes")

    cluster = EtcdCluster(1, WorkloadCluster("lab", no_kubernetes))  # type: ignore[arg-type]
    for number, is_up in enumerate(up, 1):
        cluster.members[number] = EtcdMember(number, f"10.0.0.{number}", f"cp-{number}", up=is_up)
    return cluster


@pytest.mark.parametrize(
    ("up", "quorum"),
    [
        ((True,), True),
        ((False,), False),
        ((True, False), False),
        ((True, True, False), True),
        ((True, False, False), False),
        ((True, True, True, False, False), True),
    ],
)
def test_quorum_is_more_than_half(up: tuple[bool, ...], quorum: bool) -> None:
    cluster = _cluster(*up)
    assert cluster.has_quorum is quorum
    assert (cluster.leader is not None) is quorum


def test_learners_do_not_count() -> None:
    cluster = _cluster(True)
    cluster.add_learner(EtcdMember(9, "10.0.0.9"))
    assert cluster.has_quorum
    assert not cluster.can_add_learner()
    cluster.promote(cluster.members[9])
    assert not cluster.has_quorum


def test_a_dead_member_can_be_removed_while_there_is_quorum() -> None:
    cluster = _cluster(True, True, False)
    assert cluster.remove(3).name == "cp-3"
    assert sorted(cluster.members) == [1, 2]


@pytest.mark.parametrize(
    ("up", "victim", "text"),
    [
        ((True,), 1, "not enough started"),
        ((True, False), 2, "timed out"),
        ((True, True, False), 1, "unhealthy cluster"),
    ],
)
def test_removals_that_would_lose_quorum_are_refused(up: tuple[bool, ...], victim: int, text: str) -> None:
    cluster = _cluster(*up)
    with pytest.raises(EtcdRefusal, match=text):
        cluster.remove(victim)
    assert len(cluster.members) == len(up)


def test_unknown_members() -> None:
    with pytest.raises(KeyError):
        _cluster(True).remove(7)


def test_leadership_moves_on_request_and_on_failure() -> None:
    cluster = _cluster(True, True, True)
    first = cluster.leader
    assert first is cluster.members[1]
    assert cluster.forfeit(cluster.members[2]) is None
    assert cluster.forfeit(cluster.members[1]) is cluster.members[2]
    cluster.members[2].up = False
    assert cluster.leader is cluster.members[1]
    alone = _cluster(True)
    with pytest.raises(EtcdRefusal, match="only one member"):
        alone.forfeit(alone.members[1])
