"""Build one cell: read its archive, decide what stays, and make the payload.

``plan_cell`` reads the archive once and decides; its result can be printed. ``apply_cell`` reads
it a second time and writes only what stays, so what is dropped never reaches the disk.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.build.bytecode.compile import Compiled, SourceFile
from pipeline.build.bytecode.select import Module, select_modules
from pipeline.build.components import (
    parse_build_info,
    plan_components,
    possible_texts,
    settle_components,
)
from pipeline.build.compressor import Compressor, start_early
from pipeline.build.digest import cell_digest, origin_of, payload_config
from pipeline.build.inventory import Inventory, contents, scan
from pipeline.build.model import Kind, Member
from pipeline.build.pack import Packed, PackFile, Tree, pack_tree
from pipeline.build.staging import ContentWriter, Stage, StagedContent, copying, staging
from pipeline.build.sysconfig_data import APPENDED, relocated
from pipeline.build.trim import TrimPlan, plan_trim
from pipeline.config.model import Asset, Cell, Matrix
from pipeline.formats.elf.strip import StripPlan, strip
from pipeline.formats.forward_reader import ForwardReader, Read
from pipeline.formats.library_versions import LibraryDetector
from pipeline.formats.payload.manifest import dir_entry, link_entry
from pipeline.formats.payload.model import (
    LICENSES,
    Component,
    Origin,
    PayloadMetadata,
    Steps,
)
from pipeline.system.errors import ArchiveError
from pipeline.system.files import disk_errors

EXTRA_LICENSES = Path(__file__).with_name("licenses")
"""Texts that PYTHON.json names and PBS's archives lack (seen in releases of 2026)."""
EXTERNALLY_MANAGED = Path(__file__).with_name("EXTERNALLY-MANAGED")
"""Beside the standard library: keeps pip from installing into a tree that an upgrade replaces
(https://packaging.python.org/en/latest/specifications/externally-managed-environments/)."""
_INTERPRETER = re.compile(r"bin/python3\.\d+t?|python\.exe")
Compiler = Callable[[Sequence[SourceFile]], Sequence[Compiled]]
"""Compiles sources with the Python version of the cell's line."""


@dataclass(frozen=True, slots=True)
class CellPlan:
    """What becomes of the archive at ``path``."""

    cell: Cell
    asset: Asset
    path: Path
    inventory: Inventory
    trim: TrimPlan
    components: tuple[Component, ...]
    """What the payload may contain; none where the archive has no PYTHON.json."""
    origin: Origin
    digest: str
    strip: bool
    modules: tuple[Module, ...] = ()
    """What of the standard library ships compiled."""
    relocated: frozenset[str] = frozenset()
    """Names of modules that describe the tree where it is, since things are compiled against it."""
    unpacked: Path | None = None
    """The folder of ``unpack_cell``; contents are read there, not in the archive again."""

    @property
    def steps(self) -> Steps:
        """How the bytes become fewer; a content that several names share counts once."""
        files = {m.content: m for m in self.trim.kept if m.kind is Kind.FILE}.values()
        return Steps(
            archive=self.asset.size_bytes,
            unpacked=self.inventory.unpacked_bytes,
            trimmed=sum(member.size_bytes for member in files),
            stripped=sum(self.shipped_size(member) for member in files),
        )

    def texts(self) -> Iterator[tuple[str, Member]]:
        """Licence texts of the archive that may ship, by their names in the payload's tree."""
        for name in possible_texts(self.components) if self.components else ():
            member = self.inventory.texts.get(posixpath.basename(name))
            if member is not None:
                yield name, member

    def files(self) -> Mapping[int, Mapping[str, Member]]:
        """The files that may ship, by their content's ordinal and their names in the tree."""
        files = defaultdict[int, dict[str, Member]](dict)
        for member in self.trim.kept:
            if member.kind is Kind.FILE:
                files[member.content][member.name] = member
        for name, member in self.texts():
            files[member.content][name] = member
        return files

    def shipped_size(self, member: Member) -> int:
        """A member's size in the payload: an ELF file's is that after stripping."""
        plan = self.strip_plan(member)
        size_bytes = member.size_bytes if plan is None else plan.out_size_bytes
        return size_bytes + len(self.appended(member))

    def appended(self, member: Member) -> bytes:
        """What follows the member's content in the payload."""
        return APPENDED if member.name in self.relocated else b""

    def strip_plan(self, member: Member) -> StripPlan | None:
        """How the member is stripped, if it is."""
        return self.inventory.strips.get(member.content) if self.strip else None


def plan_cell(
    cell: Cell, asset: Asset, path: Path, matrix: Matrix, attestation: str = ""
) -> CellPlan:
    """Read the archive at ``path`` and decide; raises ``ArchiveError`` and ``TreeError``.

    ``attestation`` is the workflow that signed the asset's build provenance, where verified.
    """
    inventory = scan(path, asset)
    _require_machine(cell, inventory, asset)
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
        relocated(trim.kept),
    )


def _require_machine(cell: Cell, inventory: Inventory, asset: Asset) -> None:
    """Raises ``ArchiveError`` for an interpreter that the platform's machines cannot run."""
    for member in inventory.members:
        goarch = inventory.goarches.get(member.content, "")
        if _INTERPRETER.fullmatch(member.name) and goarch not in {"", cell.platform.goarch}:
            raise ArchiveError(
                f"{asset.name}: {member.name} is a program for {goarch}, "
                f"the platform is {cell.platform.go_pair}",
                hint="Check triple, goos and goarch of the platform in matrix.toml, and whether "
                "the archive is what its name says.",
            )


def _components(
    cell: Cell, inventory: Inventory, trim: TrimPlan, asset: Asset
) -> tuple[Component, ...]:
    if not inventory.build_info:
        return ()
    info = parse_build_info(inventory.build_info, where=asset.name)
    if (info.version, info.triple) != (str(cell.line.python), cell.platform.triple):
        raise ArchiveError(
            f"{asset.name}: its PYTHON.json is that of CPython {info.version} for {info.triple}",
            hint="The archive contradicts its name: pin another, or report it to its publisher.",
        )
    return plan_components(info, {each.member.name for each in trim.dropped})


def apply_cell(
    plan: CellPlan,
    out: Path,
    matrix: Matrix,
    compressor: Compressor,
    *,
    progress: Callable[[int], Callable[[int], None]] = lambda _total: lambda _count: None,
    compiler: Compiler | None = None,
) -> Packed:
    """Write the payload to ``out/<cell name>``, whole or not at all.

    ``progress`` is called with the bytes that will be compressed; its result is called with each
    count of bytes that were. ``compiler`` is needed where ``plan.modules`` are to be compiled.
    """
    with staging(out) as stage:
        detector = LibraryDetector()
        early = partial(start_early, stage=stage, config=matrix.payload, compressor=compressor)
        staged = _stage_contents(plan, stage, detector, early)
        texts = _stage_texts(plan, staged, stage)
        components: tuple[Component, ...] = ()
        if plan.components:
            components = settle_components(plan.components, detector.found(), texts)
        added = _stage_bytecode(plan, staged, stage, compiler)
        added |= {name: texts[name] for each in components for name in each.texts}
        if (stdlib := _stdlib(plan.trim)) is not None:
            added[f"{stdlib}/{EXTERNALLY_MANAGED.name}"] = stage.add_file(EXTERNALLY_MANAGED)
        about = PayloadMetadata(plan.origin, plan.digest, components, plan.steps)
        tree = _tree(plan, staged, added, about)
        return pack_tree(
            stage,
            tree,
            out / plan.cell.name,
            matrix.payload,
            compressor,
            advance=progress(tree.content_bytes),
        )


def _stdlib(trim: TrimPlan) -> str | None:
    """The folder of the standard library; none in a tree that keeps nothing of it."""
    folders = [
        posixpath.dirname(m.name) for m in trim.kept if posixpath.basename(m.name) == "os.py"
    ]
    return min(folders, key=len, default=None)


def _stage_contents(
    plan: CellPlan,
    stage: Stage,
    detector: LibraryDetector,
    on_staged: Callable[[StagedContent], None],
) -> dict[int, StagedContent]:
    """Stage every content that may ship, stripped where planned; by ordinal in the archive.

    ``detector`` sees the binaries among them.
    """
    files = plan.files()
    staged: dict[int, StagedContent] = {}
    for ordinal, read in _contents(plan, files):
        member = next(iter(files[ordinal].values()))
        observers = [detector.scanner()] if any(map(_is_binary, files[ordinal])) else []
        staged[ordinal] = stage.add(_content(plan, member, read), *observers)
        if staged[ordinal].size_bytes != plan.shipped_size(member):
            raise _changed(plan.asset, member.name)
        on_staged(staged[ordinal])
    if missing := files.keys() - staged.keys():
        raise _changed(plan.asset, next(iter(files[min(missing)])))
    return staged


def _contents(
    plan: CellPlan, files: Mapping[int, Mapping[str, Member]]
) -> Iterator[tuple[int, Read]]:
    if plan.unpacked is None:
        yield from contents(plan.path, plan.asset, files.keys())
        return
    for ordinal, names in files.items():
        with (plan.unpacked / next(iter(names))).open("rb") as file:
            yield ordinal, file.read


def _content(plan: CellPlan, member: Member, read: Read) -> ContentWriter:
    strip_plan = plan.strip_plan(member)
    if strip_plan is None:
        return copying(read, plan.appended(member))
    return partial(strip, ForwardReader(read, member.size_bytes), strip_plan)


def _stage_texts(
    plan: CellPlan, staged: Mapping[int, StagedContent], stage: Stage
) -> dict[str, StagedContent]:
    """The licence texts that may ship: the archive's, and those that it lacks."""
    texts = {name: staged[member.content] for name, member in plan.texts()}
    for path in sorted(EXTRA_LICENSES.iterdir()) if plan.components else ():
        texts.setdefault(f"{LICENSES}/{path.name}", stage.add_file(path))
    return texts


def _stage_bytecode(
    plan: CellPlan, staged: Mapping[int, StagedContent], stage: Stage, compiler: Compiler | None
) -> dict[str, StagedContent]:
    """Compile what is to ship compiled; the results by their names in the tree."""
    pycs: dict[str, StagedContent] = {}
    if not plan.modules:
        return pycs
    if compiler is None:
        raise ValueError(f"{plan.cell.name} ships bytecode, and no compiler was passed")
    for folder in sorted({module.folder for module in plan.modules}):
        sources = [
            SourceFile(module.name, stage.path(staged[module.member.content].sha256))
            for module in plan.modules
            if module.folder == folder
        ]
        for compiled in compiler(sources):
            pycs[f"{folder}/{compiled.name}"] = stage.add_file(compiled.path)
    return pycs


def _is_binary(name: str) -> bool:
    """Whether a file may contain a library: the others are text that Python reads."""
    return not name.endswith((".py", ".txt", ".pyi"))


def _changed(asset: Asset, member: str) -> ArchiveError:
    return ArchiveError(
        f"{asset.name}: {member} differs between two readings",
        hint="Another process changed the file; run it again.",
    )


def _tree(
    plan: CellPlan,
    staged: Mapping[int, StagedContent],
    added: Mapping[str, StagedContent],
    about: PayloadMetadata,
) -> Tree:
    files = [PackFile(name, content) for name, content in added.items()]
    kept = {member.name for member in plan.trim.kept if member.kind is Kind.DIR}
    others = [dir_entry(name) for name in {posixpath.dirname(name) for name in added} - kept]
    for member in plan.trim.kept:
        if member.kind is Kind.DIR:
            others.append(dir_entry(member.name))
        elif member.kind is Kind.LINK:
            others.append(link_entry(member.name, member.target))
        else:
            files.append(PackFile(member.name, staged[member.content], member.executable))
    return Tree(tuple(files), tuple(others), about)


def unpack_cell(plan: CellPlan, folder: Path) -> CellPlan:
    """Write the files that may ship, unstripped, and the links below ``folder``, a new directory.

    Returns the plan that reads the contents there. For interpreters that run during the build.
    """
    files = plan.files()
    with disk_errors(folder):
        for ordinal, read in contents(plan.path, plan.asset, files.keys()):
            first, *others = (folder / name for name in files[ordinal])
            first.parent.mkdir(parents=True, exist_ok=True)
            with first.open("wb") as file:
                copying(read)(file.write)
            first.chmod(0o755 if any(m.executable for m in files[ordinal].values()) else 0o644)
            for other in others:
                other.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(first, other)
        for member in plan.trim.kept:
            if member.kind is Kind.LINK:
                link = folder / member.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(member.target)
    return replace(plan, unpacked=folder)
