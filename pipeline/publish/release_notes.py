"""The notes of a release, in Markdown: what a tag holds, and what is new since its line's last.

Pure: facts in, text out. The same tags give the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pipeline.build.components import CPYTHON
from pipeline.config.model import FREE_THREADED, LOCAL, Line, PythonVersion
from pipeline.config.tags import sort_key
from pipeline.formats.payload.model import Manifest
from pipeline.publish.sizes import TagSizes
from pipeline.release.third_party_licenses import declared_components
from pipeline.system.units import human_bytes

PICTURE = "sizes.svg"
SUMS = "SHA256SUMS"
_NAMES: Mapping[str, str] = {"openssl": "OpenSSL", "sqlite": "SQLite"}
"""As their makers write them; the others are written in small letters."""
_FIRST = ("openssl", "sqlite")
_TOLD_PYTHON = re.compile(r"^Python: (\S+)$", re.MULTILINE)
_TAG = re.compile(r"v(?P<version>\d+\.\d+\.\d+)(-py(?P<python>.+))?")
_FREE = "t"


@dataclass(frozen=True, slots=True)
class PlatformSize:
    """What a Go binary gets of a platform."""

    name: str
    embedded_bytes: int


@dataclass(frozen=True, slots=True)
class Software:
    """A library or wheel of a tag; no versions where none of its files tells one."""

    name: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What the notes tell of one tag."""

    tag: str
    module: str
    """The module path, with ``/vN``."""
    line: Line
    platforms: tuple[PlatformSize, ...]
    module_bytes: int
    """What ``go get`` fetches, unpacked."""
    software: tuple[Software, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """Where releases are: the ``server``'s address and ``owner/name`` there."""

    server: str
    repository: str

    def asset(self, tag: str, name: str) -> str:
        """The address of a file of a release."""
        return f"{self.server}/{self.repository}/releases/download/{quote(tag)}/{quote(name)}"

    @property
    def for_gh(self) -> str:
        """As ``gh --repo`` takes it."""
        host = urlsplit(self.server).netloc
        return self.repository if host == "github.com" else f"{host}/{self.repository}"


def home_of(module: str) -> Home:
    """The home of a module, whose path is that of its repository."""
    host, owner, name = module.split("/")[:3]
    return Home(f"https://{host}", f"{owner}/{name}")


def facts_of(
    module: str, sizes: TagSizes, payloads: Sequence[Manifest], pip: Manifest | None
) -> TagFacts:
    """What the manifests of a tag and its ``sizes`` tell; one payload at least has an origin."""
    origin = next(each.origin for each in payloads if each.origin is not None)
    line = Line(PythonVersion.parse(origin.version), origin.pbs, origin.variant)
    software: dict[str, set[str]] = {}
    for manifest in (*payloads, *([pip] if pip else [])):
        for each in declared_components(manifest):
            if each.name != CPYTHON:
                software.setdefault(each.name, set()).update({each.version} - {""})
    return TagFacts(
        sizes.name,
        module,
        line,
        tuple(
            PlatformSize(each.name.rpartition("/")[2], each.embedded_bytes)
            for each in sizes.platforms
        ),
        sizes.module_bytes,
        tuple(Software(name, tuple(sorted(software[name]))) for name in sorted(software)),
    )


def told_python(message: str) -> str:
    """The name of the line that a release commit's ``message`` tells, ``""`` for others."""
    found = _TOLD_PYTHON.search(message)
    return found[1] if found else ""


def named_python(tag: str) -> str:
    """The name of the line that stands in a tag, ``""`` for primary and foreign ones."""
    found = _TAG.fullmatch(tag)
    return (found["python"] or "") if found else ""


def minor_of(python: str) -> str:
    """``3.14t`` for the line ``3.14.9t``, ``""`` for what is no line."""
    free = python.endswith(_FREE)
    try:
        version = PythonVersion.parse(python.removesuffix(_FREE))
    except ValueError:
        return ""
    return Line(version, "", FREE_THREADED if free else "").minor_name


def is_release(tag: str) -> bool:
    """Whether ``tag`` has the form of one."""
    return _TAG.fullmatch(tag) is not None


def is_of_version(tag: str, version: str) -> bool:
    """Whether ``tag`` is one of those of this VERSION."""
    found = _TAG.fullmatch(tag)
    return found is not None and found["version"] == version


def candidates(tag: str, minor: str, known: Iterable[str]) -> tuple[str, ...]:
    """Which tags may be the last before ``tag`` on the line ``minor``, the most likely first.

    Those that name their line are of it. What a primary tag holds, its commit tells.
    """
    base = sort_key(tag).finalize_version()
    before = [
        each
        for each in known
        if _TAG.fullmatch(each)
        and sort_key(each).finalize_version() < base
        and (not named_python(each) or minor_of(named_python(each)) == minor)
    ]
    # Among those of one VERSION the ones with names sort below the primary; they come first here.
    before.sort(key=sort_key)
    before.sort(key=lambda each: (sort_key(each).finalize_version(), bool(named_python(each))))
    return tuple(reversed(before))


def release_notes(now: TagFacts, before: TagFacts | None, home: Home) -> str:
    """The notes of ``now``; ``before`` is the last tag of its line."""
    blocks = [
        f"# {_title(now)}",
        f"    go get {now.module}@{now.tag}",
        *_warning(now),
        "\n".join(_platforms(now, before)),
        "\n".join(_changes(now, before)),
        f"![What each step leaves, and what the rest is made of]({home.asset(now.tag, PICTURE)})",
        "\n".join(_proof(now, home)),
    ]
    return "\n\n".join(blocks) + "\n"


def _title(now: TagFacts) -> str:
    local = now.line.pbs == LOCAL
    source = "an interpreter of one machine" if local else f"python-build-standalone {now.line.pbs}"
    return f"{now.tag}: Python {now.line.name} ({source})"


def _warning(now: TagFacts) -> Iterator[str]:
    if sort_key(now.tag).prerelease:
        yield (
            "> [!WARNING]\n"
            f"> `go get -u` leaves Python {now.line.minor_name}: it moves on to the newest tag "
            "without `-py`, which is another Python. Name the tag to stay on this line."
        )


def _platforms(now: TagFacts, before: TagFacts | None) -> Iterator[str]:
    then = {each.name: each.embedded_bytes for each in before.platforms} if before else {}
    yield "| platform | adds to a Go binary |" + (f" since {before.tag} |" if before else "")
    yield "|---|--:|" + ("--:|" if before else "")
    for each in now.platforms:
        row = f"| {each.name} | {human_bytes(each.embedded_bytes)} |"
        old = then.get(each.name)
        share = "new" if old is None else _percent(old, each.embedded_bytes)
        yield f"{row} {share} |" if before else row


def _changes(now: TagFacts, before: TagFacts | None) -> Iterator[str]:
    if before is None:
        yield (
            f"The first release of Python {now.line.minor_name} here; "
            f"`go get` fetches {human_bytes(now.module_bytes)}."
        )
        return
    yield f"Since {before.tag}:"
    yield ""
    yield f"- {_moved('Python', before.line.name, now.line.name)}"
    yield f"- {_moved('python-build-standalone', before.line.pbs, now.line.pbs)}"
    yield from _software(before.software, now.software)
    gone = {each.name for each in before.platforms} - {each.name for each in now.platforms}
    yield from (f"- {name} is no longer there" for name in sorted(gone))
    sizes = [human_bytes(each.module_bytes) for each in (before, now)]
    percent = _percent(before.module_bytes, now.module_bytes)
    yield f"- `go get` fetches {sizes[0]} → {sizes[1]} ({percent})"


def _moved(name: str, before: str, now: str) -> str:
    return f"{name} {now}, as before" if before == now else f"{name} {before} → {now}"


def _software(before: Sequence[Software], now: Sequence[Software]) -> Iterator[str]:
    """A row for each whose version changed, OpenSSL and SQLite in any case and first."""
    old, new = _versions(before), _versions(now)
    if not old or not new:
        # A payload that tells nothing of its libraries has them all the same.
        return
    for name in sorted({*old, *new}, key=lambda each: (each not in _FIRST, each)):
        told = _NAMES.get(name, name)
        was, versions = old.get(name), new.get(name)
        if was is None:
            yield f"- {told} {versions or ''}".rstrip() + " is new"
        elif versions is None:
            yield f"- {told} {was}".rstrip() + " is gone"
        elif was and versions and (was != versions or name in _FIRST):
            yield f"- {_moved(told, was, versions)}"


def _versions(software: Iterable[Software]) -> dict[str, str]:
    return {each.name: ", ".join(each.versions) for each in software}


def _percent(before: int, now: int) -> str:
    return "unchanged" if before == now else f"{100 * (now - before) / before:+.1f} %"


def _proof(now: TagFacts, home: Home) -> Iterator[str]:
    yield "To prove it, make it again from its sources, and ask who built these files:"
    yield ""
    yield f"    goempy verify {now.tag}"
    yield f"    gh release download {now.tag} --repo {home.for_gh} --pattern {SUMS}"
    yield f"    gh attestation verify {SUMS} --repo {home.for_gh}"
