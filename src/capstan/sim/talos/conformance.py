"""What every channel to a Talos machine must do: a suite as library code, run in memory and over real sockets.

`Subject` says how to reach two control-plane machines that are booted and not bootstrapped, and one worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from capstan.providers.talos.channel import ChannelFactory, ClientCredentials, RpcError
from capstan.providers.talos.rpc import message, method

_M, _STATE = "/machine.MachineService/", "/cosi.resource.State/"


@dataclass(frozen=True, slots=True)
class Subject:
    """Channels, addresses, and credentials by what is right or wrong with them. `settle` waits until what was
    begun has come to rest."""

    channels: ChannelFactory
    first: str
    second: str
    worker: str
    maintenance: str
    nobody: str
    admin: ClientCredentials
    reader: ClientCredentials
    stranger: ClientCredentials
    settle: Callable[[], Awaitable[None]]


async def call(
    subject: Subject,
    name: str,
    address: str = "",
    credentials: ClientCredentials | None = None,
    metadata: Mapping[str, str] | None = None,
    **fields: Any,
) -> Any:
    """One unary call of the machine service, by the admin on the first machine unless told otherwise."""
    channel = await subject.channels.connect(address or subject.first, credentials or subject.admin)
    rpc = method(_M + name)
    request = message(rpc.request)(**fields).SerializeToString()
    try:
        answer = await channel.unary(_M + name, request, metadata=metadata)
    finally:
        await channel.aclose()
    return message(rpc.response).FromString(answer)


async def refusal(subject: Subject, name: str, address: str = "", **arguments: Any) -> tuple[int, str]:
    """Code and text of a call that must fail."""
    try:
        await call(subject, name, address, **arguments)
    except RpcError as error:
        return error.code, error.message
    raise AssertionError(f"{name} was answered, and should have been refused")


async def check_version(subject: Subject) -> None:
    reply = await call(subject, "Version")
    assert reply.messages[0].version.tag.startswith("v1.")
    assert not reply.messages[0].HasField("metadata"), "a local answer has no metadata"


async def check_hostname_of_the_worker(subject: Subject) -> None:
    reply = await call(subject, "Hostname", subject.worker)
    assert reply.messages[0].hostname == "worker-0"


async def check_nobody_is_unavailable(subject: Subject) -> None:
    code, _text = await refusal(subject, "Version", subject.nobody)
    assert code == 14


async def check_strangers_fail_the_handshake(subject: Subject) -> None:
    code, _text = await refusal(subject, "Version", credentials=subject.stranger)
    assert code == 14


async def check_credentials_are_useless_in_maintenance(subject: Subject) -> None:
    code, _text = await refusal(subject, "Version", subject.maintenance)
    assert code == 14


async def check_maintenance_answers_anybody_a_little(subject: Subject) -> None:
    channel = await subject.channels.connect(subject.maintenance, None)
    try:
        await channel.unary("/storage.StorageService/Disks", b"")
        try:
            await channel.unary(_M + "Bootstrap", b"")
        except RpcError as error:
            assert error.code == 12, error
        else:
            raise AssertionError("Bootstrap was answered in maintenance mode")
    finally:
        await channel.aclose()


async def check_readers_may_look_and_not_touch(subject: Subject) -> None:
    await call(subject, "ServiceList", credentials=subject.reader)
    code, text = await refusal(subject, "Bootstrap", credentials=subject.reader)
    assert (code, text) == (7, "not authorized")


async def check_workers_neither_bootstrap_nor_forward(subject: Subject) -> None:
    assert (await refusal(subject, "Bootstrap", subject.worker))[0] == 12
    code, _text = await refusal(subject, "Version", subject.worker, metadata={"node": subject.first})
    assert code == 7


async def check_node_and_nodes_metadata(subject: Subject) -> None:
    forwarded = await call(subject, "Hostname", metadata={"node": subject.second})
    assert forwarded.messages[0].hostname == "cp-1"
    assert not forwarded.messages[0].HasField("metadata")
    spread = await call(subject, "Hostname", metadata={"nodes": f"{subject.second},{subject.nobody}"})
    assert [entry.metadata.hostname for entry in spread.messages] == [subject.second, subject.nobody]
    assert spread.messages[0].hostname == "cp-1"
    assert spread.messages[1].metadata.status.code == 14


async def check_streams(subject: Subject) -> None:
    channel = await subject.channels.connect(subject.first, subject.admin)
    rpc = method(_M + "Events")
    try:
        events = []
        async for part in channel.stream(_M + "Events", message(rpc.request)(tail_events=-1).SerializeToString()):
            events.append(message(rpc.response).FromString(part))
            if len(events) == 3:
                break
        assert events[0].data.type_url == "", "the first event is empty"
        assert events[1].data.type_url.startswith("talos/runtime/machine.")
    finally:
        await channel.aclose()


async def check_unknown_methods(subject: Subject) -> None:
    channel = await subject.channels.connect(subject.first, subject.admin)
    try:
        await channel.unary(_M + "CPUInfo", b"")
    except RpcError as error:
        assert error.code == 12, error
    else:
        raise AssertionError("a method that is not simulated was answered")
    finally:
        await channel.aclose()


async def check_cosi_state(subject: Subject) -> None:
    channel = await subject.channels.connect(subject.first, subject.reader)
    rpc = method(_STATE + "Get")

    async def get(namespace: str, kind: str, name: str) -> Any:
        request = message(rpc.request)(namespace=namespace, type=kind, id=name)
        return message(rpc.response).FromString(await channel.unary(rpc.path, request.SerializeToString())).resource

    try:
        found = await get("runtime", "MachineStatuses.runtime.talos.dev", "machine")
        assert "stage: booting" in found.spec.yaml_spec, "a control plane without etcd is not running"
        assert "etcd not running" in found.spec.yaml_spec
        for kind, name, code in (("config.talos.dev", "v1alpha1", 7), ("runtime.talos.dev", "nothing", 5)):
            long = {"config.talos.dev": "MachineConfigs.", "runtime.talos.dev": "MachineStatuses."}[kind] + kind
            try:
                await get("config" if code == 7 else "runtime", long, name)
            except RpcError as error:
                assert error.code == code
            else:
                raise AssertionError(f"{long} {name} was given to a reader")
    finally:
        await channel.aclose()


async def check_bootstrap_once(subject: Subject) -> None:
    code, _text = await refusal(subject, "EtcdMemberList")
    assert code == 2, "etcd is not running before Bootstrap"
    await call(subject, "Bootstrap")
    code, _text = await refusal(subject, "Bootstrap")
    assert code == 6
    await subject.settle()
    members = (await call(subject, "EtcdMemberList")).messages[0].members
    assert sorted(member.hostname for member in members) == ["cp-0", "cp-1"]
    assert not any(member.is_learner for member in members)
    assert (await refusal(subject, "Bootstrap", subject.second))[0] == 6


async def check_etcd_is_left_and_members_removed(subject: Subject) -> None:
    assert (await refusal(subject, "EtcdRemoveMemberByID", member_id=1))[0] == 5
    await call(subject, "EtcdForfeitLeadership", subject.first)
    await call(subject, "EtcdLeaveCluster", subject.second)
    members = (await call(subject, "EtcdMemberList")).messages[0].members
    assert [member.hostname for member in members] == ["cp-0"]
    assert (await refusal(subject, "EtcdMemberList", subject.second))[0] == 2
    code, _text = await refusal(subject, "EtcdLeaveCluster", subject.first)
    assert code == 2, "the only member cannot leave"


async def check_a_bad_configuration_is_refused(subject: Subject) -> None:
    code, text = await refusal(subject, "ApplyConfiguration", data=b"machine: {typo: 1}", mode=1)
    assert code == 3
    assert "typo" in text


#: In this order: later checks build on what earlier ones did.
CHECKS: tuple[Callable[[Subject], Awaitable[None]], ...] = (
    check_version,
    check_hostname_of_the_worker,
    check_nobody_is_unavailable,
    check_strangers_fail_the_handshake,
    check_credentials_are_useless_in_maintenance,
    check_maintenance_answers_anybody_a_little,
    check_readers_may_look_and_not_touch,
    check_workers_neither_bootstrap_nor_forward,
    check_node_and_nodes_metadata,
    check_streams,
    check_unknown_methods,
    check_cosi_state,
    check_bootstrap_once,
    check_etcd_is_left_and_members_removed,
    check_a_bad_configuration_is_refused,
)


async def run_all(subject: Subject) -> list[str]:
    """Every check in order; gives the names of those that passed. Raises at the first that fails."""
    passed = []
    for check in CHECKS:
        await check(subject)
        passed.append(check.__name__)
    return passed
