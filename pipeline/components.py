"""What software a payload contains, by name, version and licence. Pure: bytes in, values out.

PYTHON.json of a full archive tells the licences of CPython and, for each extension module, of the
libraries that it is linked with (python-build-standalone, "Distribution Archives"). It names no
versions; where a library writes its own into the binaries, ``VersionScout`` finds it there.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import ArchiveError
from pipeline.model import LICENSES, Component

CPYTHON = "cpython"
_TEXT_NAME = re.compile(r"LICENSE\.(?P<name>.+?)\.txt")
_INSTALL = "install/"

_SIGNATURES: Mapping[str, re.Pattern[bytes]] = {
    "bdb": re.compile(rb"Berkeley DB (\d+\.\d+\.\d+)(?=[^\d.])"),
    # As BZ2_bzlibVersion() answers, with a date such as 13-Jul-2019.
    "bzip2": re.compile(rb"\x00(1\.\d+\.\d+), \d{1,2}-[A-Z][a-z]{2}-\d{4}"),
    "expat": re.compile(rb"expat_(\d+\.\d+\.\d+)(?=[^\d.])"),
    "ncurses": re.compile(rb"ncurses (\d+\.\d+)\.\d{8}"),
    # As OPENSSL_VERSION_TEXT, with a date such as 30 Sep 2025.
    "openssl": re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}"),
    # sqlite3_version is a bare number; above 3.30 it is not taken for Python's own version.
    "sqlite": re.compile(rb"(?<![\d.])(3\.[3-9]\d\.\d+)\x00"),
    "zlib": re.compile(rb"(?:in|de)flate (\d+\.\d+(?:\.\d+)*) Copyright"),
}
"""How a library tells its version in the files that contain it; the first group is the version.

What follows it belongs to each: a chunk may end in the middle of a number."""
_LONGEST_BYTES = 128
"""No signature is longer."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension module of PYTHON.json and what it is linked with."""

    file: str
    """Where it is in the tree; ``""`` for one that is built into the interpreter."""
    licenses: tuple[str, ...]
    texts: tuple[str, ...]
    """File names below the archive's ``licenses/``."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The part of PYTHON.json that licences depend on."""

    version: str
    licenses: tuple[str, ...]
    text: str
    extensions: tuple[Extension, ...]


def parse_build_info(data: bytes, *, where: str) -> BuildInfo:
    """Read PYTHON.json; raises ``ArchiveError``. ``where`` names the archive."""
    try:
        fields = json.loads(data)
        extensions = fields["build_info"]["extensions"]
        return BuildInfo(
            _text(fields["python_version"]),
            tuple(map(_text, fields.get("licenses") or ())),
            _base(fields["license_path"]),
            tuple(_extension(each) for several in extensions.values() for each in several),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ArchiveError(
            f"{where}: PYTHON.json does not tell the licences: {fault!r}",
            remedy="Its format is newer than this goempy, or it is not an archive of "
            "python-build-standalone.",
        ) from fault


def _extension(fields: Mapping[str, Any]) -> Extension:
    shared = _text(fields.get("shared_lib") or "")
    paths = fields.get("license_paths") or fields.get("license_path") or ()
    return Extension(
        "" if fields.get("in_core") else shared.removeprefix(_INSTALL),
        tuple(map(_text, fields.get("licenses") or ())),
        tuple(map(_base, [paths] if isinstance(paths, str) else paths)),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _base(path: object) -> str:
    return posixpath.basename(_text(path))


def plan_components(
    info: BuildInfo, shipped: Collection[str], texts: Collection[str], *, where: str
) -> tuple[Component, ...]:
    """What a tree of the files ``shipped`` contains; ``texts`` are those that the archive has.

    CPython comes first, the libraries follow by name. Raises ``ArchiveError`` for a licence that
    PYTHON.json names and the archive lacks.
    """
    linked = [each for each in info.extensions if not each.file or each.file in shipped]
    named = {name for each in linked for name in each.texts}
    if missing := sorted({info.text, *named} - set(texts)):
        raise ArchiveError(
            f"{where} lacks licence texts that its PYTHON.json names",
            faults=[f"licenses/{name}" for name in missing],
            remedy="Pin another release, or tell python-build-standalone.",
        )
    ids = _licenses_by_text(info.extensions)
    libraries = [
        Component(component_name(text), "", ids[text], (f"{LICENSES}/{text}",)) for text in named
    ]
    whole = Component(CPYTHON, info.version, info.licenses, (f"{LICENSES}/{info.text}",))
    return (whole, *sorted(libraries, key=lambda each: each.name))


def component_name(text: str) -> str:
    """``openssl`` for ``LICENSE.openssl-3.txt``: a number behind is PBS's, not the library's."""
    match = _TEXT_NAME.fullmatch(text)
    return re.sub(r"-\d+(\.\d+)*$", "", match["name"]) if match else text


def _licenses_by_text(extensions: Sequence[Extension]) -> Mapping[str, tuple[str, ...]]:
    """The SPDX ids of each text. An extension tells those of all its libraries together.

    So the ids of a library come from an extension that has no other, where there is one; else
    from all that has it, without those that are known to be of its neighbours.
    """
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for each in extensions:
        if len(each.texts) == 1:
            ids[each.texts[0]].update(each.licenses)
    alone = {text: frozenset(found) for text, found in ids.items()}
    for each in extensions:
        known = set[str]().union(*(alone.get(text, frozenset()) for text in each.texts))
        unknown = [text for text in each.texts if text not in alone]
        for text in unknown:
            ids[text].update(set(each.licenses) - known or each.licenses)
    return {text: tuple(sorted(found)) for text, found in ids.items()}


class VersionScout:
    """Looks for the versions of ``components`` in binaries as their bytes go by."""

    def __init__(self, components: Sequence[Component]) -> None:
        wanted = {component.name for component in components if not component.version}
        self._patterns = {name: p for name, p in _SIGNATURES.items() if name in wanted}
        self._found: defaultdict[str, set[str]] = defaultdict(set)

    def watch(self) -> _Watch:
        """Begin a file; call the result with its bytes, in order."""
        return _Watch(self)

    def look(self, window: bytes) -> None:
        """Search some bytes."""
        for name, pattern in self._patterns.items():
            self._found[name].update(match[1].decode() for match in pattern.finditer(window))

    def versions(self, components: Sequence[Component]) -> tuple[Component, ...]:
        """The components with what was found; where files disagree, nothing is claimed."""
        return tuple(self._versions(components))

    def _versions(self, components: Sequence[Component]) -> Iterator[Component]:
        for component in components:
            found = self._found[component.name]
            known = component.version or len(found) != 1
            yield component if known else replace(component, version=next(iter(found)))


class _Watch:
    """One file's bytes; a signature may lie across two chunks."""

    def __init__(self, scout: VersionScout) -> None:
        self._scout = scout
        self._tail = b""

    def __call__(self, chunk: bytes) -> None:
        self._scout.look(self._tail + chunk)
        self._tail = (self._tail + chunk)[-_LONGEST_BYTES:]
