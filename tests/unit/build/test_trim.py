"""What leaves a tree, and that each thing that leaves says why."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.build.model import Kind, Member
from pipeline.build.trim import DANGLING, NOT_KEPT, UNNEEDED, TrimPlan, plan_trim
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import TrimConfig, TrimRule
from pipeline.system.errors import TreeError
from tests.builders.pbs_archive import unix_tree, windows_tree
from tests.harness.project import REPOSITORY

OWN = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8")).trim


def members(tree: dict[str, bytes | str]) -> list[Member]:
    return [
        Member(name, Kind.LINK, target=content)
        if isinstance(content, str)
        else Member(name, Kind.FILE, len(content), content=number)
        for number, (name, content) in enumerate(tree.items())
    ]


def kept(plan: TrimPlan) -> list[str]:
    return [member.name for member in plan.kept if member.kind is not Kind.DIR]


def reasons(plan: TrimPlan) -> dict[str, str]:
    return {each.member.name: each.reason for each in plan.dropped}


def test_a_unix_tree_by_the_repository_s_rules() -> None:
    plan = plan_trim(members(unix_tree()), OWN, windows=False)
    assert kept(plan) == [
        "bin/python3",
        "bin/python3.14",
        "lib/python3.14/encodings/aliases.py",
        "lib/python3.14/json/__init__.py",
        "lib/python3.14/lib-dynload/_json.so",
        "lib/python3.14/os.py",
    ]
    why = reasons(plan)
    assert why["include/Python.h"] == "part headers, which is off"
    assert why["share/man/man1/python3.1"] == NOT_KEPT
    assert why["lib/python3.14/test/test_os.py"] == "test suite"
    assert why["lib/python3.14/sqlite3/test/regression.py"] == "test suite"
    assert why["lib/python3.14/unittest/test_thing.py"] == "test suite"
    assert why["lib/python3.14/lib-dynload/_testcapi.so"] == "test extension module"
    assert why["lib/python3.14/idlelib/idle.py"] == "part idle, which is off"
    assert why["bin/pip3"].startswith("script of a package that is not shipped")
    assert why["lib/python3.14/config-3.14-x86_64-linux-gnu/Makefile"].startswith("for compiling")
    assert len(why) + len(kept(plan)) == len(unix_tree())


def switched_on(*names: str) -> TrimConfig:
    parts = tuple(dataclasses.replace(p, ship=p.ship or p.name in names) for p in OWN.parts)
    return dataclasses.replace(OWN, parts=parts)


TK = {
    "lib/libtcl9.0.so": b"x", "lib/libtcl9tk9.0.so": b"x", "lib/tcl9.0/init.tcl": b"x",
    "lib/python3.14/tkinter/__init__.py": b"x", "lib/python3.14/turtle.py": b"x",
    "lib/python3.14/lib-dynload/_tkinter.cpython-314-x86_64-linux-gnu.so": b"x",
}  # fmt: skip


def test_a_part_is_shipped_or_dropped_by_one_switch() -> None:
    tree = unix_tree() | TK
    off = plan_trim(members(tree), OWN, windows=False)
    assert set(reasons(off)) >= set(TK)
    assert reasons(off)["lib/libtcl9.0.so"] == "part tcl, which is off"
    assert reasons(off)["lib/tcl9.0/init.tcl"] == "part tcl, which is off"
    on = plan_trim(members(tree), switched_on("tcl", "tkinter"), windows=False)
    assert set(kept(on)) >= set(TK) - {"lib/python3.14/turtle.py"}
    assert reasons(on)["lib/python3.14/turtle.py"] == "part turtle, which is off"
    idle = plan_trim(members(tree), switched_on("idle"), windows=False)
    assert "lib/python3.14/idlelib/idle.py" in kept(idle)


def test_tk_on_windows_is_tcl_s_folder_and_its_dlls() -> None:
    tk = {"tcl/tcl8.6/init.tcl": b"x", "DLLs/tcl86t.dll": b"x", "DLLs/zlib1.dll": b"x"}
    tree = windows_tree() | tk
    assert set(tk) <= set(kept(plan_trim(members(tree), switched_on("tcl"), windows=True)))
    assert not set(tk) & set(kept(plan_trim(members(tree), OWN, windows=True)))


@pytest.mark.parametrize("part", ["ensurepip", "headers"])
def test_ensurepip_and_headers_are_parts(part: str) -> None:
    unix = {"ensurepip": "lib/python3.14/ensurepip/__init__.py", "headers": "include/Python.h"}
    windows = {"ensurepip": "Lib/ensurepip/__init__.py", "headers": "libs/python314.lib"}
    for tree, name, is_windows in (
        (unix_tree(), unix[part], False),
        (windows_tree() | {windows[part]: b"x"}, windows[part], True),
    ):
        assert name in reasons(plan_trim(members(tree), OWN, windows=is_windows))
        assert name in kept(plan_trim(members(tree), switched_on(part), windows=is_windows))


def test_a_windows_tree_by_the_repository_s_rules() -> None:
    plan = plan_trim(members(windows_tree()), OWN, windows=True)
    assert kept(plan) == [
        "DLLs/_ssl.pyd",
        "Lib/json/__init__.py",
        "Lib/os.py",
        "python.exe",
        "python314.dll",
        "vcruntime140.dll",
    ]
    assert reasons(plan)["DLLs/_testcapi.pyd"] == "test extension module"


def test_folders_stay_with_what_is_in_them() -> None:
    plan = plan_trim(members(unix_tree()), OWN, windows=False)
    folders = [member.name for member in plan.kept if member.kind is Kind.DIR]
    assert folders == [
        "bin",
        "lib",
        "lib/python3.14",
        "lib/python3.14/encodings",
        "lib/python3.14/json",
        "lib/python3.14/lib-dynload",
    ]


def library_tree(*needed: str) -> list[Member]:
    return [
        Member("bin/python3", Kind.FILE, needed=(*needed, "libc.so.6")),
        Member("lib/python3.14/os.py", Kind.FILE),
        Member("lib/libpython3.so", Kind.FILE, needed=("libpython3.14.so.1.0",)),
        Member("lib/libpython3.14.so", Kind.LINK, target="libpython3.14.so.1.0"),
        Member("lib/libpython3.14.so.1.0", Kind.FILE, needed=("libc.so.6",)),
    ]


def test_libpython_leaves_when_nothing_needs_it() -> None:
    plan = plan_trim(library_tree(), OWN, windows=False)
    assert reasons(plan) == {
        "lib/libpython3.so": UNNEEDED,
        "lib/libpython3.14.so": UNNEEDED,
        "lib/libpython3.14.so.1.0": UNNEEDED,
    }


@pytest.mark.parametrize(
    ("needed", "stays"),
    [
        ("libpython3.14.so.1.0", {"lib/libpython3.14.so.1.0"}),
        ("libpython3.14.so", {"lib/libpython3.14.so", "lib/libpython3.14.so.1.0"}),
        ("libpython3.so", {"lib/libpython3.so", "lib/libpython3.14.so.1.0"}),
    ],
)
def test_libpython_stays_with_all_that_leads_to_it(needed: str, stays: set[str]) -> None:
    plan = plan_trim(library_tree(needed), OWN, windows=False)
    assert {name for name in kept(plan) if "libpython" in name} == stays


def test_links_leave_with_what_they_point_to() -> None:
    config = TrimConfig(("**",), ("**",), (TrimRule("gone", ("lib/target",)),))
    tree = [
        *members({"bin/python3": b"", "lib/python3.14/os.py": b"", "lib/target": b""}),
        Member("lib/first", Kind.LINK, target="target"),
        Member("lib/second", Kind.LINK, target="first"),
        Member("lib/folder", Kind.LINK, target="python3.14"),
    ]
    plan = plan_trim(tree, config, windows=False)
    assert reasons(plan) == {"lib/target": "gone", "lib/first": DANGLING, "lib/second": DANGLING}
    assert "lib/folder" in kept(plan)


@pytest.mark.parametrize(
    ("windows", "lost"),
    [(False, "bin/python3"), (False, "lib/python3.14/os.py"), (True, "python.exe")],
)
def test_a_tree_that_could_not_start_is_refused(windows: bool, lost: str) -> None:  # noqa: FBT001
    tree = windows_tree() if windows else unix_tree()
    del tree[lost]
    with pytest.raises(TreeError) as caught:
        plan_trim(members(tree), OWN, windows=windows)
    assert len(caught.value.details) == 1
    assert "--explain" in caught.value.hint
