"""Asks the machines of a control plane how they are. What cannot be asked is a value: the problem, in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from capstan.api.objects import Key
from capstan.providers.talos.channel import ClientCredentials, RpcError
from capstan.providers.talos.client import TalosClient, TalosClients
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.yamltext import load_document
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, TalosView

#: For all questions to one machine together.
LOOK_SECONDS = 5.0


async def look_at_machines(
    clients: TalosClients,
    cluster: Key,
    credentials: ClientCredentials | None,
    machines: tuple[ControlPlaneMachine, ...],
    *,
    bootstrapped: bool,
) -> tuple[ControlPlaneMachine, ...]:
    """The machines with their views; all are asked at once. Whether there is etcd data is asked only while etcd is
    not known to be bootstrapped."""
    if credentials is None:
        return tuple(replace(m, talos=TalosView(problem="there is no talosconfig yet")) for m in machines)
    views = await asyncio.gather(
        *(_look(clients, cluster, credentials, machine, bootstrapped=bootstrapped) for machine in machines)
    )
    return tuple(replace(machine, talos=view) for machine, view in zip(machines, views, strict=True))


async def _look(
    clients: TalosClients,
    cluster: Key,
    credentials: ClientCredentials,
    machine: ControlPlaneMachine,
    *,
    bootstrapped: bool,
) -> TalosView:
    if not machine.address:
        return TalosView(problem="it has no address yet")
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            client = await clients.client(cluster, machine.address, credentials)
            services = await client.services()
            if not bootstrapped:
                return TalosView(services=services, etcd_data=await client.has_etcd_data())
            return await _look_at_etcd(client, TalosView(services=services))
    except RpcError as error:
        return TalosView(problem=error.message)
    except TimeoutError:
        return TalosView(problem=f"no answer within {LOOK_SECONDS:g} s")


async def _look_at_etcd(client: TalosClient, view: TalosView) -> TalosView:
    """Members and the machine's own one. Etcd that does not answer is not a Talos that does not answer."""
    if not view.etcd_healthy:
        return replace(view, etcd_problem="etcd is not healthy")
    try:
        status = await client.etcd_status()
        members = await client.etcd_members()
        alarms = await client.etcd_alarms()
    except RpcError as error:
        return replace(view, etcd_problem=error.message)
    leads, pods = status.leader != 0, await _static_pods(client)
    return replace(
        view, members=members, own_member_id=status.member_id, has_leader=leads, alarms=alarms, static_pods=pods
    )


async def _static_pods(client: TalosClient) -> str:
    """What is wrong with kube-apiserver and the like, in Talos' words (talos.md 7.1); empty where it does not say."""
    try:
        found = await client.get_resource("runtime", "MachineStatuses.runtime.talos.dev", "machine")
        unmet = (load_document(found.spec_yaml.encode()).get("status") or {}).get("unmetConditions") or ()
        return ", ".join(str(condition["reason"]) for condition in unmet if condition["name"] == "staticPods")
    except (RpcError, ConfigError, KeyError, TypeError, AttributeError):
        return ""
