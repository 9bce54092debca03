"""The files that a step of GitHub Actions appends to, for later jobs and for people.

Source: GitHub Docs, "Workflow commands for GitHub Actions", "Environment files".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.system.files import disk_errors


def append_output(env: Mapping[str, str], name: str, value: str) -> None:
    """Set the output ``name`` to one line of text; without GITHUB_OUTPUT do nothing."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"output {name} has several lines")
    _append(env.get("GITHUB_OUTPUT", ""), f"{name}={value}\n")


def append_summary(env: Mapping[str, str], markdown: str) -> None:
    """Add a paragraph to the step's summary; without GITHUB_STEP_SUMMARY do nothing."""
    _append(env.get("GITHUB_STEP_SUMMARY", ""), markdown.rstrip("\n") + "\n\n")


def _append(file_name: str, text: str) -> None:
    if file_name:
        path = Path(file_name)
        with disk_errors(path), path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
