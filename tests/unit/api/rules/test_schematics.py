"""Ids of schematics are the factory's; URLs name what it serves."""

from __future__ import annotations

import pytest

from capstan.api.errors import TerminalError
from capstan.api.rules.schematics import PLAIN_SCHEMATIC, FactoryImage, schematic_id, schematic_text

AGENT = "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515"


def test_ids_are_the_factory_s() -> None:
    assert schematic_id() == PLAIN_SCHEMATIC
    assert schematic_id(["siderolabs/qemu-guest-agent"]) == AGENT


def test_the_order_of_extensions_makes_no_other_schematic() -> None:
    one = schematic_text(["siderolabs/b", "siderolabs/a"], ["console=ttyS0"])
    assert one == schematic_text(["siderolabs/a", "siderolabs/b"], ["console=ttyS0"])
    assert one.index("extraKernelArgs") < one.index("siderolabs/a") < one.index("siderolabs/b")


def test_urls() -> None:
    image = FactoryImage(version="1.11.6", schematic=AGENT, secure_boot=True)
    assert image.url == f"https://factory.talos.dev/image/{AGENT}/v1.11.6/nocloud-amd64-secureboot.qcow2"
    assert FactoryImage(version="v1.11.6", factory="http://factory.test:8080/").url.startswith(
        f"http://factory.test:8080/image/{PLAIN_SCHEMATIC}/"
    )
    assert FactoryImage(version="v1.11.6").installer == (
        f"factory.talos.dev/nocloud-installer/{PLAIN_SCHEMATIC}:v1.11.6"
    )


def test_what_cannot_be_right_is_refused() -> None:
    with pytest.raises(TerminalError, match="Talos version"):
        FactoryImage(version="latest").url  # noqa: B018
    with pytest.raises(TerminalError, match="schematic"):
        FactoryImage(version="v1.11.6", schematic="nope").url  # noqa: B018
