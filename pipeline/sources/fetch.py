"""The assets of cells: fetched into the cache and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.config.cells import asset_name
from pipeline.config.model import Asset, Cell, Pin
from pipeline.sources.attestation import Attestation, gh_environment, repository_of, verify_asset
from pipeline.sources.source import AssetSource, WebSource, pin_asset
from pipeline.system.console import Console
from pipeline.system.errors import AttestationError, PipelineError
from pipeline.system.process import run

_GH_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class FetchedAsset:
    """An asset whose file at ``path`` has its size and sha256."""

    asset: Asset
    path: Path


@dataclass(frozen=True, slots=True)
class AttestedCells:
    """Cells whose assets are proven, with who built them, and the errors of the others."""

    proven: tuple[tuple[Cell, Asset, Attestation], ...]
    failures: tuple[AttestationError, ...]

    def require_all(self) -> None:
        """Raise ``AttestationError`` for all failures."""
        if not self.failures:
            return
        if len(self.failures) == 1:
            raise self.failures[0]
        count = len(self.proven) + len(self.failures)
        raise AttestationError(
            f"{len(self.failures)} of {count} assets are not proven",
            details=[
                f"{each.where}: {text}"
                for each in self.failures
                for text in (each.what, *each.details)
            ],
            hint=self.failures[0].hint,
        )


@dataclass(frozen=True, slots=True)
class AssetFetcher:
    """Fetches assets of the kind ``archive`` from ``source`` into the folder ``cache``.

    ``pins`` are by asset name; ``env`` is the environment of gh. Safe to use from several threads.
    """

    archive: str
    source: AssetSource
    pins: Mapping[str, Pin]
    cache: Path
    console: Console
    env: Mapping[str, str]

    def fetch(self, cell: Cell) -> FetchedAsset:
        """Fetch a cell's asset; raises a ``PipelineError`` unless it is the pinned one."""
        name = asset_name(cell, self.archive)
        resolved = pin_asset(cell.line.pbs, name, self.pins, self.source, self.cache)
        if resolved.unlocked:
            self.console.warning(
                f"{cell.name}: {name} is not in matrix.lock; its sha256 is that of SHA256SUMS of "
                f"release {cell.line.pbs}. 'goempy lock' pins it."
            )
        return FetchedAsset(resolved.asset, self.source.fetch(resolved.asset, self.cache))

    def attest_all(self, cells: Sequence[Cell]) -> AttestedCells:
        """Fetch and attest every cell, whichever fail; raises any other error at once."""
        proven, failures = [], []
        for cell in cells:
            try:
                fetched = self.fetch(cell)
                proven.append((cell, fetched.asset, self.attest(fetched)))
            except AttestationError as error:
                failures.append(error.at(cell.name))
            except PipelineError as error:
                raise error.at(cell.name) from None
        return AttestedCells(tuple(proven), tuple(failures))

    def attest(self, fetched: FetchedAsset) -> Attestation:
        """Ask gh who built the asset; raises ``AttestationError`` unless GitHub proves it."""
        base = self.source.base if isinstance(self.source, WebSource) else ""
        run_gh = partial(run, env=gh_environment(self.env), timeout_s=_GH_TIMEOUT_S)
        found = verify_asset(fetched.path, fetched.asset, repository_of(base), run_gh)
        self.console.info(f"{fetched.asset.name}: built by {found.signer}")
        return found
