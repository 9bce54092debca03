"""musl: a CPython that has its loader, in Go programs that run where no other C library is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.real_site import make_real_site, tagged_module
from tests.builders.site import Site
from tests.harness import musl
from tests.harness.consumer import Consumer
from tests.harness.go import Go
from tests.harness.go_tests import packages_with_tests
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.musl_python import BuildError, musl_python
from tests.harness.open_folder import open_folder
from tests.harness.peers import GO_EMBED_PYTHON_NEWEST
from tests.harness.project import platform_named

GLIBC = "linux-amd64"
PLATFORM = f"{GLIBC}-musl"
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module", autouse=True)
def _system() -> None:
    if lacks := musl.missing():
        pytest.skip(f"runs musl: needs {lacks}")


def make_site(folder: Path, *, pip: bool = False) -> Site:
    try:
        python = musl_python()
    except BuildError as fault:
        pytest.skip(f"runs musl: no Python for it could be built: {fault}")
    return make_real_site(folder, python, [PLATFORM], pip=pip)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


@contextlib.contextmanager
def released(site: Site, go: Go, platform: str) -> Iterator[Consumer]:
    """A consumer of the site's tag for ``platform``, on a system that has musl only."""
    with open_folder() as folder:
        work = folder / "work"
        work.mkdir()
        work.chmod(0o1777)
        module = tagged_module(site, work / "module")
        system = musl.make_musl_root(folder / "root", work)
        yield Consumer(go, module, work, platform_named(platform), system)


@pytest.fixture(scope="module")
def consumer(site: Site, go: Go) -> Iterator[Consumer]:
    with released(site, go, PLATFORM) as consumer:
        yield consumer


def test_the_program_of_the_readme_runs(site: Site, consumer: Consumer) -> None:
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_every_extension_module_imports(site: Site, consumer: Consumer) -> None:
    assert consumer.import_faults(site) == []


def test_a_python_for_glibc_says_what_to_do(tmp_path: Path, go: Go) -> None:
    """That it cannot start shows too that no other C library is there."""
    site = make_real_site(tmp_path, GO_EMBED_PYTHON_NEWEST, [GLIBC])
    with released(site, go, GLIBC) as consumer:
        done = consumer.run(consumer.build_readme_program())
    assert done.code == 1
    assert "/lib64/ld-linux-x86-64.so.2 is missing" in done.stderr
    assert "-tags musl" in done.stderr


def test_go_tests_pass_in_short(consumer: Consumer) -> None:
    """Of the package that knows of musl: the others are compiled to what linux-amd64 has."""
    consumer.run_tests("python", "-test.short", timeout_s=HANGS_AFTER_S)


@pytest.mark.whole
def test_all_go_tests_pass(tmp_path: Path, go: Go) -> None:
    """With package pip, which asks the interpreter's loader for musl's version."""
    site = make_site(tmp_path / "site", pip=True)
    with released(site, go, PLATFORM) as consumer:
        for package in packages_with_tests():
            consumer.run_tests(package, timeout_s=WHOLE_TIMEOUT_S)
