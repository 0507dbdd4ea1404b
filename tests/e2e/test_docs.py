"""The pages that say that they are tested: every command on them, in order, as a reader would type it.

A page with the comment `<!-- tested -->` is run from its first `sh` block to its last. Blocks share one shell's
variables. `sh skip` is not run; `sh background="TEXT"` is a terminal of its own, ready when it prints TEXT.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if page.read_text().startswith("<!-- tested -->\n")
]
BLOCK_SECONDS = 240.0

#: What differs from what is written: free ports, so that tests run side by side, and no waiting for big keys or for
#: simulated machines to boot.
INSTEAD = {
    "capstan lab up": "capstan lab up --pve-port 0 --proxy-port 0 --instant",
    "capstan up": "capstan up --port 0 --service-account-key ecdsa-p256",
}

_BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_BACKGROUND = re.compile(r'background="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """Commands of one block. `ready` is what a terminal of its own prints when it is ready."""

    commands: str
    ready: str = ""


def blocks(text: str) -> Iterator[Block]:
    for words, commands in _BLOCK.findall(text):
        if words.strip() == "skip":
            continue
        for written, run in INSTEAD.items():
            commands = re.sub(rf"^{written}\b", run, commands, flags=re.MULTILINE)
        background = _BACKGROUND.search(words)
        yield Block(commands, background[1] if background else "")


@dataclass
class Terminal:
    """A command that goes on while the page is read."""

    process: subprocess.Popen[str]
    ready: str
    lines: list[str] = field(default_factory=list)
    settled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as printed:
            for line in printed:
                self.lines.append(line)
                if self.ready in line:
                    self.settled.set()
        self.settled.set()

    def wait(self) -> None:
        """Until it is ready."""
        assert self.settled.wait(60), f"it never said {self.ready!r}:\n{self.output}"
        assert self.ready in self.output, f"it ended:\n{self.output}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def end(self) -> int:
        """Ends it as Ctrl-C would, unless it has ended; gives its exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        status = self.process.wait(30)
        self.reading.join(10)
        return status


class Reader:
    """Types what a page says, in a home and a directory of its own."""

    def __init__(self, place: Path) -> None:
        self._home = place / "home"
        self._work = place / "work"
        self._saved = place / "variables.sh"
        self._home.mkdir()
        self._work.mkdir()
        (self._work / "examples").symlink_to(ROOT / "examples")
        self._saved.write_text("")
        self._environment = {
            "HOME": str(self._home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
        }

    def run(self, commands: str) -> None:
        """Run a block with the variables that the blocks before it left."""
        script = f". '{self._saved}'\nset -e\n{commands}\nexport -p > '{self._saved}'\n"
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self._work,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=BLOCK_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n--- it said:\n{done.stdout}{done.stderr}"

    def open(self, block: Block) -> Terminal:
        """Start a terminal of its own."""
        process = subprocess.Popen(
            ["sh", "-e", "-c", block.commands],
            cwd=self._work,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Terminal(process, block.ready)


def test_there_are_tested_pages() -> None:
    assert {"README.md", "tutorial.md"} <= {page.name for page in PAGES}


def test_a_command_that_fails_fails_the_page(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.run("colour=green\nexport colour\n")
    reader.run('test "$colour" = green\n')
    with pytest.raises(AssertionError, match="no such thing"):
        reader.run("echo no such thing\nfalse\ntrue\n")


def test_blocks_of_a_page() -> None:
    text = '```sh skip\na\n```\n```text\nb\n```\n```sh\ncapstan up\nc\n```\n```sh background="is up"\nd\n```\n'
    assert list(blocks(text)) == [Block(f"{INSTEAD['capstan up']}\nc\n"), Block("d\n", "is up")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    terminals: list[Terminal] = []
    with ExitStack() as ending:
        for block in blocks(page.read_text()):
            if block.ready:
                terminals.append(reader.open(block))
                ending.callback(terminals[-1].end)
                terminals[-1].wait()
            else:
                try:
                    reader.run(block.commands)
                except AssertionError as error:
                    said = "\n".join(f"--- {t.process.args!s}:\n{t.output[-3000:]}" for t in terminals)
                    raise AssertionError(f"{error}\n{said}") from None
    assert {t.end() for t in terminals} <= {0, -signal.SIGTERM}, [t.output[-2000:] for t in terminals]
