"""A host whose name has no address: every command names it, with one exit code."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.system.errors import DownloadError
from tests.builders.site import CELLS, NAME, Site, make_released
from tests.harness.go import Go

API, ASSETS, ENTERPRISE, GIT, PROXY = (
    f"{name}.invalid" for name in ("api", "assets", "enterprise", "git", "proxy")
)
"""Top-level domain ``invalid``: nobody ever has one (RFC 6761)."""
REMOTE = f"https://{GIT}/me/goempy"
SBOM = b"{}\n"
FORK = f"http://{ENTERPRISE}/me/pbs/releases/download"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A release, the payloads of the next VERSION, and files of a release on GitHub."""
    site = make_released(tmp_path_factory.mktemp("released"))
    (site.assets / "v0.1.0").mkdir(parents=True)
    (site.assets / "v0.1.0" / "notes.md").write_text("# v0.1.0\n\nNew.\n")
    (site.assets / "v0.1.0" / "SHA256SUMS").write_text(
        f"{hashlib.sha256(SBOM).hexdigest()}  sbom.cdx.json\n"
    )
    (site.assets / "v0.1.0" / "sbom.cdx.json").write_bytes(SBOM)
    site.make([CELLS[0]])
    return site


@pytest.mark.parametrize(
    ("host", "argv"),
    [
        (ASSETS, ["build", CELLS[0], "--out", "OUT"]),
        (ASSETS, ["release", "--out", "OUT", "--lines", "3.14", "--only-platforms", "linux/amd64"]),
        (ASSETS, ["verify", "v0.1.0"]),
        (ASSETS, ["verify-asset", CELLS[0]]),
        (ASSETS, ["lock"]),
        (ENTERPRISE, ["lock", "--source", FORK]),
        (ENTERPRISE, ["update", "--source", FORK]),
        (API, ["plan", "--json"]),
        (API, ["propose"]),
        (API, ["publish", "--assets", "ASSETS"]),
        (GIT, ["plan", "--json", "--remote", REMOTE]),
        (GIT, ["assets", "v0.1.0", "--remote", REMOTE, "--out", "OUT"]),
        (GIT, ["finalize", "--payloads", "PAYLOADS", "--repo", "ROOT", "--push", REMOTE]),
        (GIT, ["check", "v0.1.0", "--platform", "linux-amd64"]),
        (PROXY, ["try", "--payloads", "PAYLOADS", "--platform", "linux-amd64"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_host_is_named_with_one_exit_code(
    site: Site, tmp_path: Path, host: str, argv: list[str]
) -> None:
    places = {
        "OUT": str(tmp_path / "out"),
        "ASSETS": str(site.assets),
        "PAYLOADS": str(site.payloads),
        "ROOT": str(site.project.root),
    }
    env = {
        **Go(tmp_path / "modules").env(),
        "GOEMPY_PBS_MIRROR": f"http://{ASSETS}",
        "GITHUB_API_URL": f"http://{API}/api/v3",
        "GITHUB_REPOSITORY": NAME,
        "GITHUB_TOKEN": "t",
        "GOPROXY": f"http://{PROXY}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.https://{GIT}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    outcome = site.project.run(*[places.get(each, each) for each in argv], env=env)
    assert outcome.code == DownloadError.exit_code, outcome.log
    (error,) = [row for row in outcome.log.splitlines() if row.startswith("error: ")]
    assert host in error
