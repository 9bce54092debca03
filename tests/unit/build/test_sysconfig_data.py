"""What the build's configuration says of paths and compilers becomes true of the extracted tree."""

from __future__ import annotations

import sys

from pipeline.build.model import Kind, Member
from pipeline.build.sysconfig_data import APPENDED, relocated

DATA = "lib/python3.14/_sysconfigdata__linux_x86_64-linux-gnu.py"


def members(*names: str) -> list[Member]:
    return [Member(name, Kind.FILE) for name in names]


def imported(**values: object) -> dict[str, object]:
    """The values after the module that has them was imported."""
    space: dict[str, object] = {"build_time_vars": dict(values)}
    exec(compile(APPENDED, "appended", "exec"), space)  # noqa: S102 - as an import does
    assert isinstance(space["build_time_vars"], dict)
    return space["build_time_vars"]


def test_only_a_tree_with_headers_is_changed() -> None:
    tree = members(DATA, "lib/python3.14/sysconfig/__init__.py", "lib/python3.14/os.py")
    assert relocated(tree) == frozenset()
    assert relocated([*tree, *members("include/python3.14/pyconfig.h")]) == {DATA}
    windows = members("include/pyconfig.h", "Lib/sysconfig/__init__.py")
    assert relocated(windows) == frozenset()


def test_paths_below_the_prefix_are_those_of_the_tree() -> None:
    here = sys.base_prefix
    assert imported(
        prefix="/install",
        INCLUDEPY="/install/include/python3.14",
        LDFLAGS="-L/install/lib -Wl,-rpath,/install/lib",
        CONFIG_ARGS="'--prefix=/install' '--with-openssl=/tools/deps'",
        OTHER="/tools/install/bin /installed",
        SIZEOF_LONG=8,
    ) == {
        "prefix": here,
        "INCLUDEPY": f"{here}/include/python3.14",
        "LDFLAGS": f"-L{here}/lib -Wl,-rpath,{here}/lib",
        "CONFIG_ARGS": f"'--prefix={here}' '--with-openssl=/tools/deps'",
        "OTHER": "/tools/install/bin /installed",
        "SIZEOF_LONG": 8,
    }


def test_the_system_s_own_prefix_is_left_alone() -> None:
    values = {"prefix": "/usr", "INSTALL": "/usr/bin/install -c", "AR": "ar"}
    assert imported(**values) == values


def test_the_compiler_is_that_of_the_machine() -> None:
    assert imported(
        CC="clang -pthread",
        CXX="/usr/bin/aarch64-linux-gnu-g++ -pthread",
        LDSHARED="/usr/bin/aarch64-linux-gnu-gcc -pthread -shared",
        LDCXXSHARED="clang++ -pthread -shared",
        LINKCC="gcc-12",
        AR="/tools/llvm/bin/llvm-ar",
        CFLAGS="-O3 -fdebug-default-version=4 -isysroot /Applications/Xcode.app/sdk -Wall",
    ) == {
        "CC": "cc -pthread",
        "CXX": "c++ -pthread",
        "LDSHARED": "cc -pthread -shared",
        "LDCXXSHARED": "c++ -pthread -shared",
        "LINKCC": "cc",
        "AR": "ar",
        "CFLAGS": "-O3 -Wall",
    }
