"""Linux on arm64, emulated: a real tree of PBS in Go programs that run, not only compile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.host import Finished
from tests.harness import qemu
from tests.harness.consumer import Consumer
from tests.harness.open_folder import open_folder
from tests.harness.real_site import RealSite, make_real_site
from tests.support.gotool import Go
from tests.support.peers import GO_EMBED_PYTHON_NEWEST
from tests.support.project import REPOSITORY, platform_named

pytestmark = [
    pytest.mark.skipif(bool(qemu.missing()), reason=f"runs linux/arm64: needs {qemu.missing()}"),
    pytest.mark.xdist_group("arm64"),
]

PLATFORM = "linux-arm64"
SLICE = (
    "TestKilledDuringExtraction", "TestManyColdStarts", "TestExtractsWhatWasPacked",
    "TestTwoUsersStart", "TestCleanupAndPruneLeaveUsedTrees", "TestTempDirThatCannotBeUsed",
    "TestPayloadKilledExtraction", "TestPayloadManyColdStarts", "TestPayloadStandsAlone",
    "TestContextEndsChildInBackground",
)  # fmt: skip
"""Go tests that processes, locks, the kernel's answers and the loader decide."""
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> RealSite:
    return make_real_site(tmp_path_factory.mktemp("site"), GO_EMBED_PYTHON_NEWEST, [PLATFORM])


def try_it(
    site: RealSite, folder: Path, temp: Path, *go_flags: str, timeout_s: float
) -> Finished:
    """``goempy try`` itself, on a system that runs arm64."""
    env = Go(folder / "modcache").env() | {
        "GOFLAGS": " ".join(["-modcacherw", f"-timeout={timeout_s:.0f}s", *go_flags]),
        "GOEMPY_CACHE_DIR": str(folder / "cache"),
        "TMPDIR": str(temp),
        # The race detector needs a C compiler for arm64.
        "CC": "none-here",
    }
    return qemu.arm64().run(
        sys.executable, "-m", "pipeline", "--root", site.project.root,
        "try", "--payloads", site.payloads, "--platform", PLATFORM,
        cwd=REPOSITORY, env=env, timeout_s=timeout_s,
    )  # fmt: skip


def test_the_program_of_the_readme_runs(site: RealSite, tmp_path: Path) -> None:
    module = site.release(tmp_path / "module")
    go, system = Go(tmp_path / "modcache"), qemu.arm64()
    consumer = Consumer(go, module, tmp_path, platform_named(PLATFORM), system)
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_it_is_used_as_its_users_will(site: RealSite, tmp_path: Path) -> None:
    """Every extension module imports, the second start is warm, cold starts and kills are fine."""
    chosen = f"-run=^({'|'.join(SLICE)})$"
    with open_folder() as temp:
        done = try_it(site, tmp_path, temp, "-short", chosen, timeout_s=600)
    assert done.code == 0, done.stderr


@pytest.mark.whole
def test_all_go_tests_pass(tmp_path: Path) -> None:
    """With package pip, which installs and imports a wheel."""
    site = make_real_site(tmp_path / "site", GO_EMBED_PYTHON_NEWEST, [PLATFORM], pip=True)
    with open_folder() as temp:
        done = try_it(site, tmp_path, temp, timeout_s=WHOLE_TIMEOUT_S)
    assert done.code == 0, done.stderr
