"""Vulnerabilities in the format of OSV, and which packages they affect.

Source: ossf.github.io/osv-schema. A record names a git repository by the ``repo`` of a range and
its affected versions by the names of the repository's tags; a Python package by ecosystem and name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

GIT = "GIT"
PYPI = "PyPI"


@dataclass(frozen=True, slots=True, order=True)
class OsvPackage:
    """What OSV is asked for: of ``GIT``, ``name`` is an address and ``version`` a tag's name."""

    ecosystem: str
    name: str
    version: str


class Range(BaseModel, frozen=True):
    """Events ``introduced``, ``fixed`` and ``last_affected``, each with a version or commit."""

    type: str
    repo: str = ""
    events: tuple[dict[str, str], ...] = ()


class Affected(BaseModel, frozen=True):
    """Versions of one package."""

    package: dict[str, str] | None = None
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()


class Vulnerability(BaseModel, frozen=True):
    """One record; several databases may have records of the same vulnerability (``aliases``)."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    withdrawn: str | None = None
    affected: tuple[Affected, ...] = ()
    severity: tuple[dict[str, str], ...] = ()
    references: tuple[dict[str, str], ...] = ()

    @property
    def about(self) -> str:
        """A line for people: many records of CVEs have only details."""
        return self.summary or next(filter(None, map(str.strip, self.details.splitlines())), "")

    @property
    def page(self) -> str:
        """Where to read more, ``""`` if the record does not say."""
        by_kind: dict[str, str] = {}
        for each in self.references:
            by_kind.setdefault(each.get("type", ""), each.get("url", ""))
        return next((by_kind[kind] for kind in ("ADVISORY", "WEB") if kind in by_kind), "")

    def affects(self, package: OsvPackage) -> bool:
        """Whether a package is affected, as OSV's API would find it."""
        if self.withdrawn:
            return False
        matches = _matches_tag if package.ecosystem == GIT else _matches_version
        return any(matches(each, package) for each in self.affected)

    def fixed_in(self, package: OsvPackage) -> tuple[str, ...]:
        """The versions that fix it, where the record has versions in place of commits."""
        events = [
            event
            for each in self.affected
            if package.ecosystem != GIT and _is_package(each, package)
            for event in _events(each.ranges)
        ]
        return tuple(dict.fromkeys(each["fixed"] for each in events if "fixed" in each))


def repository_key(address: str) -> str:
    """Equal for all spellings of a repository's address."""
    host_and_path = address.partition("://")[2] or address
    return host_and_path.rstrip("/").removesuffix(".git").lower()


def _matches_tag(affected: Affected, package: OsvPackage) -> bool:
    wanted = repository_key(package.name)
    repos = {repository_key(each.repo) for each in affected.ranges if each.type == GIT}
    return wanted in repos and package.version in affected.versions


def _is_package(affected: Affected, package: OsvPackage) -> bool:
    named = affected.package or {}
    same = canonicalize_name(named.get("name", "")) == canonicalize_name(package.name)
    return same and named.get("ecosystem") == package.ecosystem


def _matches_version(affected: Affected, package: OsvPackage) -> bool:
    if not _is_package(affected, package):
        return False
    version = _version(package.version)
    if package.version in affected.versions or version is None:
        return package.version in affected.versions
    listed = any(_version(each) == version for each in affected.versions)
    return listed or any(_is_within(version, each) for each in affected.ranges)


def _is_within(version: Version, found: Range) -> bool:
    """As in the schema's "Evaluation": the last event that is not after the version decides."""
    points = [
        (at, kind) for event in _events([found]) for kind, text in event.items()
        if (at := _version(text)) is not None
    ]  # fmt: skip
    state = False
    for at, kind in sorted(points, key=lambda point: point[0]):
        if kind == "introduced" and version >= at:
            state = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            state = False
    return state


def _events(ranges: Iterable[Range]) -> Iterable[Mapping[str, str]]:
    return (event for each in ranges if each.type != GIT for event in each.events)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
