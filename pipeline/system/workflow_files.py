"""The files that a step of GitHub Actions appends to, for later jobs and for people.

Source: GitHub Docs, "Workflow commands for GitHub Actions", "Environment files".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.system.errors import UsageError
from pipeline.system.files import disk_errors


def append_output(env: Mapping[str, str], name: str, value: str) -> None:
    """Set the output ``name`` to one line of text; without GITHUB_OUTPUT do nothing."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"output {name} has several lines")
    _append("GITHUB_OUTPUT", env, f"{name}={value}\n")


def append_summary(env: Mapping[str, str], markdown: str) -> None:
    """Add a paragraph to the step's summary; without GITHUB_STEP_SUMMARY do nothing."""
    _append("GITHUB_STEP_SUMMARY", env, markdown.rstrip("\n") + "\n\n")


def _append(variable: str, env: Mapping[str, str], text: str) -> None:
    if named := env.get(variable, ""):
        path = Path(named)
        if not path.parent.is_dir():
            raise UsageError(
                f"{variable} is {named!r}, in a folder that does not exist",
                hint="GitHub Actions sets it; elsewhere unset it, or name a file to append to.",
            )
        with disk_errors(path), path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
