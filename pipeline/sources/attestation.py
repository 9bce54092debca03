"""Build provenance of assets: which workflow built a file, proven by GitHub's attestations.

``gh attestation verify`` checks the signature, the certificate and the transparency log; here
its output is compared with the asset once more. Sources: GitHub CLI manual, "gh attestation
verify" (since 2.49) and "Environment variables"; sigstore-go, ``certificate.Summary`` (the keys
of ``signature.certificate``).
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
from pipeline.system.network import unreachable
from pipeline.system.process import ProcessResult, error_tail

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
    """Who built an asset, from what: values of the verified certificate."""

    signer: str
    """The workflow and its ref, as a URL."""
    commit: str
    """The commit of the repository that the workflow ran on."""
    run: str
    """The URL of the workflow's run."""


def repository_of(address: str) -> Repository:
    """Whose attestations count for what is fetched from ``address``; ``""`` is a folder.

    A release address of a fork names its repository; anything else, a mirror above all, has the
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
    except ToolError as error:
        raise ToolError(
            f"the GitHub CLI, which verifies attestations, cannot be used: {error.what}",
            hint=f"Install gh 2.67 or later, {_WITHOUT}",
        ) from error
    if done.code:
        raise _failure(asset, repository, done)
    return read_results(done.stdout, asset, repository)[0]


def read_results(data: bytes, asset: Asset, repository: Repository) -> tuple[Attestation, ...]:
    """Read the output of ``gh attestation verify --format json`` on ``asset``, the oldest first.

    Raises ``AttestationError`` where none is about it: ``gh`` 2.49 to 2.66 exit with 0 for a file
    without attestations (GO-2025-3467).
    """
    try:
        rows = [row["verificationResult"] for row in json.loads(data)]
        dated = [
            (_first_seen(row), _attestation(row))
            for row in rows
            if _is_about(row, asset, repository)
        ]
        dated.sort(key=lambda pair: (pair[0], pair[1].run))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unproven(
            asset, repository, f"gh printed something else than results: {error!r}"
        ) from error
    if not dated:
        raise _unproven(asset, repository, "gh names no build provenance of this file")
    return tuple(found for _when, found in dated)


def _is_about(row: Mapping[str, Any], asset: Asset, repository: Repository) -> bool:
    """Whether a result is build provenance of the asset from the repository, as was asked for."""
    statement, certificate = row["statement"], row["signature"]["certificate"]
    digests = {subject["digest"].get("sha256") for subject in statement["subject"]}
    source = str(certificate["sourceRepositoryURI"])
    return (
        statement["predicateType"] == PREDICATE
        and asset.sha256 in digests
        # Names of owners and repositories are case-insensitive on GitHub.
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
    """When a log or a timestamp authority first saw it."""
    return min(datetime.fromisoformat(each["timestamp"]) for each in row["verifiedTimestamps"])


def _failure(asset: Asset, repository: Repository, done: ProcessResult) -> PipelineError:
    if done.code == _NOT_SIGNED_IN:
        return ToolError(
            "gh is not signed in, and GitHub serves attestations to signed-in users only",
            hint=f"Set GH_TOKEN or run 'gh auth login', {_WITHOUT}",
        )
    if "unknown command" in done.stderr or "unknown flag" in done.stderr:
        return ToolError(
            f"this gh is too old to verify attestations: {done.stderr.strip().splitlines()[0]}",
            hint=f"Install gh 2.67 or later, {_WITHOUT}",
        )
    return unreachable("gh", done) or _unproven(asset, repository, error_tail(done))


def _unproven(asset: Asset, repository: Repository, reason: str) -> AttestationError:
    return AttestationError(
        f"{asset.name}: no proof that {repository.name} built it, so it is not used",
        details=[reason],
        hint="If GitHub failed, rerun. Releases before 2025 have no attestations: leave them "
        "out, or set attest = false in matrix.toml. Otherwise distrust the source.",
    )
