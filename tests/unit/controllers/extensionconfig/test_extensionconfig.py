"""ExtensionConfig: it says plainly that nothing calls it."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.controllers.world import _CORE, World, condition

from capstan.api.runtime.extensionconfig import ExtensionConfig
from capstan.api.runtime.kinds import EXTENSION_CONFIG
from capstan.controllers.extensionconfig.controller import ExtensionConfigController

_CORE[ExtensionConfig] = EXTENSION_CONFIG.resource()


def test_it_says_that_nothing_calls_it_and_then_nothing_more() -> None:
    world = World()
    world.controllers = [ExtensionConfigController()]
    spec = {"clientConfig": {"url": "https://example.org"}}
    api_version = "runtime.cluster.x-k8s.io/v1beta2"
    world.put({"apiVersion": api_version, "kind": "ExtensionConfig", "metadata": {"name": "ext"}, "spec": spec})
    world.settle()
    found = condition(world.get("ExtensionConfig", "ext"), "Discovered")
    assert (found["status"], found["reason"]) == ("False", "NotDiscovered")
    assert "calls no runtime extensions yet" in found["message"]
    world.now += timedelta(minutes=30)
    assert world.round() == 0
