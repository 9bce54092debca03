"""``matrix.lock``: written one way, read strictly."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import AssetNotFoundError, LockError
from pipeline.lock import dump_lock, parse_lock
from pipeline.model import Pin
from tests.support.loopback import Loopback
from tests.support.project import Project

hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.from_regex(r"[a-zA-Z0-9.+_-]+", fullmatch=True)
pins = st.builds(
    Pin,
    st.from_regex(r"\d{8}", fullmatch=True),
    names,
    hashes,
    st.none() | st.integers(min_value=1, max_value=1 << 40),
)


@given(st.lists(pins, unique_by=lambda pin: pin.name))
def test_round_trip_in_any_order(several: list[Pin]) -> None:
    text = dump_lock(several)
    assert text == dump_lock(reversed(several))
    assert dict(parse_lock(text)) == {pin.name: pin for pin in several}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("format = 2\n", "format"),
        ("asset = [", "matrix.lock: "),
        ('format = 1\n[[asset]]\nrelease = "1"\nname = "a"\nsha256 = "00"\n', "asset.0.sha256"),
        (f'format = 1\n[[asset]]\nrelease = "1"\nname = "../a"\nsha256 = "{"0" * 64}"\n', "name"),
    ],
)
def test_anything_else_is_no_lock(text: str, fault: str) -> None:
    with pytest.raises(LockError, match=re.escape(fault)) as caught:
        parse_lock(text)
    if caught.value.faults:
        assert fault in caught.value.faults[0]
    assert "goempy lock" in caught.value.remedy


def test_an_asset_twice() -> None:
    pin = Pin("20261021", "a", "0" * 64)
    twice = dump_lock([pin, pin])
    with pytest.raises(LockError, match="an asset twice"):
        parse_lock(twice)


def assets(project: Project) -> list[str]:
    return [row.split()[2] for row in project.run("plan").out.splitlines()[1:]]


def test_the_command_takes_digests_from_the_release_and_sizes_from_the_assets(
    project: Project, server: Loopback
) -> None:
    names = assets(project)
    sums = "".join(f"{number:064x}  {name}\n" for number, name in enumerate(names))
    server.files["/20261021/SHA256SUMS"] = sums.encode()
    for number, name in enumerate(names[1:]):
        server.files[f"/20261021/{name}"] = b"x" * (number + 1)
    outcome = project.run("lock", "--source", server.address)
    assert outcome.code == 0
    assert "5 assets, 1 without a size" in outcome.log
    found = parse_lock((project.root / "matrix.lock").read_text("utf-8"))
    assert found[names[0]] == Pin("20261021", names[0], f"{0:064x}", None)
    assert found[names[3]] == Pin("20261021", names[3], f"{3:064x}", 3)


def test_the_command_leaves_the_lock_alone_when_an_asset_is_missing(
    project: Project, server: Loopback
) -> None:
    project.write("matrix.lock", dump_lock([]))
    server.files["/20261021/SHA256SUMS"] = b"".join(
        f"{0:064x}  {name}\n".encode() for name in assets(project)[1:]
    )
    outcome = project.run("lock", "--source", server.address)
    assert outcome.code == AssetNotFoundError.exit_code
    assert "nearest there: cpython-3.14.9+20261021-aarch64-unknown-linux-gnu" in outcome.log
    assert (project.root / "matrix.lock").read_text("utf-8") == dump_lock([])
