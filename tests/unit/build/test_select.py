"""Which modules ship compiled."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.build.bytecode.select import select_modules
from pipeline.build.model import Kind, Member
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import ALL_BYTECODE, COMMON_BYTECODE, NO_BYTECODE
from tests.harness.project import REPOSITORY

OWN = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8")).payload
NAMES = ("json/decoder.py", "os.py", "_pydecimal.py", "_sysconfigdata__linux_x.py", "LICENSE.txt")


def shipped(folder: str) -> list[Member]:
    files = [Member(f"{folder}/{name}", Kind.FILE, 1, content=1) for name in NAMES]
    return [*files, Member("bin/os.py", Kind.FILE, 1), Member(f"{folder}/link.py", Kind.LINK)]


@pytest.mark.parametrize("folder", ["lib/python3.14", "lib/python3.14t", "lib64/python3.9", "Lib"])
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (NO_BYTECODE, []),
        (COMMON_BYTECODE, ["json/decoder.py", "os.py"]),
        (ALL_BYTECODE, ["json/decoder.py", "os.py", "_pydecimal.py"]),
    ],
)
def test_none_the_common_ones_or_all(folder: str, choice: str, names: list[str]) -> None:
    found = select_modules(shipped(folder), dataclasses.replace(OWN, bytecode=choice))
    assert [(module.folder, module.name) for module in found] == [(folder, n) for n in names]


def test_the_repository_ships_the_common_ones() -> None:
    assert OWN.bytecode == COMMON_BYTECODE
    wanted = ["asyncio/base_events.py", "email/mime/text.py", "encodings/utf_8.py", "ssl.py",
              "__future__.py", "_collections_abc.py", "importlib/metadata/__init__.py"]  # fmt: skip
    members = [Member(f"lib/python3.14/{name}", Kind.FILE) for name in wanted]
    assert [module.name for module in select_modules(members, OWN)] == wanted
