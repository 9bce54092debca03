"""Windows under Wine: a real tree of PBS in Go programs that run, not only compile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.verify.interpreter_probe import Exempt
from tests.builders.real_site import make_real_site, tagged_module
from tests.builders.site import Site
from tests.builders.trees import read_tree
from tests.harness import wine
from tests.harness.consumer import Consumer, Host
from tests.harness.go import GOFLAGS, Go
from tests.harness.go_tests import packages_with_tests
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.peers import GO_EMBED_PYTHON_NEWEST
from tests.harness.project import platform_named

pytestmark = pytest.mark.xdist_group("windows")

PLATFORM = "windows-amd64"
SLICE = (
    "TestPayloadKilledExtraction", "TestPayloadManyColdStarts", "TestPayloadWarmStart",
    "TestPayloadVariables", "TestPayloadInALongPath", "TestPayloadIsRepaired",
    "TestPayloadKillOnParentExit",
)  # fmt: skip
"""Go tests of package ``python`` that processes, open files and paths decide."""
BELOW_THE_INTERPRETER = [
    each
    for each in packages_with_tests(without="unix")
    if each not in {"python", "python/worker", "pip"}
]
COMPUTED = "TestLargeBlob", "TestBlobOfAnotherSize", "TestFramesAfterAChange"
"""Go tests that decompress for seconds and ask the system for nothing; the whole run has them."""
LIMITS = {
    **dict.fromkeys(("TestPayloadVenv", "TestPayloadPth/venv"), "Wine 8 has no CopyFile2"),
    **dict.fromkeys(
        ("TestPayloadProject", "TestPayloadPackageFaults"),
        "explorer.exe, which Wine 8 starts, inherits the pipe that pip reads a build from",
    ),
}
"""Go tests that Wine itself keeps from passing, and why."""
EXEMPT = (Exempt(PLATFORM, "_wmi", "Wine 8 lacks functions of propsys.dll"),)
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Site:
    """With what only tests of the whole run ask for: package pip, and this machine's platform."""
    if lacks := wine.missing():
        pytest.skip(f"runs windows/amd64: needs {lacks}")
    folder = tmp_path_factory.mktemp("site")
    whole = bool(pytestconfig.getoption("--whole"))
    platforms = [*["linux-amd64"] * whole, PLATFORM]
    return make_real_site(folder, GO_EMBED_PYTHON_NEWEST, platforms, pip=whole)


@pytest.fixture(scope="module")
def consumer(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    folder = tmp_path_factory.mktemp("windows")
    module = tagged_module(site, folder / "module")
    modcache = folder / "modcache"
    flags = f"{GOFLAGS} {wine.overlay(Go(modcache), folder)}"
    with wine.running_wine(folder / "prefix") as system:
        go = Go(modcache, extra={"GOFLAGS": flags})
        yield Consumer(go, module, folder, platform_named(PLATFORM), system)


def test_the_program_of_the_readme_runs(site: Site, consumer: Consumer) -> None:
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_every_extension_module_imports(site: Site, consumer: Consumer) -> None:
    assert consumer.import_faults(site, EXEMPT) == []


@pytest.mark.parametrize("package", BELOW_THE_INTERPRETER)
def test_packages_below_the_interpreter_pass_their_tests(consumer: Consumer, package: str) -> None:
    skipped = f"-test.skip=^({'|'.join(COMPUTED)})$"
    consumer.run_tests(package, "-test.short", skipped, timeout_s=HANGS_AFTER_S)


def test_a_worker_is_called(consumer: Consumer) -> None:
    """Without what kills processes, see below."""
    chosen = "-test.run=^Test(Values|Bytes|Exception|Errors|Output|Init|Logging|Command|.*OwnTime)"
    printed = consumer.run_tests("python/worker", chosen, timeout_s=HANGS_AFTER_S)
    assert printed.count("--- PASS: ") >= 9


@pytest.mark.whole  # under Wine 8 a Python whose start is cut short may hang for ever
def test_kills_and_many_starts(consumer: Consumer) -> None:
    chosen = f"-test.run=^({'|'.join(SLICE)})$"
    printed = consumer.run_tests("python", "-test.short", chosen, timeout_s=HANGS_AFTER_S)
    assert [name for name in SLICE if f"--- PASS: {name} " not in printed] == []


REQUIREMENTS = ("jinja2", "cryptography", "pydantic-core", "lxml", "PyYAML")
"""Packages with wheels for each platform, but the first."""
IMPORTS = "jinja2, markupsafe._speedups, cryptography.fernet, pydantic_core, lxml.etree, yaml"
WHEELS = {
    "linux-amd64": (REQUIREMENTS, ("manylinux_2_17_x86_64", "manylinux2014_x86_64")),
    PLATFORM: ((*REQUIREMENTS, "pywin32"), ("win_amd64",)),
}


def download_wheels(folder: Path, python: str, example: Path) -> None:
    """Everything that both requirements need on both platforms, from the index."""
    for names, tags in WHEELS.values():
        platforms = [word for tag in tags for word in ("--platform", tag)]
        version = python.rpartition(".")[0]
        for wanted in (names, ("--requirement", str(example))):
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", *platforms,
                 "--python-version", version, "--dest", folder, *wanted],
                check=True,
            )  # fmt: skip


def generate(consumer: Consumer, requirements: Path, wheels: Path) -> Path:
    """Install for both platforms on the consumer's system; returns what ``use`` embeds."""
    install = consumer.build_program("install")
    packages = install.parents[1] / "programs" / "packages"
    for platform in WHEELS:
        home = str(consumer.folder)
        done = consumer.run(install, requirements, wheels, packages, platform, home=home)
        assert done.code == 0, done.stdout.decode() + done.stderr
    return packages


@pytest.mark.whole
def test_packages_are_the_same_wherever_they_are_generated(
    site: Site, consumer: Consumer, tmp_path: Path
) -> None:
    """And they import on the system that they are for, those of pywin32 by its .pth file."""
    wheels, requirements = tmp_path / "wheels", tmp_path / "requirements.txt"
    example = consumer.module / "example" / "jinja2" / "requirements.txt"
    download_wheels(wheels, site.python, example)
    lines = [*REQUIREMENTS, 'pywin32; sys_platform == "win32"']
    requirements.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    host = Consumer(
        Go(consumer.go.modcache), consumer.module, tmp_path, platform_named("linux-amd64"), Host()
    )
    for text in (example, requirements):
        ours, theirs = (generate(each, text, wheels) for each in (host, consumer))
        assert read_tree(ours) == read_tree(theirs)
    for system, more in ((host, ""), (consumer, ", win32api, win32com.client")):
        done = system.run(system.build_program("use"), "-c", f"import {IMPORTS}{more}")
        assert done.code == 0, done.stderr


@pytest.mark.whole
@pytest.mark.parametrize("package", packages_with_tests(without="unix"))
def test_all_go_tests_pass(consumer: Consumer, package: str) -> None:
    skipped = "|".join("/".join(f"^{part}$" for part in name.split("/")) for name in LIMITS)
    consumer.run_tests(package, f"-test.skip={skipped}", timeout_s=WHOLE_TIMEOUT_S)
