"""Build provenance: what ``gh`` says is compared with the asset, and its failures are reported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.model import Asset
from pipeline.sources.attestation import (
    PBS_REPOSITORY,
    Attestation,
    Repository,
    Run,
    gh_environment,
    read_results,
    repository_of,
    verify_asset,
)
from pipeline.system.errors import AttestationError, DownloadError, ToolError
from pipeline.system.process import ProcessResult, run
from tests.fakes import gh_cli as fake_gh
from tests.fakes.gh_cli import COMMIT, RUN, SIGNER, result

DATA = b"an archive"
ASSET = Asset("20261021", "asset.tar.zst", hashlib.sha256(DATA).hexdigest(), len(DATA))
PBS = Repository("github.com", PBS_REPOSITORY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / ASSET.name
    path.write_bytes(DATA)
    return path


def gh(folder: Path, *results: dict[str, Any], refused: tuple[str, ...] = ()) -> Run:
    env = fake_gh.install(folder, *results, refused=refused)
    return partial(run, env=gh_environment(env))


def says(*stderr: str, code: int = 1, stdout: bytes = b"") -> Run:
    """A program that ends like this."""

    def run_it(_command: Sequence[str]) -> ProcessResult:
        return ProcessResult(code, stdout, "\n".join(stderr))

    return run_it


def test_the_signer_the_commit_and_the_run_are_read(path: Path, tmp_path: Path) -> None:
    run_gh = gh(tmp_path / "bin")
    assert verify_asset(path, ASSET, PBS, run_gh) == Attestation(SIGNER, COMMIT, RUN)
    (call,) = fake_gh.calls(tmp_path / "bin")
    assert call[:5] == ["attestation", "verify", str(path), "--repo", PBS_REPOSITORY]


def test_the_oldest_of_several_counts_in_whatever_zone_its_time_is(
    path: Path, tmp_path: Path
) -> None:
    late = result(when="2026-10-21T18:00:00Z", signer=f"{SIGNER}-again")
    early = result(when="2026-10-21T20:59:59.123456789+03:00")
    for results in ((late, early), (early, late)):
        run_gh = gh(tmp_path / "bin", *results)
        assert verify_asset(path, ASSET, PBS, run_gh).signer == SIGNER


def test_a_file_without_attestations(path: Path, tmp_path: Path) -> None:
    with pytest.raises(AttestationError) as caught:
        verify_asset(path, ASSET, PBS, gh(tmp_path / "bin", refused=("*",)))
    assert "no proof that astral-sh/python-build-standalone built it" in caught.value.what
    assert any("No attestations found for subject" in fault for fault in caught.value.details)


WRONG = {
    "another file's": result("ab" * 32),
    "another repository's": result(repository="someone/else"),
    "another predicate's": result(),
}
WRONG["another predicate's"]["verificationResult"]["statement"]["predicateType"] = "https://x/y"


@pytest.mark.parametrize("wrong", WRONG)
def test_success_for_something_else_is_no_proof(path: Path, tmp_path: Path, wrong: str) -> None:
    with pytest.raises(AttestationError, match="no build provenance of this file"):
        verify_asset(path, ASSET, PBS, gh(tmp_path / "bin", WRONG[wrong]))


def test_success_without_results_is_no_proof() -> None:
    """As gh 2.49 to 2.66 end where there is no attestation."""
    for stdout in (b"", b"[]"):
        with pytest.raises(AttestationError):
            verify_asset(Path("x"), ASSET, PBS, says(code=0, stdout=stdout))


@pytest.mark.parametrize(
    "data",
    [
        b"null", b"{}", b"[null]", b'[{"verificationResult": {}}]',
        json.dumps([result(ASSET.sha256, buildSignerURI="")]).encode(),
        json.dumps([result(ASSET.sha256, when="yesterday")]).encode(),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_no_proof(data: bytes) -> None:
    with pytest.raises(AttestationError, match=r"gh (printed something else|names no build)"):
        read_results(data, ASSET, PBS)


def test_names_of_repositories_are_compared_as_github_does() -> None:
    data = json.dumps([result(ASSET.sha256, repository="Astral-SH/Python-Build-Standalone")])
    assert len(read_results(data.encode(), ASSET, PBS)) == 1


def test_no_gh(path: Path, tmp_path: Path) -> None:
    run_gh = partial(run, env={"PATH": str(tmp_path)})
    with pytest.raises(ToolError, match="gh is not on this machine") as caught:
        verify_asset(path, ASSET, PBS, run_gh)
    assert "Install gh" in caught.value.hint
    assert "attest = false" in caught.value.hint


def test_a_gh_that_is_not_signed_in(path: Path, tmp_path: Path) -> None:
    env = {**fake_gh.install(tmp_path / "bin")}
    del env["GH_TOKEN"]
    with pytest.raises(ToolError, match="not signed in") as caught:
        verify_asset(path, ASSET, PBS, partial(run, env=gh_environment(env)))
    assert "GH_TOKEN" in caught.value.hint


def test_a_gh_that_is_too_old() -> None:
    with pytest.raises(ToolError, match="too old to verify attestations: unknown command"):
        verify_asset(Path("x"), ASSET, PBS, says('unknown command "attestation" for "gh"'))


def test_a_host_that_gh_cannot_reach_is_no_missing_proof() -> None:
    with pytest.raises(DownloadError, match=r"gh cannot reach a\.invalid"):
        verify_asset(Path("x"), ASSET, PBS, says("error connecting to a.invalid"))


def test_a_gh_that_fails_in_silence() -> None:
    with pytest.raises(AttestationError, match="exit code 7"):
        verify_asset(Path("x"), ASSET, PBS, says(code=7))


@pytest.mark.parametrize(
    ("address", "host", "name"),
    [
        ("", "github.com", PBS_REPOSITORY),
        (f"https://github.com/{PBS_REPOSITORY}/releases/download", "github.com", PBS_REPOSITORY),
        ("https://github.com/acme/pbs/releases/download/", "github.com", "acme/pbs"),
        ("https://acme.ghe.com/it/pbs/releases/download", "acme.ghe.com", "it/pbs"),
        ("https://mirror.example/gh/acme/pbs/releases/download", "github.com", "acme/pbs"),
        ("https://mirror.example/pbs", "github.com", PBS_REPOSITORY),
        ("https://mirror.example/releases/download", "github.com", PBS_REPOSITORY),
        (
            "https://mirror.example/github/python-build-standalone/releases/download",
            "github.com",
            PBS_REPOSITORY,
        ),
    ],
)
def test_whose_attestations_count(address: str, host: str, name: str) -> None:
    assert repository_of(address) == Repository(host, name)


def test_the_environment_goes_along_without_what_would_colour_the_answer() -> None:
    given = {"GH_TOKEN": "t", "GH_FORCE_TTY": "1", "CLICOLOR_FORCE": "1"}
    env = gh_environment(given)
    assert env["GH_TOKEN"] == given["GH_TOKEN"]
    assert env["GH_PROMPT_DISABLED"] == "1"
    assert not {"GH_FORCE_TTY", "CLICOLOR_FORCE"} & env.keys()
