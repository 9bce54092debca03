"""``matrix.lock``: written one way, read strictly, pinned where two lists agree."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.lock import (
    AssetRef,
    Listing,
    check_lock,
    compare_pins,
    dump_lock,
    parse_lock,
    pin_assets,
)
from pipeline.config.model import Pin
from pipeline.system.errors import (
    AssetNotFoundError,
    DigestError,
    LockError,
    UnpinnedError,
    UsageError,
)
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.fakes.github.server import GitHub, serve_github
from tests.fakes.http_server import Loopback
from tests.harness.project import Project

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
    if caught.value.details:
        assert fault in caught.value.details[0]
    assert "goempy lock" in caught.value.hint


def test_an_asset_twice() -> None:
    pin = Pin("20261021", "a", "0" * 64)
    twice = dump_lock([pin, pin])
    with pytest.raises(LockError, match="an asset twice"):
        parse_lock(twice)


A, B = "a" * 64, "b" * 64
ONE, TWO = AssetRef("20261021", "one.tar.gz"), AssetRef("20261009", "two.tar.gz")


def lists(*several: Listing) -> dict[str, Listing]:
    return {each.release: each for each in several}


def test_what_both_lists_say_is_pinned_with_its_size() -> None:
    found = Listing("20261021", {"one.tar.gz": A, "more": B}, {"one.tar.gz": A}, {"one.tar.gz": 7})
    pinned = pin_assets([ONE, ONE], lists(found), "there")
    assert pinned.pins == (Pin("20261021", "one.tar.gz", A, 7),)
    assert pinned.undigested == ()


@pytest.mark.parametrize(("digests", "named"), [({"one.tar.gz": ""}, ("one.tar.gz",)), (None, ())])
def test_without_a_digest_of_the_api_the_list_is_believed(
    digests: dict[str, str] | None, named: tuple[str, ...]
) -> None:
    pinned = pin_assets([ONE], lists(Listing("20261021", {"one.tar.gz": A}, digests, {})), "there")
    assert pinned.pins == (Pin("20261021", "one.tar.gz", A, None),)
    assert pinned.undigested == named


def test_disagreements_of_all_releases_are_told_together() -> None:
    several = lists(
        Listing("20261021", {"one.tar.gz": A}, {"one.tar.gz": B}, {}),
        Listing("20261009", {"two.tar.gz": B}, {"two.tar.gz": A}, {}),
    )
    with pytest.raises(DigestError) as caught:
        pin_assets([ONE, TWO, AssetRef("20261021", "lost")], several, "there")
    assert caught.value.details[:2] == (
        f"two.tar.gz: SHA256SUMS has {B}, the API {A}",
        f"one.tar.gz: SHA256SUMS has {A}, the API {B}",
    )
    assert caught.value.details[2].startswith("lost is not in SHA256SUMS and the API's list")


def test_missing_assets_of_all_releases_are_told_together() -> None:
    several = lists(
        Listing("20261021", {"one.tar.zst": A}, {"one.tar.zst": A}, {}),
        Listing("20261009", {}, {"two.tar.gz": A}, {}),
    )
    third = AssetRef("20261021", "one.tar.zst")
    with pytest.raises(AssetNotFoundError) as caught:
        pin_assets([ONE, TWO, third], several, "there")
    assert caught.value.details == (
        "two.tar.gz is not in SHA256SUMS of release 20261009",
        "one.tar.gz is not in SHA256SUMS and the API's list; nearest there: one.tar.zst",
    )


def test_what_changed() -> None:
    old = {name: Pin("1", name, A) for name in ("gone", "same", "other")}
    new = [Pin("1", "same", A), Pin("2", "other", B, 5), Pin("1", "fresh", A)]
    assert list(compare_pins(old, new)) == [
        "added: fresh",
        "removed: gone",
        f"changed: other: release 1 -> 2, sha256 {A} -> {B}, size unknown -> 5",
    ]
    assert list(compare_pins(old, old.values())) == []


def test_a_check_tells_all_that_is_missing_or_not_needed() -> None:
    held = {pin.name: pin for pin in (Pin("20261021", "two.tar.gz", A), Pin("1", "old", A))}
    with pytest.raises(LockError) as caught:
        check_lock(held, [ONE, TWO])
    assert caught.value.details == (
        "missing: one.tar.gz",
        "unused: old",
        "two.tar.gz is pinned in release 20261021, matrix.toml takes it from 20261009",
    )
    assert check_lock({ONE.name: Pin(ONE.release, ONE.name, A)}, [ONE]) == 1


def test_what_is_not_pinned_yet_contradicts_nothing() -> None:
    held = {ONE.name: Pin(ONE.release, ONE.name, A)}
    with pytest.raises(UnpinnedError, match="goempy lock") as caught:
        check_lock(held, [ONE, TWO])
    assert caught.value.details == ("missing: two.tar.gz",)


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
    assert "is not in SHA256SUMS; nearest there: cpython-3.14.9+20261021-aarch64-" in outcome.log
    assert (project.root / "matrix.lock").read_text("utf-8") == dump_lock([])


def test_the_command_replaces_a_lock_that_cannot_be_read(
    project: Project, server: Loopback
) -> None:
    names = assets(project)
    server.files["/20261021/SHA256SUMS"] = "".join(f"{A}  {name}\n" for name in names).encode()
    project.write("matrix.lock", "<<<<<<< HEAD\n")
    outcome = project.run("lock", "--source", server.address)
    assert outcome.code == 0
    assert "it will be replaced" in outcome.log
    assert set(parse_lock((project.root / "matrix.lock").read_text("utf-8"))) == set(names)


TAG = "20261021"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        yield made


def test_the_command_believes_the_list_and_the_api_together(
    project: Project, github: GitHub
) -> None:
    names = pbs_names(TAG, "3.12.15", "3.13.17", "3.14.9", "3.15.1")
    assert len(names) > 250
    release = github.add(TAG, names)
    outcome = project.run("lock", "--source", github.source)
    assert outcome.code == 0
    written = (project.root / "matrix.lock").read_text("utf-8")
    wanted = assets(project)
    assert parse_lock(written) == {n: Pin(TAG, n, sha256_of(n), size_of(n)) for n in wanted}
    assert sorted(row for row in outcome.log.splitlines() if "added: " in row) == [
        f"matrix.lock: added: {name}" for name in sorted(wanted)
    ]
    assert len(github.pages(release)) == 4
    # Nothing is asked for each asset.
    assert len(github.requests) == 6
    again = project.run("lock", "--source", github.source)
    assert "matrix.lock: nothing changed" in again.log
    assert (project.root / "matrix.lock").read_text("utf-8") == written


def test_the_command_names_assets_without_a_digest_together(
    project: Project, github: GitHub
) -> None:
    release = github.add(TAG, pbs_names(TAG, "3.14.9"))
    for asset in release.assets:
        asset.digest = None if "apple" in asset.name else asset.digest
    outcome = project.run("lock", "--source", github.source)
    assert outcome.code == 0
    (row,) = [row for row in outcome.log.splitlines() if row.startswith("warning: ")]
    named = [name for name in assets(project) if name in row]
    assert named == [name for name in assets(project) if "apple" in name]
    found = parse_lock((project.root / "matrix.lock").read_text("utf-8"))
    assert found[named[0]].sha256 == sha256_of(named[0])


def test_the_command_writes_nothing_when_the_lists_disagree(
    project: Project, github: GitHub
) -> None:
    project.write("matrix.lock", dump_lock([]))
    release = github.add(TAG, pbs_names(TAG, "3.14.9"))
    github.list_sums(TAG, pbs_names(TAG, "3.14.9")[5:])
    for asset in release.assets:
        if "darwin-pgo" in asset.name or "apple" in asset.name:
            asset.digest = f"sha256:{A}"
    outcome = project.run("lock", "--source", github.source)
    assert outcome.code == DigestError.exit_code
    wanted = [name for name in assets(project) if "apple" in name]
    assert len(wanted) == 2
    for name in wanted:
        assert f"{name}: SHA256SUMS has {sha256_of(name)}, the API {A}" in outcome.log
    assert "x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst is not in SHA256SUMS" in outcome.log
    assert (project.root / "matrix.lock").read_text("utf-8") == dump_lock([])


def test_a_mirror_with_github_s_paths_and_no_api(project: Project, server: Loopback) -> None:
    """It is not GitHub: its 404 is a web page."""
    base = "/astral-sh/python-build-standalone/releases/download"
    names = assets(project)
    server.files[f"{base}/{TAG}/SHA256SUMS"] = "".join(f"{A}  {n}\n" for n in names).encode()
    outcome = project.run("lock", "--source", f"{server.address}{base}")
    assert outcome.code == 0
    assert "digests come from SHA256SUMS alone" in outcome.log
    assert outcome.log.count("does not answer as GitHub's API does") == 1


def test_a_check_asks_nobody_and_writes_nothing(project: Project) -> None:
    env = {"GOEMPY_PBS_MIRROR": "http://127.0.0.1:1"}
    outcome = project.run("lock", "--check", env=env)
    assert outcome.code == UnpinnedError.exit_code
    assert outcome.log.count("  - missing: cpython-3.14.9+20261021-") == 5
    assert not (project.root / "matrix.lock").exists()
    project.write("matrix.lock", dump_lock(Pin(TAG, name, A) for name in assets(project)))
    outcome = project.run("lock", "--check", env=env)
    assert outcome.code == 0
    assert "matrix.lock pins what matrix.toml needs: 5 assets" in outcome.log


def test_a_check_takes_no_source(project: Project) -> None:
    assert project.run("lock", "--check", "--source", "github").code == UsageError.exit_code
