"""Addresses and their holders."""

from __future__ import annotations

from capstan.sim.faults import Fault, Faults
from capstan.sim.network import Network


class Station:
    def __init__(self, label: str) -> None:
        self.label = label

    def service(self, port: int) -> str | None:
        return f"{self.label}:{port}" if port == 6443 else None


def test_an_address_answers_for_its_first_holder() -> None:
    network = Network()
    first, second = Station("a"), Station("b")
    assert network.attach("192.168.0.20/24", first)
    assert not network.attach("192.168.0.20", second)
    assert network.service("192.168.0.20", 6443) == "a:6443"
    network.detach("192.168.0.20", first)
    assert network.service("192.168.0.20", 6443) == "b:6443"
    network.detach("192.168.0.20", second)
    assert network.service("192.168.0.20", 6443) is None
    assert network.addresses() == []


def test_spellings_of_one_ipv6_address_are_one() -> None:
    network = Network()
    network.attach("2001:0db8::0020", Station("six"))
    assert network.service("[2001:db8::20]", 6443) == "six:6443"


def test_leases_stay_with_their_card() -> None:
    network = Network("10.1.0.0/24")
    first = network.lease("aa")
    assert first == "10.1.0.2/24"
    assert network.lease("bb") == "10.1.0.3/24"
    assert network.lease("aa") == first


def test_faults_strike_the_operations_that_they_name() -> None:
    faults = Faults([Fault("proxmox", "POST */clone", after=1, times=2, code=500)])
    struck = [faults.strike("proxmox", f"POST /nodes/pve{n}/qemu/9000/clone") is not None for n in range(4)]
    assert struck == [False, True, True, False]
    assert faults.strike("talos", "POST /nodes/pve1/qemu/9000/clone") is None
    faults.add(Fault("talos", "*"))
    faults.clear("talos")
    assert faults.strike("talos", "anything") is None
