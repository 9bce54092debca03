"""Linux on arm64, emulated: a real tree of PBS in Go programs that run, not only compile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.system.process import ProcessResult
from tests.builders.real_site import make_real_site, tagged_module
from tests.builders.site import Site
from tests.harness import qemu
from tests.harness.consumer import Consumer
from tests.harness.go import GOFLAGS, Go
from tests.harness.go_tests import packages_with_tests
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.open_folder import open_folder
from tests.harness.peers import GO_EMBED_PYTHON_NEWEST
from tests.harness.project import REPOSITORY, platform_named

PLATFORM = "linux-arm64"
SLICE = (
    "TestKilledDuringExtraction", "TestManyColdStarts", "TestExtractsWhatWasPacked",
    "TestTwoUsersStart", "TestCleanupAndPruneLeaveUsedTrees", "TestTempDirThatCannotBeUsed",
    "TestPayloadKilledExtraction", "TestPayloadManyColdStarts", "TestPayloadStandsAlone",
    "TestContextEndsChildInBackground",
)  # fmt: skip
"""Go tests that processes, locks, the kernel's answers and the loader decide."""
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module", autouse=True)
def _system() -> None:
    if lacks := qemu.missing():
        pytest.skip(f"runs linux/arm64: needs {lacks}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_real_site(tmp_path_factory.mktemp("site"), GO_EMBED_PYTHON_NEWEST, [PLATFORM])


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


def try_it(site: Site, go: Go, temp: Path, *go_flags: str, timeout_s: float) -> ProcessResult:
    """``goempy try`` itself, on a system that runs arm64."""
    env = go.env() | {
        "GOFLAGS": " ".join([GOFLAGS, f"-timeout={timeout_s:.0f}s", *go_flags]),
        "GOEMPY_CACHE_DIR": str(temp / "cache"),
        "TMPDIR": str(temp),
        # The race detector needs a C compiler for arm64.
        "CC": "none-here",
    }
    return qemu.arm64().run(
        sys.executable, "-m", "pipeline", "--root", site.project.root,
        "try", "--payloads", site.payloads, "--platform", PLATFORM,
        cwd=REPOSITORY, env=env, timeout_s=timeout_s,
    )  # fmt: skip


def test_the_program_of_the_readme_runs(site: Site, go: Go, tmp_path: Path) -> None:
    module = tagged_module(site, tmp_path / "module")
    consumer = Consumer(go, module, tmp_path, platform_named(PLATFORM), qemu.arm64())
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_it_is_used_as_its_users_will(site: Site, go: Go) -> None:
    """Every extension module imports, the second start is warm, cold starts and kills are fine."""
    chosen = f"-run=^({'|'.join(SLICE)})$"
    with open_folder() as temp:
        done = try_it(site, go, temp, "-short", chosen, timeout_s=HANGS_AFTER_S)
    assert done.code == 0, done.stderr


@pytest.mark.whole
def test_all_go_tests_pass(go: Go, tmp_path: Path) -> None:
    """With package pip, which installs and imports a wheel."""
    site = make_real_site(tmp_path / "site", GO_EMBED_PYTHON_NEWEST, [PLATFORM], pip=True)
    with open_folder() as folder:
        done = try_it(site, go, folder, "-run=^$", timeout_s=WHOLE_TIMEOUT_S)
        assert done.code == 0, done.stderr
        module = tagged_module(site, folder / "module")
        consumer = Consumer(go, module, folder, platform_named(PLATFORM), qemu.arm64())
        for package in packages_with_tests():
            consumer.run_tests(package, timeout_s=WHOLE_TIMEOUT_S)
