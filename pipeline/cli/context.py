"""What commands share: the environment, the console, and adapters made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.system.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config.model import Matrix, Pin
    from pipeline.sources.download import Downloader
    from pipeline.sources.fetch import AssetFetcher
    from pipeline.sources.source import AssetSource
    from pipeline.system.console import Console
    from pipeline.system.git import Git
    from pipeline.system.github.client import GitHubClient


class Context:
    """One run of the command. It stays in ``cli``: functions below get what they need of it."""

    def __init__(
        self,
        env: Mapping[str, str],
        make_console: Callable[[], Console],
        sleep: Callable[[float], None],
        today: Callable[[], date],
    ) -> None:
        self.root = Path()
        """Absolute: the folder of ``matrix.toml``."""
        self.env = env
        self.sleep = sleep
        """Takes seconds."""
        self.today = today
        self._make_console = make_console

    @property
    def console(self) -> Console:
        """Where messages and results go."""
        return self._make_console()

    @property
    def cache(self) -> Path:
        """The folder of downloaded assets."""
        import platformdirs  # noqa: PLC0415 - as the others below: most commands need few of them

        named = self.env.get("GOEMPY_CACHE_DIR", "")
        # Not "goempy": the Go module extracts there, and only to a folder that is private.
        if named:
            return Path(named)
        try:
            return platformdirs.user_cache_path("goempy-assets")
        except RuntimeError as fault:
            raise UsageError(
                f"there is no place for downloaded assets: {fault}",
                hint="Name one with GOEMPY_CACHE_DIR.",
            ) from fault

    def git(self, folder: Path | None = None) -> Git:
        """Git in ``folder``, by default ``--root``; nothing is looked at."""
        from pipeline.system.git import Git  # noqa: PLC0415

        return Git(folder or self.root, self.env)

    def repository(self, folder: Path | None = None) -> Git:
        """The same for a folder that must be a git repository; raises ``GitError``."""
        git = self.git(folder)
        git.git_dir()
        return git

    @contextmanager
    def lock(self, folder: Path) -> Iterator[None]:
        """Keep other goempy processes from writing to ``folder``; the second one waits."""
        from pipeline.system.files import interprocess_lock  # noqa: PLC0415

        def waiting() -> None:
            self.console.info(f"waiting for another goempy that is writing to {folder}")

        with interprocess_lock(str(folder), self.cache / "locks", waiting):
            yield

    def downloader(self, other_source: str = "") -> Downloader:
        """Requests to web servers; ``other_source`` is for hints."""
        from pipeline.sources.download import Downloader, connect  # noqa: PLC0415

        client = connect()
        click.get_current_context().call_on_close(client.close)
        more = {"other_source": other_source} if other_source else {}
        return Downloader(client, self.console, self.sleep, **more)

    def source(self, name: str) -> AssetSource:
        """Where assets come from: ``--source``, else GOEMPY_PBS_MIRROR, else ``matrix.toml``'s."""
        from pipeline.sources.source import open_source  # noqa: PLC0415

        mirror = "" if name else self.env.get("GOEMPY_PBS_MIRROR", "")
        named = "" if name or mirror else self._matrix_source()
        given_as = (
            "GOEMPY_PBS_MIRROR" if mirror else "source of matrix.toml" if named else "--source"
        )
        return open_source(name or mirror or named or "github", self.downloader, given_as=given_as)

    def _matrix_source(self) -> str:
        """The source of ``matrix.toml``; a folder is relative to it."""
        from pipeline.config.project import MATRIX_FILE, read_matrix  # noqa: PLC0415

        exists = (self.root / MATRIX_FILE).is_file()
        named = read_matrix(self.root).source if exists else ""
        return str(self.root / named) if named and (self.root / named).is_dir() else named

    def fetcher(
        self, matrix: Matrix, source: str, pins: Mapping[str, Pin] | None = None
    ) -> AssetFetcher:
        """What brings the assets of ``matrix`` into the cache; ``source`` is ``--source``.

        ``pins`` are by asset name, by default those of matrix.lock.
        """
        from pipeline.config.project import read_pins  # noqa: PLC0415
        from pipeline.sources.fetch import AssetFetcher  # noqa: PLC0415

        pins = read_pins(self.root) if pins is None else pins
        assets = self.source(source)
        return AssetFetcher(matrix.archive, assets, pins, self.cache, self.console, self.env)

    def github(self, address: str = "") -> GitHubClient:
        """The GitHub API at ``address``, by default that of GITHUB_API_URL."""
        from pipeline.system.github.context import connect  # noqa: PLC0415
        from pipeline.system.github.retry import WaitPolicy  # noqa: PLC0415

        client = connect(self.env, WaitPolicy(self.sleep, self.console.info), address)
        click.get_current_context().call_on_close(client.close)
        return client

    def output(self, name: str, value: str) -> None:
        """Pass one line of text to a workflow's later steps; elsewhere do nothing."""
        from pipeline.system.workflow_files import append_output  # noqa: PLC0415

        append_output(self.env, name, value)

    def summary(self, markdown: str) -> None:
        """Add to the page that a workflow shows of this step; elsewhere do nothing."""
        from pipeline.system.workflow_files import append_summary  # noqa: PLC0415

        append_summary(self.env, markdown)


pass_context = click.make_pass_decorator(Context)
