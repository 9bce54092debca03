"""``goempy sizes``: where the bytes of payloads go, of a directory or of tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.requests import SizesRequest
from pipeline.cli.workspace import Session
from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import FILE_NAME, parse_manifest
from pipeline.formats.payload.reader import read_payload
from pipeline.publish.picture import draw
from pipeline.publish.sizes import (
    Breakdown,
    Share,
    StepRow,
    Stored,
    TagSizes,
    break_down,
    manifests_of,
    measure,
    measure_tag,
    payload_row,
    tag_rows,
)
from pipeline.system.errors import UsageError
from pipeline.system.files import write_atomically
from pipeline.system.git import Git
from pipeline.system.suggest import near_names
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes

_TAG = re.compile(r"v\d.*")
_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class _Subject:
    """A cell or tag that was read: its rows, and its bytes in parts."""

    rows: tuple[StepRow, ...]
    breakdown: Breakdown


def sizes(request: SizesRequest, session: Session) -> None:
    """Print the sizes of cells and tags; those of a single one in parts as well."""
    folder = request.payloads.resolve()
    repo = Git((request.repo or session.root).resolve(), session.env)
    names = tuple(dict.fromkeys(request.names))
    cells = cells_below(folder)
    found_tags = _tags(names, repo)
    _require_known(names, cells, found_tags, folder)
    subjects = [
        _read_tag(name, repo) if name in found_tags else _read_cell(name, cells[name])
        for name in names or cells
    ]
    rows = [row for subject in subjects for row in subject.rows]
    if request.svg is not None:
        write_atomically(request.svg.resolve(), draw(rows, subjects[0].breakdown))
        session.console.info(f"drew {request.svg}")
    _show_steps(rows, session)
    if len(subjects) == 1:
        _show_parts(subjects[0].breakdown, session)


def cells_below(folder: Path) -> dict[str, Path]:
    """The payload directories in ``folder`` by the names of their cells, pip last."""
    found = {
        path.parent.relative_to(folder).as_posix(): path.parent
        for pattern in (f"*/*/{FILE_NAME}", f"{PIP_CELL}/{FILE_NAME}")
        for path in folder.glob(pattern)
    }
    return {name: found[name] for name in sorted(found, key=_natural)}


def _natural(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """3.9 comes before 3.10."""
    parts = re.findall(r"\d+|\D+", name)
    return name == PIP_CELL, [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]


def _tags(names: Sequence[str], repo: Git) -> Collection[str]:
    """The repository's tags; none where no name looks like one, for there may be no repository."""
    if not any(_TAG.fullmatch(name) for name in names):
        return ()
    repo.git_dir()
    return [tag for tag in repo.tags() if _TAG.fullmatch(tag)]


def _require_known(
    names: Sequence[str], cells: Mapping[str, Path], found_tags: Collection[str], folder: Path
) -> None:
    """Raise ``UsageError`` for names that are nothing, and where there is nothing to name."""
    hint = "Build cells with 'goempy build', or name another folder with --payloads."
    if not names and not cells:
        raise UsageError(f"{folder} holds no payloads", hint=hint)
    faults = []
    for name in names:
        known = found_tags if _TAG.fullmatch(name) else cells
        if name not in known:
            what = "tag" if _TAG.fullmatch(name) else "cell"
            faults.append(near_names(what, name, known) if known else f"no {what} {name!r}")
    if faults:
        raise UsageError(
            f"these are neither cells of {folder} nor tags of the repository",
            details=faults,
            hint="A cell is named as in 'goempy plan', a tag as in git; see --payloads, --repo.",
        )


def _read_cell(name: str, folder: Path) -> _Subject:
    payload = read_payload(folder)
    measured = measure(
        Stored(
            name,
            payload.manifest,
            (folder / FILE_NAME).stat().st_size,
            {blob.name: blob.stored_bytes for blob in payload.blobs},
        )
    )
    return _Subject((payload_row(measured),), break_down(name, measured.contents))


def _read_tag(name: str, repo: Git) -> _Subject:
    measured = _measure_tag(name, repo)
    return _Subject(tag_rows(measured), break_down(name, measured.contents))


def _measure_tag(name: str, repo: Git) -> TagSizes:
    files = repo.files(f"refs/tags/{name}")
    manifests = {
        each: parse_manifest(repo.read_blob(file.id), where=f"{name}:{file.path}")
        for each, file in manifests_of(files).items()
    }
    return measure_tag(name, files, manifests)


def _show_steps(rows: Sequence[StepRow], session: Session) -> None:
    """A row a payload; how they make modules where tags are among them."""
    has_tags = any(row.fetched is not None for row in rows)
    titles = ["archive", "unpacked", "trimmed", "stripped", "packed"]
    titles += ["shared", "embedded", "fetched"] if has_tags else ["embedded"]
    cells = [[row.name, *(_size(getattr(row, title)) for title in titles)] for row in rows]
    columns = [Column("cell"), *(Column(title, right=True) for title in titles)]
    session.console.table(columns, cells)
    session.console.info(
        "packed: all blobs; embedded: with the manifest, as a Go binary gets them"
        + (
            "; shared: blobs that all platforms of a tag have; fetched: what the module has of it"
            if has_tags
            else ""
        )
    )


def _size(count: int | None) -> str:
    return _UNKNOWN if count is None else human_bytes(count)


def _show_parts(breakdown: Breakdown, session: Session) -> None:
    for title, shares in (("kind of file", breakdown.kinds), ("package", breakdown.packages)):
        session.console.result(f"\n{breakdown.name} by {title}")
        columns = [Column(title), *(Column(each, right=True) for each in _part_titles(breakdown))]
        rows = [list(_part_row(share, breakdown.total)) for share in (*shares, breakdown.total)]
        session.console.table(columns, rows)
    if breakdown.total.packed_bytes is None:
        session.console.info(
            f"{breakdown.name} is packed as one stream, in which no file has a size of its own: "
            "shares are those of uncompressed bytes"
        )


def _part_titles(breakdown: Breakdown) -> list[str]:
    packed = [] if breakdown.total.packed_bytes is None else ["packed"]
    return ["files", "uncompressed", *packed, "share"]


def _part_row(share: Share, total: Share) -> Iterator[str]:
    yield share.name
    yield f"{share.files:,}"
    yield human_bytes(share.plain_bytes)
    if total.packed_bytes is not None:
        yield _size(share.packed_bytes)
        yield _percent(share.packed_bytes or 0, total.packed_bytes)
    else:
        yield _percent(share.plain_bytes, total.plain_bytes)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else _UNKNOWN
