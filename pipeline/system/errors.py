"""Expected failures: what went wrong, where, and what to do about it.

Each subclass is one exit code, and its docstring is what ``goempy --help`` prints for it. Codes
are unique and never reused; 2 is wrong usage (as in click) and 130 Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self


class PipelineError(Exception):
    """A failure that a person can fix.

    ``what`` is one sentence, ``hint`` says what to do, ``details`` are the faults where one input
    has several, ``where`` is a cell name such as ``3.14.9/linux-amd64``.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, hint: str, details: Iterable[str] = (), where: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.details = tuple(details)
        self.where = where

    def __init_subclass__(cls, *, exit_code: int = 0) -> None:
        super().__init_subclass__()
        cls.exit_code = exit_code or cls.exit_code

    def at(self, where: str) -> Self:
        """Name the cell it happened in, unless a deeper layer already did; return itself."""
        self.where = self.where or where
        return self

    def __str__(self) -> str:
        """The whole message: place, sentence, details, hint."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join([head, *(f"  - {each}" for each in self.details), f"  {self.hint}"])


class UsageError(PipelineError, exit_code=2):
    """Wrong usage, or a name on the command line that does not exist."""


class ConfigError(PipelineError, exit_code=10):
    """matrix.toml, VERSION, PRIMARY_PYTHON or vex.toml has faults."""


class LockError(PipelineError, exit_code=11):
    """matrix.lock is damaged or does not fit matrix.toml, or SHA256SUMS is damaged."""


class AssetNotFoundError(PipelineError, exit_code=12):
    """The source has no such release or asset."""


class DownloadError(PipelineError, exit_code=13):
    """A host cannot be reached, or the source of assets keeps failing."""


class DigestError(PipelineError, exit_code=14):
    """The size or sha256 of an asset is not the pinned one, or two lists of a release differ."""


class ArchiveError(PipelineError, exit_code=15):
    """An asset's archive is damaged or unsafe to unpack."""


class TreeError(PipelineError, exit_code=16):
    """An interpreter tree lacks what every payload needs, or cannot be packed."""


class InterpreterError(PipelineError, exit_code=17):
    """An interpreter of this machine cannot be packed."""


class PayloadError(PipelineError, exit_code=18):
    """A payload directory is incomplete or contradicts its manifest."""


class TagConflictError(PipelineError, exit_code=19):
    """A tag of this VERSION exists with other content."""


class GitError(PipelineError, exit_code=20):
    """A git command failed."""


class ModuleTreeError(PipelineError, exit_code=21):
    """The module tree cannot be assembled."""


class ToolError(PipelineError, exit_code=22):
    """A program that the pipeline runs is missing or failed."""


class DiskError(PipelineError, exit_code=23):
    """The disk is full, or a directory cannot be written."""


class GitHubError(PipelineError, exit_code=24):
    """The GitHub API refuses a request, or keeps failing."""


class LicenseError(PipelineError, exit_code=25):
    """Payloads that are to be published lack licence texts."""


class VerifyError(PipelineError, exit_code=26):
    """A tag differs from what its sources build, or cannot be rebuilt."""


class AttestationError(PipelineError, exit_code=27):
    """The build provenance of an asset cannot be verified."""


class SmokeTestError(PipelineError, exit_code=28):
    """The smoke test of an assembled module failed on this machine."""


class CheckError(PipelineError, exit_code=29):
    """A published tag cannot be fetched, or is not the Python that it names."""


class UnpinnedError(PipelineError, exit_code=30):
    """matrix.lock lacks assets of matrix.toml, but is otherwise consistent."""


class AuditError(PipelineError, exit_code=31):
    """A tag has known vulnerabilities, an ended Python, or not the newest patch of its line."""
