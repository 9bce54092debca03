"""Linux on arm64, emulated: a real tree of PBS in Go programs that run, not only compile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
SLICE = {
    "internal/extract": (
        "TestKilledDuringExtraction", "TestManyColdStarts", "TestExtractsWhatWasPacked",
        "TestTwoUsersStart", "TestCleanupAndPruneLeaveUsedTrees", "TestTempDirThatCannotBeUsed",
    ),
    "internal/procgroup": ("TestContextEndsChildInBackground",),
    "python": ("TestPayloadStandsAlone", "TestPayloadWarmStart"),
}  # fmt: skip
"""Go tests that processes, locks, the kernel's answers and the loader decide, by package."""
LIMITS = {
    "TestReplacedWhileProgramsRun": "QEMU opens the program's file after it seems to run",
    "TestCleanupWhileAProgramRuns": "the program's name is that of QEMU",
}
"""Go tests that QEMU itself keeps from passing, and why."""
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


@pytest.fixture(scope="module")
def consumer(site: Site, go: Go) -> Iterator[Consumer]:
    with open_folder() as folder:
        module = tagged_module(site, folder / "module")
        yield Consumer(go, module, folder, platform_named(PLATFORM), qemu.arm64())


def test_the_program_of_the_readme_runs(site: Site, consumer: Consumer) -> None:
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_every_extension_module_imports(site: Site, consumer: Consumer) -> None:
    assert consumer.import_faults(site) == []


@pytest.mark.parametrize("package", SLICE)
def test_go_tests_pass_in_short(consumer: Consumer, package: str) -> None:
    names = SLICE[package]
    chosen = f"-test.run=^({'|'.join(names)})$"
    printed = consumer.run_tests(package, "-test.short", chosen, timeout_s=HANGS_AFTER_S)
    assert [name for name in names if f"--- PASS: {name} " not in printed] == []


@pytest.mark.whole
def test_all_go_tests_pass(go: Go, tmp_path: Path) -> None:
    """And ``goempy try`` itself, with package pip, which installs and imports a wheel."""
    site = make_real_site(tmp_path / "site", GO_EMBED_PYTHON_NEWEST, [PLATFORM], pip=True)
    with open_folder() as folder:
        try_it(site, go, folder)
        module = tagged_module(site, folder / "module")
        consumer = Consumer(go, module, folder, platform_named(PLATFORM), qemu.arm64())
        for package in packages_with_tests():
            skipped = f"-test.skip=^({'|'.join(LIMITS)})$"
            consumer.run_tests(package, skipped, timeout_s=WHOLE_TIMEOUT_S)


def try_it(site: Site, go: Go, temp: Path) -> None:
    """``goempy try`` on a system that runs arm64, without the Go tests."""
    env = go.env() | {
        "GOFLAGS": f"{GOFLAGS} -run=^$",
        "GOEMPY_CACHE_DIR": str(temp / "cache"),
        "TMPDIR": str(temp),
        # The race detector needs a C compiler for arm64.
        "CC": "none-here",
    }
    done = qemu.arm64().run(
        sys.executable, "-m", "pipeline", "--root", site.project.root,
        "try", "--payloads", site.payloads, "--platform", PLATFORM,
        cwd=REPOSITORY, env=env, timeout_s=WHOLE_TIMEOUT_S,
    )  # fmt: skip
    assert done.code == 0, done.stderr
