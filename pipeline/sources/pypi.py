"""Wheels from the package index that pip is configured for, verified by their sha256."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config.model import Wheel
from pipeline.system.errors import AssetNotFoundError, DownloadError, ToolError
from pipeline.system.files import disk_errors, scratch_dir, sha256_of
from pipeline.system.process import ProcessResult, error_tail, run

Pip = Callable[[Sequence[str]], ProcessResult]
"""Runs ``python -m pip`` with arguments."""
_LIMITS = ("--retries=1", "--timeout=10")
"""A network that is dead is noticed in seconds; pip's own limits add up to minutes."""
_UNREACHABLE = re.compile(
    r"connection broken by '(.*)': /|Could not fetch URL (.*?)(?: - skipping)?$"
)
"""What pip warns of before it says that there is no such wheel, which it cannot know then."""
_ASKED = re.compile(r"Could not fetch URL (https?://\S+?):? ")
_OBJECT = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>[:,] ")


def run_pip(arguments: Sequence[str]) -> ProcessResult:
    """Run the pip of this environment, with its user's own settings."""
    return run([sys.executable, "-m", "pip", *arguments], timeout_s=600)


def fetch_wheel(wheel: Wheel, cache: Path, pip: Pip) -> Path:
    """The wheel's verified file: from ``cache`` if it is there, else from the index.

    Raises ``AssetNotFoundError`` when the index does not have it with this sha256, and
    ``DownloadError`` when pip fails otherwise.
    """
    final = cache / f"{wheel.sha256[:16]}-{wheel.name}.whl"
    if final.is_file() and sha256_of(final) == wheel.sha256:
        return final
    with scratch_dir(cache) as scratch, disk_errors(cache):
        requirements = scratch / "requirements.txt"
        pinned = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
        requirements.write_text(pinned, "utf-8")
        done = pip(
            [
                "download", "-vv", "--no-deps", "--only-binary=:all:", "--require-hashes",
                "--no-input", "--disable-pip-version-check", *_LIMITS,
                "--dest", str(scratch), "--requirement", str(requirements),
            ]
        )  # fmt: skip
        if done.code:
            raise _failure(wheel, done)
        (found,) = scratch.glob("*.whl")
        found.replace(final)
    return final


def _failure(wheel: Wheel, done: ProcessResult) -> AssetNotFoundError | DownloadError | ToolError:
    if "No module named pip" in done.stderr:
        return ToolError(
            "this environment has no pip, which fetches the wheels of [pip]",
            hint="Run 'python -m ensurepip', or create the environment with 'python3 -m venv'.",
        )
    title = f"{wheel.name} {wheel.version}"
    wrong = "DO NOT MATCH THE HASHES" in done.stderr
    unreachable = list(filter(None, map(_unreachable, done.stderr.splitlines())))
    if not wrong and unreachable and "(from versions: none)" in done.stderr:
        return DownloadError(
            f"pip cannot reach the package index for {title}{_at_host(done)}: {unreachable[-1]}",
            hint="Check the network and pip's own settings ('python -m pip config list').",
        )
    if wrong or "No matching distribution" in done.stderr:
        return AssetNotFoundError(
            f"the package index has no wheel of {title} with the sha256 of matrix.toml",
            details=[
                row.strip()
                for row in done.stderr.splitlines()
                if "Got" in row or "versions:" in row
            ],
            hint="Check version and sha256 under [pip].",
        )
    return DownloadError(
        f"pip cannot fetch {title}: {error_tail(done, lines=1)}",
        hint="Check the network and pip's own settings ('python -m pip config list').",
    )


def _at_host(done: ProcessResult) -> str:
    """The host of the index, which pip names at its second verbosity alone."""
    found = _ASKED.search(done.stdout.decode("utf-8", "replace"))
    host = urlsplit(found[1]).hostname if found else None
    return f" at {host}" if host else ""


def _unreachable(row: str) -> str:
    """Why pip could not ask the index, or nothing if the row does not say so."""
    found = _UNREACHABLE.search(row)
    return _OBJECT.sub("", found[1] or found[2]) if found else ""
