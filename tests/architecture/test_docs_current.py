"""The documentation is what the code says: generated parts are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from docs import build
from docs.generators.conditions import all_reasons

from capstan.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_BLOCK = re.compile(r"^```sh[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PYTHON = re.compile(r"^```python\n(from capstan.*?)^```", re.DOTALL | re.MULTILINE)
_REASON_CELL = re.compile(r"^\| ((?:`[A-Za-z]+`(?:, )?)+) \|", re.MULTILINE)


def test_generated_files_are_current() -> None:
    assert build.stale() == [], "run: make docs"


def test_marked_parts_are_known() -> None:
    marks = [name for page in PAGES for name in re.findall(r"<!-- generated: ([^>]+?) -->", page.read_text())]
    assert set(marks) == set(build.PARTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def commands(text: str) -> Iterator[list[str]]:
    """The `capstan` commands in the sh blocks of a page, as words."""
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.startswith("capstan "):
                continue
            words = shlex.split(line.partition(" | ")[0].partition(" > ")[0], comments=True)
            if words[:1] == ["capstan"]:
                yield words[1:]


def parse(words: list[str]) -> None:
    """Raises UsageError when there is no such command, argument or option."""
    command: click.Command = app
    context = click.Context(command, info_name="capstan")
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, f"no such command: {words[0]}"
        command, words = found, words[1:]
    with click.Context(command) as inner:
        command.make_parser(inner).parse_args(list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    for words in commands(page.read_text()):
        parse(words)


def test_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    examples = [example for page in PAGES for example in _PYTHON.findall(page.read_text())]
    assert examples
    for example in examples:
        exec(compile(example, "example", "exec"), {})
        assert "kind: Cluster" in capsys.readouterr().out


def test_reasons_in_troubleshooting_exist() -> None:
    text = (ROOT / "docs" / "how-to" / "troubleshoot.md").read_text()
    named = {reason for cell in _REASON_CELL.findall(text) for reason in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 20
    assert named - all_reasons() == set()


def test_every_record_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(_LINK.findall((folder / "README.md").read_text()))
    assert {page.name for page in folder.glob("[0-9]*.md")} <= listed


def test_every_annotation_of_ours_is_recorded() -> None:
    record = (ROOT / "docs" / "adr" / "0002-intent-annotations.md").read_text()
    used = {
        name
        for file in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"capstan\.dev/[a-z][a-z-]*[a-z]", file.read_text())
    }
    assert "capstan.dev/vm-identity" in used
    assert {name for name in used if f"`{name}`" not in record} == set()
