"""Fixtures that several test files share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests.fakes.http_server import Loopback, serve
from tests.harness.fork_server import fork_server
from tests.harness.project import Project, make_project
from tests.harness.vet import Vet, build_vet

# Each of the commands that tests run would compile the pipeline again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# And pytest would rewrite the asserts of all tests.
sys.dont_write_bytecode = False

# A shell starts what it puts in the background with SIGINT ignored, and so would all commands be.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test asserts a time: machines are shared.
settings.register_profile("goempy", deadline=None)
settings.load_profile("goempy")

WHOLE = "part of the whole run: pytest --whole"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run also what takes many minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--whole"):
        return
    for item in items:
        if item.get_closest_marker("whole"):
            item.add_marker(pytest.mark.skip(reason=WHOLE))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A file's tests on one worker, so that what they share is made once.

    Files are taken in the order of their names. So the many short ones, of ``unit``, come last,
    and all workers end at about the same time.
    """
    if config.option.dist != "load":  # another way was asked for
        return None
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def goempy_server() -> Iterator[str]:
    """The address of a server that runs ``goempy`` in new processes."""
    with fork_server() as address:
        yield address


@pytest.fixture(scope="session")
def vet(tmp_path_factory: pytest.TempPathFactory) -> Vet:
    return build_vet(tmp_path_factory.mktemp("vet"))
