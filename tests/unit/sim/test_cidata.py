"""What a guest reads from its drive: ISO images of the provider's writer, NoCloud files, both network versions."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.providers.proxmox.iso9660 import write_iso
from capstan.sim.cidata import find_cidata, parse_network_config
from capstan.sim.iso9660 import NotAnIso, read_iso

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=5000), max_size=8))
def test_reads_what_the_provider_writes(files: dict[str, bytes]) -> None:
    image = read_iso(write_iso(files, "cidata"))
    assert image.label.lower() == "cidata"
    assert image.files == files


@pytest.mark.parametrize("content", [b"", b"\0" * 100_000, write_iso({"a": b"x" * 9000})[:40_000]])
def test_refuses_what_is_no_iso(content: bytes) -> None:
    with pytest.raises(NotAnIso):
        read_iso(content)


def test_finds_the_labelled_drive() -> None:
    other = write_iso({"user-data": b"wrong"}, "tools")
    own = write_iso({"user-data": gzip.compress(b"right"), "meta-data": b"local-hostname: web-1\n"})
    found = find_cidata([b"no iso at all", other, own])
    assert found is not None
    assert (found.user_data, found.hostname) == (b"right", "web-1")
    assert find_cidata([other]) is None


def test_network_config_version_2() -> None:
    text = b"""
network:
  version: 2
  ethernets:
    eth0:
      match: {macaddress: "BC:24:11:00:00:01"}
      dhcp4: 'no'
      addresses: [192.168.0.20/24, "2001:db8::20/64"]
      routes: [{to: default, via: 192.168.0.1}]
      nameservers: {addresses: [1.1.1.1]}
    eth1: {dhcp4: true}
"""
    first, second = parse_network_config(text)
    assert (first.mac, first.dhcp4) == ("bc:24:11:00:00:01", False)
    assert first.addresses == ("192.168.0.20/24", "2001:db8::20/64")
    assert (first.gateways, first.nameservers) == (("192.168.0.1",), ("1.1.1.1",))
    assert (second.name, second.dhcp4) == ("eth1", True)


def test_network_config_version_1() -> None:
    text = b"""
version: 1
config:
  - type: physical
    name: eth0
    mac_address: bc:24:11:00:00:01
    subnets: [{type: static, address: 10.0.0.5, netmask: 255.255.255.0, gateway: 10.0.0.1}]
"""
    (link,) = parse_network_config(text)
    assert (link.addresses, link.gateways) == (("10.0.0.5/24",), ("10.0.0.1",))


def test_a_bad_network_config_is_told_and_does_not_stop_the_boot() -> None:
    found = find_cidata([write_iso({"user-data": b"x: 1", "network-config": b"version: 9"})])
    assert found is not None
    assert found.links == ()
    assert "version=9 is not supported" in found.network_error
