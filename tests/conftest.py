"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.http_server import Loopback, serve
from tests.harness.project import Project, make_project
from tests.harness.vet import Vet, build_vet

# No test asserts a time: machines are shared.
settings.register_profile("goempy", deadline=None)
settings.load_profile("goempy")

WHOLE = "part of the whole run: pytest tests/systems --whole"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run also what takes many minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--whole"):
        return
    for item in items:
        if item.get_closest_marker("whole"):
            item.add_marker(pytest.mark.skip(reason=WHOLE))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def vet(tmp_path_factory: pytest.TempPathFactory) -> Vet:
    return build_vet(tmp_path_factory.mktemp("vet"))
