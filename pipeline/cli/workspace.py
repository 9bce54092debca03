"""What a command works with: the repository's files, and adapters made from the environment."""

from __future__ import annotations

import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import platformdirs
import semver

from pipeline.config.model import Matrix, Pin
from pipeline.config.project import (
    Config,
    read_config,
    read_matrix,
    read_pins,
    read_primary,
    read_version,
)
from pipeline.sources.download import Downloader, connect
from pipeline.sources.fetch import AssetFetcher
from pipeline.sources.source import (
    AssetSource,
    open_source,
)
from pipeline.system.console import Console
from pipeline.system.files import disk_errors, interprocess_lock
from pipeline.system.process import ProcessResult, run

if TYPE_CHECKING:
    from pipeline.system.github import GitHubClient

MIRROR_VARIABLE = "GOEMPY_PBS_MIRROR"
CACHE_VARIABLE = "GOEMPY_CACHE_DIR"
TOKEN_VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
API_VARIABLE = "GITHUB_API_URL"
"""Set by GitHub Actions: the API of the GitHub that made the token."""
OUTPUT_VARIABLE = "GITHUB_OUTPUT"
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""Set by GitHub Actions: files that a step appends to, for later jobs and for people."""
_TIMEOUT = httpx.Timeout(60, connect=15)


class Session:
    """One run of the command; a context manager that closes its connections."""

    def __init__(
        self,
        root: Path,
        env: Mapping[str, str],
        console: Console,
        sleep: Callable[[float], None] = time.sleep,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.root = root.resolve()
        self.env = env
        self.console = console
        self.sleep = sleep
        self.today = today
        self._client: httpx.Client | None = None
        self._hubs: list[GitHubClient] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
        for hub in self._hubs:
            hub.close()

    def alone_in(self, folder: Path) -> AbstractContextManager[None]:
        """Let no other goempy build into ``folder`` meanwhile; the second one waits."""
        return interprocess_lock(
            str(folder),
            self.cache() / "locks",
            lambda: self.console.info(f"waiting for another goempy that works in {folder}"),
        )

    def config(self, module: str = "") -> Config:
        """Read ``matrix.toml``, ``VERSION`` and ``PRIMARY_PYTHON``; raises ``ConfigError``."""
        return read_config(self.root, module)

    def matrix(self, module: str = "") -> Matrix:
        """Read ``matrix.toml``; ``module`` takes the place of its module path."""
        return read_matrix(self.root, module)

    def version(self) -> semver.Version:
        """Read ``VERSION``."""
        return read_version(self.root)

    def primary_text(self) -> str:
        """Read ``PRIMARY_PYTHON``."""
        return read_primary(self.root)

    def pins(self) -> Mapping[str, Pin]:
        """Read ``matrix.lock``; without the file nothing is pinned."""
        return read_pins(self.root)

    def source(self, name: str) -> AssetSource:
        """Where assets come from: what the user named, else the mirror variable, else GitHub."""
        name = name or self.env.get(MIRROR_VARIABLE, "") or "github"
        return open_source(name, self._http)

    def fetcher(self, matrix: Matrix, source: AssetSource, pins: Mapping[str, Pin]) -> AssetFetcher:
        """What brings the assets of ``matrix`` into the cache."""
        return AssetFetcher(matrix.archive, source, pins, self.cache(), self.console, self.env)

    def output(self, name: str, value: str) -> None:
        """Hand one line of text to the workflow's later steps; outside of one nothing happens."""
        if "\n" in value or "\r" in value:
            raise ValueError(f"output {name} has several lines")
        self._append(OUTPUT_VARIABLE, f"{name}={value}\n")

    def summary(self, markdown: str) -> None:
        """Add to the page that the workflow shows of this step; outside of one nothing happens."""
        self._append(SUMMARY_VARIABLE, markdown.rstrip("\n") + "\n\n")

    def _append(self, variable: str, text: str) -> None:
        if named := self.env.get(variable, ""):
            path = Path(named)
            with disk_errors(path), path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)

    def hub(self, address: str) -> GitHubClient:
        """The GitHub API at ``address``; a token goes only to the GitHub that made it."""
        # PyGithub takes 40 MB, and most commands never ask the API.
        from pipeline.system.github import (  # noqa: PLC0415
            PUBLIC_API,
            GitHubClient,
            Patience,
        )

        home = self.env.get(API_VARIABLE, "") or PUBLIC_API
        tokens = [token for name in TOKEN_VARIABLES if (token := self.env.get(name, "").strip())]
        at_home = address.rstrip("/") == home.rstrip("/")
        hub = GitHubClient(
            address,
            tokens[0] if tokens and at_home else "",
            Patience(self.sleep, self.console.info),
            # As httpx takes them; requests has a variable of its own.
            certificates=self.env.get("SSL_CERT_FILE", "") or self.env.get("SSL_CERT_DIR", ""),
        )
        self._hubs.append(hub)
        return hub

    def _http(self) -> Downloader:
        """Connections by the rules of this machine: proxies, certificates."""
        self._client = connect()
        return Downloader(self._client, self.console, self.sleep)

    def cache(self) -> Path:
        """The folder of downloaded assets."""
        named = self.env.get(CACHE_VARIABLE, "")
        return Path(named) if named else platformdirs.user_cache_path("goempy") / "assets"

    def run_tool(self, command: Sequence[str]) -> ProcessResult:
        """Run a program of this environment, or else of PATH."""
        beside = Path(sysconfig.get_path("scripts"), command[0])
        program = str(beside) if beside.is_file() else command[0]
        return run([program, *command[1:]], timeout_s=60)
