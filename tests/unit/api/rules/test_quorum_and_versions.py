"""etcd's majority, and which versions go together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.rules.quorum import Member, has_quorum, is_removable, majority, removable, tolerated_losses
from capstan.api.rules.versions import kubelet_problem, parse_minor, talos_problem, upgrade_problem

MEMBERS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=7).map(
    lambda found: [Member(n, healthy, learner) for n, (healthy, learner) in enumerate(found)]
)


@given(MEMBERS)
def test_what_may_be_removed_leaves_a_majority(members: list[Member]) -> None:
    for member_id in removable(members, {m.id for m in members}):
        assert has_quorum(members)
        assert has_quorum([m for m in members if m.id != member_id])


@given(MEMBERS)
def test_the_last_voter_stays(members: list[Member]) -> None:
    voters = [m for m in members if not m.learner]
    if len(voters) == 1:
        assert not is_removable(members, voters[0].id)
    assert is_removable(members, 99), "one that is not there has been removed already"


@pytest.mark.parametrize(("voters", "needed", "losses"), [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2)])
def test_majorities(voters: int, needed: int, losses: int) -> None:
    assert (majority(voters), tolerated_losses(voters)) == (needed, losses)


def test_an_unhealthy_member_goes_first_and_a_healthy_one_not_at_all_when_it_is_needed() -> None:
    members = [Member(1, True), Member(2, True), Member(3, False)]
    assert removable(members, {1, 2, 3}) == (3,)


def test_versions() -> None:
    assert parse_minor("v1.33.4") == (1, 33)
    assert parse_minor("v1.13.0-rc.1") == (1, 13)
    assert parse_minor("latest") is None
    assert talos_problem("v1.11.6", "v1.33.4") == ""
    assert "1.29 to 1.34" in talos_problem("v1.11.6", "v1.35.0")
    assert talos_problem("v9.9", "v1.35.0") == ""
    assert kubelet_problem("v1.33.0", "v1.33.4") == ""
    assert "newer" in kubelet_problem("v1.34.0", "v1.33.4")
    assert "more than 3" in kubelet_problem("v1.29.0", "v1.33.4")
    assert upgrade_problem("v1.33.0", "v1.34.1") == ""
    assert "1.34 first" in upgrade_problem("v1.33.0", "v1.35.0")
    assert "back" in upgrade_problem("v1.34.0", "v1.33.0")
