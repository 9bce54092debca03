"""Windows under Wine: a real tree of PBS in Go programs that run, not only compile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.portrait import Exempt
from tests.harness import wine
from tests.harness.consumer import Consumer
from tests.harness.real_site import RealSite, make_real_site
from tests.support.gotool import Go
from tests.support.peers import GO_EMBED_PYTHON_NEWEST
from tests.support.project import platform_named

pytestmark = pytest.mark.xdist_group("windows")

PLATFORM = "windows-amd64"
SLICE = (
    "TestPayloadKilledExtraction", "TestPayloadManyColdStarts", "TestPayloadWarmStart",
    "TestPayloadVariables", "TestPayloadInALongPath", "TestPayloadIsRepaired",
)  # fmt: skip
"""Go tests of package ``python`` that processes, open files and paths decide."""
LIMITS = {"TestPayloadVenv": "Wine 8 has no CopyFile2"}
"""Go tests that Wine itself keeps from passing, and why."""
EXEMPT = (Exempt(PLATFORM, "_wmi", "Wine 8 has not the COM interfaces that it asks for"),)
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> RealSite:
    if lacks := wine.missing():
        pytest.skip(f"runs windows/amd64: needs {lacks}")
    folder = tmp_path_factory.mktemp("site")
    return make_real_site(folder, GO_EMBED_PYTHON_NEWEST, ["linux-amd64", PLATFORM], pip=True)


@pytest.fixture(scope="module")
def consumer(site: RealSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    folder = tmp_path_factory.mktemp("windows")
    module = site.release(folder / "module")
    modcache = folder / "modcache"
    flags = f"-modcacherw {wine.overlay(Go(modcache), folder)}"
    with wine.running_wine(folder / "prefix") as system:
        go = Go(modcache, extra={"GOFLAGS": flags})
        yield Consumer(go, module, folder, platform_named(PLATFORM), system)


def test_the_program_of_the_readme_runs(site: RealSite, consumer: Consumer) -> None:
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_every_extension_module_imports(site: RealSite, consumer: Consumer) -> None:
    assert consumer.import_faults(site, EXEMPT) == []


def test_embed_util_passes_its_tests(consumer: Consumer) -> None:
    consumer.run_tests("embed_util", "-test.short", timeout_s=600)


def test_kills_and_many_starts(consumer: Consumer) -> None:
    chosen = f"-test.run=^({'|'.join(SLICE)})$"
    printed = consumer.run_tests("python", "-test.short", chosen, timeout_s=600)
    assert [name for name in SLICE if f"--- PASS: {name} " not in printed] == []


@pytest.mark.whole
@pytest.mark.parametrize("package", ["embed_util", "python", "pip"])
def test_all_go_tests_pass(consumer: Consumer, package: str) -> None:
    skipped = f"-test.skip=^({'|'.join(LIMITS)})$"
    consumer.run_tests(package, skipped, timeout_s=WHOLE_TIMEOUT_S)
