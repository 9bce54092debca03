"""Releases to publish, read from the folders that ``goempy assets`` wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import tags as tag_rules
from pipeline.publish.release_notes import NOTES, SUMS
from pipeline.system.errors import UsageError
from pipeline.system.files import sha256_of

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""Names that GitHub does not change."""
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")
_HEADING = "# "
MAX_NOTES = 125_000
"""Characters of a release's text; GitHub says so when there are more ("body is too long")."""
_HINT = "Make it with 'goempy assets'."


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file to upload."""

    path: Path
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """Its name on GitHub."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class ReleaseSpec:
    """A release as it should be; ``files`` are sorted by name."""

    tag: str
    title: str
    notes: str
    files: tuple[AssetFile, ...]

    @property
    def primary(self) -> bool:
        """Whether its tag is that of the primary line."""
        return tag_rules.sort_key(self.tag).prerelease is None


def read_release_specs(root: Path, names: Sequence[str]) -> list[ReleaseSpec]:
    """The releases of the tags ``names``, by default of all folders in ``root``.

    Raises ``UsageError`` for tags without a folder, and for folders that are not releases.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", hint=_HINT)
    found = {each.name: each for each in sorted(root.iterdir()) if each.is_dir()}
    wanted = dict.fromkeys(names or [name for name in found if not name.startswith(".")])
    faults = [f"{name} has no folder" for name in wanted if name not in found]
    faults += [
        f"{name} is not a release tag" for name in wanted if tag_rules.version_of(name) is None
    ]
    if faults or not wanted:
        raise UsageError(
            f"{root} does not contain the releases to publish", details=faults, hint=_HINT
        )
    return [read_release_spec(found[name]) for name in wanted]


def read_release_spec(folder: Path) -> ReleaseSpec:
    """The release of the tag that ``folder`` is named after.

    Raises ``UsageError`` if its files are not those of its SHA256SUMS.
    """
    try:
        text = (folder / NOTES).read_text("utf-8")
    except OSError as fault:
        raise UsageError(
            f"{folder} is not a release: {NOTES} cannot be read", hint=_HINT
        ) from fault
    title, _, rest = text.partition("\n")
    if not title.startswith(_HEADING):
        title, rest = folder.name, text
    files = tuple(
        AssetFile(path, path.stat().st_size, sha256_of(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != NOTES
    )
    notes = rest.strip() + "\n"
    faults = list(_faults(files))
    if len(notes) > MAX_NOTES:
        faults.append(f"{NOTES} has {len(notes):,} characters, and GitHub takes {MAX_NOTES:,}")
    if faults:
        raise UsageError(f"{folder} is not a release to publish", details=faults, hint=_HINT)
    return ReleaseSpec(folder.name, title.removeprefix(_HEADING), notes, files)


def _faults(files: Sequence[AssetFile]) -> Iterator[str]:
    found = {file.name: file for file in files}
    yield from (
        f"GitHub would rename {name!r}" for name in found if not _PLAIN_NAME.fullmatch(name)
    )
    yield from (f"{file.name} is empty" for file in files if not file.size_bytes)
    if SUMS not in found:
        yield f"it has no {SUMS}"
        return
    for row in found[SUMS].path.read_text("utf-8").splitlines():
        match = _SUM.fullmatch(row)
        if match is None or match[2] not in found or found[match[2]].sha256 != match[1]:
            yield f"{SUMS} differs: {row}"
