"""What the Go module in the source tree has for tests."""

from __future__ import annotations

import re

from pipeline.release.module_tree import TEMPLATE


def packages_with_tests(*, without: str = "") -> list[str]:
    """The packages that have tests, as paths in the module; not the modules of examples.

    Files of the system ``without`` do not count, as ``unix`` for Windows.
    """
    files = TEMPLATE.rglob("*_test.go")
    folders = {path.parent for path in files if not path.stem.endswith(f"_{without}_test")}
    names = (folder.relative_to(TEMPLATE).as_posix() for folder in folders)
    return sorted(name for name in names if not name.startswith("example/"))


def go_tests(package: str) -> set[str]:
    """The names of a package's tests, for all systems; those of the fuzzer have examples."""
    texts = (path.read_text("utf-8") for path in (TEMPLATE / package).glob("*_test.go"))
    return {
        name
        for text in texts
        for name in re.findall(r"^func ((?:Test|Fuzz)\w+)", text, re.MULTILINE)
    }
