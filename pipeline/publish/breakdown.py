"""What the bytes of a payload are: kinds of files, and packages.

Pure. A content that several names share counts once, at the first name in its manifest. In layout
``stream`` nobody knows what one file takes of the stream, so packed sizes are ``None`` there.
"""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pipeline.formats.payload.manifest import blob_name, distinct_files
from pipeline.formats.payload.model import LICENSES
from pipeline.formats.payload.reader import Payload

LARGEST = 20
"""So many packages have a row; the others share one."""
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
class ContentSize:
    """One different content of a payload; ``package`` is what it belongs to."""

    kind: FileKind
    package: str
    plain_bytes: int
    packed_bytes: int | None
    shared: bool = False


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


def contents_of_payload(payload: Payload, shared: Collection[str] = ()) -> Iterator[ContentSize]:
    """Each different content of a payload; ``shared`` are blobs that other payloads have too."""
    manifest = payload.manifest
    sizes = {blob.name: blob.stored_bytes for blob in payload.blobs}
    # The wheels of pip are a folder of sys.path.
    package = _top_package if manifest.origin is None else package_of
    for entry in distinct_files(manifest.entries):
        blob = manifest.stream or blob_name(entry)
        packed_bytes = None if manifest.stream else sizes[blob]
        kind, size_bytes = kind_of(entry.name), entry.size_bytes
        yield ContentSize(kind, package(entry.name), size_bytes, packed_bytes, blob in shared)


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
    """The part of an interpreter that a path belongs to; what is not a package is in brackets."""
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


def _sum(name: str, contents: Sequence[ContentSize]) -> Share:
    packed = [each.packed_bytes for each in contents if each.packed_bytes is not None]
    packed_bytes = sum(packed) if len(packed) == len(contents) else None
    return Share(name, len(contents), sum(each.plain_bytes for each in contents), packed_bytes)
