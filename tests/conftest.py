"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loopback import Loopback, serve
from tests.support.project import Project, make_project


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)
