"""Where the bytes of a payload go: what each step leaves of them, and which files they are.

Pure: manifests and the sizes of stored files in, sums out. A content that several names share is
stored once and counts once, at the first name of its manifest. In layout ``stream`` nobody can
tell what one file takes of the stream, so there packed sizes of parts are ``None``.
"""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import FILE_NAME, blob_name, distinct_files
from pipeline.formats.payload.model import LICENSES, Manifest, Steps
from pipeline.release.module_tree import COMMON, DATA, EXAMPLE_MODULE, PIP_DATA, PIP_FOLDER
from pipeline.system.errors import PayloadError
from pipeline.system.git import GitFile

LARGEST = 20
"""So many packages are told by name."""
REST = "(rest)"

_LIBRARY = re.compile(r"(?:lib(?:64)?/python\d+\.\d+t?|Lib)/(?P<rest>.+)")
"""The standard library's folder on Unix and on Windows."""
_SHARED_LIBRARY = re.compile(r".+\.(?:so(?:\.\d+)*|dylib|dll|exe)")
_LICENCE_TEXTS = ("LICENSE", "LICENCE", "COPYING")


class FileKind(enum.Enum):
    """What a file of a payload is for; the value is its name for people."""

    PROGRAM = "interpreter and shared libraries"
    EXTENSION = "extension modules"
    SOURCE = "Python source"
    BYTECODE = "bytecode"
    LICENCE = "licences"
    DATA = "other data"


@dataclass(frozen=True, slots=True)
class Stored:
    """A payload as it is stored: bytes of its blobs, or of its stream, by file name.

    ``common`` are the names of those that every platform of its tag shares.
    """

    name: str
    manifest: Manifest
    manifest_bytes: int
    blobs: Mapping[str, int]
    common: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ContentSize:
    """One different content of a payload; ``package`` is what it belongs to."""

    kind: FileKind
    package: str
    plain_bytes: int
    packed_bytes: int | None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class PayloadSizes:
    """One payload; ``shared_bytes`` is the part of ``packed_bytes`` that stands in ``common/``."""

    name: str
    steps: Steps | None
    contents: tuple[ContentSize, ...]
    manifest_bytes: int
    packed_bytes: int
    shared_bytes: int

    @property
    def plain_bytes(self) -> int:
        """All different contents, uncompressed."""
        return sum(each.plain_bytes for each in self.contents)

    @property
    def embedded_bytes(self) -> int:
        """What a Go binary gets: the manifest and the blobs."""
        return self.manifest_bytes + self.packed_bytes


@dataclass(frozen=True, slots=True)
class TagSizes:
    """One tag; ``other_bytes`` are Go code and texts, ``module_bytes`` all that Go fetches."""

    name: str
    platforms: tuple[PayloadSizes, ...]
    pip: PayloadSizes | None
    other_bytes: int
    module_bytes: int

    @property
    def contents(self) -> tuple[ContentSize, ...]:
        """Those of all platforms and of pip; what is in ``common/`` counts once."""
        first, *others = self.platforms
        own = [each for payload in others for each in payload.contents if not each.shared]
        return (*first.contents, *own, *(self.pip.contents if self.pip else ()))


@dataclass(frozen=True, slots=True)
class StepRow:
    """What each step leaves of a payload, in bytes; ``None`` is what nobody knows.

    ``shared`` is the part of ``packed`` that all platforms of a tag have, ``embedded`` what a Go
    binary gets, ``fetched`` what the module has of it: shared blobs are a row of their own there.
    """

    name: str
    archive: int | None = None
    unpacked: int | None = None
    trimmed: int | None = None
    stripped: int | None = None
    packed: int | None = None
    shared: int | None = None
    embedded: int | None = None
    fetched: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What some files of a payload take; ``files`` counts different contents."""

    name: str
    files: int
    plain_bytes: int
    packed_bytes: int | None

    @property
    def weight(self) -> int:
        """What it is compared by: packed bytes, or uncompressed ones where those are unknown."""
        return self.plain_bytes if self.packed_bytes is None else self.packed_bytes


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The same bytes twice: by kind of file, and by package."""

    name: str
    kinds: tuple[Share, ...]
    packages: tuple[Share, ...]
    total: Share


def measure(stored: Stored) -> PayloadSizes:
    """The sizes of one payload; raises ``PayloadError`` that lists every missing blob."""
    manifest = stored.manifest
    wanted = {blob_name(entry) for entry in distinct_files(manifest.entries)}
    if manifest.stream:
        wanted = {manifest.stream}
    if missing := sorted(wanted - stored.blobs.keys()):
        raise PayloadError(
            f"{stored.name} is incomplete",
            details=[f"blob {name} is missing" for name in missing],
            hint="Build the cell again, or fetch the tag again.",
        )
    return PayloadSizes(
        stored.name,
        manifest.about.steps,
        tuple(_contents(stored)),
        stored.manifest_bytes,
        sum(stored.blobs[name] for name in wanted),
        sum(stored.blobs[name] for name in wanted & stored.common),
    )


def _contents(stored: Stored) -> Iterator[ContentSize]:
    manifest = stored.manifest
    # What is no interpreter is a folder of sys.path.
    package = _top_package if manifest.origin is None else package_of
    for entry in distinct_files(manifest.entries):
        stored_in = manifest.stream or blob_name(entry)
        yield ContentSize(
            kind_of(entry.name),
            package(entry.name),
            entry.size_bytes,
            None if manifest.stream else stored.blobs[stored_in],
            stored_in in stored.common,
        )


def kind_of(name: str) -> FileKind:
    """What the file at a path of a payload's tree is for; the first rule that fits decides."""
    *folders, base = name.split("/")
    suffix = posixpath.splitext(base)[1]
    rules = (
        (FileKind.LICENCE, LICENSES in folders or base.startswith(_LICENCE_TEXTS)),
        (FileKind.EXTENSION, suffix == ".pyd" or bool({"lib-dynload", "DLLs"} & set(folders))),
        (FileKind.PROGRAM, folders[:1] == ["bin"] or bool(_SHARED_LIBRARY.fullmatch(base))),
        (FileKind.SOURCE, suffix == ".py"),
        (FileKind.BYTECODE, suffix == ".pyc"),
    )
    return next((kind for kind, fits in rules if fits), FileKind.DATA)


def package_of(name: str) -> str:
    """The part of an interpreter that a path belongs to; what is no package is in brackets."""
    kind = kind_of(name)
    if kind is FileKind.EXTENSION:
        return "(extension modules)"
    if match := _LIBRARY.fullmatch(name):
        return _top_package(match["rest"])
    if kind is FileKind.LICENCE:
        return "(licences)"
    return "(interpreter)" if kind is FileKind.PROGRAM else "(other files)"


def _top_package(path: str) -> str:
    """The package of a path below a folder of ``sys.path``."""
    top, slash, _rest = path.partition("/")
    if top.endswith(".dist-info"):
        return top.partition("-")[0]
    if slash and top != "__pycache__":
        return top
    is_module = kind_of(path) in {FileKind.SOURCE, FileKind.BYTECODE}
    return "(single modules)" if is_module else "(other files)"


def break_down(name: str, contents: Sequence[ContentSize]) -> Breakdown:
    """Sum up contents: kinds in their own order, packages the largest first and then the rest."""
    kinds = [
        _sum(kind.value, found)
        for kind in FileKind
        if (found := [each for each in contents if each.kind is kind])
    ]
    packages = [
        _sum(package, [each for each in contents if each.package == package])
        for package in {each.package for each in contents}
    ]
    packages.sort(key=lambda share: (-share.weight, share.name))
    shown, rest = packages[:LARGEST], packages[LARGEST:]
    if rest:
        names = {share.name for share in rest}
        shown.append(_sum(REST, [each for each in contents if each.package in names]))
    return Breakdown(name, tuple(kinds), tuple(shown), _sum("total", contents))


def _sum(name: str, contents: Iterable[ContentSize]) -> Share:
    files = plain = 0
    packed: int | None = 0
    for each in contents:
        files += 1
        plain += each.plain_bytes
        known = packed is not None and each.packed_bytes is not None
        packed = (packed or 0) + (each.packed_bytes or 0) if known else None
    return Share(name, files, plain, packed)


def manifests_of(files: Iterable[GitFile]) -> dict[str, GitFile]:
    """The manifests of a tag's files, by platform name; that of package pip is ``pip``."""
    found = {}
    for file in files:
        name = posixpath.basename(posixpath.dirname(file.path))
        for each in (name, PIP_CELL):
            if file.path == f"{_folder(each)}/{FILE_NAME}":
                found[each] = file
    return found


def measure_tag(tag: str, files: Sequence[GitFile], manifests: Mapping[str, Manifest]) -> TagSizes:
    """The sizes of a tag whose ``manifests`` have the names of ``manifests_of``.

    Raises ``PayloadError`` for missing blobs, and for a tag without the payload of a platform.
    """
    if not manifests.keys() - {PIP_CELL}:
        raise PayloadError(
            f"tag {tag} holds no payload of a platform",
            hint="Name a tag that 'goempy finalize' or 'goempy release' made.",
        )
    fetched = [file for file in files if not file.path.startswith(EXAMPLE_MODULE)]
    kept = _by_folder(fetched)
    common = kept.get(_folder(COMMON), {})
    measured = {}
    for name, manifest in sorted(manifests.items()):
        own = kept[_folder(name)]
        shared = {} if name == PIP_CELL else common
        stored = Stored(
            f"{tag}/{name}", manifest, own[FILE_NAME], {**own, **shared}, frozenset(shared)
        )
        measured[name] = measure(stored)
    pip = measured.pop(PIP_CELL, None)
    module = sum(file.size_bytes for file in fetched)
    data = sum(sum(kept.get(_folder(name), {}).values()) for name in {*manifests, COMMON})
    return TagSizes(tag, tuple(measured.values()), pip, module - data, module)


def _folder(name: str) -> str:
    """Where a tag keeps the payload of that name."""
    return f"{PIP_DATA}/{PIP_FOLDER}" if name == PIP_CELL else f"{DATA}/{name}"


def _by_folder(files: Iterable[GitFile]) -> dict[str, dict[str, int]]:
    """Bytes by file name, by folder."""
    found: dict[str, dict[str, int]] = {}
    for file in files:
        folder, base = posixpath.split(file.path)
        found.setdefault(folder, {})[base] = file.size_bytes
    return found


def payload_row(payload: PayloadSizes, *, of_tag: bool = False) -> StepRow:
    """A payload's row; what pip's packages were before is what they are, uncompressed."""
    steps, plain = payload.steps, payload.plain_bytes
    return StepRow(
        payload.name,
        archive=steps.archive if steps else None,
        unpacked=steps.unpacked if steps else plain,
        trimmed=steps.trimmed if steps else None,
        stripped=steps.stripped if steps else None,
        packed=payload.packed_bytes,
        shared=payload.shared_bytes if of_tag else None,
        embedded=payload.embedded_bytes,
        fetched=payload.embedded_bytes - payload.shared_bytes if of_tag else None,
    )


def tag_rows(tag: TagSizes) -> tuple[StepRow, ...]:
    """A row a platform, and what makes a module of them; the last is the sum of ``fetched``."""
    pip = [tag.pip] if tag.pip else []
    return (
        *(payload_row(each, of_tag=True) for each in (*tag.platforms, *pip)),
        StepRow(f"{tag.name} shared", fetched=tag.platforms[0].shared_bytes),
        StepRow(f"{tag.name} code and texts", fetched=tag.other_bytes),
        StepRow(f"{tag.name} module", fetched=tag.module_bytes),
    )
