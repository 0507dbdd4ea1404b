"""The etcd methods of a machine, and Bootstrap (talos.md 4.6, 7.6)."""

from __future__ import annotations

from typing import Any

from capstan.providers.talos.channel import RpcError
from capstan.sim.talos.api.replies import (
    ALREADY_EXISTS,
    INVALID_ARGUMENT,
    NOT_FOUND,
    UNAVAILABLE,
    UNKNOWN,
    failed_precondition,
    reply,
    unimplemented,
)
from capstan.sim.talos.etcd import EtcdCluster, EtcdMember, EtcdRefusal
from capstan.sim.talos.etcdservice import EtcdService
from capstan.sim.talos.machine import Machine


async def bootstrap(machine: Machine, _request: Any) -> Any:
    config = machine.config
    if config is None or not config.is_control_plane:
        raise unimplemented("bootstrap can only be performed on a control plane node")
    if not config.etcd_ca.certificate_pem:
        raise RpcError(INVALID_ARGUMENT, "etcd CA is not configured")
    if not machine.services.is_healthy("cri") or machine.etcd is None:
        raise failed_precondition('service "cri" is not running and healthy')
    if machine.etcd.has_data:
        raise RpcError(ALREADY_EXISTS, "etcd data directory is not empty")
    machine.etcd.bootstrap()
    return reply("Bootstrap")


async def member_list(machine: Machine, request: Any) -> Any:
    cluster, _member = _running(machine)
    if not request.query_local and not cluster.has_quorum:
        raise RpcError(UNAVAILABLE, "etcdserver: no leader")
    members = [
        {
            "id": member.id,
            "hostname": member.name,
            "peer_urls": [f"https://{_bracketed(member.address)}:2380"],
            "client_urls": [f"https://{_bracketed(member.address)}:2379"] if member.name else [],
            "is_learner": member.is_learner,
        }
        for member in cluster.members.values()
    ]
    names = [member.name for member in cluster.members.values()]
    return reply("EtcdMemberList", members=members, legacy_members=names)


async def remove_member(machine: Machine, request: Any) -> Any:
    cluster, _member = _running(machine)
    try:
        removed = cluster.remove(request.member_id)
    except KeyError:
        raise RpcError(NOT_FOUND, "etcdserver: member not found") from None
    except EtcdRefusal as refusal:
        raise RpcError(UNAVAILABLE if refusal.retriable else UNKNOWN, str(refusal)) from None
    machine.environment.trace.add("etcd", f"{machine.label} removes {removed.name or removed.address}")
    if machine.site is not None:
        machine.site.update()
    return reply("EtcdRemoveMemberByID")


async def leave_cluster(machine: Machine, _request: Any) -> Any:
    _running(machine)
    try:
        await _service(machine).leave()
    except EtcdRefusal as refusal:
        raise RpcError(UNKNOWN, str(refusal)) from None
    except TimeoutError:
        raise RpcError(UNKNOWN, "failed to leave cluster: timed out") from None
    return reply("EtcdLeaveCluster")


async def forfeit_leadership(machine: Machine, _request: Any) -> Any:
    cluster, member = _running(machine)
    try:
        heir = cluster.forfeit(member)
    except EtcdRefusal as refusal:
        raise RpcError(UNKNOWN, str(refusal)) from None
    return reply("EtcdForfeitLeadership", member=heir.name if heir else "")


async def status(machine: Machine, _request: Any) -> Any:
    cluster, member = _running(machine)
    leader = cluster.leader
    return reply(
        "EtcdStatus",
        member_status={
            "member_id": member.id,
            "protocol_version": "3.6.4",
            "storage_version": "3.6.0",
            "db_size": 20 << 20,
            "db_size_in_use": 8 << 20,
            "leader": leader.id if leader else 0,
            "raft_term": 2,
            "is_learner": member.is_learner,
            "errors": [] if leader else ["etcdserver: no leader"],
        },
    )


async def alarm_list(machine: Machine, _request: Any) -> Any:
    _running(machine)
    return reply("EtcdAlarmList")


async def alarm_disarm(machine: Machine, _request: Any) -> Any:
    _running(machine)
    return reply("EtcdAlarmDisarm")


async def defragment(machine: Machine, _request: Any) -> Any:
    _running(machine)
    return reply("EtcdDefragment")


def _service(machine: Machine) -> EtcdService:
    if machine.etcd is None:
        raise unimplemented("etcd is only available on control plane nodes")
    return machine.etcd


def _running(machine: Machine) -> tuple[EtcdCluster, EtcdMember]:
    service = _service(machine)
    if service.cluster is None or service.member is None or not service.member.up:
        raise RpcError(UNKNOWN, "failed to create etcd client: etcd is not running")
    return service.cluster, service.member


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
