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

    def at(self, where: str) -> Self:
        """Name the cell it happened in, unless a deeper layer already did; return itself."""
        self.where = self.where or where
        return self

    def __str__(self) -> str:
        """The whole message: place, sentence, details, hint."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join([head, *(f"  - {each}" for each in self.details), f"  {self.hint}"])


class UsageError(PipelineError):
    """Wrong usage, or a name on the command line that does not exist."""

    exit_code = 2


class ConfigError(PipelineError):
    """matrix.toml, VERSION or PRIMARY_PYTHON has faults."""

    exit_code = 10


class LockError(PipelineError):
    """matrix.lock is damaged or does not fit matrix.toml, or SHA256SUMS is damaged."""

    exit_code = 11


class AssetNotFoundError(PipelineError):
    """The source has no such release or asset."""

    exit_code = 12


class DownloadError(PipelineError):
    """The source cannot be reached, or keeps failing."""

    exit_code = 13


class DigestError(PipelineError):
    """The size or sha256 of an asset is not the pinned one, or two lists of a release differ."""

    exit_code = 14


class ArchiveError(PipelineError):
    """An asset's archive is damaged or unsafe to unpack."""

    exit_code = 15


class TreeError(PipelineError):
    """An interpreter tree lacks what every payload needs, or cannot be packed."""

    exit_code = 16


class InterpreterError(PipelineError):
    """An interpreter of this machine cannot be packed."""

    exit_code = 17


class PayloadError(PipelineError):
    """A payload directory is incomplete or contradicts its manifest."""

    exit_code = 18


class TagConflictError(PipelineError):
    """A tag of this VERSION exists with other content."""

    exit_code = 19


class GitError(PipelineError):
    """A git command failed."""

    exit_code = 20


class ModuleTreeError(PipelineError):
    """The module tree cannot be assembled."""

    exit_code = 21


class ToolError(PipelineError):
    """A program that the pipeline runs is missing or failed."""

    exit_code = 22


class DiskError(PipelineError):
    """The disk is full, or a directory cannot be written."""

    exit_code = 23


class GitHubError(PipelineError):
    """The GitHub API refuses a request, or keeps failing."""

    exit_code = 24


class LicenseError(PipelineError):
    """Payloads that are to be published lack licence texts."""

    exit_code = 25


class VerifyError(PipelineError):
    """A tag differs from what its sources build, or cannot be rebuilt."""

    exit_code = 26


class AttestationError(PipelineError):
    """The build provenance of an asset cannot be verified."""

    exit_code = 27


class SmokeTestError(PipelineError):
    """The smoke test of an assembled module failed on this machine."""

    exit_code = 28


class CheckError(PipelineError):
    """A published tag cannot be fetched, or is not the Python that it names."""

    exit_code = 29
