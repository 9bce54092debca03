"""``goempy lock`` and ``update``: which assets are pinned, and newer ones for the matrix."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.cli.requests import LockRequest, UpdateRequest
from pipeline.cli.workspace import Session
from pipeline.config.cells import all_cells, asset_name, find_primary
from pipeline.config.lock import (
    AssetRef,
    Listing,
    LockedAssets,
    check_lock,
    compare_pins,
    dump_lock,
    pin_assets,
)
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Matrix, Pin
from pipeline.config.project import LOCK_FILE, MATRIX_FILE
from pipeline.config.update import (
    UpdatePlan,
    archives,
    cell_assets,
    edit_matrix,
    plan_update,
    summarize,
)
from pipeline.sources.source import AssetSource, FolderSource, WebSource
from pipeline.system.errors import AssetNotFoundError, ConfigError, LockError, UsageError
from pipeline.system.files import disk_errors, scratch_dir, write_atomically
from pipeline.system.github import (
    PUBLIC_API,
    GitHubClient,
    NoApiError,
    Release,
    RepoRef,
    repo_from_download_url,
)

_RELEASE = re.compile(r"\d{8}")


def lock(request: LockRequest, session: Session) -> None:
    """Write ``matrix.lock``, or compare it with the matrix."""
    wanted = _wanted(session.matrix())
    if request.check:
        count = check_lock(session.pins(), wanted)
        session.console.info(f"{LOCK_FILE}: {count} assets, those of {MATRIX_FILE}")
        return
    shelf = ReleaseCatalog(session, session.source(request.source))
    pinned = pin_assets(wanted, shelf.listings(wanted), shelf.source.title)
    text = dump_lock(pinned.pins)
    path = session.root / LOCK_FILE
    _tell(pinned, shelf.old, session)
    if not path.is_file() or path.read_bytes() != text.encode():
        write_atomically(path, text.encode())


def _wanted(matrix: Matrix) -> tuple[AssetRef, ...]:
    names = {AssetRef(c.line.pbs, asset_name(c, matrix.archive)) for c in all_cells(matrix)}
    return tuple(sorted(names))


def _tell(pinned: LockedAssets, old: Mapping[str, Pin], session: Session) -> None:
    """Say what differs from the old lock, and what had to be believed."""
    console = session.console
    if pinned.undigested:
        console.warning(
            "the API has no sha256 of these assets, which were uploaded before June 2025; "
            f"SHA256SUMS alone was believed: {', '.join(pinned.undigested)}"
        )
    rows = list(compare_pins(old, pinned.pins).rows())
    for row in rows or ["nothing changed"]:
        console.info(f"{LOCK_FILE}: {row}")
    unsized = sum(pin.size_bytes is None for pin in pinned.pins)
    console.info(f"{LOCK_FILE}: {len(pinned.pins)} assets, {unsized} without a size")


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update makes: ``texts`` are whole files by name, none where nothing moves."""

    plan: UpdatePlan
    texts: Mapping[str, str]


def update(request: UpdateRequest, session: Session) -> None:
    """Move the lines of ``matrix.toml`` to newer interpreters, and ``matrix.lock`` with them."""
    made = updated(session, request.source, request.pbs)
    if made.texts and request.dry_run:
        session.console.info("nothing was written (--dry-run)")
    elif made.texts:
        _write_both(made.texts, session)
    session.console.result(summarize(made.plan))


def updated(session: Session, source: str, pbs: str = "") -> Updated:
    """Work out the newer files; ``pbs`` of ``""`` is the newest release at ``source``."""
    matrix = session.matrix()
    shelf = ReleaseCatalog(session, session.source(source))
    plan = _planned(matrix, pbs or shelf.newest(), shelf, session)
    if not plan.moves:
        return Updated(plan, {})
    text = edit_matrix((session.root / MATRIX_FILE).read_bytes().decode(), plan)
    moved = parse_matrix(text)
    _check_primary(moved, session)
    wanted = _wanted(moved)
    pinned = pin_assets(wanted, shelf.listings(wanted, keep=True), shelf.source.title)
    _tell(pinned, shelf.old, session)
    return Updated(plan, {MATRIX_FILE: text, LOCK_FILE: dump_lock(pinned.pins)})


def _planned(matrix: Matrix, release: str, shelf: ReleaseCatalog, session: Session) -> UpdatePlan:
    new = shelf.listing(release)
    if not any(archives(new, matrix.archive)):
        raise AssetNotFoundError(
            f"release {release} at {shelf.source.title} has no {matrix.archive} archive of PBS",
            hint="Name another release with --pbs.",
        )
    lists = {release: new}
    for each in sorted({line.pbs for line in matrix.lines} - {release}):
        try:
            lists[each] = shelf.listing(each)
        except AssetNotFoundError as fault:
            session.console.warning(f"{fault.what}; what changed since then is not known")
    plan = plan_update(matrix, new, lists, session.today())
    # Where sizes have to be asked for one by one, only those that the summary needs are.
    for line in [each for step in plan.steps if step.moves for each in (step.before, step.after)]:
        if line.pbs in lists:
            lists[line.pbs] = shelf.sized(lists[line.pbs], cell_assets(matrix, line))
    return plan_update(matrix, lists[release], lists, session.today())


def _check_primary(matrix: Matrix, session: Session) -> None:
    try:
        find_primary(matrix.lines, session.primary_text())
    except ConfigError as fault:
        raise ConfigError(
            f"with the newer versions {fault.what}",
            hint="Write the minor version alone, such as 3.14, into PRIMARY_PYTHON.",
        ) from fault


def _write_both(texts: Mapping[str, str], session: Session) -> None:
    """Put the files in place together: both are whole on the disk before the first is renamed."""
    with scratch_dir(session.root) as beside, disk_errors(session.root):
        for name, text in texts.items():
            (beside / name).write_bytes(text.encode())
            (beside / name).chmod(0o644)
        for name in texts:
            (beside / name).replace(session.root / name)
            session.console.info(f"wrote {name}")


class ReleaseCatalog:
    """What a source says of its releases, each asked for once."""

    def __init__(self, session: Session, source: AssetSource) -> None:
        self.source = source
        self.old = _old_pins(session)
        """The lock as it stands."""
        self._session = session
        self._place = repo_from_download_url(source.base) if isinstance(source, WebSource) else None
        self._hub = session.hub(self._place.address) if self._place else None
        self._releases: dict[str, Release] = {}
        self._listings: dict[str, Listing] = {}

    def newest(self) -> str:
        """The newest release's tag; raises ``UsageError`` at a source that cannot tell."""
        latest = self._api(lambda hub, place: hub.latest_release(place.repository))
        if latest is not None:
            self._releases[latest.tag] = latest
            return latest.tag
        found: list[str] = []
        if isinstance(self.source, FolderSource):
            found = [path.name for path in self.source.folder.iterdir() if path.is_dir()]
        found = [name for name in found if _RELEASE.fullmatch(name)]
        if not found:
            raise UsageError(
                f"{self.source.title} cannot tell its newest release",
                hint="Name one with --pbs, such as --pbs 20261021.",
            )
        return max(found)

    def listings(self, wanted: Collection[AssetRef], *, keep: bool = False) -> dict[str, Listing]:
        """Lists of all wanted releases, by release, with the sizes of what is wanted of them.

        ``keep`` lets assets stay pinned whose release the source does not have any more.
        """
        made = {}
        for release in sorted({each.release for each in wanted}):
            names = [each.name for each in wanted if each.release == release]
            try:
                made[release] = self.sized(self.listing(release), names)
            except AssetNotFoundError as fault:
                if not keep or not all(name in self.old for name in names):
                    raise
                self._session.console.warning(f"{fault.what}; its assets stay pinned as they are")
                made[release] = _from_pins(release, [self.old[name] for name in names])
        return made

    def listing(self, release: str) -> Listing:
        """The release's lists; raises ``AssetNotFoundError``."""
        if release not in self._listings:
            self._listings[release] = self._ask(release)
        return self._listings[release]

    def _ask(self, release: str) -> Listing:
        found = self._releases.get(release) or self._api(
            lambda hub, place: hub.release(place.repository, release)
        )
        sums = self.source.checksums(release).sums
        if found is None:
            return Listing(release, sums, None, {})
        digests = {asset.name: asset.sha256 for asset in found.assets}
        # No asset is empty: a size of nothing is one that is not known.
        sizes = {asset.name: asset.size_bytes for asset in found.assets if asset.size_bytes}
        return Listing(release, sums, digests, sizes)

    def sized(self, listing: Listing, names: Iterable[str]) -> Listing:
        """The list with sizes for ``names``, as far as the source tells them."""
        unsized = [n for n in names if n in listing.sums and n not in listing.sizes]
        if listing.digests is not None or not unsized:
            return listing
        sizes = {name: self._size(listing, name) for name in unsized}
        known = {name: size for name, size in sizes.items() if size}
        made = dataclasses.replace(listing, sizes={**listing.sizes, **known})
        self._listings[listing.release] = made
        return made

    def _size(self, listing: Listing, name: str) -> int | None:
        """From the source, else from the old lock, if that means the same bytes."""
        try:
            return self.source.size_of(listing.release, name)
        except AssetNotFoundError:
            before = self.old.get(name)
            return before.size_bytes if before and before.sha256 == listing.sums[name] else None

    def _api(self, ask: Callable[[GitHubClient, RepoRef], Release]) -> Release | None:
        """An answer of the API; ``None`` where there is none."""
        if self._hub is None or self._place is None:
            return None
        try:
            return ask(self._hub, self._place)
        except NoApiError as fault:
            if self._place.address == PUBLIC_API:
                raise
            # A mirror may have GitHub's paths and be no GitHub.
            self._session.console.warning(f"{fault.what}; SHA256SUMS alone is believed")
            self._hub = None
            return None


def _old_pins(session: Session) -> Mapping[str, Pin]:
    """The lock as it stands; one that cannot be read is about to be replaced."""
    try:
        return session.pins()
    except LockError as fault:
        session.console.warning(f"{fault.what}; it is written anew")
        return {}


def _from_pins(release: str, pins: Iterable[Pin]) -> Listing:
    kept = list(pins)
    return Listing(
        release,
        {pin.name: pin.sha256 for pin in kept},
        None,
        {pin.name: pin.size_bytes for pin in kept if pin.size_bytes is not None},
    )
