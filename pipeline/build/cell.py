"""Build one cell: read its archive, decide what stays, and make the payload.

``plan_cell`` reads the archive once and decides; its result can be printed. ``apply_cell`` reads
it a second time and writes only what stays, so what is dropped never reaches the disk.
"""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build import inventory as archive
from pipeline.build import pack
from pipeline.build import staging as stages
from pipeline.build.bytecode.compile import Compiled, SourceFile
from pipeline.build.bytecode.select import Module, select_modules
from pipeline.build.components import (
    parse_build_info,
    plan_components,
    possible_texts,
    settle_components,
)
from pipeline.build.digest import cell_digest, origin_of, payload_config
from pipeline.build.model import Kind, Member
from pipeline.build.tar_reader import Read
from pipeline.build.trim import TrimPlan, plan_trim
from pipeline.config.model import Asset, Cell, Matrix
from pipeline.formats.elf.strip import StripPlan, strip
from pipeline.formats.forward_reader import ForwardReader
from pipeline.formats.library_versions import LibraryDetector
from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.model import (
    LICENSES,
    Component,
    Manifest,
    Origin,
    PayloadMetadata,
    Steps,
)
from pipeline.system.errors import ArchiveError
from pipeline.system.files import CHUNK_BYTES, disk_errors, scratch_dir

SUPPLEMENT = Path(__file__).with_name("licenses")
"""Texts that PYTHON.json names and PBS's archives lack (seen in releases of 2026)."""
Advance = Callable[[int], None]
Compiler = Callable[[Sequence[SourceFile], Path], Sequence[Compiled]]
"""Compiles sources into a directory, with the very Python version of the cell's line."""


@dataclass(frozen=True, slots=True)
class CellPlan:
    """What becomes of a cell's archive."""

    cell: Cell
    asset: Asset
    path: Path
    inventory: archive.Inventory
    trim: TrimPlan
    components: tuple[Component, ...]
    """What the payload may contain; none where the archive does not tell."""
    origin: Origin
    digest: str
    strip: bool
    modules: tuple[Module, ...] = ()
    """What of the standard library ships compiled."""

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

    def texts(self) -> Iterator[tuple[str, Member]]:
        """Licence texts of the archive that may ship, by their names in the payload's tree."""
        for name in possible_texts(self.components) if self.components else ():
            member = self.inventory.texts.get(posixpath.basename(name))
            if member is not None:
                yield name, member

    def shipped_size(self, member: Member) -> int:
        """A member's size in the payload: an ELF file's is that after stripping."""
        plan = self.strip_plan(member)
        return member.size_bytes if plan is None else plan.out_size_bytes

    def strip_plan(self, member: Member) -> StripPlan | None:
        """How the member is stripped, if it is."""
        return self.inventory.strips.get(member.content) if self.strip else None


@dataclass(frozen=True, slots=True)
class CellResult:
    """A finished payload."""

    cell: Cell
    folder: Path
    manifest: Manifest
    steps: Steps
    packed_bytes: int


def plan_cell(
    cell: Cell, asset: Asset, path: Path, matrix: Matrix, attestation: str = ""
) -> CellPlan:
    """Read the archive at ``path`` and decide; raises ``ArchiveError`` and ``TreeError``.

    ``attestation`` is who signed the asset's build provenance, where that was verified.
    """
    inventory = archive.scan(path, asset)
    trim = plan_trim(inventory.members, matrix.trim, windows=cell.platform.goos == "windows")
    return CellPlan(
        cell,
        asset,
        path,
        inventory,
        trim,
        _components(cell, inventory, trim, asset),
        origin_of(cell, asset.sha256, matrix, attestation),
        cell_digest(cell, asset.sha256, matrix),
        matrix.trim.strip,
        select_modules(trim.kept, payload_config(cell, matrix)),
    )


def _components(
    cell: Cell, inventory: archive.Inventory, trim: TrimPlan, asset: Asset
) -> tuple[Component, ...]:
    if not inventory.build_info:
        return ()
    info = parse_build_info(inventory.build_info, where=asset.name)
    told = (info.version, info.triple)
    if told != (str(cell.line.python), cell.platform.triple):
        raise ArchiveError(
            f"{asset.name}: its PYTHON.json is that of CPython {' for '.join(told)}",
            hint="The archive is not what its name says: pin another, or ask whoever made it.",
        )
    return plan_components(info, {each.member.name for each in trim.dropped})


def apply_cell(
    plan: CellPlan,
    out: Path,
    matrix: Matrix,
    *,
    processors: int,
    progress: Callable[[int], Advance] = lambda _total: lambda _count: None,
    compiler: Compiler | None = None,
) -> CellResult:
    """Write the payload to ``out/<cell name>``, whole or not at all.

    ``progress`` is called with the bytes that will be compressed; its result is told of them as
    they are. ``compiler`` is needed where ``plan.modules`` are to be compiled.
    """
    steps = Steps(
        archive=plan.asset.size_bytes,
        unpacked=plan.inventory.unpacked_bytes,
        trimmed=plan.kept_bytes,
        stripped=plan.shipped_bytes,
    )
    with stages.staging(out) as stage:
        scout = LibraryDetector()
        contents = _stage_contents(plan, stage, scout)
        texts = _stage_texts(plan, contents, stage)
        components: tuple[Component, ...] = ()
        if plan.components:
            components = settle_components(plan.components, scout.found(), texts)
        about = PayloadMetadata(plan.origin, plan.digest, components, steps)
        pycs = _stage_bytecode(plan, contents, stage, compiler)
        tree = _tree(plan, contents, pycs | _of(components, texts), about)
        packed = pack.pack_tree(
            stage,
            tree,
            out / plan.cell.name,
            matrix.payload,
            processors=processors,
            advance=progress(tree.content_bytes),
        )
    return CellResult(plan.cell, packed.folder, packed.manifest, steps, packed.packed_bytes)


def _stage_contents(
    plan: CellPlan, stage: stages.Stage, scout: LibraryDetector
) -> dict[int, stages.StagedContent]:
    """Stage every shipped content, stripped where planned; by ordinal in the archive.

    ``scout`` sees the binaries among them.
    """
    files = {m.content: m for m in plan.trim.kept if m.kind is Kind.FILE}
    files |= {member.content: member for _name, member in plan.texts()}
    staged: dict[int, stages.StagedContent] = {}
    for ordinal, read in archive.contents(plan.path, plan.asset, files.keys()):
        member = files[ordinal]
        strip_plan = plan.strip_plan(member)
        feed = _feed(read, member.size_bytes, strip_plan)
        staged[ordinal] = stage.add(_watched(feed, scout) if _is_binary(member.name) else feed)
        expected = member.size_bytes if strip_plan is None else strip_plan.out_size_bytes
        if staged[ordinal].size_bytes != expected:
            raise _changed(plan.asset, member.name)
    if missing := files.keys() - staged.keys():
        raise _changed(plan.asset, files[min(missing)].name)
    return staged


def _feed(read: Read, size_bytes: int, strip_plan: StripPlan | None) -> stages.ContentWriter:
    def feed(write: stages.Write) -> None:
        if strip_plan is not None:
            strip(ForwardReader(read, size_bytes), strip_plan, write)
            return
        while chunk := read(CHUNK_BYTES):
            write(chunk)

    return feed


def _stage_texts(
    plan: CellPlan, contents: Mapping[int, stages.StagedContent], stage: stages.Stage
) -> dict[str, stages.StagedContent]:
    """The licence texts that may ship: the archive's, and those that PBS names and leaves out."""
    staged = {name: contents[member.content] for name, member in plan.texts()}
    for path in sorted(SUPPLEMENT.iterdir()) if plan.components else ():
        staged.setdefault(f"{LICENSES}/{path.name}", stage.add(_copy_of(path)))
    return staged


def _of(
    components: Sequence[Component], texts: Mapping[str, stages.StagedContent]
) -> dict[str, stages.StagedContent]:
    return {name: texts[name] for each in components for name in each.texts}


def _stage_bytecode(
    plan: CellPlan,
    contents: Mapping[int, stages.StagedContent],
    stage: stages.Stage,
    compiler: Compiler | None,
) -> dict[str, stages.StagedContent]:
    """Compile what is to ship compiled; the results by their names in the tree."""
    staged: dict[str, stages.StagedContent] = {}
    if not plan.modules:
        return staged
    if compiler is None:
        raise ValueError(f"{plan.cell.name} is to ship bytecode, and nothing compiles it")
    for folder in sorted({module.folder for module in plan.modules}):
        sources = [
            SourceFile(module.name, stage.path(contents[module.member.content].sha256))
            for module in plan.modules
            if module.folder == folder
        ]
        with scratch_dir(stage.folder) as scratch:
            for compiled in compiler(sources, scratch):
                content = stage.add(_copy_of(compiled.path))
                staged[f"{folder}/{compiled.name}"] = content
    return staged


def _copy_of(path: Path) -> stages.ContentWriter:
    return lambda write: write(path.read_bytes())


def _watched(feed: stages.ContentWriter, scout: LibraryDetector) -> stages.ContentWriter:
    def watched(write: stages.Write) -> None:
        see = scout.watch()

        def write_seen(chunk: bytes) -> None:
            see(chunk)
            write(chunk)

        feed(write_seen)

    return watched


def _is_binary(name: str) -> bool:
    """Whether a file may contain a library: what is not, is text that Python reads."""
    return not name.endswith((".py", ".txt", ".pyi"))


def _changed(asset: Asset, member: str) -> ArchiveError:
    return ArchiveError(
        f"{asset.name}: {member} differs between two readings",
        hint="Something changed the file meanwhile; run it again.",
    )


def _tree(
    plan: CellPlan,
    contents: Mapping[int, stages.StagedContent],
    made: Mapping[str, stages.StagedContent],
    about: PayloadMetadata,
) -> pack.Tree:
    files = [pack.PackFile(name, content) for name, content in made.items()]
    others = [format1.dir_entry(name) for name in {posixpath.dirname(name) for name in made}]
    for member in plan.trim.kept:
        if member.kind is Kind.DIR:
            others.append(format1.dir_entry(member.name))
        elif member.kind is Kind.LINK:
            others.append(format1.link_entry(member.name, member.target))
        else:
            content = contents[member.content]
            files.append(pack.PackFile(member.name, content, member.executable))
    return pack.Tree(tuple(files), tuple(others), about)


def unpack_cell(plan: CellPlan, folder: Path) -> None:
    """Write the shipped tree as it stands in the archive below ``folder``, which must be new.

    For interpreters that run here while the others of their line are built.
    """
    files: dict[int, list[Member]] = {
        member.content: [] for member in plan.trim.kept if member.kind is Kind.FILE
    }
    links = []
    with disk_errors(folder):
        folder.mkdir(parents=True)
        for member in plan.trim.kept:
            if member.kind is Kind.DIR:
                (folder / member.name).mkdir()
            elif member.kind is Kind.LINK:
                links.append(member)
            else:
                files[member.content].append(member)
        for ordinal, read in archive.contents(plan.path, plan.asset, files.keys()):
            first, *others = files[ordinal]
            _write_file(folder / first.name, read, executable=first.executable)
            for other in others:
                shutil.copy2(folder / first.name, folder / other.name)
        for link in links:
            (folder / link.name).symlink_to(link.target)


def _write_file(path: Path, read: Read, *, executable: bool) -> None:
    with path.open("wb") as file:
        while chunk := read(CHUNK_BYTES):
            file.write(chunk)
    path.chmod(0o755 if executable else 0o644)
