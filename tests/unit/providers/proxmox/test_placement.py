"""Where a VM goes, and why every other node was refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.providers.proxmox.proxmoxmachine.placement import (
    MIB,
    Choice,
    HostNode,
    Refusal,
    Request,
    Site,
    Template,
    match_templates,
    place,
)

GIB = 1024 * MIB
TEMPLATE = Template(9000, "a", memory_mib=2048, cores=2, storage="shared")


def _node(name: str, **changes: object) -> HostNode:
    return replace(HostNode(name, memory_bytes=16 * GIB, cores=8), **changes)  # type: ignore[arg-type]


def _site(*nodes: HostNode, request: Request | None = None, templates: tuple[Template, ...] = (TEMPLATE,)) -> Site:
    names = tuple(node.name for node in nodes)
    wanted = request or Request(memory_mib=4096, cores=2, allowed_nodes=names)
    return Site(wanted, templates, {node.name: node for node in nodes}, vmid=100)


@pytest.mark.parametrize(
    ("nodes", "chosen"),
    [
        ((_node("a"), _node("b")), "a"),
        ((_node("a", same_role=1), _node("b")), "b"),
        ((_node("a", promised_bytes=GIB), _node("b")), "b"),
        ((_node("a", promised_bytes=13 * GIB), _node("b", promised_bytes=8 * GIB, same_role=5)), "b"),
        ((_node("a", online=False), _node("b")), "b"),
        ((_node("a", promised_cores=4), _node("b")), "b"),
        ((_node("a", cores=1), _node("b")), "b"),
    ],
)
def test_the_best_node(nodes: tuple[HostNode, ...], chosen: str) -> None:
    site = _site(*nodes, templates=tuple(replace(TEMPLATE, node=n.name) for n in nodes))
    choice = place(site)
    assert isinstance(choice, Choice)
    assert choice.node == choice.template.node == chosen


def test_without_allowed_nodes_it_stays_beside_its_template_and_nothing_is_counted() -> None:
    site = _site(_node("a", promised_bytes=99 * GIB), request=Request(memory_mib=4096))
    choice = place(site)
    assert isinstance(choice, Choice)
    assert choice == Choice("a", TEMPLATE, 4096, 2)
    refused = place(_site(_node("a", online=False), request=Request()))
    assert isinstance(refused, Refusal)
    assert refused.reason == "NodeOffline"


def test_the_adjustment_stretches_memory_and_zero_switches_the_check_off() -> None:
    full = _node("a", promised_bytes=16 * GIB)
    for percent, fits in ((100, False), (120, False), (125, True), (0, True)):
        request = Request(memory_mib=4096, cores=2, allowed_nodes=("a",), memory_percent=percent)
        assert isinstance(place(_site(full, request=request)), Choice) is fits


def test_memory_of_the_template_counts_when_the_machine_names_none() -> None:
    request = Request(allowed_nodes=("a",))
    assert isinstance(place(_site(_node("a", memory_bytes=2 * GIB), request=request)), Choice)
    assert isinstance(place(_site(_node("a", memory_bytes=2 * GIB - 1), request=request)), Refusal)


def test_a_template_on_local_storage_stays_on_its_node() -> None:
    local = replace(TEMPLATE, local_storage="local-lvm")
    refused = place(_site(_node("a", promised_bytes=16 * GIB), _node("b"), templates=(local,)))
    assert isinstance(refused, Refusal)
    assert "b: template 9000 is on a, in its local storage local-lvm" in refused.message
    assert "a: 0 MiB of memory left" in refused.message
    both = (local, replace(local, vmid=9001, node="b"))
    choice = place(_site(_node("a", promised_bytes=16 * GIB), _node("b"), templates=both))
    assert isinstance(choice, Choice)
    assert choice.template.vmid == 9001


def test_a_node_whose_memory_cannot_be_seen_says_what_to_grant() -> None:
    refused = place(_site(_node("a", memory_bytes=0)))
    assert isinstance(refused, Refusal)
    assert "a: its memory cannot be seen: grant the token Sys.Audit on /nodes" in refused.message


nodes = st.builds(
    HostNode,
    name=st.sampled_from(["a", "b", "c", "d"]),
    online=st.booleans(),
    memory_bytes=st.integers(0, 32).map(lambda n: n * GIB),
    cores=st.integers(1, 16),
    promised_bytes=st.integers(0, 32).map(lambda n: n * GIB),
    promised_cores=st.integers(0, 32),
    same_role=st.integers(0, 3),
)


@given(st.lists(nodes, unique_by=lambda n: n.name, max_size=4), st.integers(0, 200), st.integers(1, 16))
def test_a_choice_always_fits_and_a_refusal_names_every_node(found: list[HostNode], percent: int, cores: int) -> None:
    request = Request(4096, cores, ("a", "b", "c", "d"), percent)
    site = Site(request, (TEMPLATE,), {node.name: node for node in found}, vmid=100)
    verdict = place(site)
    assert verdict == place(site)
    if isinstance(verdict, Refusal):
        assert all(f"{name}: " in verdict.message for name in "abcd")
        return
    node = site.nodes[verdict.node]
    assert node.online
    assert node.cores >= cores
    assert not percent or node.memory_bytes * percent // 100 - node.promised_bytes >= 4096 * MIB


ROWS = (
    (9000, "a", frozenset({"talos", "v1"})),
    (9001, "b", frozenset({"talos", "v1"})),
    (9002, "a", frozenset({"talos", "v1", "gpu"})),
)


@pytest.mark.parametrize(
    ("wanted", "policy", "found"),
    [
        ({"talos", "v1"}, "exact", ((9000, "a"), (9001, "b"))),
        ({"talos", "v1"}, "", ((9000, "a"), (9001, "b"))),
        ({"talos", "v1"}, "bestSubset", ((9000, "a"), (9001, "b"))),
        ({"gpu"}, "uniqueSubset", ((9002, "a"),)),
        ({"gpu"}, "exact", "no template has the tags gpu"),
        ({"talos"}, "uniqueSubset", "several templates of one node"),
    ],
)
def test_templates_by_tags(wanted: set[str], policy: str, found: object) -> None:
    matched = match_templates(frozenset(wanted), policy, ROWS)
    if isinstance(found, str):
        assert isinstance(matched, str)
        assert found in matched
    else:
        assert matched == found
