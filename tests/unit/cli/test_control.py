"""The socket by which commands reach a running plane."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from capstan.cli.control import Control, ControlError, NotRunningError, Options, Progress, ask
from capstan.store.protocol import StoreError


async def _count(options: Options, progress: Progress) -> Mapping[str, Any]:
    for i in range(3):
        progress(i, 3)
    return {"counted": options["to"]}


async def _fail(options: Options, progress: Progress) -> Mapping[str, Any]:
    raise StoreError("the disk says no")


async def _break(options: Options, progress: Progress) -> Mapping[str, Any]:
    raise RuntimeError("secret detail")


def test_commands_are_answered_at_any_depth_of_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    path = deep / "control.sock"

    async def main() -> None:
        control = Control(path, {"count": _count, "fail": _fail, "break": _break})
        path.write_bytes(b"left by a plane that was killed")
        await control.start()
        assert path.stat().st_mode & 0o777 == 0o600
        shown: list[tuple[int, int]] = []
        request = {"command": "count", "to": 3}
        assert await asyncio.to_thread(ask, path, request, lambda *at: shown.append(at)) == {"counted": 3}
        assert shown == [(0, 3), (1, 3), (2, 3)]
        with pytest.raises(ControlError, match="the disk says no"):
            await asyncio.to_thread(ask, path, {"command": "fail"})
        with pytest.raises(ControlError, match="internal error occurred") as broken:
            await asyncio.to_thread(ask, path, {"command": "break"})
        assert "secret detail" not in str(broken.value)
        for unknown in ({"command": "none"}, {}):
            with pytest.raises(ControlError, match="does not know that command"):
                await asyncio.to_thread(ask, path, unknown)
        await control.stop()
        assert not path.exists()

    asyncio.run(main())


def test_a_socket_that_nobody_listens_on_says_that_no_plane_runs(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with pytest.raises(NotRunningError, match=f"no management plane runs on {tmp_path}"):
        ask(path, {"command": "count"})
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NotRunningError):
        ask(path, {"command": "count"})


def test_noise_is_answered_and_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        control = Control(path, {"count": _count})
        await control.start()
        for noise in (b"\xff\xfe\n", b"[]\n", b"x" * 200_000, b""):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(noise)
            writer.write_eof()
            answer = await reader.read()
            assert answer == b"" or b"does not know that command" in answer
            writer.close()
        assert await asyncio.to_thread(ask, path, {"command": "count", "to": 1}) == {"counted": 1}
        await control.stop()

    asyncio.run(main())
