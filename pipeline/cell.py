"""Build one cell: read its archive, decide what stays, and make the payload.

``plan_cell`` reads the archive once and decides; its result can be printed. ``apply_cell`` reads
it a second time and writes only what stays, so what is dropped never reaches the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import elf
from pipeline.errors import ArchiveError
from pipeline.host import CHUNK_BYTES
from pipeline.model import Asset, Cell, Kind, Manifest, Matrix, Member
from pipeline.payload import manifest as format1
from pipeline.payload import pack
from pipeline.payload import stage as stages
from pipeline.payload.recipe import cell_digest, origin_of
from pipeline.trim import TrimPlan, plan_trim
from pipeline.upstream import archive

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class CellPlan:
    """What becomes of a cell's archive."""

    cell: Cell
    asset: Asset
    path: Path
    inventory: archive.Inventory
    trim: TrimPlan
    digest: str
    strip: bool

    @property
    def kept_bytes(self) -> int:
        """The shipped files as they stand in the archive."""
        return sum(member.size_bytes for member in self._contents())

    @property
    def shipped_bytes(self) -> int:
        """The shipped files, stripped; a content that several names share counts once."""
        return sum(self.shipped_size(member) for member in self._contents())

    def _contents(self) -> Collection[Member]:
        return {m.content: m for m in self.trim.kept if m.kind is Kind.FILE}.values()

    def shipped_size(self, member: Member) -> int:
        """A member's size in the payload: an ELF file's is that after stripping."""
        plan = self.strip_plan(member)
        return member.size_bytes if plan is None else plan.out_size_bytes

    def strip_plan(self, member: Member) -> elf.StripPlan | None:
        """How the member is stripped, if it is."""
        return self.inventory.strips.get(member.content) if self.strip else None


@dataclass(frozen=True, slots=True)
class CellResult:
    """A finished payload and how its bytes became fewer, in bytes."""

    cell: Cell
    folder: Path
    manifest: Manifest
    archive_bytes: int
    unpacked_bytes: int
    trimmed_bytes: int
    stripped_bytes: int
    packed_bytes: int


def plan_cell(cell: Cell, asset: Asset, path: Path, matrix: Matrix) -> CellPlan:
    """Read the archive at ``path`` and decide; raises ``ArchiveError`` and ``TreeError``."""
    inventory = archive.scan(path, asset)
    trim = plan_trim(inventory.members, matrix.trim, windows=cell.platform.goos == "windows")
    digest = cell_digest(cell, asset.sha256, matrix)
    return CellPlan(cell, asset, path, inventory, trim, digest, matrix.trim.strip)


def apply_cell(
    plan: CellPlan, out: Path, matrix: Matrix, *, processors: int, advance: Advance
) -> CellResult:
    """Write the payload to ``out/<cell name>``, whole or not at all.

    ``advance`` is told of bytes as they are compressed, ``plan.shipped_bytes`` in all at most.
    """
    with stages.staging(out) as stage:
        contents = _stage_contents(plan, stage)
        packed = pack.pack_tree(
            stage,
            _tree(plan, contents),
            out / plan.cell.name,
            matrix.payload,
            processors=processors,
            advance=advance,
        )
    return CellResult(
        plan.cell,
        packed.folder,
        packed.manifest,
        archive_bytes=plan.asset.size_bytes,
        unpacked_bytes=plan.inventory.unpacked_bytes,
        trimmed_bytes=plan.kept_bytes,
        stripped_bytes=plan.shipped_bytes,
        packed_bytes=packed.packed_bytes,
    )


def _stage_contents(plan: CellPlan, stage: stages.Stage) -> dict[int, stages.Content]:
    """Stage every shipped content, stripped where planned; by ordinal in the archive."""
    files = {m.content: m for m in plan.trim.kept if m.kind is Kind.FILE}
    staged: dict[int, stages.Content] = {}
    for ordinal, read in archive.contents(plan.path, plan.asset, files.keys()):
        member = files[ordinal]
        strip_plan = plan.strip_plan(member)
        staged[ordinal] = stage.add(_feed(read, member.size_bytes, strip_plan))
        expected = member.size_bytes if strip_plan is None else strip_plan.out_size_bytes
        if staged[ordinal].size_bytes != expected:
            raise _changed(plan.asset, member.name)
    if missing := files.keys() - staged.keys():
        raise _changed(plan.asset, files[min(missing)].name)
    return staged


def _feed(read: archive.Read, size_bytes: int, strip_plan: elf.StripPlan | None) -> stages.Feed:
    def feed(write: stages.Write) -> None:
        if strip_plan is not None:
            elf.strip(read, size_bytes, strip_plan, write)
            return
        while chunk := read(CHUNK_BYTES):
            write(chunk)

    return feed


def _changed(asset: Asset, member: str) -> ArchiveError:
    return ArchiveError(
        f"{asset.name}: {member} differs between two readings",
        remedy="Something changed the file meanwhile; run it again.",
    )


def _tree(plan: CellPlan, contents: Mapping[int, stages.Content]) -> pack.Tree:
    files, others = [], []
    for member in plan.trim.kept:
        if member.kind is Kind.DIR:
            others.append(format1.dir_entry(member.name))
        elif member.kind is Kind.LINK:
            others.append(format1.link_entry(member.name, member.target))
        else:
            content = contents[member.content]
            files.append(pack.PackFile(member.name, content, member.executable))
    origin = origin_of(plan.cell, plan.asset.sha256)
    return pack.Tree(tuple(files), tuple(others), origin, plan.digest)
