"""Pin the assets of the matrix, and move its lines to newer interpreters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.config.cells import find_primary
from pipeline.config.lock import asset_refs, compare_pins, dump_lock, pin_assets
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Matrix
from pipeline.config.project import LOCK_FILE, MATRIX_FILE, read_matrix, read_primary
from pipeline.config.update import UpdatePlan, archives, cell_assets, edit_matrix, plan_update
from pipeline.sources.catalog import ReleaseCatalog
from pipeline.system.errors import AssetNotFoundError, ConfigError
from pipeline.system.files import disk_errors, scratch_dir
from pipeline.system.units import counted


def lock_text(matrix: Matrix, catalog: ReleaseCatalog, *, keep: bool = False) -> str:
    """``matrix.lock`` for the assets of ``matrix``; prints what differs from the old one.

    ``keep``: see ``ReleaseCatalog.listings``.
    """
    refs = asset_refs(matrix)
    locked = pin_assets(refs, catalog.listings(refs, keep=keep), catalog.source.title)
    console = catalog.console
    if locked.undigested:
        console.warning(
            "GitHub has no sha256 for these assets, which were uploaded before June 2025; they are "
            f"pinned by SHA256SUMS alone: {', '.join(locked.undigested)}"
        )
    for row in list(compare_pins(catalog.old_pins, locked.pins)) or ["nothing changed"]:
        console.info(f"{LOCK_FILE}: {row}")
    unsized = sum(pin.size_bytes is None for pin in locked.pins)
    console.info(f"{LOCK_FILE}: {counted(len(locked.pins), 'asset')}, {unsized} without a size")
    return dump_lock(locked.pins)


@dataclass(frozen=True, slots=True)
class MatrixUpdate:
    """An update, ready to be written; ``texts`` are whole files by name, none if no line moves."""

    plan: UpdatePlan
    texts: Mapping[str, str]


def update_matrix(
    root: Path, catalog: ReleaseCatalog, today: date, release: str = ""
) -> MatrixUpdate:
    """Move the lines of ``matrix.toml`` to ``release``, by default the newest; writes nothing."""
    matrix = read_matrix(root)
    plan = _plan(matrix, release or catalog.newest(), catalog, today)
    if not plan.moves:
        return MatrixUpdate(plan, {})
    text = edit_matrix((root / MATRIX_FILE).read_bytes().decode("utf-8-sig"), plan)
    moved = parse_matrix(text)
    _check_primary(moved, read_primary(root))
    return MatrixUpdate(plan, {MATRIX_FILE: text, LOCK_FILE: lock_text(moved, catalog, keep=True)})


def _plan(matrix: Matrix, release: str, catalog: ReleaseCatalog, today: date) -> UpdatePlan:
    new = catalog.listing(release)
    if not any(archives(new, matrix.archive)):
        raise AssetNotFoundError(
            f"release {release} at {catalog.source.title} has no {matrix.archive} archive of PBS",
            hint="Name another release with --pbs.",
        )
    listings = {release: new}
    for old in sorted({line.pbs for line in matrix.lines} - {release}):
        try:
            listings[old] = catalog.listing(old)
        except AssetNotFoundError as fault:
            catalog.console.warning(f"{fault.what}; what changed since then is not known")
    plan = plan_update(matrix, new, listings, today)
    # Where each size costs a request, only those that the summary needs are asked for.
    for line in [each for step in plan.steps if step.moves for each in (step.before, step.after)]:
        if line.pbs in listings:
            names = cell_assets(matrix, line)
            listings[line.pbs] = catalog.with_sizes(listings[line.pbs], names)
    return plan_update(matrix, listings[release], listings, today)


def _check_primary(matrix: Matrix, primary: str) -> None:
    try:
        find_primary(matrix.lines, primary)
    except ConfigError as fault:
        raise ConfigError(
            f"after the update, {fault.what}",
            hint="Write the minor version alone, such as 3.14, into PRIMARY_PYTHON.",
        ) from fault


def apply_update(root: Path, update: MatrixUpdate) -> None:
    """Write the files; all are complete on the disk before the first one is replaced."""
    with scratch_dir(root) as scratch, disk_errors(root):
        for name, text in update.texts.items():
            (scratch / name).write_bytes(text.encode())
            (scratch / name).chmod(0o644)
        for name in update.texts:
            (scratch / name).replace(root / name)
