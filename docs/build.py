"""Writes the generated documentation: whole pages below `docs/reference/`, and marked parts of other pages.

Run it with `make docs` (or `python -m docs.build`). A test fails when a file is not what this program would write.
In a page that people write, a generated part stands between two comment lines:

    <!-- generated: NAME -->
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from docs.generators.commands import commands_page
from docs.generators.conditions import conditions_page
from docs.generators.controllers import controller_graph, controller_table
from docs.generators.fields import field_pages
from docs.generators.kinds import kind_table
from docs.generators.metrics import metrics_page
from docs.generators.parameters import parameters_page
from docs.generators.stages import stage_table

ROOT = Path(__file__).resolve().parent
REPOSITORY = ROOT.parent

#: Name of a marked part -> what stands in it.
PARTS: dict[str, Callable[[], str]] = {
    "controllers": controller_table,
    "controller graph": controller_graph,
    "stages of a ProxmoxMachine": stage_table,
    "kinds": kind_table,
}

_PART = re.compile(r"(<!-- generated: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every generated file with the text that it should have."""
    found = {
        ROOT / "reference" / "commands.md": commands_page(),
        ROOT / "reference" / "conditions.md": conditions_page(),
        ROOT / "reference" / "metrics.md": metrics_page(),
        ROOT / "reference" / "parameters.md": parameters_page(),
    }
    found.update({ROOT / "reference" / "kinds" / name: text for name, text in field_pages().items()})
    for page in sorted(ROOT.rglob("*.md")):
        text = page.read_text()
        if page not in found and _PART.search(text):
            found[page] = _PART.sub(_filled, text)
    return found


def _filled(part: re.Match[str]) -> str:
    return f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[3]}"


def leftovers() -> list[Path]:
    """Pages of kinds that are not served any more."""
    return sorted(set((ROOT / "reference" / "kinds").glob("*.md")) - set(pages()))


def stale() -> list[str]:
    """Generated files that are missing, differ, or should not be there."""
    wrong = [page for page, text in pages().items() if not page.exists() or page.read_text() != text]
    return [str(page.relative_to(REPOSITORY)) for page in (*wrong, *leftovers())]


def write() -> None:
    """Bring every generated file up to date."""
    for page, text in pages().items():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    for page in leftovers():
        page.unlink()


if __name__ == "__main__":
    write()
