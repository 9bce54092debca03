"""Tag the payloads of a directory, together with those that earlier tags hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.model import Cell, Pin
from pipeline.config.project import Config
from pipeline.formats.payload.reader import Payload
from pipeline.release.compare import PartComparison, require_reproduced
from pipeline.release.payload_dir import load_payloads
from pipeline.release.payload_set import PayloadResolver
from pipeline.release.tag_index import known_tags
from pipeline.release.tagging import (
    Tagged,
    TagPlan,
    Target,
    lacking_licenses,
    make_tags,
    plan_tags,
    tag_workspace,
)
from pipeline.release.third_party_licenses import FILE_NAME as NOTICES
from pipeline.system.console import Console
from pipeline.system.errors import GitError, LicenseError
from pipeline.system.git import Git


@dataclass(frozen=True, slots=True)
class FinalizeRequest:
    """Tag ``cells`` from the directory ``payloads``; with ``rebuild``, only compare with tags.

    ``pins`` are by asset name. ``require_licenses``: refuse payloads without licence texts.
    """

    config: Config
    cells: tuple[Cell, ...]
    pins: Mapping[str, Pin]
    payloads: Path
    target: Target
    rebuild: bool
    require_licenses: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Finalized:
    """The tags, none after a rebuild; ``origins`` say where each payload comes from, by cell."""

    tagged: tuple[Tagged, ...] = ()
    origins: Mapping[str, str] | None = None


def finalize(
    request: FinalizeRequest,
    console: Console,
    show: Callable[[Sequence[PartComparison]], None],
) -> Finalized:
    """Commit the payloads and tag them; ``show`` gets comparisons with tags that exist.

    Raises ``PayloadError``, ``VerifyError``, ``LicenseError`` or ``TagConflictError``; then
    nothing was written.
    """
    matrix, cells = request.config.matrix, request.cells
    with tag_workspace(request.target, "HEAD", request.payloads, console.info) as workspace:
        built = load_payloads(cells, matrix, request.payloads, request.pins)
        known = known_tags(request.target.repo, request.target.remote, workspace.scratch)
        resolver = PayloadResolver(request.config, cells, request.pins, known, workspace)
        if resolver.is_released():
            compared = resolver.compare(built, strict=request.rebuild)
            show(compared)
            require_reproduced(compared)
            if request.rebuild:
                return Finalized()
        resolved = resolver.complete(built)
        for name, origin in resolved.origins.items():
            if name not in built:
                console.info(f"{name}: {origin}")
        plans = plan_release_tags(request.config, cells, resolved.payloads, console)
        check_licenses(plans, console, required=request.require_licenses)
        tagged = make_tags(plans, workspace, dry_run=request.dry_run)
        return Finalized(tagged, resolved.origins)


def plan_release_tags(
    config: Config, cells: Sequence[Cell], payloads: Mapping[str, Payload], console: Console
) -> tuple[TagPlan, ...]:
    """The tags of this VERSION; ``payloads`` are by cell name."""
    plans = plan_tags(config.matrix, config.version, config.primary, cells, payloads)
    console.info(f"tagging {', '.join(each.tag for each in plans)}")
    return plans


def check_licenses(plans: Sequence[TagPlan], console: Console, *, required: bool) -> None:
    """Warn of payloads without licence texts; raise ``LicenseError`` if they are required."""
    details = lacking_licenses(plans)
    if not details:
        return
    if required:
        raise LicenseError(
            "payloads lack licence texts of software in them; nothing was written",
            details=details,
            hint='Build them from full archives (archive = "full" in matrix.toml), pin wheels '
            "that include their licence texts, or push anyway with --without-licenses.",
        )
    console.warning(
        f"payloads lack licence texts of software in them; {NOTICES} on their tags says so"
    )
    for detail in details:
        console.info(f"  - {detail}")


def warn_if_dirty(checkout: Git, console: Console) -> None:
    """Tags hold the files as they are now, and name a commit as their source."""
    try:
        if checkout.is_clean():
            return
        head = checkout.commit("HEAD").id
    except GitError:
        return  # not a checkout: the steps that need one say so
    console.warning(
        f"{checkout.folder} has uncommitted changes; the tags will hold them, but name commit "
        f"{head[:12]} as their source"
    )
