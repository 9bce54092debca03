"""Build provenance of assets: that GitHub's own record says which workflow made a file.

``gh attestation verify`` checks the signature, the certificate and the transparency log; here
its answer is read and held against the asset once more. Sources: GitHub CLI manual, "gh
attestation verify" (since 2.49) and "Environment variables"; sigstore-go, ``certificate.Summary``
(the keys of ``signature.certificate``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.config.model import Asset
from pipeline.system.errors import AttestationError, PipelineError, ToolError
from pipeline.system.process import ProcessResult

Run = Callable[[Sequence[str]], ProcessResult]
"""Runs a program in the environment of ``gh_environment``."""

PUBLIC_HOST = "github.com"
PBS_REPOSITORY = "astral-sh/python-build-standalone"
PREDICATE = "https://slsa.dev/provenance/v1"
"""What ``gh`` asks for by default: build provenance, and no other kind of attestation."""

_TENANT = ".ghe.com"
_COLOURS = frozenset({"GH_FORCE_TTY", "CLICOLOR_FORCE"})
_QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
_NOT_SIGNED_IN = 4
"""GitHub CLI manual, "Exit codes": "if a command requires authentication"."""
_WITHOUT = "or set attest = false in matrix.toml."


@dataclass(frozen=True, slots=True)
class Repository:
    """Where releases are made: ``owner/name`` at a GitHub."""

    host: str
    name: str

    @property
    def address(self) -> str:
        """As certificates name it."""
        return f"https://{self.host}/{self.name}"


@dataclass(frozen=True, slots=True)
class Attestation:
    """Who made an asset, of what, and when: the verified certificate's own words."""

    signer: str
    """The workflow and its ref, as an address."""
    commit: str
    """The commit of the repository that the workflow ran on."""
    run: str
    """The address of the workflow's run."""


def repository_of(address: str) -> Repository:
    """Whose attestations count for what is fetched from ``address``; ``""`` is a folder.

    A release address of a fork names its repository; anything else, a mirror above all, holds the
    very files of PBS. Only the public GitHub and ``*.ghe.com`` have attestations, so a path that
    is the same at another host is looked up at the public one.
    """
    parts = urlsplit(address)
    steps = [step for step in parts.path.split("/") if step]
    host = parts.hostname or ""
    if len(steps) < 4 or steps[-2:] != ["releases", "download"]:
        return Repository(PUBLIC_HOST, PBS_REPOSITORY)
    owner, name = steps[-4:-2]
    if owner == "github":
        # Astral's mirror: "github/<project>/releases/download" (PBS, release.yml).
        return Repository(PUBLIC_HOST, PBS_REPOSITORY)
    return Repository(host if host.endswith(_TENANT) else PUBLIC_HOST, f"{owner}/{name}")


def gh_environment(env: Mapping[str, str]) -> Mapping[str, str]:
    """``env`` with GH_TOKEN and all, so that ``gh`` neither asks nor colours what it prints."""
    return {key: value for key, value in env.items() if key not in _COLOURS} | _QUIET


def verify_asset(path: Path, asset: Asset, repository: Repository, run: Run) -> Attestation:
    """Who built the file at ``path``; raises ``AttestationError`` unless that is proven.

    Where there are several attestations the oldest counts: a later one changes no payload. Raises
    ``ToolError`` where ``gh`` is missing, too old or not signed in.
    """
    command = [
        "gh", "attestation", "verify", str(path),
        "--repo", repository.name, "--hostname", repository.host, "--format", "json",
    ]  # fmt: skip
    try:
        done = run(command)
    except ToolError as fault:
        raise ToolError(
            f"the GitHub CLI, which verifies attestations, cannot be used: {fault.what}",
            hint=f"Install gh 2.67 or later, {_WITHOUT}",
        ) from fault
    if done.code:
        raise _failure(asset, repository, done)
    found = read_results(done.stdout, asset, repository)
    return min(found, key=lambda each: (each.when, each.attestation.run)).attestation


@dataclass(frozen=True, slots=True)
class Witnessed:
    """An attestation, and when a log or a timestamp authority first saw it."""

    attestation: Attestation
    when: datetime


def read_results(data: bytes, asset: Asset, repository: Repository) -> tuple[Witnessed, ...]:
    """What ``gh attestation verify --format json`` printed, as far as it speaks of ``asset``.

    Raises ``AttestationError`` where nothing does: ``gh`` 2.49 to 2.66 end with success for a file
    without attestations (GO-2025-3467).
    """
    try:
        rows = [row["verificationResult"] for row in json.loads(data)]
        found = tuple(
            Witnessed(_attestation(row), _first_seen(row))
            for row in rows
            if _speaks_of(row, asset, repository)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise _unproven(
            asset, repository, [f"gh printed something else than results: {fault!r}"]
        ) from fault
    if not found:
        raise _unproven(asset, repository, ["gh names no build provenance of this file"])
    return found


def _speaks_of(row: Mapping[str, Any], asset: Asset, repository: Repository) -> bool:
    """Whether a result is build provenance of the asset from the repository, as was asked for."""
    statement, certificate = row["statement"], row["signature"]["certificate"]
    digests = {subject["digest"].get("sha256") for subject in statement["subject"]}
    source = str(certificate["sourceRepositoryURI"])
    return (
        statement["predicateType"] == PREDICATE
        and asset.sha256 in digests
        # GitHub does not tell upper from lower case in names of owners and repositories.
        and source.lower() == repository.address.lower()
    )


def _attestation(row: Mapping[str, Any]) -> Attestation:
    certificate = row["signature"]["certificate"]
    keys = ("buildSignerURI", "sourceRepositoryDigest", "runInvocationURI")
    signer, commit, run = (certificate[key] for key in keys)
    if not all(isinstance(value, str) and value for value in (signer, commit, run)):
        raise TypeError(f"a certificate without {', '.join(keys)}")
    return Attestation(signer, commit, run)


def _first_seen(row: Mapping[str, Any]) -> datetime:
    return min(datetime.fromisoformat(each["timestamp"]) for each in row["verifiedTimestamps"])


def _failure(asset: Asset, repository: Repository, done: ProcessResult) -> PipelineError:
    said = [row.strip() for row in done.stderr.splitlines() if row.strip()]
    if done.code == _NOT_SIGNED_IN:
        return ToolError(
            "gh is not signed in, and GitHub gives attestations to nobody else",
            hint=f"Set GH_TOKEN or run 'gh auth login', {_WITHOUT}",
        )
    if any("unknown command" in row or "unknown flag" in row for row in said):
        return ToolError(
            f"this gh is too old to verify attestations: {said[0]}",
            hint=f"Install gh 2.67 or later, {_WITHOUT}",
        )
    return _unproven(asset, repository, said[-3:] or [f"gh ended with {done.code}"])


def _unproven(asset: Asset, repository: Repository, said: Sequence[str]) -> AttestationError:
    return AttestationError(
        f"{asset.name}: no proof that {repository.name} built it; nothing of it is used",
        details=said,
        hint="Where the network failed, run it again. Releases before 2025 have no "
        "attestations: leave them out, or set attest = false in matrix.toml. Otherwise distrust "
        "the source.",
    )
