"""Version tags: ``v0.1.0`` for the primary line, ``v0.1.0-py3.13.17[t]`` for the others.

The suffix is a semver prerelease, so every other line sorts below the primary one and
``@latest`` is the primary (Go module reference, "Version queries"). Among themselves they sort
by Python version, as dotted numeric identifiers do (semver 2.0.0, item 11); a free-threaded
line sorts above the plain lines of its minor version, since ``9t`` is not numeric.
"""

from __future__ import annotations

import semver

from pipeline.config.model import Line
from pipeline.system.errors import ConfigError


def parse_version(text: str) -> semver.Version:
    """Read the content of ``VERSION``; a leading ``v`` and surrounding white space are accepted.

    Raises ``ConfigError`` for anything but MAJOR.MINOR.PATCH: a prerelease would sort among the
    tags of its lines, and Go has no build metadata.
    """
    try:
        version = semver.Version.parse(text.strip().removeprefix("v"))
    except ValueError:
        version = None
    if version is None or version.prerelease or version.build:
        raise ConfigError(
            f"VERSION is {text.strip()!r}, not MAJOR.MINOR.PATCH",
            hint="Write a version such as 0.1.0, without prerelease or build parts.",
        )
    return version


def tag_name(version: semver.Version, line: Line, *, primary: bool) -> str:
    """The tag of ``line``."""
    return f"v{version}" if primary else f"v{version}-py{line.name}"


def sort_key(tag: str) -> semver.Version:
    """A key for ``sorted``: Go's order of this module's tags."""
    return semver.Version.parse(tag.removeprefix("v"))


def version_of(tag: str) -> semver.Version | None:
    """The VERSION that a tag was released with; ``None`` for tags of another kind."""
    try:
        whole = sort_key(tag) if tag.startswith("v") else None
    except ValueError:
        return None
    if whole is None or whole.build or not (whole.prerelease or "py").startswith("py"):
        return None
    return whole.finalize_version()


def module_path(base: str, version: semver.Version) -> str:
    """The path that go.mod and every import name: from VERSION 2 on it ends in ``/vN``.

    Source: Go module reference, "Major version suffixes".
    """
    return base if version.major < 2 else f"{base}/v{version.major}"
