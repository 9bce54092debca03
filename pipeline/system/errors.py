"""Expected failures: what went wrong, where, and what to do about it.

Each subclass is one exit code. Codes are unique and never reused; 2 belongs to the command
line itself (as in argparse) and 130 to Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self


class PipelineError(Exception):
    """A failure that a person can mend.

    ``what`` is one sentence, ``hint`` says what to do, ``details`` are the single findings
    when one input has several, ``where`` is a cell name such as ``3.14.9/linux-amd64``.
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
        """Name the cell it happened in, unless a deeper layer already did; returns itself."""
        self.where = self.where or where
        return self

    def __str__(self) -> str:
        """The whole message: place, sentence, findings, hint."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join([head, *(f"  - {fault}" for fault in self.details), f"  {self.hint}"])


class UsageError(PipelineError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ConfigError(PipelineError):
    """``matrix.toml``, ``VERSION`` or ``PRIMARY_PYTHON`` has faults."""

    exit_code = 10


class LockError(PipelineError):
    """``matrix.lock`` cannot be read, or an asset can be pinned from nowhere."""

    exit_code = 11


class AssetNotFoundError(PipelineError):
    """The source has no such asset or release."""

    exit_code = 12


class DownloadError(PipelineError):
    """The source cannot be reached, or kept failing."""

    exit_code = 13


class DigestError(PipelineError):
    """An asset's size or sha256 is not the pinned one."""

    exit_code = 14


class ArchiveError(PipelineError):
    """An asset's archive is damaged or unsafe to unpack."""

    exit_code = 15


class TreeError(PipelineError):
    """An interpreter tree lacks what every payload needs, or cannot be packed."""

    exit_code = 16


class InterpreterError(PipelineError):
    """An interpreter of this machine cannot serve as a source."""

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
    """The module tree cannot be rendered."""

    exit_code = 21


class ToolError(PipelineError):
    """A program that the pipeline runs is missing or failed."""

    exit_code = 22


class DiskError(PipelineError):
    """The disk is full, or a directory cannot be written."""

    exit_code = 23


class GitHubError(PipelineError):
    """The GitHub API refuses or keeps failing."""

    exit_code = 24


class LicenseError(PipelineError):
    """Payloads without licence texts are about to be published."""

    exit_code = 25


class VerifyError(PipelineError):
    """A tag is not what its sources make, or cannot be made again."""

    exit_code = 26


class AttestationError(PipelineError):
    """An asset's build provenance is not proven."""

    exit_code = 27


class SmokeTestError(PipelineError):
    """An assembled module does not do on this machine what it is for."""

    exit_code = 28


class CheckError(PipelineError):
    """A published tag cannot be fetched, or is not the Python that it names."""

    exit_code = 29
