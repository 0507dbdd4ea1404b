"""Talos Linux as a bootstrap and control plane provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capstan.providers.talos.channel import ChannelFactory
    from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm
    from capstan.runtime.client.protocol import Client
    from capstan.runtime.controller import Controller
    from capstan.runtime.keys import KeySource


def talos_controllers(
    client: Client,
    keys: KeySource,
    channels: ChannelFactory,
    *,
    service_account: ServiceAccountAlgorithm = "contract",
    proxy_url: str = "",
) -> list[Controller[Any, Any]]:
    """The controllers of TalosConfig and TalosControlPlane, for a composition root. `proxy_url` goes
    into kubeconfigs."""
    from capstan.providers.talos.talosconfig.controller import TalosConfigController
    from capstan.providers.talos.taloscontrolplane.controller import TalosControlPlaneController

    return [
        TalosConfigController(client, keys, service_account),
        TalosControlPlaneController(client, keys, channels, proxy_url=proxy_url),
    ]
