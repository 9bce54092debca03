"""musl: a CPython that has its loader, in Go programs that run where no other C library is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.payload.check import read_payload
from pipeline.plan import all_cells
from pipeline.matrix import parse_matrix
from pipeline.portrait import ALL_BUILTINS, PORTRAIT, extension_modules, portrait_faults
from pipeline.trial import started
from tests.harness import musl
from tests.harness.consumer import Consumer
from tests.harness.musl_python import BuildError, musl_python
from tests.harness.open_folder import open_folder
from tests.harness.real_site import RealSite, make_real_site
from tests.support.gotool import Go
from tests.support.project import platform_named

pytestmark = [
    pytest.mark.skipif(bool(musl.missing()), reason=f"runs musl: needs {musl.missing()}"),
    pytest.mark.xdist_group("musl"),
]

PLATFORM = "linux-amd64-musl"
WHOLE_TIMEOUT_S = 3600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> RealSite:
    try:
        python = musl_python()
    except BuildError as fault:
        pytest.skip(f"runs musl: no Python for it could be built: {fault}")
    return make_real_site(tmp_path_factory.mktemp("site"), python, [PLATFORM])


@pytest.fixture(scope="module")
def consumer(site: RealSite) -> Iterator[Consumer]:
    with open_folder() as folder:
        work = folder / "work"
        work.mkdir(mode=0o1777)
        work.chmod(0o1777)
        module = site.release(work / "module")
        system = musl.make_musl_root(folder / "root", work)
        platform = platform_named(PLATFORM)
        yield Consumer(Go(folder / "modcache"), module, work, platform, system)


def test_the_program_of_the_readme_runs(site: RealSite, consumer: Consumer) -> None:
    done = consumer.run(consumer.build_readme_program())
    assert done.code == 0, done.stderr
    assert done.stdout.decode().startswith(f"hello from Python {site.python} ")


def test_every_extension_module_imports(site: RealSite, consumer: Consumer) -> None:
    matrix = parse_matrix((site.project.root / "matrix.toml").read_text("utf-8"))
    (cell,) = all_cells(matrix)
    modules = extension_modules(read_payload(site.payloads / cell.name).manifest)
    assert len(modules) > 20
    program = consumer.build_start()
    tree, portrait = started(consumer.run(program, "-c", PORTRAIT, ALL_BUILTINS, *modules))
    assert [*portrait_faults(portrait, cell, modules)] == []
    assert Path(tree).is_relative_to(consumer.folder)


def test_glibc_is_not_there(consumer: Consumer) -> None:
    """Else the loader would not be in question: a program that needs glibc is not found."""
    done = consumer.system.run("/bin/sh", "-c", "ls /lib*", cwd=consumer.folder)
    assert done.stdout.decode().split() == [musl.LOADER]


@pytest.mark.parametrize("package", ["embed_util", "python"])
def test_go_tests_pass_in_short(consumer: Consumer, package: str) -> None:
    consumer.run_tests(package, "-test.short", timeout_s=600)


@pytest.mark.whole
@pytest.mark.parametrize("package", ["embed_util", "python", "pip"])
def test_all_go_tests_pass(consumer: Consumer, package: str) -> None:
    consumer.run_tests(package, timeout_s=WHOLE_TIMEOUT_S)
