"""Documents: every link inside of the repository leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pipeline.cli.help import COMMANDS
from pipeline.system.errors import PipelineError
from tests.harness.project import REPOSITORY

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", ".github/**/*.md", "pipeline/gomodule/**/*.md")
    for path in REPOSITORY.glob(pattern)
)
_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?P<inline>[^()\s]+)\)|^\[[^\]]+\]: (?P<reference>\S+)$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Targets without those in code."""
    for found in _LINK.finditer(_CODE.sub("", _FENCE.sub("", text))):
        yield found["inline"] or found["reference"]


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives to headings: a repeated one gets a number."""
    made: list[str] = []
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        made.append(slug)
        if (count := made.count(slug)) > 1:
            made.append(f"{slug}-{count - 1}")
    return set(made)


def faults(document: Path, root: Path = REPOSITORY) -> Iterator[str]:
    for link in links(document.read_text("utf-8")):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (document.parent / unquote(parts.path)).resolve() if parts.path else document
        if not target.is_relative_to(root) or not target.exists():
            yield f"{link}: no such file"
        elif parts.fragment and parts.fragment not in anchors(target.read_text("utf-8")):
            yield f"{link}: no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_of_the_repository_leads_somewhere(document: Path) -> None:
    assert list(faults(document)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("# A `b`, c\n[x](#a-b-c) [y](#nowhere)\n```\n[z](code.md)\n```\n", "utf-8")
    assert list(faults(document, tmp_path)) == ["#nowhere: no such heading"]


def test_the_commands_and_exit_codes_of_maintaining_are_those_of_goempy() -> None:
    text = (REPOSITORY / "docs" / "maintaining.md").read_text("utf-8")
    commands, codes = text.split("\n## Commands\n")[1].split("\n## Exit codes\n")
    rows = [row for row in commands.splitlines() if row.startswith("| `goempy ")]
    first_column = "\n".join(row.split("` | ")[0] for row in rows)
    assert set(re.findall(r"`goempy ([a-z-]+)", first_column)) == set(COMMANDS)
    numbers = {int(code) for code in re.findall(r"\| (\d+) \|", codes.split("\n## ")[0])}
    assert numbers == {0, 130, *(kind.exit_code for kind in PipelineError.__subclasses__()), 2}
