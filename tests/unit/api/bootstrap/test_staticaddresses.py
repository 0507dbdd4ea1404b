"""Which addresses a TalosConfig gives by itself, however it says so."""

from __future__ import annotations

import pytest

from capstan.api.bootstrap.staticaddresses import ANY, StaticAddresses, by_static_address, static_addresses
from capstan.api.bootstrap.talosconfig import ConfigPatch, TalosConfig, TalosConfigSpec

DEVICES = """\
machine:
  network:
    interfaces:
      - interface: eth0
        addresses: [10.0.0.5/24, "fd00::05/64", 127.0.0.1/8, 169.254.1.1/16, not-an-address]
        vip: {ip: 10.0.0.1}
        vlans:
          - {vlanId: 7, addresses: [10.7.0.5/24], vip: {ip: 10.7.0.1}}
      - {deviceSelector: {physical: true}, cidr: 10.8.0.5/24}
"""
LINKS = """\
apiVersion: v1alpha1
kind: LinkConfig
name: eth0
addresses: [{address: 10.0.0.6/24}]
---
apiVersion: v1alpha1
kind: Layer2VIPConfig
name: 10.0.0.1
link: eth0
"""
OPERATIONS = """\
- {op: add, path: /machine/network/interfaces/-, value: {interface: eth1, addresses: [10.0.0.7/24]}}
- {op: remove, path: /machine/network/interfaces/0/addresses/0}
"""


def config(**spec: object) -> TalosConfig:
    return TalosConfig(spec=TalosConfigSpec(**spec))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "own", "shared"),
    [
        ({}, (), ()),
        ({"strategic_patches": (DEVICES,)}, ("10.0.0.5", "fd00::5", "10.7.0.5", "10.8.0.5"), ("10.0.0.1", "10.7.0.1")),
        ({"data": LINKS}, ("10.0.0.6",), ("10.0.0.1",)),
        ({"strategic_patches": (OPERATIONS,)}, ("10.0.0.7",), ()),
        (
            {
                "config_patches": (
                    ConfigPatch(op="replace", path="/machine/network/interfaces/0/vip/ip", value="10.0.0.1"),
                )
            },
            (),
            ("10.0.0.1",),
        ),
        (
            {"config_patches": (ConfigPatch(op="test", path="/machine/network/interfaces/0/cidr", value="10.0.0.1"),)},
            (),
            (),
        ),
        ({"strategic_patches": ("addresses: [",), "data": "- addresses\n- {op: add}\n"}, (), ()),
        ({"data": "machine: {network: {interfaces: {addresses: [10.0.0.9/24]}}}"}, (), ()),
    ],
)
def test_found_wherever_they_are_stated(
    given: dict[str, object], own: tuple[str, ...], shared: tuple[str, ...]
) -> None:
    assert static_addresses(config(**given)) == StaticAddresses(own, shared)


def test_indexed_by_each_and_by_having_one() -> None:
    assert list(by_static_address(config(data=LINKS))) == ["10.0.0.6", "10.0.0.1", ANY]
    assert list(by_static_address(config(data="machine: {}"))) == []
