"""What one release tag contains: its payloads, its module path, its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import FILE_NAME, parse_manifest
from pipeline.formats.payload.model import Manifest
from pipeline.formats.payload.reader import Payload, StoredBlob, blob_names
from pipeline.release.module_tree import COMMON, DATA, PIP_DATA, PIP_FOLDER
from pipeline.system.errors import PayloadError, UsageError
from pipeline.system.git import Git, GitFile
from pipeline.system.scratch_repo import fetch_blobs

_MODULE = re.compile(rb"^module (\S+)$", re.MULTILINE)
_HINT = "Build the cell instead; the tag is not what goempy made."


def part_folder(part: str) -> str:
    """Where a tag has a part."""
    return f"{PIP_DATA}/{PIP_FOLDER}" if part == PIP_CELL else f"{DATA}/{part}"


@dataclass(frozen=True, slots=True)
class TagContents:
    """What a tag contains; ``files`` are the regular ones, with sizes."""

    tag: str
    module: str
    """The module path, with ``/vN``."""
    date: datetime
    """That of the source commit, in UTC."""
    payloads: Mapping[str, Payload]
    """By platform, sorted; at least one."""
    pip: Payload | None = None
    files: tuple[GitFile, ...] = ()


@dataclass(frozen=True, slots=True)
class TagTree:
    """A tag whose files are in ``git``; if it ``lacks_blobs``, without their contents."""

    tag: str
    git: Git
    commit: str
    files: Mapping[str, GitFile]
    """By path; links and submodules as well."""
    lacks_blobs: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The platforms that have a manifest, and ``pip``, sorted."""
        tail = f"/{FILE_NAME}"
        names = {path.split("/")[-2] for path in self.files if path.endswith(tail)}
        return tuple(sorted(n for n in names if f"{part_folder(n)}{tail}" in self.files))

    def fetch(self, ids: Sequence[str]) -> None:
        """Fetch blobs that the tree lacks."""
        if self.lacks_blobs and ids:
            fetch_blobs(self.git, ids)

    def read(self, path: str) -> bytes:
        """A file's bytes, none for one that does not exist."""
        file = self.files.get(path)
        return self.git.read_blob(file.id) if file else b""

    def contents(self) -> TagContents:
        """Read all manifests; raises ``UsageError`` for a tag that is not a release."""
        module = _MODULE.search(self.read("go.mod"))
        payloads = {part: self.payload(part) for part in self.parts}
        pip = payloads.pop(PIP_CELL, None)
        if not module or not payloads:
            raise UsageError(
                f"{self.tag} is not a release: it contains no payloads",
                hint="Name a tag that 'goempy finalize' or 'goempy release' made.",
            )
        seconds = int(self.git.commit(self.commit).date.split()[0])
        files = tuple(each for each in self.files.values() if each.mode.startswith("100"))
        date = datetime.fromtimestamp(seconds, UTC)
        return TagContents(self.tag, module[1].decode(), date, payloads, pip, files)

    def manifest_file(self, part: str) -> GitFile:
        """The file of a part's manifest; raises ``PayloadError``."""
        path = f"{part_folder(part)}/{FILE_NAME}"
        if path not in self.files:
            raise PayloadError(f"{self.tag} has no {path}", hint=_HINT)
        return self.files[path]

    def payload(self, part: str) -> Payload:
        """A part as the tag has it; raises ``PayloadError`` for one that is not complete."""
        folder = part_folder(part)
        where = f"{self.tag}:{folder}"
        data = self.git.read_blob(self.manifest_file(part).id)
        manifest = parse_manifest(data, where=f"{where}/{FILE_NAME}")
        blobs = tuple(self._blobs(folder, manifest, where))
        return Payload(Path(where), manifest, blobs, self.git.read_blob)

    def _blobs(self, folder: str, manifest: Manifest, where: str) -> Iterator[StoredBlob]:
        faults = []
        for name in blob_names(manifest):
            file = self.files.get(f"{folder}/{name}") or self.files.get(f"{DATA}/{COMMON}/{name}")
            if file is None:
                faults.append(f"blob {name} is missing")
            else:
                yield StoredBlob(name, None, file.size_bytes, file.id)
        if faults:
            raise PayloadError(f"{where} is incomplete", details=faults, hint=_HINT)
